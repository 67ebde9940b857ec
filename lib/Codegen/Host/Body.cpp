//===- Body.cpp - scalar bodies, vectorised -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A generic's body is a list of scalar ops. Each becomes the same op on
// scalars, where all lanes agree, or on vectors. What differs: indices stay
// symbolic as long as they can, so that a gather along a dense dim is still a
// vector load; narrow floats are computed as f32 and rounded; divisions never
// trap; min and max are two instructions instead of six.
//
//===----------------------------------------------------------------------===//

#include "actnet/Codegen/Host/Emitter.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::host;

namespace actnet::host {

class BodyEmitter {
public:
  BodyEmitter(Emitter &e, ArrayRef<Index> at)
      : e(e), b(e.b), loc(e.loc), at(at) {}

  void set(Value from, Value to) {
    if (to)
      values[from] = to;
  }
  Value get(Value from);
  void emit(Operation &op);

private:
  Index index(Value from);
  bool emitIndex(Operation &op);
  void extract(tensor::ExtractOp op);
  Value clone(Operation &op, ValueRange operands);
  Value minMax(Operation &op, Value x, Value y);
  Value divide(Operation &op, Value x, Value y);
  Value roundToOdd(Value x, Type type);
  Value cast(Operation &op, Value x);

  Emitter &e;
  OpBuilder &b;
  Location loc;
  ArrayRef<Index> at;
  llvm::DenseMap<Value, Value> values;
  llvm::DenseMap<Value, Index> indices;
};

} // namespace actnet::host

Value BodyEmitter::get(Value from) {
  if (Value known = values.lookup(from))
    return known;
  if (auto it = indices.find(from); it != indices.end()) {
    const Index &index = it->second;
    return index.isUniform() || e.lanes() == 1 ? e.scalar(index)
                                               : e.vector(index);
  }
  Type type = Emitter::computeType(from.getType());
  // A constant of the kernel, outside the body.
  Attribute number;
  if (matchPattern(from, m_Constant(&number))) {
    if (auto value = dyn_cast<FloatAttr>(number))
      return e.cstFloat(type, value.getValueAsDouble());
    if (auto value = dyn_cast<IntegerAttr>(number))
      return e.cstInt(type, value.getValue().getSExtValue());
  }
  if (from.getType().isIndex())
    return e.indexValue(from);
  return e.fail(from.getDefiningOp() ? from.getDefiningOp()
                                     : e.kernel.getOperation(),
                "a body uses a value that cannot be emitted", type);
}

Index BodyEmitter::index(Value from) {
  if (auto it = indices.find(from); it != indices.end())
    return it->second;
  Value value = get(from);
  Index out;
  if (isa<VectorType>(value.getType()))
    out.vec = value;
  else if (auto constant = Emitter::constantOf(value))
    out.offset = *constant;
  else
    out.base = value;
  return out;
}

bool BodyEmitter::emitIndex(Operation &op) {
  Value result = op.getNumResults() == 1 ? op.getResult(0) : Value();
  if (!result || !result.getType().isIndex())
    return false;
  if (auto indexOp = dyn_cast<linalg::IndexOp>(op)) {
    indices[result] = at[indexOp.getDim()];
    return true;
  }
  if (isa<arith::AddIOp>(op)) {
    indices[result] = e.add(index(op.getOperand(0)), index(op.getOperand(1)));
    return true;
  }
  if (isa<arith::SubIOp>(op)) {
    indices[result] =
        e.add(index(op.getOperand(0)), e.mul(index(op.getOperand(1)), -1));
    return true;
  }
  if (isa<arith::MulIOp>(op)) {
    Index x = index(op.getOperand(0)), y = index(op.getOperand(1));
    if (x.isConstant() || y.isConstant()) {
      indices[result] =
          y.isConstant() ? e.mul(x, y.offset) : e.mul(y, x.offset);
      return true;
    }
    return false;
  }
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
    SmallVector<Index> dims;
    for (Value operand : apply.getMapOperands())
      dims.push_back(index(operand));
    AffineMap all = apply.getAffineMap();
    SmallVector<AffineExpr> symbols;
    for (unsigned i = 0; i < all.getNumSymbols(); ++i)
      symbols.push_back(getAffineDimExpr(all.getNumDims() + i, b.getContext()));
    AffineMap flat = AffineMap::get(
        dims.size(), 0, all.getResult(0).replaceDimsAndSymbols({}, symbols));
    indices[result] = e.map(flat, dims)[0];
    return true;
  }
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op)) {
    Value value = get(op.getOperand(0));
    Type element = getElementTypeOrSelf(value.getType());
    Type wide = b.getI64Type();
    if (auto vector = dyn_cast<VectorType>(value.getType()))
      wide = VectorType::get(vector.getShape(), wide);
    if (element.getIntOrFloatBitWidth() < 64)
      value = isa<arith::IndexCastOp>(op)
                  ? arith::ExtSIOp::create(b, loc, wide, value).getResult()
                  : arith::ExtUIOp::create(b, loc, wide, value).getResult();
    values[result] = value;
    return true;
  }
  if (auto dimOp = dyn_cast<tensor::DimOp>(op))
    if (auto d = dimOp.getConstantIndex()) {
      values[result] = e.extentValue(dimOp.getSource(), *d);
      return true;
    }
  return false;
}

void BodyEmitter::extract(tensor::ExtractOp op) {
  // A wrong index must not read outside: clamp. Indices that are iteration
  // dims themselves are in bounds and stay sequences.
  SmallVector<Index> source;
  for (auto [d, operand] : llvm::enumerate(op.getIndices())) {
    Index i = index(operand);
    bool sequence =
        llvm::is_contained(at, i) && operand.getDefiningOp<linalg::IndexOp>();
    if (i.isConstant() || sequence) {
      source.push_back(i);
      continue;
    }
    Value last = e.sub(e.extentValue(op.getTensor(), d), e.cst(1));
    if (i.isUniform() || e.lanes() == 1) {
      source.push_back(Index(e.max(e.cst(0), e.min(e.scalar(i), last))));
    } else {
      Value v = e.vector(i);
      v = arith::MinSIOp::create(b, loc, v, e.broadcast(last));
      v = arith::MaxSIOp::create(b, loc, v, e.zero(v.getType()));
      Index clamped;
      clamped.vec = v;
      source.push_back(clamped);
    }
  }
  values[op.getResult()] = e.element(op.getTensor(), source);
}

Value BodyEmitter::minMax(Operation &op, Value x, Value y) {
  bool max = isa<arith::MaximumFOp, arith::MaxNumFOp>(op);
  bool propagate = isa<arith::MaximumFOp, arith::MinimumFOp>(op);
  // minps and maxps give their second operand where the comparison fails.
  // `y > x ? y : x` is x where either is NaN.
  auto predicate = max ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT;
  auto isNumber = [](Value v) {
    Attribute constant;
    if (!matchPattern(v, m_Constant(&constant)))
      return false;
    if (auto splat = dyn_cast<SplatElementsAttr>(constant))
      return !splat.getSplatValue<APFloat>().isNaN();
    auto number = dyn_cast<FloatAttr>(constant);
    return number && !number.getValue().isNaN();
  };
  if (isNumber(x))
    std::swap(x, y);
  Value greater = arith::CmpFOp::create(b, loc, predicate, y, x);
  Value chosen = arith::SelectOp::create(b, loc, greater, y, x);
  if (propagate && isNumber(y))
    return chosen;
  Value suspect = propagate ? y : x;
  Value nan = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, suspect,
                                    suspect);
  return arith::SelectOp::create(b, loc, nan, y, chosen);
}

Value BodyEmitter::divide(Operation &op, Value x, Value y) {
  // x86 traps on a zero divisor and on the smallest integer over -1; a kernel
  // must not: x / 0 is x here, x % 0 is 0.
  Type type = x.getType();
  Value one = e.cstInt(type, 1), zero = e.zero(type);
  auto equal = [&](Value p, Value q) -> Value {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, p, q);
  };
  bool isSigned = isa<arith::DivSIOp, arith::RemSIOp, arith::FloorDivSIOp,
                      arith::CeilDivSIOp>(op);
  bool isRem = isa<arith::RemSIOp, arith::RemUIOp>(op);
  Value bad = equal(y, zero), minus;
  if (isSigned) {
    minus = equal(y, e.cstInt(type, -1));
    bad = arith::OrIOp::create(b, loc, bad, minus);
  }
  Value divisor = arith::SelectOp::create(b, loc, bad, one, y);
  Value quotient = isSigned
                       ? arith::DivSIOp::create(b, loc, x, divisor).getResult()
                       : arith::DivUIOp::create(b, loc, x, divisor).getResult();
  Value rest = arith::SubIOp::create(
      b, loc, x, arith::MulIOp::create(b, loc, quotient, divisor).getResult());
  if (isRem)
    return rest;
  if (isa<arith::FloorDivSIOp, arith::CeilDivSIOp>(op)) {
    bool floor = isa<arith::FloorDivSIOp>(op);
    // Inexact, and the true quotient is negative (floor) or positive (ceil).
    Value inexact =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, rest, zero);
    Value signs = arith::XOrIOp::create(b, loc, x, divisor);
    Value side = arith::CmpIOp::create(
        b, loc, floor ? arith::CmpIPredicate::slt : arith::CmpIPredicate::sge,
        signs, zero);
    Value step = arith::SelectOp::create(
        b, loc, arith::AndIOp::create(b, loc, inexact, side).getResult(), one,
        zero);
    quotient = floor
                   ? arith::SubIOp::create(b, loc, quotient, step).getResult()
                   : arith::AddIOp::create(b, loc, quotient, step).getResult();
  }
  if (isSigned)
    quotient = arith::SelectOp::create(
        b, loc, minus, arith::SubIOp::create(b, loc, zero, x).getResult(),
        quotient);
  return quotient;
}

/// f64 as f32 on its way to 16 bits: of the two f32 beside it that whose last
/// bit is 1, unless it is one. The second rounding then is as of f64 itself.
Value BodyEmitter::roundToOdd(Value x, Type type) {
  Type i32 = b.getI32Type();
  if (auto vector = dyn_cast<VectorType>(type))
    i32 = VectorType::get(vector.getShape(), i32);
  Value nearest = arith::TruncFOp::create(b, loc, type, x);
  Value back = arith::ExtFOp::create(b, loc, x.getType(), nearest);
  auto is = [&](arith::CmpFPredicate predicate, Value y, Value z) -> Value {
    return arith::CmpFOp::create(b, loc, predicate, y, z);
  };
  auto number = [&](Value condition) -> Value {
    return arith::ExtUIOp::create(b, loc, i32, condition);
  };
  Value isFar = is(arith::CmpFPredicate::OGT,
                   LLVM::FAbsOp::create(b, loc, back).getResult(),
                   LLVM::FAbsOp::create(b, loc, x).getResult());
  // Of NaN, neither.
  Value isOther = is(arith::CmpFPredicate::ONE, back, x);
  Value bits = arith::BitcastOp::create(b, loc, i32, nearest);
  bits = arith::SubIOp::create(b, loc, bits, number(isFar));
  bits = arith::OrIOp::create(b, loc, bits, number(isOther));
  return arith::BitcastOp::create(b, loc, type, bits);
}

Value BodyEmitter::cast(Operation &op, Value x) {
  Type from = op.getOperand(0).getType(), to = op.getResult(0).getType();
  Type type = Emitter::computeType(to);
  if (auto vector = dyn_cast<VectorType>(x.getType()))
    type = VectorType::get(vector.getShape(), type);
  if (isa<arith::ExtFOp, arith::TruncFOp>(op)) {
    unsigned have = Emitter::computeType(from).getIntOrFloatBitWidth();
    unsigned want = Emitter::computeType(to).getIntOrFloatBitWidth();
    if (have < want)
      x = arith::ExtFOp::create(b, loc, type, x);
    else if (have > want)
      x = to.isF16() || to.isBF16()
              ? roundToOdd(x, type)
              : arith::TruncFOp::create(b, loc, type, x).getResult();
    return isa<arith::TruncFOp>(op) ? e.round(to, x) : x;
  }
  if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op)) {
    unsigned want = to.getIntOrFloatBitWidth();
    return want == 64 ? x
                      : arith::TruncIOp::create(b, loc, type, x).getResult();
  }
  return {};
}

Value BodyEmitter::clone(Operation &op, ValueRange operands) {
  OperationState state(loc, op.getName());
  Type type = Emitter::computeType(op.getResult(0).getType());
  for (Value operand : operands)
    if (auto vector = dyn_cast<VectorType>(operand.getType()))
      type = VectorType::get(vector.getShape(),
                             Emitter::computeType(op.getResult(0).getType()));
  state.addOperands(operands);
  state.addTypes(type);
  state.addAttributes(op.getAttrDictionary().getValue());
  return b.create(state)->getResult(0);
}

void BodyEmitter::emit(Operation &op) {
  if (emitIndex(op))
    return;
  if (auto extractOp = dyn_cast<tensor::ExtractOp>(op))
    return extract(extractOp);
  if (op.getNumResults() != 1 || op.getNumRegions()) {
    e.fail(&op, "the host code generator cannot emit this op in a body",
           b.getI64Type());
    for (Value result : op.getResults())
      values[result] = e.zero(Emitter::computeType(result.getType()));
    return;
  }
  Value result = op.getResult(0);
  if (isa<arith::ConstantOp>(op)) {
    values[result] = get(result);
    return;
  }
  Values operands;
  bool vectors = false;
  for (Value operand : op.getOperands()) {
    operands.push_back(get(operand));
    vectors |= isa<VectorType>(operands.back().getType());
  }
  Value uniformDivisor;
  if (vectors && isa<arith::DivFOp>(op) &&
      !isa<VectorType>(operands[1].getType()))
    uniformDivisor = operands[1];
  if (vectors)
    for (Value &operand : operands)
      operand = e.broadcast(operand);

  Value value;
  // In a row kernel one divisor serves the whole row: its reciprocal is taken
  // once, outside the loop (at most 1.5 ulp instead of 0.5).
  if (isa<arith::DivFOp>(op) && uniformDivisor &&
      e.kernel.getFamily() == kernel::Family::row) {
    Value one = e.cstFloat(uniformDivisor.getType(), 1.0);
    Value inverse = arith::DivFOp::create(b, loc, one, uniformDivisor);
    value = arith::MulFOp::create(b, loc, operands[0], e.broadcast(inverse));
  } else if (isa<arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
                 arith::MinNumFOp>(op))
    value = minMax(op, operands[0], operands[1]);
  else if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
               arith::FloorDivSIOp, arith::CeilDivSIOp>(op))
    value = divide(op, operands[0], operands[1]);
  else if (isa<CastOpInterface>(op))
    value = cast(op, operands[0]);
  else if (isa<math::MathDialect>(op.getDialect()) || isa<arith::RemFOp>(op)) {
    value = emitMath(e, op.getName().getStringRef(), operands);
    if (!value)
      value = e.fail(&op, "the host code generator does not know this function",
                     operands[0].getType());
  }
  if (!value) {
    if (!isa<arith::ArithDialect>(op.getDialect()))
      value =
          e.fail(&op, "the host code generator cannot emit this op in a body",
                 Emitter::computeType(result.getType()));
    else
      value = clone(op, operands);
  }
  values[result] = e.round(result.getType(), value);
}

Values Emitter::body(linalg::GenericOp op, ArrayRef<Index> at,
                     ValueRange inputs, ValueRange outputs) {
  BodyEmitter emitter(*this, at);
  Block *block = op.getBody();
  unsigned numInputs = inputs.size();
  for (auto [i, value] : llvm::enumerate(inputs))
    emitter.set(block->getArgument(i), value);
  for (auto [i, value] : llvm::enumerate(outputs))
    emitter.set(block->getArgument(numInputs + i), value);
  for (Operation &inner : block->without_terminator())
    emitter.emit(inner);
  Values results;
  for (Value value : block->getTerminator()->getOperands())
    results.push_back(emitter.get(value));
  return results;
}

Values Emitter::body(Block &block, ValueRange arguments) {
  BodyEmitter emitter(*this, {});
  for (auto [argument, value] : llvm::zip(block.getArguments(), arguments))
    emitter.set(argument, value);
  for (Operation &inner : block.without_terminator())
    emitter.emit(inner);
  Values results;
  for (Value value : block.getTerminator()->getOperands())
    results.push_back(emitter.get(value));
  return results;
}

Value Emitter::apply(Operation &op, ValueRange operands) {
  BodyEmitter emitter(*this, {});
  for (auto [from, to] : llvm::zip(op.getOperands(), operands))
    emitter.set(from, to);
  emitter.emit(op);
  return emitter.get(op.getResult(0));
}

Value Emitter::round(Type element, Value value) {
  if (!element.isF16() && !element.isBF16())
    return value;
  Type wide = value.getType();
  auto shaped = [&](Type type) -> Type {
    auto vector = dyn_cast<VectorType>(wide);
    return vector ? Type(VectorType::get(vector.getShape(), type)) : type;
  };
  if (!getElementTypeOrSelf(wide).isF32())
    return value;
  if (element.isF16()) {
    Value half = arith::TruncFOp::create(b, loc, shaped(b.getF16Type()), value);
    return arith::ExtFOp::create(b, loc, wide, half);
  }
  // To nearest, ties to even, on the bits: add 0x7fff and the bit that will be
  // the last, then cut. NaN is kept quiet instead of overflowing to infinity.
  Type i32 = shaped(b.getI32Type());
  Value bits = arith::BitcastOp::create(b, loc, i32, value);
  Value last = arith::AndIOp::create(
      b, loc, arith::ShRUIOp::create(b, loc, bits, cstInt(i32, 16)).getResult(),
      cstInt(i32, 1));
  Value up = arith::AddIOp::create(b, loc, last, cstInt(i32, 0x7fff));
  Value sum = arith::AddIOp::create(b, loc, bits, up);
  Value quiet = arith::OrIOp::create(b, loc, bits, cstInt(i32, 0x400000));
  Value nan =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, value, value);
  Value chosen = arith::SelectOp::create(b, loc, nan, quiet, sum);
  Value cut = arith::AndIOp::create(b, loc, chosen, cstInt(i32, -65536));
  return arith::BitcastOp::create(b, loc, wide, cut);
}
