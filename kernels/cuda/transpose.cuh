//===- transpose.cuh - elementwise kernels that turn an operand -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One operand lies in memory along another dim (a) than the results (c). Read
// along c, neighbouring lanes would be far apart; so a tile of both dims is
// read along a and written along c, by way of shared memory.
//
//   block    a tile of 32 by 32 results of one outer index: tile b has
//            (outer, a, c) number b, c counting fastest
//   warp     w: reads the columns c = w, w + 8 …, its lanes along a; writes the
//            rows a = w, w + 8 …, its lanes along c
//   thread   4 elements each way
//
// A row of the tile in shared memory is 33 elements: the 32 lanes that read
// down a column are in 32 different banks, whatever the size of an element.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_TRANSPOSE_CUH
#define ACTNET_KERNELS_CUDA_TRANSPOSE_CUH

#include "scalar.h"

namespace actnet {

inline constexpr int kTransposeThreads = 256;
inline constexpr int kTransposeTile = 32;

/// tile.load(o, a, c) is the operand's element for a result, of type T;
/// tile.write(o, a, c, x) gets it and writes that result.
template <class T, class Tile>
ACTNET_DEVICE void transposeTile(const Tile &tile, i64 sizeA, i64 sizeC) {
  constexpr int kPitch = kTransposeTile + 1,
                kStep = kTransposeThreads / kTransposeTile;
  ACTNET_SHARED(T, staged, kTransposeTile * kPitch);
  const i64 tilesA = (sizeA + kTransposeTile - 1) / kTransposeTile,
            tilesC = (sizeC + kTransposeTile - 1) / kTransposeTile;
  const i64 o = blockIndex() / tilesC / tilesA;
  const i64 firstA = blockIndex() / tilesC % tilesA * kTransposeTile;
  const i64 firstC = blockIndex() % tilesC * kTransposeTile;
  const int lane = threadIndex() % kTransposeTile,
            warp = threadIndex() / kTransposeTile;
  ACTNET_UNROLL
  for (int column = warp; column < kTransposeTile; column += kStep)
    if (const i64 a = firstA + lane, c = firstC + column;
        a < sizeA && c < sizeC)
      staged[column * kPitch + lane] = tile.load(o, a, c);
  barrier();
  ACTNET_UNROLL
  for (int row = warp; row < kTransposeTile; row += kStep)
    if (const i64 a = firstA + row, c = firstC + lane; a < sizeA && c < sizeC)
      tile.write(o, a, c, staged[lane * kPitch + row]);
}

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_TRANSPOSE_CUH
