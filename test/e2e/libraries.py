#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products as calls of cuBLASLt, over the stand-ins of library and driver.

One model holds every form that may be called: rows of a batch that run on,
batches, transposed operands, a factor, bias, ReLU, GELU with tanh, convolutions
of 1x1, views of a larger tensor. It runs with the library, without it, with a
library that finds no algorithm, on the software GPU and on the host, beside
onnxruntime; the log says who ran what.
"""

import os
import pathlib
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper

from cases import ROOT, Cases, require, require_one_error, require_success, run

# Of the largest output.
BOUNDS = {"f32": 1e-5, "f16": 1e-2, "bf16": 4e-2}
FLOAT = TensorProto.FLOAT
# Products that are called. Those of gelu with erf are not; in narrow floats neither is one whose
# bias is narrow and whose result, an output of the model, is f32, nor one that is written beside
# its own operand (x is cast into the tensor that both are parts of).
CALLS = {"f32": 9, "f16": 7, "bf16": 7}


class Builder:
    def __init__(self):
        self.nodes, self.constants, self.outputs = [], [], []
        self.random = np.random.default_rng(5)

    def constant(self, name, *shape):
        value = self.random.uniform(-0.4, 0.4, shape).astype(np.float32)
        self.constants.append(onnx.numpy_helper.from_array(value, name))
        return name

    def scalar(self, name, value):
        self.constants.append(onnx.numpy_helper.from_array(np.array(value, np.float32), name))
        return name

    def add(self, operator, inputs, name, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def output(self, value, *shape):
        self.outputs.append(helper.make_tensor_value_info(value, FLOAT, list(shape)))


def make_model():
    b = Builder()
    # Rows that run on: [N, 16, 24] x [24, 40].
    b.add("MatMul", ["x", b.constant("w1", 24, 40)], "plain")
    b.add("MatMul", ["x", b.constant("w2", 24, 48)], "biased0")
    b.add("Add", ["biased0", b.constant("b2", 48)], "biased1")
    b.add("Gelu", ["biased1"], "gelu", approximate="tanh")
    b.add("MatMul", ["gelu", b.constant("w3", 48, 32)], "relu0")
    b.add("Add", ["relu0", b.constant("b3", 32)], "relu1")
    b.add("Relu", ["relu1"], "relu")
    # A batch, transposed, with a factor.
    b.add("Transpose", ["x"], "turned", perm=[0, 2, 1])
    b.add("MatMul", ["x", "turned"], "scores0")
    b.add("Mul", ["scores0", b.scalar("factor", 0.125)], "scores")
    b.add("MatMul", ["scores", "relu"], "mixed")
    # Weights as torch's Linear has them.
    b.add("Gemm", ["v", b.constant("w4", 36, 20), b.constant("b4", 36)], "linear", transB=1)
    # A convolution that is a product; channels first in the model.
    b.add("Conv", ["i", b.constant("w5", 24, 12, 1, 1), b.constant("b5", 24)], "conv0")
    b.add("Relu", ["conv0"], "conv")
    b.add("Conv", ["conv", b.constant("w6", 16, 24, 1, 1)], "strided", strides=[2, 2])
    # Not the library's: erf.
    b.add("MatMul", ["x", b.constant("w7", 24, 16)], "erf0")
    b.add("Gelu", ["erf0"], "erf")
    # Into a part of a larger tensor.
    b.add("MatMul", ["x", b.constant("w8", 24, 8)], "part")
    b.add("Concat", ["x", "part"], "joined", axis=2)
    b.output("plain", "N", 16, 40)
    b.output("mixed", "N", 16, 32)
    b.output("linear", "N", 36)
    b.output("strided", "N", 16, 4, 4)
    b.output("erf", "N", 16, 16)
    b.output("joined", "N", 16, 32)
    inputs = [helper.make_tensor_value_info("x", FLOAT, ["N", 16, 24]),
              helper.make_tensor_value_info("v", FLOAT, ["N", 20]),
              helper.make_tensor_value_info("i", FLOAT, ["N", 12, 8, 8])]
    graph = helper.make_graph(b.nodes, "products", inputs, b.outputs, b.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    onnx.checker.check_model(model)
    return model


class Products:
    def __init__(self, folder, compiler, runner, driver):
        import onnxruntime as ort
        self.folder, self.compiler, self.runner, self.driver = folder, compiler, runner, driver
        self.file = f"{folder}/products.onnx"
        self.log = pathlib.Path(folder) / "log"
        onnx.save(make_model(), self.file)
        self.peer = ort.InferenceSession(self.file, providers=["CPUExecutionProvider"])
        self.outputs = [output.name for output in self.peer.get_outputs()]

    def inputs(self, batch):
        random = np.random.default_rng(batch)
        return {i.name: random.uniform(-1, 1, [batch, *i.shape[1:]]).astype(np.float32)
                for i in self.peer.get_inputs()}

    def program(self, precision):
        return f"{self.folder}/products.{precision}.actnet"

    def compile(self, precision):
        flags = [] if precision == "f32" else [f"--precision={precision}"]
        done = require_success([self.compiler, self.file, "--target=host:x86-64-v3,cuda:sm_80,toy",
                                "--libraries=all", "--dim", "N=1..4", "-v", "--emit=package",
                                "-o", self.program(precision), *flags], timeout=900)
        calls = done.stderr.count("): called as a product of cuBLASLt")
        require(calls == CALLS[precision], f"{calls} products are calls, not {CALLS[precision]}")

    def run(self, precision, device, batch, standIn="", **environment):
        """Runs one job; returns the log of the stand-ins and stderr."""
        self.log.unlink(missing_ok=True)
        values = self.inputs(batch)
        flags = []
        for name, value in values.items():
            np.save(f"{self.folder}/{name}.npy", value)
            flags += ["--input", f"{name}=@{self.folder}/{name}.npy"]
        for name in self.outputs:
            flags += ["--output", f"{name}=@{self.folder}/{name}.out.npy"]
        done = require_success(
            [self.runner, self.program(precision), f"--device={device}", *flags], timeout=300,
            env=dict(os.environ, LD_LIBRARY_PATH=str(self.driver),
                     ACTNET_STANDIN_PACKAGE=self.program(precision),
                     ACTNET_STANDIN=f"log={self.log}{standIn}", **environment))
        expected = self.peer.run(None, values)
        for name, wanted in zip(self.outputs, expected):
            got = np.load(f"{self.folder}/{name}.out.npy")
            require(got.shape == wanted.shape, f"{name}: {got.shape}, expected {wanted.shape}")
            error = np.abs(got - wanted).max() / np.abs(wanted).max()
            bound = BOUNDS["f32" if device == "host" else precision]
            require(error <= bound, f"{name}: error {error:.1e}, allowed {bound:.0e}")
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return lines, done.stderr

    def with_library(self, precision, batch):
        lines, notes = self.run(precision, "cuda", batch)
        ran = sum(line.startswith("ran cublasLtMatmul") for line in lines)
        require(ran == CALLS[precision], f"the library ran {ran} products of {CALLS[precision]}")
        require(sum(line.startswith("cuGraphLaunch") for line in lines) == 1,
                "a job is one graph launch")
        require("library" not in notes and "cuBLASLt" not in notes, f"a notice: {notes}")

    def without_library(self, precision, batch):
        lines, notes = self.run(precision, "cuda", batch, ACTNET_CUBLASLT="/nowhere/cublasLt")
        require(not any("cublasLt" in line for line in lines), "the library was called")
        require("library calls run as kernels" in notes, f"no notice: {notes}")

    def without_algorithm(self, precision, batch):
        lines, notes = self.run(precision, "cuda", batch, ",heuristics=none")
        require(not any(line.startswith("ran cublasLt") for line in lines), "the library ran")
        require("cuBLASLt has no algorithm for" in notes, f"no notice: {notes}")

    def by_ptx(self, precision, batch):
        """On a GPU that nobody compiled for, which the PTX serves."""
        lines, notes = self.run(precision, "cuda", batch, ",sm=120",
                                ACTNET_CUBLASLT="/nowhere/cublasLt")
        require(any(line.startswith("ran contract") for line in lines), f"what ran: {lines}")
        done = require_success([self.runner, self.program(precision), "--device=cuda", "--json"],
                               env=dict(os.environ, LD_LIBRARY_PATH=str(self.driver),
                                        ACTNET_STANDIN_PACKAGE=self.program(precision),
                                        ACTNET_STANDIN="sm=120"))
        require('"isa": "compute_80"' in done.stdout, done.stdout)

    def with_less_shared_memory(self, precision, batch):
        """Code for sm_80 fits GPUs of its major version that have less."""
        lines, _ = self.run(precision, "cuda", batch, ",sm=86", ACTNET_CUBLASLT="/nowhere/cublasLt")
        require(not any("refused" in line for line in lines), "the driver refused a call")

    def broken(self, precision):
        env = dict(os.environ, LD_LIBRARY_PATH=str(self.driver),
                   ACTNET_STANDIN_PACKAGE=self.program(precision),
                   ACTNET_STANDIN="products=none")
        done = run([self.runner, self.program(precision), "--device=cuda"], env=env)
        require_one_error(done)
        require("CUBLAS_STATUS_EXECUTION_FAILED" in done.stderr, done.stderr)


def main():
    cases = Cases(__doc__)
    cases.parser.add_argument("--driver", type=pathlib.Path, default=ROOT / "build/lib/stand-in",
                              help="folder of the stand-ins")
    cases.parser.add_argument("--run", type=pathlib.Path, help="another actnet-run")
    args = cases.parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        products = Products(folder, args.bin / "actnet-compile", args.run or args.bin / "actnet-run",
                            args.driver.resolve())
        for precision in BOUNDS:
            cases.case(f"compiles in {precision}", products.compile, precision)
            for batch in (1, 3):
                cases.case(f"{precision}, N={batch}, in the library", products.with_library,
                           precision, batch)
            cases.case(f"{precision}, without the library", products.without_library, precision, 3)
            cases.case(f"{precision}, without an algorithm", products.without_algorithm,
                       precision, 2)
            cases.case(f"{precision}, on toy", products.run, precision, "toy", 2)
            cases.case(f"{precision}, by PTX on sm_120", products.by_ptx, precision, 2)
            cases.case(f"{precision}, sm_80's code on sm_86", products.with_less_shared_memory,
                       precision, 2)
        cases.case("f32, on the host", products.run, "f32", "host", 3)
        cases.case("a failing library", products.broken, "f32")
    return cases.finish(args)


if __name__ == "__main__":
    sys.exit(main())
