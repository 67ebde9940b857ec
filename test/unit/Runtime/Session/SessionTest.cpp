//===- SessionTest.cpp - sessions over hand-written packages --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Runtime/Session/Session.h"
#include "ApartDevice.h"
#include "TestPackages.h"
#include "actnet/Runtime/Device/Toy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace actnet;
using namespace actnet::rt;
using namespace actnet::rt::test;
using testing::HasSubstr;

namespace {
/// What ACTNET_TEST_DEVICE says that all sessions of this test run on: a
/// device's name; "apart" is the host with memory that the host can't touch.
std::string testDevice() {
  const char *device = std::getenv("ACTNET_TEST_DEVICE");
  return device ? device : "host";
}

/// True where kernels are checked, and can't write where they should not.
bool isGpu() { return testDevice() == "cuda" || testDevice() == "toy"; }

/// A program in memory and a session over it.
struct Harness {
  MemoryPackage package;
  std::unique_ptr<Program> program;
  std::unique_ptr<Session> session;
  std::vector<std::string> notices;
  Status status;

  explicit Harness(const std::string &name, SessionOptions options = {})
      : package(name) {
    registerToyDevice(createToyDeviceFromEnvironment);
    auto opened = Program::openMemory(package.bytes());
    if (!opened) {
      status = opened.takeStatus();
      return;
    }
    program = *std::move(opened);
    if (options.device == "auto" && isGpu())
      options.device = testDevice();
    if (testDevice() == "apart" && !options.wrap)
      options.wrap = [](std::unique_ptr<Device> device) {
        return std::make_unique<ApartDevice>(std::move(device));
      };
    options.notice = [this](const std::string &line) {
      notices.push_back(line);
    };
    auto made = Session::create(*program, std::move(options));
    if (made)
      session = *std::move(made);
    else
      status = made.takeStatus();
  }

  Status bind(uint32_t index, std::vector<int64_t> shape, const float *data,
              uint32_t function = 0) {
    return session->bindInput(function, index, ACTNET_F32, shape.data(),
                              int32_t(shape.size()), data);
  }
  Status run(uint32_t function = 0) {
    auto job = session->submit(function, true);
    return job ? session->wait(*job) : job.takeStatus();
  }
  /// Runs `affine` on n rows that begin with `start`.
  std::vector<float> affine(int64_t n, float start) {
    std::vector<float> x(size_t(n * 4)), y(x.size(), -1);
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = start + float(i);
    Status s = bind(0, {n, 4}, x.data());
    if (s)
      s = session->bindOutput(0, 0, y.data(), y.size() * 4);
    if (s)
      s = run();
    EXPECT_TRUE(s.isOk()) << s.str();
    return y;
  }
};

std::vector<float> affineReference(int64_t n, float start) {
  std::vector<float> y(size_t(n * 4));
  for (size_t i = 0; i < y.size(); ++i)
    y[i] = 2 * (start + float(i)) + float(i % 4 + 1);
  return y;
}

TEST(Session, RunsEveryBatchFromOneProgram) {
  Harness h("affine");
  ASSERT_TRUE(h.session) << h.status.str();
  for (int64_t n : {1, 64, 3, 17, 3, 64})
    EXPECT_EQ(h.affine(n, float(n)), affineReference(n, float(n))) << n;
  EXPECT_TRUE(h.notices.empty());
}

TEST(Session, GivesTheSameBitsWithAnyNumberOfThreads) {
  for (unsigned threads : {1, 2, 3}) {
    SessionOptions options;
    options.threads = threads;
    Harness h("affine", options);
    ASSERT_TRUE(h.session) << h.status.str();
    EXPECT_EQ(h.affine(50, 0.1f), affineReference(50, 0.1f));
  }
}

TEST(Session, KeepsMoreDimsThanItsCacheHolds) {
  Harness h("affine");
  ASSERT_TRUE(h.session);
  for (int round = 0; round < 2; ++round)
    for (int64_t n = 1; n <= 40; ++n)
      EXPECT_EQ(h.affine(n, float(n)), affineReference(n, float(n))) << n;
}

TEST(Session, OrdersStreamsBySignals) {
  Harness h("streams");
  ASSERT_TRUE(h.session) << h.status.str();
  for (int round = 0; round < 200; ++round)
    ASSERT_EQ(h.affine(64, float(round)), affineReference(64, float(round)));
}

TEST(Session, HoldsSeveralJobsInFlight) {
  SessionOptions options;
  options.inFlight = 3;
  Harness h("affine", options);
  ASSERT_TRUE(h.session);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::vector<float>> x(3), y(3);
    std::vector<uint64_t> jobs;
    for (size_t i = 0; i < 3; ++i) {
      int64_t n = int64_t(i) * 7 + 1;
      x[i].assign(size_t(n * 4), float(round));
      y[i].assign(size_t(n * 4), -1);
      ASSERT_TRUE(h.bind(0, {n, 4}, x[i].data()).isOk());
      ASSERT_TRUE(
          h.session->bindOutput(0, 0, y[i].data(), y[i].size() * 4).isOk());
      auto job = h.session->submit(0, true);
      ASSERT_TRUE(job) << job.status().str();
      jobs.push_back(*job);
    }
    auto fourth = h.session->submit(0, true);
    ASSERT_FALSE(fourth);
    EXPECT_EQ(fourth.status().code(), StatusCode::resourceExhausted);
    for (size_t i : {2, 0, 1})
      EXPECT_TRUE(h.session->wait(jobs[i]).isOk());
    for (size_t i = 0; i < 3; ++i)
      for (size_t k = 0; k < y[i].size(); ++k)
        ASSERT_EQ(y[i][k], 2 * float(round) + float(k % 4 + 1));
    EXPECT_FALSE(h.session->wait(jobs[0]).isOk());
  }
}

TEST(Session, MayGoWithJobsInFlight) {
  std::vector<float> x(64 * 4, 1), y(64 * 4);
  Harness h("affine");
  ASSERT_TRUE(h.session);
  ASSERT_TRUE(h.bind(0, {64, 4}, x.data()).isOk());
  ASSERT_TRUE(h.session->bindOutput(0, 0, y.data(), y.size() * 4).isOk());
  ASSERT_TRUE(h.session->submit(0, true));
  ASSERT_TRUE(h.session->submit(0, true));
  h.session.reset();
}

TEST(Session, BranchesAndLoops) {
  for (bool step : {false, true})
    for (bool c : {true, false}) {
      SessionOptions options;
      options.step = step;
      Harness h("control", options);
      ASSERT_TRUE(h.session) << h.status.str();
      std::vector<float> x = {1, 2, 3, 4}, y(4);
      uint8_t flag = c;
      ASSERT_TRUE(h.bind(0, {4}, x.data()).isOk());
      ASSERT_TRUE(
          h.session->bindInput(0, 1, ACTNET_BOOL, nullptr, 0, &flag).isOk());
      ASSERT_TRUE(h.session->bindOutput(0, 0, y.data(), 16).isOk());
      // Twice: what a loop leaves behind must not reach the next job.
      for (int round = 0; round < 2; ++round) {
        Status s = h.run();
        ASSERT_TRUE(s.isOk()) << s.str();
        for (size_t i = 0; i < 4; ++i) {
          float expected = (c ? 2 * x[i] : x[i]) + 3;
          float first = (c ? 2 * x[0] : x[0]) + 3;
          for (; first < 100; first *= 2)
            expected *= 2;
          EXPECT_EQ(y[i], expected) << i << (c ? " then" : " else");
        }
      }
    }
}

TEST(Session, KeepsStateBetweenJobsAndResetsIt) {
  for (bool step : {false, true}) {
    SessionOptions options;
    options.step = step;
    Harness h("state", options);
    ASSERT_TRUE(h.session) << h.status.str();
    std::vector<float> x = {1, 1, 1, 1}, y(4);
    ASSERT_TRUE(h.bind(0, {4}, x.data()).isOk());
    ASSERT_TRUE(h.session->bindOutput(0, 0, y.data(), 16).isOk());
    ASSERT_TRUE(h.run().isOk());
    ASSERT_TRUE(h.run().isOk());
    EXPECT_EQ(y, (std::vector<float>{12, 22, 32, 42}));
    ASSERT_TRUE(h.run(1).isOk()); // init
    ASSERT_TRUE(h.run().isOk());
    EXPECT_EQ(y, (std::vector<float>{11, 21, 31, 41}));
    ASSERT_TRUE(h.session->resetState().isOk());
    ASSERT_TRUE(h.run().isOk());
    EXPECT_EQ(y, (std::vector<float>{11, 21, 31, 41}));
  }
}

TEST(Session, PlansAnUnboundedDimWhenItIsKnownAndSaysSo) {
  Harness h("unbounded");
  ASSERT_TRUE(h.session) << h.status.str();
  EXPECT_EQ(h.session->memory().promised, -1);
  EXPECT_EQ(h.affine(5, 1), affineReference(5, 1));
  ASSERT_EQ(h.notices.size(), 1u);
  EXPECT_THAT(h.notices[0], HasSubstr("for N = 5"));
  EXPECT_GT(h.session->memory().promised, 0);
  EXPECT_EQ(h.affine(3, 1), affineReference(3, 1));
  EXPECT_EQ(h.notices.size(), 1u) << "a smaller dim needs no new plan";
  EXPECT_EQ(h.affine(5000, 1), affineReference(5000, 1));
  EXPECT_EQ(h.notices.size(), 2u);
  EXPECT_EQ(h.affine(5, 2), affineReference(5, 2));
}

TEST(Session, GrowsWhileAJobIsInFlight) {
  Harness h("unbounded");
  ASSERT_TRUE(h.session);
  std::vector<float> small(4, 1), large(4000, 1), y(4), z(4000);
  ASSERT_TRUE(h.bind(0, {1, 4}, small.data()).isOk());
  ASSERT_TRUE(h.session->bindOutput(0, 0, y.data(), 16).isOk());
  auto first = h.session->submit(0, true);
  ASSERT_TRUE(first);
  ASSERT_TRUE(h.bind(0, {1000, 4}, large.data()).isOk());
  ASSERT_TRUE(h.session->bindOutput(0, 0, z.data(), 16000).isOk());
  auto second = h.session->submit(0, true);
  ASSERT_TRUE(second) << second.status().str();
  EXPECT_TRUE(h.session->wait(*first).isOk());
  EXPECT_TRUE(h.session->wait(*second).isOk());
  EXPECT_EQ(y[3], 6);
  EXPECT_EQ(z[3999], 6);
}

/// Has no more staging memory when it is asked to.
class CrampedDevice final : public ForwardingDevice {
public:
  CrampedDevice(std::unique_ptr<Device> inner, bool &isFull)
      : ForwardingDevice(std::move(inner)), isFull(isFull) {}
  Expected<DevicePtr> allocate(uint64_t bytes, MemoryKind kind) override {
    if (isFull && kind == MemoryKind::staging)
      return resourceExhausted("no staging memory is left");
    return inner->allocate(bytes, kind);
  }

private:
  bool &isFull;
};

TEST(Session, StaysAsItWasWhereALargerOneFindsNoMemory) {
  if (isGpu())
    GTEST_SKIP() << "the device has no end of memory";
  bool isFull = false;
  SessionOptions options;
  options.device = "host";
  options.wrap = [&](std::unique_ptr<Device> device) {
    return std::make_unique<CrampedDevice>(
        std::make_unique<ApartDevice>(std::move(device)), isFull);
  };
  Harness h("unbounded", options);
  ASSERT_TRUE(h.session) << h.status.str();
  EXPECT_EQ(h.affine(5, 1), affineReference(5, 1));
  actnet_memory_info before = h.session->memory();
  isFull = true;
  std::vector<float> x(4000);
  ASSERT_TRUE(h.bind(0, {1000, 4}, x.data()).isOk());
  for (int round = 0; round < 2; ++round) {
    auto job = h.session->submit(0, false);
    ASSERT_FALSE(job);
    EXPECT_EQ(job.status().code(), StatusCode::resourceExhausted);
  }
  EXPECT_EQ(h.session->memory().promised, before.promised);
  EXPECT_EQ(h.affine(3, 2), affineReference(3, 2));
  isFull = false;
  EXPECT_EQ(h.affine(1000, 1), affineReference(1000, 1));
}

TEST(Session, NarrowsDimsAtLoad) {
  Harness wide("affine");
  SessionOptions options;
  options.dims = {{"N", 2, 4}};
  Harness narrow("affine", options);
  ASSERT_TRUE(narrow.session) << narrow.status.str();
  EXPECT_LT(narrow.session->memory().scratch_peak,
            wide.session->memory().scratch_peak);
  EXPECT_EQ(narrow.affine(4, 1), affineReference(4, 1));
  std::vector<float> x(20);
  EXPECT_THAT(narrow.bind(0, {5, 4}, x.data()).str(),
              HasSubstr("input 'x' axis 0: expected N = 2..4, found 5"));
  // An unbounded dim becomes a bounded one: the promise stands at load.
  options.dims = {{"N", 1, 8}};
  Harness bounded("unbounded", options);
  ASSERT_TRUE(bounded.session);
  EXPECT_GT(bounded.session->memory().promised, 0);
  EXPECT_EQ(bounded.affine(8, 1), affineReference(8, 1));
  EXPECT_TRUE(bounded.notices.empty());
}

TEST(Session, RefusesOptionsInOneLine) {
  auto with = [](auto change) {
    SessionOptions options;
    change(options);
    return Harness("affine", options).status.str();
  };
  EXPECT_THAT(with([](auto &o) { o.dims = {{"M", 1, 2}}; }),
              HasSubstr("no dim of that name"));
  EXPECT_THAT(with([](auto &o) { o.dims = {{"N", 1, 65}}; }),
              HasSubstr("expected bounds within 1..64, found 1..65"));
  EXPECT_THAT(
      with([](auto &o) { o.device = "abacus"; }),
      HasSubstr("expected auto, host, cuda, cuda:N or toy, found 'abacus'"));
  EXPECT_THAT(with([](auto &o) { o.isa = "z80"; }), HasSubstr("z80"));
  EXPECT_THAT(with([](auto &o) { o.inFlight = 65; }), HasSubstr("1 to 64"));
}

TEST(Session, RefusesBindingsInOneLine) {
  Harness h("sum");
  ASSERT_TRUE(h.session);
  std::vector<float> data(64);
  auto bind = [&](uint32_t index, actnet_dtype dtype,
                  std::vector<int64_t> shape, const void *p) {
    return h.session
        ->bindInput(0, index, dtype, shape.data(), int32_t(shape.size()), p)
        .str();
  };
  EXPECT_THAT(bind(2, ACTNET_F32, {1}, &data), HasSubstr("below 2, found 2"));
  EXPECT_THAT(bind(0, ACTNET_F64, {1}, &data),
              HasSubstr("expected type f32, found f64"));
  EXPECT_THAT(bind(0, ACTNET_F32, {1, 1}, &data),
              HasSubstr("expected shape [N], found [1, 1]"));
  EXPECT_THAT(bind(0, ACTNET_F32, {17}, &data),
              HasSubstr("expected N = 1..16, found 17"));
  EXPECT_THAT(bind(0, ACTNET_F32, {-1}, &data), HasSubstr("found -1"));
  EXPECT_THAT(bind(0, ACTNET_F32, {3}, nullptr), HasSubstr("null"));
  EXPECT_THAT(h.run().str(), HasSubstr("input 'a' is not bound"));
  EXPECT_EQ(bind(0, ACTNET_F32, {3}, data.data()), "ok");
  EXPECT_EQ(bind(1, ACTNET_F32, {4}, data.data()), "ok");
  EXPECT_THAT(h.run().str(), HasSubstr("input 'b' axis 0: expected N = 3"));
  EXPECT_EQ(bind(1, ACTNET_F32, {3}, data.data()), "ok");
  ASSERT_TRUE(h.session->bindOutput(0, 0, data.data(), 8).isOk());
  EXPECT_THAT(h.run().str(), HasSubstr("a buffer of 12 bytes, found 8"));
  ASSERT_TRUE(h.session->bindOutput(0, 0, data.data(), 12).isOk());
  EXPECT_TRUE(h.run().isOk());
  ASSERT_TRUE(h.session->bindOutput(0, 0, nullptr, 0).isOk());
  EXPECT_TRUE(h.run().isOk());
}

TEST(Session, SolvesAnExtentForItsDim) {
  Harness h("solve");
  ASSERT_TRUE(h.session);
  std::vector<float> x(40), y(40);
  ASSERT_TRUE(h.session->bindOutput(0, 0, y.data(), y.size() * 4).isOk());
  for (int64_t n = 1; n <= 16; ++n) {
    x.assign(40, float(n));
    ASSERT_TRUE(h.bind(0, {2 * n + 1}, x.data()).isOk());
    Status s = h.run();
    ASSERT_TRUE(s.isOk()) << s.str();
    EXPECT_EQ(y[size_t(2 * n)], float(n));
    int64_t extent = 0;
    ASSERT_TRUE(h.session->outputShape(0, 0, &extent).isOk());
    EXPECT_EQ(extent, 2 * n + 1);
  }
  ASSERT_TRUE(h.bind(0, {4}, x.data()).isOk());
  EXPECT_THAT(h.run().str(), HasSubstr("found 4"));
}

TEST(Session, PromisesThePagesOfAPackageThatBeginsInsideOfOne) {
  MemoryPackage package("product");
  std::span<const std::byte> bytes = package.bytes();
  // Its 512 bytes of weights, which begin with a page of the package, lie in
  // two pages here.
  constexpr size_t page = 4096;
  std::vector<std::byte> memory(bytes.size() + 3 * page);
  auto at =
      (reinterpret_cast<uintptr_t>(memory.data()) + page - 1) / page * page +
      page - 256;
  auto *start = reinterpret_cast<std::byte *>(at);
  std::copy(bytes.begin(), bytes.end(), start);
  auto program = Program::openMemory({start, bytes.size()});
  ASSERT_TRUE(program) << program.status().str();
  SessionOptions options;
  options.device = "host"; // where weights are read in place
  options.threads = 1;
  options.inFlight = 1;
  auto session = Session::create(**program, options);
  ASSERT_TRUE(session) << session.status().str();
  std::vector<float> x(16 * 8, 1), y(16 * 16);
  int64_t shape[] = {16, 8};
  ASSERT_TRUE(
      (*session)->bindInput(0, 0, ACTNET_F32, shape, 2, x.data()).isOk());
  ASSERT_TRUE(
      (*session)->bindOutput(0, 0, y.data(), y.size() * sizeof(float)).isOk());
  auto job = (*session)->submit(0, true);
  ASSERT_TRUE(job) << job.status().str();
  ASSERT_TRUE((*session)->wait(*job).isOk());
  actnet_memory_info info = (*session)->memory();
  EXPECT_EQ(info.weights, int64_t(2 * page));
  EXPECT_LE(info.observed, info.promised);
}

TEST(Session, ObservesNoMoreThanItPromises) {
  for (const char *name : {"affine", "control", "state", "streams", "sum"})
    for (unsigned threads : {1, 3})
      for (unsigned inFlight : {1, 4}) {
        SessionOptions options;
        options.threads = threads;
        options.inFlight = inFlight;
        Harness h(name, options);
        ASSERT_TRUE(h.session) << h.status.str();
        actnet_memory_info before = h.session->memory();
        EXPECT_EQ(before.promised, before.weights + before.state + before.ring +
                                       before.scratch + before.thread_scratch +
                                       before.stacks + before.staging);
        if (std::string(name) == "affine") {
          h.affine(64, 1);
          EXPECT_GE(before.scratch_peak, before.scratch_bound);
        }
        if (std::string(name) == "control") {
          std::vector<float> x(4, 1);
          uint8_t flag = 1;
          ASSERT_TRUE(h.bind(0, {4}, x.data()).isOk());
          ASSERT_TRUE(h.session->bindInput(0, 1, ACTNET_BOOL, nullptr, 0, &flag)
                          .isOk());
          ASSERT_TRUE(h.run().isOk());
        }
        actnet_memory_info after = h.session->memory();
        EXPECT_EQ(after.promised, before.promised);
        EXPECT_LE(after.observed, after.promised) << name;
        EXPECT_GT(after.observed, 0);
      }
}

/// Counts more stacks or staging than sessions ask for.
class WastefulDevice final : public ForwardingDevice {
public:
  WastefulDevice(std::unique_ptr<Device> inner, uint64_t stacks,
                 uint64_t staging)
      : ForwardingDevice(std::move(inner)), stacks(stacks), staging(staging) {}
  MemoryStats memoryStats() const override {
    MemoryStats stats = inner->memoryStats();
    stats.stackBytes += stacks;
    stats.stagingBytes += staging;
    return stats;
  }

private:
  uint64_t stacks, staging;
};

TEST(Session, PromisesNothingThatItOnlyObserved) {
  for (const char *name : {"affine", "control", "streams"}) {
    auto memoryWith = [&](uint64_t stacks, uint64_t staging) {
      SessionOptions options;
      options.wrap = [=](std::unique_ptr<Device> device) {
        if (testDevice() == "apart")
          device = std::make_unique<ApartDevice>(std::move(device));
        return std::make_unique<WastefulDevice>(std::move(device), stacks,
                                                staging);
      };
      Harness h(name, options);
      EXPECT_TRUE(h.session) << h.status.str();
      return h.session ? h.session->memory() : actnet_memory_info{};
    };
    actnet_memory_info honest = memoryWith(0, 0);
    EXPECT_GT(honest.stacks, 0);
    EXPECT_LE(honest.observed, honest.promised);
    constexpr int64_t more = 1 << 30;
    for (bool inStacks : {true, false}) {
      actnet_memory_info wasteful =
          memoryWith(inStacks ? more : 0, inStacks ? 0 : more);
      EXPECT_EQ(wasteful.promised, honest.promised);
      EXPECT_GT(wasteful.observed, wasteful.promised);
    }
  }
}

TEST(Session, SeesAPlanThatIsFalsifiedDownward) {
  if (isGpu())
    GTEST_SKIP() << "memory is allocated whole, and not page by page";
  SessionOptions options;
  options.slackBytes = 2 << 20;
  Harness h("liar", options);
  ASSERT_TRUE(h.session) << h.status.str();
  EXPECT_LE(h.session->memory().observed, h.session->memory().promised);
  h.affine(1, 1);
  EXPECT_GT(h.session->memory().observed, h.session->memory().promised);
}

TEST(Session, ProfilesEveryRecord) {
  SessionOptions options;
  options.profile = true;
  Harness h("affine", options);
  ASSERT_TRUE(h.session) << h.status.str();
  EXPECT_EQ(h.affine(3, 1), affineReference(3, 1));
  EXPECT_EQ(h.affine(3, 2), affineReference(3, 2));
  std::string path = testing::TempDir() + "trace.json";
  ASSERT_TRUE(h.session->writeProfile(path).isOk());
  std::vector<std::byte> bytes = readCode(path);
  std::string text(reinterpret_cast<char *>(bytes.data()), bytes.size());
  for (const char *name : {"upload", "scale", "addRow", "download"}) {
    size_t first = text.find(name);
    ASSERT_NE(first, text.npos) << name;
    EXPECT_NE(text.find(name, first + 1), text.npos) << name;
  }
  std::remove(path.c_str());
  EXPECT_THAT(h.session->writeProfile("/nonexistent/t.json").str(),
              HasSubstr("/nonexistent/t.json"));
  Harness plain("affine");
  EXPECT_FALSE(plain.session->writeProfile(path).isOk());
}

TEST(Session, SharesAProgramBetweenSessions) {
  Harness h("affine");
  ASSERT_TRUE(h.session);
  auto second = Session::create(*h.program, {});
  ASSERT_TRUE(second) << second.status().str();
  EXPECT_EQ(h.affine(2, 1), affineReference(2, 1));
  std::swap(h.session, *second);
  EXPECT_EQ(h.affine(2, 1), affineReference(2, 1));
}
} // namespace
