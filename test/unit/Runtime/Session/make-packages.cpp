//===- make-packages.cpp - write the test packages into a folder ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For the tests of the command line: `make-packages FOLDER RUNNER` writes
// NAME.actnet for each package, and the program `affine`.

#include "TestPackages.h"

#include <cstdio>

using namespace actnet;
using namespace actnet::rt::test;

static Status run(const std::string &folder, const std::string &runner) {
  std::vector<std::byte> code = readCode(ACTNET_TEST_KERNELS);
  std::vector<std::byte> toy = readCode(ACTNET_TEST_TOY_KERNELS);
  for (const std::string &name : packageNames()) {
    ACTNET_ASSIGN_OR_RETURN(
        pkg::Writer writer,
        pkg::Writer::toFile(folder + "/" + name + ".actnet"));
    ACTNET_RETURN_IF_ERROR(makePackage(name, code, toy, writer));
  }
  ACTNET_ASSIGN_OR_RETURN(pkg::Writer writer,
                          pkg::Writer::toProgram(folder + "/affine", runner));
  return makePackage("affine", code, toy, writer);
}

int main(int argc, char **argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: make-packages FOLDER RUNNER\n");
    return 2;
  }
  Status status = run(argv[1], argv[2]);
  if (!status)
    std::fprintf(stderr, "make-packages: %s\n", status.str().c_str());
  return status ? 0 : 1;
}
