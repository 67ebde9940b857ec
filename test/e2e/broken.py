#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sixty broken inputs in twelve kinds, made by hand. Each must give one clear
error line that names what is wrong, a status that is not zero, and no output
file: not even half of one.
"""

import ctypes
import functools
import os
import resource
import signal
import sys
import tempfile

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from cases import ROOT, Cases, require, require_one_error, require_success, run
from package import HEADER, seal, sections

DIGITS = ROOT / "examples/digits/digits.onnx"
F32, I64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING


def model(nodes, inputs, outputs, weights=(), opset=17, ir=8, domains=()):
    """Returns an ONNX file; inputs and outputs are (name, type, shape)."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "broken", [value(*i) for i in inputs],
                              [value(*o) for o in outputs], list(weights))
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=ir).SerializeToString()


def weight(name, *shape, dtype=np.float32):
    return numpy_helper.from_array(np.ones(shape, dtype), name)


def limit_files(most):
    """Lets no file grow beyond `most` bytes: writing fails as on a full disk. What is
    handed to the linker, in memory, counts as a file here, as it does not on a disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def obey_rights():
    """Takes from root the right to read what nobody may read; only that, since
    another user may have no way to the compiler."""
    if os.geteuid() == 0:
        drop_bounding, override, read_search = 24, 1, 2
        libc = ctypes.CDLL(None, use_errno=True)
        for right in (override, read_search):
            if libc.prctl(drop_bounding, right, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "prctl")


class Broken:
    def __init__(self, cases, bin_folder, folder):
        self.cases, self.folder = cases, folder
        self.compiler, self.runner = bin_folder / "actnet-compile", bin_folder / "actnet-run"
        self.package = self.path("digits.actnet")
        require_success([self.compiler, DIGITS, "--emit=package", "--dim", "N=1..4", "-o",
                         self.package])

    def path(self, name, data=None):
        path = f"{self.folder}/{name}"
        if data is not None:
            with open(path, "wb") as file:
                file.write(data)
        return path

    def expect(self, name, command, word, written=None, **options):
        """One case: the error names `word`, and `written` does not come to be."""
        def check():
            done = run(command, timeout=120, **options)
            require_one_error(done)
            require(word.lower() in done.stderr.lower(),
                    f"the error does not name '{word}': {done.stderr[:500]}")
            if written:
                require(not os.path.exists(written), f"{written} is there after an error")
        self.cases.case(name, check)

    def compile(self, name, data, word, *flags, emit="package"):
        source = self.path(f"{name.replace(' ', '-').replace(':', '')}.onnx", data)
        out = f"{source}.out"
        self.expect(name, [self.compiler, source, f"--emit={emit}", "-o", out, *flags], word, out)

    def run(self, name, word, *flags, package=None, written=None, **options):
        self.expect(name, [self.runner, package or self.package, *flags], word, written, **options)


def truncated(b):
    data, package = DIGITS.read_bytes(), open(b.package, "rb").read()
    for size in (0, 1, 1000, len(data) // 2, len(data) - 1):
        b.compile(f"truncated: model of {size} bytes", data[:size], "truncated")
    for size in (0, 20, 5000, len(package) - 1):
        path = b.path(f"truncated{size}.actnet", package[:size])
        b.run(f"truncated: package of {size} bytes", f"truncated{size}.actnet", package=path)


def flipped(b):
    data, package = DIGITS.read_bytes(), bytearray(open(b.package, "rb").read())
    b.compile("flipped: first byte of a model", bytes([data[0] ^ 0xff]) + data[1:], ".onnx")
    at = data.index(b"MaxPool")
    b.compile("flipped: name of an operator", data[:at] + b"M\x00xPool" + data[at + 7:], ".onnx")
    parts = sections(package)
    for name, at in (("magic", 1), ("header", 30), ("interface", parts["interface"][0] + 8),
                     ("plan", parts["plan.host"][0] + 100)):
        damaged = bytearray(package)
        damaged[at] ^= 0x10
        b.run(f"flipped: {name} of a package", f"flipped-{name}.actnet",
              package=b.path(f"flipped-{name}.actnet", damaged))


def wrong_shape(b):
    x, y = ("x", F32, ["N", 4]), ("y", F32, None)
    node = helper.make_node
    b.compile("wrong shape: product of 4 and 5", model(
        [node("MatMul", ["x", "w"], ["y"], "product")], [x], [y], [weight("w", 5, 3)]), "product")
    b.compile("wrong shape: sum of 4 and 3", model(
        [node("Add", ["x", "w"], ["y"], "sum")], [x], [y], [weight("w", 3)]), "sum")
    b.compile("wrong shape: convolution of other channels", model(
        [node("Conv", ["x", "w"], ["y"], "conv")], [("x", F32, ["N", 3, 8, 8])], [y],
        [weight("w", 8, 4, 3, 3)]), "conv")
    b.compile("wrong shape: reshape to another count", model(
        [node("Reshape", ["x", "s"], ["y"], "reshape")], [("x", F32, [2, 4])], [y],
        [numpy_helper.from_array(np.array([3, 3]), "s")]), "reshape")
    for name, shape in (("rank", (8, 8)), ("extent", (1, 1, 8, 9)), ("dim", (5, 1, 8, 8))):
        path = b.path(f"{name}.npy")
        np.save(path, np.zeros(shape, np.float32))
        b.run(f"wrong shape: {name} of an input", "image", "--input", f"image=@{path}")


def wrong_type(b):
    node = helper.make_node
    b.compile("wrong type: integers times floats", model(
        [node("MatMul", ["x", "w"], ["y"], "product")], [("x", I64, ["N", 4])],
        [("y", F32, None)], [weight("w", 4, 3)]), "product")
    b.compile("wrong type: strings", model(
        [node("Identity", ["x"], ["y"], "same")], [("x", STRING, ["N"])],
        [("y", STRING, None)]), "string")
    b.compile("wrong type: relu of booleans", model(
        [node("Relu", ["x"], ["y"], "relu")], [("x", TensorProto.BOOL, ["N"])],
        [("y", TensorProto.BOOL, None)]), "relu")
    for dtype in (np.float64, np.int32):
        path = b.path(f"{dtype.__name__}.npy")
        np.save(path, np.zeros((1, 1, 8, 8), dtype))
        b.run(f"wrong type: {dtype.__name__} for an input", "image", "--input", f"image=@{path}")


def missing(b):
    node, x, y = helper.make_node, ("x", F32, ["N", 4]), ("y", F32, None)
    absent = b.path("absent.onnx")
    b.expect("missing: model", [b.compiler, absent, "-o", f"{absent}.out"], "absent.onnx",
             f"{absent}.out")
    b.run("missing: package", "absent.actnet", package=b.path("absent.actnet"))
    b.run("missing: input file", "absent.npy", "--input", f"image=@{b.path('absent.npy')}")
    b.compile("missing: value that a node reads", model(
        [node("Add", ["x", "nowhere"], ["y"], "sum")], [x], [y]), "nowhere")
    b.compile("missing: output of the graph", model(
        [node("Relu", ["x"], ["z"], "relu")], [x], [y]), "'y'")
    outside = weight("w", 4)
    for location in ("absent.bin", "../secret.bin"):
        outside.ClearField("raw_data")
        outside.data_location = TensorProto.EXTERNAL
        del outside.external_data[:]
        outside.external_data.add(key="location", value=location)
        b.compile(f"missing: external data {location.replace('/', ' ')}", model(
            [node("Add", ["x", "w"], ["y"], "sum")], [x], [y], [outside]), location)


def unreadable(b):
    folder = b.path("folder")
    os.mkdir(folder)
    b.expect("unreadable: model is a folder", [b.compiler, folder, "-o", b.path("f.out")],
             "folder", b.path("f.out"))
    b.run("unreadable: package is a folder", "folder", package=folder)
    b.run("unreadable: input is a folder", "folder", "--input", f"image=@{folder}")
    closed = b.path("closed.onnx", DIGITS.read_bytes())
    os.chmod(closed, 0)
    b.expect("unreadable: no right to read", [b.compiler, closed, "-o", b.path("c.out")],
             "closed.onnx", b.path("c.out"), preexec_fn=obey_rights)
    b.expect("unreadable: the output's folder is not there",
             [b.compiler, DIGITS, "-o", b.path("no/such/out")], "no/such")


def cyclic(b):
    node, x, y = helper.make_node, ("x", F32, ["N", 4]), ("y", F32, None)
    b.compile("cyclic: two nodes", model(
        [node("Add", ["x", "b"], ["a"], "first"), node("Relu", ["a"], ["b"], "second"),
         node("Relu", ["b"], ["y"], "third")], [x], [y]), "first")
    b.compile("cyclic: a node that reads itself", model(
        [node("Add", ["x", "y"], ["y"], "self")], [x], [y]), "self")
    b.compile("cyclic: a value made twice", model(
        [node("Relu", ["x"], ["y"], "first"), node("Abs", ["x"], ["y"], "second")], [x], [y]),
        "'y'")
    b.compile("cyclic: a node makes an input again", model(
        [node("Relu", ["x"], ["x"], "again"), node("Relu", ["x"], ["y"], "last")], [x], [y]),
        "again")


def unknown_operator(b):
    node, x, y = helper.make_node, ("x", F32, ["N", 4]), ("y", F32, None)
    b.compile("unknown operator: one", model([node("Frobnicate", ["x"], ["y"])], [x], [y]),
              "Frobnicate")
    two = model([node("Frobnicate", ["x"], ["a"]), node("Relu", ["a"], ["b"]),
                 node("Grok", ["b"], ["y"])], [x], [y])
    b.compile("unknown operator: two, the first is named", two, "Frobnicate")
    b.compile("unknown operator: two, the second is named", two, "Grok")
    b.compile("unknown operator: of another domain", model(
        [node("Relu", ["x"], ["y"], domain="com.example")], [x], [y], domains=["com.example"]),
        "com.example")
    b.compile("unknown operator: no operator at all", model(
        [node("", ["x"], ["y"], "empty")], [x], [y]), "empty")


def bad_flag(b):
    for flag, word in (("--frobnicate", "frobnicate"), ("--emit=poem", "poem"),
                       ("--dim=N=5..2", "5..2"), ("--dim=N=-1", "N"), ("--dim=Q=3", "Q"),
                       ("--target=abacus", "abacus")):
        out = b.path("flag.out")
        b.expect(f"bad flag: compile {flag}", [b.compiler, DIGITS, "-o", out, flag], word, out)
    for flag, word in (("--frobnicate", "frobnicate"), ("--threads=-1", "threads"),
                       ("--dim=N=9", "N"), ("--isa=z80", "z80"), ("--device=abacus", "abacus"),
                       ("--output=nothing=@x.npy", "nothing")):
        b.run(f"bad flag: run {flag}", word, flag)


def bad_npy(b):
    good = b.path("good.npy")
    np.save(good, np.zeros((1, 1, 8, 8), np.float32))
    data = open(good, "rb").read()
    for name, damaged in (
            ("magic", b"NUMPX" + data[5:]), ("version", data[:6] + b"\x09" + data[7:]),
            ("header", data.replace(b"'shape'", b"'shope'")), ("short", data[:-1]),
            ("type", data.replace(b"'<f4'", b"'<f3'")),
            ("huge", data.replace(b"(1, 1, 8, 8), }", b"(9999999999999,)}")),
            ("empty", b"")):
        path = b.path(f"bad-{name}.npy", damaged)
        b.run(f"bad npy: {name}", f"bad-{name}.npy", "--input", f"image=@{path}")


def newer(b):
    package = open(b.package, "rb").read()
    version = HEADER.unpack_from(package)[1]
    for step in (1, 1000):
        path = b.path(f"newer{step}.actnet", seal(package, version=version + step))
        b.run(f"newer: package of schema {version + step}", str(version + step), package=path)
    path = b.path("newer-magic.actnet", seal(package, magic=package[:7] + b"\x02"))
    b.run("newer: another container", "newer-magic.actnet", package=path)
    node = helper.make_node("Relu", ["x"], ["y"], "relu")
    x, y = ("x", F32, ["N", 4]), ("y", F32, None)
    b.compile("newer: opset 99", model([node], [x], [y], opset=99), "99")
    b.compile("newer: IR version 99", model([node], [x], [y], ir=99), "IR version 99")
    b.compile("newer: two opsets of one domain", model([node], [x], [y], domains=[""]), "twice")
    b.compile("newer: opset 6, too old", model([node], [x], [y], opset=6), "6")


def full_disk(b):
    for emit in ("program", "package", "object", "graph"):
        out = b.path(f"full-{emit}.o" if emit == "object" else f"full-{emit}")
        b.expect(f"full disk: {emit}", [b.compiler, DIGITS, f"--emit={emit}", "-o", out],
                 "cannot write", out,
                 preexec_fn=functools.partial(limit_files, 4096 if emit == "graph" else 1 << 17))
    b.run("full disk: /dev/full as an output", "/dev/full", "--output", "logits=@/dev/full")


KINDS = [truncated, flipped, wrong_shape, wrong_type, missing, unreadable, cyclic,
         unknown_operator, bad_flag, bad_npy, newer, full_disk]


def main():
    cases = Cases(__doc__)
    args = cases.parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            broken = Broken(cases, args.bin, folder)
        except Exception as problem:
            cases.record("a package to break", str(problem))
            return cases.finish(args)
        for kind in KINDS:
            kind(broken)
    return cases.finish(args)


if __name__ == "__main__":
    sys.exit(main())
