//===- Mailbox.h - many writers, one reader -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writers push onto a lock-free stack; the reader takes the whole stack at once
// and turns it round, so writers never meet the reader on the same node. Nodes
// come from a pool of the mailbox that grows to the deepest queue seen and is
// then reused: no allocation in the steady state.
//
// The bound holds for requests alone, and a request counts from its push until
// it is answered, not until it is read. Everything else (replies, completions,
// timer checks, stop) always gets in.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_ACTOR_MAILBOX_H
#define ACTNET_RUNTIME_ACTOR_MAILBOX_H

#include "actnet/Runtime/Actor/Message.h"

#include <array>
#include <atomic>
#include <mutex>

namespace actnet::rt {

class Mailbox {
public:
  /// `capacity` requests may be unanswered at once; 0 means any number.
  explicit Mailbox(uint32_t capacity) : capacity(capacity) {
    giveFree(grow() - 1); // room for as many messages as most ever hold
  }
  ~Mailbox();
  Mailbox(const Mailbox &) = delete;
  Mailbox &operator=(const Mailbox &) = delete;

  /// Takes a place for a request, which `push` then adds; false if as many as
  /// may are unanswered. Any thread.
  bool reserveRequest();
  /// Gives an answered request's place to the next one. Any thread.
  void releaseRequest() { unanswered.fetch_sub(1, std::memory_order_acq_rel); }
  /// Adds a message; this always succeeds. Any thread.
  void push(const Message &message);
  /// Takes the oldest message; false if there is none. The reader only.
  bool pop(Message &message);

private:
  struct Node {
    /// Index + 1 of the next node in whichever list this is in.
    std::atomic<uint32_t> next{0};
    Message message;
  };
  static constexpr uint32_t firstChunk = 64;

  Node &node(uint32_t index);
  uint32_t takeFree();
  void giveFree(uint32_t index);
  uint32_t grow();

  const uint32_t capacity;
  alignas(64) std::atomic<uint32_t> inbox{0};
  std::atomic<uint32_t> unanswered{0};
  /// Index + 1 below, a tag above that tells one head from a later same one.
  alignas(64) std::atomic<uint64_t> freeHead{0};
  /// The reader's own list, oldest first.
  alignas(64) uint32_t ordered = 0;
  std::mutex growing;
  uint32_t chunkCount = 0;
  /// Chunk k holds 64 << k nodes.
  std::array<std::atomic<Node *>, 24> chunks{};
};

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_ACTOR_MAILBOX_H
