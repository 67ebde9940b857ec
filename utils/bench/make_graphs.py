#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes graphs that are hard on the compiler itself, with references.

    make_graphs.py [-o build/models] blocks [--operations 20000] [--shapes 500]
    make_graphs.py [-o build/models] kernels [--kernels 2000]

blocks: chains of branching blocks of product, norm, elementwise and concat; the
width changes from block to block, so that there are `--shapes` widths. Each
chain is 20 blocks deep; chains start at the input and meet in a sum. Compile
with several counts to see how the time grows.

kernels: as many slices of the input, each of its own width, through its own
sequence of elementwise operations into a sum over its row: no two kernels are
equal.

Writes NAME.onnx and, with onnxruntime, NAME/input_1.npy, output_1.npy and
difference.npy, so that `check_models.py --batches 1 NAME` runs it.
Needs numpy, onnx and onnxruntime.
"""

import argparse
import itertools
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROWS, RANK, DEPTH = 8, 16, 20


class Builder:
    """Collects nodes and weights; names are made from a counter."""

    def __init__(self, seed):
        self.nodes, self.weights = [], []
        self.names = itertools.count()
        self.rng = np.random.default_rng(seed)

    def op(self, kind, *inputs, **attributes):
        out = f"v{next(self.names)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def weight(self, array):
        name = f"w{next(self.names)}"
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def normal(self, *shape, scale=1.0, mean=0.0):
        return self.weight((mean + scale * self.rng.standard_normal(shape)).astype(np.float32))

    def product(self, x, rows, columns):
        return self.op("MatMul", x, self.normal(rows, columns, scale=rows ** -0.5))

    def norm(self, x, width):
        return self.op("LayerNormalization", x, self.normal(width, scale=0.1, mean=1),
                       self.normal(width, scale=0.1), axis=-1, epsilon=1e-5)

    def model(self, name, shape_in, shape_out, result):
        self.nodes.append(helper.make_node("Identity", [result], ["output"]))
        value = helper.make_tensor_value_info
        graph = helper.make_graph(self.nodes, name,
                                  [value("input", TensorProto.FLOAT, shape_in)],
                                  [value("output", TensorProto.FLOAT, shape_out)], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def block(b, x, width, after):
    """Twenty operations: three branches, a sum, a concat, and on to `after`."""
    one = b.op("Add", b.product(x, width, RANK), b.normal(RANK, scale=0.1))
    one = b.op("Relu", b.norm(one, RANK))
    one = b.op("Add", b.product(one, RANK, width), b.normal(width, scale=0.1))
    two = b.op("Add", b.op("Mul", x, b.normal(width)), b.normal(width, scale=0.1))
    two = b.norm(b.op("Mul", x, b.op("Sigmoid", two)), width)
    three = b.op("Tanh", b.op("Sub", x, b.normal(width, scale=0.1)))
    three = b.op("Neg", three)
    joined = b.op("Concat", b.op("Add", one, two), three, axis=1)
    joined = b.product(b.norm(joined, 2 * width), 2 * width, RANK)
    return b.product(b.op("Relu", joined), RANK, after)


def blocks(operations, shapes):
    b = Builder(1)
    count = max(1, operations // 20)
    # Widths of 8 to 8 + shapes - 1, spread by a step that is prime to the count.
    widths = [8 + (i * 7919) % shapes for i in range(count)]
    last, total = 32, None
    for start in range(0, count, DEPTH):
        chain = widths[start:start + DEPTH]
        x = b.product("input", 64, chain[0])
        for width, after in zip(chain, chain[1:] + [last]):
            x = block(b, x, width, after)
        total = x if total is None else b.op("Add", total, x)
    return b.model("blocks", [ROWS, 64], [ROWS, last], total), (ROWS, 64)


def kernels(count):
    b = Builder(2)
    unary = ["Relu", "Sigmoid", "Tanh", "Abs", "Neg", "Softplus", "Erf", "Exp"]
    width = count + 8
    axes, parts = b.weight(np.array([1], np.int64)), []
    begin = b.weight(np.array([0], np.int64))
    for i in range(count):
        x = b.op("Slice", "input", begin, b.weight(np.array([i + 8], np.int64)), axes)
        # The digits of i in base 8 spell the sequence; each step stays bounded.
        for place in range(4):
            x = b.op(unary[(i >> (3 * place)) % 8], b.op("Tanh", b.op("Mul", x, b.normal())))
        parts.append(b.op("ReduceSum", x, axes, keepdims=1))
    result = b.op("Concat", *parts, axis=1)
    return b.model("kernels", [ROWS, width], [ROWS, count], result), (ROWS, width)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("build/models"))
    parser.add_argument("kind", choices=["blocks", "kernels"])
    parser.add_argument("--operations", type=int, default=20000)
    parser.add_argument("--shapes", type=int, default=500)
    parser.add_argument("--kernels", type=int, default=2000)
    args = parser.parse_args()
    if args.kind == "blocks":
        (model, shape), count = blocks(args.operations, args.shapes), args.operations
    else:
        (model, shape), count = kernels(args.kernels), args.kernels
    folder = args.output / f"{args.kind}{count}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder.with_suffix(".onnx")
    path.write_bytes(model.SerializeToString())
    print(f"{path}: {len(model.graph.node)} nodes, {path.stat().st_size / 1e6:.1f} MB")

    import onnxruntime as ort
    options = ort.SessionOptions()
    # The peer's optimiser takes minutes on these graphs; its kernels suffice.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(3)
    x, other = (rng.standard_normal(shape).astype(np.float32) for _ in range(2))
    y, z = (session.run(None, {"input": v})[0] for v in (x, other))
    np.save(folder / "input_1.npy", x)
    np.save(folder / "output_1.npy", y)
    np.save(folder / "difference.npy", np.abs(y - z).max())
    print(f"outputs up to {np.abs(y).max():.2f}, two inputs differ by {np.abs(y - z).max():.2f}")


if __name__ == "__main__":
    main()
