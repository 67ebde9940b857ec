//===- Shadow.h - what is known of every byte while a kernel runs ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Happens-before is simple on a GPU: barrier() orders all of a block,
// warpBarrier() all of a warp, and blocks of a launch are never ordered. So a
// block counts its synchronisations, and an access is stamped with its block,
// its thread and that count. An earlier access is ordered before one of now if
// it was made by the same thread, or by the same warp before the warp last
// synchronised, or by the same block before the block last did.
//
// A cell keeps the last write and the last reads. Reads that are not ordered
// among each other can't be kept one by one; they are joined to "several
// lanes", "several warps" or "several blocks", at the time of the latest,
// which loses nothing: whatever is not ordered after all of them is a race.
// Atomics, which do not race with each other, are joined alike.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_RUNTIME_DEVICE_TOY_SHADOW_H
#define ACTNET_LIB_RUNTIME_DEVICE_TOY_SHADOW_H

#include "actnet/Runtime/Device/ToyEngine.h"

#include <atomic>
#include <memory>
#include <vector>

namespace actnet::rt::toy {

/// From high to low: block (31 bits), thread (10), level (2), atomic (1), time
/// (20); 0 means never, because time begins at 1.
using Stamp = uint64_t;

/// Who made the accesses that a stamp stands for.
enum class Level : unsigned { thread, warp, block, grid };

inline constexpr unsigned timeBits = 20, threadBits = 10;
inline constexpr Stamp longestTime = (Stamp(1) << timeBits) - 1;
inline constexpr Stamp atomicBit = Stamp(1) << timeBits;
inline constexpr unsigned levelShift = timeBits + 1;
inline constexpr unsigned threadShift = levelShift + 2;
inline constexpr unsigned blockShift = threadShift + threadBits;

inline Stamp makeStamp(uint64_t block, unsigned thread, Level level,
                       uint64_t time) {
  return block << blockShift | Stamp(thread) << threadShift |
         Stamp(level) << levelShift | time;
}
inline uint64_t blockOf(Stamp s) { return s >> blockShift; }
inline unsigned threadOf(Stamp s) {
  return unsigned(s >> threadShift) & ((1u << threadBits) - 1);
}
inline Level levelOf(Stamp s) { return Level(unsigned(s >> levelShift) & 3); }
inline uint64_t timeOf(Stamp s) { return s & longestTime; }

struct Cell {
  uint64_t write;
  uint64_t reads;
};

// Blocks on other threads touch the same cells and bytes.
template <typename T> inline T loadRelaxed(const T *at) {
  return __atomic_load_n(at, __ATOMIC_RELAXED);
}
template <typename T> inline void storeRelaxed(T *at, T value) {
  __atomic_store_n(at, value, __ATOMIC_RELAXED);
}

/// The state of a byte, one byte each.
inline constexpr uint8_t neverWritten = 0, written = 1, inFlight = 2;

/// Zeroed memory by page, given back on destruction. Move-only.
class Pages {
public:
  Pages() = default;
  explicit Pages(uint64_t bytes);
  Pages(Pages &&other) noexcept
      : base(std::exchange(other.base, nullptr)),
        length(std::exchange(other.length, 0)) {}
  Pages &operator=(Pages &&other) noexcept {
    std::swap(base, other.base);
    std::swap(length, other.length);
    return *this;
  }
  ~Pages();
  void *data() const { return base; }
  explicit operator bool() const { return base; }

private:
  void *base = nullptr;
  uint64_t length = 0;
};

/// A range that kernels may touch, all of it in the same way.
struct Region {
  uintptr_t base = 0;
  uint64_t bytes = 0;
  Access access = Access::none;
  /// State of each byte.
  uint8_t *states = nullptr;
  /// One cell for each 4 bytes, from an address that is a multiple of 4; null
  /// where nobody writes.
  Cell *words = nullptr;
  /// One cell a byte, for accesses of less than 4 bytes.
  Cell *small = nullptr;
  /// Set by the first of those.
  uint8_t *hasSmall = nullptr;
  /// The address of the first cell.
  uintptr_t cellBase = 0;
  /// The operand, or -1; else an allocation or a shared array.
  int operand = -1;
  /// Of a shared array.
  const char *name = nullptr;
  const void *place = nullptr;

  bool holds(uintptr_t at, uint64_t size) const {
    uint64_t offset = at - base;
    return offset < bytes && size <= bytes - offset;
  }
};

/// The regions of one launch that are device memory, and their cells.
struct RegionTable {
  /// By ascending address, without overlap.
  std::vector<Region> regions;
  std::vector<Pages> cells;
  /// Whose `hasSmall` the regions name; one for each piece of cells.
  std::vector<std::unique_ptr<uint8_t>> flags;
};

} // namespace actnet::rt::toy

#endif // ACTNET_LIB_RUNTIME_DEVICE_TOY_SHADOW_H
