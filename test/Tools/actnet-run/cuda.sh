#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# actnet-run on device cuda over the driver's stand-in: what goes wrong is one
# sentence and an exit code that is not 0, and nothing hangs.
# cuda.sh MAKE-PACKAGES ACTNET-RUN ACTNET-RUNNER STAND-IN-FOLDER TOY-IMAGE
set -u
make=$1 run=$2 runner=$3 driver=$4
export ACTNET_STANDIN_IMAGE="$5"
dir=$(mktemp -d) && cd "$dir" || exit 1
trap 'rm -rf "$dir"' EXIT
"$make" . "$runner" || exit 1
failures=0 checks=0

# expect CODE TEXT OPTIONS ARGUMENTS...: runs with the stand-in's OPTIONS.
expect() {
  code=$1 text=$2 options=$3
  shift 3
  checks=$((checks + 1))
  ACTNET_STANDIN=$options LD_LIBRARY_PATH=$driver timeout 60 "$run" "$@" >out 2>&1
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
expect 1 'this GPU is sm_75, which runs none' 'sm=75' affine.actnet --device=cuda
expect 1 'the code is damaged: CUDA_ERROR_INVALID_IMAGE' 'fault=load@2' affine.actnet --device=cuda
expect 1 'out of memory' 'memory=1000' affine.actnet --device=cuda
expect 1 'out of memory' 'fault=oom@2' affine.actnet --device=cuda
expect 1 'the GPU failed: CUDA_ERROR_ILLEGAL_ADDRESS' 'fault=sticky@1' affine.actnet --device=cuda
expect 1 'CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES' 'fault=launch@1' affine.actnet --device=cuda
expect 1 'job 1 passed its deadline while it ran' 'fault=lost@3' affine.actnet --device=cuda --deadline=1
expect 0 '' 'fault=wake@2' affine.actnet --device=cuda

# No driver at all.
driver=/nonexistent
expect 1 'there is no NVIDIA driver on this machine (libcuda.so.1' '' affine.actnet --device=cuda
expect 0 '"device": "host"' '' affine.actnet --json

echo "$checks checks, $failures failed"
[ "$failures" = 0 ]
