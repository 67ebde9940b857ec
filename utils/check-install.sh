#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs build/ into a fresh prefix, builds examples/digits against it as a
# stranger would, moves the prefix, and runs the result.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=build/install-test
rm -rf $work && mkdir -p $work
cmake --install build --prefix $work/first >$work/install.log
# A prefix that has moved must still work: nothing may point back into build/.
mv $work/first $work/prefix
cmake -G Ninja -S examples/digits -B $work/example -DCMAKE_PREFIX_PATH="$PWD/$work/prefix" >$work/configure.log ||
  { cat $work/configure.log; exit 1; }
cmake --build $work/example
$work/example/classify examples/digits/digits.png examples/digits/labels.txt --show=0 | tee $work/output.txt
awk '/^accuracy:/ { found = 1; if ($2 < 97) exit 1 } END { exit !found }' $work/output.txt
if readelf -d $work/prefix/bin/* $work/prefix/lib*/*.so | grep -E "R(UN)?PATH.*$PWD/build"; then
  echo "check-install.sh: an installed file points into the build folder" >&2
  exit 1
fi
