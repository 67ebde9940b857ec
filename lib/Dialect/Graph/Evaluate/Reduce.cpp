//===- Reduce.cpp - evaluating reductions ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"
#include "Kernels.h"
#include "Strided.h"

#include "actnet/Dialect/Graph/IR/GraphOps.h"

using namespace mlir;
using namespace actnet::graph;
using namespace actnet::graph::eval;

namespace {
/// The fold of one kind: where it starts and how an element joins.
template <typename Acc> struct Fold {
  ReduceKind kind;

  Acc start() const {
    switch (kind) {
    case ReduceKind::prod:
    case ReduceKind::all:
      return 1;
    case ReduceKind::max:
      return std::is_floating_point_v<Acc>
                 ? -std::numeric_limits<Acc>::infinity()
                 : std::numeric_limits<Acc>::lowest();
    case ReduceKind::min:
      return std::is_floating_point_v<Acc>
                 ? std::numeric_limits<Acc>::infinity()
                 : std::numeric_limits<Acc>::max();
    default:
      return 0;
    }
  }

  static Acc add(Acc a, Acc b) {
    if constexpr (std::is_floating_point_v<Acc>)
      return a + b;
    else
      return static_cast<Acc>(static_cast<uint64_t>(a) +
                              static_cast<uint64_t>(b));
  }
  static Acc multiply(Acc a, Acc b) {
    if constexpr (std::is_floating_point_v<Acc>)
      return a * b;
    else
      return static_cast<Acc>(static_cast<uint64_t>(a) *
                              static_cast<uint64_t>(b));
  }
  static bool isNaN(Acc x) { return x != x; }

  Acc join(Acc sum, Acc x) const {
    switch (kind) {
    case ReduceKind::prod:
      return multiply(sum, x);
    case ReduceKind::max:
      return isNaN(sum) || !(x <= sum) ? (isNaN(sum) ? sum : x) : sum;
    case ReduceKind::min:
      return isNaN(sum) || !(x >= sum) ? (isNaN(sum) ? sum : x) : sum;
    case ReduceKind::any:
      return sum != 0 || x != 0;
    case ReduceKind::all:
      return sum != 0 && x != 0;
    case ReduceKind::sumsq:
    case ReduceKind::l2:
      return add(sum, multiply(x, x));
    case ReduceKind::l1:
      return add(sum, x < 0 ? static_cast<Acc>(0 - x) : x);
    default:
      return add(sum, x);
    }
  }
};
} // namespace

/// Splits x into the dims that stay (first) and those that go (last).
static HostTensor gathered(const HostTensor &x, ArrayRef<int64_t> dims,
                           int64_t &count) {
  SmallVector<int64_t> perm;
  for (int64_t i = 0, e = x.shape.size(); i < e; ++i)
    if (!llvm::is_contained(dims, i))
      perm.push_back(i);
  count = 1;
  for (int64_t dim : dims) {
    perm.push_back(dim);
    count *= x.shape[dim];
  }
  return transposed(x, perm);
}

template <typename Acc>
static HostTensor reduce(const Call &call, ReduceOp op) {
  int64_t count;
  HostTensor x = gathered(call.operands[0], op.getDims(), count);
  HostTensor result = call.allocate();
  Fold<Acc> fold{op.getKind()};
  std::vector<Acc> row(count);
  for (int64_t i = 0, e = result.getNumElements(); i < e; ++i) {
    load(x, i * count, 1, count, row.data());
    Acc sum = fold.start();
    if constexpr (std::is_floating_point_v<Acc>) {
      if (op.getKind() == ReduceKind::logsumexp) {
        Acc most = *std::max_element(row.begin(), row.end());
        Acc shift = std::isfinite(most) ? most : 0;
        for (Acc value : row)
          sum += std::exp(value - shift);
        sum = std::log(sum) + shift;
        store(result, i, 1, &sum);
        continue;
      }
    }
    for (Acc value : row)
      sum = fold.join(sum, value);
    if constexpr (std::is_floating_point_v<Acc>) {
      if (op.getKind() == ReduceKind::mean)
        sum /= static_cast<Acc>(count);
      if (op.getKind() == ReduceKind::l2)
        sum = std::sqrt(sum);
    }
    store(result, i, 1, &sum);
  }
  return result;
}

Result eval::evaluateReduce(const Call &call) {
  auto op = dyn_cast<ReduceOp>(call.op);
  if (!op)
    return failure();
  switch (domainOf(call.operands[0].elementType)) {
  case Domain::Float:
    return reduce<double>(call, op);
  case Domain::Signed:
    return reduce<int64_t>(call, op);
  case Domain::Unsigned:
    return reduce<uint64_t>(call, op);
  }
  return failure();
}
