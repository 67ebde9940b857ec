#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures what compiling costs: time, memory, and how both grow.

    compile.py [--models build/models] [CASE ...]

Cases (all, if none is named; one whose model is absent is skipped with the
command that makes it):

    resnet50   one variant, under 15 s
    blocks     5000, 10000, 20000 operations; the last under 60 s, growth near linear
    kernels    2000 different kernels: reported
    big500     memory under 1.5 times the model
    big5000    external data: reported
    digits     the small program: process start to first output, under 20 ms

Prints a Markdown table. Exits with 1 if a limit is missed.
"""

import argparse
import pathlib
import statistics
import subprocess
import sys

import compare
from check_models import measured, weight_bytes

BLOCKS = (5000, 10000, 20000)


class Table:
    def __init__(self):
        self.missed = 0
        print(f"{compare.machine()}\n")
        print("| case | seconds | memory MB | memory / model | program MB | limit |")
        print("|---|---|---|---|---|---|", flush=True)

    def row(self, name, report, model, program, limit="", good=True):
        self.missed += not good
        memory, weights = report["max_rss_bytes"], weight_bytes(model)
        print(f"| {name} | {report['seconds']:.1f} | {memory / 1e6:.0f} | {memory / weights:.2f} | "
              f"{program.stat().st_size / 1e6:.1f} | {limit}{'' if good else ' MISSED'} |",
              flush=True)


def compile_case(args, name, *flags):
    """Returns (report, model, program), or None if the model is not there."""
    model = args.models / f"{name}.onnx"
    if not model.exists():
        return None
    program = compare.ROOT / f"build/bench/{name}"
    program.parent.mkdir(parents=True, exist_ok=True)
    report, _, errors = measured([args.compiler, model, "-o", program, *flags])
    if report["status"]:
        print(f"compile.py: {name}: status {report['status']}: {errors[-500:]}", file=sys.stderr)
        return None
    return report, model, program


def start_times(args, table):
    """The digit program: wall time of the whole process, which prints its output."""
    model = compare.ROOT / "examples/digits/digits.onnx"
    program = compare.ROOT / "build/bench/digits"
    program.parent.mkdir(parents=True, exist_ok=True)
    report, _, errors = measured([args.compiler, model, "-o", program, "--dim", "N=1..8"])
    if report["status"]:
        sys.exit(f"compile.py: digits: {errors[-500:]}")
    table.row("digits", report, model, program)
    times = []
    for _ in range(30):
        times.append(compare.timed(lambda: subprocess.run(
            [program, "--threads=2"], check=True, stdout=subprocess.DEVNULL)))
    median = 1e3 * statistics.median(times)
    table.missed += median >= 20
    print(f"| digits: start to end of process | {median / 1e3:.4f} | | | | under 0.020"
          f"{'' if median < 20 else ' MISSED'} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=pathlib.Path, default=compare.ROOT / "build/models")
    parser.add_argument("--compiler", type=pathlib.Path,
                        default=compare.ROOT / "build/bin/actnet-compile")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    known = ["resnet50", "blocks", "kernels", "big500", "big5000", "digits"]
    for case in args.cases:
        if case not in known:
            parser.error(f"no case '{case}'; there are {', '.join(known)}")
    wanted = args.cases or known
    table = Table()
    absent = lambda name, command: print(f"compile.py: no {name}; {command} makes it",
                                         file=sys.stderr)
    if "resnet50" in wanted:
        done = compile_case(args, "resnet50", "--dim", "N=1..8", "--target=host:x86-64-v4")
        if done:
            table.row("resnet50, one variant", *done, "15 s", done[0]["seconds"] < 15)
        else:
            absent("resnet50", "utils/bench/models.py resnet50")
    if "blocks" in wanted:
        rates = []
        for count in BLOCKS:
            done = compile_case(args, f"blocks{count}", "--target=host:x86-64-v4")
            if not done:
                absent(f"blocks{count}", f"utils/bench/make_graphs.py blocks --operations {count}")
                continue
            rates.append(done[0]["seconds"] / count)
            last = count == BLOCKS[-1]
            good = not last or (done[0]["seconds"] < 60 and rates[-1] < 1.5 * rates[0])
            table.row(f"blocks, {count} operations", *done,
                      "60 s, at most 1.5 times the first's time an operation" if last else "", good)
    if "kernels" in wanted:
        done = compile_case(args, "kernels2000", "--target=host:x86-64-v4")
        if done:
            table.row("2000 different kernels", *done)
        else:
            absent("kernels2000", "utils/bench/make_graphs.py kernels")
    for size, extra in ((500, ""), (5000, " --external")):
        if f"big{size}" in wanted:
            done = compile_case(args, f"big{size}", "--dim", "N=1..8")
            if done:
                good = size != 500 or done[0]["max_rss_bytes"] < 1.5 * weight_bytes(done[1])
                table.row(f"big{size}", *done, "1.5 times the model" if size == 500 else "", good)
                done[2].unlink()
            else:
                absent(f"big{size}", f"utils/bench/make_big.py --megabytes {size}{extra}")
    if "digits" in wanted:
        start_times(args, table)
    return 1 if table.missed else 0


if __name__ == "__main__":
    sys.exit(main())
