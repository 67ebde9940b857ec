//===- JobQueueTest.cpp - a session's queue, and its end ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "actnet/Runtime/Session/JobQueue.h"
#include "actnet/Runtime/Base/Futex.h"
#include "actnet/Runtime/Device/ForwardingDevice.h"
#include "actnet/Runtime/Device/Host.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>
#include <time.h>

using namespace actnet;
using namespace actnet::rt;

namespace {

constexpr int64_t msNs = 1000 * 1000;

void rest() {
  timespec pause{0, msNs};
  nanosleep(&pause, nullptr);
}

/// What a slow stream shares with its test.
struct Seen {
  /// The first submission is held back until the job was sent: were it done
  /// earlier, the thread that sends would go on with the job in the actor's
  /// place.
  std::atomic<bool> isSent{false};
  std::atomic<bool> isInside{false}, wentWhileInside{false}, isGone{false};
  std::atomic<int> submissions{0};
  /// Until when a slow submission lasts.
  int64_t untilNs = 0;
};

/// A stream whose submissions take long, as with a driver that hangs; all but
/// the first.
class SlowStream final : public ForwardingStream {
public:
  SlowStream(std::unique_ptr<DeviceStream> inner, Seen &seen)
      : ForwardingStream(std::move(inner)), seen(seen) {}
  ~SlowStream() override {
    if (first.joinable())
      first.join();
    seen.wentWhileInside = seen.isInside.load();
    seen.isGone = true;
  }
  Status submit(const PreparedSegment &segment, CompletionListener *listener,
                uint64_t token) override {
    if (seen.submissions++ == 0) {
      first = std::thread([&segment, listener, token, this] {
        while (!seen.isSent)
          rest();
        EXPECT_TRUE(inner->submit(segment, listener, token));
      });
      return okStatus();
    }
    seen.isInside = true;
    while (monotonicNs() < seen.untilNs)
      rest();
    seen.isInside = false;
    return inner->submit(segment, listener, token);
  }

private:
  Seen &seen;
  std::thread first;
};

class SlowDevice final : public ForwardingDevice {
public:
  explicit SlowDevice(Seen &seen)
      : ForwardingDevice(*createHostDevice({})), seen(seen) {}
  Expected<std::unique_ptr<DeviceStream>>
  createStream(StreamKind kind) override {
    ACTNET_ASSIGN_OR_RETURN(auto stream, inner->createStream(kind));
    return Expected<std::unique_ptr<DeviceStream>>(
        std::make_unique<SlowStream>(std::move(stream), seen));
  }

private:
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
  seen.isSent = true;
  while (!seen.isInside && monotonicNs() < deadline)
    rest();
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
  seen.isSent = true;
  queue.reset();
  EXPECT_EQ(memory[3], 7u);
}

} // namespace
