//===- HostStream.cpp - ordered work on a thread of its own ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Commands wait in a ring that grows to the deepest queue seen and then stays.
// The stream's thread is one of the threads that run tiles: it launches, works
// along, and calls the listener when a command is over.
//
//===----------------------------------------------------------------------===//
#include "HostDevice.h"
#include "actnet/Runtime/Base/Futex.h"

#include <algorithm>
#include <cstring>
#include <sched.h>

namespace actnet::rt {

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

bool HostEvent::query() const {
  return done.load(std::memory_order_acquire) >= target();
}

HostEvent::~HostEvent() {
  while (inside.load(std::memory_order_acquire))
    sched_yield();
}

void HostEvent::reached(bool isCancelled) {
  inside.fetch_add(1, std::memory_order_relaxed);
  uint64_t now = done.load(std::memory_order_relaxed) + 1;
  if (isCancelled)
    cancelledTarget.store(now, std::memory_order_release);
  done.fetch_add(1, std::memory_order_seq_cst);
  word.fetch_add(1, std::memory_order_seq_cst);
  if (sleepers.load(std::memory_order_seq_cst))
    futexWake(word, INT32_MAX);
  inside.fetch_sub(1, std::memory_order_release);
}

bool HostEvent::waitFor(uint64_t wanted, int64_t deadlineNs) {
  for (int spins = 0; spins < 200; ++spins) {
    if (done.load(std::memory_order_acquire) >= wanted)
      return true;
    spinPause();
  }
  sleepers.fetch_add(1, std::memory_order_seq_cst);
  bool reachedIt;
  for (;;) {
    uint32_t seen = word.load(std::memory_order_seq_cst);
    reachedIt = done.load(std::memory_order_seq_cst) >= wanted;
    if (reachedIt || monotonicNs() >= deadlineNs)
      break;
    futexWait(word, seen, deadlineNs);
  }
  sleepers.fetch_sub(1, std::memory_order_seq_cst);
  return reachedIt;
}

Status HostEvent::wait(int64_t timeoutNs) {
  uint64_t wanted = target();
  if (!waitFor(wanted, deadlineAfter(timeoutNs)))
    return deadlineExceeded("event is not complete in time");
  if (wasCancelled(wanted))
    return cancelled("the work before the event was cancelled");
  return {};
}

//===----------------------------------------------------------------------===//
// Streams
//===----------------------------------------------------------------------===//

namespace {

/// A launch below this is not worth sharing, one above is again.
constexpr int64_t quickNs = 3000, slowNs = 6000;
/// How long the stream's thread watches for the next command.
constexpr int64_t watchNs = 20 * 1000;
/// How often a held stream looks whether it is being destroyed.
constexpr int64_t awaitSliceNs = 5 * 1000 * 1000;

/// A first-in first-out ring that doubles when full. It begins with room for
/// what a session has under way.
template <typename T> class Ring {
public:
  Ring() : slots(256) {}
  bool empty() const { return begin == end; }
  void push(T value) {
    if (end - begin == slots.size())
      grow();
    slots[end++ & (slots.size() - 1)] = std::move(value);
  }
  T pop() { return std::move(slots[begin++ & (slots.size() - 1)]); }

private:
  void grow() {
    std::vector<T> larger(slots.size() * 2);
    size_t count = 0;
    while (!empty())
      larger[count++] = pop();
    slots = std::move(larger);
    begin = 0;
    end = count;
  }
  std::vector<T> slots;
  size_t begin = 0, end = 0;
};

struct Command {
  const HostSegment *segment = nullptr;
  /// A launch by itself, which has operands of its own.
  std::unique_ptr<HostSegment> owned;
  /// Any other record by itself.
  HostOp single;
  bool isSingle = false;
  CompletionListener *listener = nullptr;
  uint64_t token = 0;

  std::span<const HostOp> ops() const {
    if (isSingle)
      return {&single, 1};
    return segment ? segment->ops() : std::span<const HostOp>();
  }
};

void fillMemory(const HostOp &op) {
  auto *at = static_cast<unsigned char *>(op.dst);
  if (op.bytes == 0)
    return;
  if (op.patternBytes == 1) {
    std::memset(at, int(op.pattern & 0xff), op.bytes);
    return;
  }
  // Doubles what is there already: few, long copies.
  std::memcpy(at, &op.pattern, op.patternBytes);
  for (uint64_t have = op.patternBytes; have < op.bytes; have *= 2)
    std::memcpy(at + have, at, std::min(have, op.bytes - have));
}

class HostStream final : public DeviceStream {
public:
  HostStream(HostMemory &memory, Pool &pool) : memory(memory), pool(pool) {}

  Status start() {
    ACTNET_ASSIGN_OR_RETURN(
        thread, HostThread::start(memory, "actnet-stream", threadMain, this));
    return {};
  }

  ~HostStream() override {
    stopping.store(true, std::memory_order_seq_cst);
    news.fetch_add(1, std::memory_order_seq_cst);
    futexWake(news, 1);
    thread.reset();
    if (scratch)
      memory.deallocate(scratch).ignore();
  }

  Expected<std::unique_ptr<PreparedSegment>>
  prepare(const Segment &segment) override {
    ACTNET_ASSIGN_OR_RETURN(auto made, HostSegment::make(segment));
    ACTNET_RETURN_IF_ERROR(growScratch(made->scratchBytes()));
    return Expected<std::unique_ptr<PreparedSegment>>(std::move(made));
  }

  Status submit(const PreparedSegment &segment, CompletionListener *listener,
                uint64_t token) override {
    Command command;
    command.segment = static_cast<const HostSegment *>(&segment);
    command.listener = listener;
    command.token = token;
    enqueue(std::move(command));
    return {};
  }

  Status submitRecord(const Executable *executable, const Record &record,
                      CompletionListener *listener, uint64_t token) override {
    ACTNET_RETURN_IF_ERROR(checkRecord(executable, record));
    Command command;
    command.listener = listener;
    command.token = token;
    if (std::holds_alternative<LaunchRecord>(record)) {
      ACTNET_ASSIGN_OR_RETURN(command.owned,
                              HostSegment::make({executable, {&record, 1}}));
      ACTNET_RETURN_IF_ERROR(growScratch(command.owned->scratchBytes()));
      command.segment = command.owned.get();
    } else {
      command.single = makeOp(record);
      command.isSingle = true;
    }
    enqueue(std::move(command));
    return {};
  }

  Status notify(CompletionListener *listener, uint64_t token) override {
    Command command;
    command.listener = listener;
    command.token = token;
    enqueue(std::move(command));
    return {};
  }

  Status synchronize(int64_t timeoutNs) override {
    uint64_t wanted = submitted.load(std::memory_order_acquire);
    int64_t deadline = deadlineAfter(timeoutNs);
    Status result;
    waiters.fetch_add(1, std::memory_order_seq_cst);
    for (;;) {
      uint32_t seen = finishedWord.load(std::memory_order_seq_cst);
      if (finished.load(std::memory_order_seq_cst) >= wanted)
        break;
      if (monotonicNs() >= deadline) {
        result = deadlineExceeded("stream is not idle in time");
        break;
      }
      futexWait(finishedWord, seen, deadline);
    }
    waiters.fetch_sub(1, std::memory_order_seq_cst);
    return result;
  }

private:
  static void threadMain(void *self) { static_cast<HostStream *>(self)->run(); }

  Status growScratch(uint64_t bytes) {
    if (bytes <= scratchBytes.load(std::memory_order_relaxed))
      return {};
    // Not while a kernel uses the old one.
    std::lock_guard lock(executing);
    ACTNET_ASSIGN_OR_RETURN(void *grown,
                            memory.allocate(bytes, HostMemory::Use::scratch));
    if (scratch)
      memory.deallocate(scratch).ignore();
    scratch = grown;
    scratchBytes.store(bytes, std::memory_order_relaxed);
    return {};
  }

  void enqueue(Command command) {
    {
      std::lock_guard lock(mutex);
      // An await means what was recorded before it was submitted, so its
      // target is taken here and not when it runs.
      for (const HostOp &op : command.ops()) {
        if (op.kind == HostOp::Kind::signal)
          op.event->taken();
        else if (op.kind == HostOp::Kind::await)
          targets.push(op.event->target());
      }
      commands.push(std::move(command));
      submitted.fetch_add(1, std::memory_order_seq_cst);
    }
    news.fetch_add(1, std::memory_order_seq_cst);
    if (asleep.load(std::memory_order_seq_cst))
      futexWake(news, 1);
  }

  bool awaitNews(uint64_t done) {
    int64_t watchUntil = monotonicNs() + watchNs;
    for (;;) {
      uint32_t seen = news.load(std::memory_order_seq_cst);
      if (submitted.load(std::memory_order_acquire) != done)
        return true;
      if (stopping.load(std::memory_order_seq_cst))
        return false;
      if (monotonicNs() < watchUntil) {
        for (int i = 0; i < 32; ++i)
          spinPause();
        continue;
      }
      asleep.store(1, std::memory_order_seq_cst);
      if (submitted.load(std::memory_order_seq_cst) == done &&
          !stopping.load(std::memory_order_seq_cst))
        futexWait(news, seen);
      asleep.store(0, std::memory_order_seq_cst);
    }
  }

  void run() {
    uint64_t done = 0;
    while (awaitNews(done)) {
      pool.setBusy(true);
      while (submitted.load(std::memory_order_acquire) != done) {
        runOne();
        ++done;
      }
      pool.setBusy(false);
    }
  }

  void runOne() {
    Command command;
    {
      std::lock_guard lock(mutex);
      command = commands.pop();
    }
    Status status;
    if (stopping.load(std::memory_order_relaxed))
      status = cancelled("the stream was destroyed before this ran");
    {
      std::lock_guard lock(executing);
      for (const HostOp &op : command.ops())
        runOp(op, status);
    }
    if (command.listener)
      command.listener->completed(command.token, status);
    finished.fetch_add(1, std::memory_order_seq_cst);
    finishedWord.fetch_add(1, std::memory_order_seq_cst);
    if (waiters.load(std::memory_order_seq_cst))
      futexWake(finishedWord, INT32_MAX);
  }

  /// Runs one record; after a failure only signals and awaits still count, so
  /// that others are not held for ever.
  void runOp(const HostOp &op, Status &status) {
    switch (op.kind) {
    case HostOp::Kind::signal:
      op.event->reached(!status);
      return;
    case HostOp::Kind::await:
      return runAwait(op, status);
    case HostOp::Kind::launch:
      if (status)
        runLaunch(op);
      return;
    case HostOp::Kind::copy:
      if (status && op.bytes)
        std::memcpy(op.dst, op.src, op.bytes);
      return;
    case HostOp::Kind::fill:
      if (status)
        fillMemory(op);
      return;
    }
  }

  void runAwait(const HostOp &op, Status &status) {
    uint64_t target;
    {
      std::lock_guard lock(mutex);
      target = targets.pop();
    }
    while (status && !op.event->waitFor(target, deadlineAfter(awaitSliceNs)))
      if (stopping.load(std::memory_order_relaxed))
        status = cancelled("the stream was destroyed before this ran");
    if (status && op.event->wasCancelled(target))
      status = cancelled("the work it waits for was cancelled");
  }

  void runLaunch(const HostOp &op) {
    if (op.work.tiles <= 1)
      return runTiles(op.work, 0, op.work.tiles, scratch);
    int64_t begin = monotonicNs();
    if (op.quick) {
      runTiles(op.work, 0, op.work.tiles, scratch);
      op.quick = monotonicNs() - begin < slowNs;
    } else {
      pool.run(op.work, scratch);
      op.quick = monotonicNs() - begin < quickNs;
    }
  }

  HostMemory &memory;
  Pool &pool;

  std::mutex mutex; // commands, targets
  Ring<Command> commands;
  Ring<uint64_t> targets;
  std::atomic<uint64_t> submitted{0};

  std::mutex executing; // scratch
  void *scratch = nullptr;
  std::atomic<uint64_t> scratchBytes{0};

  std::atomic<uint32_t> news{0};
  std::atomic<uint32_t> asleep{0};
  std::atomic<bool> stopping{false};

  std::atomic<uint64_t> finished{0};
  std::atomic<uint32_t> finishedWord{0};
  std::atomic<uint32_t> waiters{0};

  std::unique_ptr<HostThread> thread;
};

} // namespace

Expected<std::unique_ptr<DeviceStream>> createHostStream(HostMemory &memory,
                                                         Pool &pool) {
  auto stream = std::make_unique<HostStream>(memory, pool);
  ACTNET_RETURN_IF_ERROR(stream->start());
  return Expected<std::unique_ptr<DeviceStream>>(std::move(stream));
}

} // namespace actnet::rt
