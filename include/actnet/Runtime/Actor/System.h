//===- System.h - actors, and who runs them -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The same actors run under two systems: on worker threads in real time, and
// single-threaded from a seed in virtual time, where a test explores the order
// of messages and replays the one that failed.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_ACTOR_SYSTEM_H
#define ACTNET_RUNTIME_ACTOR_SYSTEM_H

#include "actnet/Runtime/Actor/Message.h"
#include "actnet/Runtime/Base/Status.h"

#include <memory>

namespace actnet::rt {

class ActorSystem;

/// Something that handles one message at a time. Its members need no lock:
/// no two messages are handled at once, and each sees what the last one did.
class Actor {
public:
  virtual ~Actor();
  /// Handles a message; must not block.
  virtual void handle(const Message &message) = 0;
  /// Gets each message that arrives after `quit`, so that a request can still
  /// be answered.
  virtual void handleLate(const Message &message) { (void)message; }

protected:
  /// Known from the moment of `spawn` on.
  ActorSystem &system() const { return *owner; }
  ActorId self() const { return id; }
  /// No message is handled after this one.
  void quit() { hasQuit = true; }

private:
  friend class ActorSystem;
  ActorSystem *owner = nullptr;
  ActorId id = nobody;
  bool hasQuit = false;
};

/// What became of a message.
enum class Sent : uint8_t {
  /// It will be handled.
  yes,
  /// The receiver has as many unanswered requests as it takes; `creditMessage`
  /// follows when there is room.
  busy,
  /// There is no such actor.
  gone,
};

/// How a message wants to be delivered.
enum class Delivery : uint8_t {
  /// A request: bounded by the receiver's capacity.
  request,
  /// Always gets in.
  always,
};

class ActorSystem {
public:
  virtual ~ActorSystem();

  /// Takes an actor over. At most `capacity` requests to it may be unanswered
  /// (0: any number); the actor calls `answered` for each. resourceExhausted
  /// beyond 4095 actors.
  virtual Expected<ActorId> spawn(std::unique_ptr<Actor> actor,
                                  uint32_t capacity) = 0;

  /// Sends; `message.from` says who. With `here`, and if the receiver is idle,
  /// this thread handles it at once rather than wake a worker: for threads
  /// that would only wait otherwise; never inside a handler. Any thread.
  virtual Sent send(ActorId to, const Message &message, Delivery delivery,
                    bool here = false) = 0;

  /// Sends at a time of this system's clock, or soon after; always gets in.
  virtual void sendAt(int64_t timeNs, ActorId to, const Message &message) = 0;

  /// Makes room for another request to `to`, and tells who was answered
  /// `busy`. Any thread.
  virtual void answered(ActorId to) = 0;

  /// Nanoseconds of this system's clock.
  virtual int64_t nowNs() const = 0;

protected:
  static void attach(Actor &actor, ActorSystem &system, ActorId id) {
    actor.owner = &system;
    actor.id = id;
  }
  static bool quitted(const Actor &actor) { return actor.hasQuit; }
};

/// A mailbox for a thread that is no actor: it sends, and waits for replies.
/// One thread at a time; belongs to a threaded system.
class Client {
public:
  virtual ~Client();
  virtual ActorId id() const = 0;
  /// Takes the next message; false if none came within `timeoutNs`.
  virtual bool receive(Message &message, int64_t timeoutNs) = 0;
};

/// Runs actors on threads.
class ThreadedSystem : public ActorSystem {
public:
  /// resourceExhausted if threads can't be started.
  static Expected<std::unique_ptr<ThreadedSystem>> create(unsigned workers = 1);
  /// Makes a mailbox; it must go before the system.
  virtual Expected<std::unique_ptr<Client>> createClient() = 0;
  /// Bytes of the workers' stacks.
  virtual uint64_t stackBytes() const = 0;
};

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_ACTOR_SYSTEM_H
