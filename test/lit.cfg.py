# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""lit's view of the tests of IR and tools: what a test is and what it may call.

A test calls the tools by their bare names (actnet-opt, actnet-compile,
actnet-run, FileCheck, not, count): PATH begins with build/bin and LLVM's tools.
Substitutions: %examples and %source for folders of the checkout, %python for the
interpreter with the packages of utils/requirements-test.txt (REQUIRES: python),
%readelf for LLVM's.
"""

import os

import lit.formats

config.name = "actnet"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "unit", "cts", "onnx", "e2e"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.actnet_binary_dir, "test")

config.environment["PATH"] = os.path.pathsep.join(
    [config.actnet_tools_dir, config.llvm_tools_dir, config.environment.get("PATH", "")])
# Messages of the system are compared in one language only.
config.environment["LC_ALL"] = "C"
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

config.substitutions += [
    ("%examples", os.path.join(config.actnet_source_dir, "examples")),
    ("%source", config.actnet_source_dir),
    ("%readelf", os.path.join(config.llvm_tools_dir, "llvm-readelf")),
]
python = os.path.join(config.actnet_source_dir, ".venv-test", "bin", "python")
if os.path.exists(python):
    config.available_features.add("python")
    config.substitutions.append(("%python", python))
# What a test may demand of the machine: REQUIRES: x86-64-v4.
with open("/proc/cpuinfo") as cpuinfo:
    flags = next((line for line in cpuinfo if line.startswith("flags")), "").split()
if "avx2" in flags and "fma" in flags:
    config.available_features.add("x86-64-v3")
if "avx512f" in flags and "avx512vl" in flags:
    config.available_features.add("x86-64-v4")
if config.actnet_sanitizer:
    config.available_features.add("sanitizer")
