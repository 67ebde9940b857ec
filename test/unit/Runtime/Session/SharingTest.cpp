//===- SharingTest.cpp - what sessions of one program share ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TestPackages.h"
#include "actnet/Runtime/Device/Toy.h"
#include "actnet/Runtime/Session/Session.h"

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <thread>
#include <unistd.h>

using namespace actnet;
using namespace actnet::rt;
using namespace actnet::rt::test;
using testing::HasSubstr;

namespace {

SessionOptions on(const char *device) {
  SessionOptions options;
  options.device = device;
  return options;
}

/// Runs `affine` on three rows; the last element of y, which is 2 x + 4.
Expected<float> affine(Session &session, float x) {
  std::vector<float> in(12, x), out(12);
  int64_t shape[2] = {3, 4};
  ACTNET_RETURN_IF_ERROR(
      session.bindInput(0, 0, ACTNET_F32, shape, 2, in.data()));
  ACTNET_RETURN_IF_ERROR(session.bindOutput(0, 0, out.data(), 48));
  ACTNET_ASSIGN_OR_RETURN(uint64_t job, session.submit(0, true));
  ACTNET_RETURN_IF_ERROR(session.wait(job));
  return out.back();
}

void expectRuns(Session &session, float x) {
  Expected<float> y = affine(session, x);
  ASSERT_TRUE(y) << y.status().str();
  EXPECT_EQ(*y, 2 * x + 4);
}

TEST(Sharing, WeightsAreUploadedToADriverOnce) {
  if (!std::getenv("ACTNET_STANDIN_IMAGE"))
    GTEST_SKIP() << "not over the driver's stand-in";
  std::string path =
      testing::TempDir() + "sharing-log." + std::to_string(getpid());
  std::remove(path.c_str());
  setenv("ACTNET_STANDIN", ("log=" + path).c_str(), 1);
  /// The driver's calls so far, by name.
  auto calls = [&] {
    std::map<std::string, int> counts;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
      ++counts[line.substr(0, line.find(' '))];
    return counts;
  };
  MemoryPackage package("affine");
  auto program = *Program::openMemory(package.bytes());
  for (int round = 0; round < 2; ++round) {
    auto before = calls();
    auto first = *Session::create(*program, on("cuda"));
    auto between = calls();
    auto second = *Session::create(*program, on("cuda"));
    auto after = calls();
    auto of = [](auto &from, auto &to, const char *name) {
      return to[name] - from[name];
    };
    // Weights and an arena, and then an arena.
    EXPECT_EQ(of(before, between, "cuMemAlloc_v2"), 2);
    EXPECT_EQ(of(between, after, "cuMemAlloc_v2"), 1);
    EXPECT_EQ(of(before, between, "cuMemcpyHtoDAsync_v2"), 1);
    EXPECT_EQ(of(between, after, "cuMemcpyHtoDAsync_v2"), 0);
    EXPECT_GT(of(before, between, "cuModuleLoadDataEx"), 0);
    EXPECT_EQ(of(between, after, "cuModuleLoadDataEx"), 0);
    expectRuns(*first, 1);
    expectRuns(*second, 2);
    EXPECT_EQ(first->memory().promised, second->memory().promised);
    first.reset();
    expectRuns(*second, 3);
    // With the last session all of it goes, and the next one begins anew.
    second.reset();
    auto end = calls();
    EXPECT_EQ(end["cuMemFree_v2"], end["cuMemAlloc_v2"]);
    EXPECT_EQ(end["cuModuleUnload"], end["cuModuleLoadDataEx"]);
  }
  unsetenv("ACTNET_STANDIN");
  std::remove(path.c_str());
}

std::atomic<int> devicesMade{0};
ToyOptions nextToy;

Expected<std::unique_ptr<Device>> makeToy() {
  ++devicesMade;
  return createToyDevice(nextToy);
}

/// A program whose sessions run on the software GPU.
class SharingToy : public testing::Test {
protected:
  SharingToy() : package("affine") {
    program = *Program::openMemory(package.bytes());
  }
  void SetUp() override {
    if (std::string(ACTNET_TEST_TOY_KERNELS) == "")
      GTEST_SKIP() << "no kernels for it";
    registerToyDevice(makeToy);
    devicesMade = 0;
    nextToy = ToyOptions();
  }
  MemoryPackage package;
  std::unique_ptr<Program> program;
};

TEST_F(SharingToy, SessionsOfManyThreads) {
  std::vector<std::thread> threads;
  std::atomic<int> ready{0};
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      auto session = Session::create(*program, on("toy"));
      EXPECT_TRUE(session) << session.status().str();
      // All hold theirs before the first one goes.
      ++ready;
      while (ready < 4)
        std::this_thread::yield();
      for (int round = 0; session && round < 5; ++round)
        expectRuns(**session, float(10 * i + round));
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(devicesMade, 1);
  expectRuns(**Session::create(*program, on("toy")), 1);
  EXPECT_EQ(devicesMade, 2);
}

TEST_F(SharingToy, EachSessionCountsItsOwnMemory) {
  auto first = *Session::create(*program, on("toy"));
  actnet_memory_info alone = first->memory();
  SessionOptions larger = on("toy");
  larger.inFlight = 8;
  auto second = *Session::create(*program, larger);
  EXPECT_EQ(devicesMade, 1);
  actnet_memory_info info = first->memory(), other = second->memory();
  EXPECT_EQ(info.observed, alone.observed);
  EXPECT_EQ(info.promised, alone.promised);
  EXPECT_EQ(other.weights, info.weights);
  EXPECT_GT(other.observed, info.observed);
  EXPECT_LE(info.observed, info.promised);
  EXPECT_LE(other.observed, other.promised);
  first.reset();
  EXPECT_EQ(second->memory().observed, other.observed);
}

TEST_F(SharingToy, ABrokenDeviceFailsItsSessionsAndNoOthers) {
  nextToy.faults = {{ToyFault::Kind::launch, 1}};
  auto first = *Session::create(*program, on("toy"));
  auto second = *Session::create(*program, on("toy"));
  EXPECT_EQ(devicesMade, 1);
  Status cause = affine(*first, 1).takeStatus(),
         same = affine(*second, 1).takeStatus();
  EXPECT_FALSE(cause);
  EXPECT_FALSE(same);
  EXPECT_THAT(same.str(), HasSubstr("ACTNET_TOY"));
  nextToy.faults.clear();
  auto third = *Session::create(*program, on("toy"));
  EXPECT_EQ(devicesMade, 2);
  expectRuns(*third, 2);
  auto fourth = *Session::create(*program, on("toy"));
  EXPECT_EQ(devicesMade, 2);
  expectRuns(*fourth, 3);
  EXPECT_FALSE(affine(*first, 1));
}

TEST_F(SharingToy, AProfileSeesOneSession) {
  auto plain = *Session::create(*program, on("toy"));
  SessionOptions options = on("toy");
  options.profile = true;
  auto profiled = *Session::create(*program, options);
  EXPECT_EQ(devicesMade, 2);
  expectRuns(*plain, 1);
  expectRuns(*profiled, 1);
}

TEST_F(SharingToy, ProgramsShareNothing) {
  auto first = *Session::create(*program, on("toy"));
  auto again = *Program::openMemory(package.bytes());
  auto second = *Session::create(*again, on("toy"));
  EXPECT_EQ(devicesMade, 2);
}

TEST(Sharing, SessionsOnTheHostHaveTheirOwnThreads) {
  MemoryPackage package("affine");
  auto program = *Program::openMemory(package.bytes());
  SessionOptions one = on("host"), three = on("host");
  one.threads = 1;
  three.threads = 3;
  auto first = *Session::create(*program, one);
  auto second = *Session::create(*program, three);
  EXPECT_EQ(first->deviceInfo().threads, 1u);
  EXPECT_EQ(second->deviceInfo().threads, 3u);
  expectRuns(*first, 1);
  expectRuns(*second, 2);
}
} // namespace
