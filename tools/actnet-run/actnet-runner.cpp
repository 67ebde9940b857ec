//===- actnet-runner.cpp - the front of every compiled program -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// actnet-compile copies this executable and appends a package and a footer; at
// run time the program opens its own file and finds them there.

#include "Runner.h"

#ifdef ACTNET_HAS_TOY
#include "actnet/Runtime/Device/Toy.h"
#include "actnet/Runtime/Session/Devices.h"
#endif

#include <sys/auxv.h>
#include <unistd.h>

int main(int argc, char **argv) {
#ifdef ACTNET_HAS_TOY
  actnet::rt::registerToyDevice(actnet::rt::createToyDeviceFromEnvironment);
#endif
  std::string name = argc > 0 ? argv[0] : "program";
  name.erase(0, name.rfind('/') + 1);
  // A bare root folder may have no /proc; the kernel also says which path it
  // was asked to execute.
  std::string self = "/proc/self/exe";
  if (access(self.c_str(), R_OK) != 0)
    if (auto *path = reinterpret_cast<const char *>(getauxval(AT_EXECFN)))
      self = path;
  return actnet::run::runMain(name, self, {argv + 1, argv + argc});
}
