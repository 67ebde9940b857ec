//===- Futex.h - sleep on a word, and the clock of it ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// std::atomic::wait has no timeout and no way to wake one kind of sleeper, and
// a condition variable costs a mutex on every wake. The runtime sleeps on plain
// 32-bit words instead. Linux only, as the runtime is.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_BASE_FUTEX_H
#define ACTNET_RUNTIME_BASE_FUTEX_H

#include <atomic>
#include <cstdint>
#include <ctime>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace actnet::rt {

/// Nanoseconds of the monotonic clock.
inline int64_t monotonicNs() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t(t.tv_sec) * 1000000000 + t.tv_nsec;
}

/// Tells the processor that this is a spin loop.
inline void spinPause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

/// Sleeps while `word` holds `expected`, until woken by one of `mask`'s bits or
/// until `deadlineNs` of the monotonic clock (INT64_MAX: no end). May return
/// early; the caller looks again.
inline void futexWait(std::atomic<uint32_t> &word, uint32_t expected,
                      int64_t deadlineNs = INT64_MAX,
                      uint32_t mask = FUTEX_BITSET_MATCH_ANY) {
  timespec t;
  t.tv_sec = deadlineNs / 1000000000;
  t.tv_nsec = deadlineNs % 1000000000;
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word),
          FUTEX_WAIT_BITSET_PRIVATE, expected,
          deadlineNs == INT64_MAX ? nullptr : &t, nullptr, mask);
}

/// Wakes at most `count` sleepers of `word` that wait for one of `mask`'s bits.
inline void futexWake(std::atomic<uint32_t> &word, int count,
                      uint32_t mask = FUTEX_BITSET_MATCH_ANY) {
  syscall(SYS_futex, reinterpret_cast<uint32_t *>(&word),
          FUTEX_WAKE_BITSET_PRIVATE, count, nullptr, nullptr, mask);
}

/// Now plus `timeoutNs`, without overflow.
inline int64_t deadlineAfter(int64_t timeoutNs) {
  int64_t now = monotonicNs();
  return timeoutNs >= INT64_MAX - now ? INT64_MAX : now + timeoutNs;
}

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_BASE_FUTEX_H
