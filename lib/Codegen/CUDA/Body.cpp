//===- Body.cpp - scalar bodies -------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A generic's body is a list of scalar ops; each becomes one constant of the
// text. Indices stay affine as long as they can.
//
//===----------------------------------------------------------------------===//

#include "Printer.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

#include <charconv>
#include <iterator>

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

//===----------------------------------------------------------------------===//
// Types and literals
//===----------------------------------------------------------------------===//

Text Printer::memoryType(Type type) {
  if (type.isF16() || type.isBF16())
    return type.isF16() ? "f16" : "bf16";
  return type.isInteger(1) ? "u8" : computeType(type);
}

Text Printer::computeType(Type type) {
  if (type.isF32() || isNarrowFloat(type))
    return "float";
  if (type.isF64())
    return "double";
  if (type.isInteger(1))
    return "bool";
  if (type.isIndex())
    return "i64";
  if (type.isSignlessInteger(8) || type.isSignlessInteger(16) ||
      type.isSignlessInteger(32) || type.isSignlessInteger(64))
    return "i" + std::to_string(type.getIntOrFloatBitWidth());
  if (!hasFailed)
    kernel.emitError()
        << "the CUDA code generator does not know elements of type " << type
        << "; it knows bool, i8 to i64, f16, bf16, f32 and f64";
  hasFailed = true;
  return "float";
}

Text Printer::literal(Type type, Attribute number) {
  if (auto value = dyn_cast<FloatAttr>(number)) {
    APFloat exact = value.getValue();
    bool loses, isDouble = value.getType().isF64();
    if (!isDouble)
      exact.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                    &loses);
    if (exact.isNaN())
      return "notANumber()";
    if (exact.isInfinity())
      return exact.isNegative() ? "-infinity()" : "infinity()";
    // As short as it comes back exactly.
    char digits[32];
    char *end =
        isDouble
            ? std::to_chars(digits, std::end(digits), exact.convertToDouble())
                  .ptr
            : std::to_chars(digits, std::end(digits), exact.convertToFloat())
                  .ptr;
    Text text(digits, end);
    if (text.find_first_of(".e") == Text::npos)
      text += ".0";
    return isDouble ? text : text + "f";
  }
  const APInt &value = cast<IntegerAttr>(number).getValue();
  if (type.isInteger(1))
    return value.isZero() ? "false" : "true";
  int64_t integer = value.getSExtValue();
  Text own = computeType(type);
  if (integer == INT64_MIN)
    return "i64(-9223372036854775807 - 1)";
  return type.isInteger(32) && integer >= 0
             ? std::to_string(integer)
             : own + "(" + std::to_string(integer) + ")";
}

Text Printer::zero(Type type) {
  return literal(type, isa<FloatType>(type)
                           ? Attribute(FloatAttr::get(type, 0.0))
                           : Attribute(IntegerAttr::get(type, 0)));
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

namespace actnet::cuda {

class BodyPrinter {
public:
  BodyPrinter(Printer &p, ArrayRef<Index> dims) : p(p), dims(dims) {}

  void set(Value from, StringRef to) { values[from] = to.str(); }
  Text get(Value from);
  void print(Operation &op);

private:
  Index index(Value from);
  bool printIndex(Operation &op);
  Text extract(tensor::ExtractOp op);
  Text expression(Operation &op);
  Text compare(arith::CmpIOp op, StringRef x, StringRef y);
  Text compare(arith::CmpFOp op, StringRef x, StringRef y);
  Text cast(Operation &op, StringRef x);
  Text function(Operation &op, ArrayRef<Text> x);

  Printer &p;
  ArrayRef<Index> dims;
  llvm::DenseMap<Value, Text> values;
  llvm::DenseMap<Value, Index> indices;
};

} // namespace actnet::cuda

Text BodyPrinter::get(Value from) {
  if (auto it = values.find(from); it != values.end())
    return it->second;
  if (from.getType().isIndex())
    return p.text(index(from));
  Attribute number;
  if (matchPattern(from, m_Constant(&number)))
    return p.literal(from.getType(), number);
  return p.fail(from.getDefiningOp() ? from.getDefiningOp()
                                     : p.kernel.getOperation(),
                "cannot print a value that a body uses");
}

Index BodyPrinter::index(Value from) {
  if (auto it = indices.find(from); it != indices.end())
    return it->second;
  if (auto it = values.find(from); it != values.end())
    return p.variable(it->second);
  return p.indexValue(from);
}

bool BodyPrinter::printIndex(Operation &op) {
  Value result = op.getNumResults() == 1 ? op.getResult(0) : Value();
  if (!result || !result.getType().isIndex())
    return false;
  auto operand = [&](unsigned i) { return index(op.getOperand(i)); };
  if (auto indexOp = dyn_cast<linalg::IndexOp>(op)) {
    indices[result] = dims[indexOp.getDim()];
  } else if (isa<arith::ConstantOp>(op)) {
    indices[result] = p.indexValue(result);
  } else if (isa<arith::AddIOp>(op)) {
    indices[result] = operand(0) + operand(1);
  } else if (isa<arith::SubIOp>(op)) {
    indices[result] = operand(0) - operand(1);
  } else if (isa<arith::MulIOp>(op)) {
    indices[result] = p.multiply(operand(0), operand(1));
  } else if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
    Indices given;
    for (Value value : apply.getMapOperands())
      given.push_back(index(value));
    AffineMap all = apply.getAffineMap();
    unsigned count = all.getNumDims();
    indices[result] = all.getResult(0).replaceDimsAndSymbols(
        ArrayRef(given).take_front(count), ArrayRef(given).drop_front(count));
  } else if (auto dim = dyn_cast<tensor::DimOp>(op);
             dim && dim.getConstantIndex()) {
    indices[result] =
        p.index(p.dimOf(dim.getSource(), *dim.getConstantIndex()));
  } else if (isa<arith::IndexCastOp, arith::IndexCastUIOp>(op)) {
    Text value = get(op.getOperand(0));
    if (isa<arith::IndexCastUIOp>(op))
      value = "asUnsigned(" + value + ")";
    indices[result] = p.variable(p.define("i64", value));
  } else {
    return false;
  }
  return true;
}

Text BodyPrinter::extract(tensor::ExtractOp op) {
  // A wrong index must not read outside; those of the iteration are right.
  Indices source;
  for (auto [d, operand] : llvm::enumerate(op.getIndices())) {
    Index at = index(operand);
    if (!isa<AffineConstantExpr>(at) &&
        !operand.getDefiningOp<linalg::IndexOp>())
      at = p.variable(p.define("i64", "clampIndex(" + p.text(at) + ", " +
                                          p.text(p.dimOf(op.getTensor(), d)) +
                                          ")"));
    source.push_back(at);
  }
  return p.element(op.getTensor(), source);
}

Text BodyPrinter::compare(arith::CmpIOp op, StringRef x, StringRef y) {
  static const char *signs[] = {"==", "!=", "<",  "<=", ">",
                                ">=", "<",  "<=", ">",  ">="};
  unsigned predicate = static_cast<unsigned>(op.getPredicate());
  StringRef sign = signs[predicate];
  bool isUnsigned =
      predicate >= static_cast<unsigned>(arith::CmpIPredicate::ult);
  // One bit: true is -1 where there is a sign.
  if (op.getLhs().getType().isInteger(1))
    return isUnsigned || predicate < 2 ? (x + " " + sign + " " + y).str()
                                       : (y + " " + sign + " " + x).str();
  return isUnsigned
             ? ("asUnsigned(" + x + ") " + sign + " asUnsigned(" + y + ")")
                   .str()
             : (x + " " + sign + " " + y).str();
}

Text BodyPrinter::compare(arith::CmpFOp op, StringRef x, StringRef y) {
  using P = arith::CmpFPredicate;
  // Comparisons of C++ are ordered, but for !=.
  auto with = [&](StringRef sign) { return (x + " " + sign + " " + y).str(); };
  switch (op.getPredicate()) {
  case P::AlwaysFalse:
    return "false";
  case P::AlwaysTrue:
    return "true";
  case P::OEQ:
    return with("==");
  case P::OGT:
    return with(">");
  case P::OGE:
    return with(">=");
  case P::OLT:
    return with("<");
  case P::OLE:
    return with("<=");
  case P::ONE:
    return with("<") + " || " + with(">");
  case P::UEQ:
    return "!(" + with("<") + " || " + with(">") + ")";
  case P::UGT:
    return "!(" + with("<=") + ")";
  case P::UGE:
    return "!(" + with("<") + ")";
  case P::ULT:
    return "!(" + with(">=") + ")";
  case P::ULE:
    return "!(" + with(">") + ")";
  case P::UNE:
    return with("!=");
  case P::ORD:
    return ("!isNaN(" + x + ") && !isNaN(" + y + ")").str();
  case P::UNO:
    return ("isNaN(" + x + ") || isNaN(" + y + ")").str();
  }
  return "false";
}

Text BodyPrinter::cast(Operation &op, StringRef x) {
  Type from = op.getOperand(0).getType(), to = op.getResult(0).getType();
  Text type = p.computeType(to);
  auto as = [&](const Twine &value) { return type + "(" + value.str() + ")"; };
  return TypeSwitch<Operation *, Text>(&op)
      .Case([&](arith::ExtFOp) { return as(x); })
      .Case([&](arith::TruncFOp) {
        if (!from.isF64())
          return x.str();
        return (Printer::isNarrowFloat(to) ? "roundToOdd(" : "float(") +
               x.str() + ")";
      })
      .Case<arith::ExtSIOp, arith::SIToFPOp>([&](auto) {
        // One bit: true is -1.
        return from.isInteger(1) ? as("-" + Twine("i32(") + x + ")") : as(x);
      })
      .Case<arith::ExtUIOp, arith::UIToFPOp>(
          [&](auto) { return as("asUnsigned(" + x + ")"); })
      .Case([&](arith::TruncIOp) {
        return to.isInteger(1) ? ("(" + x + " & 1) != 0").str() : as(x);
      })
      .Case([&](arith::FPToSIOp) { return as(x); })
      .Case([&](arith::FPToUIOp) {
        return to.isInteger(1) ? ("u8(" + x + ") != 0").str()
                               : as("Unsigned<" + type + ">(" + x + ")");
      })
      .Case<arith::IndexCastOp, arith::IndexCastUIOp>(
          [&](auto) { return as(x); })
      .Case([&](arith::BitcastOp) {
        Text bits =
            ("bitsAs<" + p.memoryType(to) + ">(" + p.stored(from, x) + ")");
        return from.isInteger(1) ? x.str() : p.loaded(to, bits);
      })
      .Default([&](Operation *other) {
        return p.fail(other, "does not print '" +
                                 other->getName().getStringRef() + "'");
      });
}

/// Functions and operators by name. Empty where unknown.
Text BodyPrinter::function(Operation &op, ArrayRef<Text> x) {
  bool isFloat = isa<FloatType>(op.getResult(0).getType());
  StringRef name = op.getName().getStringRef();
  // The functions of C for double lack the f of those for float.
  bool isDouble = isFloat && op.getResult(0).getType().isF64();
  auto list = [&](StringRef callee) {
    if (isDouble)
      callee.consume_back("f");
    Text result = callee.str() + "(";
    for (auto [i, value] : llvm::enumerate(x))
      result += (i ? ", " : "") + value;
    return result + ")";
  };
  StringRef sign = llvm::StringSwitch<StringRef>(name)
                       .Case("arith.addf", "+")
                       .Case("arith.subf", "-")
                       .Case("arith.mulf", "*")
                       .Case("arith.divf", "/")
                       .Case("arith.andi", "&")
                       .Case("arith.ori", "|")
                       .Case("arith.xori", "^")
                       .Default("");
  if (!sign.empty()) {
    Text value = x[0] + " " + sign.str() + " " + x[1];
    return isFloat
               ? value
               : p.computeType(op.getResult(0).getType()) + "(" + value + ")";
  }
  if (name == "arith.negf")
    return "-(" + x[0] + ")";
  if (name == "arith.select")
    return x[0] + " ? " + x[1] + " : " + x[2];
  Text size = op.getOperand(0).getType().isF64() ? "fabs(" : "fabsf(";
  if (name == "math.isinf")
    return size + x[0] + ") == infinity()";
  if (name == "math.isfinite")
    return size + x[0] + ") < infinity()";
  if (name == "math.clampf")
    return "minimum(maximum(" + x[0] + ", " + x[1] + "), " + x[2] + ")";
  Text type = p.computeType(op.getResult(0).getType());
  if (name == "arith.maxui" || name == "arith.minui")
    return type + "(" + (name == "arith.maxui" ? "maximum" : "minimum") +
           "(asUnsigned(" + x[0] + "), asUnsigned(" + x[1] + ")))";
  StringRef callee = llvm::StringSwitch<StringRef>(name)
                         .Case("arith.maximumf", "maximum")
                         .Case("arith.minimumf", "minimum")
                         .Case("arith.maxnumf", "fmaxf")
                         .Case("arith.minnumf", "fminf")
                         .Case("arith.maxsi", "maximum")
                         .Case("arith.minsi", "minimum")
                         .Case("arith.addi", "add")
                         .Case("arith.subi", "subtract")
                         .Case("arith.muli", "multiply")
                         .Case("arith.divsi", "divide")
                         .Case("arith.remsi", "remainder")
                         .Case("arith.divui", "divideUnsigned")
                         .Case("arith.remui", "remainderUnsigned")
                         .Case("arith.floordivsi", "divideFloor")
                         .Case("arith.ceildivsi", "divideCeil")
                         .Case("arith.shli", "shiftLeft")
                         .Case("arith.shrsi", "shiftRight")
                         .Case("arith.shrui", "shiftRightUnsigned")
                         .Case("arith.remf", "fmodf")
                         .Case("math.absi", "absolute")
                         .Case("math.absf", "fabsf")
                         .Case("math.exp", "expf")
                         .Case("math.exp2", "exp2f")
                         .Case("math.expm1", "expm1f")
                         .Case("math.log", "logf")
                         .Case("math.log1p", "log1pf")
                         .Case("math.log2", "log2f")
                         .Case("math.log10", "log10f")
                         .Case("math.sqrt", "sqrtf")
                         .Case("math.rsqrt", "reciprocalSqrt")
                         .Case("math.powf", "powf")
                         .Case("math.tanh", "tanhf")
                         .Case("math.sinh", "sinhf")
                         .Case("math.cosh", "coshf")
                         .Case("math.sin", "sinf")
                         .Case("math.cos", "cosf")
                         .Case("math.tan", "tanf")
                         .Case("math.asin", "asinf")
                         .Case("math.acos", "acosf")
                         .Case("math.atan", "atanf")
                         .Case("math.atan2", "atan2f")
                         .Case("math.asinh", "asinhf")
                         .Case("math.acosh", "acoshf")
                         .Case("math.atanh", "atanhf")
                         .Case("math.erf", "erff")
                         .Case("math.erfc", "erfcf")
                         .Case("math.floor", "floorf")
                         .Case("math.ceil", "ceilf")
                         .Case("math.trunc", "truncf")
                         .Case("math.round", "roundf")
                         .Case("math.roundeven", "rintf")
                         .Case("math.copysign", "copysignf")
                         .Case("math.fma", "fmaf")
                         .Case("math.isnan", "isNaN")
                         .Default("");
  return callee.empty() ? Text() : list(callee);
}

Text BodyPrinter::expression(Operation &op) {
  Texts operands;
  // Templates of scalar.h want one type: an index may be a literal here.
  for (Value operand : op.getOperands())
    operands.push_back(operand.getType().isIndex() ? "i64(" + get(operand) + ")"
                                                   : get(operand));
  if (auto integers = dyn_cast<arith::CmpIOp>(op))
    return compare(integers, operands[0], operands[1]);
  if (auto floats = dyn_cast<arith::CmpFOp>(op))
    return compare(floats, operands[0], operands[1]);
  if (isa<CastOpInterface>(op))
    return cast(op, operands[0]);
  Text text = function(op, operands);
  if (text.empty())
    return p.fail(&op, "does not print '" + op.getName().getStringRef() +
                           "' in a body");
  return text;
}

void BodyPrinter::print(Operation &op) {
  if (printIndex(op))
    return;
  if (op.getNumResults() != 1 || op.getNumRegions()) {
    p.fail(&op,
           "does not print '" + op.getName().getStringRef() + "' in a body");
    for (Value result : op.getResults())
      values[result] = "0";
    return;
  }
  Value result = op.getResult(0);
  if (isa<arith::ConstantOp>(op)) {
    values[result] = get(result);
    return;
  }
  if (auto gather = dyn_cast<tensor::ExtractOp>(op)) {
    values[result] = extract(gather);
    return;
  }
  if (isa<arith::ExtFOp>(op) && !result.getType().isF64()) {
    // Narrow floats are floats already.
    values[result] = get(op.getOperand(0));
    return;
  }
  Text value = expression(op);
  // Only what the model itself casts is rounded on the way.
  bool isCast =
      isa<arith::TruncFOp, arith::SIToFPOp, arith::UIToFPOp, arith::BitcastOp>(
          op);
  if (Printer::isNarrowFloat(result.getType()) && isCast)
    value = "rounded<" + p.memoryType(result.getType()) + ">(" + value + ")";
  values[result] = p.define(p.computeType(result.getType()), value);
}

Texts Printer::body(linalg::GenericOp op, ArrayRef<Index> dims,
                    ArrayRef<Text> operands, ValueRange wanted) {
  BodyPrinter printer(*this, dims);
  for (auto [argument, value] :
       llvm::zip(op.getBody()->getArguments(), operands))
    if (!argument.use_empty())
      printer.set(argument, value);
  if (wanted.empty())
    wanted = op.getBody()->getTerminator()->getOperands();
  // What combines a reduction is no part of its element, nor is what another
  // result is made of.
  llvm::DenseSet<Operation *> needed;
  SmallVector<Value> work(wanted);
  while (!work.empty()) {
    Operation *made = work.pop_back_val().getDefiningOp();
    if (made && made->getBlock() == op.getBody() && needed.insert(made).second)
      made->walk([&](Operation *part) {
        llvm::append_range(work, part->getOperands());
      });
  }
  for (Operation &inner : op.getBody()->without_terminator())
    if (needed.contains(&inner))
      printer.print(inner);
  Texts results;
  for (Value value : wanted)
    results.push_back(printer.get(value));
  return results;
}

Texts Printer::body(mlir::Block &block, ArrayRef<Text> arguments) {
  BodyPrinter printer(*this, {});
  for (auto [argument, value] : llvm::zip(block.getArguments(), arguments))
    if (!argument.use_empty())
      printer.set(argument, value);
  for (Operation &inner : block.without_terminator())
    printer.print(inner);
  Texts results;
  for (Value value : block.getTerminator()->getOperands())
    results.push_back(printer.get(value));
  return results;
}
