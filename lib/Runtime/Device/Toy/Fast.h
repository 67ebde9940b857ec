//===- Fast.h - the usual access, checked in line -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nearly all accesses are of 4 to 16 aligned bytes, touch the region that the
// same instruction touched last, and meet cells that an ordered access left.
// They are done here; whatever is unusual, wrong or not known goes to
// Block::access, which begins anew.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_RUNTIME_DEVICE_TOY_FAST_H
#define ACTNET_LIB_RUNTIME_DEVICE_TOY_FAST_H

#include "Block.h"

namespace actnet::rt::toy {

inline bool Block::ordered(Stamp s) const {
  if (blockOf(s) != uint64_t(index))
    return false;
  unsigned other = threadOf(s);
  bool sameWarp = other / warpSize == threadIndex / warpSize;
  switch (levelOf(s)) {
  case Level::thread:
    return other == threadIndex || timeOf(s) < (sameWarp ? warpSync : lastSync);
  case Level::warp:
    return timeOf(s) < (sameWarp ? warpSync : lastSync);
  case Level::block:
    return timeOf(s) < lastSync;
  case Level::grid:
    break;
  }
  return false;
}

/// True if reads that are joined already stand for one of now.
inline bool Block::covers(Stamp reads) const {
  Level level = levelOf(reads);
  if (level == Level::grid)
    return true;
  if (blockOf(reads) != uint64_t(index) || timeOf(reads) != time)
    return false;
  return level == Level::block ||
         (level == Level::warp &&
          threadOf(reads) / warpSize == threadIndex / warpSize);
}

template <unsigned size, bool isWrite>
inline void Block::fast(uintptr_t at, const void *caller) {
  static_assert(size == 4 || size == 8 || size == 16);
  const Region *region = hints[reinterpret_cast<uintptr_t>(caller) >> 2 & 63];
  if (!region || !region->holds(at, size) || at % 4 ||
      region->access == (isWrite ? Access::read : Access::write) ||
      (isWrite && flying)) [[unlikely]]
    return access<isWrite>(at, size, caller);
  auto *states =
      reinterpret_cast<uint32_t *>(region->states + (at - region->base));
  constexpr uint32_t ones = 0x01010101;
  if constexpr (!isWrite)
    for (unsigned i = 0; i < size / 4; ++i)
      if (loadRelaxed(states + i) != ones) [[unlikely]]
        return access<isWrite>(at, size, caller);
  if (region->words) {
    if (loadRelaxed(region->hasSmall)) [[unlikely]]
      return access<isWrite>(at, size, caller);
    Cell *cells = region->words + (at - region->cellBase) / 4;
    for (unsigned i = 0; i < size / 4; ++i) {
      Stamp write = loadRelaxed(&cells[i].write);
      Stamp reads = loadRelaxed(&cells[i].reads);
      if (write && write != stamp && !ordered(write)) [[unlikely]]
        return access<isWrite>(at, size, caller);
      if constexpr (isWrite) {
        if (reads && reads != stamp && !ordered(reads)) [[unlikely]]
          return access<isWrite>(at, size, caller);
        storeRelaxed(&cells[i].write, stamp);
      } else if (reads != stamp) {
        if (!reads || ordered(reads))
          storeRelaxed(&cells[i].reads, stamp);
        else if (!covers(reads))
          return access<isWrite>(at, size, caller);
      }
    }
  }
  if constexpr (isWrite)
    for (unsigned i = 0; i < size / 4; ++i)
      storeRelaxed(states + i, ones);
}

} // namespace actnet::rt::toy

#endif // ACTNET_LIB_RUNTIME_DEVICE_TOY_FAST_H
