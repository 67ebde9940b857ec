# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes random ONNX graphs that are right by construction.

A dim is known by its values under each of the bindings, so that shapes are
plain arithmetic. What rounds is never fed to what jumps (floor, comparison,
cast to integer): two right programs may differ there.
"""

import zlib

import numpy as np
import onnx
from onnx import TensorProto, helper

BINDINGS = 3
TYPES = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE,
         "float16": TensorProto.FLOAT16, "int8": TensorProto.INT8, "int16": TensorProto.INT16,
         "int32": TensorProto.INT32, "int64": TensorProto.INT64, "uint8": TensorProto.UINT8,
         "uint16": TensorProto.UINT16, "uint32": TensorProto.UINT32,
         "uint64": TensorProto.UINT64, "bool": TensorProto.BOOL}
FLOATS = ("float32", "float32", "float32", "float64", "float16")
INTEGERS = [t for t in TYPES if "int" in t]


class Dim:
    def __init__(self, values, name=None):
        self.values, self.name = tuple(values), name

    @property
    def static(self):
        return self.name is None and len(set(self.values)) == 1

    def __eq__(self, other):
        return other is not None and self.values == other.values and self.static == other.static

    def map(self, f):
        return Dim(map(f, self.values))

    def __add__(self, other):
        return Dim(a + b for a, b in zip(self.values, other.values))

    def __mul__(self, other):
        return Dim(a * b for a, b in zip(self.values, other.values))

    def is_value(self, value):
        return self.static and self.values[0] == value


def static(value):
    return Dim([value] * BINDINGS)


class Tensor:
    """A value of the graph. `exact`: the same bits by every right program."""

    def __init__(self, name, dtype, shape, exact):
        self.name, self.dtype, self.shape, self.exact = name, dtype, list(shape), exact

    @property
    def isFloat(self):
        return self.dtype.startswith("float")


class Graph:
    def __init__(self):
        self.inputs, self.values, self.nodes, self.initializers = [], {}, [], {}
        self.outputs = []

    def dims(self):
        return sorted({d.name for t in self.inputs for d in t.shape if d.name})

    def info(self, tensor):
        shape = [d.values[0] if d.static else (d.name or f"{tensor.name}_{i}")
                 for i, d in enumerate(tensor.shape)]
        return helper.make_tensor_value_info(tensor.name, TYPES[tensor.dtype], shape)

    def model(self):
        graph = helper.make_graph(
            self.nodes, "random", [self.info(t) for t in self.inputs],
            [self.info(self.values[name]) for name in self.outputs],
            [onnx.numpy_helper.from_array(v, k) for k, v in self.initializers.items()])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)

    def feeds(self, binding):
        return {t.name: data(t.dtype, [d.values[binding] for d in t.shape],
                             zlib.crc32(t.name.encode()) + binding)
                for t in self.inputs}

    def pruned(self, outputs):
        """The part that the outputs need."""
        needed, nodes = set(outputs), []
        for node in reversed(self.nodes):
            if needed & set(node.output):
                nodes.insert(0, node)
                needed |= {name for name in node.input if name}
        part = Graph()
        part.nodes, part.outputs, part.values = nodes, list(outputs), self.values
        part.inputs = [t for t in self.inputs if t.name in needed]
        part.initializers = {k: v for k, v in self.initializers.items() if k in needed}
        return part

    def with_input(self, names):
        """The graph with a node's results as inputs; None where their dims have no names."""
        if any(name in self.outputs for name in names):
            return None
        fed = Graph()
        fed.nodes = [n for n in self.nodes if not set(names) & set(n.output)]
        fed.values, fed.initializers = dict(self.values), self.initializers
        fed.inputs = list(self.inputs)
        for name in names:
            old = self.values[name]
            if any(not d.static and not d.name for d in old.shape):
                return None
            fed.inputs.append(old)
        return fed.pruned(self.outputs)


def data(dtype, shape, seed):
    """Values on a coarse grid, so that sums of them are exact."""
    return np.asarray(numbers(dtype, shape, seed))


def numbers(dtype, shape, seed):
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.integers(0, 2, shape) != 0
    if "uint" in dtype:
        return rng.integers(0, 256 if dtype == "uint8" else 300, shape, dtype)
    if "int" in dtype:
        return rng.integers(-20, 21, shape, dtype)
    return np.asarray(rng.integers(-24, 25, shape) / 8).astype(dtype)


class Builder:
    def __init__(self, rng):
        self.rng, self.graph, self.count = rng, Graph(), 0
        zero = rng.random() < 0.25
        spread = lambda: [rng.choice([1, 2, 3, 4, 5, 7, 8, 17]) for _ in range(BINDINGS)]
        self.named = [Dim(spread(), "N"), Dim(spread(), "M")]
        for dim in self.named:
            if len(set(dim.values)) == 1:
                dim.values = (dim.values[0], dim.values[0] + 2, 1)
        if zero:
            dim, at = rng.choice(self.named), rng.randrange(BINDINGS)
            dim.values = dim.values[:at] + (0,) + dim.values[at + 1:]

    def build(self):
        for _ in range(self.rng.randint(1, 3)):
            self.add_input()
        wanted, tries = self.rng.randint(1, 10), 0
        while len(self.graph.nodes) < wanted and tries < 200:
            tries += 1
            self.rng.choice(STEPS)(self)
        used = {name for node in self.graph.nodes for name in node.input}
        made = [name for node in self.graph.nodes for name in node.output]
        outputs = [name for name in made if name not in used] or made[-1:]
        if made and self.rng.random() < 0.2:
            outputs = list(dict.fromkeys(outputs + [self.rng.choice(made)]))
        if not outputs:
            return Builder(self.rng).build()
        return self.graph.pruned(outputs)

    # -- parts -----------------------------------------------------------------

    def name(self, stem):
        self.count += 1
        return f"{stem}{self.count}"

    def extent(self):
        if self.rng.random() < 0.01:
            return static(0)
        return static(self.rng.choice([1, 1, 2, 3, 4, 5, 8, 16, 17, 33]))

    def add_input(self, dtype=None, shape=None):
        if dtype is None:
            dtype = self.rng.choice(FLOATS[:3]) if self.rng.random() < 0.6 \
                else self.rng.choice(list(TYPES))
        if shape is None:
            rank = self.rng.choice([0, 1, 2, 2, 3, 3, 4, 4])
            shape = [self.rng.choice(self.named) if self.rng.random() < 0.35 else self.extent()
                     for _ in range(rank)]
        tensor = Tensor(self.name("x"), dtype, shape, True)
        self.graph.inputs.append(tensor)
        self.graph.values[tensor.name] = tensor
        return tensor

    def constant(self, array):
        array = np.asarray(array)
        name = self.name("c")
        self.graph.initializers[name] = array
        return Tensor(name, str(array.dtype), map(static, array.shape), True)

    def random_constant(self, dtype, shape):
        return self.constant(data(dtype, shape, self.rng.randrange(1 << 30)))

    def pick(self, test=lambda t: True):
        found = [t for t in self.graph.values.values() if test(t)]
        # Late values often, so that chains grow.
        return found[max(self.rng.randrange(len(found)), self.rng.randrange(len(found)))] \
            if found else None

    def node(self, op, inputs, dtype, shape, exact, outputs=1, **attributes):
        if any(max(d.values) > 4096 for d in shape) or \
                np.prod([float(max(d.values)) for d in shape]) > 1 << 18:
            return None
        names = [self.name("y") for _ in range(outputs)]
        self.graph.nodes.append(helper.make_node(
            op, [t.name if t else "" for t in inputs], names, name=f"{op}_{names[0]}", **attributes))
        self.graph.values[names[0]] = Tensor(names[0], dtype, shape, exact)
        return names

    def like(self, x):
        """Another operand that broadcasts with x."""
        def fits(t):
            return t.dtype == x.dtype and broadcast(t.shape, x.shape) is not None
        if self.rng.random() < 0.5:
            other = self.pick(lambda t: t is not x and fits(t))
            if other:
                return other
        shape = [d if self.rng.random() < 0.6 else static(1) for d in x.shape]
        shape = shape[self.rng.randint(0, len(shape)):]
        if all(d.static for d in shape) and self.rng.random() < 0.7:
            return self.random_constant(x.dtype, [d.values[0] for d in shape])
        return self.add_input(x.dtype, [Dim(d.values, d.name) for d in shape]) \
            if all(d.static or d.name for d in shape) else x


def broadcast(a, b):
    if len(a) < len(b):
        a, b = b, a
    out = list(a)
    for i, d in enumerate(b):
        j = len(a) - len(b) + i
        if a[j] == d:
            continue
        if d.is_value(1):
            continue
        if a[j].is_value(1):
            out[j] = d
        else:
            return None
    return out


# -- steps: each adds a node or nothing ------------------------------------------


def unary(g):
    x = g.pick(lambda t: t.isFloat)
    if not x:
        return
    op = g.rng.choice(["Relu", "Abs", "Neg", "Exp", "Tanh", "Sigmoid", "Erf", "Sin", "Cos", "Gelu",
                       "LeakyRelu", "Elu", "HardSigmoid", "HardSwish", "Softplus", "Clip",
                       "Reciprocal", "Sqrt"])
    exact = x.exact and op in ("Relu", "Abs", "Neg", "Clip")
    if op == "Clip":
        lo, hi = sorted(g.rng.choice([-2.5, -1, 0, 0.5, 3]) for _ in range(2))
        bounds = [g.constant(np.array(v, x.dtype)) for v in (lo, hi)]
        if g.rng.random() < 0.3:
            bounds[0] = None
        g.node(op, [x, *bounds], x.dtype, x.shape, exact)
        return
    if op in ("Sqrt", "Reciprocal"):
        done = g.node("Abs", [x], x.dtype, x.shape, x.exact)
        if done and op == "Reciprocal":
            done = g.node("Add", [g.graph.values[done[0]], g.constant(np.array(1, x.dtype))],
                          x.dtype, x.shape, x.exact)
        if done:
            g.node(op, [g.graph.values[done[0]]], x.dtype, x.shape, False)
        return
    g.node(op, [x], x.dtype, x.shape, exact)


def jump(g):
    x = g.pick(lambda t: t.isFloat and t.exact)
    if x:
        g.node(g.rng.choice(["Floor", "Ceil", "Round", "Sign"]), [x], x.dtype, x.shape, True)


def integer_unary(g):
    x = g.pick(lambda t: "int" in t.dtype)
    if x:
        ops = ["Abs", "Sign", "BitwiseNot"] + ([] if x.dtype.startswith("u") else ["Neg"])
        g.node(g.rng.choice(ops), [x], x.dtype, x.shape, True)


def binary(g):
    x = g.pick(lambda t: t.dtype != "bool")
    if not x:
        return
    y = g.like(x)
    shape = broadcast(x.shape, y.shape)
    if shape is None:
        return
    if g.rng.random() < 0.5:
        x, y = y, x
    op = g.rng.choice(["Add", "Sub", "Mul", "Max", "Min", "Div", "Mod", "Pow"])
    exact = x.exact and y.exact
    if op in ("Div", "Mod"):
        if x.isFloat and op == "Div" and g.rng.random() < 0.7:
            y = g.constant(np.array(g.rng.choice([0.3, -2, 4, 7]), x.dtype))
            shape = x.shape
        elif not x.isFloat or op == "Mod":
            if x.isFloat and not exact:
                return
            choices = [1, 2, 3, 7, 10] if x.dtype.startswith("u") else [1, 2, -3, 7, -10]
            y = g.constant(np.array(g.rng.choice(choices), x.dtype))
            shape = x.shape
            exact = True
        if op == "Mod":
            fmod = x.isFloat or g.rng.random() < 0.3
            g.node(op, [x, y], x.dtype, shape, exact, fmod=int(fmod))
            return
        exact = exact and not x.isFloat
        if x.isFloat and y.name in g.graph.values:
            return
    if op == "Pow":
        power = g.rng.choice([0, 1, 2, 3] if not x.isFloat else [0, 1, 2, 3, 0.5, -1])
        if x.isFloat and power in (0.5, -1):
            return
        y, shape, exact = g.constant(np.array(power, x.dtype)), x.shape, not x.isFloat
    g.node(op, [x, y], x.dtype, shape, exact)


def compare(g):
    x = g.pick(lambda t: t.exact and t.dtype != "bool")
    y = x and g.like(x)
    if not x or not y.exact:
        return
    op = g.rng.choice(["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"])
    g.node(op, [x, y], "bool", broadcast(x.shape, y.shape), True)


def logic(g):
    x = g.pick(lambda t: t.dtype == "bool")
    if not x:
        return
    if g.rng.random() < 0.3:
        g.node("Not", [x], "bool", x.shape, True)
        return
    y = g.like(x)
    g.node(g.rng.choice(["And", "Or", "Xor"]), [x, y], "bool", broadcast(x.shape, y.shape), True)


def bits(g):
    x = g.pick(lambda t: "int" in t.dtype)
    y = x and g.like(x)
    if x:
        g.node(g.rng.choice(["BitwiseAnd", "BitwiseOr", "BitwiseXor"]), [x, y], x.dtype,
               broadcast(x.shape, y.shape), True)


def where(g):
    x = g.pick(lambda t: t.dtype != "bool")
    if not x:
        return
    y = g.like(x)
    shape = broadcast(x.shape, y.shape)
    c = g.pick(lambda t: t.dtype == "bool" and broadcast(t.shape, shape) is not None)
    if not c:
        return
    g.node("Where", [c, x, y], x.dtype, broadcast(c.shape, shape), x.exact and y.exact)


def cast(g):
    x = g.pick()
    to = g.rng.choice(list(TYPES))
    if x.isFloat and not to.startswith("float") and not x.exact:
        return
    if x.isFloat and to.startswith("u"):
        return  # below zero it is not defined
    if to == "float16" and not x.isFloat and x.dtype not in ("bool", "int8", "uint8"):
        return
    g.node("Cast", [x], to, x.shape, x.exact and to != "float16", to=TYPES[to])


def reduce(g):
    x = g.pick(lambda t: t.dtype != "bool" and len(t.shape) > 0)
    if not x:
        return
    rank = len(x.shape)
    if any(0 in d.values for d in x.shape):
        return  # there onnxruntime and NumPy differ
    axes = sorted(g.rng.sample(range(rank), g.rng.randint(1, rank)))
    keep = g.rng.random() < 0.5
    op = g.rng.choice(["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd",
                       "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp"])
    if not x.isFloat and op in ("ReduceMean", "ReduceL2", "ReduceLogSumExp", "ReduceProd"):
        return  # onnxruntime's integer products do not wrap
    shape = [static(1) if i in axes else d for i, d in enumerate(x.shape) if keep or i not in axes]
    given = [a - rank if g.rng.random() < 0.3 else a for a in axes]
    exact = not x.isFloat or (x.exact and op in ("ReduceMax", "ReduceMin"))
    g.node(op, [x, g.constant(np.array(given, np.int64))], x.dtype, shape, exact,
           keepdims=int(keep))


def rows(g):
    x = g.pick(lambda t: t.isFloat and len(t.shape) > 0)
    if not x:
        return
    axis = g.rng.randrange(len(x.shape))
    op = g.rng.choice(["Softmax", "LogSoftmax", "LayerNormalization"])
    if op != "LayerNormalization":
        g.node(op, [x], x.dtype, x.shape, False, axis=axis - len(x.shape) if axis % 2 else axis)
    elif all(d.static for d in x.shape[axis:]):
        extents = [d.values[0] for d in x.shape[axis:]]
        scale = [g.random_constant(x.dtype, extents) for _ in range(g.rng.randint(1, 2))]
        g.node(op, [x, *scale], x.dtype, x.shape, False, axis=axis, epsilon=1e-2)


def matmul(g):
    x = g.pick(lambda t: t.dtype in ("float32", "float64", "float16", "int32") and len(t.shape) > 1)
    if not x:
        return
    k, dtype = x.shape[-1], x.dtype
    y = g.pick(lambda t: t.dtype == dtype and len(t.shape) > 1 and t.shape[-2] == k and
               broadcast(t.shape[:-2], x.shape[:-2]) is not None)
    if not y or g.rng.random() < 0.4:
        if not k.static:
            return
        y = g.random_constant(dtype, [k.values[0], g.extent().values[0]])
    batch = broadcast(x.shape[:-2], y.shape[:-2])
    g.node("MatMul", [x, y], dtype, [*batch, x.shape[-2], y.shape[-1]], not x.isFloat)


def gemm(g):
    x = g.pick(lambda t: t.dtype == "float32" and len(t.shape) == 2)
    if not x:
        return
    ta, tb = g.rng.randint(0, 1), g.rng.randint(0, 1)
    m, k = x.shape[::-1] if ta else x.shape
    if not k.static:
        return
    n = g.extent()
    y = g.random_constant("float32", [n.values[0], k.values[0]] if tb else [k.values[0], n.values[0]])
    inputs = [x, y]
    if g.rng.random() < 0.6:
        inputs.append(g.random_constant("float32", g.rng.choice([[n.values[0]], [1], [1, n.values[0]], []])))
    g.node("Gemm", inputs, "float32", [m, n], False, transA=ta, transB=tb,
           alpha=g.rng.choice([1.0, 0.5]), beta=g.rng.choice([1.0, 2.0]))


def window(d, k, stride, low, high, dilation, up=False):
    """The extent of a windowed dim; None where a window does not fit."""
    def one(v):
        free = v + low + high - dilation * (k - 1) - 1
        if free < 0 or v < 1:
            return None
        count = (-(-free // stride) if up else free // stride) + 1
        if up and (count - 1) * stride >= v + low:
            count -= 1
        return count
    values = [one(v) for v in d.values]
    return None if None in values else Dim(values)


def spatial(g, x, op):
    n = len(x.shape) - 2
    kernel = [g.rng.choice([1, 2, 3, 3, 5]) for _ in range(n)]
    strides = [g.rng.choice([1, 1, 2, 3]) for _ in range(n)]
    dilations = [g.rng.choice([1, 1, 1, 2]) for _ in range(n)]
    pads = [g.rng.randint(0, max(0, min(k - 1, 2))) for k in kernel * 2]
    up = op in ("MaxPool", "AveragePool") and g.rng.random() < 0.3
    shape = [window(d, kernel[i], strides[i], pads[i], pads[n + i], dilations[i], up)
             for i, d in enumerate(x.shape[2:])]
    attributes = dict(kernel_shape=kernel, strides=strides, pads=pads, dilations=dilations)
    if op != "Conv":
        attributes["ceil_mode"] = int(up)
    for i, d in enumerate(shape):
        if d is not None and x.shape[2 + i].static:
            shape[i] = static(d.values[0])
    return (None, None) if None in shape else (shape, attributes)


def conv(g):
    x = g.pick(lambda t: t.dtype == "float32" and len(t.shape) in (3, 4) and t.shape[1].static)
    if not x:
        return
    shape, attributes = spatial(g, x, "Conv")
    if shape is None:
        return
    channels = x.shape[1].values[0]
    groups = g.rng.choice([1, channels, *[d for d in (2, 4) if channels % d == 0]])
    outputs = groups * g.rng.choice([1, 1, 2, 3, 8])
    if groups == 1:
        outputs = g.extent().values[0]
    w = g.random_constant("float32", [outputs, channels // groups, *attributes["kernel_shape"]])
    inputs = [x, w] + ([g.random_constant("float32", [outputs])] if g.rng.random() < 0.5 else [])
    g.node("Conv", inputs, "float32", [x.shape[0], static(outputs), *shape], False, group=groups,
           **attributes)


def conv_transpose(g):
    x = g.pick(lambda t: t.dtype == "float32" and len(t.shape) in (3, 4) and t.shape[1].static)
    if not x or any(v < 1 for d in x.shape[1:] for v in d.values):
        return
    n = len(x.shape) - 2
    kernel = [g.rng.choice([1, 2, 3, 4, 5]) for _ in range(n)]
    strides = [g.rng.choice([1, 2, 2, 3]) for _ in range(n)]
    dilations = [g.rng.choice([1, 1, 1, 2, 3]) for _ in range(n)]
    more = [g.rng.randrange(max(s, d)) if g.rng.random() < 0.4 else 0
            for s, d in zip(strides, dilations)]
    attributes = dict(kernel_shape=kernel, strides=strides, dilations=dilations,
                      output_padding=more)
    reach = [d * (k - 1) + 1 + m for d, k, m in zip(dilations, kernel, more)]
    form = g.rng.choice(["pads", "pads", "same", "shape"])
    if form == "shape" and not all(d.static for d in x.shape[2:]):
        form = "same"
    whole = [d.map(lambda v, s=s, r=r: (v - 1) * s + r)
             for d, s, r in zip(x.shape[2:], strides, reach)]
    if form == "pads":
        pads = [g.rng.randint(0, min(k - 1, 3)) for k in kernel * 2]
        attributes["pads"] = pads
        shape = [d.map(lambda v, p=pads[i] + pads[n + i]: v - p) for i, d in enumerate(whole)]
    elif form == "same":
        # Others have another extent by ONNX's shape inference than by its text.
        if any(v % s for d, s in zip(x.shape[2:], strides) for v in d.values):
            return
        attributes["auto_pad"] = g.rng.choice(["SAME_UPPER", "SAME_LOWER"])
        shape = [d.map(lambda v, p=max(0, r - s): v - p)
                 for d, r, s in zip(whole, reach, strides)]
    else:
        attributes["auto_pad"] = g.rng.choice(["NOTSET", "SAME_UPPER"])
        # ONNX's shape inference wants no less than there is.
        shape = [static(max(old.values[0], d.values[0] - g.rng.randint(0, 3)))
                 for d, old in zip(whole, x.shape[2:])]
        if any(a.values[0] > b.values[0] for a, b in zip(shape, whole)):
            return
        attributes["output_shape"] = [d.values[0] for d in shape]
    if any(v < 1 for d in shape for v in d.values):
        return
    shape = [static(d.values[0]) if old.static else d for d, old in zip(shape, x.shape[2:])]
    channels = x.shape[1].values[0]
    groups = g.rng.choice([1, 1, channels, *[d for d in (2, 4) if channels % d == 0]])
    outputs = g.rng.choice([1, 2, 3, 17] if groups == 1 else [1, 2])
    w = g.random_constant("float32", [channels, outputs, *kernel])
    inputs = [x, w]
    if g.rng.random() < 0.5:
        inputs.append(g.random_constant("float32", [outputs * groups]))
    g.node("ConvTranspose", inputs, "float32", [x.shape[0], static(outputs * groups), *shape],
           False, group=groups, **attributes)


def reduction_of(g, x):
    """A reduction for a scatter into x, and whether its result is exact."""
    if x.dtype == "bool":
        return "none", True
    how = g.rng.choice(["none", "none", "add", "mul", "min", "max"])
    return how, not x.isFloat or how in ("none", "min", "max")


def scatter_elements(g):
    x = g.pick(lambda t: len(t.shape) > 0 and all(d.static and d.values[0] > 0 for d in t.shape))
    if not x:
        return
    axis = g.rng.randrange(len(x.shape))
    extents = [d.values[0] for d in x.shape]
    how, exact = reduction_of(g, x)
    count = g.rng.randint(1, extents[axis] if how == "none" else 5)
    part = [e if g.rng.random() < 0.7 else g.rng.randint(1, e) for e in extents]
    part[axis] = count
    shape = [*part[:axis], *part[axis + 1:], count]
    if np.prod(shape) > 4096:
        return
    rng = np.random.default_rng(g.rng.randrange(1 << 30))
    # Without a reduction no element is written twice.
    indices = np.stack([rng.permutation(extents[axis])[:count] if how == "none"
                        else rng.integers(0, extents[axis], count)
                        for _ in range(int(np.prod(shape[:-1])))]).reshape(shape)
    indices = np.moveaxis(indices - extents[axis] * rng.integers(0, 2, shape), -1, axis)
    u = g.random_constant(x.dtype, part)
    i = g.constant(indices.astype(g.rng.choice([np.int64, np.int32])))
    g.node("ScatterElements", [x, i, u], x.dtype, x.shape, x.exact and exact, axis=axis,
           reduction=how)


def positions(g, extents, count, distinct):
    """Coordinates [count, len(extents)], some of them below zero."""
    total = int(np.prod(extents))
    flat = g.rng.sample(range(total), count) if distinct else \
        [g.rng.randrange(total) for _ in range(count)]
    found = np.stack(np.unravel_index(np.array(flat, np.int64), extents), -1)
    signs = np.array([[g.rng.randint(0, 1) for _ in extents] for _ in range(count)])
    return (found - signs * np.array(extents)).astype(np.int64)


def scatter_nd(g):
    x = g.pick(lambda t: len(t.shape) > 0 and t.shape[0].static and t.shape[0].values[0] > 0)
    if not x:
        return
    depth = 1
    while depth < len(x.shape) and x.shape[depth].static and x.shape[depth].values[0] > 0 and \
            g.rng.random() < 0.5:
        depth += 1
    extents, rest = [d.values[0] for d in x.shape[:depth]], x.shape[depth:]
    how, exact = reduction_of(g, x)
    count = g.rng.randint(1, min(int(np.prod(extents)), 6) if how == "none" else 6)
    i = g.constant(positions(g, extents, count, how == "none"))
    shape = [static(count), *rest]
    if all(d.static for d in rest):
        u = g.random_constant(x.dtype, [d.values[0] for d in shape])
    elif all(d.static or d.name for d in rest):
        u = g.add_input(x.dtype, [Dim(d.values, d.name) for d in shape])
    else:
        return
    g.node("ScatterND", [x, i, u], x.dtype, x.shape, x.exact and u.exact and exact, reduction=how)


def gather_nd(g):
    x = g.pick(lambda t: len(t.shape) > 0 and t.shape[0].static and t.shape[0].values[0] > 0)
    if not x:
        return
    batch = int(len(x.shape) > 1 and x.shape[1].static and x.shape[1].values[0] > 0 and
                g.rng.random() < 0.3)
    extents, rest = [x.shape[batch].values[0]], x.shape[batch + 1:]
    if rest and rest[0].static and rest[0].values[0] > 0 and g.rng.random() < 0.4:
        extents, rest = [*extents, rest[0].values[0]], rest[1:]
    shape = [x.shape[0].values[0]] * batch + g.rng.choice([[1], [3], [2, 2]])
    indices = positions(g, extents, int(np.prod(shape)), False).reshape([*shape, len(extents)])
    g.node("GatherND", [x, g.constant(indices)], x.dtype, [*map(static, shape), *rest], x.exact,
           batch_dims=batch)


def pool(g):
    op = g.rng.choice(["MaxPool", "AveragePool", "GlobalAveragePool"])
    types = ("float32", "float32", "float16", "uint8", "int8") if op == "MaxPool" else \
        ("float32", "float16")
    x = g.pick(lambda t: t.dtype in types and len(t.shape) in (3, 4))
    if not x:
        return
    if op == "GlobalAveragePool":
        g.node(op, [x], x.dtype, x.shape[:2] + [static(1)] * (len(x.shape) - 2), False)
        return
    shape, attributes = spatial(g, x, op)
    if shape is None:
        return
    if op == "AveragePool":
        attributes["count_include_pad"] = g.rng.randint(0, 1)
    g.node(op, [x], x.dtype, [*x.shape[:2], *shape], x.exact and op == "MaxPool", **attributes)


def batch_norm(g):
    x = g.pick(lambda t: t.dtype == "float32" and len(t.shape) > 1 and t.shape[1].static)
    if x:
        c = x.shape[1].values[0]
        parameters = [g.random_constant("float32", [c]) for _ in range(3)]
        variance = g.constant(np.abs(data("float32", [c], c)) + np.float32(0.5))
        g.node("BatchNormalization", [x, *parameters, variance], "float32", x.shape, False)


def transpose(g):
    x = g.pick(lambda t: len(t.shape) > 1)
    if x:
        perm = g.rng.sample(range(len(x.shape)), len(x.shape))
        g.node("Transpose", [x], x.dtype, [x.shape[p] for p in perm], x.exact, perm=perm)


def reshape(g):
    x = g.pick(lambda t: len(t.shape) > 0)
    if not x:
        return
    shape, target = list(x.shape), None
    at = g.rng.randrange(len(shape))
    if at + 1 < len(shape) and g.rng.random() < 0.5:
        merged = shape[at] * shape[at + 1]
        if shape[at].static and shape[at + 1].static:
            merged = static(merged.values[0])
        elif 0 in merged.values:
            return
        shape[at:at + 2] = [merged]
        dynamic = [i for i, d in enumerate(shape) if not d.static and i >= at]
        if len(dynamic) > 1:
            return
        target = [-1 if i in dynamic else 0 if not d.static else d.values[0]
                  for i, d in enumerate(shape)]
        if any(t == 0 for t in target) and any(d.is_value(0) for d in shape):
            return
    elif shape[at].static and shape[at].values[0] > 1:
        v = shape[at].values[0]
        factor = next((f for f in (2, 3, 5, 11) if v % f == 0), v)
        if any(not d.static for d in shape[at:]):
            return
        target = [0 if not d.static else d.values[0] for d in shape]
        target[at:at + 1] = [factor, v // factor]
        shape[at:at + 1] = [static(factor), static(v // factor)]
    if target is not None:
        g.node("Reshape", [x, g.constant(np.array(target, np.int64))], x.dtype, shape, x.exact)


def squeeze(g):
    x = g.pick()
    ones = [i for i, d in enumerate(x.shape) if d.is_value(1)]
    if ones and g.rng.random() < 0.5:
        axis = g.rng.choice(ones)
        g.node("Squeeze", [x, g.constant(np.array([axis], np.int64))], x.dtype,
               x.shape[:axis] + x.shape[axis + 1:], x.exact)
    elif len(x.shape) < 5:
        axis = g.rng.randint(0, len(x.shape))
        g.node("Unsqueeze", [x, g.constant(np.array([axis], np.int64))], x.dtype,
               x.shape[:axis] + [static(1)] + x.shape[axis:], x.exact)


def slices(g):
    x = g.pick(lambda t: len(t.shape) > 0)
    if not x:
        return
    axis = g.rng.randrange(len(x.shape))
    start = g.rng.choice([0, 0, 1, 2, -1, -2, -3, 5])
    end = g.rng.choice([1, 2, 4, -1, -2, 1000, 2**31 - 1, 2**63 - 1])
    step = g.rng.choice([1, 1, 1, 2, 3, -1, -2])
    if step < 0:
        start, end = g.rng.choice([-1, 4, 1000]), g.rng.choice([0, 1, -3, -1000, -2**63 + 1])
    d = x.shape[axis].map(lambda v: len(range(v)[slice(start, end, step)]))
    if x.shape[axis].static:
        d = static(d.values[0])
    shape = x.shape[:axis] + [d] + x.shape[axis + 1:]
    parts = [g.constant(np.array([v], np.int64)) for v in (start, end, axis, step)]
    g.node("Slice", [x, *parts], x.dtype, shape, x.exact)


def concat(g):
    x = g.pick(lambda t: len(t.shape) > 0)
    if not x:
        return
    axis = g.rng.randrange(len(x.shape))
    others = lambda t: [d for i, d in enumerate(t.shape) if i != axis]
    inputs = [x]
    for _ in range(g.rng.randint(1, 2)):
        y = g.pick(lambda t: t.dtype == x.dtype and len(t.shape) == len(x.shape) and
                   others(t) == others(x))
        inputs.append(y)
    if all(d.static for d in others(x)) and g.rng.random() < 0.3:
        extents = [d.values[0] if i != axis else 2 for i, d in enumerate(x.shape)]
        inputs.append(g.random_constant(x.dtype, extents))
    total = inputs[0].shape[axis]
    for t in inputs[1:]:
        total = total + t.shape[axis]
    if all(t.shape[axis].static for t in inputs):
        total = static(total.values[0])
    shape = x.shape[:axis] + [total] + x.shape[axis + 1:]
    g.node("Concat", inputs, x.dtype, shape, all(t.exact for t in inputs), axis=axis)


def pad(g):
    x = g.pick(lambda t: len(t.shape) > 0 and t.dtype != "bool")
    if not x:
        return
    low = [g.rng.choice([0, 0, 1, 2]) for _ in x.shape]
    high = [g.rng.choice([0, 0, 1, 3]) for _ in x.shape]
    mode = g.rng.choice(["constant", "constant", "reflect", "edge"])
    least = max(low + high) + 1 if mode == "reflect" else 1 if mode == "edge" else 0
    if any(min(d.values) < least for d in x.shape):
        return
    shape = [static(d.values[0] + a + b) if d.static else d.map(lambda v, e=a + b: v + e)
             for d, a, b in zip(x.shape, low, high)]
    inputs = [x, g.constant(np.array(low + high, np.int64))]
    if mode == "constant" and g.rng.random() < 0.6:
        inputs.append(g.constant(np.array(g.rng.choice([1, 3, 200 if x.dtype == "uint8" else 7]), x.dtype)))
    g.node("Pad", inputs, x.dtype, shape, x.exact, mode=mode)


def gather(g):
    x = g.pick(lambda t: len(t.shape) > 0)
    if not x:
        return
    axis = g.rng.randrange(len(x.shape))
    least = min(x.shape[axis].values)
    if least < 1:
        return
    shape = g.rng.choice([[], [1], [3], [2, 2]])
    indices = np.array([g.rng.randrange(-least, least) for _ in range(int(np.prod(shape)))],
                       np.int64).reshape(shape)
    g.node("Gather", [x, g.constant(indices)], x.dtype,
           x.shape[:axis] + [static(v) for v in shape] + x.shape[axis + 1:], x.exact, axis=axis)


def expand(g):
    x = g.pick(lambda t: any(d.is_value(1) for d in t.shape))
    if not x or not all(d.static for d in x.shape):
        return
    shape = [g.extent() if d.is_value(1) else d for d in x.shape]
    g.node("Expand", [x, g.constant(np.array([d.values[0] for d in shape], np.int64))], x.dtype,
           shape, x.exact)


def trilu(g):
    x = g.pick(lambda t: len(t.shape) > 1 and t.dtype in ("float32", "int64", "bool"))
    if x:
        g.node("Trilu", [x, g.constant(np.array(g.rng.randint(-2, 2), np.int64))], x.dtype, x.shape,
               x.exact, upper=g.rng.randint(0, 1))


STEPS = [unary, unary, binary, binary, binary, compare, logic, bits, where, cast, cast, reduce,
         reduce, rows, matmul, matmul, gemm, conv, conv, conv, pool, pool, batch_norm, transpose,
         reshape, squeeze, slices, slices, concat, concat, pad, gather, expand, trilu, jump,
         integer_unary, conv_transpose, conv_transpose, scatter_elements, scatter_nd, gather_nd]
