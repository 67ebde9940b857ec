//===- device.h - kernels/cuda/device.h on a host, for tests --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Takes the place of the real file (same include guard) where a test compiles
// printed kernels as plain C++: the threads of a block are fibers that change
// only where they wait for each other. Far from a software GPU: it checks no
// access and finds no race; it shows that text and templates compute what the
// kernel body says.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_DEVICE_H
#define ACTNET_KERNELS_CUDA_DEVICE_H

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <type_traits>
#include <ucontext.h>
#include <vector>

#define ACTNET_DEVICE inline
#define ACTNET_KERNEL(threads) extern "C" void
// One block runs at a time.
#define ACTNET_SHARED(T, name, count) static T name[count]
#define ACTNET_ENTRY(NAME)
#define ACTNET_UNROLL

namespace actnet {

using i8 = signed char;
using i16 = short;
using i32 = int;
using i64 = long long;
using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;

inline constexpr int kWarpSize = 32;

namespace shim {

/// The block that runs: its fibers, one after the other.
struct Block {
  static constexpr int kStack = 64 << 10;
  std::vector<std::unique_ptr<char[]>> stacks;
  std::vector<ucontext_t> fibers;
  std::vector<bool> finished;
  ucontext_t scheduler;
  std::function<void()> kernel;
  i64 index = 0;
  int thread = 0;
  u64 exchanged[1024];

  static Block *&current() {
    static Block *block = nullptr;
    return block;
  }
  static void enter() {
    Block &b = *current();
    b.kernel();
    b.finished[b.thread] = true;
    swapcontext(&b.fibers[b.thread], &b.scheduler);
  }
  /// Back to the scheduler, until all others have come as far.
  void wait() { swapcontext(&fibers[thread], &scheduler); }

  void run(int threads) {
    current() = this;
    fibers.resize(threads);
    stacks.resize(threads);
    finished.assign(threads, false);
    for (int t = 0; t < threads; ++t) {
      if (!stacks[t])
        stacks[t] = std::make_unique<char[]>(kStack);
      getcontext(&fibers[t]);
      fibers[t].uc_stack.ss_sp = stacks[t].get();
      fibers[t].uc_stack.ss_size = kStack;
      fibers[t].uc_link = nullptr;
      makecontext(&fibers[t], &Block::enter, 0);
    }
    // The last first, so that thread 0 sees what others did.
    for (int left = threads; left;) {
      int before = left;
      for (thread = threads; thread-- > 0;) {
        swapcontext(&scheduler, &fibers[thread]);
        left -= finished[thread];
      }
      if (left && left != before) {
        std::fprintf(stderr, "shim: %d of %d threads ended while others wait\n",
                     before - left, before);
        std::abort();
      }
    }
  }
};

/// Calls a kernel with pointers and dims in the order of its parameters.
template <class... P, std::size_t... I>
void call(void (*kernel)(P...), void *const *pointers, const i64 *dims,
          std::index_sequence<I...>) {
  constexpr std::size_t numPointers =
      (std::size_t(std::is_pointer_v<P>) + ... + 0);
  auto argument = [&](auto type, std::size_t i) {
    using T = typename decltype(type)::type;
    if constexpr (std::is_pointer_v<T>)
      return static_cast<T>(pointers[i]);
    else
      return dims[i - numPointers];
  };
  kernel(argument(std::type_identity<P>(), I)...);
}

/// Runs all tiles.
template <class... P>
void launch(void (*kernel)(P...), void *const *pointers, const i64 *dims,
            i64 tiles, int threads) {
  Block block;
  block.kernel = [&] {
    call(kernel, pointers, dims, std::index_sequence_for<P...>());
  };
  for (block.index = tiles; block.index-- > 0;)
    block.run(threads);
}

} // namespace shim

ACTNET_DEVICE i64 blockIndex() { return shim::Block::current()->index; }
ACTNET_DEVICE int threadIndex() { return shim::Block::current()->thread; }
ACTNET_DEVICE void barrier() { shim::Block::current()->wait(); }

template <class T> ACTNET_DEVICE T shuffleXor(T value, int mask) {
  shim::Block &block = *shim::Block::current();
  int own = block.thread;
  std::memcpy(&block.exchanged[own], &value, sizeof value);
  block.wait();
  std::memcpy(&value, &block.exchanged[own ^ mask], sizeof value);
  block.wait();
  return value;
}

struct f16 {
  u16 bits;
};
struct bf16 {
  u16 bits;
};

template <class To, class From> ACTNET_DEVICE To bitsOf(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

ACTNET_DEVICE float toFloat(f16 value) { return bitsOf<_Float16>(value.bits); }
ACTNET_DEVICE float toFloat(bf16 value) {
  return bitsOf<float>(u32(value.bits) << 16);
}
template <class T> ACTNET_DEVICE T fromFloat(float value);
template <> ACTNET_DEVICE f16 fromFloat<f16>(float value) {
  return {bitsOf<u16>(static_cast<_Float16>(value))};
}
template <> ACTNET_DEVICE bf16 fromFloat<bf16>(float value) {
  if (value != value)
    return {0x7fff};
  u32 bits = bitsOf<u32>(value);
  return {u16((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

ACTNET_DEVICE float floatFromBits(i32 bits) { return bitsOf<float>(bits); }
ACTNET_DEVICE i32 bitsFromFloat(float value) { return bitsOf<i32>(value); }
ACTNET_DEVICE float reciprocalSqrt(float value) { return 1.0f / sqrtf(value); }

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_DEVICE_H
