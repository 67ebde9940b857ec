#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Runs the sh blocks of the documents that promise it, each document's in order,
# stopping at the first command that fails; and looks for the files of the
# project that they name.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for document in ${*:-docs/getting-started.md docs/kernel-family.md}; do
  script=$(awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' "$document")
  [[ -n $script ]] || { echo "run-docs.sh: $document has no sh block" >&2; exit 1; }
  for name in $(grep -oE '`(include|lib|kernels|test|examples|docs)/[A-Za-z0-9_./-]+`' "$document" | tr -d '`'); do
    [[ -e $name ]] || { echo "run-docs.sh: $document names '$name', which does not exist" >&2; exit 1; }
  done
  bash -euxo pipefail -c "$script"
done
