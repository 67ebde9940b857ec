//===- JobQueueTest.cpp - a session's queue, and its end ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "actnet/Runtime/Session/JobQueue.h"
#include "actnet/Runtime/Base/Futex.h"
#include "actnet/Runtime/Device/Host.h"

#include <atomic>
#include <gtest/gtest.h>
#include <time.h>

using namespace actnet;
using namespace actnet::rt;

namespace {

constexpr int64_t msNs = 1000 * 1000;

/// What a slow stream shares with its test.
struct Seen {
  std::atomic<bool> isInside{false}, wentWhileInside{false}, isGone{false};
  std::atomic<int> submissions{0};
  /// Until when a slow submission lasts.
  int64_t untilNs = 0;
};

/// A stream whose submissions take long, as with a driver that hangs; all but
/// the first, which may come from the thread that sends the job.
class SlowStream final : public DeviceStream {
public:
  SlowStream(std::unique_ptr<DeviceStream> inner, Seen &seen)
      : inner(std::move(inner)), seen(seen) {}
  ~SlowStream() override {
    seen.wentWhileInside = seen.isInside.load();
    seen.isGone = true;
  }
  Expected<std::unique_ptr<PreparedSegment>>
  prepare(const Segment &segment) override {
    return inner->prepare(segment);
  }
  Status submit(const PreparedSegment &segment, CompletionListener *listener,
                uint64_t token) override {
    if (seen.submissions++ > 0) {
      seen.isInside = true;
      timespec pause{0, msNs};
      while (monotonicNs() < seen.untilNs)
        nanosleep(&pause, nullptr);
      seen.isInside = false;
    }
    return inner->submit(segment, listener, token);
  }
  Status submitRecord(const Executable *executable, const Record &record,
                      CompletionListener *listener, uint64_t token) override {
    return inner->submitRecord(executable, record, listener, token);
  }
  Status notify(CompletionListener *listener, uint64_t token) override {
    return inner->notify(listener, token);
  }
  Status synchronize(int64_t timeoutNs) override {
    return inner->synchronize(timeoutNs);
  }

private:
  std::unique_ptr<DeviceStream> inner;
  Seen &seen;
};

class SlowDevice final : public Device {
public:
  explicit SlowDevice(Seen &seen) : inner(*createHostDevice({})), seen(seen) {}
  const DeviceInfo &info() const override { return inner->info(); }
  Expected<DevicePtr> allocate(uint64_t bytes, MemoryKind kind) override {
    return inner->allocate(bytes, kind);
  }
  Status deallocate(DevicePtr memory) override {
    return inner->deallocate(memory);
  }
  Expected<DevicePtr> adopt(const void *data, uint64_t bytes) override {
    return inner->adopt(data, bytes);
  }
  Status release(DevicePtr memory) override { return inner->release(memory); }
  Expected<std::unique_ptr<DeviceStream>>
  createStream(StreamKind kind) override {
    ACTNET_ASSIGN_OR_RETURN(auto stream, inner->createStream(kind));
    return Expected<std::unique_ptr<DeviceStream>>(
        std::make_unique<SlowStream>(std::move(stream), seen));
  }
  Expected<std::unique_ptr<Event>> createEvent() override {
    return inner->createEvent();
  }
  Expected<std::unique_ptr<Executable>>
  load(const ExecutableDesc &desc) override {
    return inner->load(desc);
  }
  MemoryStats memoryStats() const override { return inner->memoryStats(); }
  Expected<uint64_t> touchedBytes(DevicePtr memory,
                                  uint64_t bytes) const override {
    return inner->touchedBytes(memory, bytes);
  }
  Status status() const override { return inner->status(); }

private:
  std::unique_ptr<Device> inner;
  Seen &seen;
};

alignas(64) uint8_t flag = 1;

/// Reads the flag, and fills the memory if it is set.
JobSpec fillIf(uint8_t &condition, uint32_t (&memory)[4]) {
  JobSpec spec;
  JobSpec::Branch branch;
  branch.condition = &condition;
  branch.then = 1;
  spec.blocks = {{branch}, {JobSpec::Line{0, {FillRecord{memory, 7, 4, 16}}}}};
  return spec;
}

// The actor may be in the middle of a submission when the queue's owner has no
// more patience; the stream stays until it is out of it.
TEST(JobQueue, StreamsStayWhileTheActorUsesThem) {
  Seen seen;
  SlowDevice device(seen);
  StreamKind kinds[] = {StreamKind::compute};
  auto queue = *JobQueue::create(device, kinds, 2, 0, /*stepping=*/false);
  uint32_t memory[4] = {};
  JobSpec spec = fillIf(flag, memory);
  auto job = *PreparedJob::prepare(device, queue->streams(), spec);
  // Its end comes while the actor is inside, if the machine is not slower than
  // a second.
  int64_t deadline = deadlineAfter(1000 * msNs);
  seen.untilNs = deadline + 200 * msNs;
  ASSERT_TRUE(queue->send(*job, 0, deadline));
  while (!seen.isInside && monotonicNs() < deadline) {
    timespec pause{0, msNs};
    nanosleep(&pause, nullptr);
  }
  ASSERT_TRUE(seen.isInside);
  queue.reset();
  EXPECT_GE(seen.submissions, 2);
  EXPECT_TRUE(seen.isGone);
  EXPECT_FALSE(seen.wentWhileInside);
}

// A job in flight that nobody waits for has until its deadline; without one the
// end of the queue is the end of the job.
TEST(JobQueue, WaitsForJobsThatNobodyWaitsFor) {
  Seen seen;
  SlowDevice device(seen);
  StreamKind kinds[] = {StreamKind::compute};
  auto queue = *JobQueue::create(device, kinds, 2, 0, /*stepping=*/false);
  uint32_t memory[4] = {};
  JobSpec spec = fillIf(flag, memory);
  auto job = *PreparedJob::prepare(device, queue->streams(), spec);
  ASSERT_TRUE(queue->send(*job, 0, INT64_MAX));
  queue.reset();
  EXPECT_EQ(memory[3], 7u);
}

} // namespace
