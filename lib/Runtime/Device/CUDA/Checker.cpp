//===- Checker.cpp - finds out what a GPU has done ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Checker.h"
#include "Stream.h"
#include "actnet/Runtime/Base/Futex.h"

#include <algorithm>

namespace actnet::rt::cuda {

namespace {

/// Listeners may run a whole queue on this stack.
constexpr uint64_t stackBytes = uint64_t(1) << 20;
/// How often the timer looks while work is under way, and while none was when
/// it last looked.
constexpr int64_t periodNs = 1000 * 1000, idleNs = 100 * periodNs;

} // namespace

void WakeWord::wake(void *self) {
  auto *word = static_cast<WakeWord *>(self);
  word->word.fetch_add(1, std::memory_order_seq_cst);
  if (word->asleep.load(std::memory_order_seq_cst))
    futexWake(word->word, 1);
}

void WakeWord::dispose(WakeWord *word, bool mayBeCalled) {
  static std::atomic<WakeWord *> kept{nullptr};
  if (!mayBeCalled) {
    delete word;
    return;
  }
  word->nextKept = kept.load(std::memory_order_relaxed);
  while (!kept.compare_exchange_weak(word->nextKept, word,
                                     std::memory_order_acq_rel))
    ;
}

Status Checker::start(CudaMemory &counted) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stackBytes);
  int failed = pthread_create(&thread, &attributes, threadMain, this);
  pthread_attr_destroy(&attributes);
  if (failed)
    return resourceExhausted("cuda: cannot start a thread");
  pthread_setname_np(thread, "actnet-cuda");
  started = true;
  memory = &counted;
  memory->countStack(int64_t(stackBytes));
  return {};
}

Checker::~Checker() {
  if (started) {
    stopping.store(true, std::memory_order_seq_cst);
    wake();
    pthread_join(thread, nullptr);
    memory->countStack(-int64_t(stackBytes));
  }
  // Streams waited for their host functions. A driver whose context is broken
  // takes no more waiting, and it may call what it had begun with at any time.
  WakeWord::dispose(word, context.isBroken());
}

void Checker::add(CudaStream *stream) {
  std::lock_guard lock(mutex);
  streams.push_back(stream);
}

void Checker::remove(CudaStream *stream) {
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return looking != stream; });
  streams.erase(std::find(streams.begin(), streams.end(), stream));
}

void *Checker::threadMain(void *self) {
  static_cast<Checker *>(self)->run();
  return nullptr;
}

bool Checker::lookOnce() {
  bool found = false;
  std::unique_lock lock(mutex);
  // Streams may come and go while one is looked at; none is missed for longer
  // than the timer's period.
  for (size_t i = 0; i < streams.size(); ++i) {
    looking = streams[i];
    lock.unlock();
    found |= looking->check();
    lock.lock();
    looking = nullptr;
    changed.notify_all();
  }
  return found;
}

void Checker::run() {
  context.enter();
  while (!stopping.load(std::memory_order_seq_cst)) {
    uint32_t seen = word->word.load(std::memory_order_seq_cst);
    if (lookOnce())
      continue;
    bool busy = pending.load(std::memory_order_seq_cst) != 0;
    word->asleep.store(1, std::memory_order_seq_cst);
    if (!stopping.load(std::memory_order_seq_cst))
      futexWait(word->word, seen, monotonicNs() + (busy ? periodNs : idleNs));
    word->asleep.store(0, std::memory_order_seq_cst);
  }
}

} // namespace actnet::rt::cuda
