#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Runs the sh blocks of docs/getting-started.md in order, stopping at the first
# command that fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
script=$(awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' docs/getting-started.md)
[[ -n $script ]] || { echo "run-docs.sh: docs/getting-started.md has no sh block" >&2; exit 1; }
bash -euxo pipefail -c "$script"
