#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# actnet-run on device cuda over the driver's stand-in: what goes wrong is one
# sentence and an exit code that is not 0, and nothing hangs.
# cuda.sh MAKE-PACKAGES ACTNET-RUN ACTNET-RUNNER STAND-IN-FOLDER TOY-IMAGE
#   NVRTC-STAND-IN
# Where ACTNET_NVRTC names the real one, programs are compiled where they run.
set -u
make=$1 run=$2 runner=$3 driver=$4
export ACTNET_STANDIN_IMAGE="$5"
fake_nvrtc=$6 real_nvrtc=${ACTNET_NVRTC:-} limit=60
unset ACTNET_NVRTC
dir=$(mktemp -d) && cd "$dir" || exit 1
trap 'rm -rf "$dir"' EXIT
"$make" . "$runner" || exit 1
failures=0 checks=0

# expect CODE TEXT OPTIONS ARGUMENTS...: runs with the stand-in's OPTIONS.
expect() {
  code=$1 text=$2 options=$3
  shift 3
  checks=$((checks + 1))
  ACTNET_STANDIN=$options LD_LIBRARY_PATH=$driver timeout $limit "$run" "$@" >out 2>&1
  got=$?
  if [ "$got" != "$code" ]; then
    echo "FAILED: [$options] $*: exit code $got, expected $code"
    sed 's/^/  | /' out
    failures=$((failures + 1))
  elif [ -n "$text" ] && ! grep -qF -- "$text" out; then
    echo "FAILED: [$options] $*"
    echo "  expected '$text' in its output"
    sed 's/^/  | /' out
    failures=$((failures + 1))
  elif [ "$code" = 1 ] && [ "$(grep -c 'error:' out)" != 1 ]; then
    echo "FAILED: [$options] $*: expected one line of error"
    sed 's/^/  | /' out
    failures=$((failures + 1))
  fi
}

expect 0 'cuda:0: stand-in 0, sm_80' '' --list-devices
expect 0 'GPU code: sm_80 sm_90a compute_80 toy, 6 kernels' '' affine.actnet --info
expect 0 '"device": "cuda", "isa": "sm_80"' '' affine.actnet --device=cuda --json
expect 0 '"isa": "compute_80"' '' affine.actnet --device=cuda --isa=compute_80 --json
expect 0 '"isa": "sm_90a"' 'sm=90' affine.actnet --device=cuda --json
expect 0 '"isa": "compute_80"' 'sm=100' affine.actnet --device=cuda:0 --json
# Without being asked: where there is code for the GPU, and else the host.
expect 0 '"device": "cuda"' '' affine.actnet --json
expect 0 '"device": "host"' 'devices=0' affine.actnet --json
expect 0 'note: running on the host; cuda: the NVIDIA driver is too old' \
  'version=12040' affine.actnet
# The same bits again and on the host.
expect 0 '' '' affine.actnet --device=host --dim N=9 --seed 3 --output y=@y.npy
expect 0 '' 'seed=5' affine.actnet --device=cuda --dim N=9 --seed 3 --expect y=@y.npy --rtol=0 --atol=0
expect 0 'weights' '' affine.actnet --device=cuda --memory
expect 0 'latency ms' '' affine.actnet --device=cuda --iterations=20 --in-flight=3

expect 1 'the NVIDIA driver is too old: it supports CUDA 12.4, this program needs CUDA 13.0' \
  'version=12040' affine.actnet --device=cuda
expect 1 'the NVIDIA driver shows no GPU' 'devices=0' affine.actnet --device=cuda
expect 1 'there is no device 1, the driver shows 1' '' affine.actnet --device=cuda:1
expect 1 'this GPU is sm_75; actnet'"'"'s kernels need sm_80 or later' 'sm=75' affine.actnet --device=cuda
expect 1 'the code is damaged: CUDA_ERROR_INVALID_IMAGE' 'fault=load@2' affine.actnet --device=cuda
expect 1 'out of memory' 'memory=1000' affine.actnet --device=cuda
expect 1 'out of memory' 'fault=oom@2' affine.actnet --device=cuda
expect 1 'the GPU failed: CUDA_ERROR_ILLEGAL_ADDRESS' 'fault=sticky@1' affine.actnet --device=cuda
expect 1 'CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES' 'fault=launch@1' affine.actnet --device=cuda
# What never ends is given up: the deadline, and a second for the streams.
limit=5
expect 1 'job 1 passed its deadline while it ran' 'fault=lost@3' affine.actnet --device=cuda --deadline=1
expect 1 'job 1 passed its deadline while it ran' 'fault=lost@3' affine.actnet --device=cuda --deadline=1 --step
expect 1 'uploading the weights: ' 'fault=lost@1' affine.actnet --device=cuda --deadline=1
expect 1 'passed its deadline while it ran' 'fault=lost@10' affine.actnet --device=cuda --deadline=1 --iterations=20 --in-flight=3
limit=60
expect 0 '' 'fault=wake@2' affine.actnet --device=cuda

# Memory that the driver owns stands apart; on the host there is none. What code
# and graphs take above the context depends on what a session prepares.
expect 0 'since the device was opened' 'context=100000000' affine.actnet --device=cuda --memory
expect 0 '"driver_bytes": 100' 'context=100000000' affine.actnet --device=cuda --memory --json
expect 0 '"driver_bytes": null, "driver_grown_bytes": null}' '' affine.actnet --device=host --memory --json

# Code of a newer toolkit than the driver.
expect 1 'the NVIDIA driver (CUDA 13.0) is too old for this code: CUDA_ERROR_UNSUPPORTED_PTX_VERSION' \
  'fault=newer@1' affine.actnet --device=cuda

# A program without code for this GPU, but with its text.
export ACTNET_CACHE="$dir/cache"
nothing='this GPU is sm_80, which runs none of the program'"'"'s code: there is code for sm_70; compile it with --target=cuda:sm_80, or let NVRTC compile its text here, which fails now: '
export ACTNET_NVRTC=/nonexistent/libnvrtc.so.13
expect 1 "${nothing}ACTNET_NVRTC: /nonexistent/libnvrtc.so.13: cannot open" '' old.actnet --device=cuda
expect 1 'there is no code for any GPU; compile it with' '' text.actnet --device=cuda
expect 1 'the program'"'"'s text cannot be compiled here: ACTNET_NVRTC' '' old.actnet --device=cuda --isa=text
expect 1 'no code for text; there is code for sm_80, sm_90a, compute_80' '' affine.actnet --device=cuda --isa=text
expect 0 '"device": "host"' '' text.actnet --json
export ACTNET_NVRTC="$driver/libcuda.so.1"
expect 1 "${nothing}this is no NVRTC of CUDA 13" '' old.actnet --device=cuda
export ACTNET_NVRTC="$fake_nvrtc"
expect 1 "${nothing}NVRTC 13.0 refuses kernel 'scale' for sm_80: some.cu(3): error: the stand-in takes no text" '' old.actnet --device=cuda
expect 1 'NVRTC 13.0 does not compile for sm_100; it knows 80, 90' 'sm=100' text.actnet --device=cuda
export ACTNET_STANDIN_NVRTC=14.1
expect 1 'the NVIDIA driver is too old for it: it supports CUDA 13.0, NVRTC makes code of CUDA 14.1' '' text.actnet --device=cuda
expect 0 'note: running on the host; cuda: this GPU is sm_80, which runs none' '' text.actnet
unset ACTNET_STANDIN_NVRTC ACTNET_NVRTC

if [ -n "$real_nvrtc" ]; then
  export ACTNET_NVRTC="$real_nvrtc"
  for package in text old; do
    expect 0 '"isa": "text:sm_80"' 'made=1' $package.actnet --device=cuda --json
    expect 0 '"isa": "text:sm_90"' 'made=1,sm=90' $package.actnet --device=cuda --json
  done
  # Another kernel is not compiled again, another architecture is.
  files=$(find "$ACTNET_CACHE" -type f | wc -l)
  checks=$((checks + 1))
  [ "$files" = 12 ] || { echo "FAILED: $files files in the cache, expected 6 kernels twice"; failures=$((failures + 1)); }
  # sm_104 is not known to NVRTC 13.0; code for sm_103 runs there.
  expect 0 '"isa": "text:sm_103"' 'made=1,sm=104' text.actnet --device=cuda --json
  # With code that fits, text is for whom asks; the results are the same.
  expect 0 '"isa": "sm_70"' 'made=1,sm=72' old.actnet --device=cuda --json
  expect 0 '"isa": "text:sm_80"' 'made=1' old.actnet --device=cuda --isa=text --json
  expect 0 '' 'made=1,seed=3' text.actnet --device=cuda --dim N=9 --seed 3 --expect y=@y.npy --rtol=0 --atol=0
  expect 1 "refuses kernel 'add' for sm_80: add.cu(16): error: identifier \"noSuchName\" is undefined" 'made=1' wrong.actnet --device=cuda
  # NVRTC, which knows sm_75, is not asked for it.
  expect 1 'this GPU is sm_75; actnet'"'"'s kernels need sm_80 or later' 'made=1,sm=75' text.actnet --device=cuda
  expect 1 'the NVIDIA driver (CUDA 13.0) is too old for this code, which NVRTC 13.0 made: CUDA_ERROR_UNSUPPORTED_PTX_VERSION' \
    'made=1,fault=newer@1' text.actnet --device=cuda
  # The stand-in does not take just anything for a cubin of this GPU.
  expect 1 'the code is damaged' '' text.actnet --device=cuda
  unset ACTNET_NVRTC
else
  echo "no ACTNET_NVRTC: nothing is compiled where it runs"
fi

# No driver at all.
driver=/nonexistent
expect 1 'there is no NVIDIA driver on this machine (libcuda.so.1' '' affine.actnet --device=cuda
expect 0 '"device": "host"' '' affine.actnet --json

echo "$checks checks, $failures failed"
[ "$failures" = 0 ]
