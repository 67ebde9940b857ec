//===- Scatter.cpp - evaluating writes at indices -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"
#include "Kernels.h"

#include "actnet/Dialect/Graph/IR/GraphOps.h"

using namespace mlir;
using namespace actnet::graph;
using namespace actnet::graph::eval;

/// Min and max keep NaN, as graph.min and graph.max do.
template <typename Acc> static Acc combine(ScatterKind kind, Acc a, Acc b) {
  switch (kind) {
  case ScatterKind::set:
    return b;
  case ScatterKind::add:
    return a + b;
  case ScatterKind::mul:
    return a * b;
  case ScatterKind::min:
    return a != a || a < b ? a : b;
  case ScatterKind::max:
    return a != a || a > b ? a : b;
  }
  return b;
}

template <typename Acc>
static HostTensor scatter(const Call &call, ScatterOp op) {
  const HostTensor &data = call.operands[0], &indices = call.operands[1],
                   &updates = call.operands[2];
  int64_t axis = op.getAxis(), outer = 1, inner = 1;
  for (int64_t i = 0; i < axis; ++i)
    outer *= data.shape[i];
  for (size_t i = axis + 1; i < data.shape.size(); ++i)
    inner *= data.shape[i];
  int64_t extent = data.shape[axis], count = updates.shape[axis];
  bool isRows = indices.shape.size() == 1;
  HostTensor result = call.allocate();
  std::vector<Acc> values(data.getNumElements()),
      news(updates.getNumElements());
  std::vector<int64_t> at(indices.getNumElements());
  load(data, 0, 1, values.size(), values.data());
  load(updates, 0, 1, news.size(), news.data());
  load(indices, 0, 1, at.size(), at.data());
  // Each update is rounded where it is stored, before the next one comes.
  HostTensor cell = HostTensor::allocate(call.elementType, {1});
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t u = 0; u < count; ++u)
      for (int64_t i = 0; i < inner; ++i) {
        int64_t from = (o * count + u) * inner + i;
        int64_t row = at[isRows ? u : from];
        row += row < 0 ? extent : 0;
        if (row < 0 || row >= extent)
          continue;
        Acc &value = values[(o * extent + row) * inner + i];
        value = combine(op.getKind(), value, news[from]);
        store(cell, 0, 1, &value);
        load(cell, 0, 1, 1, &value);
      }
  store(result, 0, values.size(), values.data());
  return result;
}

Result eval::evaluateScatter(const Call &call) {
  auto op = dyn_cast<ScatterOp>(call.op);
  if (!op)
    return failure();
  switch (domainOf(call.elementType)) {
  case Domain::Float:
    return scatter<double>(call, op);
  case Domain::Unsigned:
    return scatter<uint64_t>(call, op);
  case Domain::Signed:
    return scatter<int64_t>(call, op);
  }
  return failure();
}
