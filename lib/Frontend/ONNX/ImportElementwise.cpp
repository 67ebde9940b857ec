//===- ImportElementwise.cpp - elementwise operators ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Importer.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace actnet::onnx {

template <typename OpTy> static LogicalResult unary(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  FailureOr<Value> y = n.create<OpTy>(*x);
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

/// Binary operators; before opset 7 broadcasting was an attribute, and such
/// models are refused as a whole.
template <typename OpTy> static LogicalResult binary(NodeImport &n) {
  FailureOr<Value> a = n.value(0);
  FailureOr<Value> c = succeeded(a) ? n.value(1) : FailureOr<Value>(failure());
  if (failed(c))
    return failure();
  FailureOr<Value> y = n.create<OpTy>({*a, *c});
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

/// Mod has the sign of the divisor; with fmod that of the dividend.
static LogicalResult mod(NodeImport &n) {
  FailureOr<Value> a = n.value(0);
  if (failed(a))
    return failure();
  Type element = n.type(*a).getElementType();
  if (n.intAttr("fmod", 0) == 0 || element.isUnsignedInteger())
    return binary<graph::ModOp>(n);
  FailureOr<Value> c = n.value(1);
  if (failed(c))
    return failure();
  FailureOr<Value> x = n.create<graph::AbsOp>(*a);
  FailureOr<Value> y = n.create<graph::AbsOp>(*c);
  FailureOr<Value> below = n.create<graph::CompareOp>(
      {*a, n.scalar(element, 0)},
      n.named("predicate", graph::ComparePredicateAttr::get(
                               n.b.getContext(), graph::ComparePredicate::lt)));
  if (failed(x) || failed(y) || failed(below))
    return failure();
  FailureOr<Value> rest = n.create<graph::ModOp>({*x, *y});
  FailureOr<Value> negative =
      succeeded(rest) ? n.create<graph::NegOp>(*rest) : rest;
  if (failed(negative))
    return failure();
  FailureOr<Value> result =
      n.create<graph::SelectOp>({*below, *negative, *rest});
  if (failed(result))
    return failure();
  n.result(0, *result);
  return success();
}

/// x as elements of another type; x itself where it has them.
static FailureOr<Value> converted(NodeImport &n, Value x, Type element) {
  RankedTensorType type = graph::getTensorType(n.dims(x), element);
  return type == x.getType()
             ? x
             : graph::CastOp::create(n.b, n.loc, type, x).getResult();
}

/// Pow: base and exponent may be of different types; the result has the base's.
/// Where only the exponent is floating point, the power is, too.
static LogicalResult pow(NodeImport &n) {
  FailureOr<Value> a = n.value(0);
  FailureOr<Value> c = succeeded(a) ? n.value(1) : FailureOr<Value>(failure());
  if (failed(c))
    return failure();
  Type base = n.type(*a).getElementType(), by = n.type(*c).getElementType();
  Type in = base;
  if (base.isInteger() && isa<FloatType>(by))
    in = by.isF64() || base.getIntOrFloatBitWidth() > 16
             ? Type(n.b.getF64Type())
             : Type(n.b.getF32Type());
  FailureOr<Value> x = converted(n, *a, in), e = converted(n, *c, in);
  FailureOr<Value> y = n.create<graph::PowOp>({*x, *e});
  if (failed(y))
    return failure();
  n.result(0, *converted(n, *y, base));
  return success();
}

/// Max, Min, Sum, Mean: any number of operands.
template <typename OpTy> static FailureOr<Value> chain(NodeImport &n) {
  FailureOr<Value> y = n.value(0);
  for (unsigned i = 1; succeeded(y) && i < n.node.inputs.size(); ++i) {
    FailureOr<Value> x = n.value(i);
    y = succeeded(x) ? n.create<OpTy>({*y, *x}) : FailureOr<Value>(failure());
  }
  return y;
}

template <typename OpTy> static LogicalResult variadic(NodeImport &n) {
  FailureOr<Value> y = chain<OpTy>(n);
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

static LogicalResult mean(NodeImport &n) {
  FailureOr<Value> y = chain<graph::AddOp>(n);
  if (failed(y))
    return failure();
  Value count = n.scalar(n.type(*y).getElementType(), n.node.inputs.size());
  y = n.create<graph::DivOp>({*y, count});
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

template <graph::ComparePredicate predicate>
static LogicalResult compare(NodeImport &n) {
  FailureOr<Value> a = n.value(0);
  FailureOr<Value> c = succeeded(a) ? n.value(1) : FailureOr<Value>(failure());
  if (failed(c))
    return failure();
  FailureOr<Value> y = n.create<graph::CompareOp>(
      {*a, *c}, n.named("predicate", graph::ComparePredicateAttr::get(
                                         n.b.getContext(), predicate)));
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

static LogicalResult where(NodeImport &n) {
  FailureOr<Value> c = n.value(0), a = n.value(1), e = n.value(2);
  if (failed(c) || failed(a) || failed(e))
    return failure();
  FailureOr<Value> y = n.create<graph::SelectOp>({*c, *a, *e});
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

static FailureOr<Value> clamp(NodeImport &n, Value x, double lo, double hi) {
  return n.create<graph::ClampOp>(x, {n.named("lo", n.b.getF64FloatAttr(lo)),
                                      n.named("hi", n.b.getF64FloatAttr(hi))});
}

static LogicalResult relu(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (succeeded(x) && n.type(*x).getElementType().isInteger(1))
    return n.error() << "X: expected numbers, found booleans";
  FailureOr<Value> y =
      succeeded(x) ? clamp(n, *x, 0, INFINITY) : FailureOr<Value>(failure());
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

static LogicalResult clip(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  std::optional<double> lo = -INFINITY, hi = INFINITY;
  if (n.opset < 11) {
    lo = n.floatAttr("min", -INFINITY);
    hi = n.floatAttr("max", INFINITY);
  } else {
    if (n.has(1))
      lo = n.constantNumber(1);
    if (n.has(2))
      hi = n.constantNumber(2);
  }
  FailureOr<Value> y = *x;
  if (lo && hi && *lo <= *hi) {
    y = clamp(n, *x, *lo, *hi);
  } else {
    // Bounds that are data, or crossed ones: min(max(x, lo), hi) as it stands.
    if (n.has(1)) {
      FailureOr<Value> bound = n.value(1);
      y = succeeded(bound) ? n.create<graph::MaxOp>({*y, *bound})
                           : FailureOr<Value>(failure());
    }
    if (succeeded(y) && n.has(2)) {
      FailureOr<Value> bound = n.value(2);
      y = succeeded(bound) ? n.create<graph::MinOp>({*y, *bound})
                           : FailureOr<Value>(failure());
    }
  }
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

static LogicalResult gelu(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  StringRef approximate = n.stringAttr("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    return n.error() << "approximate '" << approximate
                     << "' is not none or tanh";
  SmallVector<NamedAttribute> attributes;
  if (approximate == "tanh")
    attributes.push_back(n.named("tanh_approximation", n.b.getUnitAttr()));
  FailureOr<Value> y = n.create<graph::GeluOp>(*x, attributes);
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

/// LeakyRelu, Elu, HardSigmoid, HardSwish, Softplus, Softsign … as arithmetic.
static LogicalResult activation(NodeImport &n) {
  FailureOr<Value> operand = n.value(0);
  if (failed(operand))
    return failure();
  Value x = *operand;
  Type type = n.type(x).getElementType();
  auto number = [&](double v) { return n.scalar(type, v); };
  FailureOr<Value> y = failure();
  StringRef op = n.node.opType;
  auto chained = [&](FailureOr<Value> v, auto next) {
    return succeeded(v) ? next(*v) : v;
  };
  auto scaled = [&](Value v, double s) {
    return n.create<graph::MulOp>({v, number(s)});
  };
  auto shifted = [&](Value v, double s) {
    return n.create<graph::AddOp>({v, number(s)});
  };
  auto selectNegative = [&](FailureOr<Value> negative) -> FailureOr<Value> {
    FailureOr<Value> below = n.create<graph::CompareOp>(
        {x, number(0)}, n.named("predicate", graph::ComparePredicateAttr::get(
                                                 n.b.getContext(),
                                                 graph::ComparePredicate::lt)));
    if (failed(below) || failed(negative))
      return failure();
    return n.create<graph::SelectOp>({*below, *negative, x});
  };
  // log(1 + e) from u = round(1 + e): log(u) + (e - (u - 1)) / u, which keeps
  // the digits of a small e that u has lost (after Kahan).
  auto log1p = [&](Value e) -> FailureOr<Value> {
    FailureOr<Value> u = shifted(e, 1);
    FailureOr<Value> kept = chained(u, [&](Value t) { return shifted(t, -1); });
    FailureOr<Value> lost =
        chained(kept, [&](Value t) { return n.create<graph::SubOp>({e, t}); });
    FailureOr<Value> part =
        chained(lost, [&](Value t) { return n.create<graph::DivOp>({t, *u}); });
    FailureOr<Value> log =
        chained(u, [&](Value t) { return n.create<graph::LogOp>(t); });
    if (failed(part) || failed(log))
      return failure();
    return n.create<graph::AddOp>({*log, *part});
  };
  if (op == "LeakyRelu") {
    y = selectNegative(scaled(x, n.floatAttr("alpha", 0.01)));
  } else if (op == "Elu") {
    FailureOr<Value> e = chained(n.create<graph::ExpOp>(x),
                                 [&](Value v) { return shifted(v, -1); });
    y = selectNegative(chained(
        e, [&](Value v) { return scaled(v, n.floatAttr("alpha", 1)); }));
  } else if (op == "HardSigmoid" || op == "HardSwish") {
    bool swish = op == "HardSwish";
    FailureOr<Value> v = scaled(x, swish ? 1.0 / 6 : n.floatAttr("alpha", 0.2));
    v = chained(v, [&](Value t) {
      return shifted(t, swish ? 0.5 : n.floatAttr("beta", 0.5));
    });
    y = chained(v, [&](Value t) { return clamp(n, t, 0, 1); });
    if (swish)
      y = chained(y, [&](Value t) { return n.create<graph::MulOp>({x, t}); });
  } else if (op == "Softplus") {
    // log(1 + e^x) = max(x, 0) + log(1 + e^-|x|): nothing overflows.
    FailureOr<Value> v = chained(n.create<graph::AbsOp>(x), [&](Value t) {
      return n.create<graph::NegOp>(t);
    });
    v = chained(v, [&](Value t) { return n.create<graph::ExpOp>(t); });
    v = chained(v, [&](Value t) { return log1p(t); });
    FailureOr<Value> linear = clamp(n, x, 0, INFINITY);
    if (succeeded(v) && succeeded(linear))
      y = n.create<graph::AddOp>({*linear, *v});
  }
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

static LogicalResult prelu(NodeImport &n) {
  FailureOr<Value> x = n.value(0), slope = n.value(1);
  if (failed(x) || failed(slope))
    return failure();
  Value zero = n.scalar(n.type(*x).getElementType(), 0);
  FailureOr<Value> below = n.create<graph::CompareOp>(
      {*x, zero},
      n.named("predicate", graph::ComparePredicateAttr::get(
                               n.b.getContext(), graph::ComparePredicate::lt)));
  FailureOr<Value> scaled = n.create<graph::MulOp>({*x, *slope});
  if (failed(below) || failed(scaled))
    return failure();
  FailureOr<Value> y = n.create<graph::SelectOp>({*below, *scaled, *x});
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

static LogicalResult cast(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  int64_t to = n.intAttr("to", 0);
  Type element = n.importer.elementType(to);
  if (!element)
    return n.error() << "element type " << dataTypeName(to)
                     << " is not supported";
  RankedTensorType type = graph::getTensorType(n.dims(*x), element);
  n.result(0, type == x->getType()
                  ? *x
                  : graph::CastOp::create(n.b, n.loc, type, *x).getResult());
  return success();
}

/// NaN is the one value that differs from itself.
static LogicalResult isNaN(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  FailureOr<Value> y = n.create<graph::CompareOp>(
      {*x, *x},
      n.named("predicate", graph::ComparePredicateAttr::get(
                               n.b.getContext(), graph::ComparePredicate::ne)));
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

static LogicalResult same(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  if (n.node.opType == "Dropout" && n.node.outputs.size() > 1 &&
      !n.node.outputs[1].empty())
    return n.error() << "the mask output is not supported";
  // Since opset 12 training_mode is an operand; off where it is left out.
  if (n.node.opType == "Dropout" && n.has(2) && n.constantNumber(2) != 0.0)
    return n.error() << "training_mode must be false, and known";
  n.result(0, *x);
  return success();
}

void addElementwise(ImportTable &table) {
  table["Abs"] = unary<graph::AbsOp>;
  table["Neg"] = unary<graph::NegOp>;
  table["Exp"] = unary<graph::ExpOp>;
  table["Log"] = unary<graph::LogOp>;
  table["Sqrt"] = unary<graph::SqrtOp>;
  table["Reciprocal"] = unary<graph::ReciprocalOp>;
  table["Tanh"] = unary<graph::TanhOp>;
  table["Sigmoid"] = unary<graph::SigmoidOp>;
  table["Erf"] = unary<graph::ErfOp>;
  table["Sin"] = unary<graph::SinOp>;
  table["Cos"] = unary<graph::CosOp>;
  table["Floor"] = unary<graph::FloorOp>;
  table["Ceil"] = unary<graph::CeilOp>;
  table["Round"] = unary<graph::RoundOp>;
  table["Sign"] = unary<graph::SignOp>;
  table["Not"] = unary<graph::NotOp>;
  table["BitwiseNot"] = unary<graph::NotOp>;
  table["Add"] = binary<graph::AddOp>;
  table["Sub"] = binary<graph::SubOp>;
  table["Mul"] = binary<graph::MulOp>;
  table["Div"] = binary<graph::DivOp>;
  table["Pow"] = pow;
  table["Mod"] = mod;
  table["And"] = binary<graph::AndOp>;
  table["Or"] = binary<graph::OrOp>;
  table["Xor"] = binary<graph::XorOp>;
  table["BitwiseAnd"] = binary<graph::AndOp>;
  table["BitwiseOr"] = binary<graph::OrOp>;
  table["BitwiseXor"] = binary<graph::XorOp>;
  table["Max"] = variadic<graph::MaxOp>;
  table["Min"] = variadic<graph::MinOp>;
  table["Sum"] = variadic<graph::AddOp>;
  table["Mean"] = mean;
  table["Equal"] = compare<graph::ComparePredicate::eq>;
  table["Less"] = compare<graph::ComparePredicate::lt>;
  table["LessOrEqual"] = compare<graph::ComparePredicate::le>;
  table["Greater"] = compare<graph::ComparePredicate::gt>;
  table["GreaterOrEqual"] = compare<graph::ComparePredicate::ge>;
  table["Where"] = where;
  table["Relu"] = relu;
  table["Clip"] = clip;
  table["Gelu"] = gelu;
  for (StringRef name :
       {"LeakyRelu", "Elu", "HardSigmoid", "HardSwish", "Softplus"})
    table[name] = activation;
  table["PRelu"] = prelu;
  table["Cast"] = cast;
  table["IsNaN"] = isNaN;
  table["Identity"] = same;
  table["Dropout"] = same;
}

} // namespace actnet::onnx
