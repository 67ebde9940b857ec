# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One small model for each kernel family, with references in float64.

Dims are dynamic, so that one program serves all shapes of a family; the shapes
lie around the borders of blocks, tiles and 16-byte accesses. Tensors are of the
type that is tried. References are computed from the inputs as they were rounded
to it: only what the kernel itself rounds is its error.
"""

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

# Of the largest absolute value of the reference: a row of 300 products in f32,
# a few roundings of what lies between the steps of a kernel in the others.
BOUNDS = {"f32": 2e-5, "f16": 2e-3, "bf16": 1.6e-2}
NUMPY = {"f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16}
FLOATS = {"f32": TensorProto.FLOAT, "f16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16,
          "f64": TensorProto.DOUBLE}
ELEMENT = {np.dtype(np.int64): TensorProto.INT64, np.dtype(np.int32): TensorProto.INT32,
           np.dtype(bool): TensorProto.BOOL}
BORDERS = [(1, 1), (7, 33), (64, 128), (129, 257)]


class Family:
    """nodes: (operator, inputs, output, attributes); inputs: name -> (type, dims,
    of which texts are dynamic), where float32 stands for the type that is tried;
    constants: name -> array; the last node's output is
    the model's. `shapes` has a dict of the dynamic dims for each case.
    `reference`: float64 inputs and constants, by name -> the output."""

    def __init__(self, name, nodes, inputs, shapes, reference=None, constants=None,
                 types=("f32", "f16", "bf16"), output=np.float32, rank=2, opset=20):
        self.name, self.nodes, self.inputs, self.shapes = name, nodes, inputs, shapes
        self.constants, self.types, self.output = constants or {}, types, np.dtype(output)
        self.rank, self.opset = rank, opset
        self.exact = self.output != np.float32
        self.reference = reference or self.evaluate

    def model(self, precision, constants=None):
        def element(kind):
            return FLOATS[precision] if np.dtype(kind) == np.float32 else ELEMENT[np.dtype(kind)]

        constants = constants or {n: rounded(a, precision) for n, a in self.constants.items()}
        result = self.nodes[-1][2]
        graph = helper.make_graph(
            [helper.make_node(kind, list(inputs), [output], name=output, **attributes)
             for kind, inputs, output, attributes in self.nodes], self.name,
            [helper.make_tensor_value_info(n, element(t), list(dims))
             for n, (t, dims) in self.inputs.items()],
            [helper.make_tensor_value_info(result, element(self.output),
                                           [f"out{i}" for i in range(self.rank)])],
            [numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items()])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        model.ir_version = 11 if self.opset > 22 else 10
        return model

    def evaluate(self, values):
        """The reference of onnx, on doubles."""
        wide = {n: values[n] for n in self.constants}
        feed = {n: values[n] for n in self.inputs}
        return ReferenceEvaluator(self.model("f64", wide)).run(None, feed)[0]

    def case(self, dims, precision, seed):
        """Inputs as the program takes them, and what it must give."""
        random = np.random.default_rng(seed)
        inputs = {}
        for name, (kind, extents) in self.inputs.items():
            shape = [dims[e] if isinstance(e, str) else e for e in extents]
            if np.dtype(kind) == np.float32:
                inputs[name] = random.standard_normal(shape).astype(NUMPY[precision])
            else:
                inputs[name] = random.integers(0, 5, shape).astype(kind)
        values = {**{n: rounded(a, precision) for n, a in self.constants.items()}, **inputs}
        values = {n: a.astype(np.float64) if a.dtype == NUMPY[precision] else a
                  for n, a in values.items()}
        with np.errstate(all="ignore"):
            wanted = np.asarray(self.reference(values))
        bound = 0 if self.exact else BOUNDS[precision] * float(np.abs(wanted).max())
        return inputs, wanted.astype(self.output if self.exact else NUMPY[precision]), bound


def rounded(array, precision):
    array = np.asarray(array)
    return array.astype(NUMPY[precision]) if array.dtype == np.float32 else array


def weight(*shape, seed=5, scale=1.0):
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def normed(x, scale, shift):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * scale + shift


def attention(v):
    root = 32**-0.5
    return softmax(v["q"] * root @ v["k"].swapaxes(-1, -2) + v["mask"]) @ v["v"]


def rows(*extents):
    return [dict(zip("NM", e)) for e in extents]


F = np.float32
FAMILIES = [
    Family("map", [("Add", "ab", "s", {}), ("Sigmoid", "s", "t", {}), ("Mul", "st", "u", {}),
                   ("Mul", "uc", "y", {})],
           {"a": (F, ("N", "M")), "b": (F, ("M",)), "c": (F, ("N", 1))}, rows(*BORDERS),
           lambda v: (v["a"] + v["b"]) / (1 + np.exp(-(v["a"] + v["b"]))) * v["c"]),
    Family("map-i32", [("Mul", "ab", "s", {}), ("Sub", "sa", "y", {})],
           {"a": (np.int32, ("N", "M")), "b": (np.int32, ("M",))}, rows(*BORDERS),
           types=("f32",), output=np.int32),
    Family("map-bool", [("Less", "ab", "s", {}), ("Equal", "ac", "t", {}), ("Or", "st", "y", {})],
           {"a": (np.int64, ("N", "M")), "b": (np.int64, ("M",)), "c": (np.int64, ("N", 1))},
           rows(*BORDERS), types=("f32",), output=bool),
    Family("reduce-sum", [("Exp", "x", "s", {}), ("ReduceSum", "sd", "y", {"keepdims": 0})],
           {"x": (F, ("N", "M"))}, rows(*BORDERS, (3, 20011)),
           lambda v: np.exp(v["x"]).sum(1), {"d": np.array([1], np.int64)}, rank=1),
    Family("reduce-max-columns", [("ReduceMax", "xd", "y", {"keepdims": 1})],
           {"x": (F, ("N", "M"))}, rows(*BORDERS, (5003, 7)),
           lambda v: v["x"].max(0, keepdims=True), {"d": np.array([0], np.int64)}),
    Family("softmax", [("Softmax", "x", "y", {"axis": -1})], {"x": (F, ("N", "M"))},
           rows(*BORDERS, (3, 5000)), lambda v: softmax(v["x"])),
    Family("log-softmax", [("LogSoftmax", "x", "y", {"axis": -1})], {"x": (F, ("N", "M"))},
           rows(*BORDERS), lambda v: np.log(softmax(v["x"]))),
    Family("layer-norm", [("LayerNormalization", "xsb", "y", {"epsilon": 1e-5})],
           {"x": (F, ("N", 257))}, [{"N": n} for n in (1, 3, 64)],
           lambda v: normed(v["x"], v["s"], v["b"]), {"s": weight(257), "b": weight(257, seed=6)}),
    Family("rms-norm", [("RMSNormalization", "xs", "y", {"epsilon": 1e-5})],
           {"x": (F, ("N", 257))}, [{"N": n} for n in (1, 3, 64)],
           lambda v: v["x"] / np.sqrt((v["x"]**2).mean(-1, keepdims=True) + 1e-5) * v["s"],
           {"s": weight(257)}, opset=23),
    Family("matmul", [("MatMul", "ab", "y", {})], {"a": (F, ("N", "K")), "b": (F, ("K", "M"))},
           [dict(zip("NKM", e)) for e in ((1, 1, 1), (31, 33, 17), (64, 64, 64), (129, 300, 65))],
           lambda v: v["a"] @ v["b"]),
    Family("matmul-batched", [("MatMul", "ab", "y", {})],
           {"a": (F, ("B", "N", 48)), "b": (F, ("B", 48, "M"))},
           [dict(zip("BNM", e)) for e in ((1, 1, 9), (3, 33, 17), (2, 65, 128))],
           lambda v: v["a"] @ v["b"], rank=3),
    Family("dense", [("MatMul", "aw", "p", {}), ("Add", "pb", "q", {}), ("Relu", "q", "y", {})],
           {"a": (F, ("N", 96))}, [{"N": n} for n in (1, 15, 64, 257)],
           lambda v: np.maximum(v["a"] @ v["w"] + v["b"], 0),
           {"w": weight(96, 80, scale=0.1), "b": weight(80)}),
    Family("conv", [("Conv", "xwb", "y", {"pads": [1] * 4, "kernel_shape": [3, 3]})],
           {"x": (F, ("N", 19, "H", 13))}, [{"N": 1, "H": 1}, {"N": 2, "H": 9}, {"N": 3, "H": 16}],
           None, {"w": weight(33, 19, 3, 3, scale=0.1), "b": weight(33)}, rank=4),
    Family("conv-strided", [("Conv", "xw", "y", {"pads": [2] * 4, "kernel_shape": [5, 5],
                                                 "strides": [2, 2], "group": 2})],
           {"x": (F, ("N", 16, 11, "W"))}, [{"N": 1, "W": 5}, {"N": 2, "W": 18}],
           None, {"w": weight(24, 8, 5, 5, scale=0.1)}, rank=4),
    Family("depthwise", [("Conv", "xwb", "y", {"pads": [1] * 4, "kernel_shape": [3, 3],
                                               "group": 40})],
           {"x": (F, ("N", 40, "H", 13))}, [{"N": 1, "H": 1}, {"N": 2, "H": 9}, {"N": 3, "H": 16}],
           None, {"w": weight(40, 1, 3, 3, scale=0.3), "b": weight(40)}, rank=4),
    Family("max-pool", [("MaxPool", "x", "y", {"kernel_shape": [3, 3], "strides": [2, 2],
                                               "pads": [1] * 4})],
           {"x": (F, ("N", 17, "H", 13))}, [{"N": 1, "H": 3}, {"N": 2, "H": 9}], rank=4),
    Family("average-pool", [("AveragePool", "x", "y", {"kernel_shape": [2, 2],
                                                       "strides": [2, 2]})],
           {"x": (F, ("N", 17, "H", 12))}, [{"N": 1, "H": 2}, {"N": 2, "H": 8}], rank=4),
    Family("transpose", [("Transpose", "x", "y", {"perm": [0, 2, 1]})],
           {"x": (F, ("B", "N", "M"))},
           [dict(zip("BNM", e)) for e in ((1, 1, 1), (2, 31, 33), (3, 64, 129))],
           lambda v: v["x"].swapaxes(1, 2), rank=3),
    Family("gather", [("Gather", "xi", "y", {"axis": 0})],
           {"x": (F, (9, "M")), "i": (np.int64, ("N",))}, rows(*BORDERS),
           lambda v: v["x"][v["i"]]),
    Family("gather-nd", [("GatherND", "xi", "y", {"batch_dims": 1})],
           {"x": (F, ("N", 5, "M")), "i": (np.int64, ("N", 3, 1))}, rows(*BORDERS), rank=3),
    Family("scatter-add", [("ScatterElements", "xiu", "y", {"axis": 1, "reduction": "add"})],
           {"x": (F, ("N", 9)), "i": (np.int64, ("N", "M")), "u": (F, ("N", "M"))},
           rows((1, 1), (7, 3), (64, 8), (129, 9))),
    Family("scatter-rows", [("ScatterND", "xiu", "y", {"reduction": "max"})],
           {"x": (F, (9, "M")), "i": (np.int64, ("N", 1)), "u": (F, ("N", "M"))}, rows(*BORDERS)),
    Family("conv-transpose", [("ConvTranspose", "xwb", "y", {
        "pads": [1] * 4, "kernel_shape": [4, 4], "strides": [2, 2]})],
           {"x": (F, ("N", 19, "H", 13))}, [{"N": 1, "H": 1}, {"N": 2, "H": 9}],
           None, {"w": weight(19, 33, 4, 4, scale=0.1), "b": weight(33)}, rank=4),
    Family("attention", [("Transpose", "k", "kt", {"perm": [0, 1, 3, 2]}),
                         ("Mul", ("q", "root"), "qs", {}), ("MatMul", ("qs", "kt"), "s", {}),
                         ("Add", ("s", "mask"), "m", {}), ("Softmax", "m", "p", {"axis": -1}),
                         ("MatMul", "pv", "y", {})],
           {"q": (F, ("B", 2, "N", 32)), "k": (F, ("B", 2, "M", 32)), "v": (F, ("B", 2, "M", 32)),
            "mask": (F, ("N", "M"))},
           [dict(zip("BNM", e)) for e in ((1, 1, 1), (2, 17, 33), (1, 64, 128), (3, 65, 200))],
           attention, {"root": np.array(32**-0.5, np.float32)}, rank=4),
]
for family in FAMILIES:
    # A text of one-letter names is a list of them; "kt" above would be two.
    family.nodes = [(kind, (inputs,) if inputs in {n[2] for n in family.nodes}
                     else tuple(inputs), output, attributes)
                    for kind, inputs, output, attributes in family.nodes]
