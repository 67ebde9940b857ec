//===- MathDouble.cpp - math functions of f64 -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Series whose remainders are below the last bit on the reduced ranges; a few
// ulp in f64 (exp, log, sin, cos: 4; pow grows with |y log x|: 1e-13
// relative; tanh 8; erf 1e-13 relative to 1).
//
//===----------------------------------------------------------------------===//

#include "MathOps.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace actnet::host;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
/// 1.5 * 2^52: adding it rounds to an integer in the low bits.
static constexpr double kMagic = 6755399441055744.0;

Value MathOps::expDouble(Value x) {
  Value magic = c(kMagic);
  x = atMost(x, 710.0);
  x = atLeast(x, -746.0);
  Value shifted = fma(x, c(1.4426950408889634074), magic);
  Value n = sub(shifted, magic);
  // ln 2 in two parts, the first with zeros at its end.
  Value r = fma(n, c(-0.693147180369123816490), x);
  r = fma(n, c(-1.90821492927058770002e-10), r);
  SmallVector<double> taylor;
  double factorial = 1;
  for (int i = 0; i <= 13; ++i) {
    taylor.push_back(1 / factorial);
    factorial *= i + 1;
  }
  Value p = polynomial(r, taylor);
  Value i = subi(asBits(shifted), asBits(magic));
  Value half = shr(shl(i, 31), 32); // i / 2 of the low bits, with their sign
  Value low = asFloat(shl(addi(half, ci(1023)), 52));
  Value high = asFloat(shl(addi(subi(i, half), ci(1023)), 52));
  return mul(mul(p, low), high);
}

Value MathOps::logDouble(Value x) {
  Value small = lt(x, c(2.2250738585072014e-308));
  Value scaled = select(small, mul(x, c(18014398509481984.0)), x); // 2^54
  Value b = asBits(scaled);
  Value k = shr(subi(b, ci(0x3fe6a09e667f3bcd)), 52);
  Value m = asFloat(subi(b, shl(k, 52)));
  // There is no conversion of 64-bit integers on AVX2: through the low bits.
  Value kf = sub(asFloat(addi(k, asBits(c(kMagic)))), c(kMagic));
  kf = sub(kf, select(small, c(54.0), c(0.0)));
  // log m = 2 atanh(s) with s = (m - 1) / (m + 1).
  Value f = sub(m, c(1.0));
  Value s = div(f, add(m, c(1.0)));
  Value z = mul(s, s);
  SmallVector<double> series;
  for (int i = 1; i <= 11; ++i)
    series.push_back(2.0 / (2 * i + 1));
  // 2 s = f - s f: the exact f carries most of the value.
  Value tail = mul(z, polynomial(z, series));
  Value y = sub(f, mul(s, sub(f, tail)));
  y = fma(kf, c(1.90821492927058770002e-10), y);
  y = fma(kf, c(0.693147180369123816490), y);
  y = select(eq(x, c(kInfinity)), x, y);
  y = select(eq(x, c(0.0)), c(-kInfinity), y);
  return select(cmp(arith::CmpFPredicate::ULT, x, c(0.0)), c(kNan), y);
}

Value MathOps::tanhDouble(Value x) {
  Value a = abs(x);
  // 1 - 2 / (exp(2a) + 1), and the series where that cancels.
  Value big =
      sub(c(1.0), div(c(2.0), add(expDouble(atMost(add(a, a), 80.0)), c(1.0))));
  Value z = mul(x, x);
  Value series = polynomial(
      z, {1.0, -1.0 / 3, 2.0 / 15, -17.0 / 315, 62.0 / 2835, -1382.0 / 155925,
          21844.0 / 6081075, -929569.0 / 638512875, 6404582.0 / 10854718875,
          -443861162.0 / 1856156927625, 18888466084.0 / 194896477400625});
  Value y = select(lt(a, c(0.25)), mul(x, series), copySign(big, x));
  return select(isNan(x), x, y);
}

Value MathOps::erfDouble(Value x) {
  // erf x = 2 x / sqrt(pi) exp(-x^2) sum (2 x^2)^k / (1 3 5 … (2k + 1)):
  // all terms positive, so nothing cancels. Beyond 6, erf is 1.
  Value a = atMost(abs(x), 6.0);
  Value t = mul(a, a);
  constexpr int terms = 120;
  Value two = add(t, t), term = c(1.0), sum = c(1.0);
  for (int k = 1; k <= terms; ++k) {
    term = mul(term, mul(two, c(1.0 / (2 * k + 1))));
    sum = add(sum, term);
  }
  Value y = mul(mul(mul(a, c(1.1283791670955126)), expDouble(neg(t))), sum);
  y = atMost(y, 1.0);
  return select(isNan(x), x, copySign(y, x));
}

Value MathOps::sineDouble(Value x, bool cosine) {
  // x = n pi/2 + r; pi/2 in three parts of which n times the first two is
  // exact enough with fma up to |x| of 2^30.
  Value magic = c(kMagic);
  Value shifted = fma(x, c(0.63661977236758134308), magic);
  Value n = sub(shifted, magic);
  Value r = fma(n, c(-1.5707963267948965580), x);
  r = fma(n, c(-6.1232339957367658860e-17), r);
  Value quadrant = asBits(shifted);
  if (cosine)
    quadrant = addi(quadrant, ci(1));
  Value z = mul(r, r);
  SmallVector<double> sine, cos;
  double factorial = 1;
  for (int i = 0; i <= 8; ++i) {
    double sign = i % 2 ? -1 : 1;
    cos.push_back(sign / factorial);
    factorial *= 2 * i + 1;
    sine.push_back(sign / factorial);
    factorial *= 2 * i + 2;
  }
  Value s = mul(r, polynomial(z, sine)), co = polynomial(z, cos);
  Value odd = eqi(andi(quadrant, ci(1)), ci(1));
  Value y = select(odd, co, s);
  // Quadrants 2 and 3 are negative: bit 1 becomes the sign.
  Value sign = shl(andi(quadrant, ci(2)), width() - 2);
  y = asFloat(xori(asBits(y), sign));
  // Where n no longer fits, the polynomials may leave their range.
  y = atLeast(atMost(y, 1.0), -1.0);
  return select(lt(abs(x), c(kInfinity)), select(isNan(y), c(0.0), y), c(kNan));
}

Value MathOps::powDouble(Value x, Value y) {
  Value a = abs(x);
  Value magnitude = expDouble(mul(y, logDouble(a)));
  // A negative base: real only where y is an integer, negative where odd.
  Value whole = eq(truncate(y), y);
  Value halved = mul(y, c(0.5));
  Value odd =
      both(whole, cmp(arith::CmpFPredicate::UNE, truncate(halved), halved));
  Value negative = lt(x, c(0.0));
  Value result = select(both(negative, odd), neg(magnitude), magnitude);
  Value finite = lt(a, c(kInfinity));
  result = select(both(both(negative, finite),
                       cmp(arith::CmpFPredicate::UNE, truncate(y), y)),
                  c(kNan), result);
  // Zero keeps its sign for odd powers.
  Value zero = eq(x, c(0.0));
  result = select(both(zero, odd), copySign(result, x), result);
  Value one = either(eq(y, c(0.0)), eq(x, c(1.0)));
  // (-1)^inf is 1.
  one = either(one, both(eq(a, c(1.0)), eq(abs(y), c(kInfinity))));
  return select(one, c(1.0), result);
}

Value MathOps::remainder(Value x, Value y) {
  Value q = truncate(div(x, y));
  Value r = fma(neg(q), y, x);
  // The rounded quotient may be one too large in magnitude.
  Value wrong = both(cmp(arith::CmpFPredicate::UNE, r, c(0.0)),
                     lt(mul(copySign(c(1.0), r), copySign(c(1.0), x)), c(0.0)));
  Value back = add(r, copySign(abs(y), x));
  r = select(wrong, back, r);
  r = select(eq(abs(y), c(kInfinity)),
             select(lt(abs(x), c(kInfinity)), x, c(kNan)), r);
  return copySign(r, x);
}
