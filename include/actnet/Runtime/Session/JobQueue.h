//===- JobQueue.h - a session's way to its stream actor -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The caller's thread is no actor: it sends a job and later waits for the
// reply. This is the desk between the two, with one place for each job in
// flight, so that sending and waiting allocate nothing.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_SESSION_JOBQUEUE_H
#define ACTNET_RUNTIME_SESSION_JOBQUEUE_H

#include "actnet/Runtime/Actor/QueueTables.h"
#include "actnet/Runtime/Actor/System.h"

#include <memory>
#include <span>
#include <vector>

namespace actnet::rt {

/// The queue of one session: its streams and the actor that owns them. One
/// thread at a time.
class JobQueue {
public:
  /// Makes a queue of streams of these kinds for `slots` jobs at a time, whose
  /// jobs
  /// name resources below `resources`. `device` must outlive it. With
  /// `stepping` a job goes record by record, and `send` returns at its end.
  static Expected<std::unique_ptr<JobQueue>>
  create(Device &device, std::span<const StreamKind> kinds, unsigned slots,
         unsigned resources, bool stepping);

  /// Waits for what is in flight until its deadlines, then stops the actor.
  /// Where a job was given up, its streams decide how long they wait for what
  /// the device has not ended, and whether they cancel it.
  ~JobQueue();

  /// The streams, for preparing jobs.
  std::span<DeviceStream *const> streams() const { return streamPointers; }

  /// Sends a job; its reply arrives at `slot`, which must be free. The job must
  /// live until then, and after one past its deadline (by the steady clock;
  /// INT64_MAX: none) as long as the queue. Errors: failedPrecondition when the
  /// queue is closed.
  Status send(const PreparedJob &job, unsigned slot, int64_t deadlineNs);

  /// Waits for the reply of the job in `slot` and returns what became of it.
  /// The reply stays until `free`, so waiting twice is fine.
  Status await(unsigned slot);

  /// Frees the slot after its reply has come.
  void free(unsigned slot);

  /// Ok, or failedPrecondition with the cause once a job that was heard of
  /// passed its deadline. Its work may still run until the queue is gone:
  /// nothing that a job uses is changed or freed before.
  const Status &status() const { return closed; }

  /// Bytes of stacks of the threads that the queue itself started, as counted.
  uint64_t stackBytes() const { return system->stackBytes(); }

private:
  struct Slot {
    bool answered = true; ///< no request is open
    int64_t deadlineNs = INT64_MAX;
    uint32_t plan = 0;
    uint64_t value = 0;
    Status outcome;
  };
  JobQueue(unsigned slots, bool stepping)
      : slots(slots + 1), stepping(stepping) {}
  Status request(const Message &message, unsigned slot);
  bool receiveOne(int64_t timeoutNs);
  void sendStop(bool abort);
  int64_t earliestDeadline() const;
  bool allAnswered() const;
  Status stepThrough(const PreparedJob &job, uint32_t plan);
  Status stepBlock(const PreparedJob &job, uint32_t plan, uint32_t block);
  Status stepLine(const PreparedJob::Step &step, uint32_t plan, uint32_t block,
                  uint32_t index);
  Expected<bool> stepCondition(uint32_t plan, uint32_t block, uint32_t index);

  // What is below goes before what is above it.
  std::vector<std::unique_ptr<DeviceStream>> streamList;
  std::vector<DeviceStream *> streamPointers;
  QueueTables tables;
  std::unique_ptr<ThreadedSystem> system;
  std::unique_ptr<Client> client;
  ActorId actor = nobody;
  std::vector<Slot> slots; ///< the last one is for single records
  bool stepping = false;
  bool gone = false;
  Status closed;
};

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_SESSION_JOBQUEUE_H
