//===- Engine.cpp - spreads the blocks of a launch over threads -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Block.h"
#include "Regions.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <sched.h>
#include <system_error>
#include <thread>

namespace actnet::rt::toy {

namespace {

unsigned allowedThreads() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    return unsigned(std::max(1, CPU_COUNT(&set)));
  return 1;
}

/// Blocks in an order of the seed's choice: first + i * step, where the step
/// shares no factor with their number.
struct Order {
  uint64_t first, step, count;
  Order(uint64_t seed, int64_t tiles) : count(uint64_t(tiles)) {
    Random random{seed};
    first = random.next() % count;
    step = random.next() % count;
    while (std::gcd(step, count) != 1)
      step = (step + 1) % count;
  }
  int64_t at(uint64_t i) const { return int64_t((first + i * step) % count); }
};

/// One launch under way, and what its threads take from.
struct Work {
  explicit Work(const Order &order) : order(order) {}
  Running running;
  Order order;
  std::atomic<uint64_t> next{0};
  std::atomic<bool> outOfMemory{false};
  unsigned inside = 0; // of the engine's threads; under its mutex
};

} // namespace

struct Engine::Parts {
  EngineOptions options;
  DeviceSpace space;
  std::atomic<uint64_t> launches{0};

  std::mutex mutex;
  std::condition_variable news, done;
  std::vector<std::unique_ptr<Block>> idleBlocks;
  Work *work = nullptr;
  bool stopping = false;
  std::vector<std::thread> threads;

  std::unique_ptr<Block> takeBlock() {
    std::lock_guard lock(mutex);
    if (idleBlocks.empty())
      return std::make_unique<Block>();
    auto block = std::move(idleBlocks.back());
    idleBlocks.pop_back();
    return block;
  }
  void giveBlock(std::unique_ptr<Block> block) {
    std::lock_guard lock(mutex);
    idleBlocks.push_back(std::move(block));
  }

  void runBlocks(Work &work) {
    std::unique_ptr<Block> block = takeBlock();
    while (!work.running.failed.load(std::memory_order_relaxed)) {
      uint64_t i = work.next.fetch_add(1, std::memory_order_relaxed);
      if (i >= work.order.count)
        break;
      if (!block->run(work.running, work.order.at(i))) {
        work.outOfMemory.store(true);
        break;
      }
    }
    giveBlock(std::move(block));
  }

  void serve() {
    std::unique_lock lock(mutex);
    for (;;) {
      news.wait(lock, [&] { return stopping || work; });
      if (stopping)
        return;
      Work *mine = work;
      ++mine->inside;
      lock.unlock();
      runBlocks(*mine);
      lock.lock();
      // Nothing is left to take.
      if (work == mine)
        work = nullptr;
      if (--mine->inside == 0)
        done.notify_all();
    }
  }

  void startThreads() {
    if (!threads.empty() || options.threads <= 1)
      return;
    for (unsigned i = 1; i < options.threads; ++i) {
      try {
        threads.emplace_back([this] { serve(); });
      } catch (const std::system_error &) {
        return; // fewer threads are as good
      }
    }
  }

  void share(Work &mine) {
    bool shared = false;
    if (options.threads > 1 && mine.order.count > 1) {
      std::lock_guard lock(mutex);
      startThreads();
      if (!work && !threads.empty()) {
        work = &mine;
        shared = true;
        news.notify_all();
      }
    }
    runBlocks(mine);
    if (!shared)
      return;
    std::unique_lock lock(mutex);
    if (work == &mine)
      work = nullptr;
    done.wait(lock, [&] { return mine.inside == 0; });
  }
};

Engine::Engine(const EngineOptions &options)
    : parts(std::make_unique<Parts>()) {
  parts->options = options;
  if (options.threads == 0)
    parts->options.threads = allowedThreads();
}

Engine::~Engine() {
  {
    std::lock_guard lock(parts->mutex);
    parts->stopping = true;
    parts->news.notify_all();
  }
  for (std::thread &thread : parts->threads)
    thread.join();
}

Expected<void *> Engine::allocate(uint64_t bytes, uint64_t alignment) {
  return parts->space.allocate(bytes, alignment);
}
Status Engine::deallocate(void *memory) {
  return parts->space.deallocate(memory);
}
Status Engine::registerAllocation(const void *base, uint64_t bytes,
                                  bool isWritten) {
  return parts->space.add(base, bytes, isWritten);
}
Status Engine::unregisterAllocation(const void *base) {
  return parts->space.remove(base);
}
Status Engine::noteWritten(const void *to, uint64_t bytes) {
  return parts->space.setStates(to, bytes, written, "write");
}
Status Engine::noteCopied(const void *to, const void *from, uint64_t bytes) {
  return parts->space.copyStates(to, from, bytes);
}
Status Engine::poison(const void *at, uint64_t bytes) {
  return parts->space.setStates(at, bytes, neverWritten, "poison");
}
Status Engine::checkReadable(const void *from, uint64_t bytes) const {
  return parts->space.checkReadable(from, bytes);
}

Status Engine::run(const Launch &launch) {
  std::string kernel = "kernel '" + std::string(launch.entry.name) + "': ";
  if (!launch.entry.function || !launch.entry.image)
    return invalidArgument("launch: no kernel");
  if (launch.tiles < 0 || launch.tiles > INT32_MAX)
    return invalidArgument(kernel + std::to_string(launch.tiles) +
                           " blocks, possible are 0 to 2147483647");
  if (launch.threads == 0 || launch.threads % warpSize ||
      launch.threads > mostThreads)
    return invalidArgument(kernel + std::to_string(launch.threads) +
                           " threads a block, possible are multiples of 32 up "
                           "to 1024");
  if (launch.sharedBytes > mostSharedBytes)
    return invalidArgument(kernel + std::to_string(launch.sharedBytes) +
                           " bytes of shared memory, at most " +
                           std::to_string(mostSharedBytes) + " are possible");
  ACTNET_ASSIGN_OR_RETURN(auto table, parts->space.tableOf(launch.operands));
  if (launch.tiles == 0)
    return {};
  uint64_t number = parts->launches.fetch_add(1, std::memory_order_relaxed);
  uint64_t seed = mix(parts->options.seed, number, 2);
  Work work(Order(seed, launch.tiles));
  work.running.launch = &launch;
  work.running.table = std::move(*table);
  work.running.seed = seed;
  parts->share(work);
  if (work.running.failed.load(std::memory_order_acquire))
    return internalError(work.running.message);
  if (work.outOfMemory.load())
    return resourceExhausted(kernel + "no memory to run a block");
  return {};
}

} // namespace actnet::rt::toy
