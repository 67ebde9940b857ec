//===- row.cuh - softmax, norms and their like ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each row is reduced, perhaps several times, and written once all of its
// reductions are known.
//
//   block    one row: tile b is row b
//   warp     columns 32 w to 32 w + 31, and every 256 further: neighbouring
//            lanes read neighbouring columns
//   thread   columns t, t + 256, t + 512 …, which it combines by itself, in
//            that order
//
// A reduction has three steps, in an order that depends on nothing but the
// number of columns, so that the bits are always the same: each thread over
// its columns; the lanes of a warp, pairwise, by shuffles; the warps, one
// after the other, through shared memory.
//
// The generated functor is called once a row with a RowBlock. It asks for
// reductions with `reduce`, whose argument is the value of one column, and
// writes results with `each` (a column) and `once` (the row).
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_ROW_CUH
#define ACTNET_KERNELS_CUDA_ROW_CUH

#include "scalar.h"

namespace actnet {

inline constexpr int kRowThreads = 256;
inline constexpr int kRowWarps = kRowThreads / kWarpSize;

/// The threads of a block at work on one row. All threads must make the same
/// calls in the same order.
class RowBlock {
public:
  /// Combines value(c) of all columns c; every thread gets the result.
  template <class Combine, class Value>
  ACTNET_DEVICE auto reduce(i64 columns, const Value &value) {
    using T = decltype(value(i64(0)));
    T own = Combine::template identity<T>();
    for (i64 c = threadIndex(); c < columns; c += kRowThreads)
      own = Combine::combine(own, value(c));
    return combineThreads<Combine>(own);
  }

  /// Calls column(c) for all columns c.
  template <class Column>
  ACTNET_DEVICE void each(i64 columns, const Column &column) {
    for (i64 c = threadIndex(); c < columns; c += kRowThreads)
      column(c);
  }

  /// Calls write() in one thread.
  template <class Write> ACTNET_DEVICE void once(const Write &write) {
    if (threadIndex() == 0)
      write();
  }

private:
  template <class Combine, class T> ACTNET_DEVICE T combineThreads(T value) {
    ACTNET_SHARED(T, partial, kRowWarps);
    for (int mask = kWarpSize / 2; mask > 0; mask /= 2)
      value = Combine::combine(value, shuffleXor(value, mask));
    if (threadIndex() % kWarpSize == 0)
      partial[threadIndex() / kWarpSize] = value;
    barrier();
    T all = partial[0];
    for (int warp = 1; warp < kRowWarps; ++warp)
      all = Combine::combine(all, partial[warp]);
    // The next reduction may use the same shared memory.
    barrier();
    return all;
  }
};

/// Calls row(block, r) for the row r of this block.
template <class Row> ACTNET_DEVICE void rowTile(const Row &row) {
  RowBlock block;
  row(block, blockIndex());
}

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_ROW_CUH
