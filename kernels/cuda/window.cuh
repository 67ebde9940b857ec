//===- window.cuh - pooling and depthwise convolutions --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each result combines a small window of elements; channels are innermost.
//
//   block    256 V results in a row: tile b has b * 256 V and on
//   warp     32 V results in a row: for each place of the window, its accesses
//            are one piece of memory
//   thread   V neighbouring results, that is channels of one pixel: it walks
//            over the window and combines in its order
//
// Windows overlap: what neighbours have read is in the caches. Nothing is
// shared and nobody waits.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_WINDOW_CUH
#define ACTNET_KERNELS_CUDA_WINDOW_CUH

#include "map.cuh"

namespace actnet {

/// Calls results.run<V>(i) for every V results from i < count on, run<1>(i)
/// where accesses must not be wide.
template <int V, class Results>
ACTNET_DEVICE void windowTile(const Results &results, i64 count, bool isWide) {
  mapTile<V, 1>(results, blockIndex(), count, isWide);
}

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_WINDOW_CUH
