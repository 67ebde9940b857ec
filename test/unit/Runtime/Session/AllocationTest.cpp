//===- AllocationTest.cpp - jobs after the first allocate nothing ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counts every operator new of the process, in all threads. A program of its
// own, since it replaces the operator for all that is linked into it.

#include "TestPackages.h"
#include "actnet/Runtime/Session/Session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

static std::atomic<uint64_t> allocations{0};

void *operator new(size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void *p = std::malloc(bytes ? bytes : 1))
    return p;
  throw std::bad_alloc();
}
void *operator new(size_t bytes, std::align_val_t align) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  auto unit = size_t(align);
  if (void *p = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit))
    return p;
  throw std::bad_alloc();
}
void operator delete(void *p) noexcept { std::free(p); }
void operator delete(void *p, size_t) noexcept { std::free(p); }
void operator delete(void *p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void *p, size_t, std::align_val_t) noexcept {
  std::free(p);
}

using namespace actnet;
using namespace actnet::rt;
using namespace actnet::rt::test;

namespace {
TEST(Allocation, Jobs2To1000AllocateNothing) {
  for (const char *name : {"affine", "streams", "control"}) {
    MemoryPackage package(name);
    auto program = Program::openMemory(package.bytes());
    ASSERT_TRUE(program);
    auto session = Session::create(**program, {});
    ASSERT_TRUE(session) << session.status().str();
    bool control = std::string(name) == "control";
    // Two buffers in turn: new pointers are no reason to allocate either.
    std::vector<float> x(2 * 256, 1), y(2 * 256);
    uint8_t flag = 1;
    int64_t shapes[2][2] = {{4, 0}, {64, 4}};
    auto run = [&](int round) {
      float *in = x.data() + (round % 2) * 256;
      float *out = y.data() + (round % 2) * 256;
      Status s = (*session)->bindInput(0, 0, ACTNET_F32, shapes[!control],
                                       control ? 1 : 2, in);
      if (s && control)
        s = (*session)->bindInput(0, 1, ACTNET_BOOL, nullptr, 0, &flag);
      if (s)
        s = (*session)->bindOutput(0, 0, out, 1024);
      if (s) {
        auto job = (*session)->submit(0, true);
        s = job ? (*session)->wait(*job) : job.takeStatus();
      }
      return s.isOk();
    };
    ASSERT_TRUE(run(1));
    uint64_t before = allocations.load();
    bool ok = true;
    for (int round = 2; round <= 1000; ++round)
      ok &= run(round);
    EXPECT_EQ(allocations.load() - before, 0u) << name;
    EXPECT_TRUE(ok);
  }
}
} // namespace
