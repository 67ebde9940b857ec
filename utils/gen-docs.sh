#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Makes docs/generated from the .td files: one page for each dialect's
# operations and attributes, one for each file of passes; and, with a compiler
# that is built, the list of ONNX operators, which a test of lit compares.
#
#   utils/gen-docs.sh           writes docs/generated
#   utils/gen-docs.sh --check   fails where docs/generated is out of date
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tblgen=/usr/lib/llvm-22/bin/mlir-tblgen
include=(-I include -I /usr/lib/llvm-22/include)
out=docs/generated
[[ ${1:-} == --check ]] && out=build/docs-generated
mkdir -p "$out"

dialect() { # NAME FILE
  "$tblgen" -gen-dialect-doc -dialect="$1" "${include[@]}" "$2" >"$out/$1.md"
}
passes() { # NAME FILE
  "$tblgen" -gen-pass-doc "${include[@]}" "$2" >"$out/passes-$1.md"
}
dialect graph include/actnet/Dialect/Graph/IR/GraphOps.td
dialect kernel include/actnet/Dialect/Kernel/IR/KernelOps.td
dialect actor include/actnet/Dialect/Actor/IR/ActorOps.td
passes graph include/actnet/Dialect/Graph/Transforms/Passes.td
passes graph-to-kernel include/actnet/Conversion/GraphToKernel/Passes.td
passes kernel include/actnet/Dialect/Kernel/Transforms/Passes.td
passes host include/actnet/Codegen/Host/Passes.td
passes cuda include/actnet/Codegen/CUDA/Passes.td
passes kernel-to-actor include/actnet/Conversion/KernelToActor/Passes.td
passes actor include/actnet/Dialect/Actor/Transforms/Passes.td

if [[ ${1:-} == --check ]]; then
  diff -r -x onnx-operators.md docs/generated "$out" >build/docs.diff || {
    sed -n 1,5p build/docs.diff
    echo "gen-docs.sh: docs/generated is out of date; run utils/gen-docs.sh" >&2
    exit 1
  }
fi
if [[ ${1:-} != --check && -x build/bin/actnet-compile ]]; then
  build/bin/actnet-compile --list-operators >"$out/onnx-operators.md"
fi
