//===- Reductions.cpp - reductions along lanes ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Several accumulators hide the latency of the combining op; they are joined
// in a fixed order, then the lanes are, in a tree. The order depends on the
// extent and on the variant only.
//
//===----------------------------------------------------------------------===//

#include "Nest.h"

#include "actnet/Dialect/Kernel/Transforms/Access.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <limits>

using namespace mlir;
using namespace actnet::host;

std::optional<Combiner> Combiner::get(linalg::GenericOp op) {
  if (op.getNumDpsInits() != 1)
    return std::nullopt;
  Block *block = op.getBody();
  Value acc = block->getArgument(op.getNumDpsInputs());
  Operation *last = block->getTerminator()->getOperand(0).getDefiningOp();
  if (!last || last->getBlock() != block || last->getNumOperands() != 2 ||
      !acc.hasOneUse() || *acc.user_begin() != last)
    return std::nullopt;
  Combiner combiner;
  combiner.op = last;
  if (isa<arith::AddFOp, arith::AddIOp, arith::OrIOp, arith::XOrIOp,
          arith::MaxUIOp>(last))
    combiner.identity = 0;
  else if (isa<arith::MulFOp, arith::MulIOp>(last))
    combiner.identity = 1;
  else if (isa<arith::AndIOp, arith::MinUIOp>(last))
    combiner.identity = -1;
  else if (isa<arith::MaximumFOp, arith::MaxNumFOp, arith::MaxSIOp>(last))
    combiner.identity = -std::numeric_limits<double>::infinity();
  else if (isa<arith::MinimumFOp, arith::MinNumFOp, arith::MinSIOp>(last))
    combiner.identity = std::numeric_limits<double>::infinity();
  else
    return std::nullopt;
  combiner.infinite = std::isinf(combiner.identity);
  return combiner;
}

Value Combiner::neutral(Emitter &e, Type type) const {
  Type element = getElementTypeOrSelf(type);
  if (isa<FloatType>(element))
    return e.cstFloat(type, identity);
  unsigned bits = element.getIntOrFloatBitWidth();
  if (infinite) {
    APInt value = identity < 0 ? APInt::getSignedMinValue(bits)
                               : APInt::getSignedMaxValue(bits);
    return e.cstInt(type, value.getSExtValue());
  }
  return e.cstInt(type, static_cast<int64_t>(identity));
}

Values actnet::host::loopExtents(Emitter &e, linalg::GenericOp op) {
  Values extents(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    for (auto [d, expr] :
         llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
      if (auto dimExpr = dyn_cast<AffineDimExpr>(expr))
        if (Value &extent = extents[dimExpr.getPosition()]; !extent)
          extent = e.extentValue(operand.get(), d);
  }
  for (Value &extent : extents)
    if (!extent)
      extent = e.fail(op, "cannot tell the extent of a loop", e.b.getI64Type());
  return extents;
}

Values actnet::host::inputElements(Emitter &e, linalg::GenericOp op,
                                   ArrayRef<Index> at) {
  Values inputs;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    if (op.getMatchingBlockArgument(operand).use_empty() ||
        !isa<RankedTensorType>(operand->get().getType())) {
      inputs.push_back({});
      continue;
    }
    inputs.push_back(e.element(operand->get(),
                               e.map(op.getMatchingIndexingMap(operand), at)));
  }
  return inputs;
}

/// Initial elements of the outputs, with the reduced loops at 0.
static Values initElements(Emitter &e, linalg::GenericOp op,
                           ArrayRef<Index> at) {
  Values inits;
  for (OpOperand &operand : op.getDpsInitsMutable())
    inits.push_back(e.element(operand.get(),
                              e.map(op.getMatchingIndexingMap(&operand), at)));
  return inits;
}

Values actnet::host::reduceLanes(Emitter &e, linalg::GenericOp op,
                                 ArrayRef<Index> at,
                                 ArrayRef<SmallVector<int64_t>> groups,
                                 ArrayRef<Value> extents) {
  std::optional<Combiner> combiner = Combiner::get(op);
  unsigned width = combiner ? lanesFor(e.kernel, e.variant) : 1;
  SmallVector<Index> dims(at);
  auto sizeOf = [&](ArrayRef<int64_t> group) {
    Value size = e.cst(1);
    for (int64_t d : group)
      size = e.mul(size, extents[d]);
    return size;
  };
  Emitter::LaneScope scalars(e, 1);
  Values inits = initElements(e, op, dims);
  if (groups.empty())
    return e.body(op, dims, inputElements(e, op, dims), inits);

  auto nested = [&](auto &self, unsigned g, ValueRange carried,
                    function_ref<Values(Value, ValueRange)> last) -> Values {
    Value size = sizeOf(groups[g]);
    if (g + 1 == groups.size())
      return last(size, carried);
    return e.loop(e.cst(0), size, 1, carried, [&](Value i, ValueRange in) {
      dims[groups[g].back()] = Index(i);
      return self(self, g + 1, in, last);
    });
  };
  int64_t carrier = groups.back().back();

  // One element after the other: any body, several results.
  if (!combiner || width == 1)
    return nested(nested, 0, inits, [&](Value size, ValueRange in) {
      return e.loop(e.cst(0), size, 1, in, [&](Value i, ValueRange acc) {
        dims[carrier] = Index(i);
        return e.body(op, dims, inputElements(e, op, dims), acc);
      });
    });

  unsigned count = actnet::kernel::bodyCost(op) > 12 ? 2 : 4;
  if (auto size = Emitter::constantOf(sizeOf(groups.back()));
      size && *size < static_cast<int64_t>(count * width))
    count = std::max<int64_t>(1, *size / width);
  Type scalar = inits[0].getType();
  Values accumulators(count, combiner->neutral(e, e.vec(scalar, width)));
  accumulators =
      nested(nested, 0, accumulators, [&](Value size, ValueRange in) {
        return vectorLoop(
            e, e.cst(0), size, width, count, in,
            [&](Value i, unsigned times, ValueRange acc) {
              Values out(acc.begin(), acc.end());
              for (unsigned u = 0; u < times; ++u) {
                if (e.lanes() == 1) {
                  // The tail of a type without masks: one lane of the first
                  // vector.
                  dims[carrier] = Index(i);
                  Value lane = e.extractLane(out[0], 0);
                  Value next =
                      e.body(op, dims, inputElements(e, op, dims), lane)[0];
                  out[0] = e.insertLane(out[0], next, 0);
                  continue;
                }
                dims[carrier] = Index(i, u * width, 1);
                Values inputs = inputElements(e, op, dims);
                Value next = e.body(op, dims, inputs, out[u])[0];
                if (Value mask = e.mask())
                  next = arith::SelectOp::create(e.b, e.loc, mask,
                                                 e.broadcast(next), out[u]);
                out[u] = e.broadcast(next);
              }
              return out;
            });
      });

  // The accumulator's place among the op's operands does not matter: all
  // combiners commute.
  Operation &op2 = *combiner->op;
  for (unsigned distance = 1; distance < count; distance *= 2)
    for (unsigned u = 0; u + distance < count; u += 2 * distance) {
      Emitter::LaneScope lanes(e, width);
      accumulators[u] =
          e.apply(op2, {accumulators[u], accumulators[u + distance]});
    }
  Value vector = accumulators[0];
  for (unsigned half = width / 2; half >= 1; half /= 2) {
    SmallVector<int64_t> low, high;
    for (unsigned l = 0; l < half; ++l)
      low.push_back(l), high.push_back(l + half);
    Value x = e.shuffle(vector, vector, low),
          y = e.shuffle(vector, vector, high);
    Emitter::LaneScope lanes(e, half);
    vector = e.apply(op2, {x, y});
  }
  return {e.apply(op2, {inits[0], e.extractLane(vector, 0)})};
}
