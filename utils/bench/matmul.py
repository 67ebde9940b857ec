#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures the f32 matrix product beside torch: one thread, interleaved.

    matmul.py [--sizes 256,384,512,768,1024,1536,2048] [--seconds 4]

Both factors are inputs, so neither side packs anything beforehand. "kernel" is
the job alone, on what its slot of the ring holds; "with copies" also moves the
inputs in and the output out, which torch need not do. The ratio is torch's time
over the kernel's. Outputs are compared. Needs utils/bench/requirements.txt.
"""

import argparse
import os
import sys

os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper

import actnet
import compare


def model(path):
    """Writes C = A B with all three dims free."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["A", "B"], ["C"])], "matmul",
        [value("A", TensorProto.FLOAT, ["M", "K"]), value("B", TensorProto.FLOAT, ["K", "N"])],
        [value("C", TensorProto.FLOAT, ["M", "N"])])
    written = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(written.SerializeToString())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", default="256,384,512,768,1024,1536,2048")
    parser.add_argument("--seconds", type=float, default=4)
    args = parser.parse_args()
    torch.set_num_threads(1)
    sizes = [int(s) for s in args.sizes.split(",")]
    path = compare.ROOT / "build/bench/matmul.onnx"
    model(path)
    print(f"{compare.machine()}, torch {torch.__version__}, 1 thread, f32, GFLOP/s\n")
    print("| n | actnet kernel | with copies | torch | ratio | error |\n|---|---|---|---|---|---|")
    failed, ratios = False, []
    for n in sizes:
        package = path.with_name(f"matmul{n}.actnet")
        compare.compile_model(path, package, *[a for d in "MKN" for a in ("--dim", f"{d}={n}")])
        rng = np.random.default_rng(n)
        a, b = (rng.standard_normal((n, n)).astype(np.float32) for _ in range(2))
        session = actnet.Session(package, threads=1)
        session.bind_input(0, a)
        session.bind_input(1, b)
        y, = session.bind_outputs()
        session.run()
        ta, tb, tc = torch.from_numpy(a), torch.from_numpy(b), torch.empty(n, n)
        with torch.no_grad():
            theirs = lambda: torch.mm(ta, tb, out=tc)
            theirs()
            exact = a.astype(np.float64) @ b.astype(np.float64)
            # The bound of n products in f32, added one after the other.
            bound = n * 2**-24 * (np.abs(a).astype(np.float64) @ np.abs(b)).max()
            error = np.abs(y - exact).max() / bound
            times = compare.interleave([session.run_no_transfers, session.run, theirs],
                                       args.seconds)
        kernel, copies, peer = (2e-6 * n**3 / compare.median_ms(t) for t in times)
        ratios.append(kernel / peer)
        failed |= not error <= 1
        print(f"| {n} | {kernel:.1f} | {copies:.1f} | {peer:.1f} | {kernel / peer:.2f} | "
              f"{error:.1e} of the bound |", flush=True)
        session.close()
    print(f"| geometric mean | | | | {compare.geometric_mean(ratios):.2f} | |")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
