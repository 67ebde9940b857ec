#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Holds actnet-run and a compiled program to their flags, exit codes and error
# lines, on packages written by hand. Needs no compiler.
#
#   cli.sh MAKE-PACKAGES ACTNET-RUN ACTNET-RUNNER
set -u
make=$1 run=$2 runner=$3 # absolute paths
export LC_ALL=C
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
"$make" . "$runner" || exit 1
failures=0 checks=0

bad() {
  failures=$((failures + 1))
  printf 'FAILED: %s\n  %s\n' "$1" "$2"
  sed 's/^/  | /' out err
}

# expect CODE TEXT COMMAND...: the exit code, and a text somewhere in what it
# prints; with another code than 0 also that errors are exactly one line.
expect() {
  code=$1 text=$2
  shift 2
  checks=$((checks + 1))
  timeout 60 "$@" >out 2>err
  got=$?
  [ "$got" = "$code" ] || bad "$*" "expected exit code $code, found $got"
  [ -z "$text" ] || grep -qF -e "$text" out err || bad "$*" "expected '$text' in its output"
  if [ "$code" = 1 ] || [ "$code" = 2 ]; then
    [ "$(wc -l <err)" = 1 ] || bad "$*" "expected one line on stderr"
    [ -s out ] && bad "$*" "expected nothing on stdout"
  fi
}

# What works.
expect 0 'usage: actnet-run PACKAGE' "$run" --help
expect 0 'usage: affine [flags]' ./affine --help
expect 0 'schema 1' ./affine --version
expect 0 'host:' "$run" --list-devices
expect 0 '"threads"' "$run" --list-devices --json
expect 0 'dim N = 1..64' ./affine --info
expect 0 'needs glibc 2.' ./affine --info
expect 0 'x86-64-v2 x86-64, 6 kernels' "$run" affine.actnet --info
expect 0 '"oldest_glibc": "2.' "$run" affine.actnet --info --json
expect 0 'y: f32 [3, 4], min 3, max 6' ./affine --dim N=3 --input 1
expect 0 'first 3 4 5 6' ./affine --input=x=1
expect 0 'y: f32 [1, 4]' "$run" affine.actnet --input random --seed 7
expect 0 '"shape": [2, 4]' ./affine --dim=N=2 --json
expect 0 '"isa": "x86-64",' ./affine --isa x86-64 --json
expect 0 '"threads": 3' ./affine --threads=3 --json
expect 0 'promised' ./affine --memory --in-flight=3
expect 0 '"weights_bytes": 4096' ./affine --memory --json
expect 0 '"runs": 5}' ./affine --iterations=5 --json
expect 0 '{"version": "' ./affine --version --json
expect 0 'all checksums match' ./affine --verify
expect 0 '"verified_bytes": ' "$run" affine.actnet --verify --json
expect 0 'latency ms: median' ./affine --benchmark=0.05 --warmup=0
expect 0 'runs/s' ./affine --iterations=20 --no-transfers
expect 0 'note: memory planned now for N = 1' "$run" unbounded.actnet
expect 0 '"promised_bytes": ' "$run" unbounded.actnet --dim N=1..8 --json
grep -q note err && bad "narrowed dim" "expected no note"
expect 0 'first 160' "$run" control.actnet --input x=1 --input c=1
expect 0 'first 128' "$run" control.actnet --input x=1 --input c=0 --step
expect 0 'first 11 21 31 41' "$run" state.actnet --input 1
expect 0 '' "$run" state.actnet --function init
expect 0 'f32 [5], min 2' "$run" solve.actnet --dim N=2 --input 2
expect 0 'bytes of the package are as written' ./affine --verify

# Files there and back; --step gives equal outputs.
expect 0 '' ./affine --dim N=3 --seed 5 --output @y.npy
expect 0 '' ./affine --dim N=3 --seed 5 --step --expect @y.npy --rtol 0 --atol 0
expect 0 '' ./affine --dim N=3 --seed 5 --threads 1 --expect y=@y.npy --rtol=0 --atol=0
expect 3 "output 'y' differs from y.npy" ./affine --dim N=3 --seed 6 --expect @y.npy
expect 3 'expected f32 [3, 4], found f32 [2, 4]' ./affine --dim N=2 --expect @y.npy
expect 0 'y: f32 [3, 4]' ./affine --input x=@y.npy
mkdir inputs && cp y.npy inputs/x.npy
expect 0 'y: f32 [3, 4]' ./affine --inputs inputs
mv inputs/x.npy inputs/input_0.npy
expect 0 'y: f32 [3, 4]' ./affine --inputs=inputs
# A TensorProto: dims 1 4, float, raw data of four zeros.
printf '\010\001\010\004\020\001\112\020\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0' >x.pb
expect 0 'first 1 2 3 4' ./affine --input @x.pb
expect 0 '' ./affine --profile=trace.json
grep -q '"name": "addRow"' trace.json || bad "--profile" "expected addRow in the trace"

# Wrong flags: exit code 2.
expect 2 "unknown flag '--frobnicate'" ./affine --frobnicate
expect 2 "unknown flag '--queues'" ./affine --queues=2
expect 2 "unknown flag '--memory-budget'" ./affine --memory-budget=1GiB
expect 2 "expected flags only, found 'x'" ./affine x
expect 2 'expected a package, found none' "$run"
expect 2 "expected one package, found 'a' and 'b'" "$run" a b
expect 2 '--threads: expected a number from 1 to 1024' ./affine --threads=0
expect 2 "found 'two'" ./affine --threads two
expect 2 '--threads: expected N, found the end of the line' ./affine --threads
expect 2 "--in-flight: expected a number from 1 to 64" ./affine --in-flight=65
expect 2 '--seed: expected' ./affine --seed=-1
expect 2 "--json: expected no value, found 'yes'" ./affine --json=yes
expect 2 '--rtol: expected a number' ./affine --rtol=nan
expect 2 '--benchmark: expected seconds' ./affine --benchmark=fast
expect 2 '--benchmark: expected SECONDS' ./affine --benchmark=
expect 2 '--iterations: expected' ./affine --iterations=0
expect 2 '--dim: expected NAME=8 or NAME=1..8' ./affine --dim 8
expect 2 '--dim: expected NAME=8 or NAME=1..8' ./affine --dim N=8..1
expect 2 '--dim: expected NAME=8 or NAME=1..8' ./affine --dim N=99999999999999999999
expect 2 "--dim: expected one of the dims 'N', found 'M'" ./affine --dim M=3
expect 2 '--dim: expected N within 1..64, found 65..65' ./affine --dim N=65
expect 2 '--dim: expected each dim once' ./affine --dim N=2 --dim N=3
expect 2 "--device: expected auto, host, cuda, cuda:N or toy, found 'tpu'" ./affine --device=tpu
expect 2 "--device: expected auto, host, cuda, cuda:N or toy, found 'cuda:x'" ./affine --device=cuda:x
expect 2 "which the program has code for, found 'z80'" ./affine --isa=z80
expect 2 '--threads: expected once, found a second time' ./affine --threads=2 --threads=2
expect 2 '--profile: expected trace.json, found' ./affine --profile --json
expect 2 '--warmup: expected --benchmark or --iterations too' ./affine --warmup=0
expect 2 '--no-transfers: expected --benchmark or --iterations too' ./affine --no-transfers
expect 2 "--input 'x': expected a value of type f32, found '1e99'" ./affine --input 1e99
expect 2 "found 'x=y'" ./affine --input x=y=1
expect 2 "found 'y=a'" ./affine --output y=a=@y.npy
expect 2 "--function: expected one of 'main', found 'other'" ./affine --function other
expect 2 "--input: expected one of 'x', found 'z'" ./affine --input z=1
expect 2 "--input 'x': expected a number, found 'one'" ./affine --input x=one
expect 2 '--input: expected each input once' ./affine --input x=1 --input x=2
expect 2 "--input: expected NAME=, since there are 'a', 'b'" "$run" sum.actnet --input 1
expect 2 '--output: expected [NAME=]@FILE.npy' ./affine --output y.npy
expect 2 "--output: expected one of 'y', found 'z'" ./affine --output z=@z.npy
expect 2 "--expect: expected one of 'y', found 'z'" ./affine --expect z=@y.npy
expect 2 "--output: expected each output once, found 'y' twice" ./affine --output @a.npy --output y=@b.npy
expect 2 'a .pb file is read, not written' ./affine --output y=@y.pb
expect 2 '--rtol: expected --expect too' ./affine --rtol=0
expect 2 '--atol: expected --expect too' ./affine --atol=0

# What would do nothing is refused.
expect 2 '--dim: expected no --info beside it' ./affine --info --dim N=1
expect 2 '--input: expected no --info beside it' ./affine --input nope=@missing.npy --info
expect 2 '--output: expected no --info beside it' ./affine --info --output @zz.npy
expect 2 '--benchmark: expected no --verify beside it' ./affine --verify --benchmark
expect 2 '--info: expected no --verify beside it' ./affine --verify --info
expect 2 '--memory: expected no --list-devices beside it' ./affine --memory --list-devices
expect 2 '--seed: expected no --version beside it' ./affine --version --seed=1
expect 0 'usage: ' ./affine --help --info --verify
expect 2 "--inputs: expected a folder, found 'nowhere'" ./affine --inputs nowhere
mkdir empty
expect 2 "--inputs: expected x.npy, x.pb, input_0.npy or input_0.pb in 'empty'" ./affine --inputs empty

# Nothing that is read is written, nor one file twice: by file, not by name.
cp y.npy kept.npy && ln -s y.npy link.npy && ln y.npy hard.npy
for name in y.npy ./y.npy link.npy hard.npy "$dir/inputs/../y.npy"; do
  expect 2 "which is the file of input 'x'" ./affine --input @y.npy --output "@$name"
  expect 2 'which is the file of --expect' ./affine --expect @y.npy --output "@$name"
done
cmp -s y.npy kept.npy || bad "--output over --input" "expected the file as it was"
expect 2 'which is the program' ./affine --output @affine
expect 2 'which is the program' "$run" affine.actnet --output @affine.actnet
expect 2 'which --output names too' ./affine --output @new.npy --profile=./new.npy
[ -e new.npy ] && bad "--profile over --output" "expected no file"
expect 0 '' ./affine --output @/dev/null --profile=/dev/null
expect 0 '' ./affine --dim N=1 --input 1 --output @one.npy
expect 3 '4 are NaN where a number was expected' ./affine --dim N=1 --input nan --expect @one.npy
expect 0 '' ./affine --dim N=1 --input nan --output @nan.npy
expect 3 '4 are a number where NaN was expected' ./affine --dim N=1 --input 1 --expect @nan.npy

# What is right to ask for but is not there: exit code 1.
# The packages hold code for cuda where the build has the software GPU.
expect 1 'cuda: ' env LD_LIBRARY_PATH= ./affine --device=cuda
expect 1 'device toy: ' ./affine --device=toy
expect 0 '"device": "host"' ./affine --device=auto --json
expect 2 "found 'x86-64-v3'" ./affine --isa=x86-64-v3
expect 1 'nowhere.actnet' "$run" nowhere.actnet
expect 1 'nowhere.npy' ./affine --input @nowhere.npy
expect 1 'expected a file that ends in .npy or .pb' ./affine --input @x.txt
expect 1 'expected a regular file' sh -c 'mkdir d.npy; exec ./affine --input @d.npy'
expect 1 'nowhere.npy' ./affine --expect @nowhere.npy
# A pipe by its name would wait for its other end for ever.
mkfifo fifo fifo.npy
expect 1 'fifo.npy: expected a regular file' ./affine --input @fifo.npy
expect 1 'fifo.npy: expected a regular file' ./affine --expect @fifo.npy
expect 1 "'fifo': expected a regular file" "$run" fifo
expect 1 "'/dev/null': expected a regular file" "$run" /dev/null
expect 2 "--output: expected a regular file, found 'fifo', which is a pipe" ./affine --output @fifo
expect 2 "--profile: expected a regular file, found 'fifo', which is a pipe" ./affine --profile=fifo
checks=$((checks + 1))
./affine --dim N=3 --seed 5 --output @/dev/stdout 2>err | cat >out
cmp -s out y.npy || bad "--output @/dev/stdout" "expected the file through the pipe"
expect 1 '/dev/full' ./affine --output @/dev/full
expect 1 'nowhere/y.npy' ./affine --output @nowhere/y.npy
expect 1 'nowhere/t.json' ./affine --profile=nowhere/t.json
expect 1 'standard output' sh -c './affine >/dev/full'
expect 1 'standard output' sh -c './affine --info >/dev/full'
[ -e nowhere ] && bad files "nothing may be left behind"

# Damage: each section begins on a page, and --verify sees all of them; what a
# program checks when it opens sees all but the weights.
pages=$(($(wc -c <affine.actnet) / 4096)) page=0 unseen=0
while [ $page -lt $pages ]; do
  cp affine.actnet damaged.actnet
  byte=$(od -An -tu1 -j $((page * 4096)) -N 1 affine.actnet)
  printf "\\$(printf %o $((byte ^ 64)))" |
    dd of=damaged.actnet bs=1 seek=$((page * 4096)) conv=notrunc 2>err
  if "$run" damaged.actnet --info >out 2>err; then unseen=$((unseen + 1)); fi
  expect 1 damaged.actnet "$run" damaged.actnet --verify
  page=$((page + 1))
done
[ $unseen = 1 ] || bad "$unseen pages" "expected damage of the weights alone to go unseen"

# Broken .npy files.
npy() { # NAME DICT BYTES: an .npy file of version 1 with that header
  { printf '\223NUMPY\001\000'; printf "\\$(printf %o ${#2})\\000"; printf '%s' "$2"
    head -c "$3" /dev/zero; } >"$1"
}
npy good.npy "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }" 32
expect 0 'f32 [2, 4], min 1, max 4' ./affine --input @good.npy
npy type.npy "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 4), }" 64
expect 1 "input 'x': expected type f32, found f64" ./affine --input @type.npy
npy rank.npy "{'descr': '<f4', 'fortran_order': False, 'shape': (8,), }" 32
expect 1 "input 'x': expected shape [N, 4], found [8]" ./affine --input @rank.npy
npy axis.npy "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 5), }" 40
expect 1 "input 'x' axis 1: expected 4, found 5" ./affine --input @axis.npy
npy large.npy "{'descr': '<f4', 'fortran_order': False, 'shape': (65, 4), }" 1040
expect 1 "input 'x' axis 0: expected N = 1..64, found 65" ./affine --input @large.npy
npy short.npy "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 4), }" 31
expect 1 'needs 32 bytes, found 31' ./affine --input @short.npy
npy kind.npy "{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }" 8
expect 1 "'<c8' is not supported" ./affine --input @kind.npy
expect 1 "input 'x' axis 0: expected N = 3, found 2" ./affine --dim N=3 --input @good.npy
head -c 9 good.npy >cut.npy
expect 1 'cut.npy' ./affine --input @cut.npy
: >zero.npy
expect 1 'zero.npy: the file is empty' ./affine --input @zero.npy
cp x.pb cut.pb && head -c 20 x.pb >cut.pb
expect 1 'cut.pb' ./affine --input @cut.pb

# Broken packages and programs, cut and flipped.
size=$(wc -c <affine.actnet)
for cut in 0 1 47 4096 8192 $((size - 1)); do
  head -c "$cut" affine.actnet >cut.actnet
  expect 1 'cut.actnet' "$run" cut.actnet
done
for at in 0 8 12 16 24 40 4100 8200 $((size - 60)) $((size - 10)); do
  cp affine.actnet flip.actnet
  byte=$(od -An -tu1 -j "$at" -N 1 affine.actnet | tr -d ' ')
  printf "\\$(printf %o $(((byte + 85) % 256)))" |
    dd of=flip.actnet bs=1 seek="$at" conv=notrunc 2>/dev/null
  timeout 60 "$run" flip.actnet --info >out 2>err
  code=$?
  checks=$((checks + 1))
  # Padding may change unnoticed; all else is one line and exit code 1.
  if [ $code != 0 ] && { [ $code != 1 ] || [ "$(wc -l <err)" != 1 ]; }; then
    bad "byte $at flipped" "expected exit code 0 or 1 and one line, found $code"
  fi
done
head -c $(($(wc -c <affine) - 5)) affine >cut && chmod +x cut
expect 1 'cut: error: ' ./cut
cp "$runner" bare
expect 1 'bare: error: ' ./bare

# A program needs libc, libm and the loader only; a sanitizer brings its own.
if command -v ldd >/dev/null && ! grep -q -e __tsan_init -e __asan_init affine; then
  checks=$((checks + 1))
  ldd ./affine >out 2>err
  if grep -v -e linux-vdso -e 'libc\.so' -e 'libm\.so' -e ld-linux out | grep -q .; then
    bad "ldd affine" "expected libc, libm and the loader only"
  fi
fi

echo "$checks checks, $failures failed"
[ "$failures" = 0 ]
