#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains the digit classifier of this example and writes its three files.

    digits.onnx   the network: image [N,1,8,8] f32 in [0,1] -> logits [N,10] f32
    digits.png    the test images: one sheet of 20 columns of 8x8 cells, 8-bit grey
    labels.txt    the true digit of each cell of the sheet, one a line, row by row

The data are the 1797 digits of UCI's "Optical Recognition of Handwritten
Digits", as scikit-learn ships them: 8x8 pixels of 0..16, which the sheet holds
as value*15 (0..240). So `pixel / 240` gives back the network's input exactly.
The first 80 % train the network; the last 20 %, by other writers, are the
sheet, and nothing is chosen by looking at them.

Needs numpy, onnx and scikit-learn; takes about a minute on one core.
The net is trained in plain numpy, so that the ONNX file holds exactly the
nodes that are written below, with a batch normalisation left unfolded.
"""

import pathlib
import struct
import zlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

HERE = pathlib.Path(__file__).resolve().parent
SHEET_COLUMNS = 20
PIXEL_SCALE = 15
EPOCHS, BATCH, RATE, DECAY, SMOOTHING = 80, 64, 2e-3, 1e-3, 0.05
rng = np.random.default_rng(8)


# --- layers: forward returns what backward needs -----------------------------

def columns(x):
    """Unfolds x [N,C,H,W], padded by one, to the 3x3 patches [N*H*W, C*9]."""
    n, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    view = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return view.transpose(0, 2, 3, 1, 4, 5).reshape(n * h * w, c * 9)


def conv(x, weight):
    """A 3x3 convolution that keeps the size: [N,C,H,W] * [K,C,3,3]."""
    n, _, h, w = x.shape
    patches = columns(x)
    y = patches @ weight.reshape(len(weight), -1).T
    return y.reshape(n, h, w, -1).transpose(0, 3, 1, 2), patches


def conv_backward(dy, patches, weight):
    """The gradients of conv's input and weight."""
    flat = dy.transpose(0, 2, 3, 1).reshape(-1, len(weight))
    dweight = (flat.T @ patches).reshape(weight.shape)
    mirrored = weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    return conv(dy, mirrored)[0], dweight


def pool(x):
    """Maximum over windows of 2x2, and the mask of the pixels that won."""
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // 2, 2, w // 2, 2)
    y = blocks.max(axis=(3, 5))
    return y, blocks == y[:, :, :, None, :, None]


# --- the network ---------------------------------------------------------------

def initial():
    """He-normal weights; batch norm starts as the identity."""
    def he(*shape):
        fan = int(np.prod(shape[1:]))
        return (rng.standard_normal(shape) * np.sqrt(2 / fan)).astype(np.float32)

    zeros = lambda n: np.zeros(n, np.float32)
    return {
        "conv1.weight": he(16, 1, 3, 3), "conv1.bias": zeros(16),
        "conv2.weight": he(32, 16, 3, 3),
        "norm2.scale": np.ones(32, np.float32), "norm2.bias": zeros(32),
        "conv3.weight": he(32, 32, 3, 3) * np.float32(0.5), "conv3.bias": zeros(32),
        "fc1.weight": he(20, 512), "fc1.bias": zeros(20),
        "fc2.weight": he(10, 20), "fc2.bias": zeros(10),
    }


def step(p, stats, x, labels):
    """One training step: the gradients of the mean smoothed cross-entropy."""
    column = lambda name: p[name][:, None, None]
    a, patches1 = conv(x, p["conv1.weight"])
    r1 = np.maximum(a + column("conv1.bias"), 0)
    b, patches2 = conv(r1, p["conv2.weight"])
    mean, var = b.mean((0, 2, 3)), b.var((0, 2, 3))
    stats["mean"] += 0.05 * (mean - stats["mean"])
    stats["var"] += 0.05 * (var - stats["var"])
    inverse = 1 / np.sqrt(var + 1e-5)
    normed = (b - mean[:, None, None]) * inverse[:, None, None]
    r2 = np.maximum(normed * column("norm2.scale") + column("norm2.bias"), 0)
    pooled, mask = pool(r2)
    c, patches3 = conv(pooled, p["conv3.weight"])
    r3 = np.maximum(c + column("conv3.bias") + pooled, 0)
    keep = (rng.random((len(x), 512)) > 0.3).astype(np.float32) / np.float32(0.7)
    flat = r3.reshape(len(x), -1) * keep
    r4 = np.maximum(flat @ p["fc1.weight"].T + p["fc1.bias"], 0)
    logits = r4 @ p["fc2.weight"].T + p["fc2.bias"]

    logits = logits - logits.max(1, keepdims=True)
    prob = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    target = np.full_like(prob, SMOOTHING / 10)
    target[np.arange(len(x)), labels] += 1 - SMOOTHING
    g = {}
    d = (prob - target) / np.float32(len(x))
    g["fc2.weight"], g["fc2.bias"] = d.T @ r4, d.sum(0)
    d = d @ p["fc2.weight"] * (r4 > 0)
    g["fc1.weight"], g["fc1.bias"] = d.T @ flat, d.sum(0)
    d = (d @ p["fc1.weight"] * keep).reshape(r3.shape) * (r3 > 0)
    g["conv3.bias"] = d.sum((0, 2, 3))
    through, g["conv3.weight"] = conv_backward(d, patches3, p["conv3.weight"])
    d = ((d + through)[:, :, :, None, :, None] * mask).reshape(r2.shape) * (r2 > 0)
    g["norm2.scale"], g["norm2.bias"] = (d * normed).sum((0, 2, 3)), d.sum((0, 2, 3))
    count = np.float32(d.size / d.shape[1])
    d = (d - (g["norm2.bias"] / count)[:, None, None]
         - normed * (g["norm2.scale"] / count)[:, None, None])
    d = d * (p["norm2.scale"] * inverse)[:, None, None]
    d, g["conv2.weight"] = conv_backward(d, patches2, p["conv2.weight"])
    d = d * (r1 > 0)
    _, g["conv1.weight"] = conv_backward(d, patches1, p["conv1.weight"])
    g["conv1.bias"] = d.sum((0, 2, 3))
    return g


def distort(x):
    """Turns, scales and shifts each image a little (bilinear)."""
    n = len(x)
    angle = rng.uniform(-0.2, 0.2, n)
    scale = rng.uniform(0.88, 1.12, (2, n))
    shift = rng.uniform(-0.9, 0.9, (2, n))
    shear = rng.uniform(-0.15, 0.15, n)
    v, u = np.meshgrid(np.arange(8) - 3.5, np.arange(8) - 3.5, indexing="ij")
    broadcast = lambda a: a[:, None, None]
    sin, cos = broadcast(np.sin(angle)), broadcast(np.cos(angle))
    yy = (cos * v - sin * u) * broadcast(scale[0]) + broadcast(shift[0]) + 4.5
    xx = ((sin * v + cos * u) * broadcast(scale[1]) + broadcast(shear) * v
          + broadcast(shift[1]) + 4.5)
    padded = np.pad(x[:, 0], ((0, 0), (1, 2), (1, 2)))
    yy, xx = np.clip(yy, 0, 9), np.clip(xx, 0, 9)
    y0, x0 = yy.astype(int), xx.astype(int)
    fy, fx = yy - y0, xx - x0
    i = np.arange(n)[:, None, None]
    out = ((1 - fy) * ((1 - fx) * padded[i, y0, x0] + fx * padded[i, y0, x0 + 1])
           + fy * ((1 - fx) * padded[i, y0 + 1, x0] + fx * padded[i, y0 + 1, x0 + 1]))
    return out[:, None].astype(np.float32)


def train(x, labels):
    """Adam with a cosine rate; returns running averages of the parameters."""
    p = initial()
    stats = {"mean": np.zeros(32, np.float32), "var": np.ones(32, np.float32)}
    m = {k: np.zeros_like(v) for k, v in p.items()}
    s = {k: np.zeros_like(v) for k, v in p.items()}
    average = {k: v.copy() for k, v in p.items()}
    steps, t = EPOCHS * (len(x) // BATCH), 0
    for epoch in range(EPOCHS):
        order = rng.permutation(len(x))
        for start in range(0, len(x) - BATCH + 1, BATCH):
            pick = order[start:start + BATCH]
            g = step(p, stats, distort(x[pick]), labels[pick])
            t += 1
            rate = RATE * 0.5 * (1 + np.cos(np.pi * t / steps))
            for k in p:
                m[k] += 0.1 * (g[k] - m[k])
                s[k] += 0.01 * (g[k] * g[k] - s[k])
                hat = m[k] / (1 - 0.9 ** t) / (np.sqrt(s[k] / (1 - 0.99 ** t)) + 1e-8)
                decay = DECAY * p[k] if k.endswith("weight") else 0
                p[k] = (p[k] - rate * (hat + decay)).astype(np.float32)
                average[k] += np.float32(0.01) * (p[k] - average[k])
        if (epoch + 1) % 10 == 0:
            print(f"epoch {epoch + 1} of {EPOCHS}", flush=True)
    # The averaged weights see other statistics than the last ones did.
    a, _ = conv(x, average["conv1.weight"])
    a = np.maximum(a + average["conv1.bias"][:, None, None], 0)
    b, _ = conv(a, average["conv2.weight"])
    average["norm2.mean"], average["norm2.var"] = b.mean((0, 2, 3)), b.var((0, 2, 3))
    return average


# --- the files -----------------------------------------------------------------

def write_onnx(p, path):
    """Writes the network as ONNX opset 17, batch dim `N`."""
    node = helper.make_node
    pads = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    norm = ["norm2.scale", "norm2.bias", "norm2.mean", "norm2.var"]
    nodes = [
        node("Conv", ["image", "conv1.weight", "conv1.bias"], ["conv1"], "conv1", **pads),
        node("Relu", ["conv1"], ["relu1"], "relu1"),
        node("Conv", ["relu1", "conv2.weight"], ["conv2"], "conv2", **pads),
        node("BatchNormalization", ["conv2", *norm], ["norm2"], "norm2", epsilon=1e-5),
        node("Relu", ["norm2"], ["relu2"], "relu2"),
        node("MaxPool", ["relu2"], ["pool"], "pool", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", ["pool", "conv3.weight", "conv3.bias"], ["conv3"], "conv3", **pads),
        node("Add", ["conv3", "pool"], ["sum"], "residual"),
        node("Relu", ["sum"], ["relu3"], "relu3"),
        node("Flatten", ["relu3"], ["flat"], "flatten", axis=1),
        node("Gemm", ["flat", "fc1.weight", "fc1.bias"], ["fc1"], "fc1", transB=1),
        node("Relu", ["fc1"], ["relu4"], "relu4"),
        node("Gemm", ["relu4", "fc2.weight", "fc2.bias"], ["logits"], "fc2", transB=1),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "digits",
        [value("image", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [value("logits", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(v.astype(np.float32), k) for k, v in p.items()])
    model = helper.make_model(graph, producer_name="examples/digits/train.py",
                              opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def write_png(pixels, path):
    """Writes [height, width] u8 as an 8-bit greyscale PNG."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    height, width = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    path.write_bytes(b"\x89PNG\r\n\x1a\n"
                     + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def write_sheet(images, labels):
    """Writes the sheet and the labels; the last row is filled up with black."""
    rows = -(-len(images) // SHEET_COLUMNS)
    cells = np.zeros((rows * SHEET_COLUMNS, 8, 8), np.uint8)
    cells[:len(images)] = images.astype(np.uint8) * PIXEL_SCALE
    sheet = cells.reshape(rows, SHEET_COLUMNS, 8, 8).transpose(0, 2, 1, 3)
    write_png(np.ascontiguousarray(sheet.reshape(rows * 8, SHEET_COLUMNS * 8)),
              HERE / "digits.png")
    (HERE / "labels.txt").write_text("".join(f"{label}\n" for label in labels))


def run_onnx(path, x):
    """Runs the written file, not the arrays it was written from."""
    from onnx.reference import ReferenceEvaluator
    return ReferenceEvaluator(str(path)).run(None, {"image": x})[0]


def main():
    data = load_digits()
    split = int(len(data.images) * 0.8)
    x = (data.images[:, None] / 16).astype(np.float32)
    path = HERE / "digits.onnx"
    write_onnx(train(x[:split], data.target[:split]), path)
    write_sheet(data.images[split:], data.target[split:])
    right = run_onnx(path, x[split:]).argmax(1) == data.target[split:]
    print(f"{path.name}: {path.stat().st_size} bytes, {right.sum()} of {len(right)} "
          f"test images right ({100 * right.mean():.1f} %)")


if __name__ == "__main__":
    main()
