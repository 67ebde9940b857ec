//===- RunTest.cpp - graphs of the API, compiled and run ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Graph.h"
#include "actnet/actnet.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <filesystem>

using namespace actnet;
using testing::ElementsAre;

namespace {

/// An open program with one session.
struct Running {
  Running() = default;
  Running(const Running &) = delete;
  ~Running() {
    actnet_destroy_session(session);
    actnet_close(program);
  }
  void start() {
    ASSERT_EQ(actnet_create_session(program, nullptr, &session), ACTNET_OK)
        << actnet_error_text();
  }
  int32_t find(std::string_view name) {
    actnet_function_info info;
    for (int32_t i = 0;
         actnet_describe_function(program, i, &info) == ACTNET_OK; ++i)
      if (name == info.name)
        return i;
    return -1;
  }
  /// Runs a function of at most one input and one output of f32.
  std::vector<float> run(std::string_view name, std::vector<float> in,
                         size_t count) {
    int32_t f = find(name);
    std::vector<float> out(count, -99.0f);
    int64_t shape[] = {static_cast<int64_t>(in.size())};
    if (!in.empty())
      EXPECT_EQ(
          actnet_bind_input(session, f, 0, ACTNET_F32, shape, 1, in.data()),
          ACTNET_OK)
          << actnet_error_text();
    if (count)
      EXPECT_EQ(
          actnet_bind_output(session, f, 0, out.data(), count * sizeof(float)),
          ACTNET_OK)
          << actnet_error_text();
    EXPECT_EQ(actnet_run(session, f), ACTNET_OK) << actnet_error_text();
    return out;
  }
  actnet_program *program = nullptr;
  actnet_session *session = nullptr;
};

/// sum += x in `step`, which also returns it; `reset` sets it to zero.
void buildAccumulator(Graph &graph) {
  Function step = graph.function("step");
  Value x = step.input("x", DType::f32, {3});
  Value sum = step.variable("sum", DType::f32, {3});
  Value next = sum + x;
  step.update(sum, next);
  step.output("sum", next);
  Function reset = graph.function("reset");
  Value old = reset.variable("sum", DType::f32, {3});
  reset.update(old, broadcastTo(reset.scalar(DType::f32, 0), {3}));
  Function read = graph.function("read");
  read.output("twice", read.variable("sum", DType::f32, {3}) *
                           read.scalar(DType::f32, 2));
}

TEST(Run, FunctionsShareAVariableThatLastsBetweenJobs) {
  Graph graph("accumulator");
  buildAccumulator(graph);
  Expected<PackageBytes> package = graph.compile();
  ASSERT_TRUE(package) << package.status().str();
  Running running;
  ASSERT_EQ(
      actnet_open_memory(package->data(), package->size(), &running.program),
      ACTNET_OK)
      << actnet_error_text();
  running.start();
  EXPECT_THAT(running.run("read", {}, 3), ElementsAre(0, 0, 0))
      << "variables start from zeros";
  EXPECT_THAT(running.run("step", {1, 2, 3}, 3), ElementsAre(1, 2, 3));
  EXPECT_THAT(running.run("step", {10, 20, 30}, 3), ElementsAre(11, 22, 33));
  EXPECT_THAT(running.run("read", {}, 3), ElementsAre(22, 44, 66));
  running.run("reset", {}, 0);
  EXPECT_THAT(running.run("step", {5, 6, 7}, 3), ElementsAre(5, 6, 7));
  ASSERT_EQ(actnet_reset_state(running.session), ACTNET_OK)
      << actnet_error_text();
  EXPECT_THAT(running.run("read", {}, 3), ElementsAre(0, 0, 0));
}

TEST(Run, FilesAndMemoryHoldTheSamePackage) {
  Graph graph("accumulator");
  buildAccumulator(graph);
  std::string path = testing::TempDir() + "/graph-api-test.actnet";
  Status status = graph.compileToFile(path);
  ASSERT_TRUE(status) << status.str();
  Expected<PackageBytes> package = graph.compile();
  ASSERT_TRUE(package) << "a graph compiles again: " << package.status().str();
  EXPECT_EQ(std::filesystem::file_size(path), package->size());
  Running running;
  ASSERT_EQ(actnet_open_file(path.c_str(), &running.program), ACTNET_OK)
      << actnet_error_text();
  running.start();
  EXPECT_THAT(running.run("step", {1, 2, 3}, 3), ElementsAre(1, 2, 3));
  std::filesystem::remove(path);
}

TEST(Run, DynamicDimsAndOneVariant) {
  Graph graph("sizes");
  Dim n = graph.dim("N", 1, 100);
  Function f = graph.function("main");
  Value x = f.input("x", DType::f32, {n});
  f.output("y", concat({relu(x), slice(x, 0, n - 1, 1)}, 0));
  Expected<PackageBytes> package = graph.compile({.variants = {"x86-64-v3"}});
  ASSERT_TRUE(package) << package.status().str();
  Running running;
  ASSERT_EQ(
      actnet_open_memory(package->data(), package->size(), &running.program),
      ACTNET_OK)
      << actnet_error_text();
  running.start();
  EXPECT_THAT(running.run("main", {-1, 2, -3}, 4), ElementsAre(0, 2, 0, -3));
  EXPECT_THAT(running.run("main", {-7}, 2), ElementsAre(0, -7));
}

TEST(Run, ModelsMoveWithTheirFunctions) {
  Graph graph("moved");
  Function f = graph.function("main");
  Value x = f.input("x", DType::f32, {3});
  Graph other = std::move(graph);
  f.output("y", neg(x));
  Expected<PackageBytes> package = other.compile();
  ASSERT_TRUE(package) << package.status().str();
}

} // namespace
