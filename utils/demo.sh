#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# From a bare Debian 12 to a running network, unattended: utils/demo.sh [--help]
#
# Installs the packages (utils/setup.sh names them), builds the compiler and the
# runtime, and compiles examples/digits/digits.onnx twice: to an object, around
# which a C++ program classifies the sheet of test images, and to an executable.
# Everything it makes lies in build/. Safe to run again; then it takes seconds.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
trap 'echo "demo.sh: failed at line $LINENO; the message is above" >&2' ERR

case ${1:-} in
  "") ;;
  -h | --help) sed -n '4,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit ;;
  *) echo "demo.sh: unknown argument '$1'; try --help" >&2; exit 2 ;;
esac

show() {
  echo
  echo "\$ $*"
  "$@"
}

utils/setup.sh
echo
echo "demo: building the compiler and the runtime (the first time takes some minutes)"
ninja -C build actnet-compile actnet-run actnet

out=build/demo
mkdir -p $out
echo
echo "demo: the network as an object, inside a C++ program"
show build/bin/actnet-compile examples/digits/digits.onnx --dim N=1..64 --emit=object -o $out/digits.o
show g++ -std=c++17 -O2 -Iinclude -I$out examples/digits/main.cpp $out/digits.o \
  -Lbuild/lib -Wl,-rpath,"$PWD/build/lib" -lactnet -lpng -o $out/classify
show $out/classify examples/digits/digits.png examples/digits/labels.txt

echo
echo "demo: the same network as an executable"
show build/bin/actnet-compile examples/digits/digits.onnx --dim N=1..64 -o $out/digits
show $out/digits --info
show $out/digits --dim N=64 --benchmark=1

echo
echo "demo: done. Yours: build/bin/actnet-compile MODEL.onnx -o model && ./model --info"
