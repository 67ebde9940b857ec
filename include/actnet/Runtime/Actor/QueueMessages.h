//===- QueueMessages.h - what a queue is asked and what it answers --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The protocol of a queue: run job, memory operation, kernel launch, read back;
// completion and timer check, which it sends itself; stop. Each request gets
// exactly one `jobDone`, in the order in which requests were received.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_ACTOR_QUEUEMESSAGES_H
#define ACTNET_RUNTIME_ACTOR_QUEUEMESSAGES_H

#include "actnet/Runtime/Actor/Message.h"
#include "actnet/Runtime/Base/Status.h"

namespace actnet::rt::queue {

enum Kind : MessageKind {
  // Requests (Delivery::request).
  runJob = 100,
  memoryOperation,
  kernelLaunch,
  readBack,
  // Always get in.
  giveBack,
  stop,
  completion,
  timerCheck,
  giveUp,
  // Answers.
  jobDone,
  stopped,
};

/// No deadline.
inline constexpr int64_t never = INT64_MAX;
/// No resource, no record.
inline constexpr uint32_t none = ~uint32_t(0);

/// Runs a registered plan.
struct RunJob {
  uint32_t plan = 0;
  /// The reply lends a ring slot: its credit stays taken until `giveBack` with
  /// the same request number.
  uint32_t lend = 0;
  /// By the system's clock.
  int64_t deadlineNs = never;
};

enum class MemoryOp : uint8_t { upload, download, copy, fill };

/// Moves bytes between a region of the device and a host buffer (upload,
/// download) or another region (copy), or fills a region.
struct MemoryOperation {
  MemoryOp op = MemoryOp::upload;
  uint8_t stream = 0;
  uint8_t patternBytes = 1;
  uint8_t unused = 0;
  /// Registered region; of a copy the destination.
  uint32_t region = 0;
  /// Registered host buffer, or the source region of a copy.
  uint32_t other = 0;
  /// Resource that an upload, copy or fill overwrites wholly (which restores
  /// it when torn) or that a download reads; `none` for no resource.
  uint32_t resource = none;
  uint64_t offset = 0;
  /// Offset in `other`; of a fill the pattern.
  uint64_t otherOffset = 0;
  uint64_t bytes = 0;
};

/// Runs one record of a plan prepared for stepping. With `record` none and
/// `last` set it runs nothing and declares the plan's writes complete.
struct KernelLaunch {
  uint32_t plan = 0;
  uint32_t block = 0;
  uint32_t step = 0;
  uint32_t record = 0;
  uint32_t last = 0;
};

/// Reads the condition of a branch or loop; the reply's `value` is the byte.
struct ReadBack {
  uint32_t plan = 0;
  uint32_t block = 0;
  uint32_t step = 0;
};

/// Closes the queue. What has not begun is answered `cancelled`; what runs is
/// waited for, or with `abort` answered at once. When all memory is free again
/// the sender gets `stopped`.
struct Stop {
  uint32_t abort = 0;
};

/// A submission of the job in `slot` is over.
struct Completion {
  uint32_t slot = 0;
  uint32_t generation = 0;
  uint32_t stream = 0;
  /// 0, or the id of the failure in the queue's tables.
  uint32_t failure = 0;
};

struct TimerCheck {
  uint32_t slot = 0;
  uint32_t generation = 0;
};

// `giveUp` has no content: it names a request of its sender by the number, and
// treats it as if its deadline had passed. For senders that keep the time
// themselves, at no cost to jobs that end in time.

/// The one answer to a request.
struct JobDone {
  StatusCode code = StatusCode::ok;
  /// If it failed, what QueueTables::takeFailure gives the text for.
  uint32_t failure = 0;
  /// The job's number in this queue, from 1.
  uint64_t number = 0;
  /// What was read back.
  uint64_t value = 0;
};

} // namespace actnet::rt::queue

#endif // ACTNET_RUNTIME_ACTOR_QUEUEMESSAGES_H
