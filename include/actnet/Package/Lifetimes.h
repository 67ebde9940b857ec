//===- Lifetimes.h - from records to memory problems ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bridge between a plan's buffers and records and lib/Memory, which knows
// neither. The compiler calls it when it writes a package; the runtime calls it
// at load for narrower bounds, and whenever an unbounded dim grows.
//
// A record's position is its number in static pre-order: a branch or loop comes
// before the records of its blocks. A root lives from the first to the last
// record that uses it or one of its views. Where a loop comes in, that is too
// short: a root used inside and outside a loop lives through all of it, and so
// does one whose bytes a round may hand to the next, that is, unless the first
// use in the loop writes all of it and every other use stands in the same block
// or deeper.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_PACKAGE_LIFETIMES_H
#define ACTNET_PACKAGE_LIFETIMES_H

#include "actnet/Memory/Plan.h"
#include "actnet/Package/Expr.h"
#include "actnet/Package/Types.h"
#include "actnet/Runtime/Base/Status.h"

#include <span>
#include <vector>

namespace actnet::pkg {

/// Positions at which a root is alive, both included.
struct Lifetime {
  uint64_t first = 0;
  uint64_t last = 0;
  /// False if no record uses it.
  bool used = false;
};

/// Returns the number of records of a block, with those of nested blocks.
uint64_t countRecords(const Block &block);

/// Returns the lifetime of every buffer of a function; that of a view is
/// its root's. With more than one stream the order of records says nothing
/// about time, so then every root lives through the whole function. Ids must be
/// in range, as they are in every package that a Reader opened.
std::vector<Lifetime> computeLifetimes(const Plan &plan,
                                       const FunctionPlan &function);

/// The scratch roots of a function as a memory problem.
struct ScratchProblem {
  mem::Problem problem;
  /// The function's buffer behind each buffer of the problem.
  std::vector<uint32_t> buffers;
};

/// Builds the problem for dims whose expressions are bounded by `exprs` (see
/// exprRanges). Fails with failedPrecondition, naming the buffer, if a size has
/// no upper bound; with outOfRange if one is negative.
Expected<ScratchProblem> planProblem(const Plan &plan,
                                     const FunctionPlan &function,
                                     std::span<const Range> exprs);

/// Plans one function: scratch with the greedy planner, inputs and outputs side
/// by side in a slot of the ring, state at `stateOffsets` (per variable). The
/// plan has passed verifyScratch. Fails as planProblem does.
Expected<std::unique_ptr<MemoryPlan>>
planMemory(const Plan &plan, const FunctionPlan &function,
           std::span<const Range> exprs,
           std::span<const uint64_t> stateOffsets);

/// Checks where scratch lies in a memory plan, for the given bounds: at no
/// record are bytes of one buffer written over bytes of another that are still
/// needed. Shares no code with planners or computeLifetimes: it follows the
/// records from write to read through branches and rounds of loops; with
/// several streams it asks signals for the order. Fails with internal, naming
/// both buffers, or as planProblem does. O(records x buffers alive).
Status verifyScratch(const Plan &plan, const FunctionPlan &function,
                     const MemoryPlan &memory, std::span<const Range> exprs);

/// Checks a function's whole memory plan: verifyScratch, and that ring and
/// state hold no two things at one place. Fails with internal, or as
/// planProblem does.
Status verifyMemory(const Interface &interface, const Plan &plan,
                    const FunctionPlan &function, const MemoryPlan &memory,
                    std::span<const Range> exprs,
                    std::span<const uint64_t> stateOffsets,
                    uint64_t stateBytes);

/// Where the variables lie in the region state.
struct StateLayout {
  std::vector<uint64_t> offsets; // per variable
  uint64_t bytes = 0;
};

/// Lays out all variables one behind the other. Fails with failedPrecondition
/// if a variable has no upper bound.
Expected<StateLayout> layoutState(const Interface &interface,
                                  std::span<const Range> exprs);

/// Fills in state_offsets, state_bytes and the memory of every function that
/// has none, at the dims' upper bounds; what is not bounded stays absent. What
/// the compiler calls before it writes a plan. Fails only on a plan that is
/// wrong.
Status planAll(const Interface &interface, Plan &plan);

/// Checks all that depends on dims, for the values of one job: every size and
/// offset has a value and is not negative, views lie within their roots,
/// weights and variables are large enough, copies and fills stay inside their
/// buffers, counts of tiles are not negative. O(buffers + records). Fails with
/// outOfRange, naming the buffer or record.
Status checkSizes(const Interface &interface, const FunctionPlan &function,
                  const ExprValues &values);

} // namespace actnet::pkg

#endif // ACTNET_PACKAGE_LIFETIMES_H
