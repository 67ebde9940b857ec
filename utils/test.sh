#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Sets up the machine and runs the tests.
#
#   utils/test.sh               everything, sampled where the whole is too dear
#   utils/test.sh --full=PART   one part as a whole, none above 90 minutes:
#                                 asan       both halves under the address and
#                                            undefined-behaviour sanitizers
#                                 onnx       every ONNX node test, not a sample
#                                 mutations  10 000 mutated digit models, under
#                                            the sanitizers
#                                 models     the seven models' kernels by NVRTC
#                                            for three architectures, and their
#                                            launches; needs build/models of
#                                            utils/bench/models.py
#                                 cts        device conformance under 1000 seeds
#                                 kernels    the CUDA families broken on purpose:
#                                            who notices
#                                 families   200 cases of every CUDA family and
#                                            type on toy, beside float64
#   utils/test.sh --step=NAME   one step of the default run, for work on it
#
# Prints the five slowest steps and ends with one line, "N passed, N failed",
# that counts test cases (a step without cases of its own counts as one). The
# exit status is 0 only if nothing failed.

set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

full="" only=""
for argument in "$@"; do
  case $argument in
    --full=asan | --full=onnx | --full=mutations | --full=models | \
      --full=cts | --full=kernels | --full=families) full=${argument#*=} ;;
    --step=*) only=${argument#*=} ;;
    -h | --help) sed -n '4,26s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit ;;
    *) echo "test.sh: unknown argument '$argument'; try --help" >&2; exit 2 ;;
  esac
done

results=$PWD/build/test-results
rm -rf "$results" && mkdir -p "$results" || exit 1
# Debian's Python, for which setup installs what a time limit needs (psutil).
lit="/usr/bin/python3 /usr/lib/llvm-22/bin/lit"
python=$PWD/.venv-test/bin/python
# The installed libLLVM is not instrumented, but its allocators are, in what is
# compiled here from its headers: one half poisons what the other may use.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0:allow_user_poisoning=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1}

# NVRTC of .venv-test; a program that does not find it looks for the toolkit's.
find_nvrtc() {
  [[ -z ${ACTNET_NVRTC:-} ]] || return 0
  local found=("$PWD"/.venv-test/lib/python3*/site-packages/nvidia/cu13/lib/libnvrtc.so.13)
  [[ ! -e ${found[0]} ]] || export ACTNET_NVRTC=${found[0]}
}

# step NAME TITLE COMMAND...: runs, times and records one step.
step() {
  local name=$1 title=$2 begin end status=0
  shift 2
  [[ -z $only || $only == "$name" ]] || return 0
  echo
  echo "=== $name: $title"
  mkdir -p "$results/$name"
  begin=$(date +%s.%N)
  "$@" || status=$?
  end=$(date +%s.%N)
  printf '%s\t%s\t%s\n' "$name" "$status" "$(echo "$begin $end" | awk '{printf "%.1f", $2 - $1}')" >>"$results/steps.tsv"
  ((status == 0)) || echo "*** $name failed (status $status)"
  return $status
}

finish() {
  echo
  /usr/bin/python3 utils/count-tests.py "$results"
  exit $?
}

# unit_tests STEP BUILD: every GoogleTest program of a build folder.
unit_tests() {
  GTEST_OUTPUT=xml:$results/$1/ GTEST_BRIEF=1 \
    ctest --test-dir "$2" --output-on-failure --no-tests=error --timeout 900 \
    --output-junit "$results/$1/ctest.xml" -j 2
}

# lit_tests STEP BUILD
lit_tests() {
  $lit -s -v --timeout 600 --xunit-xml-output "$results/$1/lit.xml" "$2/test"
}

# build PRESET FOLDER [CMAKE ARGUMENT...]: configures once, then builds.
build() {
  local preset=$1 folder=$2
  shift 2
  if [[ ! -f $folder/build.ninja ]]; then
    cmake --preset "$preset" -B "$folder" "$@" >/dev/null || return 1
  fi
  ninja -C "$folder"
}

# The runtime half with g++ and with CMake forbidden to look for LLVM: what a
# machine without LLVM would build.
build_runtime_gcc() {
  build runtime-only build-gcc -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++ \
    -DCMAKE_EXE_LINKER_FLAGS= -DCMAKE_SHARED_LINKER_FLAGS= -DACTNET_BUILD_TESTS=OFF \
    -DCMAKE_DISABLE_FIND_PACKAGE_MLIR=ON -DCMAKE_DISABLE_FIND_PACKAGE_LLVM=ON
}

sanitized() { # STEP PRESET FOLDER: builds and runs the runtime half's unit tests
  build "$2" "$3" -DACTNET_BUILD_COMPILER=OFF && unit_tests "$1" "$3"
}

# The streams of the devices mostly sleep, so four at a time. Device cuda runs on
# the driver's stand-in, with what ctest tells it in a plain run.
conformance() { # STEP SEEDS
  local pids=() failed=0 setting
  while IFS= read -r setting; do export "${setting?}"; done < <(
    ctest --test-dir build -R '^DeviceConformanceTest$' --show-only=json-v1 |
      /usr/bin/python3 -c 'import json, sys
for test in json.load(sys.stdin)["tests"]:
    for entry in test["properties"]:
        if entry["name"] == "ENVIRONMENT": print(*entry["value"], sep="\n")')
  export ACTNET_CTS_CUDA_SEEDS=$2
  build/bin/test/DeviceConformanceTest --gtest_list_tests | grep -q "cuda$2" ||
    { echo "device cuda is not part of the suite" >&2; return 1; }
  for shard in 0 1 2 3; do
    GTEST_TOTAL_SHARDS=4 GTEST_SHARD_INDEX=$shard GTEST_BRIEF=1 ACTNET_CTS_SEEDS=$2 \
      GTEST_OUTPUT=xml:$results/$1/shard$shard.xml \
      build/bin/test/DeviceConformanceTest &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  return $failed
}

# 200 cases of each family and type of one program, in two halves at a time.
family_tests() { # STEP PROGRAM
  local pids=() failed=0
  for shard in 0 1; do
    ACTNET_CUDA_CASES=200 GTEST_TOTAL_SHARDS=2 GTEST_SHARD_INDEX=$shard GTEST_BRIEF=1 \
      GTEST_OUTPUT=xml:$results/$1/shard$shard.xml "build/bin/test/$2" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
  return $failed
}

e2e() { # STEP SCRIPT ARGUMENT...: a Python test that writes JUnit XML
  local name=$1 script=$2
  shift 2
  "$python" "$script" --junit "$results/$name/results.xml" "$@"
}

step setup "packages and Python environment" utils/setup.sh --tests || finish
find_nvrtc

case $full in
  asan)
    step asan-build "build both halves under the sanitizers" build asan build-asan || finish
    step asan-unit "unit tests under the sanitizers" unit_tests asan-unit build-asan
    step asan-lit "IR and tools under the sanitizers" lit_tests asan-lit build-asan
    finish ;;
  onnx)
    step build "build both halves" build default build || finish
    step onnx "all ONNX node tests" e2e onnx test/onnx/run_suite.py --all
    finish ;;
  mutations)
    step asan-build "build both halves under the sanitizers" build asan build-asan || finish
    step mutations "10 000 mutated models" e2e mutations test/e2e/mutations.py --bin build-asan/bin --count 10000
    finish ;;
  models)
    step build "build both halves" build default build || finish
    step models "the seven models for CUDA" e2e models test/e2e/cuda_models.py
    finish ;;
  cts)
    step build "build both halves" build default build || finish
    step cts "device conformance under 1000 seeds" conformance cts 1000
    finish ;;
  kernels)
    step build "build both halves" build default build || finish
    step kernels "broken CUDA families" /usr/bin/python3 utils/fuzz/mutate_kernels.py
    finish ;;
  families)
    step build "build both halves" build default build || finish
    step kernels "maps, reductions, rows and windows" family_tests kernels CUDAKernelTest
    step contractions "products, convolutions, attention" family_tests contractions CUDAContractTest
    finish ;;
esac

step walls "layering, file sizes, paths" utils/check-walls.sh
step format "clang-format" utils/format.sh
step reference "docs/generated against the .td files" utils/gen-docs.sh --check
step build "build both halves" build default build || finish
step unit "unit tests and device conformance" unit_tests unit build
step lit "IR and tools" lit_tests lit build
step onnx "sample of the ONNX node tests" e2e onnx test/onnx/run_suite.py
step demo "utils/demo.sh" utils/demo.sh
step docs "the commands of docs/getting-started.md" utils/run-docs.sh
step digits "the example, beside onnxruntime" e2e digits test/e2e/digits.py
step twins "small twins of the models on host and toy, beside onnxruntime" e2e twins test/e2e/twins.py --devices host,toy --target host:x86-64-v3,toy --precisions f32,f16,bf16
step twins-cuda "the twins on device cuda, over the driver stand-in" e2e twins-cuda test/e2e/twins.py --devices cuda --target cuda:sm_80,cuda:sm_90a,cuda:sm_100,toy --driver build/lib/stand-in --precisions f32,f16,bf16 --narrow-batches 3 --launches
step dims "models whose dims meet, beside onnxruntime" e2e dims test/e2e/dims.py
step libraries "products in cuBLASLt's stand-in, or as kernels" e2e libraries test/e2e/libraries.py
step gpu "the GPU check, on the driver's stand-in" e2e gpu test/e2e/gpu_check.py
step edges "operators where their numbers end" e2e edges test/e2e/edges.py
step broken "broken input" e2e broken test/e2e/broken.py
step mutations "300 mutated models" e2e mutations test/e2e/mutations.py --count 300
step fuzz "100 random graphs, beside onnxruntime" e2e fuzz utils/fuzz/random_graphs.py --count 100
step fuzz-toy "20 random graphs on toy, beside onnxruntime" e2e fuzz-toy utils/fuzz/random_graphs.py --device toy --count 20
step install "install, find_package, build an example against it" utils/check-install.sh
step gcc "runtime half with g++, without LLVM" build_runtime_gcc
step tsan "runtime half under the thread sanitizer" sanitized tsan tsan build-tsan
step asan "runtime half under address and undefined-behaviour sanitizers" sanitized asan asan build-asan-rt
finish
