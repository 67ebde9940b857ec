//===- MathDouble.cpp - math functions of f64 -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Series whose remainders are below the last bit on the reduced ranges; a few
// ulp in f64 (exp, log: 4; sin, cos: 4 up to 2^30, beyond it numbers between
// -1 and 1; pow grows with |y log x|: 1e-13 relative; tanh 8; erf 1e-13
// relative to 1). The remainder is exact.
//
//===----------------------------------------------------------------------===//

#include "MathOps.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

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

/// Bits of 2 / pi, 29 at a time, the first behind the point.
static constexpr int64_t kTwoOverPi[] = {0x145f306d, 0x19391054, 0x14fe13ab,
                                         0x1d1f534d, 0x1b81b6c5, 0x05664f10,
                                         0x1c820ff2};

/// Payne and Hanek, "Radian Reduction for Trigonometric Functions" (1983), for
/// x of 24 bits: x times 29 bits of 2 / pi is exact in f64, and so is what
/// stays of it when whole turns are taken away. The sum of these carries what
/// it rounds off along, so that the distance to a multiple of pi / 2, at least
/// 2^-35, keeps all its bits.
void MathOps::reduceHuge(Value x, Value &r, Value &quadrant) {
  Value sum, rest;
  for (auto [i, bits] : llvm::enumerate(kTwoOverPi)) {
    Value part = mul(x, c(std::ldexp(static_cast<double>(bits),
                                     -29 * (static_cast<int>(i) + 1))));
    part = fma(truncate(mul(part, c(0.25))), c(-4.0), part);
    if (i == 0) {
      sum = part;
      rest = c(0.0);
      continue;
    }
    // Knuth's sum of two: what the addition rounds off.
    Value next = add(sum, part), added = sub(next, sum);
    Value lost = add(sub(sum, sub(next, added)), sub(part, added));
    rest = add(rest, lost);
    sum = next;
  }
  Value shifted = add(sum, c(kMagic));
  quadrant = asBits(shifted);
  r = mul(add(sub(sum, sub(shifted, c(kMagic))), rest),
          c(1.5707963267948965580));
}

Value MathOps::sineDouble(Value x, bool cosine, bool isSingle) {
  // x = n pi/2 + r; pi/2 in three parts, of which n times the sum is exact
  // enough with fma up to |x| of 2^30.
  Value magic = c(kMagic);
  Value shifted = fma(x, c(0.63661977236758134308), magic);
  Value n = sub(shifted, magic);
  Value r = fma(n, c(-1.5707963267948965580), x);
  r = fma(n, c(-6.1232339957367658860e-17), r);
  r = fma(n, c(1.4973849048591698e-33), r);
  Value quadrant = asBits(shifted);
  if (isSingle) {
    // Taken only where some lane needs it.
    Value huge = gt(abs(x), c(0x1p30)), any = huge;
    if (auto vector = dyn_cast<VectorType>(huge.getType()))
      any = vector::ReductionOp::create(e.b, e.loc, vector::CombiningKind::OR,
                                        huge);
    Value turns = arith::SelectOp::create(e.b, e.loc, any, e.cst(1), e.cst(0));
    Values reduced = e.loop(e.cst(0), turns, 1, ValueRange{r, quadrant},
                            [&](Value, ValueRange in) {
                              Value slow, slowQuadrant;
                              reduceHuge(x, slow, slowQuadrant);
                              return Values{select(huge, slow, in[0]),
                                            select(huge, slowQuadrant, in[1])};
                            });
    r = reduced[0];
    quadrant = reduced[1];
  }
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

Value MathOps::remainder(Value x, Value y, bool isSingle) {
  // Long division: from the largest 2^(51 k) y that can be below x down to y
  // itself. A quotient of up to 51 bits is right or one too large, and what
  // fma leaves is exact: it has no bit below the last ones of x and y.
  // f32: x / y < 2^277; f64: 2^2098.
  int64_t steps = isSingle ? 6 : 42;
  Value a = abs(x), d = abs(y);
  auto step = [&](Value r, Value factor) {
    Value t = mul(mul(mul(d, factor), factor), factor);
    Value rest = fma(neg(truncate(div(r, t))), t, r);
    rest = select(lt(rest, c(0.0)), add(rest, t), rest);
    return select(eq(t, c(kInfinity)), r, rest);
  };
  Value r = a;
  if (isSingle) {
    for (int64_t k = steps - 1; k >= 0; --k)
      r = step(r, c(std::ldexp(1.0, 17 * static_cast<int>(k))));
  } else {
    Value first = c(std::ldexp(1.0, 17 * static_cast<int>(steps - 1)));
    r = e.loop(e.cst(0), e.cst(steps), 1, ValueRange{r, first},
               [&](Value, ValueRange in) {
                 return Values{step(in[0], in[1]), mul(in[1], c(0x1p-17))};
               })[0];
  }
  // Of an infinite y nothing was taken away, and of an infinite x nothing is
  // left that is a number.
  r = select(eq(a, c(kInfinity)), c(kNan), r);
  return copySign(r, x);
}
