#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Breaks the CUDA families on purpose and looks who notices.

  utils/fuzz/mutate_kernels.py [--bin build/bin/test] [--file NAME]...
                               [--kind KIND]... [--sample N --seed S]
                               [--shard I/N] [--list] [--report FILE]
                               [--jobs N] [--match TEXT]

Each change is made alone, in a copy of kernels/cuda: a barrier or a wait for
copies removed, a comparison moved by one, either way, an index of shared memory
moved by one. The tests of the families then run the changed text on the software GPU:
first the few kernels at the borders of tiles, then, where those notice nothing,
kernels by chance. A change is noticed if a test fails (by a check of the
software GPU or by a wrong number), crashes or does not end.

Some changes do no harm: the changed text computes the same. They stand in
harmless_mutants.txt beside this script, each with the reason; kernels by chance
are not asked about them. Those that nobody notices and that do not stand there
are printed at the end.

The text reaches the tests without building them again: clang's
CCC_OVERRIDE_OPTIONS puts the changed header in front, whose include guard then
keeps the right one out. That this works is tried first, with an #error.

Exit status: 0 if all but the harmless changes were noticed, 1 if one was missed
or a harmless one was noticed, 2 if nothing can be said (the unchanged text
fails, clang is not reached, or a harmless change is no change any more).
"""
import argparse
import concurrent.futures
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KERNELS = os.path.join(ROOT, "kernels", "cuda")
TOY = os.path.join(ROOT, "kernels", "toy", "device.h")

HARMLESS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "harmless_mutants.txt")

# What runs which file: at the borders of tiles, then by chance.
KERNEL, CONTRACT = "CUDAKernelTest", "CUDAContractTest"
TESTS = {
    "attention.cuh": [(CONTRACT, "Borders.Attention"), (CONTRACT, "Contract.Attention*")],
    "element.cuh": [(CONTRACT, "Borders.Attention")],
    "map.cuh": [(KERNEL, "Borders.Map"), (KERNEL, "Families.Maps:Random.Maps:Random.Windows")],
    "matmul.cuh": [(CONTRACT, "Borders.Products"), (CONTRACT, "Contract.Products*:Contract.Conv*-*Architectures*")],
    "reduce.cuh": [(KERNEL, "Borders.Reduce"), (KERNEL, "Random.Reductions")],
    "row.cuh": [(KERNEL, "Borders.Row"), (KERNEL, "Families.Rows:Random.Rows:Random.Reductions")],
    "scatter.cuh": [(KERNEL, "*Scatter*")],
    "transpose.cuh": [(KERNEL, "Borders.Transpose"), (KERNEL, "Families.Maps:Random.Maps")],
    "vector.h": [(KERNEL, "Borders.Map:Borders.Reduce"), (KERNEL, "Random.*")],
    "warptile.cuh": [(CONTRACT, "Borders.*"), (CONTRACT, "Contract.*-*Architectures*:*Schedules*")],
}


def closing(text, at):
    """The index of the bracket that closes the one at `at`, or -1."""
    pairs = {"[": "]", "(": ")"}
    depth = 0
    for i in range(at, len(text)):
        if text[i] == text[at]:
            depth += 1
        elif text[i] == pairs[text[at]]:
            depth -= 1
            if depth == 0:
                return i
    return -1


def code_lines(text):
    """(begin, end) of each line's code, without comments and directives."""
    at = 0
    for line in text.splitlines(keepends=True):
        code = line.split("//")[0]
        if not code.lstrip().startswith(("#", "static_assert")):
            yield at, at + len(code)
        at += len(line)


def shared_names(text):
    names = set(re.findall(r"ACTNET_SHARED\(\s*[^,]+,\s*(\w+)", text))
    names |= set(re.findall(r"(\w+)\s*=[^;=]*dynamicShared<", text))
    # Pointers that are moved on from those.
    for _ in range(3):
        for name in list(names):
            names |= set(re.findall(r"\*\s*(?:const\s+)?(\w+)\s*=\s*%s\s*[+;]" % name, text))
    # What stores to shared memory takes by this name.
    names |= {"shared", "slab", "slabs"} & set(re.findall(r"\b(\w+)\s*[\[+]", text))
    return names


class Mutation:
    def __init__(self, file, kind, begin, end, replacement, text):
        self.file, self.kind = file, kind
        self.begin, self.end, self.replacement = begin, end, replacement
        self.line = text.count("\n", 0, begin) + 1
        first = text.rfind("\n", 0, begin) + 1
        self.what = text[first:text.find("\n", begin)].strip()
        self.was = text[begin:end]

    def key(self):
        """Says what is changed, without line numbers, which move."""
        return "%s | %s | %s -> %s | %s" % (self.file, self.kind, self.was, self.replacement, self.what)

    def __str__(self):
        return "%s:%d: %s: '%s' -> '%s' in: %s" % (
            self.file, self.line, self.kind, self.was, self.replacement, self.what)


def mutations(file, text):
    found = []

    def add(kind, begin, end, replacement):
        found.append(Mutation(file, kind, begin, end, replacement, text))

    names = shared_names(text)
    for begin, end in code_lines(text):
        code = text[begin:end]
        declares = "ACTNET_DEVICE" in code or "ACTNET_SHARED" in code
        for m in re.finditer(r"\b(?:(?:warpB|b)arrier|barrierOfPart<[^;]*?>)\(\)", code):
            add("barrier", begin + m.start(), begin + m.end(), "((void)0)")
        for m in re.finditer(r"\bwaitCopies<[^;]*?>\(\)", code):
            add("wait", begin + m.start(), begin + m.end(), "((void)0)")
        if not declares:
            for m in re.finditer(r"(?<=[\w)\]]) (<=|>=|<|>) (?=[\w(-])", code):
                moved = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}[m.group(1)]
                add("bound", begin + m.start(1), begin + m.end(1), moved)
                other = {"<": "< -1 +", "<=": "<= 1 +", ">": "> 1 +", ">=": ">= -1 +"}[m.group(1)]
                # A loop of whole steps ends where it did.
                if not re.search(r"for \(int \w+ = [01];.*; \w+ [+*]= (?:\d+|kRun)\)", code):
                    add("bound", begin + m.start(1), begin + m.end(1), other)
            for name in names:
                for m in re.finditer(r"\b%s\[" % name, code):
                    at = begin + m.end() - 1
                    close = closing(text, at)
                    if close > 0:
                        inner = text[at + 1:close]
                        add("index", at + 1, close, "(%s) + 1" % inner)
                for m in re.finditer(r"(?<![\w.*&] )(?<!\*)\b%s \+ " % name, code):
                    add("index", begin + m.start(), begin + m.end(), "%s + 1 + " % name)
        for m in re.finditer(r"\b(copyAsync16|loadMatrix4(?:Transposed)?)\(", code):
            if declares:
                continue
            at = begin + m.end() - 1
            close = closing(text, at)
            arguments, depth, start = [], 0, at + 1
            for i in range(at + 1, close + 1):
                if text[i] in "([":
                    depth += 1
                elif text[i] in ")]" and i < close:
                    depth -= 1
                elif (text[i] == "," and depth == 0) or i == close:
                    arguments.append((start, i))
                    start = i + 1
            # The one in shared memory; a whole vector on, so that it is aligned.
            first, last = arguments[0 if m.group(1) == "copyAsync16" else 1]
            inner = text[first:last].strip()
            add("index", first, last,
                " (%s) + 16 / static_cast<int>(sizeof(*(%s)))" % (inner, inner)
                if m.group(1) != "copyAsync16" else "static_cast<u8 *>(%s) + 16" % inner)
    return found


class Runner:
    def __init__(self, binaries, limit):
        self.binaries, self.limit = binaries, limit

    def run(self, file, text, stages):
        """(passed, seconds, first complaint) of the tests with `text` as the file."""
        folder = tempfile.mkdtemp(prefix="actnet-mutant-")
        try:
            for name in os.listdir(KERNELS):
                if name != "device.h":
                    shutil.copy(os.path.join(KERNELS, name), folder)
            shutil.copy(TOY, os.path.join(folder, "device.h"))
            path = os.path.join(folder, file)
            with open(path, "w") as out:
                out.write(text)
            environment = dict(os.environ, ACTNET_CACHE="off", GTEST_BRIEF="1",
                               CCC_OVERRIDE_OPTIONS="# ^%s ^-include +-w" % path)
            begin = time.time()
            for binary, cases in stages:
                command = [os.path.join(self.binaries, binary), "--gtest_filter=" + cases,
                           "--gtest_fail_fast"]
                try:
                    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE,
                                          stderr=subprocess.STDOUT, text=True, errors="replace",
                                          timeout=self.limit)
                except subprocess.TimeoutExpired:
                    return False, time.time() - begin, "does not end"
                if done.returncode:
                    return False, time.time() - begin, complaint(done.stdout)
            return True, time.time() - begin, ""
        finally:
            shutil.rmtree(folder)


def complaint(output):
    for pattern in (r"kernel '.*", r"error: .*", r".*(?:expected|want|differs|off by).*", r".*Failure.*"):
        m = re.search(pattern, output)
        if m:
            return m.group(0).strip()[:200]
    return (output.strip().splitlines() or ["crash"])[-1][:200]


def harmless():
    """{key: reason}; a key that stands for several places is numbered #2, #3 …"""
    found, reason = {}, []
    if not os.path.exists(HARMLESS):
        return found
    for line in open(HARMLESS):
        line = line.rstrip("\n")
        if line.startswith("# "):
            reason.append(line[2:])
        elif line.strip() and not line.startswith("#"):
            found[line] = " ".join(reason)
            continue
        if not line.strip():
            reason = []
    return found


def numbered(mutations):
    """Each with its key, of which those that are alike are told apart."""
    seen = {}
    for m in mutations:
        key = m.key()
        seen[key] = seen.get(key, 0) + 1
        m.name = key if seen[key] == 1 else "%s | #%d" % (key, seen[key])
    return mutations


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "bin", "test"))
    parser.add_argument("--file", action="append", default=[])
    parser.add_argument("--kind", action="append", default=[],
                        choices=["barrier", "wait", "bound", "index"])
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cases", type=int, help="kernels by chance for each family (ACTNET_CUDA_CASES)")
    parser.add_argument("--shard", default="0/1", help="I/N: every Nth change from the Ith on")
    parser.add_argument("--match", default="", help="only changes whose line holds this text")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--report")
    options = parser.parse_args()

    texts = {name: open(os.path.join(KERNELS, name)).read() for name in sorted(os.listdir(KERNELS))
             if name.endswith((".cuh", ".h")) and name not in ("device.h", "scalar.h")}
    for name in options.file:
        if name not in texts:
            sys.exit("mutate_kernels.py: no family file '%s' in %s" % (name, KERNELS))
    known = harmless()
    all_changes = [m for name, text in texts.items() for m in numbered(mutations(name, text))]
    gone = sorted(set(known) - {m.name for m in all_changes})
    if gone:
        print("mutate_kernels.py: %s names what is no change any more:\n  %s"
              % (os.path.basename(HARMLESS), "\n  ".join(gone)), file=sys.stderr)
        return 2
    chosen = [m for m in all_changes if (not options.file or m.file in options.file)
              and (not options.kind or m.kind in options.kind)]
    chosen = [m for m in chosen if options.match in str(m)]
    part, parts = map(int, options.shard.split("/"))
    chosen = chosen[part::parts]
    if options.sample and options.sample < len(chosen):
        chosen = random.Random(options.seed).sample(chosen, options.sample)
    if options.list:
        print("\n".join("%s%s" % (m, " [harmless]" if m.name in known else "") for m in chosen))
        print("%d changes" % len(chosen))
        return 0

    if options.cases:
        os.environ["ACTNET_CUDA_CASES"] = str(options.cases)
    runner = Runner(options.bin, 3600)
    slowest = 0
    for name in sorted({m.file for m in chosen}):
        if name not in TESTS:
            sys.exit("mutate_kernels.py: no tests are named for %s" % name)
        passed, seconds, said = runner.run(name, texts[name], TESTS[name])
        if not passed:
            print("mutate_kernels.py: %s fails unchanged: %s" % (name, said), file=sys.stderr)
            return 2
        reached = runner.run(name, "#error changed\n" + texts[name], TESTS[name][:1])
        if reached[0] or "changed" not in reached[2]:
            print("mutate_kernels.py: the tests do not compile the changed %s" % name, file=sys.stderr)
            return 2
        print("%s unchanged: passes in %.0f s" % (name, seconds), flush=True)
        slowest = max(slowest, seconds)
    # What takes so much longer does not end.
    runner.limit = max(30, 5 * options.jobs * slowest)

    def judge(mutation):
        text = texts[mutation.file]
        changed = text[:mutation.begin] + mutation.replacement + text[mutation.end:]
        stages = TESTS[mutation.file]
        return mutation, runner.run(mutation.file, changed,
                                    stages[:1] if mutation.name in known else stages)

    missed, equal, stale, refused, lines = [], [], [], [], []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for mutation, (passed, seconds, said) in pool.map(judge, chosen):
            if "error: " in said[:7]:
                refused.append(mutation)  # does not compile: says nothing
                verdict = "refused: " + said
            elif passed and mutation.name in known:
                equal.append(mutation)
                verdict = "harmless: " + known[mutation.name]
            elif passed:
                missed.append(mutation)
                verdict = "MISSED"
            else:
                verdict = "noticed: " + said
                if mutation.name in known:
                    stale.append(mutation)
                    verdict = "noticed, but listed as harmless: " + said
            lines.append("%s\n    %s (%.0f s)" % (mutation, verdict, seconds))
            print(lines[-1], flush=True)
    judged = len(chosen) - len(refused)
    noticed = judged - len(missed) - len(equal)
    share = 100.0 * noticed / judged if judged else 0.0
    harmful = judged - len(equal)
    lines += ["missed: %s" % m.name for m in missed]
    print("\n".join(lines[len(lines) - len(missed):] if missed else []))
    summary = ("%d changes, %d do not compile, %d noticed, %d harmless, %d missed: %.1f %% of all, "
               "%.1f %% of those that do harm" % (
                   len(chosen), len(refused), noticed, len(equal), len(missed), share,
                   100.0 * noticed / harmful if harmful else 0.0))
    print(summary)
    if options.report:
        with open(options.report, "w") as out:
            out.write("\n".join(lines) + "\n" + summary + "\n")
    return 1 if missed or stale else 0


if __name__ == "__main__":
    sys.exit(main())
