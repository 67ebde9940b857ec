//===- Kernels.cu - the suite's kernels for devices that run CUDA text ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernels of Kernels.c; a tile is a block of one warp.
//
//===----------------------------------------------------------------------===//
#include "device.h"

namespace actnet {

// a + b -> c over n floats, `perTile` a tile.
ACTNET_KERNEL(32)
add(const float *__restrict__ a, const float *__restrict__ b,
    float *__restrict__ c, i64 n, i64 perTile) {
  const i64 end = (blockIndex() + 1) * perTile;
  for (i64 i = blockIndex() * perTile + threadIndex(); i < end && i < n;
       i += 32)
    c[i] = a[i] + b[i];
}
ACTNET_ENTRY(add)

// Counts each tile in a word of its own.
ACTNET_KERNEL(32) count(u32 *counts) {
  if (threadIndex() == 0)
    counts[blockIndex()] += 1;
}
ACTNET_ENTRY(count)

// Fills `bytes` of the block's shared memory with the tile's number, `rounds`
// times over, and writes how many it finds changed by somebody else.
ACTNET_KERNEL(32) useScratch(u32 *changed, i64 bytes, i64 rounds) {
  ACTNET_SHARED(u8, mine, 5000);
  ACTNET_SHARED(u32, found, 32);
  u32 own = 0;
  for (i64 round = 0; round < rounds; ++round) {
    const u8 value = static_cast<u8>(blockIndex() + round);
    for (i64 i = threadIndex(); i < bytes; i += 32)
      mine[i] = value;
    barrier();
    for (i64 i = threadIndex(); i < bytes; i += 32)
      own += mine[bytes - 1 - i] != value;
    barrier();
  }
  found[threadIndex()] = own;
  warpBarrier();
  if (threadIndex() == 0) {
    for (int lane = 1; lane < 32; ++lane)
      own += found[lane];
    changed[blockIndex()] = own;
  }
}
ACTNET_ENTRY(useScratch)

// Adds one to a word, or doubles it, `times` times.
ACTNET_KERNEL(32) apply(i64 *word, i64 which, i64 times) {
  volatile i64 *at = word;
  if (threadIndex() == 0)
    for (i64 i = 0; i < times; ++i)
      *at = which & 1 ? *at * 2 : *at + 1;
}
ACTNET_ENTRY(apply)

// word = word * factor + term; order matters.
ACTNET_KERNEL(32) step(u64 *word, i64 factor, i64 term) {
  if (threadIndex() == 0)
    *word = *word * static_cast<u64>(factor) + static_cast<u64>(term);
}
ACTNET_ENTRY(step)

// There is one variant.
ACTNET_KERNEL(32) level(u32 *result) {
  if (threadIndex() == 0)
    *result = 1;
}
ACTNET_ENTRY(level)

// Writes far behind its operand.
ACTNET_KERNEL(32) stray(u32 *at, i64 offset) {
  if (threadIndex() == 0)
    at[offset] = 1;
}
ACTNET_ENTRY(stray)

} // namespace actnet
