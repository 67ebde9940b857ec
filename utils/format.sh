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
  mapfile -t files < <(git ls-files '*.c' '*.h' '*.cpp')
fi
((${#files[@]})) || exit 0
if ! clang-format-22 "${mode[@]}" "${files[@]}" 2>build/format.log; then
  # One line a file says enough; the log has the places.
  grep -o '^[^:]*' build/format.log | sort | uniq -c | grep -F '.' | sed 's/^/not formatted (places): /'
  echo "format.sh: run utils/format.sh --fix" >&2
  exit 1
fi
