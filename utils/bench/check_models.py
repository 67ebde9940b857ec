#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles models to programs and holds these to what actnet promises.

    check_models.py [--models build/models] [--batches 1,3,8] [--threads 1,2,3] [MODEL ...]

For each MODEL.onnx with its references (models.py and make_big.py write both):

    compile   seconds, largest resident memory, size of the program, which must
              stay within 1.1 times the ONNX file (and its data) plus 10 MB
    error     largest difference to onnxruntime for each N, as a part of what
              another input changes; at most 1e-4
    bits      outputs for every number of threads are the same to the bit
    memory    observed <= promised, and the process' high-water mark <= promised
              + input files + 16 MiB

Needs numpy only; the peer's outputs are files. Exits with 1 if anything fails.
"""

import argparse
import filecmp
import json
import pathlib
import subprocess
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ["resnet50", "mobilenet_v2", "densenet121", "efficientnet_b0", "bert_base", "vit_b_16",
          "gpt2"]
MIB = 1 << 20


def measured(command):
    """Runs a command under measure.py; returns (report, stdout, stderr)."""
    report = ROOT / "build/bench/measure.json"
    done = subprocess.run(
        ["/usr/bin/python3", "-S", "-E", str(pathlib.Path(__file__).with_name("measure.py")),
         str(report), *map(str, command)], capture_output=True, text=True)
    return json.loads(report.read_text()), done.stdout, done.stderr.strip()


class Checks:
    def __init__(self):
        self.failed = 0

    def say(self, good, text):
        self.failed += not good
        print(("  " if good else "  FAILED ") + text, flush=True)


def weight_bytes(model):
    data = model.with_suffix(".bin")
    return model.stat().st_size + (data.stat().st_size if data.exists() else 0)


def check(model, args, checks):
    print(f"{model.stem}:", flush=True)
    program = ROOT / "build/bench" / model.stem
    program.parent.mkdir(parents=True, exist_ok=True)
    upper = max(args.batches)
    # What make_graphs.py writes has no dynamic dim.
    dims = [] if model.stem.startswith(("blocks", "kernels")) else ["--dim", f"N=1..{upper}"]
    report, _, errors = measured([args.compiler, model, "-o", program, *dims])
    if report["status"]:
        checks.say(False, f"compile: status {report['status']}: {errors[-600:]}")
        return
    size, weights = program.stat().st_size, weight_bytes(model)
    checks.say(size <= 1.1 * weights + 10e6,
               f"compile: {report['seconds']:.1f} s, {report['max_rss_bytes'] / 1e6:.0f} MB "
               f"({report['max_rss_bytes'] / weights:.2f} of the model), program "
               f"{size / 1e6:.1f} MB ({size / weights:.2f} of the model)")
    folder = model.with_suffix("")
    difference = float(np.load(folder / "difference.npy"))
    for batch in args.batches:
        source = folder / f"input_{batch}.npy"
        files = []
        for threads in args.threads:
            out = ROOT / f"build/bench/{model.stem}.{batch}.{threads}.npy"
            out.unlink(missing_ok=True)
            report, text, errors = measured(
                [program, "--input", f"@{source}", "--output", f"@{out}",
                 f"--threads={threads}", "--json"])
            if report["status"]:
                checks.say(False, f"N={batch} threads={threads}: status {report['status']}: "
                                  f"{errors[-300:]}")
                continue
            files.append(out)
            memory = json.loads(text.splitlines()[-1])["memory"]
            promised, observed = memory["promised_bytes"], memory["observed_bytes"]
            allowed = (promised or 0) + source.stat().st_size + 16 * MIB
            peak = report["max_rss_bytes"]
            checks.say(promised is not None and observed <= promised and peak <= allowed,
                       f"N={batch} threads={threads}: promised {(promised or 0) / 1e6:.1f} MB, "
                       f"observed {observed / 1e6:.1f} MB, high-water mark {peak / 1e6:.1f} of "
                       f"{allowed / 1e6:.1f} MB, scratch {memory.get('peak_bytes', 0) / 1e6:.1f} MB "
                       f"(bound {memory.get('lower_bound_bytes', 0) / 1e6:.1f})")
        if not files:
            continue
        y = np.load(files[0], mmap_mode="r")
        expected = np.load(folder / f"output_{batch}.npy", mmap_mode="r")
        if y.shape != expected.shape or y.dtype != expected.dtype:
            checks.say(False, f"N={batch}: got {y.dtype}{list(y.shape)}, expected "
                              f"{expected.dtype}{list(expected.shape)}")
        else:
            error = float(np.abs(y - expected).max()) / difference
            checks.say(error <= args.tolerance, f"N={batch}: error {error:.1e} of what another input changes")
        same = all(filecmp.cmp(files[0], f, shallow=False) for f in files[1:])
        checks.say(same, f"N={batch}: {len(files)} thread counts, "
                         f"{'the same bits' if same else 'the outputs differ'}")
        if not args.keep:
            for f in files:
                f.unlink()


def main():
    numbers = lambda text: [int(n) for n in text.split(",")]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=pathlib.Path, default=ROOT / "build/models")
    parser.add_argument("--compiler", type=pathlib.Path, default=ROOT / "build/bin/actnet-compile")
    parser.add_argument("--batches", type=numbers, default=[1, 3, 8])
    parser.add_argument("--threads", type=numbers, default=[1, 2, 3])
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--keep", action="store_true", help="keep the outputs in build/bench")
    parser.add_argument("names", nargs="*", metavar="MODEL", help=", ".join(MODELS))
    args = parser.parse_args()
    checks = Checks()
    for name in args.names or MODELS:
        model = args.models / f"{name}.onnx"
        if not model.exists():
            sys.exit(f"check_models.py: {model} does not exist; utils/bench/models.py makes it")
        check(model, args, checks)
    print("all right" if not checks.failed else f"{checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
