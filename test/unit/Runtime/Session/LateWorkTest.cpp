//===- LateWorkTest.cpp - sessions whose device does not end its work -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A job past its deadline is answered, but the device may still run it: nothing
// that it uses goes before its stream, and whoever comes later hears why the
// queue is closed.

#include "ApartDevice.h"
#include "HoldingDevice.h"
#include "TestPackages.h"
#include "actnet/Runtime/Device/Toy.h"
#include "actnet/Runtime/Session/Session.h"

#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace actnet;
using namespace actnet::rt;
using namespace actnet::rt::test;
using testing::HasSubstr;

namespace {

/// A program and a session over a device that holds its work when it is asked.
struct Late {
  MemoryPackage package;
  std::unique_ptr<Program> program;
  std::unique_ptr<Session> session;
  Status status;
  std::vector<float> x = std::vector<float>(4000, 1),
                     y = std::vector<float>(4000);

  Late(const char *name, SessionOptions options)
      : package(name), program(*Program::openMemory(package.bytes())) {
    auto made = Session::create(*program, std::move(options));
    if (made)
      session = *std::move(made);
    else
      status = made.takeStatus();
  }

  /// Starts `affine` of n rows.
  Expected<uint64_t> submit(int64_t n, uint32_t function = 0) {
    int64_t shape[2] = {n, 4};
    ACTNET_RETURN_IF_ERROR(
        session->bindInput(function, 0, ACTNET_F32, shape, 2, x.data()));
    ACTNET_RETURN_IF_ERROR(
        session->bindOutput(function, 0, y.data(), y.size() * sizeof(float)));
    return session->submit(function, true);
  }
  /// Runs `step` of the packages with state; its first output.
  float step() {
    int64_t shape[1] = {4};
    Status s = session->bindInput(0, 0, ACTNET_F32, shape, 1, x.data());
    if (s)
      s = session->bindOutput(0, 0, y.data(), 16);
    if (s) {
      auto job = session->submit(0, true);
      s = job ? session->wait(*job) : job.takeStatus();
    }
    EXPECT_TRUE(s) << s.str();
    return y[0];
  }
};

SessionOptions holding(Held &held, bool apart, double deadline) {
  SessionOptions options;
  options.device = "host";
  options.threads = 1;
  options.deadlineSeconds = deadline;
  options.wrap = [&held, apart](std::unique_ptr<Device> device) {
    std::unique_ptr<Device> gate =
        std::make_unique<HoldingDevice>(std::move(device), held);
    if (apart)
      gate = std::make_unique<ApartDevice>(std::move(gate));
    return gate;
  };
  return options;
}

/// How long jobs of sessions may take where others before them must succeed.
constexpr double patient = 1;

void expectClosed(const Status &status) {
  EXPECT_EQ(status.code(), StatusCode::failedPrecondition) << status.str();
  EXPECT_THAT(status.str(), HasSubstr("the queue is closed, because"));
  EXPECT_THAT(status.str(), HasSubstr("passed its deadline while it ran"));
}

TEST(LateWork, NothingOfAJobGoesWhenALargerOneComes) {
  for (bool apart : {false, true}) {
    Held held;
    Late late("unbounded", holding(held, apart, patient));
    ASSERT_TRUE(late.session) << late.status.str();
    held.isHolding = true;
    auto first = late.submit(1);
    ASSERT_TRUE(first) << first.status().str();
    auto second = late.submit(1000);
    ASSERT_FALSE(second);
    expectClosed(second.status());
    EXPECT_EQ(late.session->wait(*first).code(), StatusCode::deadlineExceeded);
    auto third = late.submit(2000);
    ASSERT_FALSE(third);
    expectClosed(third.status());
    EXPECT_GT(held.open, 0);
    EXPECT_TRUE(held.isIntact());
    late.session.reset();
    EXPECT_EQ(held.open, 0);
    EXPECT_TRUE(held.isIntact());
  }
}

TEST(LateWork, TheFirstValuesOfVariablesMayNeverArrive) {
  Held held;
  held.isHolding = true;
  Late late("state", holding(held, /*apart=*/false, 0.05));
  EXPECT_FALSE(late.session);
  EXPECT_THAT(late.status.str(), HasSubstr("setting the variables: "));
  EXPECT_EQ(held.open, 0);
  EXPECT_TRUE(held.isIntact());
}

TEST(LateWork, ResettingVariablesMayNeverEnd) {
  for (bool apart : {false, true})
    for (bool step : {false, true}) {
      Held held;
      SessionOptions options = holding(held, apart, patient);
      options.step = step;
      Late late("state", std::move(options));
      ASSERT_TRUE(late.session) << late.status.str();
      EXPECT_EQ(late.step(), 11);
      held.isHolding = true;
      EXPECT_EQ(late.session->resetState().code(),
                StatusCode::deadlineExceeded);
      EXPECT_TRUE(held.isIntact());
      expectClosed(late.session->resetState());
      expectClosed(late.session->submit(0, true).takeStatus());
      late.session.reset();
      EXPECT_EQ(held.open, 0);
      EXPECT_TRUE(held.isIntact());
    }
}

TEST(LateWork, TheStateMayNeverReachALargerArena) {
  for (bool apart : {false, true}) {
    Held held;
    Late late("growing", holding(held, apart, patient));
    ASSERT_TRUE(late.session) << late.status.str();
    held.isHolding = true;
    auto job = late.submit(5, 2);
    ASSERT_FALSE(job);
    EXPECT_EQ(job.status().code(), StatusCode::deadlineExceeded)
        << job.status().str();
    EXPECT_TRUE(held.isIntact());
    auto next = late.submit(5, 2);
    ASSERT_FALSE(next);
    expectClosed(next.status());
    late.session.reset();
    EXPECT_EQ(held.open, 0);
    EXPECT_TRUE(held.isIntact());
  }
}

TEST(LateWork, TheStateReachesALargerArena) {
  for (bool apart : {false, true})
    for (bool step : {false, true}) {
      Held held;
      SessionOptions options = holding(held, apart, -1);
      options.step = step;
      Late late("growing", std::move(options));
      ASSERT_TRUE(late.session) << late.status.str();
      EXPECT_EQ(late.step(), 11);
      for (int64_t n : {5, 500}) {
        auto job = late.submit(n, 2);
        ASSERT_TRUE(job) << job.status().str();
        EXPECT_TRUE(late.session->wait(*job));
        EXPECT_EQ(late.y[size_t(n * 4 - 1)], 6);
      }
      EXPECT_EQ(late.step(), 12);
    }
}

/// Two jobs, the second one larger, on a device that loses work somewhere; true
/// if that was work of the first job. Then `beside` is what another session on
/// the same device says of a job once the first one is gone.
bool loses(const char *device, Status &beside) {
  SessionOptions options;
  options.device = device;
  options.deadlineSeconds = 0.5;
  Late late("unbounded", options);
  if (!late.session)
    return false;
  auto other = Session::create(*late.program, options);
  EXPECT_TRUE(other) << other.status().str();
  auto first = late.submit(1);
  EXPECT_TRUE(first) << first.status().str();
  auto second = late.submit(1000);
  if (second) {
    EXPECT_TRUE(late.session->wait(*first));
    late.session->wait(*second).ignore();
    return false;
  }
  expectClosed(second.status());
  EXPECT_FALSE(late.session->wait(*first));
  late.session = *std::move(other);
  auto job = late.submit(3);
  beside = job ? late.session->wait(*job) : job.takeStatus();
  return true;
}

uint64_t lostByToy = 0;

TEST(LateWork, TheSoftwareGPULosesACompletion) {
  if (std::string(ACTNET_TEST_TOY_KERNELS) == "")
    GTEST_SKIP() << "no kernels for it";
  registerToyDevice(+[] {
    ToyOptions options;
    options.faults = {{ToyFault::Kind::lost, lostByToy}};
    return createToyDevice(options);
  });
  int found = 0;
  for (lostByToy = 1; lostByToy <= 4; ++lostByToy) {
    Status beside;
    found += loses("toy", beside);
    EXPECT_TRUE(beside) << beside.str();
  }
  EXPECT_GE(found, 1);
}

// The last one: a driver whose GPU hangs is of no use to this process.
TEST(LateWork, ADriverLosesACompletion) {
  if (!std::getenv("ACTNET_STANDIN_IMAGE"))
    GTEST_SKIP() << "not over the driver's stand-in";
  setenv("ACTNET_STANDIN", "fault=lost@3", 1);
  Status beside;
  EXPECT_TRUE(loses("cuda", beside));
  EXPECT_THAT(beside.str(), HasSubstr("the GPU is given up"));
}
} // namespace
