# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small twins of the seven benchmark models, written with onnx's helper.

A twin has the operators and block types of its model, two blocks a stage and at
most 64 channels, and a dynamic batch dim N. Weights come from a fixed seed and
are scaled so that values neither fade nor grow from layer to layer: any two
random inputs give outputs that differ by a tenth of the largest output or more.
A classifier looks where pictures differ, as a trained one does, and weights are of
seeds for which that is enough to hold a narrow type's errors against: twins.py says
what they are.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
TOKENS = 12
WORDS = 50
# What a residual branch adds is small beside what it adds to, as in trained nets.
BRANCH = 0.3
# Of the classifier's inputs, those that differ most from picture to picture.
DIRECTIONS = 8


class Builder:
    """A graph in the making; every method adds nodes and returns a value's name."""

    def __init__(self, name, seed):
        self.name = name
        self.random = np.random.default_rng(seed)
        self.nodes, self.initializers = [], []
        self.count = 0
        self.channels = {}
        self.deviations = {}

    def node(self, kind, *inputs, outputs=1, **attributes):
        self.count += 1
        names = [f"{kind.lower()}_{self.count}" + (f"_{i}" if outputs > 1 else "")
                 for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names,
                                           name=f"{self.name}/{kind}_{self.count}", **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, array, name=None):
        self.count += 1
        name = name or f"weight_{self.count}"
        self.initializers.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def scalar(self, value):
        return self.constant(np.array(value, np.float32))

    def weight(self, *shape, scale=1.0):
        return self.constant((self.random.standard_normal(shape) * scale).astype(np.float32))

    def positive(self, *shape):
        return self.constant(self.random.uniform(0.5, 1.5, shape).astype(np.float32))

    # --- convnets: `channels` remembers what a value has -----------------------

    def conv(self, x, out, kernel=1, stride=1, group=1, bias=True, deviation=1.0):
        channels = self.channels[x]
        scale = 1.4 / np.sqrt(channels // group * kernel * kernel)
        inputs = [x, self.weight(out, channels // group, kernel, kernel, scale=scale)]
        self.deviations[inputs[1]] = deviation
        if bias:
            inputs.append(self.weight(out, scale=0.1))
        y = self.node("Conv", *inputs, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                      pads=[kernel // 2] * 4, group=group)
        self.channels[y] = out
        return y

    def keep(self, x, y):
        self.channels[y] = self.channels[x]
        return y

    def relu(self, x):
        return self.keep(x, self.node("Relu", x))

    def relu6(self, x):
        return self.keep(x, self.node("Clip", x, self.scalar(0), self.scalar(6)))

    def silu(self, x):
        return self.keep(x, self.node("Mul", x, self.node("Sigmoid", x)))

    def add(self, x, y):
        return self.keep(x, self.node("Add", x, y))

    def batch_norm(self, x):
        c = self.channels[x]
        return self.keep(x, self.node("BatchNormalization", x, self.positive(c),
                                      self.weight(c, scale=0.1), self.weight(c, scale=0.1),
                                      self.positive(c)))

    def pool(self, kind, x, kernel, stride, pad=0, **attributes):
        return self.keep(x, self.node(kind, x, kernel_shape=[kernel] * 2, strides=[stride] * 2,
                                      pads=[pad] * 4, **attributes))

    def head(self, x, classes=10):
        c = self.channels[x]
        y = self.node("ReduceMean", x, self.ints(2, 3), keepdims=1)
        y = self.node("Reshape", y, self.ints(0, c))
        return self.node("Gemm", y, self.weight(classes, c), self.weight(classes, scale=0.1),
                         transB=1)

    # --- transformers: values are [N, tokens, width] ---------------------------

    def layer_norm(self, x, width):
        return self.node("LayerNormalization", x, self.positive(width),
                         self.weight(width, scale=0.1), epsilon=1e-5)

    def dense(self, x, inner, outer):
        y = self.node("MatMul", x, self.weight(inner, outer, scale=1.2 / np.sqrt(inner)))
        return self.node("Add", y, self.weight(outer, scale=0.1))

    def gemm(self, x, inner, outer, tokens):
        """The way torch exports GPT-2's layers: rows of one matrix."""
        rows = self.node("Reshape", x, self.ints(-1, inner))
        y = self.node("Gemm", rows, self.weight(inner, outer, scale=1.2 / np.sqrt(inner)),
                      self.weight(outer, scale=0.1))
        return self.node("Reshape", y, self.ints(-1, tokens, outer))

    def heads(self, x, tokens, heads, width):
        y = self.node("Reshape", x, self.ints(-1, tokens, heads, width // heads))
        return self.node("Transpose", y, perm=[0, 2, 1, 3])

    def attention(self, q, k, v, tokens, width, heads, mask=None):
        q, k, v = (self.heads(t, tokens, heads, width) for t in (q, k, v))
        root = self.scalar((width // heads) ** -0.25)
        q = self.node("Mul", q, root)
        k = self.node("Mul", self.node("Transpose", k, perm=[0, 1, 3, 2]), root)
        scores = self.node("MatMul", q, k)
        if mask is not None:
            scores = self.node("Add", scores, mask)
        y = self.node("MatMul", self.node("Softmax", scores, axis=-1), v)
        y = self.node("Transpose", y, perm=[0, 2, 1, 3])
        return self.node("Reshape", y, self.ints(-1, tokens, width))

    def model(self, output, shape, inputs):
        graph = helper.make_graph(
            self.nodes, self.name,
            [helper.make_tensor_value_info(n, t, s) for n, t, s in inputs],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)], self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
        model.ir_version = 10
        return model

    def image(self, channels=3):
        self.channels["image"] = channels
        return "image"

    def image_model(self, output, size, classes=10):
        model = self.model(output, ["N", classes],
                           [("image", TensorProto.FLOAT, ["N", 3, size, size])])
        calibrate(model, self.deviations)
        return model


def calibrate(model, deviations):
    """Gives every channel of every convolution with a bias mean 0, and all of them
    together the deviation asked for, over some random inputs; so for every batch
    norm. Each channel a deviation of its own would blow up those that are nearly
    constant, and their rounding with them. Then turns the classifier's rows to
    where its inputs differ."""
    import onnxruntime as ort
    weights = {w.name: w for w in model.graph.initializer}

    def probe(name, seed=99, batch=16):
        part = onnx.ModelProto()
        part.CopyFrom(model)
        del part.graph.output[:]
        part.graph.output.append(helper.make_empty_tensor_value_info(name))
        session = ort.InferenceSession(part.SerializeToString(),
                                       providers=["CPUExecutionProvider"])
        return session.run(None, dict([random_input(model, batch, seed)]))[0]

    def channels(name):
        y = probe(name)
        axes = tuple(i for i in range(y.ndim) if i != 1)
        deviation = np.sqrt(y.var(axes).mean()) + 1e-3
        return y.mean(axes), np.full(y.shape[1], deviation)

    def change(name, function):
        value = function(numpy_helper.to_array(weights[name])).astype(np.float32)
        weights[name].CopyFrom(numpy_helper.from_array(value, name))

    for node in model.graph.node:
        if node.op_type == "Conv" and len(node.input) > 2:
            mean, deviation = channels(node.output[0])
            deviation /= deviations[node.input[1]]
            change(node.input[1], lambda w: w / deviation.reshape(-1, 1, 1, 1))
            change(node.input[2], lambda b: (b - mean) / deviation)
        elif node.op_type == "BatchNormalization":
            mean, deviation = channels(node.input[0])
            change(node.input[3], lambda _: mean)
            change(node.input[4], lambda _: deviation**2)
    classify = model.graph.node[-1]
    x = probe(classify.input[0], seed=100, batch=256).astype(np.float64)
    mean = x.mean(0)
    _, strengths, directions = np.linalg.svd(x - mean, full_matrices=False)
    # By their roots: the strongest lead, the others still count.
    kept = np.sqrt(strengths[:DIRECTIONS])
    rows = numpy_helper.to_array(weights[classify.input[1]])[:, :len(kept)] * kept
    rows = rows @ directions[:DIRECTIONS]
    rows /= (x @ rows.T).std()
    change(classify.input[1], lambda _: rows)
    change(classify.input[2], lambda bias: 0.1 * bias - rows @ mean)


# --- the twins -------------------------------------------------------------------

def resnet():
    b = Builder("resnet", 1)
    x = b.relu(b.conv(b.image(), 16, 7, 2))
    x = b.pool("MaxPool", x, 3, 2, 1)
    for stage, width in enumerate((8, 16)):
        for block in range(2):
            stride = 2 if stage and not block else 1
            y = b.relu(b.conv(x, width))
            y = b.relu(b.conv(y, width, 3, stride))
            y = b.conv(y, 4 * width, deviation=BRANCH)
            if not block:
                x = b.conv(x, 4 * width, 1, stride)
            x = b.relu(b.add(y, x))
    return b.image_model(b.head(x), 40)


def mobilenet():
    b = Builder("mobilenet", 22)
    x = b.relu6(b.conv(b.image(), 8, 3, 2))
    for stage, width in enumerate((8, 16)):
        for block in range(2):
            stride = 2 if stage and not block else 1
            y = x
            if stage:
                y = b.relu6(b.conv(y, min(64, 4 * b.channels[x])))
            y = b.relu6(b.conv(y, b.channels[y], 3, stride, group=b.channels[y]))
            y = b.conv(y, width, deviation=BRANCH if stage else 1.0)
            x = b.add(x, y) if stride == 1 and b.channels[x] == width else y
    x = b.relu6(b.conv(x, 64))
    return b.image_model(b.head(x), 32)


def densenet():
    b = Builder("densenet", 73)
    x = b.relu(b.batch_norm(b.conv(b.image(), 16, 7, 2, bias=False)))
    x = b.pool("MaxPool", x, 3, 2, 1)
    for stage in range(2):
        for _ in range(2):
            y = b.conv(b.relu(b.batch_norm(x)), 32, bias=False)
            y = b.conv(b.relu(b.batch_norm(y)), 8, 3, bias=False)
            joined = b.node("Concat", x, y, axis=1)
            b.channels[joined] = b.channels[x] + 8
            x = joined
        if not stage:
            x = b.conv(b.relu(b.batch_norm(x)), b.channels[x] // 2, bias=False)
            x = b.pool("AveragePool", x, 2, 2)
    return b.image_model(b.head(b.relu(b.batch_norm(x))), 36)


def efficientnet():
    b = Builder("efficientnet", 144)
    x = b.silu(b.conv(b.image(), 8, 3, 2))
    for stage, (width, kernel) in enumerate(((8, 3), (16, 5))):
        for block in range(2):
            stride = 2 if stage and not block else 1
            y = x
            if stage:
                y = b.silu(b.conv(y, 4 * b.channels[x]))
            y = b.silu(b.conv(y, b.channels[y], kernel, stride, group=b.channels[y]))
            squeezed = b.keep(y, b.node("ReduceMean", y, b.ints(2, 3), keepdims=1))
            squeezed = b.conv(b.silu(b.conv(squeezed, 4)), b.channels[y], deviation=BRANCH / 1.5)
            y = b.keep(y, b.node("Mul", b.node("Sigmoid", squeezed), y))
            y = b.conv(y, width, deviation=BRANCH / 1.5)
            x = b.add(x, y) if stride == 1 and b.channels[x] == width else y
    x = b.silu(b.conv(x, 64))
    return b.image_model(b.head(x), 32)


def bert():
    width, heads = 64, 4
    b = Builder("bert", 5)
    shape = b.node("Shape", "input_ids")
    batch = b.node("Gather", shape, b.constant(np.array(0, np.int64)), axis=0)
    x = b.node("Gather", b.weight(WORDS, width), "input_ids", axis=0)
    x = b.node("Add", x, b.node("Gather", b.weight(2, width, scale=0.1), b.ints(*[0] * TOKENS)))
    x = b.layer_norm(b.node("Add", x, b.weight(1, TOKENS, width, scale=0.5)), width)
    # What the padding of a batch would be: all tokens count.
    ones = b.node("Expand", b.scalar(1.0), b.node(
        "Concat", b.node("Unsqueeze", batch, b.ints(0)), b.ints(1, 1, TOKENS), axis=0))
    mask = b.node("Mul", b.node("Sub", b.scalar(1.0), ones), b.scalar(-10000.0))
    for _ in range(2):
        y = b.attention(*(b.dense(x, width, width) for _ in range(3)), TOKENS, width, heads, mask)
        x = b.layer_norm(b.node("Add", b.dense(y, width, width), x), width)
        y = b.node("Gelu", b.dense(x, width, 2 * width))
        x = b.layer_norm(b.node("Add", b.dense(y, 2 * width, width), x), width)
    return b.model(x, ["N", TOKENS, width], [("input_ids", TensorProto.INT64, ["N", TOKENS])])


def vit():
    width, heads, patch, size = 48, 3, 8, 32
    tokens = (size // patch) ** 2 + 1
    b = Builder("vit", 6)
    filters = b.weight(width, 3, patch, patch, scale=0.1)
    b.deviations[filters] = 1.0
    x = b.node("Conv", b.image(), filters, b.weight(width, scale=0.1), strides=[patch] * 2,
               kernel_shape=[patch] * 2)
    x = b.node("Reshape", x, b.ints(0, width, -1))
    x = b.node("Transpose", x, perm=[0, 2, 1])
    batch = b.node("Slice", b.node("Shape", "image"), b.ints(0), b.ints(1))
    token = b.node("Expand", b.weight(1, 1, width, scale=0.2),
                   b.node("Concat", batch, b.ints(1, width), axis=0))
    x = b.node("Concat", token, x, axis=1)
    x = b.node("Add", x, b.weight(1, tokens, width, scale=0.2))
    for _ in range(2):
        y = b.layer_norm(x, width)
        # One product for all three, taken apart as torch exports it.
        qkv = b.node("Reshape", b.dense(y, width, 3 * width), b.ints(-1, tokens, 3, width))
        qkv = b.node("Transpose", b.node("Unsqueeze", qkv, b.ints(0)), perm=[3, 1, 2, 0, 4])
        qkv = b.node("Squeeze", qkv, b.ints(3))
        parts = [b.node("Gather", qkv, b.constant(np.array(i, np.int64)), axis=0)
                 for i in range(3)]
        x = b.node("Add", x, b.dense(b.attention(*parts, tokens, width, heads), width, width))
        y = b.node("Gelu", b.dense(b.layer_norm(x, width), width, 2 * width))
        x = b.node("Add", x, b.dense(y, 2 * width, width))
    x = b.layer_norm(x, width)
    x = b.node("Gather", x, b.constant(np.array(0, np.int64)), axis=1)
    x = b.node("Gemm", x, b.weight(10, width, scale=0.3), b.weight(10), transB=1)
    return b.image_model(x, size)


def gpt2():
    width, heads = 64, 4
    b = Builder("gpt2", 7)
    table = b.weight(WORDS, width)
    x = b.node("Gather", table, "input_ids", axis=0)
    x = b.node("Add", x, b.weight(1, TOKENS, width, scale=0.3))
    causal = np.tril(np.ones((1, 1, TOKENS, TOKENS), bool))
    mask = b.node("Where", b.constant(causal), b.scalar(0.0),
                  b.scalar(float(np.finfo(np.float32).min)))
    for _ in range(2):
        y = b.gemm(b.layer_norm(x, width), width, 3 * width, TOKENS)
        q, k, v = b.node("Split", y, b.ints(width, width, width), axis=2, outputs=3)
        y = b.attention(q, k, v, TOKENS, width, heads, mask)
        x = b.node("Add", x, b.gemm(y, width, width, TOKENS))
        y = b.gemm(b.layer_norm(x, width), width, 2 * width, TOKENS)
        cubed = b.node("Mul", b.node("Pow", y, b.scalar(3.0)), b.scalar(0.044715))
        inner = b.node("Mul", b.node("Add", y, cubed), b.scalar(0.7978845834732056))
        gate = b.node("Add", b.node("Tanh", inner), b.scalar(1.0))
        y = b.node("Mul", b.node("Mul", y, b.scalar(0.5)), gate)
        x = b.node("Add", x, b.gemm(y, 2 * width, width, TOKENS))
    x = b.node("MatMul", b.layer_norm(x, width), b.node("Transpose", table, perm=[1, 0]))
    return b.model(x, ["N", TOKENS, WORDS], [("input_ids", TensorProto.INT64, ["N", TOKENS])])


TWINS = {f.__name__: f for f in (resnet, mobilenet, densenet, efficientnet, bert, vit, gpt2)}


def random_input(model, batch, seed):
    """A random input of a twin: (name, array)."""
    value = model.graph.input[0]
    shape = [batch] + [d.dim_value for d in value.type.tensor_type.shape.dim[1:]]
    random = np.random.default_rng(seed)
    if value.type.tensor_type.elem_type == TensorProto.INT64:
        return value.name, random.integers(0, WORDS, shape, np.int64)
    # Pictures differ in large areas, not in noise alone, which averages out.
    batch, channels, height, width = shape
    areas = 2 * random.standard_normal((batch, channels, 2, 2))
    areas = np.kron(areas, np.ones((height // 2, width // 2)))
    return value.name, (areas + 0.5 * random.standard_normal(shape)).astype(np.float32)
