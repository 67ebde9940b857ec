#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Seeded mutations of the digit model, as ONNX file and as package.

A mutated file either still works, and then runs a job, or gives one clear
error; it never crashes, hangs, or leaves a half-written output. `--seed=S
--count=1` repeats case S.
"""

import os
import random
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from cases import CRASH_MARKS, ROOT, Cases, require, require_one_error, run
from package import seal, sections

INTERESTING = [b"\0", b"\xff", b"\x7f", b"\x80", b"\xff\xff\xff\xff\x0f", b"\0\0\0\0",
               b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"\xff\xff\xff\xff\xff\xff\xff\xff"]


def mutate(data, rng, structure):
    """Returns a damaged copy; `structure` are the offsets worth damaging."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        at = rng.choice(structure) if structure and rng.random() < 0.8 else rng.randrange(len(data))
        kind = rng.randrange(8)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.randrange(256)
        elif kind == 2:
            value = rng.choice(INTERESTING)
            data[at:at + len(value)] = value
        elif kind == 3:
            data[at:at] = rng.randbytes(rng.randrange(1, 9))
        elif kind == 4:
            del data[at:at + rng.randrange(1, 9)]
        elif kind == 5:
            size = rng.randrange(1, 64)
            data[at:at] = data[at:at + size]
        elif kind == 6:
            other, size = rng.randrange(len(data)), rng.randrange(1, 64)
            data[at:at + size] = data[other:other + size]
        elif kind == 7 and rng.random() < 0.2:
            del data[at:]
        if not data:
            data = bytearray(b"\0")
        structure = [s for s in structure if s < len(data)]
    return bytes(data)


def structure_of(model):
    """Offsets outside the weights, where a change means something."""
    import onnx
    weights = [w.raw_data for w in onnx.load_from_string(model).graph.initializer]
    spans = [(model.index(w), len(w)) for w in weights if len(w) > 64]
    return [i for i in range(len(model))
            if not any(start + 8 <= i < start + size - 8 for start, size in spans)]


def write_npy(path, shape):
    """A file of f32 zeros."""
    header = repr({"descr": "<f4", "fortran_order": False, "shape": shape}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    count = 1
    for extent in shape:
        count *= extent
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header +
                   bytes(4 * count))


def check(done, *written):
    for mark in CRASH_MARKS:
        require(mark not in done.stderr, f"crashed: {done.stderr[-1500:]}")
    if done.returncode:
        require_one_error(done)
        for path in written:
            require(not os.path.exists(path), f"{path} is there after an error")


def main():
    cases = Cases(__doc__)
    cases.parser.add_argument("--count", type=int, default=300, help="mutations of each kind")
    cases.parser.add_argument("--seed", type=int, default=0, help="number of the first")
    cases.parser.add_argument("--kind", choices=["onnx", "package"])
    args = cases.parser.parse_args()
    compiler, runner = args.bin / "actnet-compile", args.bin / "actnet-run"
    model = (ROOT / "examples/digits/digits.onnx").read_bytes()
    shape = structure_of(model)
    taken, sessions = [], []  # models that ran, packages that got a session

    with tempfile.TemporaryDirectory() as folder:
        def onnx_case(seed):
            rng = random.Random(seed)
            source, out = f"{folder}/{seed}.onnx", f"{folder}/{seed}.out"
            with open(source, "wb") as file:
                file.write(mutate(model, rng, shape))
            # The later levels cost a second each, so most cases end at the first.
            emit = "package" if seed % 3 == 0 else "graph"
            try:
                done = run([compiler, source, f"--emit={emit}", "--dim", "N=1..4", "-o", out],
                           timeout=120)
                check(done, out)
                if emit == "package" and done.returncode == 0:
                    # What it computes is another model's affair; that it does, ours.
                    check(run([runner, out, "--threads=1"], timeout=60))
                    taken.append(seed)
            finally:
                for path in (source, out):
                    if os.path.exists(path):
                        os.unlink(path)

        def package_case(seed):
            rng = random.Random(seed)
            source, flags = f"{folder}/{seed}.actnet", ["--threads=1"]
            if seed % 2:
                # Damage behind right checksums: the reader has to see it. Such a
                # plan is not run, for it may say anything to its kernels; a third
                # gets a session, which prepares its jobs, and then an input that
                # no model takes.
                name = rng.choice([n for n in parts if not n.startswith(("code", "weights"))])
                start, size = parts[name]
                damaged = mutate(package[start:start + size], rng, [])[:size].ljust(size, b"\0")
                damaged = package[:start] + damaged + package[start + size:]
                damaged = seal(damaged, [name])
                flags = ["--threads=1", f"--input=@{wrong}"] if seed % 3 == 0 else ["--info"]
            else:
                damaged = mutate(package, rng, ends)
            with open(source, "wb") as file:
                file.write(damaged)
            try:
                done = run([runner, source, *flags], timeout=60)
                check(done)
                if "found [7, 7, 7, 7, 7, 7, 7]" in done.stderr:
                    sessions.append(seed)
            finally:
                os.unlink(source)

        def attempt(function, seed):
            try:
                function(seed)
            except Exception as problem:  # whatever it is, it belongs to this case
                return f"{type(problem).__name__}: {problem}"
            return None

        wrong = f"{folder}/wrong.npy"
        write_npy(wrong, (7,) * 7)
        kinds = []
        if args.kind != "package":
            kinds.append(("onnx", onnx_case))
        if args.kind != "onnx":
            done = run([compiler, ROOT / "examples/digits/digits.onnx", "--emit=package", "--dim",
                        "N=1..4", "-o", f"{folder}/digits.actnet"])
            if done.returncode:
                cases.record("package to mutate", done.stderr)
            else:
                package = open(f"{folder}/digits.actnet", "rb").read()
                parts = sections(package)
                # The header is at the start, the table at the end.
                ends = [*range(min(4096, len(package))),
                        *range(max(0, len(package) - 4096), len(package))]
                kinds.append(("package", package_case))
        seeds = range(args.seed, args.seed + args.count)
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            for kind, function in kinds:
                results = pool.map(lambda seed: attempt(function, seed), seeds)
                for seed, error in zip(seeds, results):
                    cases.record(f"{kind} mutation {seed}", error)
                    if (seed + 1) % 1000 == 0:
                        print(f"{kind} mutation {seed + 1}", flush=True)
        print(f"{len(taken)} mutated models ran a job, {len(sessions)} resealed packages got a "
              "session", flush=True)
        # Without these the test has shown nothing of the kind.
        if args.count >= 300:
            if args.kind != "package":
                cases.record("mutated models that run", None if taken else "there were none")
            if args.kind != "onnx":
                cases.record("resealed packages with a session",
                             None if sessions else "there were none")
    return cases.finish(args)


if __name__ == "__main__":
    sys.exit(main())
