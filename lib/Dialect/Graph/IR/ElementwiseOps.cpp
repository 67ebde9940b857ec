//===- ElementwiseOps.cpp - elementwise operations ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Folding.h"
#include "Inference.h"

#include <cmath>

using namespace mlir;
using namespace actnet::graph;

namespace {
/// The element types that a function is defined for.
enum class Domain { Float, Number, Bits };
} // namespace

static LogicalResult checkDomain(const Inference &inference,
                                 StringRef constraint, Domain domain,
                                 Type type) {
  switch (domain) {
  case Domain::Float:
    return inference.isFloat(constraint, type);
  case Domain::Number:
    if (type.isInteger(1))
      return inference.error(constraint + ": expected a number, found i1");
    return success();
  case Domain::Bits:
    if (!isa<IntegerType>(type))
      return inference.error(
          constraint + ": expected bool or integers, found " + toString(type));
    return success();
  }
  return success();
}

static LogicalResult inferUnary(const Inference &inference, Domain domain,
                                SmallVectorImpl<Type> &results) {
  auto types = inference.tensors(1, 1);
  if (failed(types) || failed(checkDomain(inference, "C2", domain,
                                          types->front().getElementType())))
    return failure();
  results.push_back(types->front());
  return success();
}

static LogicalResult inferBinary(const Inference &inference, Domain domain,
                                 SmallVectorImpl<Type> &results) {
  auto types = inference.tensors(2, 2);
  if (failed(types) || failed(inference.sameElementType("C1", *types)))
    return failure();
  Type element = types->front().getElementType();
  if (failed(checkDomain(inference, "C1", domain, element)))
    return failure();
  auto dims =
      inference.broadcast("C2", {getDims((*types)[0]), getDims((*types)[1])});
  if (failed(dims))
    return failure();
  results.push_back(getTensorType(*dims, element));
  return success();
}

#define ACTNET_UNARY(OP, DOMAIN)                                               \
  ACTNET_INFER(OP) {                                                           \
    return inferUnary({getOperationName(), location, operands},                \
                      Domain::DOMAIN, results);                                \
  }                                                                            \
  OpFoldResult OP::fold(FoldAdaptor adaptor) {                                 \
    return foldElementwise(*this, adaptor.getOperands());                      \
  }
#define ACTNET_BINARY(OP, DOMAIN)                                              \
  ACTNET_INFER(OP) {                                                           \
    return inferBinary({getOperationName(), location, operands},               \
                       Domain::DOMAIN, results);                               \
  }                                                                            \
  OpFoldResult OP::fold(FoldAdaptor adaptor) {                                 \
    return foldElementwise(*this, adaptor.getOperands());                      \
  }

ACTNET_UNARY(AbsOp, Number)
ACTNET_UNARY(NegOp, Number)
ACTNET_UNARY(ExpOp, Float)
ACTNET_UNARY(LogOp, Float)
ACTNET_UNARY(SqrtOp, Float)
ACTNET_UNARY(RsqrtOp, Float)
ACTNET_UNARY(ReciprocalOp, Float)
ACTNET_UNARY(TanhOp, Float)
ACTNET_UNARY(SigmoidOp, Float)
ACTNET_UNARY(ErfOp, Float)
ACTNET_UNARY(SinOp, Float)
ACTNET_UNARY(CosOp, Float)
ACTNET_UNARY(FloorOp, Float)
ACTNET_UNARY(CeilOp, Float)
ACTNET_UNARY(RoundOp, Float)
ACTNET_UNARY(SignOp, Number)
ACTNET_UNARY(NotOp, Bits)

ACTNET_BINARY(AddOp, Number)
ACTNET_BINARY(SubOp, Number)
ACTNET_BINARY(MulOp, Number)
ACTNET_BINARY(DivOp, Number)
ACTNET_BINARY(PowOp, Number)
ACTNET_BINARY(ModOp, Number)
ACTNET_BINARY(MaxOp, Number)
ACTNET_BINARY(MinOp, Number)
ACTNET_BINARY(AndOp, Bits)
ACTNET_BINARY(OrOp, Bits)
ACTNET_BINARY(XorOp, Bits)

ACTNET_INFER(CompareOp) {
  Inference inference(getOperationName(), location, operands);
  auto types = inference.tensors(2, 2);
  if (failed(types) || failed(inference.sameElementType("C1", *types)))
    return failure();
  auto dims =
      inference.broadcast("C2", {getDims((*types)[0]), getDims((*types)[1])});
  if (failed(dims))
    return failure();
  results.push_back(getTensorType(*dims, IntegerType::get(context, 1)));
  return success();
}

OpFoldResult CompareOp::fold(FoldAdaptor adaptor) {
  return foldElementwise(*this, adaptor.getOperands());
}

ACTNET_INFER(SelectOp) {
  Inference inference(getOperationName(), location, operands);
  auto types = inference.tensors(3, 3);
  if (failed(types))
    return failure();
  if (!(*types)[0].getElementType().isInteger(1))
    return inference.error("C1: expected a condition of i1, found " +
                           toString((*types)[0].getElementType()));
  if (failed(inference.sameElementType("C2", {(*types)[1], (*types)[2]})))
    return failure();
  auto dims = inference.broadcast(
      "C3", {getDims((*types)[0]), getDims((*types)[1]), getDims((*types)[2])});
  if (failed(dims))
    return failure();
  results.push_back(getTensorType(*dims, (*types)[1].getElementType()));
  return success();
}

OpFoldResult SelectOp::fold(FoldAdaptor adaptor) {
  return foldElementwise(*this, adaptor.getOperands());
}

ACTNET_INFER(ClampOp) {
  Inference inference(getOperationName(), location, operands);
  auto types = inference.tensors(1, 1);
  auto known = propertiesOf<ClampOp>(location, context, attributes, properties);
  if (failed(types) || failed(known) ||
      failed(
          requireAttributes(inference, {{"lo", known->lo}, {"hi", known->hi}})))
    return failure();
  double lo = known->lo.getValueAsDouble(), hi = known->hi.getValueAsDouble();
  if (!(lo <= hi))
    return inference.error("C1: expected lo <= hi, found " +
                           std::to_string(lo) + " and " + std::to_string(hi));
  results.push_back(types->front());
  return success();
}

OpFoldResult ClampOp::fold(FoldAdaptor adaptor) {
  double lo = getLo().convertToDouble(), hi = getHi().convertToDouble();
  if (std::isinf(lo) && std::isinf(hi) && lo < hi)
    return getX();
  if (auto inner = getX().getDefiningOp<ClampOp>()) {
    // Both bounds of the inner clamp go through the outer one.
    auto outer = [&](const APFloat &bound) {
      return FloatAttr::get(
          Float64Type::get(getContext()),
          std::min(std::max(bound.convertToDouble(), lo), hi));
    };
    auto newLo = outer(inner.getLo()), newHi = outer(inner.getHi());
    setLoAttr(newLo);
    setHiAttr(newHi);
    setOperand(inner.getX());
    return getResult();
  }
  return foldElementwise(*this, adaptor.getOperands());
}

LogicalResult CastOp::verify() {
  RankedTensorType from = getX().getType(), to = getY().getType();
  if (from.getShape() == to.getShape() &&
      from.getEncoding() == to.getEncoding())
    return success();
  return emitOpError("C1: expected one shape, found ") << from << " and " << to;
}

OpFoldResult CastOp::fold(FoldAdaptor adaptor) {
  if (getX().getType() == getType())
    return getX();
  return foldElementwise(*this, adaptor.getOperands());
}
