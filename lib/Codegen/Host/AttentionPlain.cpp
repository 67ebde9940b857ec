//===- AttentionPlain.cpp - the scalar reference of attention -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an attention becomes where the fast code does not apply (f64, dynamic
// or huge heads): each element of the result computes its row of scores three
// times, for the maximum, the sum and the output.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include <cmath>

using namespace mlir;

namespace actnet::host {

void emitPlainAttention(Emitter &e) {
  kernel::AttentionOp op;
  for (Operation &each : e.kernel.getBody().front())
    if (auto attention = dyn_cast<kernel::AttentionOp>(each))
      op = attention;
  unsigned count = op->getNumOperands();
  auto mapOf = [op](unsigned i) mutable {
    return cast<AffineMapAttr>(op.getIndexingMaps()[i]).getValue();
  };
  AffineMap out = mapOf(count - 1);
  if (!out.isProjectedPermutation()) {
    e.fail(op, "the host needs an output map that is a permutation",
           e.b.getI64Type());
    return;
  }
  // Extents of (b, h, s, t, d, e); masks may be broadcast and do not count.
  Values extents(6);
  for (unsigned i = 0; i < count; ++i)
    if (!(op.getMask() && i == 3))
      for (auto [d, expr] : llvm::enumerate(mapOf(i).getResults()))
        if (auto dim = dyn_cast<AffineDimExpr>(expr))
          if (Value &extent = extents[dim.getPosition()]; !extent)
            extent = e.extentValue(op->getOperand(i), d);
  for (Value &extent : extents)
    if (!extent)
      extent = e.cst(1);
  Type type =
      Emitter::computeType(getElementTypeOrSelf(op.getResult().getType()));

  e.bind(
      op.getResult(),
      [&e, op, mapOf, out, extents, type](ArrayRef<Index> at) mutable -> Value {
        OpBuilder &b = e.b;
        Location loc = e.loc;
        SmallVector<Index> dims(6);
        for (auto [i, expr] : llvm::enumerate(out.getResults()))
          dims[cast<AffineDimExpr>(expr).getPosition()] = at[i];
        auto element = [&](unsigned i) {
          Value value = e.element(op->getOperand(i), e.map(mapOf(i), dims));
          Type from = value.getType();
          if (from == type || from.isInteger(1))
            return value;
          return type.getIntOrFloatBitWidth() > from.getIntOrFloatBitWidth()
                     ? arith::ExtFOp::create(b, loc, type, value).getResult()
                     : arith::TruncFOp::create(b, loc, type, value).getResult();
        };
        Value minus = e.cstFloat(type, -INFINITY);
        auto score = [&](Value t) {
          dims[3] = Index(t);
          Value sum =
              e.loop(e.cst(0), extents[4], 1, ValueRange(e.zero(type)),
                     [&](Value d, ValueRange in) {
                       dims[4] = Index(d);
                       return Values{e.fma(element(0), element(1), in[0])};
                     })[0];
          sum = arith::MulFOp::create(
              b, loc, sum, e.cstFloat(type, op.getScale().convertToDouble()));
          if (op.getMask()) {
            Value mask = element(3);
            sum = mask.getType().isInteger(1)
                      ? arith::SelectOp::create(b, loc, mask, sum, minus)
                            .getResult()
                      : arith::AddFOp::create(b, loc, sum, mask).getResult();
          }
          if (op.getCausal()) {
            Value limit =
                e.add(e.scalar(dims[2]), e.sub(extents[3], extents[2]));
            sum = arith::SelectOp::create(b, loc, e.less(limit, t), minus, sum);
          }
          return sum;
        };
        Value biggest = e.loop(
            e.cst(0), extents[3], 1, ValueRange(minus),
            [&](Value t, ValueRange in) {
              return Values{arith::MaximumFOp::create(b, loc, in[0], score(t))
                                .getResult()};
            })[0];
        Values sums = e.loop(
            e.cst(0), extents[3], 1, ValueRange{e.zero(type), e.zero(type)},
            [&](Value t, ValueRange in) {
              Value shifted = arith::SubFOp::create(b, loc, score(t), biggest);
              Value p = emitMath(e, "math.exp", ValueRange(shifted));
              return Values{arith::AddFOp::create(b, loc, in[0], p),
                            e.fma(p, element(2), in[1])};
            });
        // Of no key, and of a softmax that is no number where guarded: 0.
        Value isNumber =
            op.getGuarded()
                ? arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT,
                                        sums[0], e.zero(type))
                      .getResult()
                : e.less(e.cst(0), extents[3]);
        return arith::SelectOp::create(
            b, loc, isNumber, arith::DivFOp::create(b, loc, sums[1], sums[0]),
            e.zero(type));
      });
  emitPlainResults(e);
}

} // namespace actnet::host
