//===- StreamActor.h - owns a queue: its streams, order and failures ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One actor per queue. It begins jobs in the order received, lets the device
// overlap them, and answers each exactly once, in that same order. A failed job
// fails those that read (or await) what it wrote, and no others.
//
// Whether a job failed because of another is decided when it is answered, in
// order: at that time every earlier outcome is known, so the answer is what a
// machine that ran one job after the other would have said.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_ACTOR_STREAMACTOR_H
#define ACTNET_RUNTIME_ACTOR_STREAMACTOR_H

#include "actnet/Memory/ShadowMem.h"
#include "actnet/Runtime/Actor/QueueMessages.h"
#include "actnet/Runtime/Actor/QueueTables.h"
#include "actnet/Runtime/Actor/System.h"
#include "actnet/Runtime/Device/Device.h"

#include <deque>
#include <span>
#include <vector>

namespace actnet::rt {

struct QueueOptions {
  /// Requests that may be unanswered at once; the same number goes to `spawn`.
  uint32_t capacity = 16;
  /// Resources (variables and signals) are numbered below this.
  uint32_t resources = 0;
};

/// Spawn it with `capacity` as the system's bound. To take a queue down, send
/// `stop`, wait for `stopped`, then destroy the streams, then the system; if
/// `stopped` doesn't come because the device hangs, send `stop` with `abort`
/// and destroy the streams, which cancels what they hold. Tables and device
/// outlive both.
///
/// Work on different streams of a queue is ordered by the events in its plans
/// alone; a memory operation on a resource belongs on the stream that uses it.
class StreamActor final : public Actor, private CompletionListener {
public:
  StreamActor(Device &device, std::vector<DeviceStream *> streams,
              QueueTables &tables, const QueueOptions &options);
  ~StreamActor() override;

  void handle(const Message &message) override;
  void handleLate(const Message &message) override;

private:
  enum class Phase : uint8_t {
    waiting, ///< not begun
    running, ///< begun, not all of it sent to the device
    sentAll, ///< nothing more will be sent
  };
  struct Frame {
    uint32_t block;
    uint32_t step;
  };
  struct Job {
    uint32_t generation = 0;
    bool inUse = false;
    Message request;
    uint64_t number = 0;
    const PreparedJob *plan = nullptr;
    Phase phase = Phase::waiting;
    /// Something of it was sent to the device.
    bool started = false;
    /// Answer it without waiting for the device (deadline, abort).
    bool givenUp = false;
    bool answered = false;
    uint32_t outstanding = 0;
    /// A read back is under way and decides what comes next; it is the
    /// submission at `conditionPosition` of `conditionStream`.
    bool awaitsCondition = false;
    bool conditionKnown = false;
    uint32_t conditionStream = 0;
    uint64_t conditionPosition = 0;
    const uint8_t *cell = nullptr;
    uint8_t value = 0;
    /// The job's own failure.
    Status failure;
    std::vector<Frame> frames;
    /// Of a memory operation: the resource it reads or writes.
    uint32_t resource = queue::none;
  };

  // Requests.
  void receive(const Message &message);
  void begin(uint32_t slot);
  void beginPlan(Job &job);
  void beginMemoryOperation(Job &job, uint32_t slot);
  void beginLaunch(Job &job, uint32_t slot);
  void beginReadBack(Job &job, uint32_t slot);
  void advance(uint32_t slot);
  void submit(Job &job, uint32_t slot, uint32_t stream,
              const PreparedSegment &segment);
  void submitCondition(Job &job, uint32_t slot, const PreparedJob::Step &step);
  void noteSubmitted(Job &job, uint32_t stream, Status status);
  void fail(Job &job, Status status);
  const PreparedJob::Step *stepOf(Job &job, uint32_t plan, uint32_t block,
                                  uint32_t step);
  uint64_t token(uint32_t slot, uint32_t stream) const;

  // Progress.
  void pump();
  uint32_t takeSlot();
  void complete(const queue::Completion &completion);
  void giveUp(Job &job, Status why);
  void checkTimer(const queue::TimerCheck &check);
  void giveUpRequest(const Message &message);
  void stop(const Message &message);
  void close(Status why);
  void answerInOrder();
  bool answerable(const Job &job) const;
  void answer(Job &job);
  void freeIfDone(uint32_t slot);
  void tellStopped();

  // Torn state: per resource the number of the job that tore it, 0 if none.
  std::span<const uint32_t> reads(const Job &job) const;
  std::span<const uint32_t> writes(const Job &job) const;
  bool completesWrites(const Job &job) const;
  Status tornBy(const Job &job, const std::vector<uint64_t> &torn) const;
  void applyOutcome(const Job &job, bool failed, std::vector<uint64_t> &torn);
  void replayFast();

  // From the device's thread.
  void completed(uint64_t token, const Status &status) override;

  uint32_t slotAt(uint64_t position) const {
    return order[position % order.size()];
  }

  Device &device;
  std::vector<DeviceStream *> streams;
  QueueTables &tables;
  const QueueOptions options;
  const bool runsInCallback;

  /// The arena's two shadows. All work here is planned, so they are positions
  /// on the streams: one more for each submission, sent and confirmed.
  mem::Timeline shadows;
  /// The pool of sender ids: a slot is taken by a request and is free once it
  /// is answered and the device is done with it.
  std::deque<Job> jobs;
  std::vector<uint32_t> freeSlots;
  /// Requests not yet answered, in order: positions [answeredTo, receivedTo);
  /// those before `begunTo` are wholly sent. Positions are never reset.
  std::vector<uint32_t> order;
  uint64_t answeredTo = 0, begunTo = 0, receivedTo = 0;
  /// As of everything answered, and as of everything begun.
  std::vector<uint64_t> slowTorn, fastTorn;
  uint64_t jobsReceived = 0;
  /// Why no more jobs begin; ok while open.
  Status closed;
  std::vector<Message> stopRequests;
  /// Ring slots lent with a reply and not given back.
  uint32_t lent = 0;
};

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_ACTOR_STREAMACTOR_H
