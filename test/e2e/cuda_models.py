#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The seven models for CUDA: every kernel compiles, and few are launched.

Compiles build/models/*.onnx (utils/bench/models.py) to packages for sm_80,
sm_90a and sm_100 with NVRTC, no GPU needed, and holds the launches of a job
against the operations that each deserve one. ResNet-50 is compiled for one
architecture with an empty cache, and once more with it filled.
"""

import os
import re
import sys
import tempfile
import time

from cases import ROOT, Cases, require, require_success

MODELS = ["resnet50", "mobilenet_v2", "densenet121", "efficientnet_b0", "vit_b_16", "bert_base",
          "gpt2"]
ARCHITECTURES = ["sm_80", "sm_90a", "sm_100"]
# A launch each: contractions, convolutions, attentions, poolings (global ones
# are reductions) and row-wise norms.
DEAR = ["einsum", "conv", "attention", "pool", "reduce", "softmax", "log_softmax", "layer_norm",
        "rms_norm"]
SPARE_LAUNCHES = 5
RESNET_LAUNCHES = 60
COLD_SECONDS, WARM_SECONDS = 60, 5


class Model:
    def __init__(self, name, folder, compiler):
        self.name, self.folder, self.compiler = name, folder, compiler
        self.file = ROOT / "build/models" / f"{name}.onnx"

    def compile(self, architectures, cache):
        target = ",".join(f"cuda:{name}" for name in architectures)
        start = time.perf_counter()
        require_success([self.compiler, self.file, "--dim", "N=1..8", f"--target={target}",
                         "--emit=package", "-o", f"{self.folder}/{self.name}.actnet"],
                        timeout=1800, env={**os.environ, "ACTNET_CACHE": cache})
        return time.perf_counter() - start

    def text(self, level):
        return require_success([self.compiler, self.file, f"--emit={level}",
                                "--target=cuda:sm_80"], timeout=600).stdout

    def check_launches(self):
        launches = len(re.findall(r"\bactor\.(?:launch|call) ", self.text("actor")))
        dear = len(re.findall(rf"\bgraph\.({'|'.join(DEAR)}) ", self.text("graph")))
        print(f"{self.name}: {launches} launches, {dear} operations that deserve one", flush=True)
        require(launches <= dear + SPARE_LAUNCHES,
                f"{launches} launches, {dear} operations and {SPARE_LAUNCHES} to spare")
        if self.name == "resnet50":
            require(launches <= RESNET_LAUNCHES, f"{launches} launches of {RESNET_LAUNCHES}")


def main():
    cases = Cases(__doc__)
    cases.parser.add_argument("--models", type=lambda text: text.split(","), default=MODELS)
    args = cases.parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in args.models:
            model = Model(name, folder, args.bin / "actnet-compile")
            if not model.file.exists():
                cases.record(name, f"{model.file} is missing; utils/bench/models.py makes it")
                continue

            def compile_all():
                seconds = model.compile(ARCHITECTURES, f"{folder}/cache")
                print(f"{name}: {len(ARCHITECTURES)} architectures and PTX in {seconds:.1f} s",
                      flush=True)

            def compile_twice():
                for what, limit in (("cold", COLD_SECONDS), ("warm", WARM_SECONDS)):
                    seconds = model.compile(["sm_90a"], f"{folder}/cache-of-one")
                    print(f"{name}: one architecture, {what}: {seconds:.1f} s", flush=True)
                    require(seconds < limit, f"{what}: {seconds:.1f} s of {limit}")

            if name == "resnet50":
                cases.case(f"{name} for one architecture, cold and warm", compile_twice)
            cases.case(f"{name} compiles for {', '.join(ARCHITECTURES)}", compile_all)
            cases.case(f"{name} launches", model.check_launches)
    return cases.finish(args)


if __name__ == "__main__":
    sys.exit(main())
