//===- LowerElementwise.cpp - elementwise ops as linalg.generic -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One generic an operation; scalar constants go into its region.
//
//===----------------------------------------------------------------------===//

#include "BodyBuilder.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include <cmath>

using namespace mlir;

namespace actnet {

using graph::DimExprAttr;

namespace {

/// Emits the scalar arithmetic of one operation.
struct Scalar {
  BodyBuilder &body;
  OpBuilder &b;
  Location loc;
  /// Whether the operands are unsigned or bool: kernels' integers are signless.
  bool isUnsigned;

  bool isFloat(Value v) const { return isa<FloatType>(v.getType()); }
  Value c(Value like, double value) {
    return body.constant(b, like.getType(), value);
  }
  Value mul(Value a, Value v) { return arith::MulFOp::create(b, loc, a, v); }
  Value add(Value a, Value v) { return arith::AddFOp::create(b, loc, a, v); }

  Value unary(Operation *op, Value x) {
    if (isa<graph::AbsOp>(op) && isUnsigned)
      return x;
    if (isa<graph::AbsOp>(op))
      return isFloat(x) ? math::AbsFOp::create(b, loc, x).getResult()
                        : math::AbsIOp::create(b, loc, x).getResult();
    if (isa<graph::NegOp>(op))
      return isFloat(x) ? arith::NegFOp::create(b, loc, x).getResult()
                        : arith::SubIOp::create(b, loc, c(x, 0), x).getResult();
    if (isa<graph::SignOp>(op))
      return sign(x);
    if (isa<graph::NotOp>(op))
      return arith::XOrIOp::create(
          b, loc, x,
          body.constant(b, x.getType(), x.getType().isInteger(1) ? 1 : -1));
    if (!isFloat(x))
      return nullptr;
    if (isa<graph::ExpOp>(op))
      return math::ExpOp::create(b, loc, x);
    if (isa<graph::LogOp>(op))
      return math::LogOp::create(b, loc, x);
    if (isa<graph::SqrtOp>(op))
      return math::SqrtOp::create(b, loc, x);
    if (isa<graph::RsqrtOp>(op))
      return arith::DivFOp::create(b, loc, c(x, 1),
                                   math::SqrtOp::create(b, loc, x));
    if (isa<graph::ReciprocalOp>(op))
      return arith::DivFOp::create(b, loc, c(x, 1), x);
    if (isa<graph::TanhOp>(op))
      return math::TanhOp::create(b, loc, x);
    if (isa<graph::SigmoidOp>(op)) {
      Value e = math::ExpOp::create(b, loc, arith::NegFOp::create(b, loc, x));
      return arith::DivFOp::create(b, loc, c(x, 1), add(c(x, 1), e));
    }
    if (isa<graph::ErfOp>(op))
      return math::ErfOp::create(b, loc, x);
    if (isa<graph::SinOp>(op))
      return math::SinOp::create(b, loc, x);
    if (isa<graph::CosOp>(op))
      return math::CosOp::create(b, loc, x);
    if (isa<graph::FloorOp>(op))
      return math::FloorOp::create(b, loc, x);
    if (isa<graph::CeilOp>(op))
      return math::CeilOp::create(b, loc, x);
    if (isa<graph::RoundOp>(op))
      return math::RoundEvenOp::create(b, loc, x);
    return nullptr;
  }

  Value sign(Value x) {
    Value zero = c(x, 0), one = c(x, 1), minus = c(x, -1);
    if (isFloat(x)) {
      Value positive =
          arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, zero);
      Value negative =
          arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, zero);
      // x itself where neither holds: zeros and NaN.
      return arith::SelectOp::create(
          b, loc, positive, one,
          arith::SelectOp::create(b, loc, negative, minus, x));
    }
    if (isUnsigned)
      return arith::MinUIOp::create(b, loc, x, one);
    Value positive =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, x, zero);
    Value negative =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, zero);
    return arith::SelectOp::create(
        b, loc, positive, one,
        arith::SelectOp::create(b, loc, negative, minus, zero));
  }

  Value binary(Operation *op, Value x, Value y) {
    bool f = isFloat(x);
    if (isa<graph::AddOp>(op))
      return f ? add(x, y) : arith::AddIOp::create(b, loc, x, y).getResult();
    if (isa<graph::SubOp>(op))
      return f ? arith::SubFOp::create(b, loc, x, y).getResult()
               : arith::SubIOp::create(b, loc, x, y).getResult();
    if (isa<graph::MulOp>(op))
      return f ? mul(x, y) : arith::MulIOp::create(b, loc, x, y).getResult();
    if (isa<graph::DivOp>(op))
      return f            ? arith::DivFOp::create(b, loc, x, y).getResult()
             : isUnsigned ? arith::DivUIOp::create(b, loc, x, y).getResult()
                          : arith::DivSIOp::create(b, loc, x, y).getResult();
    if (isa<graph::PowOp>(op))
      return f ? math::PowFOp::create(b, loc, x, y).getResult() : power(x, y);
    if (isa<graph::ModOp>(op))
      return mod(x, y);
    if (isa<graph::MaxOp>(op))
      return f            ? arith::MaximumFOp::create(b, loc, x, y).getResult()
             : isUnsigned ? arith::MaxUIOp::create(b, loc, x, y).getResult()
                          : arith::MaxSIOp::create(b, loc, x, y).getResult();
    if (isa<graph::MinOp>(op))
      return f            ? arith::MinimumFOp::create(b, loc, x, y).getResult()
             : isUnsigned ? arith::MinUIOp::create(b, loc, x, y).getResult()
                          : arith::MinSIOp::create(b, loc, x, y).getResult();
    if (f)
      return nullptr;
    if (isa<graph::AndOp>(op))
      return arith::AndIOp::create(b, loc, x, y);
    if (isa<graph::OrOp>(op))
      return arith::OrIOp::create(b, loc, x, y);
    if (isa<graph::XorOp>(op))
      return arith::XOrIOp::create(b, loc, x, y);
    return nullptr;
  }

  /// Integers to an integer power, by squaring; it wraps. Below zero the power
  /// is 1 over one, which is an integer for 1 and -1 only, else 0.
  Value power(Value x, Value y) {
    Value zero = c(x, 0), one = c(x, 1);
    auto odd = [&](Value v) -> Value {
      return arith::CmpIOp::create(
          b, loc, arith::CmpIPredicate::ne,
          arith::AndIOp::create(b, loc, v, one).getResult(), zero);
    };
    Value result = one, square = x, rest = y;
    unsigned width = x.getType().getIntOrFloatBitWidth();
    for (unsigned bit = 0; bit < width; ++bit) {
      if (bit)
        square = arith::MulIOp::create(b, loc, square, square);
      Value product = arith::MulIOp::create(b, loc, result, square);
      result = arith::SelectOp::create(b, loc, odd(rest), product, result);
      rest = arith::ShRUIOp::create(b, loc, rest, one);
    }
    if (isUnsigned)
      return result;
    Value minus = c(x, -1);
    Value inverse = arith::SelectOp::create(
        b, loc,
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, one)
            .getResult(),
        one, zero);
    inverse = arith::SelectOp::create(
        b, loc,
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, minus)
            .getResult(),
        arith::SelectOp::create(b, loc, odd(y), minus, one).getResult(),
        inverse);
    return arith::SelectOp::create(
        b, loc,
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, y, zero)
            .getResult(),
        inverse, result);
  }

  /// The remainder with the divisor's sign.
  Value mod(Value x, Value y) {
    if (isFloat(x)) {
      // The rest of a division towards zero is exact; where it is not zero and
      // has the other sign, the divisor is added.
      Value rest = arith::RemFOp::create(b, loc, x, y), zero = c(x, 0);
      auto below = [&](Value v) -> Value {
        return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, v,
                                     zero);
      };
      Value other = arith::XOrIOp::create(b, loc, below(rest), below(y));
      Value inexact =
          arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ONE, rest, zero);
      return arith::SelectOp::create(
          b, loc, arith::AndIOp::create(b, loc, other, inexact).getResult(),
          add(rest, y), rest);
    }
    if (isUnsigned)
      return arith::RemUIOp::create(b, loc, x, y);
    Value r = arith::RemSIOp::create(b, loc, x, y);
    Value zero = c(x, 0);
    Value different =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                              arith::XOrIOp::create(b, loc, r, y), zero);
    Value nonzero =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, r, zero);
    Value adjust = arith::AndIOp::create(b, loc, different, nonzero);
    return arith::SelectOp::create(b, loc, adjust,
                                   arith::AddIOp::create(b, loc, r, y), r);
  }

  Value compare(graph::ComparePredicate predicate, Value x, Value y) {
    using P = graph::ComparePredicate;
    if (isFloat(x)) {
      auto p = predicate == P::eq   ? arith::CmpFPredicate::OEQ
               : predicate == P::ne ? arith::CmpFPredicate::UNE
               : predicate == P::lt ? arith::CmpFPredicate::OLT
               : predicate == P::le ? arith::CmpFPredicate::OLE
               : predicate == P::gt ? arith::CmpFPredicate::OGT
                                    : arith::CmpFPredicate::OGE;
      return arith::CmpFOp::create(b, loc, p, x, y);
    }
    using I = arith::CmpIPredicate;
    I p = predicate == P::eq   ? I::eq
          : predicate == P::ne ? I::ne
          : predicate == P::lt ? (isUnsigned ? I::ult : I::slt)
          : predicate == P::le ? (isUnsigned ? I::ule : I::sle)
          : predicate == P::gt ? (isUnsigned ? I::ugt : I::sgt)
                               : (isUnsigned ? I::uge : I::sge);
    return arith::CmpIOp::create(b, loc, p, x, y);
  }

  /// Integers wrap. Floating point goes towards zero, for narrow and unsigned
  /// integers by way of a wider one, so that it wraps as an integer would.
  Value cast(Value x, Type target) {
    Type from = x.getType(), to = signless(target);
    if (from == to)
      return x;
    if (to.isInteger(1))
      return compare(graph::ComparePredicate::ne, x, c(x, 0));
    if (isa<FloatType>(from) && isa<FloatType>(to)) {
      unsigned wide = to.getIntOrFloatBitWidth(),
               narrow = from.getIntOrFloatBitWidth();
      if (wide == narrow) {
        Value f32 = arith::ExtFOp::create(b, loc, b.getF32Type(), x);
        return arith::TruncFOp::create(b, loc, to, f32);
      }
      return wide > narrow ? arith::ExtFOp::create(b, loc, to, x).getResult()
                           : arith::TruncFOp::create(b, loc, to, x).getResult();
    }
    if (isa<FloatType>(to))
      return isUnsigned ? arith::UIToFPOp::create(b, loc, to, x).getResult()
                        : arith::SIToFPOp::create(b, loc, to, x).getResult();
    if (isa<FloatType>(from)) {
      if (target.isUnsignedInteger(64))
        return arith::FPToUIOp::create(b, loc, to, x);
      unsigned width = to.getIntOrFloatBitWidth();
      unsigned by = target.isUnsignedInteger(32) ? 64 : std::max(width, 32u);
      Value wide = arith::FPToSIOp::create(b, loc, b.getIntegerType(by), x);
      return by == width
                 ? wide
                 : arith::TruncIOp::create(b, loc, to, wide).getResult();
    }
    if (to.getIntOrFloatBitWidth() < from.getIntOrFloatBitWidth())
      return arith::TruncIOp::create(b, loc, to, x);
    return isUnsigned ? arith::ExtUIOp::create(b, loc, to, x).getResult()
                      : arith::ExtSIOp::create(b, loc, to, x).getResult();
  }

  Value clamp(Value x, double lo, double hi, Type element) {
    if (isFloat(x)) {
      if (lo != -INFINITY)
        x = arith::MaximumFOp::create(b, loc, x, c(x, lo));
      if (hi != INFINITY)
        x = arith::MinimumFOp::create(b, loc, x, c(x, hi));
      return x;
    }
    if (isUnsigned) {
      if (lo > 0)
        x = arith::MaxUIOp::create(b, loc, x,
                                   body.constant(b, element, std::ceil(lo)));
      if (hi != INFINITY)
        x = arith::MinUIOp::create(b, loc, x,
                                   body.constant(b, element, std::floor(hi)));
      return x;
    }
    if (lo != -INFINITY)
      x = arith::MaxSIOp::create(b, loc, x, c(x, std::ceil(lo)));
    if (hi != INFINITY)
      x = arith::MinSIOp::create(b, loc, x, c(x, std::floor(hi)));
    return x;
  }

  Value gelu(Value x, bool tanh) {
    Value half = mul(x, c(x, 0.5));
    Value inner;
    if (tanh) {
      Value cube = mul(mul(x, x), x);
      Value sum = add(x, mul(cube, c(x, 0.044715)));
      inner =
          math::TanhOp::create(b, loc, mul(sum, c(x, 0.79788456080286535588)));
    } else {
      inner = math::ErfOp::create(b, loc, mul(x, c(x, 0.70710678118654752440)));
    }
    return mul(half, add(c(x, 1), inner));
  }
};

} // namespace

Value buildScalar(BodyBuilder &body, OpBuilder &b, Location loc, Operation *op,
                  ValueRange args) {
  Type element =
      cast<RankedTensorType>(op->getOperand(0).getType()).getElementType();
  Scalar scalar{body, b, loc,
                element.isInteger(1) || element.isUnsignedInteger()};
  if (auto compare = dyn_cast<graph::CompareOp>(op))
    return scalar.compare(compare.getPredicate(), args[0], args[1]);
  if (isa<graph::SelectOp>(op))
    return arith::SelectOp::create(b, loc, args[0], args[1], args[2]);
  if (auto clamp = dyn_cast<graph::ClampOp>(op))
    return scalar.clamp(args[0], clamp.getLo().convertToDouble(),
                        clamp.getHi().convertToDouble(), element);
  if (auto cast = dyn_cast<graph::CastOp>(op))
    return scalar.cast(
        args[0], mlir::cast<RankedTensorType>(cast.getType()).getElementType());
  if (auto gelu = dyn_cast<graph::GeluOp>(op))
    return scalar.gelu(args[0], gelu.getTanhApproximation());
  if (auto pow = dyn_cast<graph::PowOp>(op)) {
    // Small constant exponents are multiplications.
    double exponent;
    bool known = isSplatConstant(pow.getB(), &exponent);
    if (known && isa<IntegerType>(args[0].getType())) {
      auto product = [&](Value x, Value y) -> Value {
        return arith::MulIOp::create(b, loc, x, y);
      };
      if (exponent == 2)
        return product(args[0], args[0]);
      if (exponent == 3)
        return product(product(args[0], args[0]), args[0]);
    }
    if (known && isa<FloatType>(args[0].getType())) {
      if (exponent == 2)
        return scalar.mul(args[0], args[0]);
      if (exponent == 3)
        return scalar.mul(scalar.mul(args[0], args[0]), args[0]);
      if (exponent == 0.5)
        return math::SqrtOp::create(b, loc, args[0]);
    }
  }
  if (args.size() == 1)
    return scalar.unary(op, args[0]);
  if (args.size() == 2)
    return scalar.binary(op, args[0], args[1]);
  return nullptr;
}

LogicalResult lowerElementwise(BodyBuilder &body, Operation *op) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  SmallVector<DimExprAttr> dims = graph::getDims(type);
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (Value operand : op->getOperands()) {
    if (isSplatConstant(operand))
      continue;
    Value v = body.get(operand);
    maps.push_back(body.broadcastMap(body.dimsOf(v), dims));
    inputs.push_back(v);
  }
  bool failedToBuild = false;
  Value y = body.map(
      dims, type.getElementType(), inputs, maps,
      [&](OpBuilder &nested, Location loc, ValueRange args) -> Value {
        SmallVector<Value> scalars;
        unsigned next = 0;
        for (Value operand : op->getOperands()) {
          double value;
          auto operandType = cast<RankedTensorType>(operand.getType());
          if (isSplatConstant(operand, &value))
            scalars.push_back(
                body.constant(nested, operandType.getElementType(), value));
          else
            scalars.push_back(args[next++]);
        }
        Value result = buildScalar(body, nested, loc, op, scalars);
        failedToBuild = !result;
        return result ? result
                      : body.constant(nested, type.getElementType(), 0);
      });
  if (failedToBuild)
    return op->emitError() << "'" << op->getName()
                           << "' has no kernel for element type "
                           << type.getElementType();
  body.define(op->getResult(0), y);
  return success();
}

} // namespace actnet
