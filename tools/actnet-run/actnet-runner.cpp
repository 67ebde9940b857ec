//===- actnet-runner.cpp - the front of every compiled program
//-------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// actnet-compile copies this executable and appends a package and a footer; at
// run time the program opens its own file and finds them there.

#include "Runner.h"

int main(int argc, char **argv) {
  std::string name = argc > 0 ? argv[0] : "program";
  name.erase(0, name.rfind('/') + 1);
  return actnet::run::runMain(name, "/proc/self/exe", {argv + 1, argv + argc});
}
