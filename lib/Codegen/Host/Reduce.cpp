//===- Reduce.cpp - reductions and pooling --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Results are written by the nest of a map; where an epilogue asks for an
// element of the reduction, the loops over the reduced dims stand right there.
// Lanes are neighbouring results, several vectors at once, or, where the
// operand is contiguous along a reduced dim, they are the reduced elements.
//
//===----------------------------------------------------------------------===//

#include "Nest.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::host;

namespace {

class Reduction {
public:
  Reduction(Emitter &e, linalg::GenericOp op, const kernel::HostNest &nest)
      : e(e), op(op), nest(nest), extents(loopExtents(e, op)) {}

  /// Element(s) of result `number` at these indices.
  Value element(unsigned number, ArrayRef<Index> at);

  /// Vectors that are computed together from here on, `stride` elements apart.
  unsigned times = 1;
  unsigned stride = 1;
  void forget() { ready.clear(); }

private:
  SmallVector<Index> loopsAt(unsigned number, ArrayRef<Index> at);
  void compute(ArrayRef<SmallVector<Index>> points);

  struct Ready {
    SmallVector<Index> dims;
    Values values;
  };
  Emitter &e;
  linalg::GenericOp op;
  const kernel::HostNest &nest;
  Values extents;
  SmallVector<Ready> ready;
};

} // namespace

SmallVector<Index> Reduction::loopsAt(unsigned number, ArrayRef<Index> at) {
  SmallVector<Index> dims(op.getNumLoops());
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(number));
  for (auto [i, expr] : llvm::enumerate(map.getResults()))
    if (auto dimExpr = dyn_cast<AffineDimExpr>(expr))
      dims[dimExpr.getPosition()] = at[i];
  return dims;
}

Value Reduction::element(unsigned number, ArrayRef<Index> at) {
  SmallVector<Index> dims = loopsAt(number, at);
  for (const Ready &entry : ready)
    if (entry.dims == dims)
      return entry.values[number];
  if (nest.reduceLanes && e.lanes() == 1)
    return reduceLanes(e, op, dims, nest.reduced, extents)[number];
  SmallVector<SmallVector<Index>> points;
  for (unsigned u = 0; u < times; ++u) {
    points.push_back(dims);
    for (Index &index : points.back())
      if (index.lane)
        index.offset += static_cast<int64_t>(u) * stride * index.lane;
  }
  compute(points);
  return ready[ready.size() - times].values[number];
}

void Reduction::compute(ArrayRef<SmallVector<Index>> points) {
  unsigned results = op.getNumDpsInits(), width = e.lanes();
  Values carried;
  for (const SmallVector<Index> &dims : points)
    for (OpOperand &operand : op.getDpsInitsMutable()) {
      Value init = e.element(operand.get(),
                             e.map(op.getMatchingIndexingMap(&operand), dims));
      carried.push_back(width > 1 ? e.broadcast(init) : init);
    }
  SmallVector<SmallVector<Index>> dims(points);
  std::function<Values(unsigned, ValueRange)> nested =
      [&](unsigned g, ValueRange in) -> Values {
    if (g == nest.reduced.size()) {
      Values out;
      for (auto [u, at] : llvm::enumerate(dims)) {
        Values inputs = inputElements(e, op, at);
        for (Value value :
             e.body(op, at, inputs, in.slice(u * results, results)))
          out.push_back(width > 1 ? e.broadcast(value) : value);
      }
      return out;
    }
    Value size = e.cst(1);
    for (int64_t d : nest.reduced[g])
      size = e.mul(size, extents[d]);
    return e.loop(e.cst(0), size, 1, in, [&](Value i, ValueRange acc) {
      for (auto &at : dims)
        at[nest.reduced[g].back()] = Index(i);
      return nested(g + 1, acc);
    });
  };
  Values out = nested(0, carried);
  for (auto [u, at] : llvm::enumerate(points)) {
    ArrayRef<Value> values = ArrayRef(out).slice(u * results, results);
    ready.push_back({at, Values(values.begin(), values.end())});
  }
}

void actnet::host::emitReduce(Emitter &e) {
  auto nest = kernel::HostNest::get(e.kernel);
  if (!nest) {
    e.fail(e.kernel, "has no schedule of family reduce", e.b.getI64Type());
    return;
  }
  linalg::GenericOp root;
  for (auto op : e.kernel.getBody().getOps<linalg::GenericOp>())
    if (op.getNumReductionLoops())
      root = op;
  Reduction reduction(e, root, *nest);
  for (unsigned i = 0; i < root.getNumResults(); ++i)
    e.bind(root.getResult(i), [&reduction, i](ArrayRef<Index> at) {
      return reduction.element(i, at);
    });
  unsigned width = nest->reduceLanes ? 1 : lanesFor(e.kernel, e.variant);
  reduction.stride = width;
  nestLoop(e, *nest, e.kernel.getResultDims(0), width,
           nest->reduceLanes ? 1 : 4, [&](ArrayRef<SmallVector<Index>> points) {
             reduction.times = points.size();
             reduction.forget();
             for (const SmallVector<Index> &at : points)
               e.storeResults(at);
             reduction.forget();
           });
}
