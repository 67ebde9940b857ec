#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures compiled models beside onnxruntime: latency, interleaved.

    bench.py [--models build/models] [--batches 1,8] [--threads 2] [MODEL ...]

For each model and batch, one process holds both: onnxruntime with all graph
optimisations and the compiled package, the same inputs, the same number of
threads, outputs in buffers made beforehand. They run in turns, so a slow minute
of the machine hits both. Their outputs are compared in that process, before and
after the timing. Only the ratios mean something on a shared machine.

Prints a Markdown table; --json=FILE also writes the figures. Fails if a model
differs by more than 1e-4 of what another input changes.
Needs utils/bench/requirements.txt and the files of models.py.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import compare

MODELS = ["resnet50", "mobilenet_v2", "densenet121", "efficientnet_b0", "bert_base", "vit_b_16",
          "gpt2"]


def measure(model, package, batch, threads, seconds):
    """Runs both in this process; returns the figures of one row."""
    import numpy as np
    import onnxruntime as ort
    import actnet

    folder = model.with_suffix("")
    x = np.load(folder / f"input_{batch}.npy")
    difference = float(np.load(folder / "difference.npy"))
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    peer = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    binding = peer.io_binding()
    given = ort.OrtValue.ortvalue_from_numpy(x)
    expected = np.zeros_like(np.load(folder / f"output_{batch}.npy"))
    result = ort.OrtValue.ortvalue_from_numpy(expected)
    binding.bind_ortvalue_input(peer.get_inputs()[0].name, given)
    binding.bind_ortvalue_output(peer.get_outputs()[0].name, result)

    session = actnet.Session(package, threads=threads, dims={"N": (1, batch)})
    session.bind_input(0, x)
    y, = session.bind_outputs()
    ours, theirs = session.run, lambda: peer.run_with_iobinding(binding)

    def error():
        y.fill(np.nan)
        ours()
        theirs()
        return float(np.abs(y - result.numpy()).max()) / difference

    worst = error()
    times = compare.interleave([ours, theirs], seconds)
    worst = float(np.max([worst, error()]))
    row = {"model": model.stem, "batch": batch, "actnet_ms": compare.median_ms(times[0]),
           "onnxruntime_ms": compare.median_ms(times[1]), "rounds": len(times[0]),
           "error": worst, "peer": ort.__version__}
    row["ratio"] = row["onnxruntime_ms"] / row["actnet_ms"]
    session.close()
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=pathlib.Path, default=compare.ROOT / "build/models")
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=8, help="timing of one row, at least")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", metavar="MODEL", help=", ".join(MODELS))
    args = parser.parse_args()
    if args.child:
        model, package, batch = args.child
        row = measure(pathlib.Path(model), package, int(batch), args.threads, args.seconds)
        print(json.dumps(row))
        return 0

    rows, failed = [], False
    for name in args.names or MODELS:
        model = args.models / f"{name}.onnx"
        if not model.exists():
            sys.exit(f"bench.py: {model} does not exist; utils/bench/models.py makes it")
        package = compare.ROOT / f"build/bench/{name}.actnet"
        compare.compile_model(model, package, "--dim", "N=1..8")
        for batch in args.batches.split(","):
            done = subprocess.run(
                [sys.executable, __file__, "--threads", str(args.threads), "--seconds",
                 str(args.seconds), "--child", str(model), str(package), batch],
                stdout=subprocess.PIPE, text=True)
            if done.returncode:
                print(f"{name} batch {batch}: failed ({done.returncode})", file=sys.stderr)
                failed = True
                continue
            row = json.loads(done.stdout.splitlines()[-1])
            rows.append(row)
            print(f"{name} batch {batch}: {row['actnet_ms']:.2f} ms, onnxruntime "
                  f"{row['onnxruntime_ms']:.2f} ms, ratio {row['ratio']:.2f}, "
                  f"error {row['error']:.1e} of another input's difference",
                  file=sys.stderr, flush=True)
            if not row["error"] <= 1e-4:
                print(f"{name} batch {batch}: the outputs differ", file=sys.stderr)
                failed = True
    if rows:
        print(table(rows, args.threads))
        if args.json:
            args.json.write_text(json.dumps({"machine": compare.machine(), "rows": rows}, indent=1))
    return 1 if failed else 0


def table(rows, threads):
    """Formats the rows as Markdown, with the geometric mean of the ratios."""
    lines = [f"{compare.machine()}, onnxruntime {rows[0]['peer']}, {threads} threads, f32; "
             "median latency of interleaved runs; ratio is onnxruntime's time over actnet's.", "",
             "| model | batch | actnet ms | onnxruntime ms | ratio | error |",
             "|---|---|---|---|---|---|"]
    for row in rows:
        lines.append(f"| {row['model']} | {row['batch']} | {row['actnet_ms']:.2f} | "
                     f"{row['onnxruntime_ms']:.2f} | {row['ratio']:.2f} | {row['error']:.0e} |")
    mean = compare.geometric_mean([row["ratio"] for row in rows])
    lines.append(f"| geometric mean | | | | {mean:.2f} | |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
