#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Checks that every C and C++ file is formatted: utils/format.sh
# Formats them instead:                          utils/format.sh --fix [FILE...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mode=(--dry-run -Werror)
if [[ ${1:-} == --fix ]]; then
  mode=(-i)
  shift
fi
if (($#)); then
  files=("$@")
else
  mapfile -t files < <(git ls-files '*.c' '*.h' '*.cpp' '*.cuh')
fi
((${#files[@]})) || exit 0
mkdir -p build
if ! clang-format-22 "${mode[@]}" "${files[@]}" 2>build/format.log; then
  # One line a file says enough; the log has the places.
  sed -nE 's/^([^ :]+):[0-9]+:[0-9]+: error:.*/\1/p' build/format.log | sort | uniq -c |
    awk '{printf "not formatted: %s (%d places)\n", $2, $1}'
  echo "format.sh: run utils/format.sh --fix" >&2
  exit 1
fi
