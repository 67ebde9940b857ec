//===- row.cuh - softmax, norms and their like ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each row is reduced, perhaps several times, and written once all of its
// reductions are known. What several of these passes need is read once and
// stays on the chip.
//
//   block    one long row, or a short one for each of its warps: tile b has the
//            rows from b * (rows a block) on
//   warp     32 V columns in a row of each step: neighbouring lanes access
//            neighbouring columns
//   thread   the V columns from V t on and every T V further, T threads a row:
//            N such vectors in registers; what lies beyond is read again, or
//            kept in the block's dynamic shared memory
//
// A reduction has three steps, in an order that depends on nothing but the
// shape, so that the bits are always the same: each thread over its columns;
// the lanes of a warp, pairwise, by shuffles; the warps, one after the other,
// through shared memory.
//
// The generated functor is called once a row with the threads of that row. It
// keeps columns with `keep`, reduces with `reduceRow` and writes in
// `eachColumn` and `once`; in these, n is the number of the vector at column c
// among those in registers, a constant once loops are laid out.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_ROW_CUH
#define ACTNET_KERNELS_CUDA_ROW_CUH

#include "vector.h"

namespace actnet {

/// The lanes of a warp at work on one row; a block has rows for each warp.
template <int kThreads> struct WarpTeam {
  static constexpr int kSize = kWarpSize, kRows = kThreads / kWarpSize;
  static ACTNET_DEVICE int rank() { return threadIndex() % kWarpSize; }
  static ACTNET_DEVICE i64 row() {
    return blockIndex() * kRows + threadIndex() / kWarpSize;
  }
  template <class Combine, class T> static ACTNET_DEVICE T combine(T value) {
    ACTNET_UNROLL
    for (int mask = kWarpSize / 2; mask > 0; mask /= 2)
      value = Combine::combine(value, shuffleXor(value, mask));
    return value;
  }
};

/// The threads of a block at work on one row.
template <int kThreads> struct BlockTeam {
  static constexpr int kSize = kThreads, kRows = 1;
  static ACTNET_DEVICE int rank() { return threadIndex(); }
  static ACTNET_DEVICE i64 row() { return blockIndex(); }
  template <class Combine, class T> static ACTNET_DEVICE T combine(T value) {
    constexpr int kWarps = kThreads / kWarpSize;
    ACTNET_SHARED(T, partial, kWarps);
    value = WarpTeam<kThreads>::template combine<Combine>(value);
    if (threadIndex() % kWarpSize == 0)
      partial[threadIndex() / kWarpSize] = value;
    barrier();
    T all = partial[0];
    for (int warp = 1; warp < kWarps; ++warp)
      all = Combine::combine(all, partial[warp]);
    // The next reduction may use the same shared memory.
    barrier();
    return all;
  }
};

/// In place of a vector's number: it lies beyond those in registers.
inline constexpr int kBeyond = -1;

/// Threads that work on one row: V columns at a time, N of them in registers.
template <class TeamOfRow, int vector, int slots> struct Row {
  using Team = TeamOfRow;
  static constexpr int V = vector, N = slots, kStep = Team::kSize * V;
};

/// Calls column(c, n) for every V columns from c on that are this thread's.
template <class Row, class Column>
ACTNET_DEVICE void eachColumn(const Row &, i64 columns, const Column &column) {
  const i64 first = Row::Team::rank() * Row::V;
  ACTNET_UNROLL
  for (int n = 0; n < Row::N; ++n)
    if (const i64 c = first + n * Row::kStep; c < columns)
      column(c, n);
  for (i64 c = first + i64(Row::N) * Row::kStep; c < columns; c += Row::kStep)
    column(c, kBeyond);
}

/// Combines step(c, n, own) of all columns: what a thread has so far goes in,
/// that and the V columns from c on come out. Every thread gets the result. All
/// threads of a row must call it.
template <class Combine, class T, class Row, class Step>
ACTNET_DEVICE T reduceRow(const Row &row, i64 columns, const Step &step) {
  T own = Combine::template identity<T>();
  eachColumn(row, columns, [&](i64 c, int n) { own = step(c, n, own); });
  return Row::Team::template combine<Combine>(own);
}

/// Calls write() in one thread of the row.
template <class Row, class Write>
ACTNET_DEVICE void once(const Row &, const Write &write) {
  if (Row::Team::rank() == 0)
    write();
}

/// Columns of a row in registers, made again where they are beyond.
template <class T, class Row, class Make> struct Kept {
  const Make &make;
  Vector<T, Row::V> slots[Row::N];
  ACTNET_DEVICE Vector<T, Row::V> at(int n, i64 c) const {
    return n == kBeyond ? make(c) : slots[n];
  }
};

/// Keeps make(c), the V columns from c on, for all columns; `make` must live as
/// long.
template <class T, class Row, class Make>
ACTNET_DEVICE Kept<T, Row, Make> keep(const Row &, i64 columns,
                                      const Make &make) {
  Kept<T, Row, Make> kept{make, {}};
  ACTNET_UNROLL
  for (int n = 0; n < Row::N; ++n)
    if (const i64 c = (Row::Team::rank() + n * Row::Team::kSize) * Row::V;
        c < columns)
      kept.slots[n] = make(c);
  return kept;
}

/// Columns of a row in the block's dynamic shared memory. Each thread reads
/// what it wrote itself: nobody waits.
template <class T, int V> struct KeptShared {
  T *row;
  ACTNET_DEVICE Vector<T, V> at(int, i64 c) const {
    return load<V>(static_cast<const T *>(row + c));
  }
};

/// Keeps make(c) of all columns `offset` bytes into dynamic shared memory.
template <class T, class Row, class Make>
ACTNET_DEVICE KeptShared<T, Row::V> keepShared(const Row &row, i64 columns,
                                               int offset, const Make &make) {
  T *to = static_cast<T *>(static_cast<void *>(dynamicShared<u8>() + offset));
  eachColumn(row, columns, [&](i64 c, int) { store(to + c, make(c)); });
  return {to};
}

/// Calls rows.run<V>(row, r) for the rows r < count of this block.
template <class Team, int V, int N, class Rows>
ACTNET_DEVICE void rowTile(const Rows &rows, i64 count, bool isWide) {
  const i64 r = Team::row();
  if (r >= count)
    return;
  if (V != 1 && isWide)
    rows.template run<V>(Row<Team, V, N>(), r);
  else
    rows.template run<1>(Row<Team, 1, N * V>(), r);
}

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_ROW_CUH
