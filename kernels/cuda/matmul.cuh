//===- matmul.cuh - matrix products and convolutions ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// result(m, n) = sum over k of left(m, k) right(k, n), for each batch. What m,
// n and k stand for is the problem's business: in a convolution m is a pixel of
// an image, k a position of the filter and a channel of the input (an implicit
// GEMM: the matrix of patches is never made).
//
//   block    a tile of kRows x kColumns results of one batch; it walks through
//            all of k in pieces of kDepth, of which kStages lie in shared
//            memory: while one is multiplied, the next ones come in
//   warp     a part of the tile (warptile.cuh); where a tile is too small for
//            all warps, kSlices of them share a part and each takes its share
//            of kDepth: their sums are added in order at the end
//   thread   brings 16-byte runs of both pieces (of the left one along k, of
//            the right one along n), and the same ones in every piece, so that
//            rows and columns are taken apart once; writes runs of columns
//
// A piece comes by asynchronous copies where the operand lies in memory as it
// is needed ("runs"); else its elements are computed by the problem, kept in
// registers while the piece before is multiplied, and then put down. Outside
// the problem's rows, columns and depth there are zeros.
//
// The generated problem has:
//
//   Batch, Row, Column, Inner     what is left of an index once it is taken
//                                 apart; batch(i), row(m), column(n), inner(k)
//   rows(), columns(), depth()
//   left(batch, row, inner), right(batch, inner, column)    one element
//   kLeftRuns, kRightRuns         whether there are leftRun(), rightRun() with
//                                 the same arguments: the address of the run
//                                 that begins there, null if that is all zeros
//   kResultRun                    how many columns a thread writes at once
//   result(batch, row, n, sums, count)    takes the sums of columns n to
//                                 n + count - 1 and writes them
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_MATMUL_CUH
#define ACTNET_KERNELS_CUDA_MATMUL_CUH

#include "warptile.cuh"

namespace actnet {

/// How a tile is cut: the kernel's schedule in types.
template <class MathType, int kTileRows, int kTileColumns, int kWarpsDown,
          int kWarpsAcross, int kSliceCount, int kStageCount>
struct MatmulShape {
  using Math = MathType;
  using Element = typename Math::Element;
  using Sum = typename Math::Sum;
  static constexpr int kRows = kTileRows, kColumns = kTileColumns;
  static constexpr int kSlices = kSliceCount, kStages = kStageCount;
  static constexpr int kWarps = kWarpsDown * kWarpsAcross * kSlices;
  static constexpr int kThreads = kWarps * kWarpSize;
  static constexpr int kDepth = Math::kDepth * kSlices;
  static constexpr int kRun = Run<Element>::kCount;
  static constexpr int kWarpColumnCount = kWarpsAcross;
  static constexpr int kWarpRows = kRows / kWarpsDown;
  static constexpr int kWarpColumns = kColumns / kWarpsAcross;
  // A few elements more than a row has: rows begin in different banks.
  static constexpr int kLeftStride = kDepth + kRun;
  static constexpr int kRightStride = kColumns + 8;
  static constexpr int kSlabStride = kWarpColumns + 4;
  static constexpr int kLeftSize = kRows * kLeftStride;
  static constexpr int kStageSize = kLeftSize + kDepth * kRightStride;
  static constexpr int kStageBytes = kStages * kStageSize * sizeof(Element);
  static constexpr int kSlabBytes =
      kWarps * kSlabRows * kSlabStride * sizeof(Sum);
  static constexpr int kShared = larger(kStageBytes, kSlabBytes);
  static_assert(kStages >= 2 && kWarpRows % 16 == 0 && kWarpColumns % 32 == 0);
};

/// Brings pieces of the left operand: runs along k of some rows.
template <class Shape, class Problem> class LeftPieces {
  using T = typename Shape::Element;
  static constexpr int kRun = Shape::kRun;
  static constexpr int kRunsOfRow = Shape::kDepth / kRun;
  static constexpr int kRowStep = Shape::kThreads / kRunsOfRow;
  static constexpr int kRuns = Shape::kRows / kRowStep;
  static_assert(kRuns > 0 && kRuns * kRowStep == Shape::kRows);

public:
  ACTNET_DEVICE LeftPieces(const Problem &problem,
                           const typename Problem::Batch &batch, i64 firstRow)
      : problem(problem), batch(batch) {
    const i64 rowCount = problem.rows();
    ACTNET_UNROLL
    for (int i = 0; i < kRuns; ++i) {
      const i64 m = firstRow + ownRow() + i * kRowStep;
      isInside[i] = m < rowCount;
      rows[i] = problem.row(isInside[i] ? m : 0);
    }
  }

  /// Starts bringing the piece at k.
  ACTNET_DEVICE void start(T *shared, i64 k) {
    k += ownRun();
    const i64 depth = problem.depth();
    if constexpr (Problem::kLeftRuns) {
      const auto inner = problem.inner(k);
      ACTNET_UNROLL
      for (int i = 0; i < kRuns; ++i) {
        const int valid = isInside[i] ? atMost(depth - k, kRun) : 0;
        bringRun(place(shared, i), problem.leftRun(batch, rows[i], inner),
                 valid);
      }
    } else {
      ACTNET_UNROLL
      for (int e = 0; e < kRun; ++e) {
        const auto inner = problem.inner(k + e);
        ACTNET_UNROLL
        for (int i = 0; i < kRuns; ++i)
          held[i].values[e] = isInside[i] && k + e < depth
                                  ? problem.left(batch, rows[i], inner)
                                  : T{};
      }
    }
  }
  /// Puts down what is held.
  ACTNET_DEVICE void finish(T *shared) {
    if constexpr (!Problem::kLeftRuns) {
      ACTNET_UNROLL
      for (int i = 0; i < kRuns; ++i)
        storeVector(place(shared, i), held[i].bytes);
    }
  }

private:
  static ACTNET_DEVICE int ownRow() { return threadIndex() / kRunsOfRow; }
  static ACTNET_DEVICE int ownRun() {
    return threadIndex() % kRunsOfRow * kRun;
  }
  static ACTNET_DEVICE T *place(T *shared, int i) {
    return shared + (ownRow() + i * kRowStep) * Shape::kLeftStride + ownRun();
  }

  const Problem &problem;
  const typename Problem::Batch &batch;
  typename Problem::Row rows[kRuns];
  bool isInside[kRuns];
  Run<T> held[Problem::kLeftRuns ? 1 : kRuns];
};

/// Brings pieces of the right operand: runs along n of some k.
template <class Shape, class Problem> class RightPieces {
  using T = typename Shape::Element;
  static constexpr int kRun = Shape::kRun;
  static constexpr int kRunsOfRow = Shape::kColumns / kRun;
  static constexpr int kDepthStep = Shape::kThreads / kRunsOfRow;
  static constexpr int kRuns = Shape::kDepth / kDepthStep;
  static constexpr int kColumnsKept = Problem::kRightRuns ? 1 : kRun;
  static_assert(kRuns > 0 && kRuns * kDepthStep == Shape::kDepth);

public:
  ACTNET_DEVICE RightPieces(const Problem &problem,
                            const typename Problem::Batch &batch,
                            i64 firstColumn)
      : problem(problem), batch(batch) {
    const i64 n = firstColumn + ownRun();
    const i64 last = problem.columns() - 1;
    valid = atMost(last + 1 - n, kRun);
    int e = 0;
    ACTNET_UNROLL
    for (typename Problem::Column &column : columns)
      column = problem.column(minimum(n + e++, last));
  }

  ACTNET_DEVICE void start(T *shared, i64 k) {
    const i64 depth = problem.depth();
    ACTNET_UNROLL
    for (int i = 0; i < kRuns; ++i) {
      const i64 own = k + ownDepth() + i * kDepthStep;
      const auto inner = problem.inner(own);
      const int count = own < depth ? valid : 0;
      if constexpr (Problem::kRightRuns) {
        bringRun(place(shared, i), problem.rightRun(batch, inner, columns[0]),
                 count);
      } else {
        ACTNET_UNROLL
        for (int e = 0; e < kRun; ++e)
          held[i].values[e] =
              e < count ? problem.right(batch, inner, columns[e]) : T{};
      }
    }
  }
  ACTNET_DEVICE void finish(T *shared) {
    if constexpr (!Problem::kRightRuns) {
      ACTNET_UNROLL
      for (int i = 0; i < kRuns; ++i)
        storeVector(place(shared, i), held[i].bytes);
    }
  }

private:
  static ACTNET_DEVICE int ownDepth() { return threadIndex() / kRunsOfRow; }
  static ACTNET_DEVICE int ownRun() {
    return threadIndex() % kRunsOfRow * kRun;
  }
  static ACTNET_DEVICE T *place(T *shared, int i) {
    return shared + (ownDepth() + i * kDepthStep) * Shape::kRightStride +
           ownRun();
  }

  const Problem &problem;
  const typename Problem::Batch &batch;
  typename Problem::Column columns[kColumnsKept];
  int valid;
  Run<T> held[Problem::kRightRuns ? 1 : kRuns];
};

/// Which part of the tile a warp has.
template <class Shape> struct WarpPlace {
  static ACTNET_DEVICE int warp() { return threadIndex() / kWarpSize; }
  static ACTNET_DEVICE int slice() { return warp() % Shape::kSlices; }
  static ACTNET_DEVICE int row() {
    return warp() / Shape::kSlices / Shape::kWarpColumnCount * Shape::kWarpRows;
  }
  static ACTNET_DEVICE int column() {
    return warp() / Shape::kSlices % Shape::kWarpColumnCount *
           Shape::kWarpColumns;
  }
};

/// Hands the sums of a tile to the problem, 16 rows of each warp at a time.
template <class Shape, class Problem, class Sums>
ACTNET_DEVICE void
writeResults(const Problem &problem, const typename Problem::Batch &batch,
             const Sums &sums, i64 firstRow, i64 firstColumn) {
  using Sum = typename Shape::Sum;
  using Place = WarpPlace<Shape>;
  constexpr int kCount = Problem::kResultRun;
  constexpr int kRunsOfRow = Shape::kWarpColumns / kCount;
  constexpr int kSlab = kSlabRows * Shape::kSlabStride;
  // The slabs of one part's slices lie one after the other.
  Sum *slabs = dynamicShared<Sum>();
  const Sum *first = slabs + (Place::warp() - Place::slice()) * kSlab;
  const int lane = threadIndex() % kWarpSize;
  const i64 rowCount = problem.rows(), columnCount = problem.columns();
  // Not before all have multiplied the last piece.
  barrier();
  ACTNET_UNROLL
  for (int s = 0; s < Shape::kWarpRows / kSlabRows; ++s) {
    if (s)
      barrierOfPart<Shape::kSlices>();
    sums.template store<Shape::kSlabStride>(slabs + Place::warp() * kSlab, s);
    barrierOfPart<Shape::kSlices>();
    for (int run = lane + kWarpSize * Place::slice();
         run < kSlabRows * kRunsOfRow; run += kWarpSize * Shape::kSlices) {
      const int row = run / kRunsOfRow, column = run % kRunsOfRow * kCount;
      const i64 m = firstRow + Place::row() + s * kSlabRows + row;
      const i64 n = firstColumn + Place::column() + column;
      const int count = atMost(columnCount - n, kCount);
      if (m >= rowCount || count == 0)
        continue;
      Sum totals[kCount];
      ACTNET_UNROLL
      for (int c = 0; c < kCount; ++c) {
        const Sum *from = first + row * Shape::kSlabStride + column + c;
        totals[c] = from[0];
        ACTNET_UNROLL
        for (int slice = 1; slice < Shape::kSlices; ++slice)
          totals[c] = add(totals[c], from[slice * kSlab]);
      }
      problem.result(batch, problem.row(m), n, totals, count);
    }
  }
}

/// Computes the tile of this block.
template <class Shape, class Problem>
ACTNET_DEVICE void matmulTile(const Problem &problem) {
  using T = typename Shape::Element;
  using Place = WarpPlace<Shape>;
  constexpr int kStages = Shape::kStages;
  const i64 rowTiles = (problem.rows() + Shape::kRows - 1) / Shape::kRows;
  const i64 columnTiles =
      (problem.columns() + Shape::kColumns - 1) / Shape::kColumns;
  const i64 tile = blockIndex();
  const i64 firstRow = tile / columnTiles % rowTiles * Shape::kRows;
  const i64 firstColumn = tile % columnTiles * Shape::kColumns;
  const typename Problem::Batch batch =
      problem.batch(tile / columnTiles / rowTiles);

  T *shared = dynamicShared<T>();
  LeftPieces<Shape, Problem> left(problem, batch, firstRow);
  RightPieces<Shape, Problem> right(problem, batch, firstColumn);
  typename Shape::Math::template Sums<Shape::kWarpRows, Shape::kWarpColumns>
      sums;
  sums.clear();

  // Turns before the first piece only bring the first ones.
  const i64 pieces = (problem.depth() + Shape::kDepth - 1) / Shape::kDepth;
  int place = 0;
  for (i64 piece = 1 - kStages; piece < pieces; ++piece) {
    if (piece >= 0) {
      // This piece is there for all; all are through with the one before it,
      // whose place the next one to come takes.
      waitCopies<kStages - 2>();
      barrier();
    }
    const i64 next = piece + kStages - 1;
    T *to = shared + place * Shape::kStageSize;
    const bool isMore = next < pieces;
    if (isMore) {
      left.start(to, next * Shape::kDepth);
      right.start(to + Shape::kLeftSize, next * Shape::kDepth);
    }
    commitCopies();
    place = place == kStages - 1 ? 0 : place + 1;
    if (piece >= 0) {
      const T *from = shared + place * Shape::kStageSize;
      sums.template add<Shape::Math::kDepth, Shape::kLeftStride,
                        Shape::kRightStride>(
          from + Place::row() * Shape::kLeftStride +
              Place::slice() * Shape::Math::kDepth,
          from + Shape::kLeftSize +
              Place::slice() * Shape::Math::kDepth * Shape::kRightStride +
              Place::column());
    }
    if (isMore) {
      left.finish(to);
      right.finish(to + Shape::kLeftSize);
    }
  }
  writeResults<Shape>(problem, batch, sums, firstRow, firstColumn);
}

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_MATMUL_CUH
