//===- MathOps.h - arithmetic on lanes for polynomials --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Short names for the ops that math functions are made of, on one scalar or
// vector type.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CODEGEN_HOST_MATHOPS_H
#define ACTNET_LIB_CODEGEN_HOST_MATHOPS_H

#include "actnet/Codegen/Host/Emitter.h"

namespace actnet::host {

class MathOps {
public:
  using Value = mlir::Value;
  /// For values like `sample` (f32 or f64, scalar or vector).
  MathOps(Emitter &e, Value sample) : e(e), type(sample.getType()) {
    bits = like(mlir::IntegerType::get(type.getContext(), width()));
  }

  Emitter &e;
  mlir::Type type; ///< the float type
  mlir::Type bits; ///< the integer type of the same size

  unsigned width() const {
    return mlir::getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  }
  mlir::Type like(mlir::Type element) const {
    auto vector = mlir::dyn_cast<mlir::VectorType>(type);
    return vector
               ? mlir::Type(mlir::VectorType::get(vector.getShape(), element))
               : element;
  }

  Value c(double v) { return e.cstFloat(type, v); }
  Value ci(int64_t v) { return e.cstInt(bits, v); }
  Value add(Value x, Value y) {
    return mlir::arith::AddFOp::create(e.b, e.loc, x, y);
  }
  Value sub(Value x, Value y) {
    return mlir::arith::SubFOp::create(e.b, e.loc, x, y);
  }
  Value mul(Value x, Value y) {
    return mlir::arith::MulFOp::create(e.b, e.loc, x, y);
  }
  Value div(Value x, Value y) {
    return mlir::arith::DivFOp::create(e.b, e.loc, x, y);
  }
  Value fma(Value x, Value y, Value z) { return e.fma(x, y, z); }
  Value neg(Value x) { return mlir::arith::NegFOp::create(e.b, e.loc, x); }
  Value addi(Value x, Value y) {
    return mlir::arith::AddIOp::create(e.b, e.loc, x, y);
  }
  Value subi(Value x, Value y) {
    return mlir::arith::SubIOp::create(e.b, e.loc, x, y);
  }
  Value andi(Value x, Value y) {
    return mlir::arith::AndIOp::create(e.b, e.loc, x, y);
  }
  Value ori(Value x, Value y) {
    return mlir::arith::OrIOp::create(e.b, e.loc, x, y);
  }
  Value xori(Value x, Value y) {
    return mlir::arith::XOrIOp::create(e.b, e.loc, x, y);
  }
  Value shl(Value x, int64_t n) {
    return mlir::arith::ShLIOp::create(e.b, e.loc, x, ci(n));
  }
  Value shr(Value x, int64_t n) {
    return mlir::arith::ShRSIOp::create(e.b, e.loc, x, ci(n));
  }
  Value asBits(Value x) {
    return mlir::arith::BitcastOp::create(e.b, e.loc, bits, x);
  }
  Value asFloat(Value x) {
    return mlir::arith::BitcastOp::create(e.b, e.loc, type, x);
  }
  /// Integers of `bits` as floats.
  Value toFloat(Value x) {
    return mlir::arith::SIToFPOp::create(e.b, e.loc, type, x);
  }
  Value cmp(mlir::arith::CmpFPredicate p, Value x, Value y) {
    return mlir::arith::CmpFOp::create(e.b, e.loc, p, x, y);
  }
  Value lt(Value x, Value y) {
    return cmp(mlir::arith::CmpFPredicate::OLT, x, y);
  }
  Value gt(Value x, Value y) {
    return cmp(mlir::arith::CmpFPredicate::OGT, x, y);
  }
  Value eq(Value x, Value y) {
    return cmp(mlir::arith::CmpFPredicate::OEQ, x, y);
  }
  Value isNan(Value x) { return cmp(mlir::arith::CmpFPredicate::UNO, x, x); }
  Value eqi(Value x, Value y) {
    return mlir::arith::CmpIOp::create(e.b, e.loc,
                                       mlir::arith::CmpIPredicate::eq, x, y);
  }
  Value either(Value x, Value y) {
    return mlir::arith::OrIOp::create(e.b, e.loc, x, y);
  }
  Value both(Value x, Value y) {
    return mlir::arith::AndIOp::create(e.b, e.loc, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return mlir::arith::SelectOp::create(e.b, e.loc, condition, x, y);
  }
  /// x, but not below or above; NaN stays.
  Value atMost(Value x, double v) { return select(gt(x, c(v)), c(v), x); }
  Value atLeast(Value x, double v) { return select(lt(x, c(v)), c(v), x); }
  Value abs(Value x) { return mlir::LLVM::FAbsOp::create(e.b, e.loc, x); }
  Value sqrt(Value x) { return mlir::LLVM::SqrtOp::create(e.b, e.loc, x); }
  Value copySign(Value x, Value sign) {
    return mlir::LLVM::CopySignOp::create(e.b, e.loc, x, sign);
  }
  Value truncate(Value x) {
    return mlir::LLVM::FTruncOp::create(e.b, e.loc, x);
  }
  Value roundEven(Value x) {
    return mlir::LLVM::RoundEvenOp::create(e.b, e.loc, x);
  }
  Value floor(Value x) { return mlir::LLVM::FFloorOp::create(e.b, e.loc, x); }
  /// coefficients[0] + x * (coefficients[1] + x * …).
  Value polynomial(Value x, llvm::ArrayRef<double> coefficients) {
    Value y = c(coefficients.back());
    for (double k : llvm::reverse(coefficients.drop_back()))
      y = fma(y, x, c(k));
    return y;
  }

  // Functions, by the file that holds them.
  Value expFloat(Value x);
  Value logFloat(Value x);
  Value tanhFloat(Value x);
  Value erfFloat(Value x);
  Value expDouble(Value x);
  Value logDouble(Value x);
  Value tanhDouble(Value x);
  Value erfDouble(Value x);
  /// sin or cos of f64. `isSingle`: x has at most 24 bits and is below 2^128;
  /// then the result is right whatever x is, else up to 2^30.
  Value sineDouble(Value x, bool cosine, bool isSingle);
  Value powDouble(Value x, Value y);
  /// x - y * trunc(x / y), exact. `isSingle`: both are numbers of f32.
  Value remainder(Value x, Value y, bool isSingle);

private:
  void reduceHuge(Value x, Value &r, Value &quadrant);
};

} // namespace actnet::host

#endif // ACTNET_LIB_CODEGEN_HOST_MATHOPS_H
