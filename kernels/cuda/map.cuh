//===- map.cuh - elementwise kernels --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The elements of the results are counted through in row-major order.
//
//   block    kMapTile = 1024 elements in a row: tile b has b * 1024 and on
//   warp     4 times 32 elements in a row: its 32 loads of one operand are one
//            access to memory where the operand is contiguous there
//   thread   4 elements, 256 apart: thread t has t, t + 256, t + 512, t + 768
//
// Only the last tile is cut short, by a comparison an element. Nothing is
// shared and nobody waits.
//
// The generated functor computes one element from its number: it knows the
// operands, turns the number into indices and writes the results.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_MAP_CUH
#define ACTNET_KERNELS_CUDA_MAP_CUH

#include "scalar.h"

namespace actnet {

inline constexpr int kMapThreads = 256;
inline constexpr int kMapPerThread = 4;
inline constexpr int kMapTile = kMapThreads * kMapPerThread;

/// Calls element(i) for the elements i < count of this block's tile.
template <class Element>
ACTNET_DEVICE void mapTile(const Element &element, i64 count) {
  const i64 first = blockIndex() * kMapTile + threadIndex();
#pragma unroll
  for (int k = 0; k < kMapPerThread; ++k)
    if (const i64 i = first + k * kMapThreads; i < count)
      element(i);
}

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_MAP_CUH
