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

/// x as elements of another type; x itself where it has them.
static FailureOr<Value> converted(NodeImport &n, Value x, Type element) {
  RankedTensorType type = graph::getTensorType(n.dims(x), element);
  return type == x.getType()
             ? x
             : graph::CastOp::create(n.b, n.loc, type, x).getResult();
}

namespace {
/// Makes ops one after the other; after a failure nothing but null values.
class Maker {
public:
  explicit Maker(NodeImport &n) : n(n) {}

  template <typename OpTy>
  Value make(ValueRange operands, ArrayRef<NamedAttribute> attributes = {}) {
    if (llvm::is_contained(operands, Value()))
      return {};
    return n.create<OpTy>(operands, attributes).value_or(Value());
  }
  Value compare(graph::ComparePredicate predicate, Value x, Value y) {
    return make<graph::CompareOp>(
        {x, y}, n.named("predicate", graph::ComparePredicateAttr::get(
                                         n.b.getContext(), predicate)));
  }
  /// x as elements of another type; x itself where it has them.
  Value convert(Value x, Type element) {
    return x ? *converted(n, x, element) : Value();
  }

private:
  NodeImport &n;
};
} // namespace

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
  Maker m(n);
  using P = graph::ComparePredicate;
  Value zero = n.scalar(element, 0), below = m.compare(P::lt, *a, zero), y;
  if (element.isInteger()) {
    // From the remainder of the other kind: the least integer has no absolute
    // value. Where the signs differ, one divisor less has the dividend's.
    Value rest = m.make<graph::ModOp>({*a, *c});
    Value differs = m.make<graph::XorOp>({below, m.compare(P::lt, rest, zero)});
    y = m.make<graph::SelectOp>(
        {differs, m.make<graph::SubOp>({rest, *c}), rest});
    y = m.make<graph::SelectOp>({m.compare(P::eq, rest, zero), rest, y});
  } else {
    Value rest = m.make<graph::ModOp>(
        {m.make<graph::AbsOp>(*a), m.make<graph::AbsOp>(*c)});
    y = m.make<graph::SelectOp>({below, m.make<graph::NegOp>(rest), rest});
  }
  if (!y)
    return failure();
  n.result(0, y);
  return success();
}

/// Integers to a floating point power, as integers. Whole exponents multiply;
/// for others f64 has the power but for its last bits, so what lies next to an
/// integer is taken for it before the rest is cut off.
static FailureOr<Value> powOfInteger(NodeImport &n, Value base, Value by) {
  using P = graph::ComparePredicate;
  Type i64 = n.b.getI64Type(), f64 = n.b.getF64Type();
  Maker m(n);
  auto number = [&](double v) { return n.scalar(f64, v); };
  Value exponent = m.convert(by, f64);
  // Beyond 2^31 each power but those of 0, 1 and -1 has overflowed.
  Value isWhole =
      m.make<graph::AndOp>({m.compare(P::ge, exponent, number(0)),
                            m.compare(P::lt, exponent, number(0x1p31))});
  isWhole = m.make<graph::AndOp>(
      {isWhole, m.compare(P::eq, exponent, m.make<graph::FloorOp>(exponent))});
  Value times = m.make<graph::SelectOp>({isWhole, exponent, number(0)});
  Value whole =
      m.make<graph::PowOp>({m.convert(base, i64), m.convert(times, i64)});
  Value power = m.make<graph::PowOp>({m.convert(base, f64), exponent});
  Value nearest = m.make<graph::RoundOp>(power);
  Value off = m.make<graph::AbsOp>(m.make<graph::SubOp>({power, nearest}));
  Value slack =
      m.make<graph::MulOp>({m.make<graph::AbsOp>(nearest), number(1e-12)});
  Value snapped =
      m.make<graph::SelectOp>({m.compare(P::le, off, slack), nearest, power});
  Type element = n.type(base).getElementType();
  Value y = m.make<graph::SelectOp>(
      {isWhole, m.convert(whole, element), m.convert(snapped, element)});
  if (!y)
    return failure();
  return y;
}

/// Pow: base and exponent may be of different types; the result has the base's.
static LogicalResult pow(NodeImport &n) {
  FailureOr<Value> a = n.value(0);
  FailureOr<Value> c = succeeded(a) ? n.value(1) : FailureOr<Value>(failure());
  if (failed(c))
    return failure();
  Type base = n.type(*a).getElementType(), by = n.type(*c).getElementType();
  FailureOr<Value> y = failure();
  std::optional<double> exponent = n.constantNumber(1);
  // A constant of more elements than one may spread the base.
  bool isOne = n.type(*c).hasStaticShape() &&
               n.type(*c).getNumElements() == 1 &&
               n.type(*c).getRank() <= n.type(*a).getRank();
  if (base.isInteger() && isa<FloatType>(by) && isOne && exponent &&
      *exponent >= 0 && *exponent <= 64 && std::floor(*exponent) == *exponent) {
    Maker m(n);
    Type i64 = n.b.getI64Type();
    Value power =
        m.make<graph::PowOp>({m.convert(*a, i64), n.scalar(i64, *exponent)});
    if (power)
      y = m.convert(power, base);
  } else if (base.isInteger() && isa<FloatType>(by))
    y = powOfInteger(n, *a, *c);
  else
    y = n.create<graph::PowOp>({*a, *converted(n, *c, base)});
  if (failed(y))
    return failure();
  n.result(0, *y);
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
  // Bounds of integers stay integers: f64 does not hold all of them.
  if (isa<FloatType>(n.type(*x).getElementType()) && lo && hi && *lo <= *hi) {
    y = clamp(n, *x, *lo, *hi);
  } else {
    // So do bounds that are data, or crossed: min(max(x, lo), hi).
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
