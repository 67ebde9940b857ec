//===- map.cuh - elementwise kernels --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The elements of the results are counted through in row-major order.
//
//   block    256 N V elements in a row: tile b has b * 256 N V and on
//   warp     N times 32 V elements in a row: its 32 accesses to one operand are
//            one piece of memory where the operand is contiguous there
//   thread   N times V elements in a row, 256 V apart: one access of 16 bytes
//            each where operands are contiguous and aligned
//
// Where an operand turns out not to be aligned, thread t has the elements t,
// t + 256, t + 512 … of the tile instead, one by one. Only the last tile is cut
// short. Nothing is shared and nobody waits.
//
// The generated functor computes V elements from the number of the first: it
// knows the operands, turns the number into indices and writes the results.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_MAP_CUH
#define ACTNET_KERNELS_CUDA_MAP_CUH

#include "vector.h"

namespace actnet {

inline constexpr int kMapThreads = 256;

/// Calls elements.run<V>(i) for every V elements from i < count on that belong
/// to a tile, elements.run<1>(i) for what is left or where accesses must not be
/// wide.
template <int V, int N, class Elements>
ACTNET_DEVICE void mapTile(const Elements &elements, i64 tile, i64 count,
                           bool isWide) {
  const i64 first = tile * (kMapThreads * N * V);
  if (V != 1 && isWide) {
    ACTNET_UNROLL
    for (int n = 0; n < N; ++n) {
      i64 i = first + (n * kMapThreads + threadIndex()) * V;
      if (i + V <= count)
        elements.template run<V>(i);
      else
        for (; i < count; ++i)
          elements.template run<1>(i);
    }
  } else {
    ACTNET_UNROLL
    for (int n = 0; n < N * V; ++n)
      if (const i64 i = first + n * kMapThreads + threadIndex(); i < count)
        elements.template run<1>(i);
  }
}

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_MAP_CUH
