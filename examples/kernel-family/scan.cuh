//===- scan.cuh - running sums of rows ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernel family of docs/kernel-family.md: element c of a row's result is
// the sum of the row's elements up to c.
//
//   block    one row: tile b is row b; it goes along the row in chunks of 256
//   warp     columns 32 w to 32 w + 31 of a chunk, summed up by shuffles
//   thread   one column of a chunk
//
// The order of additions depends on the number of columns alone, so the bits
// are always the same.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_EXAMPLES_KERNEL_FAMILY_SCAN_CUH
#define ACTNET_EXAMPLES_KERNEL_FAMILY_SCAN_CUH

#include "device.h"

namespace actnet {

inline constexpr int kScanThreads = 256;
inline constexpr int kScanWarps = kScanThreads / kWarpSize;

/// Calls store(c, load(0) + … + load(c)) for all columns c of this block's row.
template <class Load, class Store>
ACTNET_DEVICE void scanRow(i64 columns, const Load &load, const Store &store) {
  ACTNET_SHARED(float, warpSums, kScanWarps);
  const int lane = threadIndex() % kWarpSize;
  const int warp = threadIndex() / kWarpSize;
  float before = 0.0f; // the sum of all chunks so far
  for (i64 chunk = 0; chunk < columns; chunk += kScanThreads) {
    const i64 c = chunk + threadIndex();
    float sum = c < columns ? load(c) : 0.0f;
    for (int step = 1; step < kWarpSize; step *= 2) {
      const float other = shuffle(sum, (lane - step) & (kWarpSize - 1));
      if (lane >= step)
        sum += other;
    }
    if (lane == kWarpSize - 1)
      warpSums[warp] = sum;
    barrier(); // all warps' sums are there
    float total = 0.0f, own = before;
    for (int w = 0; w < kScanWarps; ++w) {
      if (w < warp)
        own += warpSums[w];
      total += warpSums[w];
    }
    if (c < columns)
      store(c, own + sum);
    before += total;
    barrier(); // the next chunk writes the sums anew
  }
}

} // namespace actnet

#endif // ACTNET_EXAMPLES_KERNEL_FAMILY_SCAN_CUH
