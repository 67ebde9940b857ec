//===- Pool.cpp - threads that share the tiles of one launch --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Pool.h"
#include "actnet/Runtime/Base/Futex.h"

#include <algorithm>

#if defined(__clang__)
// Kernels are made by another compiler and carry no type signature in front of
// them, which that check would read.
#define ACTNET_CALLS_KERNELS __attribute__((no_sanitize("function")))
#else
#define ACTNET_CALLS_KERNELS
#endif

namespace actnet::rt {

namespace {
/// How long a worker watches for the next launch before it sleeps: while a
/// stream is inside a job, and else. A futex round trip is some 10 us.
constexpr int64_t busyWatchNs = 300 * 1000;
constexpr int64_t idleWatchNs = 20 * 1000;
/// Where more workers sleep, one that begins late matters less than two calls
/// of the system for each.
constexpr uint32_t mostKeptOff = 8;
} // namespace

ACTNET_CALLS_KERNELS void runTiles(const TileWork &work, int64_t begin,
                                   int64_t end, void *scratch) {
  for (int64_t tile = begin; tile < end; ++tile)
    work.kernel(work.operands, work.dims, scratch, tile);
}

//===----------------------------------------------------------------------===//
// HostThread
//===----------------------------------------------------------------------===//

Expected<std::unique_ptr<HostThread>> HostThread::start(HostMemory &memory,
                                                        const char *name,
                                                        void (*run)(void *),
                                                        void *context) {
  std::unique_ptr<HostThread> thread(new HostThread(memory));
  thread->body = run;
  thread->context = context;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stackBytes);
  int failed =
      pthread_create(&thread->handle, &attributes, enter, thread.get());
  pthread_attr_destroy(&attributes);
  if (failed) {
    thread->body = nullptr;
    return resourceExhausted("cannot start another thread");
  }
  pthread_setname_np(thread->handle, name);
  memory.count(HostMemory::Use::stack, stackBytes);
  return Expected<std::unique_ptr<HostThread>>(std::move(thread));
}

void *HostThread::enter(void *self) {
  auto *thread = static_cast<HostThread *>(self);
  thread->body(thread->context);
  return nullptr;
}

HostThread::~HostThread() {
  if (!body)
    return;
  pthread_join(handle, nullptr);
  memory.count(HostMemory::Use::stack, -int64_t(stackBytes));
}

//===----------------------------------------------------------------------===//
// Pool
//===----------------------------------------------------------------------===//

Expected<std::unique_ptr<Pool>> Pool::create(HostMemory &memory,
                                             unsigned workers) {
  std::unique_ptr<Pool> pool(new Pool(memory));
  for (unsigned i = 0; i < workers; ++i) {
    auto worker = std::make_unique<Worker>();
    worker->pool = pool.get();
    ACTNET_ASSIGN_OR_RETURN(
        worker->thread,
        HostThread::start(memory, "actnet-tiles", workerMain, worker.get()));
    pool->threads.push_back(std::move(worker));
  }
  return Expected<std::unique_ptr<Pool>>(std::move(pool));
}

Pool::~Pool() {
  stopping.store(true, std::memory_order_seq_cst);
  state.fetch_add(epochUnit, std::memory_order_seq_cst);
  futexWake(state, INT32_MAX);
  for (auto &worker : threads) {
    worker->thread.reset();
    if (worker->scratch)
      memory.deallocate(worker->scratch).ignore();
  }
}

Status Pool::growScratch(uint64_t bytes) {
  std::lock_guard lock(launching);
  if (bytes <= scratchBytes)
    return {};
  for (auto &worker : threads) {
    ACTNET_ASSIGN_OR_RETURN(void *grown,
                            memory.allocate(bytes, HostMemory::Use::scratch));
    if (worker->scratch)
      memory.deallocate(worker->scratch).ignore();
    worker->scratch = grown;
  }
  scratchBytes = bytes;
  return {};
}

void Pool::takeChunks(void *scratch) {
  int64_t tiles = current.tiles;
  for (;;) {
    int64_t begin = next.fetch_add(chunk, std::memory_order_relaxed);
    if (begin >= tiles)
      return;
    runTiles(current, begin, std::min(begin + chunk, tiles), scratch);
  }
}

void Pool::run(const TileWork &work, void *scratch) {
  std::unique_lock lock(launching, std::defer_lock);
  if (work.tiles <= 1 || threads.empty() || !lock.try_lock())
    return runTiles(work, 0, work.tiles, scratch);

  current = work;
  int64_t everybody = int64_t(threads.size()) + 1;
  chunk = std::max<int64_t>(1, work.tiles / (everybody * 16));
  next.store(0, std::memory_order_relaxed);
  // Nobody is inside: the last launch ended with no worker joined. The next
  // epoch with the open bit publishes what was written above.
  uint32_t epoch =
      (state.load(std::memory_order_relaxed) & ~(epochUnit - 1)) + epochUnit;
  state.store(epoch | openBit, std::memory_order_seq_cst);
  if (uint32_t asleep = sleepers.load(std::memory_order_seq_cst)) {
    int64_t useful = (work.tiles + chunk - 1) / chunk - 1;
    // Only those that are woken take it back.
    if (asleep <= useful && asleep <= mostKeptOff)
      if (int here = sched_getcpu(); here >= 0)
        keepSleepersOff(here);
    futexWake(state, int(std::min<int64_t>(asleep, useful)), wakeWorkers);
  }

  takeChunks(scratch);

  // Close, then wait for those still inside their last chunk.
  uint32_t seen = state.fetch_and(~openBit, std::memory_order_acq_rel);
  seen &= ~openBit;
  for (int spins = 0; seen & joinedMask; ++spins) {
    if (spins < 4000) {
      spinPause();
    } else {
      seen = state.fetch_or(callerSleepsBit, std::memory_order_acq_rel) |
             callerSleepsBit;
      if (seen & joinedMask)
        futexWait(state, seen, INT64_MAX, wakeCaller);
    }
    seen = state.load(std::memory_order_acquire);
  }
}

/// A worker that is woken while all processors look busy (whoever submitted the
/// job is still on its way to sleep) is queued behind the thread that wakes it.
/// That one does not stop, so the worker would stay there until the kernel
/// balances its queues, some milliseconds later. So it is told to go elsewhere
/// while it sleeps, which moves nothing, and takes that back once it runs.
void Pool::keepSleepersOff(int processor) {
  for (auto &worker : threads) {
    if (!worker->isAsleep.load(std::memory_order_acquire) ||
        worker->isKeptOff.load(std::memory_order_acquire))
      continue;
    pthread_t id = worker->thread->id();
    if (pthread_getaffinity_np(id, sizeof(cpu_set_t), &worker->processors))
      continue;
    cpu_set_t others = worker->processors;
    CPU_CLR(processor, &others);
    // Refused, or no other one: it stays as it is.
    if (CPU_COUNT(&others) == 0 ||
        pthread_setaffinity_np(id, sizeof(others), &others))
      continue;
    worker->isKeptOff.store(true, std::memory_order_release);
  }
}

bool Pool::awaitLaunch(uint32_t &seen, Worker &self) {
  // Watches, then sleeps, until a launch that this worker hasn't seen is open;
  // false if the pool stops.
  int64_t watchUntil = 0;
  for (unsigned spins = 0;; ++spins) {
    if (self.isKeptOff.load(std::memory_order_acquire)) {
      pthread_setaffinity_np(pthread_self(), sizeof(cpu_set_t),
                             &self.processors);
      self.isKeptOff.store(false, std::memory_order_release);
    }
    uint32_t now = state.load(std::memory_order_acquire);
    if (stopping.load(std::memory_order_relaxed))
      return false;
    if ((now & openBit) && (now & ~(epochUnit - 1)) != seen)
      return true;
    spinPause();
    if (spins % 64 != 63)
      continue;
    int64_t time = monotonicNs();
    if (watchUntil == 0)
      watchUntil = time;
    bool busy = busyStreams.load(std::memory_order_relaxed) > 0;
    if (time - watchUntil < (busy ? busyWatchNs : idleWatchNs))
      continue;
    sleepers.fetch_add(1, std::memory_order_seq_cst);
    now = state.load(std::memory_order_seq_cst);
    bool news = (now & openBit) && (now & ~(epochUnit - 1)) != seen;
    if (!news && !stopping.load(std::memory_order_seq_cst)) {
      self.isAsleep.store(true, std::memory_order_release);
      futexWait(state, now, INT64_MAX, wakeWorkers);
      self.isAsleep.store(false, std::memory_order_relaxed);
    }
    sleepers.fetch_sub(1, std::memory_order_seq_cst);
    watchUntil = 0;
  }
}

void Pool::workerMain(void *context) {
  auto *self = static_cast<Worker *>(context);
  self->pool->work(*self);
}

void Pool::work(Worker &self) {
  uint32_t seen = 0;
  while (awaitLaunch(seen, self)) {
    uint32_t now = state.load(std::memory_order_relaxed);
    bool joined = false;
    while ((now & openBit) && !joined)
      joined = state.compare_exchange_weak(
          now, now + 1, std::memory_order_acq_rel, std::memory_order_relaxed);
    if (!joined)
      continue;
    seen = now & ~(epochUnit - 1);
    takeChunks(self.scratch);
    uint32_t before = state.fetch_sub(1, std::memory_order_acq_rel);
    if ((before & joinedMask) == 1 && (before & callerSleepsBit))
      futexWake(state, 1, wakeCaller);
  }
}

} // namespace actnet::rt
