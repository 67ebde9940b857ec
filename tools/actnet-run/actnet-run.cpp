//===- actnet-run.cpp - run a package -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Runner.h"

#include "actnet/Runtime/Device/Toy.h"
#include "actnet/Runtime/Session/Devices.h"

int main(int argc, char **argv) {
  actnet::rt::registerToyDevice(actnet::rt::createToyDeviceFromEnvironment);
  return actnet::run::runMain("actnet-run", "", {argv + 1, argv + argc});
}
