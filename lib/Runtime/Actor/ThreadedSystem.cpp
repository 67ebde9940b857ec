//===- ThreadedSystem.cpp - actors on worker threads ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A cell counts the messages it has not handled. Who raises that count from 0
// owns the cell and hands it to a worker (or runs it); who lowers it to 0 gives
// it up. So a cell is in at most one place and no lock guards its actor.
//
//===----------------------------------------------------------------------===//
#include "actnet/Runtime/Actor/Mailbox.h"
#include "actnet/Runtime/Actor/System.h"
#include "actnet/Runtime/Base/Futex.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <vector>

namespace actnet::rt {

Actor::~Actor() = default;
ActorSystem::~ActorSystem() = default;
Client::~Client() = default;

namespace {

constexpr uint64_t workerStack = uint64_t(1) << 20;
/// Messages that a cell handles before others get their turn.
constexpr uint32_t batch = 64;
constexpr uint32_t mostActors = 4095;

struct Cell {
  Cell(ActorId id, uint32_t capacity) : id(id), mailbox(capacity) {}
  const ActorId id;
  Mailbox mailbox;
  std::unique_ptr<Actor> actor; // null for a client's
  std::atomic<uint32_t> pending{0};
  std::atomic<bool> closed{false};
  /// The next cell in the list of those that wait for a worker.
  Cell *nextReady = nullptr;
  /// Who was answered busy.
  std::atomic<bool> hasWaiters{false};
  std::mutex waiting;
  std::vector<ActorId> waiters;
  /// For clients: moves with each message.
  std::atomic<uint32_t> word{0};
  std::atomic<uint32_t> asleep{0};
};

struct Timer {
  int64_t timeNs;
  uint64_t order;
  ActorId to;
  Message message;
  bool operator<(const Timer &other) const { // for a heap: earliest on top
    return timeNs != other.timeNs ? timeNs > other.timeNs : order > other.order;
  }
};

class System final : public ThreadedSystem {
public:
  ~System() override {
    {
      std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    for (pthread_t worker : workers)
      pthread_join(worker, nullptr);
    while (visitors.load(std::memory_order_acquire))
      sched_yield();
    for (std::atomic<Cell *> &cell : cells)
      delete cell.load(std::memory_order_relaxed);
  }

  Status start(unsigned count) {
    timers.reserve(256); // deadlines of jobs: none makes room itself
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, workerStack);
    Status status;
    for (unsigned i = 0; i < count && status; ++i) {
      pthread_t thread;
      if (pthread_create(&thread, &attributes, workerMain, this)) {
        status = resourceExhausted("cannot start an actor worker thread");
        break;
      }
      pthread_setname_np(thread, "actnet-actors");
      workers.push_back(thread);
    }
    pthread_attr_destroy(&attributes);
    return status;
  }

  Expected<ActorId> spawn(std::unique_ptr<Actor> actor,
                          uint32_t capacity) override {
    ACTNET_ASSIGN_OR_RETURN(Cell * cell, addCell(capacity));
    attach(*actor, *this, cell->id);
    cell->actor = std::move(actor);
    publish(cell);
    return cell->id;
  }

  Sent send(ActorId to, const Message &message, Delivery delivery,
            bool here) override {
    // What is sent may tell somebody that this system can go, before this
    // thread has left it.
    visitors.fetch_add(1, std::memory_order_relaxed);
    Sent sent = deliver(to, message, delivery, here);
    visitors.fetch_sub(1, std::memory_order_release);
    return sent;
  }

  Sent deliver(ActorId to, const Message &message, Delivery delivery,
               bool here) {
    Cell *cell = find(to);
    if (!cell)
      return Sent::gone;
    if (delivery == Delivery::request && !cell->mailbox.reserveRequest()) {
      {
        std::lock_guard lock(cell->waiting);
        if (std::find(cell->waiters.begin(), cell->waiters.end(),
                      message.from) == cell->waiters.end())
          cell->waiters.push_back(message.from);
        cell->hasWaiters.store(true, std::memory_order_seq_cst);
      }
      // Room may have come before the waiter was seen; then nobody would tell.
      if (!cell->mailbox.reserveRequest())
        return Sent::busy;
    }
    if (!cell->actor) {
      cell->mailbox.push(message);
      cell->word.fetch_add(1, std::memory_order_seq_cst);
      if (cell->asleep.load(std::memory_order_seq_cst))
        futexWake(cell->word, 1);
      return Sent::yes;
    }
    // Counted before it is there, so that the owner never handles more than
    // are counted and the count never falls to 0 under an owner.
    bool owns = cell->pending.fetch_add(1, std::memory_order_acq_rel) == 0;
    cell->mailbox.push(message);
    if (owns) {
      if (here)
        runCell(*cell);
      else
        schedule(*cell);
    }
    return Sent::yes;
  }

  void sendAt(int64_t timeNs, ActorId to, const Message &message) override {
    {
      std::lock_guard lock(mutex);
      timers.push_back({timeNs, nextTimer++, to, message});
      std::push_heap(timers.begin(), timers.end());
    }
    wake.notify_one();
  }

  void answered(ActorId to) override {
    Cell *cell = find(to);
    if (!cell)
      return;
    cell->mailbox.releaseRequest();
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!cell->hasWaiters.load(std::memory_order_seq_cst))
      return;
    std::vector<ActorId> told;
    {
      std::lock_guard lock(cell->waiting);
      told.swap(cell->waiters);
      cell->hasWaiters.store(false, std::memory_order_seq_cst);
    }
    Message credit = Message::make(creditMessage);
    credit.from = to;
    for (ActorId waiter : told)
      send(waiter, credit, Delivery::always, false);
  }

  int64_t nowNs() const override { return monotonicNs(); }
  uint64_t stackBytes() const override { return workers.size() * workerStack; }
  Expected<std::unique_ptr<Client>> createClient() override;

  void closeClient(Cell &cell) {
    cell.closed.store(true, std::memory_order_release);
  }

private:
  Expected<Cell *> addCell(uint32_t capacity) {
    std::lock_guard lock(spawning);
    if (cellCount == mostActors)
      return resourceExhausted("there are 4095 actors already");
    return new Cell(++cellCount, capacity);
  }
  void publish(Cell *cell) {
    cells[cell->id].store(cell, std::memory_order_release);
  }
  Cell *find(ActorId id) const {
    if (id == nobody || id > mostActors)
      return nullptr;
    Cell *cell = cells[id].load(std::memory_order_acquire);
    // An actor that quit still answers what comes late; a client is gone.
    if (!cell || cell->closed.load(std::memory_order_acquire))
      return nullptr;
    return cell;
  }

  void schedule(Cell &cell) {
    {
      std::lock_guard lock(mutex);
      cell.nextReady = nullptr;
      (readyLast ? readyLast->nextReady : readyFirst) = &cell;
      readyLast = &cell;
    }
    wake.notify_one();
  }

  void runCell(Cell &cell) {
    Message message;
    uint32_t handled = 0;
    while (handled < batch && cell.mailbox.pop(message)) {
      if (quitted(*cell.actor))
        cell.actor->handleLate(message);
      else
        cell.actor->handle(message);
      ++handled;
    }
    if (cell.pending.fetch_sub(handled, std::memory_order_acq_rel) != handled)
      schedule(cell);
  }

  static void *workerMain(void *self) {
    static_cast<System *>(self)->work();
    return nullptr;
  }

  void work() {
    std::unique_lock lock(mutex);
    while (!stopping) {
      if (readyFirst) {
        Cell *cell = readyFirst;
        readyFirst = cell->nextReady;
        if (!readyFirst)
          readyLast = nullptr;
        lock.unlock();
        runCell(*cell);
        lock.lock();
      } else if (!timers.empty() && timers.front().timeNs <= monotonicNs()) {
        std::pop_heap(timers.begin(), timers.end());
        Timer due = timers.back();
        timers.pop_back();
        lock.unlock();
        send(due.to, due.message, Delivery::always, false);
        lock.lock();
      } else if (!timers.empty()) {
        // By the steady clock, which nobody sets. Being late by a wake-up is
        // allowed, being early is not, because the loop looks again.
        wake.wait_for(lock, std::chrono::nanoseconds(timers.front().timeNs -
                                                     monotonicNs()));
      } else {
        wake.wait(lock);
      }
    }
  }

  std::mutex mutex; // the ready list, timers, stopping
  std::condition_variable wake;
  Cell *readyFirst = nullptr, *readyLast = nullptr;
  std::vector<Timer> timers;
  uint64_t nextTimer = 0;
  bool stopping = false;

  std::mutex spawning;
  uint32_t cellCount = 0;
  std::array<std::atomic<Cell *>, mostActors + 1> cells{};
  std::vector<pthread_t> workers;
  /// Threads inside `send`.
  std::atomic<uint32_t> visitors{0};
};

class ThreadClient final : public Client {
public:
  ThreadClient(System &system, Cell &cell) : system(system), cell(cell) {}
  ~ThreadClient() override { system.closeClient(cell); }
  ActorId id() const override { return cell.id; }

  bool receive(Message &message, int64_t timeoutNs) override {
    if (cell.mailbox.pop(message))
      return true;
    int64_t deadline = deadlineAfter(timeoutNs);
    cell.asleep.store(1, std::memory_order_seq_cst);
    bool got;
    for (;;) {
      uint32_t seen = cell.word.load(std::memory_order_seq_cst);
      got = cell.mailbox.pop(message);
      if (got || monotonicNs() >= deadline)
        break;
      futexWait(cell.word, seen, deadline);
    }
    cell.asleep.store(0, std::memory_order_seq_cst);
    return got;
  }

private:
  System &system;
  Cell &cell;
};

Expected<std::unique_ptr<Client>> System::createClient() {
  ACTNET_ASSIGN_OR_RETURN(Cell * cell, addCell(0));
  publish(cell);
  return Expected<std::unique_ptr<Client>>(
      std::make_unique<ThreadClient>(*this, *cell));
}

} // namespace

Expected<std::unique_ptr<ThreadedSystem>>
ThreadedSystem::create(unsigned workers) {
  auto system = std::make_unique<System>();
  ACTNET_RETURN_IF_ERROR(system->start(workers ? workers : 1));
  return Expected<std::unique_ptr<ThreadedSystem>>(std::move(system));
}

} // namespace actnet::rt
