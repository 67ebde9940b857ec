//===- Checker.h - finds out what a GPU has done --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One thread per device asks the events of submitted work whether they are
// complete, and tells the listeners. It looks when a host function of the
// driver wakes it, and by a timer all the same: the driver drops host functions
// once its context has failed. So errors are found here and nowhere else.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_RUNTIME_DEVICE_CUDA_CHECKER_H
#define ACTNET_LIB_RUNTIME_DEVICE_CUDA_CHECKER_H

#include "Memory.h"

#include <atomic>
#include <condition_variable>
#include <pthread.h>
#include <vector>

namespace actnet::rt::cuda {

class CudaStream;

/// The word that a host function touches. It outlives the checker where the
/// driver may still call.
struct WakeWord {
  std::atomic<uint32_t> word{0};
  std::atomic<uint32_t> asleep{0};
  WakeWord *nextKept = nullptr;
  /// Gives a word up: to the process, for the rest of its life, where host
  /// functions may come late; there leak checkers see it.
  static void dispose(WakeWord *word, bool mayBeCalled);
  /// What cuLaunchHostFunc calls: no driver call, no lock, no allocation.
  static void wake(void *self);
};

class Checker {
public:
  explicit Checker(ContextState &context) : context(context) {}
  ~Checker();
  Status start(CudaMemory &memory);

  void add(CudaStream *stream);
  /// Returns when the checker no longer looks at the stream. Not from a
  /// listener.
  void remove(CudaStream *stream);

  WakeWord *wakeWord() const { return word; }
  void wake() { WakeWord::wake(word); }
  /// Counts work in flight, for which the timer runs.
  std::atomic<uint64_t> pending{0};

private:
  static void *threadMain(void *self);
  void run();
  /// True if something was found complete.
  bool lookOnce();

  ContextState &context;
  CudaMemory *memory = nullptr;
  WakeWord *word = new WakeWord;
  pthread_t thread{};
  bool started = false;
  std::atomic<bool> stopping{false};
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<CudaStream *> streams;
  CudaStream *looking = nullptr;
};

} // namespace actnet::rt::cuda

#endif // ACTNET_LIB_RUNTIME_DEVICE_CUDA_CHECKER_H
