#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models whose dims meet: a slice of a table beside its input, windows, reshapes
that must divide, caches. Each is compiled without `--dim` (where that is possible),
with bounds, and with every dim fixed, and gives what onnxruntime gives. Extents
that a node cannot take end in one line that names it, before anything runs.
"""

import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cases import Cases, require, require_one_error, require_success, run

F32 = TensorProto.FLOAT
node = helper.make_node


def ints(*values):
    return np.array(values, np.int64)


def random(*shape):
    return np.random.default_rng(sum(shape) + 7).standard_normal(shape).astype("f4")


class Model:
    def __init__(self, name, nodes, inputs, weights, outputs, sizes, refused=(), dynamic=True):
        """inputs: name to shape, with names of dims; sizes: a dict of dims for each run;
        refused: pairs of such a dict and what the error says; dynamic: whether it compiles
        without numbers for its dims."""
        self.name, self.nodes, self.inputs, self.weights = name, nodes, inputs, weights
        self.outputs, self.sizes, self.refused, self.dynamic = outputs, sizes, refused, dynamic

    def write(self, path):
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes, self.name, [value(k, F32, s) for k, s in self.inputs.items()],
            [onnx.ValueInfoProto(name=o) for o in self.outputs],
            [numpy_helper.from_array(np.asarray(v), k) for k, v in self.weights.items()])
        opset = helper.make_opsetid("", 18)
        onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)

    def feeds(self, dims):
        return {k: random(*(dims.get(d, d) for d in s)) for k, s in self.inputs.items()}

    def flags(self):
        """Bounds of --dim to compile with, and the runs that fit them."""
        if self.dynamic:
            yield [], self.sizes
            widest = {d: max(s[d] for s in self.sizes) for d in self.sizes[0]}
            least = {d: min(1, *(s[d] for s in self.sizes)) for d in self.sizes[0]}
            yield [f"--dim={d}={least[d]}..{n}" for d, n in widest.items()], self.sizes
        for sizes in self.sizes:
            yield [f"--dim={d}={n}" for d, n in sizes.items()], [sizes]

    def start(self, options, folder, dims):
        flags = []
        for k, v in self.feeds(dims).items():
            np.save(f"{folder}/{k}.npy", v)
            flags += ["--input", f"{k}=@{folder}/{k}.npy"]
        for o in self.outputs:
            flags += ["--output", f"{o}=@{folder}/{o}.npy"]
        return [options.bin / "actnet-run", f"{folder}/model.actnet", "--threads=2", *flags]

    def compile(self, options, folder, flags):
        require_success([options.bin / "actnet-compile", f"{folder}/model.onnx", "--emit=package",
                         "-o", f"{folder}/model.actnet", f"--target={options.target}", *flags])

    def check(self, folder, options):
        import onnxruntime as ort
        self.write(f"{folder}/model.onnx")
        peer = ort.InferenceSession(f"{folder}/model.onnx", providers=["CPUExecutionProvider"])
        for flags, runs in self.flags():
            # A bound of 0 is the user's to give: without it a dim is at least 1.
            runs = [s for s in runs if flags or min(s.values()) > 0]
            self.compile(options, folder, flags)
            for dims in runs:
                require_success(self.start(options, folder, dims))
                for o, want in zip(self.outputs, peer.run(None, self.feeds(dims))):
                    have = np.load(f"{folder}/{o}.npy")
                    where = f"{' '.join(flags) or 'no --dim'}, {dims}: {o}"
                    require(have.dtype == want.dtype and have.shape == want.shape,
                            f"{where} is {have.dtype}{list(have.shape)}, onnxruntime's is "
                            f"{want.dtype}{list(want.shape)}")
                    require(np.allclose(have, want, rtol=1e-4, atol=1e-5), f"{where} differs")
        if self.refused:
            self.compile(options, folder, [])
        for dims, text in self.refused:
            done = run(self.start(options, folder, dims))
            require_one_error(done)
            require(text in done.stderr, f"{dims}: expected '{text}', found '{done.stderr}'")


SHAPE = [node("Shape", ["x"], ["sh"]), node("Gather", ["sh", "one"], ["S"])]
SIZES = [{"B": 2, "S": 16}, {"B": 1, "S": 1}, {"B": 3, "S": 64}]
TOO_LONG = [({"B": 1, "S": 65}, "S is at most 64: expected 64 or less, found 65; S = 65")]


def tables():
    x = {"x": ["B", "S", 8]}
    yield Model("pos", [*SHAPE, node("Slice", ["pos", "zero", "S", "zero"], ["p"]),
                        node("Add", ["x", "p"], ["y"], name="sum")], x,
                {"pos": random(64, 8), "zero": ints(0), "one": ints(1)}, ["y"], SIZES,
                [(dims, f"'sum' (Add): {text}") for dims, text in TOO_LONG])
    yield Model("position_ids", [*SHAPE, node("Slice", ["ids", "zero", "S", "one"], ["p"]),
                                 node("Gather", ["pos", "p"], ["e"]), node("Add", ["x", "e"], ["y"]),
                                 node("Mul", ["y", "e"], ["z"])], x,
                {"pos": random(64, 8), "zero": ints(0), "one": ints(1), "ids": np.arange(64)[None]},
                ["y", "z"], SIZES, TOO_LONG)
    yield Model("causal_mask", [
        *SHAPE, node("Concat", ["S", "S"], ["e"], axis=0),
        node("Slice", ["triangle", "start", "e", "axes"], ["m"]),
        node("Transpose", ["x"], ["t"], perm=[0, 2, 1]), node("MatMul", ["x", "t"], ["s"]),
        node("Where", ["m", "s", "low"], ["w"]), node("Softmax", ["w"], ["p"]),
        node("MatMul", ["p", "x"], ["y"])], x,
        {"triangle": np.tril(np.ones((1, 64, 64), bool)), "start": ints(0, 0), "axes": ints(1, 2),
         "low": np.float32(-1e9), "one": ints(1)}, ["y"], SIZES, TOO_LONG)
    parts = [("P", 2), ("T", 1)]
    length = [n for k, _ in parts for n in
              (node("Shape", ["past" if k == "P" else "k"], [k + "s"], start=1, end=2),
               node("Squeeze", [k + "s"], [k]))]
    yield Model("cache", [
        node("Concat", ["past", "x"], ["k"], axis=1), *length,
        node("Range", ["nought", "T", "unit"], ["cols"]), node("Range", ["P", "T", "unit"], ["rows"]),
        node("Unsqueeze", ["rows", "one"], ["r"]), node("LessOrEqual", ["cols", "r"], ["m"]),
        node("Transpose", ["k"], ["t"], perm=[0, 2, 1]), node("MatMul", ["x", "t"], ["s"]),
        node("Where", ["m", "s", "low"], ["w"]), node("Softmax", ["w"], ["p"]),
        node("MatMul", ["p", "k"], ["y"])], {"x": ["B", "S", 8], "past": ["B", "P", 8]},
        {"nought": np.int64(0), "unit": np.int64(1), "one": ints(1), "low": np.float32(-1e9)},
        ["y", "k"], [{"B": 1, "S": 3, "P": 0}, {"B": 2, "S": 1, "P": 5}, {"B": 1, "S": 4, "P": 4}])


def shapes():
    x = {"x": ["B", "H", "W", 8]}
    sizes = [{"B": 1, "H": 4, "W": 6}, {"B": 2, "H": 2, "W": 2}]
    split = [node("Shape", ["x"], ["sh"]), node("Split", ["sh"], list("bhwc"), num_outputs=4)]
    gather = [node("Shape", ["x"], ["sh"]),
              *(node("Gather", ["sh", f"at{i}"], [k]) for i, k in enumerate("bhwc"))]
    at = {f"at{i}": ints(i) for i in range(4)}
    yield Model("split_shape", [*split, node("Concat", list("bchw"), ["s"], axis=0),
                                node("Reshape", ["x", "s"], ["y"])], x, {}, ["y"], sizes)
    half = [node("Div", ["h", "two"], ["h2"]), node("Div", ["w", "two"], ["w2"])]
    windows = [node("Concat", ["b", "h2", "two", "w2", "two", "c"], ["s6"], axis=0),
               node("Reshape", ["x", "s6"], ["r"], name="windows"),
               node("Transpose", ["r"], ["t"], perm=[0, 1, 3, 2, 4, 5]),
               node("Concat", ["rest", "four", "c"], ["s3"], axis=0),
               node("Reshape", ["t", "s3"], ["y"])]
    back = [node("Concat", ["b", "h2", "w2", "two", "two", "c"], ["u6"], axis=0),
            node("Reshape", ["y", "u6"], ["u"]),
            node("Transpose", ["u"], ["v"], perm=[0, 1, 3, 2, 4, 5]),
            node("Reshape", ["v", "sh"], ["w0"]), node("Add", ["w0", "x"], ["z"])]
    weights = {"two": ints(2), "four": ints(4), "rest": ints(-1)}
    odd = [({"B": 1, "H": 3, "W": 2}, "'windows' (Reshape): H divides by 2 without a rest: expected 0, "
                                      "found 1; H = 3")]
    yield Model("windows_split", [*split, *half, *windows, *back], x, weights, ["y", "z"], sizes, odd)
    yield Model("windows_gather", [*gather, *half, *windows], x, weights | at, ["y"], sizes, odd)
    yield Model("rows_of_16", [node("Reshape", ["x", "s"], ["y"], name="rows")], {"x": ["B", "S", 8]},
                {"s": ints(-1, 16)}, ["y"], [{"B": 2, "S": 3}, {"B": 1, "S": 4}],
                [({"B": 1, "S": 3}, "'rows' (Reshape): B * S divides by 2 without a rest")])
    yield Model("floats", [
        node("Shape", ["x"], ["sh"]), node("Gather", ["sh", "one"], ["S"]),
        node("Cast", ["S"], ["f"], to=F32), node("Mul", ["f", "half"], ["g"]),
        node("Floor", ["g"], ["h"]), node("Cast", ["h"], ["i"], to=TensorProto.INT64),
        node("Slice", ["x", "zero", "i", "one"], ["y"]), node("Div", ["f", "three"], ["q"]),
        node("Ceil", ["q"], ["r"]), node("Cast", ["r"], ["j"], to=TensorProto.INT64),
        node("Slice", ["x", "zero", "j", "one"], ["z"])], {"x": ["B", "S"]},
        {"one": ints(1), "zero": ints(0), "half": np.float32(0.5), "three": np.float32(3)},
        ["y", "z"], [{"B": 2, "S": n} for n in (2, 3, 7, 9, 64)])
    # As exporters write expand(-1, n, -1): a dim of -1 stays what it is.
    yield Model("expand", [
        node("Shape", ["x"], ["sh"]), node("Gather", ["sh", "at0"], ["b"]),
        node("Concat", ["b", "n", "kept"], ["want"], axis=0),
        node("Shape", ["want"], ["count"]), node("ConstantOfShape", ["count"], ["ones"],
                                                 value=numpy_helper.from_array(ints(1))),
        node("Mul", ["ones", "kept"], ["all"]), node("Equal", ["want", "all"], ["is"]),
        node("Where", ["is", "ones", "want"], ["to"]), node("Expand", ["x", "to"], ["y"])],
        {"x": ["B", 1, "S"]}, {"at0": ints(0), "n": ints(5), "kept": ints(-1)}, ["y"],
        [{"B": 2, "S": 3}, {"B": 1, "S": 1}])
    yield Model("halves", [
        *SHAPE, node("Div", ["S", "two"], ["h"]), node("Slice", ["x", "zero", "h", "one"], ["a"]),
        node("Slice", ["x", "h", "far", "one"], ["b"]), node("Concat", ["b", "a"], ["c"], axis=1),
        node("Add", ["x", "c"], ["y"])], {"x": ["B", "S"]},
        {"one": ints(1), "two": ints(2), "zero": ints(0), "far": ints(2**63 - 1)}, ["y"],
        [{"B": 2, "S": n} for n in (1, 2, 7, 8)])


def meetings():
    equal = [({"M": 3, "N": 2}, "'sum' (Add): N equals M: expected 3, found 2; N = 2")]
    yield Model("sum", [node("Add", ["a", "b"], ["y"], name="sum")], {"a": ["M"], "b": ["N"]}, {},
                ["y"], [{"M": 4, "N": 4}, {"M": 1, "N": 1}], equal)
    yield Model("product", [node("MatMul", ["a", "b"], ["y"])],
                {"a": ["B", 3, "M"], "b": ["C", "N", 5]}, {}, ["y"],
                [{"B": 2, "C": 2, "M": 4, "N": 4}, {"B": 1, "C": 1, "M": 7, "N": 7}],
                [({"B": 2, "C": 3, "M": 4, "N": 4}, "'y' (MatMul): B equals C: expected 3, found 2"),
                 ({"B": 2, "C": 2, "M": 4, "N": 5}, "'y' (MatMul): M equals N: expected 5, found 4")])
    yield Model("concat", [node("Concat", ["a", "b"], ["y"], axis=1)],
                {"a": ["M", 2], "b": ["N", "K"]}, {}, ["y"],
                [{"M": 3, "N": 3, "K": 2}, {"M": 1, "N": 1, "K": 1}],
                [({"M": 3, "N": 2, "K": 1}, "'y' (Concat): N equals M")])
    yield Model("channels", [node("Mul", ["a", "w"], ["m"]), node("Squeeze", ["m", "zero"], ["y"])],
                {"a": ["M", "N"]}, {"w": random(6), "zero": ints(0)}, ["y"], [{"M": 1, "N": 6}],
                [({"M": 1, "N": 5}, "'m' (Mul): N equals 6: expected 6, found 5"),
                 ({"M": 2, "N": 6}, "'y' (Squeeze): M equals 1: expected 1, found 2")])
    # What needs a number for its dims.
    yield Model("same", [node("Conv", ["a", "w"], ["y"], auto_pad="SAME_UPPER", strides=[2, 2])],
                {"a": ["N", 2, "H", "W"]}, {"w": random(4, 2, 3, 3)}, ["y"],
                [{"N": 1, "H": 5, "W": 8}, {"N": 2, "H": 1, "W": 3}], dynamic=False)
    yield Model("pad", [
        node("Shape", ["x"], ["sh"]), node("Gather", ["sh", "one"], ["S"]), node("Neg", ["S"], ["m"]),
        node("Mod", ["m", "eight"], ["p"]), node("Concat", ["none", "nought", "p"], ["pads"], axis=0),
        node("Pad", ["x", "pads"], ["y"])], {"x": ["B", "S"]},
        {"one": ints(1), "eight": ints(8), "none": ints(0, 0), "nought": ints(0)}, ["y"],
        [{"B": 1, "S": 13}, {"B": 2, "S": 8}], dynamic=False)


def main():
    cases = Cases(__doc__)
    cases.parser.add_argument("--target", default="host:x86-64-v3")
    cases.parser.add_argument("--only", default="", help="cases whose name has this in it")
    options = cases.parser.parse_args()
    for family in (tables, shapes, meetings):
        for model in family():
            if options.only in model.name:
                with tempfile.TemporaryDirectory() as folder:
                    cases.case(model.name, model.check, folder, options)
    return cases.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
