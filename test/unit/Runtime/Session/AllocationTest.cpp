//===- AllocationTest.cpp - jobs allocate nothing -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counts every operator new of the process, in all threads. A program of its
// own, since it replaces the operator for all that is linked into it.

#include "ApartDevice.h"
#include "TestPackages.h"
#include "actnet/Runtime/Device/Toy.h"
#include "actnet/Runtime/Session/Session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
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
/// Jobs of a session, and what they allocate.
struct Jobs {
  std::unique_ptr<Session> session;
  int rank = 2;
  std::vector<float> x = std::vector<float>(4 * 256, 1),
                     y = std::vector<float>(4 * 256);
  uint8_t flag = 1;

  /// Two buffers in turn: new pointers are no reason to allocate either.
  bool start(int round, int64_t n, bool transfers, uint64_t &job) {
    int64_t shape[2] = {n, 4};
    float *in = x.data() + (round % 2) * 256;
    float *out = y.data() + (round % 2) * 256;
    Status s = session->bindInput(0, 0, ACTNET_F32,
                                  rank == 1 ? shape + 1 : shape, rank, in);
    if (s && rank == 1)
      s = session->bindInput(0, 1, ACTNET_BOOL, nullptr, 0, &flag);
    if (s)
      s = session->bindOutput(0, 0, out, 1024);
    int64_t found[2] = {};
    if (s)
      s = session->outputShape(0, 0, found);
    if (s) {
      auto started = session->submit(0, transfers);
      s = started ? okStatus() : started.takeStatus();
      job = started ? *started : 0;
    }
    if (!s)
      std::fprintf(stderr, "%s\n", s.str().c_str());
    return s.isOk() && found[0] == (rank == 1 ? 4 : n);
  }
  bool run(int round, int64_t n, bool transfers = true) {
    uint64_t job = 0;
    return start(round, n, transfers, job) && session->wait(job).isOk();
  }
};

Jobs jobsOf(const Program &program, const std::string &name,
            SessionOptions options = {}) {
  Jobs jobs;
  auto session = Session::create(program, std::move(options));
  EXPECT_TRUE(session) << session.status().str();
  if (session)
    jobs.session = std::move(*session);
  jobs.rank = name == "control" ? 1 : 2;
  return jobs;
}

TEST(Allocation, JobsAllocateNothing) {
  for (const char *name : {"affine", "streams", "control"}) {
    MemoryPackage package(name);
    auto program = Program::openMemory(package.bytes());
    ASSERT_TRUE(program);
    Jobs jobs = jobsOf(**program, name);
    ASSERT_TRUE(jobs.session);
    uint64_t before = allocations.load();
    bool ok = true;
    for (int round = 1; round <= 1000; ++round)
      ok &= jobs.run(round, 64);
    EXPECT_EQ(allocations.load() - before, 0u) << name;
    EXPECT_TRUE(ok);
  }
}

// More sets of dims than a session keeps jobs for, with one job at a time and
// with two, and without transfers: on the host, on memory apart from the host,
// and on the software GPU, whose engine allocates for its checks, so that only
// what it computes is looked at.
TEST(Allocation, NewDimsAllocateNothing) {
  registerToyDevice(createToyDeviceFromEnvironment);
  std::vector<std::string> devices = {"host", "apart"};
  if (std::string(ACTNET_TEST_TOY_KERNELS) != "")
    devices.push_back("toy");
  for (const std::string &device : devices)
    for (const char *name : {"affine", "streams"}) {
      MemoryPackage package(name);
      auto program = Program::openMemory(package.bytes());
      ASSERT_TRUE(program);
      bool isToy = device == "toy";
      SessionOptions options;
      options.device = isToy ? "toy" : "host";
      if (device == "apart")
        options.wrap = [](std::unique_ptr<Device> inner) {
          return std::make_unique<ApartDevice>(std::move(inner));
        };
      Jobs jobs = jobsOf(**program, name, std::move(options));
      ASSERT_TRUE(jobs.session);
      uint64_t before = allocations.load();
      bool ok = true;
      for (int round = 1; round <= (isToy ? 1 : 4); ++round)
        for (int64_t n = 1; n <= 40; ++n) {
          ok &= jobs.run(round, n);
          // y = 2 x + {1, 2, 3, 4}, and no element beyond.
          const float *y = jobs.y.data() + (round % 2) * 256;
          ok &= y[0] == 3 && y[4 * n - 1] == 6;
          uint64_t first = 0, second = 0;
          ok &= jobs.start(round, n + 1, true, first);
          // The toy tells that nobody wrote the input of a job without
          // transfers.
          ok &= jobs.start(round + 1, n + 2, /*transfers=*/isToy, second);
          ok &= jobs.session->wait(first).isOk();
          ok &= jobs.session->wait(second).isOk();
        }
      if (!isToy) {
        EXPECT_EQ(allocations.load() - before, 0u) << name << " on " << device;
      }
      EXPECT_TRUE(ok) << name << " on " << device;
    }
}
} // namespace
