//===- attention.cuh - softmax(scale q k^T + mask) v ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dao et al., "FlashAttention" (2022): keys and values pass by in tiles, and
// the matrix of scores is never made. Each query keeps the largest score so
// far, the sum of the exponentials and its output; when a larger score comes,
// the latter two are scaled down.
//
//   block    16 kQueryWarps queries of one batch and head, which stay in shared
//            memory, against all keys, kKeys at a time; while scores become
//            probabilities the next keys come in, while probabilities are
//            multiplied by values the next values do
//   warp     16 queries and every key of a tile; where there are few queries,
//            kKeyWarps of them share the queries and each takes its part of
//            every tile: their outputs are added in order at the end
//   thread   what warptile.cuh gives it of scores and outputs; the lanes that
//            share a row find its maximum by shuffles
//
// Queries, keys and values lie in shared memory as they are multiplied, in
// float or in half precision; scores, sums and outputs are float. A query that
// no key is visible to gets NaN; where guarded it gets 0, as all do if there
// is no key.
//
// The generated problem has:
//
//   Batch, batch(i)               the batch and the head
//   queries(), keys()             how many there are
//   kHead, kWidth                 elements of a query or key, and of a value
//   kScale, kIsCausal             causal: query s sees keys t <= s + T - S
//   kIsGuarded                    a sum that is 0 or NaN makes the output 0
//   query(batch, s, d), key(batch, t, d), value(batch, t, e)   one element
//   kQueryRuns …                  whether there are queryRun … with the same
//                                 arguments, the address of a run
//   score(batch, s, t, x)         a score behind the mask
//   kResultRun, result(batch, s, e, values, count)    writes columns e …
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_ATTENTION_CUH
#define ACTNET_KERNELS_CUDA_ATTENTION_CUH

#include "warptile.cuh"

namespace actnet {

/// How a tile is cut: the kernel's schedule in types.
template <class MathType, int kHead, int kWidth, int kQueryWarpCount,
          int kKeyWarpCount, int kTileKeys>
struct AttentionShape {
  using Math = MathType;
  using Element = typename Math::Element;
  static constexpr int kRun = Run<Element>::kCount;
  static constexpr int kQueryWarps = kQueryWarpCount;
  static constexpr int kKeyWarps = kKeyWarpCount;
  static constexpr int kWarps = kQueryWarps * kKeyWarps;
  static constexpr int kThreads = kWarps * kWarpSize;
  static constexpr int kQueries = 16 * kQueryWarps;
  static constexpr int kKeys = kTileKeys;
  static constexpr int kWarpKeys = kKeys / kKeyWarps;
  // Zeros fill up to what a warp multiplies at once.
  static constexpr int kDepth = (kHead + 15) / 16 * 16;
  static constexpr int kColumns = (kWidth + 31) / 32 * 32;
  // Rows begin in different banks.
  static constexpr int kHeadStride = kDepth + kRun;
  static constexpr int kValueStride = kColumns + 8;
  static constexpr int kWeightStride = kWarpKeys + kRun;
  static constexpr int kSlabStride = kColumns + 4;
  static constexpr int kKeysAt = kQueries * kHeadStride;
  static constexpr int kValuesAt = kKeysAt + kKeys * kHeadStride;
  static constexpr int kWeightsAt = kValuesAt + kKeys * kValueStride;
  static constexpr int kElements = kWeightsAt + kWarps * 16 * kWeightStride;
  static constexpr int kTileBytes = kElements * sizeof(Element);
  static constexpr int kSlabBytes =
      kWarps * 16 * (kSlabStride + 2) * sizeof(float);
  static constexpr int kShared = larger(kTileBytes, kSlabBytes);
  static_assert(kWarpKeys % 16 == 0);
};

/// Brings rows of kColumns elements, of which `rows` and kValid are there.
template <int kRows, int kColumns, int kStride, int kValid, int kThreads,
          bool isRuns, class T, class Source>
ACTNET_DEVICE void bringRows(T *shared, i64 rows, const Source &source) {
  constexpr int kRun = Run<T>::kCount;
  constexpr int kRunsOfRow = kColumns / kRun;
  for (int i = threadIndex(); i < kRows * kRunsOfRow; i += kThreads) {
    const int row = i / kRunsOfRow, column = i % kRunsOfRow * kRun;
    T *to = shared + row * kStride + column;
    const int valid = row < rows ? atMost(kValid - column, kRun) : 0;
    if constexpr (isRuns) {
      bringRun(to, source(row, column), valid);
    } else {
      Run<T> run;
      ACTNET_UNROLL
      for (int e = 0; e < kRun; ++e)
        run.values[e] = e < valid ? source(row, column + e) : T{};
      storeVector(to, run.bytes);
    }
  }
}

/// The tile of a block at work.
template <class Shape, class Problem> class AttentionTile {
  using T = typename Shape::Element;
  using Scores = typename Shape::Math::template Sums<16, Shape::kWarpKeys>;
  using Output = typename Shape::Math::template Sums<16, Shape::kColumns>;
  static constexpr int kThreads = Shape::kThreads;
  static constexpr int kRowCount = Scores::kRowCount;

public:
  ACTNET_DEVICE AttentionTile(const Problem &problem,
                              const typename Problem::Batch &batch,
                              i64 firstQuery)
      : problem(problem), batch(batch), firstQuery(firstQuery),
        queryCount(problem.queries()), keyCount(problem.keys()) {
    // -inf minus the lowest float is -inf: its exponential is 0, not NaN.
    ACTNET_UNROLL
    for (int i = 0; i < kRowCount; ++i) {
      largest[i] = floatFromBits(0xff7fffff);
      total[i] = 0;
    }
    output.clear();
  }

  ACTNET_DEVICE void run() {
    i64 end = keyCount;
    if constexpr (Problem::kIsCausal)
      end = minimum(end, firstQuery + Shape::kQueries + keyCount - queryCount);
    bringQueries();
    bringKeys(0);
    commitCopies();
    bringValues(0);
    commitCopies();
    for (i64 first = 0; first < end; first += Shape::kKeys) {
      // Of the groups of copies, the last one may still be under way.
      waitCopies<1>();
      barrier();
      Scores scores;
      multiplyKeys(scores);
      barrier();
      const i64 next = first + Shape::kKeys;
      const bool isMore = next < end;
      if (isMore)
        bringKeys(next);
      commitCopies();
      weigh(scores, first);
      waitCopies<1>();
      barrier();
      multiplyValues();
      barrier();
      if (isMore)
        bringValues(next);
      commitCopies();
    }
    waitCopies<0>();
    barrier();
    finish();
  }

private:
  static ACTNET_DEVICE int warp() { return threadIndex() / kWarpSize; }
  static ACTNET_DEVICE int keyWarp() { return warp() % Shape::kKeyWarps; }
  /// The first query of this warp within the tile.
  static ACTNET_DEVICE int ownQuery() { return warp() / Shape::kKeyWarps * 16; }
  static ACTNET_DEVICE T *queries() { return dynamicShared<T>(); }
  static ACTNET_DEVICE T *keys() { return queries() + Shape::kKeysAt; }
  static ACTNET_DEVICE T *values() { return queries() + Shape::kValuesAt; }
  static ACTNET_DEVICE T *weights() {
    return queries() + Shape::kWeightsAt + warp() * 16 * Shape::kWeightStride;
  }

  ACTNET_DEVICE void bringQueries() {
    bringRows<Shape::kQueries, Shape::kDepth, Shape::kHeadStride,
              Problem::kHead, kThreads, Problem::kQueryRuns>(
        queries(), queryCount - firstQuery, [&](int row, int d) {
          if constexpr (Problem::kQueryRuns)
            return problem.queryRun(batch, firstQuery + row, d);
          else
            return problem.query(batch, firstQuery + row, d);
        });
  }
  ACTNET_DEVICE void bringKeys(i64 first) {
    bringRows<Shape::kKeys, Shape::kDepth, Shape::kHeadStride, Problem::kHead,
              kThreads, Problem::kKeyRuns>(
        keys(), keyCount - first, [&](int row, int d) {
          if constexpr (Problem::kKeyRuns)
            return problem.keyRun(batch, first + row, d);
          else
            return problem.key(batch, first + row, d);
        });
  }
  ACTNET_DEVICE void bringValues(i64 first) {
    bringRows<Shape::kKeys, Shape::kColumns, Shape::kValueStride,
              Problem::kWidth, kThreads, Problem::kValueRuns>(
        values(), keyCount - first, [&](int row, int e) {
          if constexpr (Problem::kValueRuns)
            return problem.valueRun(batch, first + row, e);
          else
            return problem.value(batch, first + row, e);
        });
  }

  ACTNET_DEVICE void multiplyKeys(Scores &scores) {
    scores.clear();
    const T *left = queries() + ownQuery() * Shape::kHeadStride;
    const T *right = keys() + keyWarp() * Shape::kWarpKeys * Shape::kHeadStride;
    for (int d = 0; d < Shape::kDepth; d += 16)
      scores.template addTransposed<16, Shape::kHeadStride, Shape::kHeadStride>(
          left + d, right + d);
  }

  /// Scores of the tile that begins at key `first` become probabilities, not
  /// yet divided by their sum, in shared memory.
  ACTNET_DEVICE void weigh(Scores &scores, i64 first) {
    first += keyWarp() * Shape::kWarpKeys;
    ACTNET_UNROLL
    for (int i = 0; i < kRowCount; ++i) {
      const int row = Scores::rowOf(i);
      const i64 s = firstQuery + ownQuery() + row;
      float now = largest[i];
      ACTNET_UNROLL
      for (int j = 0; j < Scores::kColumnCount; ++j) {
        const i64 t = first + Scores::columnOf(j);
        bool isSeen = s < queryCount && t < keyCount;
        if constexpr (Problem::kIsCausal)
          isSeen = isSeen && t <= s + keyCount - queryCount;
        float &score = scores.at(i, j);
        score = isSeen ? problem.score(batch, s, t, score * Problem::scale())
                       : -infinity();
        now = maximum(now, score);
      }
      ACTNET_UNROLL
      for (int mask = 1; mask < Scores::kLanesOfRow; mask *= 2)
        now = maximum(now, shuffleXor(now, mask));
      const float factor = expf(largest[i] - now);
      largest[i] = now;
      total[i] *= factor;
      ACTNET_UNROLL
      for (int j = 0; j < Output::kColumnCount; ++j)
        output.at(i, j) *= factor;
      ACTNET_UNROLL
      for (int j = 0; j < Scores::kColumnCount; ++j) {
        const float weight = expf(scores.at(i, j) - now);
        total[i] += weight;
        weights()[row * Shape::kWeightStride + Scores::columnOf(j)] =
            fromFloat<T>(weight);
      }
    }
  }

  ACTNET_DEVICE void multiplyValues() {
    const T *right =
        values() + keyWarp() * Shape::kWarpKeys * Shape::kValueStride;
    for (int t = 0; t < Shape::kWarpKeys; t += 16)
      output.template add<16, Shape::kWeightStride, Shape::kValueStride>(
          weights() + t, right + t * Shape::kValueStride);
  }

  /// Divides by the sums, adds up what warps with the same queries have, and
  /// hands it to the problem.
  ACTNET_DEVICE void finish() {
    constexpr int kKeyWarps = Shape::kKeyWarps;
    constexpr bool isShared = kKeyWarps != 1;
    constexpr int kSlab = 16 * Shape::kSlabStride;
    float *slabs = dynamicShared<float>();
    float *maxima = slabs + Shape::kWarps * kSlab;
    float *sums = maxima + Shape::kWarps * 16;
    const int lane = threadIndex() % kWarpSize, firstWarp = warp() - keyWarp();
    ACTNET_UNROLL
    for (int i = 0; i < kRowCount; ++i) {
      ACTNET_UNROLL
      for (int mask = 1; mask < Scores::kLanesOfRow; mask *= 2)
        total[i] += shuffleXor(total[i], mask);
      if (isShared && lane % Scores::kLanesOfRow == 0) {
        maxima[warp() * 16 + Scores::rowOf(i)] = largest[i];
        sums[warp() * 16 + Scores::rowOf(i)] = total[i];
      }
    }
    if constexpr (isShared)
      barrier();
    ACTNET_UNROLL
    for (int i = 0; i < kRowCount; ++i) {
      float all = total[i], factor = 1;
      if constexpr (isShared) {
        const int row = firstWarp * 16 + Scores::rowOf(i);
        float now = maxima[row];
        for (int w = 1; w < kKeyWarps; ++w)
          now = maximum(now, maxima[row + 16 * w]);
        all = 0;
        for (int w = 0; w < kKeyWarps; ++w)
          all += sums[row + 16 * w] * expf(maxima[row + 16 * w] - now);
        factor = expf(largest[i] - now);
      }
      factor *= 1 / all;
      // A select: the output of such a row may be NaN itself.
      const bool isZero = Problem::kIsGuarded ? !(all > 0) : keyCount == 0;
      ACTNET_UNROLL
      for (int j = 0; j < Output::kColumnCount; ++j)
        output.at(i, j) = isZero ? 0 : output.at(i, j) * factor;
    }
    output.template store<Shape::kSlabStride>(slabs + warp() * kSlab, 0);
    barrierOfPart<kKeyWarps>();

    constexpr int kCount = Problem::kResultRun;
    constexpr int kRunsOfRow = Shape::kColumns / kCount;
    const float *own = slabs + firstWarp * kSlab;
    for (int run = lane + kWarpSize * keyWarp(); run < 16 * kRunsOfRow;
         run += kWarpSize * kKeyWarps) {
      const int row = run / kRunsOfRow, e = run % kRunsOfRow * kCount;
      const i64 s = firstQuery + ownQuery() + row;
      const int count = atMost(Problem::kWidth - e, kCount);
      if (s >= queryCount || count == 0)
        continue;
      float results[kCount];
      ACTNET_UNROLL
      for (int c = 0; c < kCount; ++c) {
        const float *from = own + row * Shape::kSlabStride + e + c;
        results[c] = from[0];
        ACTNET_UNROLL
        for (int w = 1; w < kKeyWarps; ++w)
          results[c] += from[w * kSlab];
      }
      problem.result(batch, s, e, results, count);
    }
  }

  const Problem &problem;
  const typename Problem::Batch &batch;
  const i64 firstQuery, queryCount, keyCount;
  /// Of each own row; the sums still of this thread's keys alone.
  float largest[kRowCount], total[kRowCount];
  Output output;
};

/// Computes the tile of this block.
template <class Shape, class Problem>
ACTNET_DEVICE void attentionTile(const Problem &problem) {
  const i64 tiles = (problem.queries() + Shape::kQueries - 1) / Shape::kQueries;
  const typename Problem::Batch batch = problem.batch(blockIndex() / tiles);
  AttentionTile<Shape, Problem>(problem, batch,
                                blockIndex() % tiles * Shape::kQueries)
      .run();
}

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_ATTENTION_CUH
