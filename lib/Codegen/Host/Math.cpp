//===- Math.cpp - math functions of f32 -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Error bounds, tested against double references over all magnitudes
// (test/Codegen/Host): exp 2 ulp, log 2 ulp, tanh 6 ulp, erf 7 ulp; sin, cos,
// pow, exp2, expm1, log1p, log2, log10 go through f64 where one ulp of f32
// would not do: 2 ulp; the remainder is exact. Infinities, NaN, zeros and
// subnormal numbers give what C's functions do. Coefficients of exp and log are
// those of Taylor's series with the last ones fitted; tanh and erf are rational
// fits in x^2 of the smallest relative error.
//
//===----------------------------------------------------------------------===//

#include "MathOps.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringSwitch.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace actnet::host;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Value MathOps::expFloat(Value x) {
  // x = n ln 2 + r, |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to an integer
  // and leaves it in the low bits, without a conversion that NaN could trap.
  Value magic = c(12582912.0);
  x = atMost(x, 89.0);
  x = atLeast(x, -104.0);
  Value shifted = fma(x, c(1.4426950408889634), magic);
  Value n = sub(shifted, magic);
  Value r = fma(n, c(-0.693145751953125), x);
  r = fma(n, c(-1.42860682030941723212e-6), r);
  Value p = polynomial(r, {1.0, 1.0, 0.5, 1.6666665459e-1, 4.1665795894e-2,
                           8.3334519073e-3, 1.3981999507e-3, 1.9875691500e-4});
  // 2^n in two factors, for subnormal results and for n = 128.
  Value i = subi(asBits(shifted), asBits(magic));
  Value half = shr(i, 1);
  Value low = asFloat(shl(addi(half, ci(127)), 23));
  Value high = asFloat(shl(addi(subi(i, half), ci(127)), 23));
  return mul(mul(p, low), high);
}

Value MathOps::logFloat(Value x) {
  // Subnormal numbers are scaled up first.
  Value small = lt(x, c(1.1754943508222875e-38));
  Value scaled = select(small, mul(x, c(8388608.0)), x);
  Value b = asBits(scaled);
  // m in [sqrt(1/2), sqrt(2)), x = 2^k m.
  Value k = shr(subi(b, ci(0x3f3504f3)), 23);
  Value m = asFloat(subi(b, shl(k, 23)));
  Value kf = sub(toFloat(k), select(small, c(23.0), c(0.0)));
  Value f = sub(m, c(1.0));
  Value z = mul(f, f);
  Value p = polynomial(f, {3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1,
                           -1.6668057665e-1, 1.4249322787e-1, -1.2420140846e-1,
                           1.1676998740e-1, -1.1514610310e-1, 7.0376836292e-2});
  Value y = mul(mul(p, f), z);
  y = fma(kf, c(-2.12194440e-4), y);
  y = fma(z, c(-0.5), y);
  y = add(f, y);
  y = fma(kf, c(0.693359375), y);
  y = select(eq(x, c(kInfinity)), x, y);
  y = select(eq(x, c(0.0)), c(-kInfinity), y);
  // Below zero, and NaN.
  return select(cmp(arith::CmpFPredicate::ULT, x, c(0.0)), c(kNan), y);
}

Value MathOps::tanhFloat(Value x) {
  Value t = atLeast(atMost(x, 9.0), -9.0);
  Value z = mul(t, t);
  Value p = polynomial(z, {0.9999999987258134, 0.13680880157655917,
                           0.003869537474031646, 2.803189001083831e-05,
                           3.0643850285705574e-08, -1.2247157003931312e-11});
  Value q = polynomial(z, {1.0, 0.470142122496913, 0.027250265129127413,
                           0.00039407648160660007, 1.2890746475215331e-06});
  Value y = div(mul(t, p), q);
  y = atLeast(atMost(y, 1.0), -1.0);
  // Exactly 1 where it rounds to 1: GELU multiplies what is missing by x.
  return select(lt(c(9.02), abs(x)), copySign(c(1.0), x), y);
}

Value MathOps::erfFloat(Value x) {
  Value t = atLeast(atMost(x, 4.0), -4.0);
  Value z = mul(t, t);
  Value p = polynomial(z, {1.1283791393812947, 0.19353883464439872,
                           0.05310092537454479, 0.0038830797012789856,
                           0.0002845600460727205, 1.986827940507741e-06});
  Value q = polynomial(z, {1.0, 0.5048518835481001, 0.11534742772854897,
                           0.015206720169037196, 0.001185507431681076,
                           3.742035101603507e-05});
  Value y = div(mul(t, p), q);
  y = atLeast(atMost(y, 1.0), -1.0);
  return select(lt(c(3.93), abs(x)), copySign(c(1.0), x), y);
}

/// Computes in f64, rounds once.
static Value throughDouble(Emitter &e, ValueRange operands,
                           function_ref<Value(MathOps &, ValueRange)> compute) {
  MathOps narrow(e, operands[0]);
  Type wide = narrow.like(e.b.getF64Type());
  if (wide == narrow.type)
    return compute(narrow, operands);
  Values extended;
  for (Value operand : operands)
    extended.push_back(arith::ExtFOp::create(e.b, e.loc, wide, operand));
  MathOps m(e, extended[0]);
  return arith::TruncFOp::create(e.b, e.loc, narrow.type, compute(m, extended));
}

/// The value where all lanes are one constant.
static std::optional<double> splatOf(Value value) {
  Attribute attribute;
  if (auto broadcast = value.getDefiningOp<vector::BroadcastOp>())
    value = broadcast.getSource();
  if (!matchPattern(value, m_Constant(&attribute)))
    return std::nullopt;
  if (auto splat = dyn_cast<SplatElementsAttr>(attribute))
    attribute = splat.getSplatValue<Attribute>();
  if (auto number = dyn_cast<FloatAttr>(attribute))
    return number.getValueAsDouble();
  return std::nullopt;
}

static Value emitPow(Emitter &e, Value x, Value y) {
  MathOps m(e, x);
  if (auto power = splatOf(y)) {
    if (*power == 1)
      return x;
    if (*power == 2)
      return m.mul(x, x);
    if (*power == 3)
      return m.mul(m.mul(x, x), x);
    if (*power == -1)
      return m.div(m.c(1), x);
  }
  return throughDouble(e, {x, y}, [](MathOps &w, ValueRange v) {
    return w.powDouble(v[0], v[1]);
  });
}

static Value emitFloat(Emitter &e, StringRef name, ValueRange v) {
  MathOps m(e, v[0]);
  OpBuilder &b = e.b;
  Location loc = e.loc;
  Value x = v[0];
  bool single = m.width() == 32;
  auto wide = [&](function_ref<Value(MathOps &, Value)> compute) {
    return throughDouble(
        e, v[0], [&](MathOps &w, ValueRange in) { return compute(w, in[0]); });
  };
  // Near zero exp(x) - 1 and log(1 + x) are series of their own.
  auto expm1 = [](MathOps &w, Value in) {
    Value series =
        w.polynomial(in, {1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720,
                          1.0 / 5040, 1.0 / 40320, 1.0 / 362880});
    return w.select(w.lt(w.abs(in), w.c(0.0625)), w.mul(in, series),
                    w.sub(w.expDouble(in), w.c(1.0)));
  };
  auto log1p = [](MathOps &w, Value in) {
    // log(u) x / (u - 1) with u = 1 + x rounded cancels the rounding of u.
    Value u = w.add(in, w.c(1.0)), d = w.sub(u, w.c(1.0));
    Value y = w.mul(w.logDouble(u), w.div(in, d));
    Value exact = w.either(w.eq(d, w.c(0.0)), w.eq(in, w.c(kInfinity)));
    return w.select(exact, in, y);
  };
  int which = llvm::StringSwitch<int>(name)
                  .Case("math.exp", 1)
                  .Case("math.log", 2)
                  .Case("math.tanh", 3)
                  .Case("math.erf", 4)
                  .Case("math.sqrt", 5)
                  .Case("math.rsqrt", 6)
                  .Case("math.absf", 7)
                  .Case("math.floor", 8)
                  .Case("math.ceil", 9)
                  .Case("math.trunc", 10)
                  .Case("math.round", 11)
                  .Case("math.roundeven", 12)
                  .Case("math.sin", 13)
                  .Case("math.cos", 14)
                  .Case("math.exp2", 15)
                  .Case("math.expm1", 16)
                  .Case("math.log1p", 17)
                  .Case("math.log2", 18)
                  .Case("math.log10", 19)
                  .Case("math.isnan", 20)
                  .Case("math.isinf", 21)
                  .Case("math.isfinite", 22)
                  .Case("math.tan", 23)
                  .Case("math.erfc", 24)
                  .Default(0);
  switch (which) {
  case 1:
    return single ? m.expFloat(x) : m.expDouble(x);
  case 2:
    return single ? m.logFloat(x) : m.logDouble(x);
  case 3:
    return single ? m.tanhFloat(x) : m.tanhDouble(x);
  case 4:
    return single ? m.erfFloat(x) : m.erfDouble(x);
  case 5:
    return m.sqrt(x);
  case 6:
    return m.div(m.c(1.0), m.sqrt(x));
  case 7:
    return m.abs(x);
  case 8:
    return m.floor(x);
  case 9:
    return LLVM::FCeilOp::create(b, loc, x);
  case 10:
    return m.truncate(x);
  case 11: {
    // Halves away from zero: exact, because x - trunc(x) is.
    Value whole = m.truncate(x);
    Value up =
        m.cmp(arith::CmpFPredicate::OGE, m.abs(m.sub(x, whole)), m.c(0.5));
    return m.select(up, m.add(whole, m.copySign(m.c(1.0), x)), whole);
  }
  case 12:
    return m.roundEven(x);
  case 13:
    return wide(
        [&](MathOps &w, Value in) { return w.sineDouble(in, false, single); });
  case 14:
    return wide(
        [&](MathOps &w, Value in) { return w.sineDouble(in, true, single); });
  case 15:
    return wide([](MathOps &w, Value in) {
      return w.expDouble(w.mul(in, w.c(0.69314718055994530942)));
    });
  case 16:
    return wide(expm1);
  case 17:
    return wide(log1p);
  case 18:
    return wide([](MathOps &w, Value in) {
      return w.mul(w.logDouble(in), w.c(1.4426950408889634074));
    });
  case 19:
    return wide([](MathOps &w, Value in) {
      return w.mul(w.logDouble(in), w.c(0.43429448190325182765));
    });
  case 20:
    return m.isNan(x);
  case 21:
    return m.eq(m.abs(x), m.c(kInfinity));
  case 22:
    return m.lt(m.abs(x), m.c(kInfinity));
  case 23:
    return wide([&](MathOps &w, Value in) {
      return w.div(w.sineDouble(in, false, single),
                   w.sineDouble(in, true, single));
    });
  case 24:
    return wide(
        [](MathOps &w, Value in) { return w.sub(w.c(1.0), w.erfDouble(in)); });
  default:
    return {};
  }
}

Value actnet::host::emitMath(Emitter &e, StringRef name, ValueRange operands) {
  Value x = operands[0];
  Type element = getElementTypeOrSelf(x.getType());
  if (name == "math.absi") {
    Value minus = arith::SubIOp::create(e.b, e.loc, e.zero(x.getType()), x);
    return arith::MaxSIOp::create(e.b, e.loc, x, minus);
  }
  if (name == "math.ctpop")
    return LLVM::CtPopOp::create(e.b, e.loc, x.getType(), x);
  if (!element.isF32() && !element.isF64())
    return {};
  MathOps m(e, x);
  if (name == "math.powf")
    return emitPow(e, x, operands[1]);
  if (name == "math.fma")
    return e.fma(x, operands[1], operands[2]);
  if (name == "math.copysign")
    return m.copySign(x, operands[1]);
  if (name == "math.clampf")
    return m.select(m.gt(x, operands[2]), operands[2],
                    m.select(m.lt(x, operands[1]), operands[1], x));
  if (name == "arith.remf")
    return throughDouble(e, operands, [&](MathOps &w, ValueRange v) {
      return w.remainder(v[0], v[1], m.width() == 32);
    });
  return emitFloat(e, name, operands);
}
