//===- Row.cpp - softmax, norms and their like ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Row by row: each reduction is one loop along the row, the results another.
// What several of these loops need and is dear to compute is kept in the
// thread's scratch by the first one, where it stays in the nearest cache.
//
//===----------------------------------------------------------------------===//

#include "Nest.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::host;

namespace {

class RowEmitter {
public:
  RowEmitter(Emitter &e, const kernel::HostNest &nest) : e(e), nest(nest) {
    for (auto op : e.kernel.getBody().getOps<linalg::GenericOp>())
      if (op.getNumReductionLoops())
        roots.push_back(op);
    rank = roots[0].getNumLoops();
    rowRank = rank - roots[0].getNumReductionLoops();
    extents = loopExtents(e, roots[0]);
    temporaries = kernel::rowTemporaries(e.kernel);
  }
  void emit();

private:
  void row(SmallVector<Index> at);
  void keep(const kernel::RowTemporary &temporary);
  void reuse(const kernel::RowTemporary &temporary);
  Value place(const kernel::RowTemporary &temporary, ArrayRef<Index> at);
  /// Whether emitting `start` asks for the tensor.
  bool needs(ValueRange start, Value tensor);

  Emitter &e;
  const kernel::HostNest &nest;
  SmallVector<linalg::GenericOp> roots;
  SmallVector<kernel::RowTemporary> temporaries;
  Values extents;
  unsigned rank = 0, rowRank = 0;
};

} // namespace

Value RowEmitter::place(const kernel::RowTemporary &temporary,
                        ArrayRef<Index> at) {
  // Row-major within the row. Groups have their index at their last dim.
  Index sum;
  int64_t stride = 1;
  auto type = cast<RankedTensorType>(temporary.tensor.getType());
  for (unsigned d = rank; d-- > rowRank;) {
    sum = e.add(sum, e.mul(at[d], stride));
    stride *= type.getDimSize(d);
  }
  Type element = Emitter::computeType(type.getElementType());
  Value base = e.address(e.scratch, e.b.getI8Type(), {}, temporary.offset);
  return e.address(base, element, sum.base, sum.offset);
}

void RowEmitter::keep(const kernel::RowTemporary &temporary) {
  Type element =
      Emitter::computeType(getElementTypeOrSelf(temporary.tensor.getType()));
  e.bind(temporary.tensor, [=, this](ArrayRef<Index> at) {
    Value value = e.definition(temporary.tensor, at);
    if (e.lanes() > 1)
      value = e.broadcast(value);
    e.storeRaw(element, value, place(temporary, at), e.mask());
    return value;
  });
}

void RowEmitter::reuse(const kernel::RowTemporary &temporary) {
  Type element =
      Emitter::computeType(getElementTypeOrSelf(temporary.tensor.getType()));
  e.bind(temporary.tensor, [=, this](ArrayRef<Index> at) {
    return e.load(element, place(temporary, at), e.lanes() > 1 ? e.lanes() : 0,
                  e.mask());
  });
}

bool RowEmitter::needs(ValueRange start, Value tensor) {
  llvm::DenseSet<Value> seen;
  Values work(start.begin(), start.end());
  while (!work.empty()) {
    Value value = work.pop_back_val();
    if (value == tensor)
      return true;
    Operation *op = value.getDefiningOp();
    // Reductions before this loop are values already.
    if (!op || !seen.insert(value).second || llvm::is_contained(roots, op))
      continue;
    if (auto generic = dyn_cast<linalg::GenericOp>(op))
      llvm::append_range(work, generic.getInputs());
    else
      llvm::append_range(work, op->getOperands());
  }
  return false;
}

void RowEmitter::row(SmallVector<Index> at) {
  SmallVector<bool> kept(temporaries.size(), false);
  SmallVector<unsigned> fresh;
  auto before = [&](ValueRange start) {
    fresh.clear();
    for (auto [t, temporary] : llvm::enumerate(temporaries))
      if (!kept[t] && needs(start, temporary.tensor)) {
        keep(temporary);
        fresh.push_back(t);
      }
  };
  auto after = [&] {
    for (unsigned t : fresh) {
      kept[t] = true;
      reuse(temporaries[t]);
    }
  };

  for (linalg::GenericOp root : roots) {
    before(root.getInputs());
    SmallVector<Index> dims(at);
    Values values = reduceLanes(e, root, dims, nest.reduced, extents);
    after();
    for (auto [i, value] : llvm::enumerate(values))
      e.bind(root.getResult(i),
             [value = value](ArrayRef<Index>) { return value; });
  }

  // Results of the rows, then those along the row.
  SmallVector<unsigned> full;
  Values needed;
  for (unsigned i = 0; i < e.kernel.getResultTypes().size(); ++i) {
    if (cast<RankedTensorType>(e.kernel.getResultTypes()[i]).getRank() ==
        static_cast<int64_t>(rank)) {
      full.push_back(i);
      needed.push_back(e.yielded(i));
      continue;
    }
    Emitter::LaneScope lanes(e, 1);
    SmallVector<Index> rowAt(ArrayRef(at).take_front(rowRank));
    e.store(i, rowAt, e.element(e.yielded(i), rowAt));
  }
  if (!full.empty()) {
    before(needed);
    auto point = [&] {
      Values values;
      for (Value value : needed)
        values.push_back(e.element(value, at));
      for (auto [i, value] : llvm::zip(full, values))
        e.store(i, at, value);
    };
    std::function<void(unsigned)> nested = [&](unsigned g) {
      if (g == nest.reduced.size())
        return point();
      Value size = e.cst(1);
      for (int64_t d : nest.reduced[g])
        size = e.mul(size, extents[d]);
      int64_t carrier = nest.reduced[g].back();
      if (g + 1 < nest.reduced.size()) {
        e.loop(e.cst(0), size, 1, [&](Value i) {
          at[carrier] = Index(i);
          nested(g + 1);
        });
        return;
      }
      unsigned width = lanesFor(e.kernel, e.variant);
      vectorLoop(e, e.cst(0), size, width, 1, {},
                 [&](Value i, unsigned, ValueRange) {
                   at[carrier] = Index(i, 0, e.lanes() > 1 ? 1 : 0);
                   nested(g + 1);
                   return Values();
                 });
    };
    if (nest.reduced.empty()) {
      Emitter::LaneScope lanes(e, 1);
      point();
    } else {
      nested(0);
    }
    after();
  }
  for (const kernel::RowTemporary &temporary : temporaries)
    e.bind(temporary.tensor, nullptr);
  for (linalg::GenericOp root : roots)
    for (Value result : root.getResults())
      e.bind(result, nullptr);
}

void RowEmitter::emit() {
  SmallVector<graph::DimExprAttr> dims;
  // The rows' dims: of a result of either rank.
  dims = e.kernel.getResultDims(0);
  for (unsigned i = 0; i < e.kernel.getResultTypes().size(); ++i)
    if (auto more = e.kernel.getResultDims(i); more.size() > dims.size())
      dims = more;
  // Row results alone: the row's own dims do not matter here.
  while (dims.size() < rank)
    dims.push_back(graph::DimExprAttr());
  rowLoop(e, nest, dims, [&](SmallVector<Index> at) { row(at); });
}

void actnet::host::emitRow(Emitter &e) {
  auto nest = kernel::HostNest::get(e.kernel);
  if (!nest) {
    e.fail(e.kernel, "has no schedule of family row", e.b.getI64Type());
    return;
  }
  RowEmitter(e, *nest).emit();
}
