#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes large models, to see what they cost to compile and run.

    make_big.py [-o build/models] [--megabytes 500] [--external]

A chain of 2048-wide linear layers, x W + b, of random weights: BIG.onnx with all
weights inside (below 2 GB), or with --external beside it in BIG.bin, of any size
(--megabytes 5000). BIG/ gets input_1.npy, output_1.npy (computed here in f64)
and difference.npy, so that `check_models.py --batches 1 BIG` runs it.
Needs numpy and onnx. Weights are written layer by layer, never held together.
"""

import argparse
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH = 2048
PAGE = 4096


def layer(index):
    """Returns weight [WIDTH, WIDTH] and bias [WIDTH] of one layer, always the same."""
    rng = np.random.default_rng(index)
    # The standard deviation keeps the length of x from layer to layer.
    weight = rng.standard_normal((WIDTH, WIDTH), np.float32) * np.float32(WIDTH ** -0.5)
    return weight, rng.standard_normal(WIDTH, np.float32) * np.float32(0.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("build/models"))
    parser.add_argument("--megabytes", type=int, default=500)
    parser.add_argument("--external", action="store_true")
    args = parser.parse_args()
    layers = round(args.megabytes * 1e6 / (WIDTH * WIDTH * 4))
    if layers < 1 or (args.megabytes >= 1900 and not args.external):
        parser.error("an ONNX file holds less than 2 GB; use --external")
    name = f"big{args.megabytes}"
    args.output.mkdir(parents=True, exist_ok=True)
    folder = args.output / name
    folder.mkdir(exist_ok=True)
    path = args.output / f"{name}.onnx"
    data = open(path.with_suffix(".bin"), "wb") if args.external else None

    rng = np.random.default_rng(99)
    x = rng.standard_normal((1, WIDTH)).astype(np.float32)
    other = rng.standard_normal((1, WIDTH)).astype(np.float32)
    y = np.concatenate([x, other]).astype(np.float64)

    nodes, initializers, value = [], [], "input"
    for i in range(layers):
        weight, bias = layer(i)
        y = y @ weight + bias
        if data:
            tensor = TensorProto(name=f"weight{i}", data_type=TensorProto.FLOAT, dims=weight.shape,
                                 data_location=TensorProto.EXTERNAL)
            data.write(b"\0" * (-data.tell() % PAGE))
            for key, text in (("location", path.with_suffix(".bin").name),
                              ("offset", str(data.tell())), ("length", str(weight.nbytes))):
                tensor.external_data.add(key=key, value=text)
            weight.tofile(data)
        else:
            tensor = numpy_helper.from_array(weight, f"weight{i}")
        initializers += [tensor, numpy_helper.from_array(bias, f"bias{i}")]
        nodes.append(helper.make_node("MatMul", [value, f"weight{i}"], [f"product{i}"]))
        value = "output" if i == layers - 1 else f"sum{i}"
        nodes.append(helper.make_node("Add", [f"product{i}", f"bias{i}"], [value]))
        if i % 50 == 49:
            print(f"layer {i + 1} of {layers}", file=sys.stderr)
    describe = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, name, [describe("input", TensorProto.FLOAT, ["N", WIDTH])],
                              [describe("output", TensorProto.FLOAT, ["N", WIDTH])], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    if data:
        data.close()
    np.save(folder / "input_1.npy", x)
    np.save(folder / "output_1.npy", y[:1].astype(np.float32))
    np.save(folder / "difference.npy", np.float32(np.abs(y[0] - y[1]).max()))
    print(f"{path}: {layers} layers")


if __name__ == "__main__":
    main()
