#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators where their numbers end: integers that f64 does not hold, powers,
remainders and angles of huge numbers, empty tensors, rows that are no number,
dims that decide a sign at run time. Each case is a small ONNX model that is
compiled once and run on each feed; what it must give is computed here, by
numpy or by hand, and compared to the last bit unless the case says otherwise.
"""

import math
import tempfile
from fractions import Fraction

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cases import Cases, require, require_success

TYPES = {name: helper.np_dtype_to_tensor_dtype(np.dtype(name)) for name in
         ("float16", "float32", "float64", "uint8", "int32", "int64", "uint32", "uint64")}
I64 = np.int64
node = helper.make_node


class Edge:
    def __init__(self, name, nodes, inputs, weights, outputs, runs, opset=18, rtol=0.0):
        """runs: pairs of feeds and expected outputs, in the order of `outputs`."""
        self.name, self.nodes, self.inputs, self.weights = name, nodes, inputs, weights
        self.outputs, self.runs, self.opset, self.rtol = outputs, runs, opset, rtol

    def model(self):
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes, self.name, [value(k, TYPES[t], s) for k, (t, s) in self.inputs.items()],
            [onnx.ValueInfoProto(name=o) for o in self.outputs],
            [numpy_helper.from_array(np.asarray(v), k) for k, v in self.weights.items()])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)],
                                 ir_version=8)

    def check(self, folder, options):
        onnx.save(self.model(), f"{folder}/model.onnx")
        names = {d for _, s in self.inputs.values() for d in s if isinstance(d, str)}
        require_success([options.bin / "actnet-compile", f"{folder}/model.onnx",
                         "--emit=package", "-o", f"{folder}/model.actnet",
                         f"--target={options.target}",
                         *(f"--dim={n}=0..320" for n in sorted(names))])
        for number, (feeds, expected) in enumerate(self.runs):
            arguments = []
            for k, v in feeds.items():
                np.save(f"{folder}/{k}.npy", np.asarray(v, self.inputs[k][0]))
                arguments += ["--input", f"{k}=@{folder}/{k}.npy"]
            for o in self.outputs:
                arguments += ["--output", f"{o}=@{folder}/{o}.npy"]
            require_success([options.bin / "actnet-run", f"{folder}/model.actnet", "--threads=2",
                             f"--device={options.device}", *arguments])
            for o, want in zip(self.outputs, expected):
                self.compare(f"run {number}, {o}", np.load(f"{folder}/{o}.npy"), np.asarray(want))

    def compare(self, where, have, want):
        require(have.shape == want.shape and have.dtype == want.dtype,
                f"{where}: {have.dtype}{have.shape}, expected {want.dtype}{want.shape}")
        same = have == want
        if want.dtype.kind == "f":
            same |= np.isnan(have) & np.isnan(want)
            if self.rtol:
                same |= np.isclose(have.astype("f8"), want.astype("f8"), self.rtol, 1e-6)
        if not np.all(same):
            at = tuple(np.argwhere(~same)[0])
            require(False, f"{where}: {np.sum(~same)} of {same.size} differ, at {at} "
                           f"{have[at]!r}, expected {want[at]!r}")


def numbers(*values):
    return np.array(values, I64)


def attention():
    """The guard of exporters: what is no number behind the softmax is 0."""
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal(s).astype("f4")
               for s in ((2, 2, 3, 8), (2, 2, 8, 5), (2, 2, 5, 8)))
    inputs = {"q": ("float32", ["N", 2, "S", 8]), "k": ("float32", ["N", 2, 8, "L"]),
              "v": ("float32", ["N", 2, "L", 8])}
    scores = [node("MatMul", ["q", "k"], ["a"])]
    guard = [node("IsNaN", ["d"], ["n"]), node("Where", ["n", "zero", "d"], ["e"]),
             node("MatMul", ["e", "v"], ["y"])]
    plain = [node("MatMul", ["d", "v"], ["y"])]

    def reference(q, k, v, mask, guarded):
        with np.errstate(all="ignore"):
            s = q.astype("f8") @ k.astype("f8") + mask
            p = np.exp(s - s.max(-1, keepdims=True, initial=-np.inf))
            p = p / p.sum(-1, keepdims=True)
            p = np.where(np.isnan(p), 0, p) if guarded else p
            return [(p @ v.astype("f8")).astype("f4")]

    masks = [np.zeros((2, 1, 3, 5)), np.where(rng.random((2, 1, 3, 5)) < 0.5, -np.inf, 0),
             np.full((2, 1, 3, 5), -np.inf)]
    masks[1][0, 0, 1] = -np.inf
    zero = {"zero": np.float32(0)}
    masked = {**inputs, "m": ("float32", ["N", 1, "S", "L"])}
    for guarded, end in ((True, guard), (False, plain)):
        yield Edge("attention_" + ("guarded" if guarded else "plain"),
                   [*scores, node("Add", ["a", "m"], ["c"]), node("Softmax", ["c"], ["d"], axis=-1),
                    *end], masked, zero if guarded else {}, ["y"],
                   [({"q": q, "k": k, "v": v, "m": m}, reference(q, k, v, m, guarded))
                    for m in masks], rtol=1e-4)
    broken = q.copy()
    broken[0, 1, 2, 3], broken[1, 0, 0, 0] = np.nan, np.inf
    yield Edge("attention_guarded_nan", [*scores, node("Softmax", ["a"], ["d"], axis=-1), *guard],
               inputs, zero, ["y"], [({"q": broken, "k": k, "v": v},
                                      reference(broken, k, v, 0, True))], rtol=1e-4)
    yield Edge("attention_no_keys", [*scores, node("Softmax", ["a"], ["d"], axis=-1), *plain],
               inputs, {}, ["y"], [({"q": q, "k": k[..., :0], "v": v[:, :, :0]},
                                    [np.zeros((2, 2, 3, 8), "f4")])])


def integers():
    x = np.array([0, 1, -1, 2**63 - 1, -2**63, 2**53 + 1, -2**53 - 1, 2**62 + 1, 5, -7, 2**31], I64)
    u = np.array([0, 1, 2**64 - 1, 2**63, 2**63 - 1, 2**53 + 1, 2**63 + 1], np.uint64)
    low, high = I64(-2**53 - 1), I64(2**53 + 1)
    yield Edge("clip_i64", [node("Clip", ["x", "l", "h"], ["a"]), node("Clip", ["x", "", "h"], ["b"]),
                            node("Clip", ["x", "l"], ["c"])], {"x": ("int64", ["N"])},
               {"l": low, "h": high}, ["a", "b", "c"],
               [({"x": x}, [np.clip(x, low, high), np.minimum(x, high), np.maximum(x, low)])])
    yield Edge("clip_u64", [node("Clip", ["x", "l"], ["a"])], {"x": ("uint64", ["N"])},
               {"l": np.uint64(2**63 + 1)}, ["a"],
               [({"x": u}, [np.maximum(u, np.uint64(2**63 + 1))])])
    small = np.array([0, 100, 130, 150, 200, 255], np.uint8)
    yield Edge("clip_u8", [node("Clip", ["x", "l", "h"], ["a"])], {"x": ("uint8", ["N"])},
               {"l": np.uint8(130), "h": np.uint8(200)}, ["a"],
               [({"x": small}, [np.clip(small, 130, 200)])], opset=12)
    for name, value in (("u8", np.uint8(128)), ("i64", I64(2**53 + 1)), ("u64", np.uint64(2**64 - 1))):
        yield Edge(f"pad_{name}", [node("Pad", ["x", "p", "v"], ["y"])],
                   {"x": (value.dtype.name, ["N"])}, {"p": numbers(1, 2), "v": value}, ["y"],
                   [({"x": [7]}, [np.array([value, 7, value, value], value.dtype)])], opset=13)
    yield Edge("pad_negative", [node("Pad", ["x", "p", "v"], ["y"])], {"x": ("float32", ["N", 4])},
               {"p": numbers(1, -1, 0, -2), "v": np.float32(9)}, ["y"],
               [({"x": np.arange(8).reshape(2, 4)},
                 [np.array([[9], [1], [5]], "f4")])], opset=13)
    yield Edge("range_i64", [node("Range", ["a", "l", "d"], ["r"]), node("Add", ["r", "x"], ["y"])],
               {"x": ("int64", [1])},
               {"a": I64(2**53 + 1), "l": I64(2**53 + 5), "d": I64(1)}, ["y"],
               [({"x": [0]}, [np.arange(2**53 + 1, 2**53 + 5)])])
    yield Edge("range_f32", [node("Range", ["a", "l", "d"], ["r"]), node("Add", ["r", "x"], ["y"])],
               {"x": ("float32", [1])},
               {"a": np.float32(1), "l": np.float32(5.2), "d": np.float32(0.5)}, ["y"],
               [({"x": [0]}, [np.arange(1, 5.2, 0.5, dtype="f4")])])
    for z in (3, -3, -2**63):
        rest = np.array([(abs(a) % abs(z)) * (1 if a >= 0 else -1) for a in map(int, x)], I64)
        yield Edge(f"fmod_i64_{z}", [node("Mod", ["x", "z"], ["y"], fmod=1)],
                   {"x": ("int64", ["N"])}, {"z": I64(z)}, ["y"], [({"x": x}, [rest])])
    base = np.repeat(np.arange(2, 60), 4)
    by = np.tile(np.array([0, 2, 3, 4], "f4"), 58)
    for name in ("int32", "int64"):
        yield Edge(f"pow_{name}", [node("Pow", ["x", "z"], ["y"])],
                   {"x": (name, ["N"]), "z": ("float32", ["N"])}, {}, ["y"],
                   [({"x": base, "z": by}, [(base ** by.astype(I64)).astype(name)]),
                    ({"x": [4, 9, 100, 7, 8, -1, 1, 2], "z": [.5, .5, .5, .5, 1.5, -1, -2, -1]},
                     [np.array([2, 3, 10, 2, 22, -1, 1, 0], name)])])
    yield Edge("pow_int64_constant", [node("Pow", ["x", "z"], ["y"])], {"x": ("int64", ["N"])},
               {"z": np.float32(3)}, ["y"], [({"x": base}, [base ** 3])])


def floats():
    x = np.array([2.0**k * 1.1 for k in range(-3, 127)], "f4")
    x = np.concatenate([x, -x, [np.finfo("f4").max, 16367173 * 2.0**72]]).astype("f4")
    turn = two_pi(1200)
    reduced = [float(Fraction(float(v)) % turn) for v in x]
    yield Edge("sin_cos", [node("Sin", ["x"], ["s"]), node("Cos", ["x"], ["c"])],
               {"x": ("float32", ["N"])}, {}, ["s", "c"],
               [({"x": x}, [np.sin(reduced).astype("f4"), np.cos(reduced).astype("f4")])], rtol=1e-6)
    for name, top in (("float32", 127), ("float64", 1020)):
        kind = np.dtype(name).type
        a = np.array([2.0**k * 1.37 for k in range(-20, top, 7)] + [5.5, -5.5, np.inf, 1, np.nan, 0],
                     name)
        z = np.resize(np.array([3, -3, 7.25, 1e-30, np.inf, 0.1], name), len(a))
        with np.errstate(all="ignore"):
            yield Edge(f"fmod_{name}", [node("Mod", ["x", "z"], ["y"], fmod=1)],
                       {"x": (name, ["N"]), "z": (name, ["N"])}, {}, ["y"],
                       [({"x": a, "z": z}, [np.fmod(a, z).astype(kind)])])
    wide = np.array([1 + 2**-11 + 2**-40, 1 + 2**-11, 1 + 3 * 2**-11 - 2**-40, 65519.99, 65520, 3e-8,
                     -1e300, np.nan, np.inf])
    with np.errstate(all="ignore"):
        yield Edge("cast_f64_f16", [node("Cast", ["x"], ["y"], to=10)], {"x": ("float64", ["N"])}, {},
                   ["y"], [({"x": wide}, [wide.astype("f2")])])
    long = numbers(0, 2**62 + 2**38 + 1, -2**62 - 2**38 - 1)
    yield Edge("cast_i64_f32_folded", [node("Cast", ["w"], ["c"], to=1), node("Add", ["c", "x"], ["y"])],
               {"x": ("float32", [1])}, {"w": long}, ["y"], [({"x": [0]}, [long.astype("f4")])])
    yield Edge("gemm_without_c", [node("Gemm", ["a", "b", "c"], ["y"], beta=0.0)],
               {"a": ("float32", ["N", 2])},
               {"b": np.eye(2, dtype="f4"), "c": np.array([np.nan, np.inf], "f4")}, ["y"],
               [({"a": [[1, 2]]}, [np.array([[1, 2]], "f4")])])
    a, b = np.arange(6, dtype="f4").reshape(2, 3), np.arange(12, dtype="f4").reshape(4, 3)
    for equation, right, want in (("ij,kj->i", b, np.einsum("ij,kj->i", a, b)),
                                  ("ij,k->ik", b[:, 0], np.einsum("ij,k->ik", a, b[:, 0])),
                                  ("ij,kl->", b, np.einsum("ij,kl->", a, b))):
        yield Edge("einsum_" + equation, [node("Einsum", ["a", "b"], ["y"], equation=equation)],
                   {"a": ("float32", ["N", 3])}, {"b": right}, ["y"], [({"a": a}, [want])], opset=12)
    noop = np.array([-2, 3], "f4")
    yield Edge("reduce_of_none",
               [node("ReduceL2", ["x"], ["a"], noop_with_empty_axes=1),
                node("ReduceL1", ["x"], ["b"], noop_with_empty_axes=1),
                node("ReduceSumSquare", ["x"], ["c"], noop_with_empty_axes=1)],
               {"x": ("float32", ["N"])}, {}, ["a", "b", "c"],
               [({"x": noop}, [abs(noop), abs(noop), noop * noop])])


def two_pi(bits):
    """pi by Machin's formula, to more bits than any f32 can ask for."""
    one = 1 << (bits + 32)

    def arctangent(inverse):
        term, total, n = one // inverse, 0, 1
        while term:
            total += term // n if n % 4 == 1 else -(term // n)
            term //= inverse * inverse
            n += 2
        return total

    return Fraction(8 * (4 * arctangent(5) - arctangent(239)), one)


def shapes():
    x = {"x": ("float32", ["N", 2])}
    size = [node("Shape", ["x"], ["s"], end=1), node("Sub", ["s", "five"], ["a"])]
    five = {"five": numbers(5), "two": numbers(2), "zero": numbers(0), "far": numbers(2**40)}

    def each(function, *counts):
        tensors = [np.arange(2 * k, dtype="f4").reshape(k, 2) for k in counts]
        return [({"x": t}, [function(t)]) for t in tensors]

    yield Edge("divide_below_zero", [*size, node("Div", ["a", "two"], ["y"])], x, five, ["y"],
               each(lambda t: numbers(int((len(t) - 5) / 2)), 0, 1, 2, 3, 8))
    yield Edge("slice_from", [*size, node("Slice", ["x", "a", "far", "zero"], ["y"])], x, five, ["y"],
               each(lambda t: t[len(t) - 5:], 1, 2, 3, 4, 5, 8))
    yield Edge("slice_to", [*size, node("Slice", ["x", "zero", "a", "zero"], ["y"])], x, five, ["y"],
               each(lambda t: t[:len(t) - 5], 1, 3, 4, 5, 8))
    # A start that stays below zero is the first element: ONNX clamps, numpy does not.
    yield Edge("slice_backwards", [node("Slice", ["x", "from", "to", "zero", "step"], ["y"])], x,
               {"from": numbers(-5), "to": numbers(-2**62), "zero": numbers(0), "step": numbers(-1)},
               ["y"], each(lambda t: t[max(len(t) - 5, 0)::-1] if len(t) else t, 0, 1, 3, 5, 8))
    yield Edge("range_empty", [node("Shape", ["x"], ["s"], end=1), node("Squeeze", ["s"], ["l"]),
                               node("Range", ["a", "l", "d"], ["y"]),
                               node("Range", ["b", "l", "e"], ["z"])], x,
               {"a": I64(3), "d": I64(2), "b": I64(5), "e": I64(-2)}, ["y", "z"],
               [({"x": np.zeros((k, 2))}, [np.arange(3, k, 2), np.arange(5, k, -2)])
                for k in (0, 1, 3, 8)])
    for k, parts in ((5, (2, 2, 1, 0)), (3, (1, 1, 1, 0)), (8, (2, 2, 2, 2)), (1, (1, 0, 0, 0))):
        ends = np.cumsum((0, *parts))
        t = np.arange(2 * k, dtype="f4").reshape(k, 2)
        for extent in (k, "N"):
            yield Edge(f"split_{k}_{extent}", [node("Split", ["x"], list("abcd"), num_outputs=4)],
                       {"x": ("float32", [extent, 2])}, {}, list("abcd"),
                       [({"x": t}, [t[i:j] for i, j in zip(ends, ends[1:])])])
    wraps = np.array([2**31 - 1], np.int32)
    yield Edge("shape_wraps", [node("Add", ["a", "b"], ["y"]), node("Cast", ["y"], ["z"], to=7)], x,
               {"a": wraps, "b": np.array([2], np.int32)}, ["z"],
               [({"x": np.zeros((1, 2))}, [numbers(-2**31 + 1)])])
    yield Edge("shape_narrows", [node("Cast", ["a"], ["y"], to=6), node("Cast", ["y"], ["z"], to=7)],
               x, {"a": numbers(2**40 + 5)}, ["z"], [({"x": np.zeros((1, 2))}, [numbers(5)])])
    yield Edge("shape_scales", [node("Shape", ["x"], ["s"], end=1), node("Cast", ["s"], ["a"], to=6),
                                node("Mul", ["a", "c"], ["y"]), node("Cast", ["y"], ["z"], to=7)], x,
               {"c": np.array([2**30], np.int32)}, ["z"],
               each(lambda t: (numbers(len(t)) * 2**30).astype("i4").astype("i8"), 0, 1, 2, 3))
    yield Edge("reduce_prod_of_none", [node("Shape", ["x"], ["s"]),
                                       node("ReduceProd", ["s"], ["y"], noop_with_empty_axes=1)],
               x, {}, ["y"], each(lambda t: numbers(*t.shape), 1, 3))


def main():
    cases = Cases(__doc__)
    cases.parser.add_argument("--target", default="host:x86-64-v3")
    cases.parser.add_argument("--device", default="host")
    cases.parser.add_argument("--only", default="", help="cases whose name has this in it")
    options = cases.parser.parse_args()
    for family in (attention, integers, floats, shapes):
        for edge in family():
            if options.only in edge.name:
                with tempfile.TemporaryDirectory() as folder:
                    cases.case(edge.name, edge.check, folder, options)
    return cases.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
