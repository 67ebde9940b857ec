//===- Planner.h - find a plan for a memory problem -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Planning offsets is strip packing with given positions on one axis, and
// NP-hard. The greedy planner runs a portfolio of orders in which buffers are
// placed one by one into the tightest gap between those already placed that
// live at the same time, and keeps the best. It stops early where it reaches
// the lower bound, since then the plan is optimal.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_MEMORY_PLANNER_H
#define ACTNET_MEMORY_PLANNER_H

#include "actnet/Memory/Plan.h"
#include "actnet/Runtime/Base/Status.h"

#include <memory>
#include <string_view>

namespace actnet::mem {

/// The interface of all planners. Stateless; any thread may call.
class Planner {
public:
  virtual ~Planner() = default;
  virtual std::string_view name() const = 0;
  /// Plans all buffers. Fails with invalidArgument on a lifetime that ends
  /// before it begins or an alignment that is no power of two, and with
  /// outOfRange if the bytes of all buffers do not fit 63 bits.
  virtual Expected<Plan> plan(const Problem &problem) const = 0;
};

struct GreedyOptions {
  /// How many placed neighbours all orders together may look at, some 20 ns
  /// each. Counted and not timed, so that the same problem always gets the same
  /// plan. One pass by start, which does not count, runs in any case.
  uint64_t work = 8'000'000;
  /// Rounds that change the best order a little and keep what is no worse.
  unsigned rounds = 1000;
};

/// The greedy portfolio planner.
std::unique_ptr<Planner> makeGreedyPlanner(GreedyOptions options = {});

/// Plans with the greedy portfolio at its default options.
Expected<Plan> planGreedy(const Problem &problem);

/// The largest sum of bytes alive at one position. O(n log n). The problem
/// must be well formed.
uint64_t lowerBound(const Problem &problem);

} // namespace actnet::mem

#endif // ACTNET_MEMORY_PLANNER_H
