//===- PoolTest.cpp - the threads that share a launch ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The conformance suite runs launches; this is what it cannot see: where the
// threads may run.
//
//===----------------------------------------------------------------------===//
#include "Pool.h"

#include <atomic>
#include <chrono>
#include <gtest/gtest.h>
#include <thread>

using namespace actnet::rt;

namespace {

cpu_set_t processorsOfThisThread() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
  return set;
}

/// What the tiles of one launch see of the threads that run them.
struct Seen {
  cpu_set_t expected;
  pthread_t caller;
  std::atomic<int> tiles{0}, byWorkers{0}, elsewhere{0};
};

/// Tile 0 waits until a worker has run one.
void look(void *const *operands, const int64_t *, void *, int64_t tile) {
  Seen &seen = *static_cast<Seen *>(operands[0]);
  cpu_set_t mine = processorsOfThisThread();
  seen.elsewhere += !CPU_EQUAL(&mine, &seen.expected);
  bool isCaller = pthread_equal(pthread_self(), seen.caller);
  seen.byWorkers += !isCaller;
  ++seen.tiles;
  while (isCaller && tile == 0 && seen.byWorkers == 0)
    sched_yield();
}

/// Launches with workers that have gone to sleep before.
void launchRested(Pool &pool, Seen &seen) {
  for (int launch = 0; launch < 20; ++launch) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    seen.tiles = seen.byWorkers = 0;
    void *operands[] = {&seen};
    pool.run({look, operands, nullptr, 64}, nullptr);
    ASSERT_EQ(seen.tiles, 64);
    ASSERT_GT(seen.byWorkers, 0);
    ASSERT_EQ(seen.elsewhere, 0) << "launch " << launch;
  }
}

/// Restores where this thread may run.
class Pinned {
public:
  explicit Pinned(const cpu_set_t &set) : before(processorsOfThisThread()) {
    EXPECT_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
  }
  ~Pinned() { sched_setaffinity(0, sizeof(before), &before); }

private:
  cpu_set_t before;
};

} // namespace

TEST(Pool, WorkersMayRunWhereTheProcessMay) {
  HostMemory memory;
  auto pool = Pool::create(memory, 2);
  ASSERT_TRUE(pool) << pool.status().str();
  Seen seen{processorsOfThisThread(), pthread_self()};
  launchRested(**pool, seen);
}

TEST(Pool, OneProcessorIsEnough) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  Pinned pinned(one);
  HostMemory memory;
  auto pool = Pool::create(memory, 2);
  ASSERT_TRUE(pool) << pool.status().str();
  Seen seen{one, pthread_self()};
  launchRested(**pool, seen);
}

// Whoever moves the program while it runs moves its workers too.
TEST(Pool, WorkersStayWhereTheyWerePut) {
  cpu_set_t all = processorsOfThisThread();
  HostMemory memory;
  auto pool = Pool::create(memory, 1);
  ASSERT_TRUE(pool) << pool.status().str();
  cpu_set_t put;
  CPU_ZERO(&put);
  CPU_SET(sched_getcpu(), &put);
  Seen seen{all, pthread_self()};
  launchRested(**pool, seen);
  // Each thread that runs a tile puts itself there, as taskset would.
  struct Mover {
    cpu_set_t set;
    pthread_t caller;
    std::atomic<bool> isMoved{false};
  } mover{put, pthread_self()};
  void *operands[] = {&mover};
  auto move = [](void *const *operands, const int64_t *, void *, int64_t tile) {
    Mover &mover = *static_cast<Mover *>(operands[0]);
    if (pthread_equal(pthread_self(), mover.caller)) {
      while (tile == 0 && !mover.isMoved)
        sched_yield();
    } else {
      sched_setaffinity(0, sizeof(mover.set), &mover.set);
      mover.isMoved = true;
    }
  };
  (*pool)->run({move, operands, nullptr, 64}, nullptr);
  Pinned pinned(put);
  seen.expected = put;
  launchRested(**pool, seen);
}
