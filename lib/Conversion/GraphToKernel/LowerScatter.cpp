//===- LowerScatter.cpp - writes at indices -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The layout pass has given the scatter its three dims; the kernel is one
// operation of the same form.
//
//===----------------------------------------------------------------------===//

#include "BodyBuilder.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"

using namespace mlir;

namespace actnet {

/// What an element becomes. `isUnsigned`: of the graph's type; the kernel's
/// integers have no sign.
static Value combine(OpBuilder &b, Location loc, graph::ScatterKind kind,
                     bool isUnsigned, Value old, Value update) {
  bool isFloat = isa<FloatType>(old.getType());
  switch (kind) {
  case graph::ScatterKind::set:
    return update;
  case graph::ScatterKind::add:
    if (isFloat)
      return arith::AddFOp::create(b, loc, old, update);
    return arith::AddIOp::create(b, loc, old, update);
  case graph::ScatterKind::mul:
    if (isFloat)
      return arith::MulFOp::create(b, loc, old, update);
    return arith::MulIOp::create(b, loc, old, update);
  case graph::ScatterKind::min:
    if (isFloat)
      return arith::MinimumFOp::create(b, loc, old, update);
    if (isUnsigned)
      return arith::MinUIOp::create(b, loc, old, update);
    return arith::MinSIOp::create(b, loc, old, update);
  case graph::ScatterKind::max:
    if (isFloat)
      return arith::MaximumFOp::create(b, loc, old, update);
    if (isUnsigned)
      return arith::MaxUIOp::create(b, loc, old, update);
    return arith::MaxSIOp::create(b, loc, old, update);
  }
  return update;
}

LogicalResult lowerScatter(BodyBuilder &body, graph::ScatterOp op) {
  auto type = cast<RankedTensorType>(op.getData().getType());
  if (type.getRank() != 3 || op.getAxis() != 1)
    return op.emitError() << "'" << op->getName()
                          << "' has no kernel over these dims; graph-layout "
                             "sees it over three";
  Value data = body.get(op.getData());
  Type element = cast<RankedTensorType>(data.getType()).getElementType();
  auto made = kernel::ScatterOp::create(body.b, body.loc, data.getType(),
                                        body.get(op.getIndices()),
                                        body.get(op.getUpdates()), data);
  {
    OpBuilder::InsertionGuard guard(body.b);
    Block *block = body.b.createBlock(&made.getCombiner(), {},
                                      {element, element}, {body.loc, body.loc});
    Value value = combine(body.b, body.loc, op.getKind(),
                          type.getElementType().isUnsignedInteger(),
                          block->getArgument(0), block->getArgument(1));
    kernel::YieldOp::create(body.b, body.loc, value);
  }
  body.remember(made.getResult(), graph::getDims(type));
  body.define(op.getY(), made.getResult());
  return success();
}

} // namespace actnet
