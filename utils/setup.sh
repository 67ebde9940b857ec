#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Sets up a Debian 12 machine: the packages that actnet is built with, and the
# configured build folder.
#
#   utils/setup.sh [--tests] [--packages-only]
#
#   --tests          also make .venv-test, the Python environment that the tests
#                    compare with (numpy, onnx, onnxruntime)
#   --packages-only  install the packages, configure nothing
#
# Needs root or sudo, unless all packages are there. Safe to run again: what is
# there is left alone, and the second run takes a second or two.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

packages=(
  # The compiler and what it is written on; 22.1.8 is in Debian 12's security updates.
  clang-22 lld-22 libclang-rt-22-dev llvm-22-dev llvm-22-tools libmlir-22-dev
  mlir-22-tools clang-format-22 zlib1g-dev libzstd-dev
  # Building.
  cmake ninja-build g++ git
  # The package format, JSON, command lines.
  flatbuffers-compiler libflatbuffers-dev nlohmann-json3-dev libcli11-dev
  # Examples.
  libpng-dev
  # Tests.
  libgtest-dev libgmock-dev librapidcheck-dev python3-venv python3-psutil
)

fail() { echo "setup.sh: $*" >&2; exit 1; }

tests=0 packages_only=0
for argument in "$@"; do
  case $argument in
    --tests) tests=1 ;;
    --packages-only) packages_only=1 ;;
    -h | --help) sed -n '4,16s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit ;;
    *) fail "unknown argument '$argument'; try --help" ;;
  esac
done

system=$(. /etc/os-release 2>/dev/null && echo "${ID:-unknown} ${VERSION_ID:-}") || system=unknown
[[ $system == "debian 12" ]] ||
  fail "this sets up Debian 12, not '$system'; elsewhere use the Dockerfile: docker build -t actnet ."

# --- packages ----------------------------------------------------------------

missing=()
for package in "${packages[@]}"; do
  [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == "install ok installed" ]] ||
    missing+=("$package")
done
if ((${#missing[@]})); then
  root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "installing ${missing[*]} needs root or sudo"
    root=(sudo)
  fi
  echo "setup: installing ${#missing[@]} packages, some 2 GB on disk with what they need:"
  echo "       ${missing[*]}"
  apt() { ${root[@]+"${root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"; }
  apt update -q || fail "apt-get update failed; is the network up?"
  apt install -q -y --no-install-recommends "${missing[@]}" ||
    fail "apt-get install failed (its message is above)"
else
  echo "setup: all ${#packages[@]} packages are there"
fi
((packages_only)) && exit

# --- Python, for tests only ----------------------------------------------------

if ((tests)); then
  stamp=.venv-test/requirements.sha256
  want=$(sha256sum <utils/requirements-test.txt)
  if [[ ! -x .venv-test/bin/python || $(cat $stamp 2>/dev/null) != "$want" ]]; then
    echo "setup: making .venv-test, some 250 MB, from utils/requirements-test.txt"
    rm -rf .venv-test
    /usr/bin/python3 -m venv .venv-test
    .venv-test/bin/python -m pip install --disable-pip-version-check --progress-bar on -r utils/requirements-test.txt ||
      fail "pip install failed (its message is above)"
    echo "$want" >$stamp
  else
    echo "setup: .venv-test is there"
  fi
fi

# --- build folder ----------------------------------------------------------------

if [[ ! -f build/build.ninja ]]; then
  echo "setup: configuring build/"
  mkdir -p build
  cmake --preset default >build/configure.log 2>&1 ||
    { cat build/configure.log; fail "cmake failed (its message is above)"; }
fi
echo "setup: done"
