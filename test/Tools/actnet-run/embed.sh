#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Builds examples/embed as its comment says, around a package written by hand,
# and runs it: a C compiler, the header, and libactnet are all it takes.
#
#   embed.sh MAKE-PACKAGES ACTNET-RUNNER CC SOURCE-DIR LIB-DIR [CFLAGS...]
set -eu
make=$1 runner=$2 cc=$3 source=$4 lib=$5
shift 5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$make" "$dir" "$runner"
cd "$dir"
cat >model.S <<'END'
.section .rodata
.global model_package, model_package_size
.balign 4096
model_package: .incbin "affine.actnet"
end:
.balign 8
model_package_size: .quad end - model_package
.section .note.GNU-stack,"",@progbits
END
cat >model.h <<'END'
#include <stddef.h>
extern const unsigned char model_package[];
extern const size_t model_package_size;
END
"$cc" -c model.S -o model.o
"$cc" -std=c99 -Wall -Wextra -Werror "$@" -I. -I"$source/include" \
  "$source/examples/embed/main.c" model.o -L"$lib" -lactnet \
  -Wl,-rpath,"$lib" -o embed
./embed >out
cat out
grep -q '^y \[1, 4\]: 3 4 5 6$' out
grep -q '^memory promised: [1-9][0-9]* bytes, observed: [1-9][0-9]* bytes$' out
