//===- MemoryPackage.cpp - a test package in memory -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TestPackages.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace actnet;
using namespace actnet::rt::test;

MemoryPackage::MemoryPackage(const std::string &name) {
  pkg::Writer writer = pkg::Writer::toMemory();
  Status status = makePackage(name, readCode(ACTNET_TEST_KERNELS),
                              readCode(ACTNET_TEST_TOY_KERNELS), writer);
  if (!status) {
    std::fprintf(stderr, "package %s: %s\n", name.c_str(),
                 status.str().c_str());
    std::exit(1);
  }
  std::vector<std::byte> made = writer.takeBytes();
  size = made.size();
  data = static_cast<std::byte *>(
      std::aligned_alloc(4096, (size + 4095) / 4096 * 4096));
  std::memcpy(data, made.data(), size);
}

MemoryPackage::~MemoryPackage() { std::free(data); }
