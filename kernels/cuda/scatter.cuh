//===- scatter.cuh - writes at indices ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The result is a stack of matrices, (o, r, i); updates come with the row r
// that they belong to. Several updates may mean the same element: they must
// reach it one after the other, in their order, with no atomics. So every
// element has one owner, and each owner walks through all the updates of its
// column and takes those that are its own.
//
//   block    Z matrices, some rows, X columns: tile b has (matrices, rows,
//            columns) number b, columns counting fastest
//   warp     32 threads, neighbours along the columns: what they read and
//            write of a row is one piece of memory
//   thread   (x, y, z): of one matrix and column, the rows y, y + Y, y + 2 Y …
//            of the block's
//
// A thread first brings what data holds in its rows, unless the result is
// data's own memory. It reads back only what it wrote itself, so nothing is
// shared and nobody waits. An index outside the matrix is nobody's: the update
// is left out.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_SCATTER_CUH
#define ACTNET_KERNELS_CUDA_SCATTER_CUH

#include "scalar.h"

namespace actnet {

/// The extents of the result and of the updates, and the rows of a block.
struct ScatterSizes {
  i64 outers, rows, columns, updates, rowsOfBlock;
};

/// scatter.isInPlace() says whether the result is data already;
/// scatter.copy(o, r, i) brings one element; scatter.row(o, u, i) is the row of
/// update u as it stands there, below zero from the end; scatter.update(o, r,
/// i, u) applies that update.
template <int X, int Y, int Z, class Scatter>
ACTNET_DEVICE void scatterTile(const Scatter &scatter,
                               const ScatterSizes &sizes) {
  const i64 blocksI = (sizes.columns + X - 1) / X,
            blocksR = (sizes.rows + sizes.rowsOfBlock - 1) / sizes.rowsOfBlock;
  const int x = threadIndex() % X, y = threadIndex() / X % Y,
            z = threadIndex() / (X * Y);
  const i64 o = blockIndex() / blocksI / blocksR * Z + z;
  const i64 first = blockIndex() / blocksI % blocksR * sizes.rowsOfBlock;
  const i64 last = minimum(first + sizes.rowsOfBlock, sizes.rows);
  const i64 i = blockIndex() % blocksI * X + x;
  if (o >= sizes.outers || i >= sizes.columns)
    return;
  if (!scatter.isInPlace())
    for (i64 r = first + y; r < last; r += Y)
      scatter.copy(o, r, i);
  for (i64 u = 0; u < sizes.updates; ++u) {
    i64 r = scatter.row(o, u, i);
    r = r < 0 ? r + sizes.rows : r;
    if (r >= first && r < last && (r - first) % Y == y)
      scatter.update(o, r, i, u);
  }
}

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_SCATTER_CUH
