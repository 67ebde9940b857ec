#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The GPU check: does what was compiled without a GPU run on one?
#
#   utils/gpu-check.sh --prepare FOLDER [OPTION...]
#       On a build machine (compiler, NVRTC and .venv-test; no GPU): compiles all
#       that is to run, with references, into FOLDER, and packs that as
#       FOLDER.tar.xz, at most 60 MiB. Takes many minutes. For less of it:
#         --parts=LIST          of conformance,timings,models,twins,families
#         --families=, --twins=, --models=, --timings=, --precisions=LIST
#         --architectures=LIST  default: sm_80,sm_90a,sm_100; PTX comes with them
#         --bin=, --runtime=    folders of the tools and of the test binaries
#         --toy                 with code for the software GPU, for --stand-in
#   FOLDER/gpu-check.sh --run FOLDER --report REPORT.md [OPTION...]
#       On a machine with a GPU: runs everything and writes the report. Needs
#       bash, coreutils and NVIDIA's driver only. At most nine minutes, each
#       check with a limit of its own. The exit status is 0 only if everything
#       ran and was right.
#         --device=cuda:N       default: cuda
#         --stand-in=FOLDER     on the driver's stand-in of test/driver, in
#                               FOLDER: proves this script, not a GPU

set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
budget=480 # seconds; what has not begun by then is not run
most=530   # and what has not ended by then is ended

usage() {
  echo "gpu-check.sh: $1; try --help" >&2
  exit 2
}

prepare() {
  cd "$here/.." || exit 1
  if [[ -z ${ACTNET_NVRTC:-} ]]; then
    local found=("$PWD"/.venv-test/lib/python3*/site-packages/nvidia/cu13/lib/libnvrtc.so.13)
    [[ ! -e ${found[0]} ]] || export ACTNET_NVRTC=${found[0]}
  fi
  exec .venv-test/bin/python utils/gpu/prepare.py "$@"
}

# --- what a run finds out --------------------------------------------------------

passed=0 failed=0 left=0
failures=()
body=""

# One line, short, nothing that Markdown's tables would misread.
tidy() {
  local text=${1//$'\n'/ }
  text=${text//|//}
  echo "${text:0:600}"
}

fail() { # PART NAME WHAT
  failed=$((failed + 1))
  failures+=("$1: $2: $(tidy "$3")")
  echo "FAILED $1: $2: $(tidy "$3")"
}

add() { body+="$*"$'\n'; }

# limited SECONDS COMMAND...: no command outlives its limit or the whole's.
limited() {
  local seconds=$1
  shift
  ((seconds < most - SECONDS)) || seconds=$((most > SECONDS ? most - SECONDS : 1))
  timeout -k 5 "$seconds" "$@"
}

# What a status other than 0 means, with what the program said.
reason() { # STATUS SECONDS FILE
  local said
  said=$(tail -n 3 "$3")
  case $1 in
    124 | 137) echo "no end within $2 s. $said" ;;
    139 | 134 | 136) echo "crashed (status $1). $said" ;;
    *) echo "${said:-status $1, and not a word}" ;;
  esac
}

stand_in_for() { # PACKAGE: what the stand-in needs to know
  [[ -z $standIn ]] || export ACTNET_STANDIN_PACKAGE=$folder/$1
}

conformance() {
  [[ -d conformance ]] || return
  add $'\n## Conformance\n'
  if [[ -n $standIn ]]; then
    add "Not run: on the stand-in the suite is a test of its own."
    return
  fi
  cases=0 bad=0
  local subject
  for subject in gpu gpuWithoutGraphs gpuOneStream gpuSynchronous; do
    # A fault breaks what its process has of the GPU.
    suite "$subject" "$subject.*-*.faultsAreReported"
    suite "$subject" "$subject.faultsAreReported"
  done
  add "$cases tests passed, $bad failed (\`DeviceConformanceTest\`, also without graphs, on one stream,"
  add "and synchronous)."
}

suite() { # NAME FILTER: runs tests of one subject, in a process of their own
  local status=0 line said="" ran=0 lost=0
  ACTNET_CTS_GPU=$folder/conformance limited 60 ./DeviceConformanceTest \
    --gtest_filter="$2" --gtest_color=no >"$log" 2>&1 || status=$?
  while IFS= read -r line; do
    case $line in
      '[ RUN      ] '*) said="" ;;
      '[       OK ] '* | '[  SKIPPED ] '*' ms)') ran=$((ran + 1)) ;;
      '[  FAILED  ] '*' ms)')
        lost=$((lost + 1))
        fail conformance "${line#*] }" "${said:-it does not say why}" ;;
      '') ;;
      *) said+="$line " ;;
    esac
  done <"$log"
  cases=$((cases + ran)) bad=$((bad + lost)) passed=$((passed + ran))
  if ((status != 0 && lost == 0)); then
    fail conformance "$1, $ran tests in" "$(reason "$status" 60 "$log")"
  elif ((ran + lost == 0)); then
    fail conformance "$1" "no test of the name $2"
  fi
}

# The largest error, from a run that allows none.
error_of() { # PACKAGE FLAG...
  local package=$1 text
  shift
  text=$(limited 30 ./actnet-run "$package" "--device=$device" --deadline=20 "$@" --rtol=0 --atol=0 2>&1 >/dev/null) &&
    echo 0 && return
  [[ $text == *'largest difference '* ]] && echo "${text##*largest difference }" || echo "?"
}

checks() {
  local part name seconds package bound flags at="" status list error
  while IFS=$'\t' read -r part name seconds package bound flags; do
    if [[ $part != "$at" ]]; then
      at=$part
      add $'\n'"## ${titles[$part]}"$'\n'
      add "| check | result | largest error | allowed |"
      add "|---|---|---|---|"
    fi
    if ((SECONDS > budget)); then
      left=$((left + 1))
      add "| $name | not run | | $bound |"
      continue
    fi
    IFS=' ' read -ra list <<<"$flags"
    stand_in_for "$package"
    status=0 error=""
    limited "$seconds" ./actnet-run "$package" "--device=$device" --deadline="$((seconds - 5))" \
      "${list[@]}" --rtol=0 --atol="$bound" >"$log" 2>&1 || status=$?
    if ((status == 0)); then
      passed=$((passed + 1))
      # Figures are for those who read; they give way to checks.
      ((SECONDS > budget / 2)) || error=$(error_of "$package" "${list[@]}")
      add "| $name | right | $error | $bound |"
    else
      fail "$part" "$name" "$(reason "$status" "$seconds" "$log")"
      add "| $name | **failed** | | $bound |"
    fi
  done <checks.tsv
}

# Nanoseconds from a text such as 0.7123 or 1.2e+03, in milliseconds; bash has no
# fractions.
nanoseconds() {
  local text=$1 exponent=0 whole fraction
  if [[ $text == *e* ]]; then
    exponent=$((10#${text##*e[+-]}))
    [[ $text == *e-* ]] && exponent=$((-exponent))
    text=${text%e*}
  fi
  whole=${text%.*} fraction=""
  [[ $text != *.* ]] || fraction=${text#*.}
  local shift=$((exponent + 6)) digits=$whole$fraction
  local zeros=$((shift - ${#fraction}))
  while ((zeros > 0)); do digits+=0 zeros=$((zeros - 1)); done
  while ((zeros < 0)); do digits=${digits%?} zeros=$((zeros + 1)); done
  echo $((10#${digits:-0}))
}

timings() {
  [[ -s timings.tsv ]] || return
  local name seconds package large small moved operations dims median ns yard=0 status rate part how
  local until=$((SECONDS + 150)) # the rest is for what must be right
  add $'\n## First timings\n'
  if [[ -n $standIn ]]; then
    add "Small runs only, which prove that the programs start: the stand-in's times mean nothing."$'\n'
    add "| kernel | result |"
    add "|---|---|"
  else
    add "Median time of a job without transfers (\`--benchmark --no-transfers\`), from its start by"
    add "the host to the host's notice of its end. \`copy\` is the driver's own copy of 1 GB from one"
    add "place of the GPU's memory to another: its rate is the yardstick. The others but matmul read"
    add "and write 1 GB each."$'\n'
    add "| kernel | median ms | rate | of the copy rate |"
    add "|---|---|---|---|"
  fi
  while IFS=$'\t' read -r name seconds package large small moved operations; do
    if ((SECONDS > until || SECONDS > budget)); then
      left=$((left + 1))
      add "| $name | not run | | |"
      continue
    fi
    dims=$large how=(--benchmark=2 --warmup=0.5 --in-flight=1)
    [[ -z $standIn ]] || dims=$small how=(--iterations=2)
    stand_in_for "$package"
    status=0
    limited "$seconds" ./actnet-run "$package" "--device=$device" --deadline=30 --dim "$dims" \
      $(inputs_of "$name") "${how[@]}" --no-transfers --json >"$log" 2>"$log.err" || status=$?
    if ((status != 0)); then
      fail timings "$name" "$(reason "$status" "$seconds" "$log.err")"
      add "| $name | **failed** | | |"
      continue
    fi
    passed=$((passed + 1))
    if [[ -n $standIn ]]; then
      add "| $name | runs |"
      continue
    fi
    median=$(<"$log")
    median=${median#*\"median\": } median=${median%%,*}
    ns=$(nanoseconds "$median")
    ((ns > 0)) || ns=1
    part=""
    if ((moved > 0)); then
      rate="$((moved / ns)) GB/s"
      [[ $name == copy ]] && yard=$ns
      ((yard == 0)) || part="$((yard * 100 / ns)) %"
    else
      rate="$((operations / ns / 1000)).$((operations / ns % 1000 / 100)) TFLOP/s"
    fi
    add "| $name | $median | $rate | $part |"
  done <timings.tsv
  [[ -n $standIn ]] || add $'\n'"matmul-cublaslt is the same product as a call of cuBLASLt; where that is missing, its kernel."
}

# Constants: 2^28 random numbers would take longer to make than all the rest.
inputs_of() {
  case $1 in
    matmul*) echo "--input=a=0.5 --input=b=0.5" ;;
    *) echo "--input=x=0.5" ;;
  esac
}

run() {
  [[ -d $folder ]] || usage "--run $folder: there is no such folder"
  folder=$(cd "$folder" && pwd)
  [[ -f $folder/manifest && $(<"$folder/manifest") == format\ 1* ]] ||
    usage "--run $folder: nothing was prepared there, or not to the end"
  case $report in /*) ;; *) report=$PWD/$report ;; esac
  : >"$report" || exit 2
  if [[ -n $standIn ]]; then
    standIn=$(cd "$standIn" && pwd) || usage "--stand-in: there is no such folder"
    export LD_LIBRARY_PATH=$standIn${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  fi
  cd "$folder" || exit 1
  log=$(mktemp) || exit 1
  trap 'rm -f "$log" "$log.err"' EXIT

  local key value gpu="" driver="" line
  declare -A manifest
  while read -r key value; do manifest[$key]=$value; done <manifest
  # A second word for it, where NVIDIA's tool is installed.
  if [[ -z $standIn ]] && command -v nvidia-smi >/dev/null; then
    driver=$(limited 20 nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null | head -n 1)
  fi
  while IFS= read -r line; do
    [[ $line != cuda:* ]] || gpu+="${gpu:+; }$line"
  done < <(limited 30 ./actnet-run --list-devices 2>&1)

  if [[ -z $gpu ]]; then
    local text
    text=$(limited 30 ./actnet-run "$(first_package)" "--device=$device" 2>&1 | tail -n 1)
    fail device "no GPU" "$text"
  else
    conformance
    timings
    checks
  fi
  write_report "$gpu" "$driver" >"$report"
  echo "$passed passed, $failed failed, $left not run, $SECONDS s; the report is $report"
  ((failed == 0 && left == 0 && passed > 0))
}

first_package() {
  local list=(packages/*)
  echo "${list[0]}"
}

write_report() { # GPU DRIVER
  local line
  echo "# The GPU check"
  echo
  if [[ -n $standIn ]]; then
    echo "**No GPU has run this.** The programs ran on the driver's stand-in over the software"
    echo "GPU: that proves this script and the path up to the driver, and says nothing about a GPU."
    echo
  fi
  echo "Written by \`utils/gpu-check.sh --run\`, of programs that \`--prepare\` compiled where there"
  echo "is no GPU."
  echo
  echo "| | |"
  echo "|---|---|"
  echo "| date | $(date -u '+%Y-%m-%d %H:%M UTC') |"
  echo "| device | $(tidy "${1:-none}") |"
  echo "| driver | $(tidy "${2:-${standIn:+the stand-in of test/driver}}") |"
  echo "| commit | ${manifest[commit]:-} |"
  echo "| prepared | ${manifest[prepared]:-}, for ${manifest[architectures]:-} |"
  echo "| compiler | ${manifest[compiler]:-} |"
  echo "| parts | ${manifest[parts]:-} |"
  echo "| result | $passed passed, $failed failed, $left not run |"
  echo "| time | $SECONDS s |"
  if ((failed > 0)); then
    echo
    echo "## Failures"
    echo
    for line in "${failures[@]}"; do echo "- $line"; done
  fi
  printf '%s' "$body"
}

declare -A titles=(
  [families]="Kernel families against float64"
  [twins]="Small twins of the models, and the digit classifier, against onnxruntime"
  [models]="Models against onnxruntime")

mode="" folder="" report="" standIn="" device=cuda
[[ ${1:-} != --prepare ]] || { shift && (($# > 0)) || usage "--prepare: a folder is missing"; prepare "$@"; }
while (($# > 0)); do
  case $1 in
    --run | --report)
      (($# > 1)) || usage "$1: a value is missing"
      if [[ $1 == --run ]]; then mode=run folder=$2; else report=$2; fi
      shift ;;
    --device=*) device=${1#*=} ;;
    --stand-in=*) standIn=${1#*=} ;;
    -h | --help) sed -n '4,24s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit ;;
    *) usage "unknown argument '$1'" ;;
  esac
  shift
done
[[ $mode == run ]] || usage "expected --prepare or --run"
[[ -n $report ]] || usage "--report is missing"
run
