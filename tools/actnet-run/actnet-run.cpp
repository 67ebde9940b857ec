//===- actnet-run.cpp - run a package -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Runner.h"

int main(int argc, char **argv) {
  return actnet::run::runMain("actnet-run", "", {argv + 1, argv + argc});
}
