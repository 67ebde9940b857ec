//===- Hooks.cpp - the functions that toy images import -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// clang's -fsanitize=thread calls __tsan_readN or __tsan_writeN in front of an
// access of N bytes, __tsan_unaligned_… where it knows no alignment,
// __tsan_memcpy and its like in place of the C functions, and __tsan_atomicN_…
// in place of atomic instructions. Source: llvm ThreadSanitizer.cpp,
// compiler-rt tsan_interface.h. -fsanitize=array-bounds calls
// __ubsan_handle_out_of_bounds_abort for an index of an array whose length is
// known, also of one in registers. Source: compiler-rt ubsan_handlers.h.
//
//===----------------------------------------------------------------------===//
#include "Hooks.h"
#include "Fast.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

namespace actnet::rt::toy {

namespace {

uintptr_t addressOf(const volatile void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

void misaligned(uintptr_t at, uint64_t size) {
  currentBlock->violate([&] {
    return "access to " + currentBlock->describe(at, size) +
           ", which is not aligned to its size";
  });
}

template <unsigned size, bool isWrite> void aligned(void *at) {
  // clang knows 16 bytes as aligned from 8 on.
  if (addressOf(at) % std::min(size, 8u)) [[unlikely]]
    misaligned(addressOf(at), size);
  if constexpr (size >= 4)
    currentBlock->fast<size, isWrite>(addressOf(at),
                                      __builtin_return_address(0));
  else
    currentBlock->access<isWrite>(addressOf(at), size,
                                  __builtin_return_address(0));
}
template <unsigned size, bool isWrite> void unaligned(void *at) {
  currentBlock->access<isWrite>(addressOf(at), size,
                                __builtin_return_address(0));
}
template <unsigned size> void readWrite(void *at) {
  currentBlock->checkRange(addressOf(at), size, false);
  currentBlock->checkRange(addressOf(at), size, true);
}

void *copyBytes(void *to, const void *from, size_t bytes) {
  if (bytes == 16) { // what vectors are moved by
    auto *caller = static_cast<const char *>(__builtin_return_address(0));
    currentBlock->fast<16, false>(addressOf(from), caller);
    currentBlock->fast<16, true>(addressOf(to), caller + 4);
    return std::memcpy(to, from, 16);
  }
  currentBlock->checkRange(addressOf(from), bytes, false);
  currentBlock->checkRange(addressOf(to), bytes, true);
  return std::memcpy(to, from, bytes);
}
void *moveBytes(void *to, const void *from, size_t bytes) {
  currentBlock->checkRange(addressOf(from), bytes, false);
  currentBlock->checkRange(addressOf(to), bytes, true);
  return std::memmove(to, from, bytes);
}
void *setBytes(void *to, int value, size_t bytes) {
  currentBlock->checkRange(addressOf(to), bytes, true);
  return std::memset(to, value, bytes);
}
void nothing() {}

//===----------------------------------------------------------------------===//
// Atomics of the language
//===----------------------------------------------------------------------===//

template <typename T> void checkAtomic(const volatile T *at) {
  if (addressOf(at) % sizeof(T))
    misaligned(addressOf(at), sizeof(T));
  currentBlock->checkRange(addressOf(at), sizeof(T), true, true);
}
template <typename T> struct Atomic {
  static T load(const volatile T *at, int) {
    checkAtomic(at);
    return __atomic_load_n(at, __ATOMIC_RELAXED);
  }
  static void store(volatile T *at, T value, int) {
    checkAtomic(at);
    __atomic_store_n(at, value, __ATOMIC_RELAXED);
  }
  static T exchange(volatile T *at, T value, int) {
    checkAtomic(at);
    return __atomic_exchange_n(at, value, __ATOMIC_RELAXED);
  }
  static T add(volatile T *at, T value, int) {
    checkAtomic(at);
    return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);
  }
  static T sub(volatile T *at, T value, int) {
    checkAtomic(at);
    return __atomic_fetch_sub(at, value, __ATOMIC_RELAXED);
  }
  static T bitAnd(volatile T *at, T value, int) {
    checkAtomic(at);
    return __atomic_fetch_and(at, value, __ATOMIC_RELAXED);
  }
  static T bitOr(volatile T *at, T value, int) {
    checkAtomic(at);
    return __atomic_fetch_or(at, value, __ATOMIC_RELAXED);
  }
  static T bitXor(volatile T *at, T value, int) {
    checkAtomic(at);
    return __atomic_fetch_xor(at, value, __ATOMIC_RELAXED);
  }
  static T compareExchange(volatile T *at, T wanted, T value, int, int) {
    checkAtomic(at);
    __atomic_compare_exchange_n(at, &wanted, value, false, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
    return wanted;
  }
};

//===----------------------------------------------------------------------===//
// The functions of device.h
//===----------------------------------------------------------------------===//

long long blockIndex() { return currentBlock->index; }
long long gridSize() { return currentBlock->launch->launch->tiles; }
int threadIndex() { return int(currentBlock->threadIndex); }

void *shared(const void *place, unsigned long long bytes, const char *name) {
  return currentBlock->shared(place, bytes, name);
}
void *dynamicShared() { return currentBlock->dynamicShared(); }

void barrier(const char *file, int line) {
  currentBlock->waitForBlock(file, line);
}
void warpBarrier(const char *file, int line) {
  currentBlock->waitForWarpBarrier(file, line);
}
unsigned long long shuffle(unsigned long long bits, int by, int kind,
                           const char *file, int line) {
  return currentBlock->shuffle(bits, by, kind, file, line);
}
unsigned ballot(bool value, const char *file, int line) {
  return currentBlock->ballot(value, file, line);
}

template <typename T> T update(T *at, T value, int op) {
  checkAtomic(at);
  switch (op) {
  case 0:
    return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);
  case 3:
    return __atomic_fetch_or(at, value, __ATOMIC_RELAXED);
  }
  T old = __atomic_load_n(at, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(
      at, &old, op == 1 ? std::max(old, value) : std::min(old, value), false,
      __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return old;
}
unsigned long long atomic(void *to, unsigned long long value, int op, int bytes,
                          bool isSigned) {
  if (bytes == 4)
    return isSigned ? uint64_t(int64_t(update(static_cast<int32_t *>(to),
                                              int32_t(value), op)))
                    : update(static_cast<uint32_t *>(to), uint32_t(value), op);
  return isSigned
             ? uint64_t(update(static_cast<int64_t *>(to), int64_t(value), op))
             : update(static_cast<uint64_t *>(to), uint64_t(value), op);
}

void copyAsync(void *to, const void *from, int valid) {
  currentBlock->copyAsync(to, from, valid);
}
void commitCopies() { currentBlock->commitCopies(); }
void waitCopies(int groups) { currentBlock->waitCopies(groups); }
void vectorMisaligned(const void *at, int bytes) {
  misaligned(addressOf(at), uint64_t(bytes));
}
void mma(float *d, const unsigned *a, const unsigned *b, int kind,
         const char *file, int line) {
  currentBlock->multiplyMatrices(d, a, b, kind, file, line);
}
void loadMatrix(unsigned *r, const void *row, bool transposed, const char *file,
                int line) {
  currentBlock->loadMatrix(r, row, transposed, file, line);
}

/// What clang says of an index: the place in the text, and the type "'T[4]'".
struct IndexSite {
  const char *file;
  uint32_t line, column;
  const struct {
    uint16_t kind, info;
    char name[1];
  } *array;
};
void outOfBounds(const IndexSite *site, uintptr_t index) {
  currentBlock->violate([&] {
    std::string_view file = site->file;
    return "index " + std::to_string(static_cast<intptr_t>(index)) +
           " is outside of an array " + site->array->name + ", at " +
           std::string(file.substr(file.rfind('/') + 1)) + ":" +
           std::to_string(site->line);
  });
}

template <typename F> void *address(F *function) {
  return reinterpret_cast<void *>(function);
}

using Float1 = float (*)(float);
using Float2 = float (*)(float, float);
using Float3 = float (*)(float, float, float);
using Double1 = double (*)(double);
using Double2 = double (*)(double, double);
using Double3 = double (*)(double, double, double);

} // namespace

std::span<const ElfImport> imports() {
#define READ_WRITE(N)                                                          \
  {"__tsan_read" #N, address(aligned<N, false>)},                              \
      {"__tsan_write" #N, address(aligned<N, true>)},                          \
      {"__tsan_volatile_read" #N, address(aligned<N, false>)},                 \
      {"__tsan_volatile_write" #N, address(aligned<N, true>)},                 \
      {"__tsan_unaligned_read" #N, address(unaligned<N, false>)},              \
      {"__tsan_unaligned_write" #N, address(unaligned<N, true>)},              \
      {"__tsan_read_write" #N, address(readWrite<N>)},                         \
      {"__tsan_unaligned_read_write" #N, address(readWrite<N>)}
#define ATOMIC(BITS)                                                           \
  {"__tsan_atomic" #BITS "_load", address(Atomic<uint##BITS##_t>::load)},      \
      {"__tsan_atomic" #BITS "_store",                                         \
       address(Atomic<uint##BITS##_t>::store)},                                \
      {"__tsan_atomic" #BITS "_exchange",                                      \
       address(Atomic<uint##BITS##_t>::exchange)},                             \
      {"__tsan_atomic" #BITS "_fetch_add",                                     \
       address(Atomic<uint##BITS##_t>::add)},                                  \
      {"__tsan_atomic" #BITS "_fetch_sub",                                     \
       address(Atomic<uint##BITS##_t>::sub)},                                  \
      {"__tsan_atomic" #BITS "_fetch_and",                                     \
       address(Atomic<uint##BITS##_t>::bitAnd)},                               \
      {"__tsan_atomic" #BITS "_fetch_or",                                      \
       address(Atomic<uint##BITS##_t>::bitOr)},                                \
      {"__tsan_atomic" #BITS "_fetch_xor",                                     \
       address(Atomic<uint##BITS##_t>::bitXor)},                               \
      {"__tsan_atomic" #BITS "_compare_exchange_val",                          \
       address(Atomic<uint##BITS##_t>::compareExchange)}
#define MATH1(NAME) {"actnet_toy_" #NAME, address(Float1(::NAME))}
#define MATH2(NAME) {"actnet_toy_" #NAME, address(Float2(::NAME))}
#define DOUBLE1(NAME) {"actnet_toy_" #NAME, address(Double1(::NAME))}
#define DOUBLE2(NAME)                                                          \
  {                                                                            \
    "actnet_toy_" #NAME, address(Double2(::NAME))                              \
  }
  static const std::vector<ElfImport> sorted = [] {
    std::vector<ElfImport> all = {
        READ_WRITE(1),
        READ_WRITE(2),
        READ_WRITE(4),
        READ_WRITE(8),
        READ_WRITE(16),
        ATOMIC(8),
        ATOMIC(16),
        ATOMIC(32),
        ATOMIC(64),
        {"__tsan_memcpy", address(copyBytes)},
        {"__tsan_memmove", address(moveBytes)},
        {"__tsan_memset", address(setBytes)},
        {"__tsan_init", address(nothing)},
        {"__ubsan_handle_out_of_bounds_abort", address(outOfBounds)},
        {"actnet_toy_block_index", address(blockIndex)},
        {"actnet_toy_grid_size", address(gridSize)},
        {"actnet_toy_thread_index", address(threadIndex)},
        {"actnet_toy_shared", address(shared)},
        {"actnet_toy_dynamic_shared", address(dynamicShared)},
        {"actnet_toy_barrier", address(barrier)},
        {"actnet_toy_warp_barrier", address(warpBarrier)},
        {"actnet_toy_shuffle", address(shuffle)},
        {"actnet_toy_ballot", address(ballot)},
        {"actnet_toy_atomic", address(atomic)},
        {"actnet_toy_copy_async", address(copyAsync)},
        {"actnet_toy_commit_copies", address(commitCopies)},
        {"actnet_toy_wait_copies", address(waitCopies)},
        {"actnet_toy_misaligned", address(vectorMisaligned)},
        {"actnet_toy_mma", address(mma)},
        {"actnet_toy_load_matrix", address(loadMatrix)},
        MATH1(acosf),
        MATH1(acoshf),
        MATH1(asinf),
        MATH1(asinhf),
        MATH1(atanf),
        MATH1(atanhf),
        MATH1(cbrtf),
        MATH1(ceilf),
        MATH1(cosf),
        MATH1(coshf),
        MATH1(erfcf),
        MATH1(erff),
        MATH1(exp2f),
        MATH1(expf),
        MATH1(expm1f),
        MATH1(floorf),
        MATH1(log10f),
        MATH1(log1pf),
        MATH1(log2f),
        MATH1(logf),
        MATH1(rintf),
        MATH1(roundf),
        MATH1(sinf),
        MATH1(sinhf),
        MATH1(tanf),
        MATH1(tanhf),
        MATH1(truncf),
        MATH2(atan2f),
        MATH2(fmodf),
        MATH2(powf),
        DOUBLE1(acos),
        DOUBLE1(acosh),
        DOUBLE1(asin),
        DOUBLE1(asinh),
        DOUBLE1(atan),
        DOUBLE1(atanh),
        DOUBLE1(cbrt),
        DOUBLE1(ceil),
        DOUBLE1(cos),
        DOUBLE1(cosh),
        DOUBLE1(erfc),
        DOUBLE1(erf),
        DOUBLE1(exp2),
        DOUBLE1(exp),
        DOUBLE1(expm1),
        DOUBLE1(floor),
        DOUBLE1(log10),
        DOUBLE1(log1p),
        DOUBLE1(log2),
        DOUBLE1(log),
        DOUBLE1(rint),
        DOUBLE1(round),
        DOUBLE1(sin),
        DOUBLE1(sinh),
        DOUBLE1(tan),
        DOUBLE1(tanh),
        DOUBLE1(trunc),
        DOUBLE2(atan2),
        DOUBLE2(fmod),
        DOUBLE2(pow),
        {"actnet_toy_fmaf", address(Float3(::fmaf))},
        {"actnet_toy_fma", address(Double3(::fma))},
    };
    std::sort(
        all.begin(), all.end(),
        [](const ElfImport &a, const ElfImport &b) { return a.name < b.name; });
    return all;
  }();
#undef READ_WRITE
#undef ATOMIC
#undef MATH1
#undef MATH2
#undef DOUBLE1
#undef DOUBLE2
  return sorted;
}

} // namespace actnet::rt::toy
