//===- Block.cpp - the threads of a block take turns ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Block.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>

/// Turns of a block's threads; a large kernel takes a million.
static constexpr uint64_t mostTurns = 100 * 1000 * 1000;

#if defined(__clang__)
// Kernels carry no type signature in front of them, which that check reads.
#define ACTNET_CALLS_KERNELS __attribute__((no_sanitize("function")))
#else
#define ACTNET_CALLS_KERNELS
#endif

namespace actnet::rt::toy {

constinit thread_local Block *currentBlock = nullptr;

uint64_t mix(uint64_t a, uint64_t b, uint64_t c) {
  // splitmix64's finaliser: Steele, Lea, Flood, OOPSLA 2014.
  uint64_t z = a * 0x9e3779b97f4a7c15ull + b * 0xbf58476d1ce4e5b9ull + c;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  z ^= z >> 31;
  return z ? z : 1;
}

const char *toString(Collective kind) {
  switch (kind) {
  case Collective::none:
    return "nothing";
  case Collective::barrier:
    return "barrier";
  case Collective::warpBarrier:
    return "warpBarrier";
  case Collective::shuffle:
    return "a shuffle";
  case Collective::vote:
    return "a vote";
  case Collective::mma:
    return "mma";
  case Collective::loadMatrix:
    return "loadMatrix4";
  }
  return "?";
}

Pages::Pages(uint64_t bytes) {
  length = (bytes + 4095) / 4096 * 4096;
  void *memory = mmap(nullptr, length, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  base = memory == MAP_FAILED ? nullptr : memory;
}

Pages::~Pages() {
  if (base)
    munmap(base, length);
}

SharedSpace::SharedSpace()
    : memory(capacity), states(capacity), words(capacity / 4 * sizeof(Cell)),
      small(capacity * sizeof(Cell)) {}

//===----------------------------------------------------------------------===//
// Turns
//===----------------------------------------------------------------------===//

bool Block::run(Running &what, int64_t blockIndex) {
  launch = &what;
  index = blockIndex;
  unsigned count = what.launch->threads;
  if (!space)
    return false;
  threads.resize(count);
  for (GpuThread &t : threads) {
    t.state = GpuThread::State::waiting;
    t.waitsIn = Collective::none;
    t.fiber = nullptr;
    t.copies.clear();
    t.copyGroup = 0;
  }
  warps.assign(count / warpSize, {});
  random.state = mix(what.seed, uint64_t(blockIndex), 1);
  ready.resize(mostThreads);
  readyBegin = readyCount = arrived = exited = flying = 0;
  time = 1;
  lastSync = 0;
  turns = 0;
  abandoned = false;
  sharedRegions.clear();
  sharedRegions.reserve(64);
  if (sharedSmall)
    std::memset(space.small.data(), 0, sharedUsed * sizeof(Cell));
  sharedSmall = 0;
  sharedUsed = 0;
  std::fill(std::begin(hints), std::end(hints), nullptr);
  thread = nullptr;
  current = nullptr;
  release(0, count);

  fibers.enter();
  currentBlock = this;
  Fiber *first = fibers.take(fiberMain, this);
  if (!first)
    return false;
  current = first;
  FiberPool::change(fibers.home(), *first);
  currentBlock = nullptr;
  if (!abandoned && exited != count)
    explainStall();
  // Stacks of threads that were left where they were.
  for (GpuThread &t : threads)
    if (t.fiber)
      fibers.give(std::exchange(t.fiber, nullptr));
  return true;
}

ACTNET_CALLS_KERNELS void Block::fiberMain(void *self) {
  auto *block = static_cast<Block *>(self);
  for (;;) {
    // The one at the front is unborn, or this stack would not have been made.
    unsigned number = block->ready[block->readyBegin % mostThreads];
    ++block->readyBegin;
    --block->readyCount;
    block->threads[number].fiber = block->current;
    block->become(number);
    block->launch->launch->entry.function(
        block->launch->launch->arguments.data());
    block->thread->state = GpuThread::State::exited;
    ++block->exited;
    block->next(true);
  }
}

void Block::become(unsigned number) {
  threadIndex = number;
  thread = &threads[number];
  thread->state = GpuThread::State::ready;
  refreshStamp();
}

void Block::refreshStamp() {
  stamp = makeStamp(uint64_t(index), threadIndex, Level::thread, time);
  warpSync = warps[threadIndex / warpSize].lastSync;
}

void Block::release(unsigned begin, unsigned end) {
  // Waiting ones become ready, in an order of the seed's choice, in front of
  // those that are ready or behind them.
  uint16_t group[mostThreads];
  unsigned count = 0;
  for (unsigned t = begin; t < end; ++t)
    if (threads[t].state == GpuThread::State::waiting) {
      threads[t].state = GpuThread::State::ready;
      threads[t].waitsIn = Collective::none;
      group[count++] = uint16_t(t);
    }
  for (unsigned i = count; i > 1; --i)
    std::swap(group[i - 1], group[random.below(i)]);
  if (random.next() & 1) {
    for (unsigned i = 0; i < count; ++i)
      ready[(readyBegin + readyCount + i) % mostThreads] = group[i];
  } else {
    readyBegin += mostThreads - count;
    for (unsigned i = 0; i < count; ++i)
      ready[(readyBegin + i) % mostThreads] = group[i];
  }
  readyBegin %= mostThreads;
  readyCount += count;
}

void Block::suspend() {
  if (++turns > mostTurns)
    violate([] {
      return "the threads of the block wait for each other again and again, a "
             "hundred million times: it does not end";
    });
  thread->state = GpuThread::State::waiting;
  next(false);
}

void Block::next(bool ends) {
  Fiber *mine = current;
  if (ends)
    thread->fiber = nullptr;
  Fiber *to = nullptr;
  if (readyCount == 0) {
    to = &fibers.home();
  } else {
    unsigned number = ready[readyBegin % mostThreads];
    to = threads[number].fiber;
    if (to) {
      ++readyBegin;
      --readyCount;
      become(number);
      if (to == mine)
        return;
    } else if (ends) {
      return; // it begins on this very stack
    } else if (!(to = fibers.take(fiberMain, this))) {
      violate([&] {
        return "the system has no memory for another thread's stack";
      });
    }
  }
  // Nobody takes it before this stack was left.
  if (ends)
    fibers.give(mine);
  current = to;
  FiberPool::change(*mine, *to);
}

//===----------------------------------------------------------------------===//
// Waiting
//===----------------------------------------------------------------------===//

void Block::tick() {
  if (++time > longestTime)
    violate([&] {
      return "the block synchronises more than a million times, beyond what "
             "the checker can count";
    });
}

void Block::checkSite(const GpuThread &other) {
  const GpuThread &self = *thread;
  if (self.waitsIn == other.waitsIn && self.file && other.file &&
      self.line == other.line && std::string_view(self.file) == other.file)
    return;
  violate([&] {
    auto place = [](const GpuThread &t) {
      return std::string(toString(t.waitsIn)) + " at " + t.file + ":" +
             std::to_string(t.line);
    };
    return "is in " + place(self) + " while thread " +
           std::to_string(&other - threads.data()) + " waits in " +
           place(other) + "; all must be in the same one";
  });
}

void Block::waitForBlock(const char *file, int line) {
  thread->waitsIn = Collective::barrier;
  thread->file = file;
  thread->line = line;
  if (arrived == 0)
    barrierFirst = threadIndex;
  else
    checkSite(threads[barrierFirst]);
  if (++arrived < threads.size())
    return suspend();
  arrived = 0;
  tick();
  lastSync = time;
  for (Warp &warp : warps)
    warp.lastSync = time;
  thread->waitsIn = Collective::none;
  release(0, unsigned(threads.size()));
  refreshStamp();
}

void Block::explainStall() {
  // Nobody can go on: some wait for others that ended or wait elsewhere.
  for (unsigned t = 0; t < threads.size(); ++t) {
    const GpuThread &waiting = threads[t];
    if (waiting.state != GpuThread::State::waiting)
      continue;
    bool whole = waiting.waitsIn == Collective::barrier;
    unsigned begin = whole ? 0 : t / warpSize * warpSize;
    unsigned end = whole ? unsigned(threads.size()) : begin + warpSize;
    for (unsigned o = begin; o < end; ++o) {
      const GpuThread &other = threads[o];
      if (other.state == GpuThread::State::waiting &&
          other.waitsIn == waiting.waitsIn && other.line == waiting.line)
        continue;
      threadIndex = t;
      thread = &threads[t];
      std::string what =
          std::string("waits in ") + toString(waiting.waitsIn) + " at " +
          waiting.file + ":" + std::to_string(waiting.line) +
          (whole ? " for all threads of the block" : " for all lanes") +
          ", but thread " + std::to_string(o) +
          (other.state == GpuThread::State::exited
               ? std::string(" has ended")
               : std::string(" waits in ") + toString(other.waitsIn) + " at " +
                     other.file + ":" + std::to_string(other.line));
      return note(what);
    }
  }
}

void Block::note(const std::string &what) {
  if (!launch->failed.exchange(true, std::memory_order_acq_rel))
    launch->message = "kernel '" + std::string(launch->launch->entry.name) +
                      "', block " + std::to_string(index) + ", thread " +
                      std::to_string(threadIndex) + ": " + what;
}

void Block::leave() {
  abandoned = true;
  FiberPool::change(*current, fibers.home());
  __builtin_unreachable();
}

} // namespace actnet::rt::toy
