//===- Pool.h - threads that share the tiles of one launch ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A launch is over in microseconds, so handing it to the workers must cost less
// than that: they watch one word for a while before they sleep, join a launch
// by counting themselves in while it is open, and take chunks of tiles from a
// counter. The thread that launches works too. Who runs which tile changes
// from run to run; the result does not, because tiles are independent.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_RUNTIME_DEVICE_HOST_POOL_H
#define ACTNET_LIB_RUNTIME_DEVICE_HOST_POOL_H

#include "Memory.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <vector>

namespace actnet::rt {

/// A host kernel: operand addresses (inputs, then outputs), dims, the thread's
/// scratch (64-byte aligned), the tile.
using HostKernel = void (*)(void *const *operands, const int64_t *dims,
                            void *scratch, int64_t tile);

/// What the workers of one launch share; constant while it is open.
struct TileWork {
  HostKernel kernel = nullptr;
  void *const *operands = nullptr;
  const int64_t *dims = nullptr;
  int64_t tiles = 0;
};

/// Runs tiles [begin, end) on this thread.
void runTiles(const TileWork &work, int64_t begin, int64_t end, void *scratch);

/// A thread with a stack of known size. Joins on destruction.
class HostThread {
public:
  /// resourceExhausted if it can't be started. `run(context)` is the thread.
  static Expected<std::unique_ptr<HostThread>> start(HostMemory &memory,
                                                     const char *name,
                                                     void (*run)(void *),
                                                     void *context);
  ~HostThread();
  /// Bytes of address space that each thread's stack takes.
  static constexpr uint64_t stackBytes = uint64_t(1) << 20;
  pthread_t id() const { return handle; }

private:
  explicit HostThread(HostMemory &memory) : memory(memory) {}
  static void *enter(void *self);
  HostMemory &memory;
  pthread_t handle = {};
  void (*body)(void *) = nullptr;
  void *context = nullptr;
};

class Pool {
public:
  /// `workers` threads besides the one that calls `run`.
  static Expected<std::unique_ptr<Pool>> create(HostMemory &memory,
                                                unsigned workers);
  ~Pool();

  unsigned workers() const { return unsigned(threads.size()); }

  /// Gives every worker at least so much scratch.
  Status growScratch(uint64_t bytes);

  /// Runs all tiles and returns. `scratch` is the calling thread's. If another
  /// stream has the workers, the caller runs alone. Any thread.
  void run(const TileWork &work, void *scratch);

  /// Tells the workers that launches follow each other closely (true), or that
  /// there will be a pause, so that they keep watching or sleep early.
  void setBusy(bool isBusy) {
    busyStreams.fetch_add(isBusy ? 1 : -1, std::memory_order_relaxed);
  }

private:
  struct Worker {
    Pool *pool = nullptr;
    void *scratch = nullptr;
    std::unique_ptr<HostThread> thread;
    std::atomic<bool> isAsleep{false};
    /// Kept off one processor; `processors` are those it had before.
    std::atomic<bool> isKeptOff{false};
    cpu_set_t processors;
  };

  explicit Pool(HostMemory &memory) : memory(memory) {}
  static void workerMain(void *context);
  void work(Worker &self);
  void takeChunks(void *scratch);
  bool awaitLaunch(uint32_t &seen, Worker &self);
  void keepSleepersOff(int processor);

  // The word everybody watches: epoch in the high bits, then flags, then how
  // many workers are inside the launch.
  static constexpr uint32_t joinedMask = 0xfff;
  static constexpr uint32_t openBit = 0x1000;
  static constexpr uint32_t callerSleepsBit = 0x2000;
  static constexpr uint32_t epochUnit = 0x4000;
  static constexpr uint32_t wakeWorkers = 1, wakeCaller = 2;

  HostMemory &memory;
  alignas(64) std::atomic<uint32_t> state{0};
  alignas(64) std::atomic<int64_t> next{0};
  alignas(64) TileWork current;
  int64_t chunk = 1;
  alignas(64) std::atomic<uint32_t> sleepers{0};
  std::atomic<int32_t> busyStreams{0};
  std::atomic<bool> stopping{false};
  std::mutex launching;
  uint64_t scratchBytes = 0;
  std::vector<std::unique_ptr<Worker>> threads;
};

} // namespace actnet::rt

#endif // ACTNET_LIB_RUNTIME_DEVICE_HOST_POOL_H
