#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs build/ into a fresh prefix, moves the prefix, and builds three examples
# against it as a stranger would, in a folder that knows nothing of this one: two
# on the C API, one of them by hand, one on the C++ graph API. Runs them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source=$PWD
work=$(mktemp -d "${TMPDIR:-/tmp}/actnet-install-XXXXXX")
trap 'rm -rf "$work"' EXIT
cmake --install build --prefix "$work/first" >"$work/install.log"
# A prefix that has moved must still work: nothing may point back into build/.
mv "$work/first" "$work/prefix"
cp -r examples/digits examples/embed examples/graph "$work"
cd "$work"
for example in digits graph; do
  cmake -G Ninja -S $example -B built-$example -DCMAKE_PREFIX_PATH="$work/prefix" >configure.log ||
    { cat configure.log; exit 1; }
  cmake --build built-$example
done
built-digits/classify digits/digits.png digits/labels.txt --show=0 | tee output.txt
awk '/^accuracy:/ { found = 1; if ($2 < 97) exit 1 } END { exit !found }' output.txt
built-graph/example-graph
# The commands that examples/embed/main.c says.
libraries=$(dirname prefix/lib*/libactnet.so)
prefix/bin/actnet-compile digits/digits.onnx --dim N=1..64 --emit=object -o model.o
cc embed/main.c model.o -I. -Iprefix/include "-L$libraries" -lactnet \
  "-Wl,-rpath,$work/$libraries" -o embed/embed
embed/embed | tee output.txt
grep -q '^memory promised: [1-9]' output.txt
if readelf -d prefix/bin/* prefix/lib*/*.so | grep -E "R(UN)?PATH.*$source"; then
  echo "check-install.sh: an installed file points into the checkout" >&2
  exit 1
fi
# What programs load needs libc, libm and the loader only, and shows C only.
for file in prefix/bin/actnet-run prefix/bin/actnet-runner prefix/lib*/libactnet.so; do
  if readelf -d "$file" | grep NEEDED | grep -vE '\[(libc\.so\.6|libm\.so\.6|ld-linux-x86-64\.so\.2)\]'; then
    echo "check-install.sh: $file needs more than libc, libm and the loader" >&2
    exit 1
  fi
done
if nm -D --defined-only prefix/lib*/libactnet.so | grep -v ' actnet_'; then
  echo "check-install.sh: libactnet.so shows more than actnet.h declares" >&2
  exit 1
fi
# What libactnet-graph shows is what Graph.h declares.
if nm -DC --defined-only prefix/lib*/libactnet-graph.so | grep -vE ' (actnet::|std::|(vtable|typeinfo|typeinfo name) for (actnet|std)::|[^ ]* ?(actnet|std)::|bool |void |int )' >symbols.txt; then
  echo "check-install.sh: libactnet-graph.so shows more than Graph.h declares:" >&2
  head -5 symbols.txt >&2
  exit 1
fi
