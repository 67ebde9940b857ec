#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small twins of the seven models, and the digit classifier, beside onnxruntime.

Each is compiled once for all devices asked for and run on each of them with
several batches. The largest difference to onnxruntime is held against what
another input changes: 1e-4 of it in f32, 2e-2 in f16 and bf16.

Device cuda runs on the driver that --driver names: the stand-in where no GPU is
(it takes the kernels' toy code, so the target must name toy too).
"""

import os
import pathlib
import sys
import tempfile

import numpy as np
import onnx

from cases import ROOT, Cases, require, require_success
from twin_models import TWINS, random_input

BOUNDS = {"f32": 1e-4, "f16": 2e-2, "bf16": 2e-2}
MAX_BATCH = 4


def load_models(names):
    models = {name: TWINS[name]() for name in TWINS if name in names}
    if "digits" in names:
        models["digits"] = onnx.load(ROOT / "examples/digits/digits.onnx")
    return models


class Twin:
    """One model: its programs, and onnxruntime's outputs."""

    def __init__(self, name, model, folder, compiler):
        import onnxruntime as ort
        self.name, self.model, self.folder, self.compiler = name, model, folder, compiler
        self.file = f"{folder}/{name}.onnx"
        onnx.save(model, self.file)
        self.peer = ort.InferenceSession(self.file, providers=["CPUExecutionProvider"])

    def expected(self, batch, seed):
        return self.peer.run(None, dict([random_input(self.model, batch, seed)]))[0]

    def program(self, precision):
        return f"{self.folder}/{self.name}.{precision}"

    def compile(self, target, precision, libraries="auto"):
        flags = [] if precision == "f32" else [f"--precision={precision}"]
        flags += [] if libraries == "auto" else [f"--libraries={libraries}"]
        require_success([self.compiler, self.file, f"--target={target}", "--dim",
                         f"N=1..{MAX_BATCH}", "-o", self.program(precision), *flags], timeout=900)

    def environment(self, precision, driver):
        """What a program needs to find the stand-in for the driver."""
        if not driver:
            return None
        return dict(os.environ, LD_LIBRARY_PATH=str(driver),
                    ACTNET_STANDIN_PACKAGE=self.program(precision))

    def agree(self, device, precision, batch, seed, flags, environment):
        name, value = random_input(self.model, batch, seed)
        expected = self.expected(batch, seed)
        changed = np.abs(expected - self.expected(batch, seed + 1)).max()
        require(changed > 0.05 * np.abs(expected).max(), "another input changes too little")
        x, y = f"{self.folder}/x.npy", f"{self.folder}/y.npy"
        np.save(x, value)
        require_success([self.program(precision), f"--device={device}", "--input", f"{name}=@{x}",
                         "--output", f"@{y}", *flags], timeout=900, env=environment)
        got = np.load(y)
        require(got.shape == expected.shape and got.dtype == expected.dtype,
                f"got {got.dtype}{list(got.shape)}, expected {expected.dtype}{list(expected.shape)}")
        error = np.abs(got - expected).max() / changed
        require(error <= BOUNDS[precision], f"error {error:.1e} of what another input changes, "
                                            f"allowed {BOUNDS[precision]:.0e}")
        return error


def main():
    listed = lambda text: text.split(",")
    cases = Cases(__doc__)
    cases.parser.add_argument("--models", type=listed, default=[*TWINS, "digits"])
    cases.parser.add_argument("--devices", type=listed, default=["host"])
    cases.parser.add_argument("--precisions", type=listed, default=["f32"])
    cases.parser.add_argument("--target", default="host", help="as actnet-compile's")
    cases.parser.add_argument("--driver", type=pathlib.Path,
                              help="folder of the libcuda.so.1 that device cuda opens")
    cases.parser.add_argument("--batches", type=lambda text: [int(n) for n in text.split(",")],
                              default=[1, 3])
    cases.parser.add_argument("--libraries", default="auto", help="as actnet-compile's")
    cases.parser.add_argument("--seed", type=int, default=1)
    cases.parser.add_argument("--verbose", action="store_true", help="print every error")
    args = cases.parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, model in load_models(args.models).items():
            twin = Twin(name, model, folder, args.bin / "actnet-compile")

            def check(device, precision, batch):
                environment = twin.environment(precision, device == "cuda" and args.driver)
                error = twin.agree(device, precision, batch, args.seed, [], environment)
                if args.verbose:
                    print(f"{name} {precision} on {device}, N={batch}: {error:.1e}", flush=True)

            for precision in args.precisions:
                cases.case(f"{name} compiles for {args.target} in {precision}", twin.compile,
                           args.target, precision, args.libraries)
                for device in args.devices:
                    for batch in args.batches:
                        # The host computes in f32 whatever the precision.
                        if device != "host" or precision == "f32":
                            cases.case(f"{name} {precision} on {device}, N={batch}", check,
                                       device, precision, batch)
    return cases.finish(args)


if __name__ == "__main__":
    sys.exit(main())
