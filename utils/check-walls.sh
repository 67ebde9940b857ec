#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Checks what no compiler checks:
#   - the runtime half, its tests, the kernels' text and the public headers
#     include nothing of LLVM or MLIR, and nothing of the compiler half, nor do
#     the runtime half's CMakeLists.txt link to any of it;
#   - a file of more than 800 lines says why in its first 40 ("Longer than 800
#     lines because ...");
#   - every source file names its licence in its first five lines;
#   - no file names a private path or a package registry's host.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
status=0
complain() { echo "$*"; status=1; }

mapfile -t files < <(git ls-files)
runtime='^(lib|include/actnet)/(Memory|Package|Runtime|Data)/|^include/actnet/(actnet|Graph|Runtime)\.h$|^tools/actnet-run/|^examples/|^kernels/|^test/(cts|driver)/|^test/unit/(Memory|Package|Runtime)/'
compiler='(mlir|mlir-c|llvm|llvm-c)/|actnet/(Dialect|Conversion|Codegen|Frontend/ONNX|Target|Pipelines)/'
private='(^|[^A-Za-z0-9_.])/(root|home/[a-z]|work)/|[p]ypi\.org|[p]ythonhosted|deb[.]debian[.]org|[d]ocker\.io/'

for file in "${files[@]}"; do
  [[ -f $file ]] || continue
  case $file in
    *.cpp | *.h | *.c | *.td | *.py | *.sh | *.fbs | *.cmake | CMakeLists.txt | .ci/run) ;;
    *.md | *.txt | *.mlir | *.test | *.json | *.in | Dockerfile) ;;
    *) continue ;;
  esac
  if [[ $file =~ $runtime ]]; then
    found=$(grep -nE "^ *# *include *[<\"]$compiler" "$file") &&
      complain "$file: the runtime half includes the compiler half: $found"
  fi
  if [[ $file =~ ^(lib|test/unit)/(Memory|Package|Runtime|Data)/.*CMakeLists.txt$|^test/(cts|driver)/.*CMakeLists.txt$ ]]; then
    found=$(grep -v "^#" "$file" | grep -nE "actnet_(add|use)_mlir|\\b(MLIR|LLVM)\\b|ACTNET(Graph|Kernel|Actor)(Dialect|Transforms)|ACTNETPipelines") &&
      complain "$file: the runtime half links to the compiler half: $found"
  fi
  lines=$(wc -l <"$file")
  if [[ $file != docs/generated/* ]] && ((lines > 800)) && ! head -40 "$file" | grep -q 'Longer than 800 lines because'; then
    complain "$file: $lines lines, and no reason in its header"
  fi
  case $file in
    *.cpp | *.h | *.c | *.td | *.py | *.sh | *.cmake)
      head -5 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception' ||
        complain "$file: no licence line in its first five lines" ;;
  esac
  if found=$(grep -nE "$private" "$file"); then
    [[ $file == utils/check-walls.sh ]] || complain "$file: names a private path or a registry: ${found%%$'\n'*}"
  fi
done
exit $status
