//===- LaunchPathTest.cpp - what a job asks of the driver -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counted on the log of the driver's stand-in: a planned job with dims that are
// known is one graph launch, and while jobs run nothing is made or freed.
//
//===----------------------------------------------------------------------===//
#include "../unit/Runtime/Session/TestPackages.h"
#include "actnet/Runtime/Session/Session.h"

#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <set>

using namespace actnet;
using namespace actnet::rt;
using namespace actnet::rt::test;

namespace {

using Counts = std::map<std::string, int>;

/// The log's calls from a line on, by name.
class Log {
public:
  explicit Log(const std::string &options = "")
      : path(testing::TempDir() + "driver-log." + std::to_string(getpid())) {
    std::remove(path.c_str());
    setenv("ACTNET_STANDIN", ("log=" + path + options).c_str(), 1);
  }
  ~Log() { std::remove(path.c_str()); }
  Counts since(size_t from) const {
    Counts counts;
    std::ifstream file(path);
    size_t at = 0;
    for (std::string line; std::getline(file, line); ++at)
      if (at >= from)
        ++counts[line.substr(0, line.find(' '))];
    return counts;
  }
  size_t lines() const {
    std::ifstream file(path);
    return size_t(std::count(std::istreambuf_iterator<char>(file), {}, '\n'));
  }

private:
  std::string path;
};

struct Harness {
  MemoryPackage package;
  std::unique_ptr<Program> program;
  std::unique_ptr<Session> session;
  std::vector<std::string> notices;

  explicit Harness(const std::string &name) : package(name) {
    program = *Program::openMemory(package.bytes());
    SessionOptions options;
    options.device = "cuda";
    options.notice = [this](const std::string &line) {
      notices.push_back(line);
    };
    auto made = Session::create(*program, options);
    EXPECT_TRUE(made) << made.status().str();
    session = *std::move(made);
  }
  std::vector<float> affine(int64_t n) {
    std::vector<float> x(size_t(n * 4), 1.0f), y(x.size());
    int64_t shape[] = {n, 4};
    EXPECT_TRUE(session->bindInput(0, 0, ACTNET_F32, shape, 2, x.data()));
    EXPECT_TRUE(session->bindOutput(0, 0, y.data(), y.size() * 4));
    auto job = session->submit(0, true);
    EXPECT_TRUE(job) << job.status().str();
    Status status = session->wait(*job);
    EXPECT_TRUE(status) << status.str();
    return y;
  }
};

/// What the driver may be asked while jobs run.
const std::set<std::string> &hotPath() {
  static const std::set<std::string> names = {
      "cuGraphLaunch",        "cuLaunchKernel",
      "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2",
      "cuMemcpyDtoDAsync_v2", "cuEventRecord",
      "cuEventQuery",         "cuStreamWaitEvent",
      "cuLaunchHostFunc",     "ran"};
  return names;
}

TEST(LaunchPath, APlannedJobIsOneGraphLaunch) {
  Log log;
  Harness h("affine");
  h.affine(7);
  h.affine(7);
  size_t begin = log.lines();
  for (int i = 0; i < 10; ++i)
    h.affine(7);
  Counts counts = log.since(begin);
  EXPECT_EQ(counts["cuGraphLaunch"], 10);
  EXPECT_EQ(counts["cuLaunchKernel"], 0);
  EXPECT_EQ(counts["cuMemcpyHtoDAsync_v2"], 10);
  EXPECT_EQ(counts["cuMemcpyDtoHAsync_v2"], 10);
  EXPECT_EQ(counts["ran"], 20) << "scale and addRow";
  for (const auto &[name, count] : counts)
    if (count)
      EXPECT_TRUE(hotPath().contains(name)) << count << " times " << name;
}

TEST(LaunchPath, DimsThatWereThereBeforeMakeNothingNew) {
  Log log;
  Harness h("affine");
  for (int64_t n : {3, 5, 7})
    h.affine(n);
  size_t begin = log.lines();
  for (int round = 0; round < 4; ++round)
    for (int64_t n : {3, 5, 7})
      h.affine(n);
  Counts counts = log.since(begin);
  EXPECT_EQ(counts["cuGraphLaunch"], 12);
  for (const auto &[name, count] : counts)
    if (count)
      EXPECT_TRUE(hotPath().contains(name)) << count << " times " << name;
}

TEST(LaunchPath, WithoutGraphsAJobIsItsCallsAndThatIsSaidOnce) {
  std::vector<float> seven, nine;
  {
    Log log;
    Harness h("affine");
    seven = h.affine(7);
    nine = h.affine(9);
    EXPECT_THAT(h.notices, testing::IsEmpty());
  }
  Log log(",graphs=none");
  Harness h("affine");
  EXPECT_EQ(h.affine(7), seven);
  EXPECT_EQ(h.affine(7), seven);
  EXPECT_EQ(h.affine(9), nine);
  ASSERT_EQ(h.notices.size(), 1u);
  EXPECT_THAT(h.notices[0],
              testing::HasSubstr("some graphs run as single calls, because the "
                                 "driver refuses them; the first: cuda: making "
                                 "a graph runnable: CUDA_ERROR_OUT_OF_MEMORY"));
  Counts counts = log.since(0);
  EXPECT_EQ(counts["cuGraphLaunch"], 0);
  EXPECT_EQ(counts["cuLaunchKernel"], 6) << "scale and addRow";
  EXPECT_EQ(counts["cuGraphCreate"], counts["cuGraphDestroy"]);
}

TEST(LaunchPath, ASessionAllocatesOnceForWeightsAndOnceForItsArena) {
  Log log;
  Harness h("affine");
  Counts counts = log.since(0);
  EXPECT_EQ(counts["cuMemAlloc_v2"], 2);
  EXPECT_EQ(counts["cuMemHostAlloc"], 1) << "the ring's image";
  for (int64_t n = 1; n <= 64; ++n)
    h.affine(n);
  counts = log.since(0);
  EXPECT_EQ(counts["cuMemAlloc_v2"], 2);
  EXPECT_EQ(counts["cuMemHostAlloc"], 1);
}

} // namespace
