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

/// Two jobs, the second one larger, on a device that loses work somewhere; true
/// if that was work of the first job.
bool loses(const char *device) {
  SessionOptions options;
  options.device = device;
  options.deadlineSeconds = 0.5;
  Late late("unbounded", std::move(options));
  if (!late.session)
    return false;
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
  for (lostByToy = 1; lostByToy <= 4; ++lostByToy)
    found += loses("toy");
  EXPECT_GE(found, 1);
}

// The last one: a driver whose GPU hangs is of no use to this process.
TEST(LateWork, ADriverLosesACompletion) {
  if (!std::getenv("ACTNET_STANDIN_IMAGE"))
    GTEST_SKIP() << "not over the driver's stand-in";
  setenv("ACTNET_STANDIN", "fault=lost@3", 1);
  EXPECT_TRUE(loses("cuda"));
}
} // namespace
