//===- ScheduleHostNest.cpp - loops, lanes and tiles of simple kernels ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Families map, reduce, pool and row. Everything is chosen from how operands
// are accessed and from static extents; never from the machine's threads.
//
//===----------------------------------------------------------------------===//

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Kernel/Transforms/Access.h"
#include "actnet/Dialect/Kernel/Transforms/HostNest.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::kernel;

namespace {

using Dims = SmallVector<graph::DimExprAttr>;

std::optional<int64_t> sizeOf(ArrayRef<int64_t> group, const Dims &sizes) {
  int64_t product = 1;
  for (int64_t d : group) {
    auto size = graph::constantValue(sizes[d]);
    if (!size)
      return std::nullopt;
    product *= *size;
  }
  return product;
}

/// Puts neighbours among `dims` together where every access runs through both
/// as through one.
SmallVector<SmallVector<int64_t>>
collapse(ArrayRef<int64_t> dims, const Dims &sizes, ArrayRef<Access> accesses) {
  SmallVector<SmallVector<int64_t>> groups;
  for (int64_t d : dims) {
    if (graph::constantValue(sizes[d]) == 1)
      continue;
    if (groups.empty()) {
      groups.push_back({d});
      continue;
    }
    int64_t p = groups.back().back();
    bool together = llvm::all_of(accesses, [&](const Access &a) {
      return !a.rigid[p] && !a.rigid[d] && a.strides[p] && a.strides[d] &&
             a.strides[p] == graph::dimMul(a.strides[d], sizes[d]);
    });
    if (together)
      groups.back().push_back(d);
    else
      groups.push_back({d});
  }
  return groups;
}

/// How good lanes along this dim are: loads of one vector are good, the same
/// element for all lanes is fine, gathers are bad.
int64_t score(int64_t d, std::optional<int64_t> size,
              ArrayRef<Access> accesses) {
  int64_t sum = 0;
  for (const Access &a : accesses) {
    if (a.number == ~0u)
      continue;
    auto stride =
        a.strides[d] ? graph::constantValue(a.strides[d]) : std::nullopt;
    int64_t weight = a.isResult ? 3 : 2;
    if (stride == 1)
      sum += weight;
    else if (stride != 0)
      sum -= 2 * weight;
  }
  if (size && *size < 8)
    sum -= 8 - *size;
  return sum;
}

SmallVector<int64_t> range(int64_t from, int64_t to) {
  return llvm::to_vector(llvm::seq<int64_t>(from, to));
}

/// Elements of one tile, so that it is worth a thread and stays in L2.
int64_t tileElements(int64_t cost) {
  return std::clamp<int64_t>(65536 / (7 + cost), 256, 8192);
}

/// Cuts the result groups into tiles of about `target` elements.
void cut(HostNest &nest, const Dims &sizes, int64_t target) {
  if (nest.groups.empty())
    return;
  int64_t last = nest.groups.size() - 1;
  auto length = sizeOf(nest.groups[last], sizes);
  if (!length || *length > 2 * target) {
    // A chunk is whole vectors of any variant.
    nest.chunk = (target + 63) / 64 * 64;
    nest.outer = last;
    nest.rows = length ? 1 : 16;
    if (last == 0)
      nest.rows = 1;
    return;
  }
  int64_t per = *length, g = last;
  while (g > 0) {
    auto size = sizeOf(nest.groups[g - 1], sizes);
    if (!size || per * *size > target)
      break;
    per *= *size;
    --g;
  }
  nest.outer = g;
  nest.rows = std::max<int64_t>(1, target / std::max<int64_t>(per, 1));
}

/// Moves the best group to the end.
void chooseLanes(HostNest &nest, const Dims &sizes, ArrayRef<Access> accesses) {
  if (nest.groups.empty())
    return;
  unsigned best = nest.groups.size() - 1;
  auto scoreOf = [&](unsigned g) {
    return score(nest.groups[g].back(), sizeOf(nest.groups[g], sizes),
                 accesses);
  };
  for (unsigned g = nest.groups.size() - 1; g-- > 0;)
    if (scoreOf(g) > scoreOf(best))
      best = g;
  std::rotate(nest.groups.begin() + best, nest.groups.begin() + best + 1,
              nest.groups.end());
}

void finish(FuncOp kernel, const HostNest &nest, const Dims &sizes,
            int64_t scratch) {
  MLIRContext *context = kernel.getContext();
  kernel.setScheduleAttr(nest.toAttr(context));
  kernel.setTilesAttr(nest.tiles(context, sizes));
  kernel.setScratch(scratch);
}

/// Accesses of all results at the same indices, values followed.
void walkResults(AccessWalk &walk, FuncOp kernel, ArrayRef<SymbolicIndex> at) {
  auto yield = cast<YieldOp>(kernel.getBody().front().getTerminator());
  for (unsigned i = 0; i < kernel.getResultTypes().size(); ++i) {
    walk.store(i, at);
    walk.tensor(yield.getValues()[i], at);
  }
}

LogicalResult sameShapes(FuncOp kernel, const Dims &sizes) {
  for (unsigned i = 1; i < kernel.getResultTypes().size(); ++i)
    if (kernel.getResultDims(i) != sizes)
      return kernel.emitOpError(
          "all results of a kernel of this family must have one shape");
  return success();
}

/// A group along which some load is contiguous that is no sequence along the
/// lanes, both long enough for blocks.
void chooseTranspose(HostNest &nest, const Dims &sizes,
                     ArrayRef<Access> accesses) {
  if (nest.groups.size() < 2)
    return;
  int64_t lane = nest.groups.back().back();
  auto length = sizeOf(nest.groups.back(), sizes);
  if (length && *length < 8)
    return;
  for (const Access &a : accesses) {
    if (a.number == ~0u || a.isResult || !a.element.isIntOrFloat() ||
        a.element.getIntOrFloatBitWidth() != 32)
      continue;
    auto along =
        a.strides[lane] ? graph::constantValue(a.strides[lane]) : std::nullopt;
    if (along == 1 || along == 0 || !a.strides[lane])
      continue;
    for (unsigned g = 0; g + 1 < nest.groups.size(); ++g) {
      int64_t d = nest.groups[g].back();
      auto size = sizeOf(nest.groups[g], sizes);
      if (a.strides[d] && graph::constantValue(a.strides[d]) == 1 &&
          (!size || *size >= 8)) {
        nest.transpose = g;
        return;
      }
    }
  }
}

LogicalResult scheduleMap(FuncOp kernel) {
  Dims sizes = kernel.getResultDims(0);
  if (failed(sameShapes(kernel, sizes)))
    return failure();
  AccessWalk walk(kernel, sizes.size());
  SmallVector<SymbolicIndex> at;
  for (unsigned d = 0; d < sizes.size(); ++d)
    at.push_back(walk.dim(d));
  walkResults(walk, kernel, at);
  HostNest nest;
  nest.groups = collapse(range(0, sizes.size()), sizes, walk.accesses);
  chooseLanes(nest, sizes, walk.accesses);
  chooseTranspose(nest, sizes, walk.accesses);
  if (nest.transpose >= 0)
    // The group of the blocks stands next to the lanes.
    std::rotate(nest.groups.begin() + nest.transpose,
                nest.groups.begin() + nest.transpose + 1,
                nest.groups.end() - 1);
  int64_t target = tileElements(walk.cost);
  cut(nest, sizes, target);
  if (nest.transpose >= 0) {
    // A tile holds the whole block dim, and a chunk of lanes.
    nest.transpose = nest.groups.size() - 2;
    auto block = sizeOf(nest.groups[nest.transpose], sizes);
    nest.outer = nest.transpose;
    nest.chunk = 64;
    nest.rows = 1;
    auto length = sizeOf(nest.groups.back(), sizes);
    if (block && *block < target / 64)
      nest.chunk = (target / *block + 63) / 64 * 64;
    if (length && *length <= nest.chunk) {
      nest.chunk = 0;
      if (block)
        nest.rows = std::max<int64_t>(1, target / (*length * *block));
    }
  }
  finish(kernel, nest, sizes, 0);
  return success();
}

LogicalResult scheduleReduce(FuncOp kernel) {
  linalg::GenericOp root;
  for (auto op : kernel.getBody().getOps<linalg::GenericOp>())
    if (op.getNumReductionLoops())
      root = op;
  Dims sizes = kernel.getResultDims(0);
  if (failed(sameShapes(kernel, sizes)))
    return failure();
  // Iteration dims: the results', then the root's loops that are reduced.
  unsigned rank = sizes.size();
  SmallVector<utils::IteratorType> iterators = root.getIteratorTypesArray();
  SmallVector<int64_t, 4> loopRanges = root.getStaticLoopRanges();
  SmallVector<unsigned> reducedLoops;
  Dims all = sizes;
  int64_t reducedSize = 1;
  for (auto [loop, iterator] : llvm::enumerate(iterators))
    if (iterator == utils::IteratorType::reduction) {
      reducedLoops.push_back(loop);
      int64_t extent = loopRanges[loop];
      all.push_back(ShapedType::isDynamic(extent)
                        ? graph::dimSymbol(kernel.getContext(),
                                           "r" + std::to_string(loop))
                        : graph::dimConstant(kernel.getContext(), extent));
      reducedSize *= ShapedType::isDynamic(extent) ? 256 : extent;
    }
  AccessWalk walk(kernel, all.size());
  for (Value result : root.getResults())
    walk.stops.insert(result);
  int64_t rootCost = 0;
  walk.onStop = [&](Value result, ArrayRef<SymbolicIndex> at) {
    SmallVector<SymbolicIndex> dims(root.getNumLoops(), walk.zero());
    AffineMap out = root.getMatchingIndexingMap(
        root.getDpsInitOperand(cast<OpResult>(result).getResultNumber()));
    for (auto [i, expr] : llvm::enumerate(out.getResults()))
      if (auto dimExpr = dyn_cast<AffineDimExpr>(expr))
        dims[dimExpr.getPosition()] = at[i];
    for (auto [i, loop] : llvm::enumerate(reducedLoops))
      dims[loop] = walk.dim(rank + i);
    int64_t before = walk.cost;
    walk.inputs(root, dims);
    rootCost += walk.cost - before;
  };
  SmallVector<SymbolicIndex> at;
  for (unsigned d = 0; d < rank; ++d)
    at.push_back(walk.dim(d));
  walkResults(walk, kernel, at);

  HostNest nest;
  nest.groups = collapse(range(0, rank), all, walk.accesses);
  auto inner = collapse(range(rank, all.size()), all, walk.accesses);
  chooseLanes(nest, all, walk.accesses);
  // Lanes along a reduced dim where that reads better.
  int64_t best = nest.groups.empty()
                     ? -1000
                     : score(nest.groups.back().back(),
                             sizeOf(nest.groups.back(), all), walk.accesses);
  int pick = -1;
  for (auto [g, group] : llvm::enumerate(inner))
    // A store of a scalar per row costs little.
    if (int64_t s = score(group.back(), sizeOf(group, all), walk.accesses);
        s > best) {
      best = s;
      pick = g;
    }
  if (pick >= 0 && root.getNumResults() == 1) {
    nest.reduceLanes = true;
    std::rotate(inner.begin() + pick, inner.begin() + pick + 1, inner.end());
  }
  int64_t target = std::max<int64_t>(1, 8 * tileElements(rootCost) /
                                            std::max<int64_t>(1, reducedSize));
  if (nest.reduceLanes) {
    nest.outer = nest.groups.size();
    nest.rows = target;
    // Back to the order of the results: rows one after the other.
    llvm::sort(nest.groups,
               [](const auto &x, const auto &y) { return x[0] < y[0]; });
  } else {
    cut(nest, all, std::max<int64_t>(target, 64));
  }
  for (auto &group : inner) {
    SmallVector<int64_t> loops;
    for (int64_t d : group)
      loops.push_back(reducedLoops[d - rank]);
    nest.reduced.push_back(loops);
  }
  finish(kernel, nest, sizes, 0);
  return success();
}

LogicalResult scheduleRow(FuncOp kernel) {
  SmallVector<linalg::GenericOp> roots;
  for (auto op : kernel.getBody().getOps<linalg::GenericOp>())
    if (op.getNumReductionLoops())
      roots.push_back(op);
  unsigned rank = roots[0].getNumLoops();
  unsigned rowRank = rank - roots[0].getNumReductionLoops();
  auto yield = cast<YieldOp>(kernel.getBody().front().getTerminator());
  Dims sizes;
  int full = -1, any = -1;
  for (auto [i, type] : llvm::enumerate(kernel.getResultTypes())) {
    unsigned resultRank = cast<RankedTensorType>(type).getRank();
    if (resultRank == rank)
      full = i;
    else if (resultRank == rowRank)
      any = i;
    else
      return kernel.emitOpError()
             << "result " << i << " of a row kernel has rank " << resultRank
             << ", expected that of the rows, " << rowRank
             << ", or of the whole space, " << rank;
  }
  sizes = kernel.getResultDims(full >= 0 ? full : any);
  for (unsigned d = sizes.size(); d < rank; ++d) {
    int64_t extent = roots[0].getStaticLoopRanges()[d];
    sizes.push_back(
        ShapedType::isDynamic(extent)
            ? graph::dimSymbol(kernel.getContext(), "r" + std::to_string(d))
            : graph::dimConstant(kernel.getContext(), extent));
  }
  AccessWalk walk(kernel, rank);
  SmallVector<SymbolicIndex> at;
  for (unsigned d = 0; d < rank; ++d)
    at.push_back(walk.dim(d));
  for (linalg::GenericOp root : roots)
    walk.inputs(root, at);
  for (auto [i, value] : llvm::enumerate(yield.getValues())) {
    unsigned resultRank = cast<RankedTensorType>(value.getType()).getRank();
    walk.store(i, ArrayRef(at).take_front(resultRank));
    walk.tensor(value, ArrayRef(at).take_front(resultRank));
  }
  // Only what moves along the row speaks about the row's dims.
  HostNest nest;
  nest.groups = collapse(range(0, rowRank), sizes, walk.accesses);
  nest.reduced = collapse(range(rowRank, rank), sizes, walk.accesses);
  nest.outer = nest.groups.size();
  nest.reduceLanes = true;
  int64_t length = 1;
  for (auto &group : nest.reduced)
    length *= sizeOf(group, sizes).value_or(512);
  nest.rows = std::max<int64_t>(1, tileElements(walk.cost) * 2 /
                                       std::max<int64_t>(1, length));
  int64_t scratch = 0;
  for (const RowTemporary &temporary : rowTemporaries(kernel))
    scratch = temporary.offset + (temporary.bytes + 63) / 64 * 64;
  finish(kernel, nest, sizes, scratch);
  return success();
}

} // namespace

LogicalResult kernel::scheduleHostNest(FuncOp kernel) {
  switch (kernel.getFamily()) {
  case Family::map:
    return scheduleMap(kernel);
  case Family::reduce:
  case Family::pool:
  case Family::depthwise:
    return scheduleReduce(kernel);
  case Family::row:
    return scheduleRow(kernel);
  default:
    return kernel.emitOpError("is of no family with a simple nest");
  }
}
