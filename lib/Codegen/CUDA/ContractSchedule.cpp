//===- ContractSchedule.cpp - tiles of products ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A large tile reads less for each result; a small one leaves more blocks to
// run side by side, and fewer results that nobody wants at the edges. The
// choice is a sum: rounds of blocks that a large GPU needs, times the work of a
// block, over how well its shape keeps the arithmetic busy.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

namespace {

/// Blocks that run side by side; the order of magnitude counts.
constexpr int64_t kMultiprocessors = 128;
/// What a dim of no known extent is taken for.
constexpr int64_t kUnknown = 32;
/// Bytes of shared memory that every architecture since sm_80 can give.
constexpr int64_t kMostShared = 99 << 10;

struct Candidate {
  MatmulCut cut; ///< With the stages for asynchronous copies.
  int64_t worth; ///< Percent of the best shape's throughput.
};

constexpr Candidate kCandidates[] = {
    {{128, 128, 4, 2, 1, 3}, 100}, {{128, 64, 4, 2, 1, 3}, 90},
    {{64, 64, 2, 2, 1, 3}, 80},    {{128, 32, 4, 1, 1, 3}, 70},
    {{32, 64, 2, 2, 1, 3}, 60},    {{32, 32, 1, 1, 4, 2}, 55},
    {{16, 32, 1, 1, 4, 3}, 40},
};

/// The extent, with a guess for every symbol.
int64_t guess(graph::DimExprAttr dim) {
  auto value = graph::dimEvaluate(
      dim, [](StringRef) -> std::optional<int64_t> { return kUnknown; });
  return std::max<int64_t>(1, value.value_or(kUnknown));
}

} // namespace

int64_t MatmulCut::shared(StringRef math) const {
  int64_t element = bytesOf(math);
  int64_t depth = 64 / element * slices;
  int64_t stage = rows * (depth + 16 / element) + depth * (columns + 8);
  int64_t sum = std::max<int64_t>(element, 4);
  int64_t slab = 16 * (columns / warpsAcross + 4) * sum;
  return std::max(stages * stage * element, threads() / 32 * slab);
}

MatmulCut cuda::chooseMatmulCut(graph::DimExprAttr batch,
                                graph::DimExprAttr rows,
                                graph::DimExprAttr columns, StringRef math,
                                bool isCopied) {
  const int64_t m = guess(rows), n = guess(columns), b = guess(batch);
  const Candidate *best = nullptr;
  int64_t least = 0;
  for (const Candidate &candidate : kCandidates) {
    const MatmulCut &cut = candidate.cut;
    // Sums of 64 bits take twice the registers.
    if (bytesOf(math) == 8 && cut.rows * cut.columns > 64 * 64)
      continue;
    int64_t blocks =
        b * llvm::divideCeil(m, cut.rows) * llvm::divideCeil(n, cut.columns);
    int64_t cost = llvm::divideCeil(blocks, kMultiprocessors) * cut.rows *
                   cut.columns * 100 / candidate.worth;
    if (!best || cost < least) {
      best = &candidate;
      least = cost;
    }
  }
  MatmulCut cut = best->cut;
  // What goes through registers is one piece ahead.
  if (!isCopied || cut.shared(math) > kMostShared)
    cut.stages = 2;
  return cut;
}
