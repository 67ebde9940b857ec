//===- StandInTest.cpp - what the stand-in refuses ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rules of the driver's manual that device cuda keeps: the stand-in must
// hold it to them, or no test would notice a call that a driver refuses.
//
//===----------------------------------------------------------------------===//
#include "../../lib/Runtime/Device/CUDA/DriverApi.h"

#include <cstdlib>
#include <dlfcn.h>
#include <functional>
#include <gtest/gtest.h>
#include <thread>

using namespace actnet::rt::cuda;

namespace {

/// The stand-in's entry points, a context, two streams and an event.
class StandIn : public testing::Test {
protected:
  void SetUp() override {
    setenv("ACTNET_STANDIN", "", 1);
    void *library = dlopen(ACTNET_STANDIN_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    ASSERT_TRUE(library) << dlerror();
#define FIND(name, symbol, parameters)                                         \
  api.name = reinterpret_cast<decltype(Api::name)>(dlsym(library, #symbol));   \
  ASSERT_TRUE(api.name);
    ACTNET_CUDA_ENTRIES(FIND)
#undef FIND
    ASSERT_EQ(api.cuInit(0), success);
  }
  void TearDown() override {
    if (context)
      api.cuDevicePrimaryCtxRelease(0);
  }
  void start(const char *options = "") {
    setenv("ACTNET_STANDIN", options, 1);
    ASSERT_EQ(api.cuDevicePrimaryCtxRetain(&context, 0), success);
    ASSERT_EQ(api.cuCtxSetCurrent(context), success);
    ASSERT_EQ(api.cuStreamCreate(&stream, streamNonBlocking), success);
    ASSERT_EQ(api.cuStreamCreate(&other, streamNonBlocking), success);
    ASSERT_EQ(api.cuEventCreate(&event, eventDisableTiming), success);
    ASSERT_EQ(api.cuMemAlloc(&memory, 256), success);
  }
  Result begin() {
    return api.cuStreamBeginCapture(stream, captureThreadLocal);
  }
  /// Ends the capture; what it gave is destroyed.
  Result end() {
    Graph graph = nullptr;
    Result result = api.cuStreamEndCapture(stream, &graph);
    EXPECT_EQ(result == success, graph != nullptr);
    if (graph)
      api.cuGraphDestroy(graph);
    return result;
  }
  Result work() { return api.cuMemsetD8Async(memory, 1, 256, stream); }
  /// A call from another thread, which captures nothing.
  Result elsewhere(const std::function<Result()> &call) {
    Result result = success;
    std::thread([&] {
      api.cuCtxSetCurrent(context);
      result = call();
    }).join();
    return result;
  }

  Api api;
  Context context = nullptr;
  Stream stream = nullptr, other = nullptr;
  EventHandle event = nullptr;
  Pointer memory = 0;
};

TEST_F(StandIn, ForbidsUnsafeCallsToAThreadThatCaptures) {
  start();
  Pointer pointer = 0;
  void *pinned = nullptr;
  ASSERT_EQ(api.cuMemHostAlloc(&pinned, 64, 0), success);
  ASSERT_EQ(api.cuEventRecord(event, other), success);
  const std::pair<const char *, std::function<Result()>> calls[] = {
      {"cuMemAlloc", [&] { return api.cuMemAlloc(&pointer, 256); }},
      {"cuMemFree", [&] { return api.cuMemFree(memory); }},
      {"cuMemHostAlloc", [&] { return api.cuMemHostAlloc(&pinned, 64, 0); }},
      {"cuMemFreeHost", [&] { return api.cuMemFreeHost(pinned); }},
      {"cuStreamSynchronize", [&] { return api.cuStreamSynchronize(other); }},
      {"cuEventQuery", [&] { return api.cuEventQuery(event); }},
      {"cuModuleLoadDataEx",
       [&] {
         Module module = nullptr;
         return api.cuModuleLoadDataEx(&module, "", 0, nullptr, nullptr);
       }},
      {"cuStreamDestroy", [&] { return api.cuStreamDestroy(other); }},
  };
  for (const auto &[name, call] : calls) {
    SCOPED_TRACE(name);
    ASSERT_EQ(begin(), success);
    EXPECT_EQ(work(), success);
    EXPECT_EQ(call(), captureUnsupported);
    // Then the capture is lost: until it ends, and then there is no graph.
    EXPECT_EQ(work(), captureInvalidated);
    EXPECT_EQ(end(), captureInvalidated);
    EXPECT_EQ(work(), success) << "no capture any more";
  }
  // What was refused was not done, and is allowed again.
  EXPECT_EQ(api.cuStreamSynchronize(stream), success);
  EXPECT_EQ(api.cuMemFreeHost(pinned), success);
  EXPECT_EQ(api.cuMemFree(memory), success);
}

TEST_F(StandIn, LeavesOtherThreadsAlone) {
  start();
  ASSERT_EQ(begin(), success);
  Pointer pointer = 0;
  EXPECT_EQ(elsewhere([&] { return api.cuMemAlloc(&pointer, 256); }), success);
  EXPECT_EQ(elsewhere([&] { return api.cuStreamSynchronize(other); }), success);
  EXPECT_EQ(elsewhere([&] { return work(); }), captureWrongThread);
  EXPECT_EQ(elsewhere([&] {
              Graph graph = nullptr;
              return api.cuStreamEndCapture(stream, &graph);
            }),
            captureWrongThread);
  EXPECT_EQ(work(), success);
  EXPECT_EQ(end(), success);
}

TEST_F(StandIn, ForbidsToAskOrWaitForACapture) {
  start();
  // Whoever asks, and in whatever mode.
  ASSERT_EQ(begin(), success);
  EXPECT_EQ(elsewhere([&] { return api.cuStreamSynchronize(stream); }),
            captureUnsupported);
  EXPECT_EQ(end(), captureInvalidated);

  ASSERT_EQ(begin(), success);
  EXPECT_EQ(api.cuEventRecord(event, stream), success);
  EXPECT_EQ(elsewhere([&] { return api.cuEventQuery(event); }), capturedEvent);
  EXPECT_EQ(end(), captureInvalidated);
  // It stays captured until it is recorded again.
  EXPECT_EQ(api.cuEventQuery(event), capturedEvent);
  EXPECT_EQ(api.cuEventRecord(event, stream), success);
  EXPECT_EQ(api.cuStreamSynchronize(stream), success);
  EXPECT_EQ(api.cuEventQuery(event), success);
}

TEST_F(StandIn, ForbidsToWaitAcrossTheBorderOfACapture) {
  start();
  EventHandle own = nullptr;
  ASSERT_EQ(api.cuEventCreate(&own, eventDisableTiming), success);
  ASSERT_EQ(api.cuEventRecord(event, other), success);
  ASSERT_EQ(begin(), success);
  EXPECT_EQ(api.cuEventRecord(own, stream), success);
  EXPECT_EQ(api.cuStreamWaitEvent(stream, own, 0), success);
  EXPECT_EQ(api.cuStreamWaitEvent(stream, event, 0), captureIsolation);
  EXPECT_EQ(end(), captureInvalidated);

  ASSERT_EQ(begin(), success);
  ASSERT_EQ(api.cuStreamBeginCapture(other, captureThreadLocal), success);
  EXPECT_EQ(api.cuEventRecord(own, stream), success);
  EXPECT_EQ(api.cuStreamWaitEvent(other, own, 0), captureMerge);
  EXPECT_EQ(end(), captureInvalidated);
  Graph graph = nullptr;
  EXPECT_EQ(api.cuStreamEndCapture(other, &graph), captureInvalidated);
}

TEST_F(StandIn, RefusesRowsThatAreLongerThanTheLimit) {
  start("pitch=128");
  int most = 0;
  ASSERT_EQ(api.cuDeviceGetAttribute(&most, attributeMaxPitch, 0), success);
  EXPECT_EQ(most, 128);
  Graph graph = nullptr;
  GraphNode node = nullptr;
  ASSERT_EQ(api.cuGraphCreate(&graph, 0), success);
  for (size_t bytes : {128, 129}) {
    Memcpy3d copy{};
    copy.srcType = copy.dstType = deviceMemory;
    copy.srcDevice = memory;
    copy.dstDevice = memory + 128;
    copy.width = copy.srcPitch = copy.dstPitch = bytes;
    copy.srcHeight = copy.dstHeight = copy.height = copy.depth = 1;
    EXPECT_EQ(
        api.cuGraphAddMemcpyNode(&node, graph, nullptr, 0, &copy, context),
        bytes == 128 ? success : invalidValue);
  }
  EXPECT_EQ(api.cuGraphDestroy(graph), success);
}

} // namespace
