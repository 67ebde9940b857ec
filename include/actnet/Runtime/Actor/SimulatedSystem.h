//===- SimulatedSystem.h - actors from a seed, in virtual time ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs actors single-threaded. What happens next is drawn from the seed among
// all that may: any actor with a message, anything outside that is due (a
// device that completes an operation), the passing of time. One seed is one
// interleaving, every time.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_ACTOR_SIMULATEDSYSTEM_H
#define ACTNET_RUNTIME_ACTOR_SIMULATEDSYSTEM_H

#include "actnet/Runtime/Actor/System.h"

#include <cstdint>
#include <deque>
#include <vector>

namespace actnet::rt {

/// Something beside the actors that makes things happen.
class SimulatedSource {
public:
  virtual ~SimulatedSource();
  /// True if `step` would do something now.
  virtual bool ready() const = 0;
  /// Does one thing, drawn with `random` where there is a choice.
  virtual void step(uint64_t random) = 0;
};

class SimulatedSystem final : public ActorSystem {
public:
  explicit SimulatedSystem(uint64_t seed) : randomState(seed) {}

  Expected<ActorId> spawn(std::unique_ptr<Actor> actor,
                          uint32_t capacity) override;
  Sent send(ActorId to, const Message &message, Delivery delivery,
            bool here = false) override;
  void sendAt(int64_t timeNs, ActorId to, const Message &message) override;
  void answered(ActorId to) override;
  int64_t nowNs() const override { return clock; }

  /// Adds a source; it must outlive the runs.
  void addSource(SimulatedSource &source) { sources.push_back(&source); }
  /// Does one thing; false if nothing can happen any more.
  bool step();
  /// Steps until nothing happens; false if `limit` steps were not enough.
  bool run(uint64_t limit);
  /// The next number of the seed's sequence.
  uint64_t random();

private:
  struct Cell {
    std::unique_ptr<Actor> actor;
    std::deque<Message> messages;
    uint32_t capacity = 0;
    uint32_t unanswered = 0;
    std::vector<ActorId> waiters;
  };
  struct Timer {
    int64_t timeNs;
    ActorId to;
    Message message;
  };
  void fireTimers();

  uint64_t randomState;
  int64_t clock = 0;
  std::vector<Cell> cells;
  std::vector<Timer> timers;
  std::vector<SimulatedSource *> sources;
};

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_ACTOR_SIMULATEDSYSTEM_H
