//===- DimExpr.cpp - normal form of dim expressions -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A normal form is a polynomial: an Add of monomials, highest degree first and
// the constant last; a monomial is a Mul of sorted atoms, its coefficient last
// where it is not 1. An atom is a symbol or a floordiv, mod, min or max that
// could not be resolved. ceildiv(a, b) becomes floordiv(a + b - 1, b), and
// subtraction a coefficient of -1, so equal functions meet more often.
// Coefficients saturate at 64 bits; dimEvaluate reports overflow. DimLimits.h
// says what becomes of too many terms.
//
//===----------------------------------------------------------------------===//

#include "actnet/Dialect/Graph/IR/DimLimits.h"

#include "llvm/Support/MathExtras.h"

#include <map>
#include <numeric>

using namespace mlir;
using namespace actnet::graph;

//===----------------------------------------------------------------------===//
// Order and arithmetic of coefficients
//===----------------------------------------------------------------------===//

static int64_t addSat(int64_t a, int64_t b) {
  int64_t result;
  if (!llvm::AddOverflow(a, b, result))
    return result;
  return a < 0 ? INT64_MIN : INT64_MAX;
}

static int64_t mulSat(int64_t a, int64_t b) {
  int64_t result;
  if (!llvm::MulOverflow(a, b, result))
    return result;
  return (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
}

/// Total order of expressions by their structure, the same in every run.
static int compare(DimExprAttr a, DimExprAttr b) {
  if (a == b)
    return 0;
  if (a.getKind() != b.getKind())
    return a.getKind() < b.getKind() ? -1 : 1;
  if (a.getValue() != b.getValue())
    return a.getValue() < b.getValue() ? -1 : 1;
  if (a.isSymbol())
    return a.getName().getValue().compare(b.getName().getValue());
  if (a.getOperands().size() != b.getOperands().size())
    return a.getOperands().size() < b.getOperands().size() ? -1 : 1;
  for (unsigned i = 0, e = a.getOperands().size(); i < e; ++i)
    if (int order = compare(a.getOperand(i), b.getOperand(i)))
      return order;
  return 0;
}

static bool lessThan(DimExprAttr a, DimExprAttr b) { return compare(a, b) < 0; }

static DimExprAttr make(DimExprKind kind, ArrayRef<DimExprAttr> operands) {
  SmallVector<Attribute> attributes(operands.begin(), operands.end());
  MLIRContext *context = operands.front().getContext();
  return DimExprAttr::get(context, kind, 0, StringAttr::get(context),
                          attributes);
}

//===----------------------------------------------------------------------===//
// Polynomials
//===----------------------------------------------------------------------===//

namespace {
/// Sorted atoms with repetition; empty for the constant term.
using Monomial = SmallVector<DimExprAttr, 4>;

/// Graded order, highest degree first: admissible, so exact division works by
/// dividing leading terms.
struct MonomialOrder {
  bool operator()(const Monomial &a, const Monomial &b) const {
    if (a.size() != b.size())
      return a.size() > b.size();
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        lessThan);
  }
};

struct Polynomial {
  std::map<Monomial, int64_t, MonomialOrder> terms;

  void add(const Monomial &monomial, int64_t coefficient) {
    if (coefficient == 0)
      return;
    auto [it, isNew] = terms.try_emplace(monomial, coefficient);
    if (isNew)
      return;
    it->second = addSat(it->second, coefficient);
    if (it->second == 0)
      terms.erase(it);
  }
  void add(const Polynomial &other, int64_t factor = 1) {
    for (const auto &[monomial, coefficient] : other.terms)
      add(monomial, mulSat(coefficient, factor));
  }
  bool isZero() const { return terms.empty(); }
};
} // namespace

static Monomial multiply(const Monomial &a, const Monomial &b) {
  Monomial result;
  std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(result),
             lessThan);
  return result;
}

static Polynomial multiply(const Polynomial &a, const Polynomial &b) {
  Polynomial result;
  for (const auto &[ma, ca] : a.terms)
    for (const auto &[mb, cb] : b.terms)
      // Where it has too many terms, the rest is of no use.
      if (result.terms.size() <= kMostDimTerms)
        result.add(multiply(ma, mb), mulSat(ca, cb));
  return result;
}

/// a / b where b's atoms are all in a.
static std::optional<Monomial> divide(const Monomial &a, const Monomial &b) {
  Monomial result;
  size_t i = 0;
  for (DimExprAttr atom : a) {
    if (i < b.size() && b[i] == atom)
      ++i;
    else
      result.push_back(atom);
  }
  if (i != b.size())
    return std::nullopt;
  return result;
}

static void addTerm(Polynomial &result, DimExprAttr term) {
  if (term.isConstant())
    return result.add(Monomial{}, term.getValue());
  if (term.getKind() != DimExprKind::Mul)
    return result.add(Monomial{term}, 1);
  Monomial monomial;
  int64_t coefficient = 1;
  for (unsigned i = 0, e = term.getOperands().size(); i < e; ++i) {
    DimExprAttr factor = term.getOperand(i);
    if (factor.isConstant())
      coefficient = factor.getValue();
    else
      monomial.push_back(factor);
  }
  result.add(monomial, coefficient);
}

static Polynomial toPolynomial(DimExprAttr expr) {
  Polynomial result;
  if (expr.getKind() != DimExprKind::Add) {
    addTerm(result, expr);
    return result;
  }
  for (unsigned i = 0, e = expr.getOperands().size(); i < e; ++i)
    addTerm(result, expr.getOperand(i));
  return result;
}

static DimExprAttr toExpr(MLIRContext *context, const Polynomial &polynomial) {
  SmallVector<DimExprAttr> terms;
  if (polynomial.terms.size() > kMostDimTerms)
    return dimSymbol(context, kTooLargeDim);
  for (const auto &[monomial, coefficient] : polynomial.terms) {
    if (monomial.size() > kMostDimFactors)
      return dimSymbol(context, kTooLargeDim);
    SmallVector<DimExprAttr> factors(monomial.begin(), monomial.end());
    if (coefficient != 1 || factors.empty())
      factors.push_back(dimConstant(context, coefficient));
    terms.push_back(factors.size() == 1 ? factors.front()
                                        : make(DimExprKind::Mul, factors));
  }
  if (terms.empty())
    return dimConstant(context, 0);
  return terms.size() == 1 ? terms.front() : make(DimExprKind::Add, terms);
}

//===----------------------------------------------------------------------===//
// Bounds, with every symbol at least 1
//===----------------------------------------------------------------------===//

namespace {
struct Bounds {
  std::optional<int64_t> lower, upper;
};
} // namespace

static Bounds boundsOf(DimExprAttr expr);

/// Bounds of a product of atoms, known where none can be negative.
static Bounds boundsOf(const Monomial &monomial) {
  Bounds result{1, 1};
  for (DimExprAttr atom : monomial) {
    Bounds bounds = boundsOf(atom);
    if (!bounds.lower || *bounds.lower < 0)
      return {};
    result.lower = mulSat(*result.lower, *bounds.lower);
    if (result.upper && bounds.upper)
      result.upper = mulSat(*result.upper, *bounds.upper);
    else
      result.upper.reset();
  }
  return result;
}

static Bounds boundsOf(const Polynomial &polynomial) {
  Bounds result{0, 0};
  auto accumulate = [](std::optional<int64_t> &sum,
                       std::optional<int64_t> bound, int64_t coefficient) {
    if (sum && bound)
      sum = addSat(*sum, mulSat(*bound, coefficient));
    else
      sum.reset();
  };
  for (const auto &[monomial, coefficient] : polynomial.terms) {
    Bounds bounds = boundsOf(monomial);
    accumulate(result.lower, coefficient > 0 ? bounds.lower : bounds.upper,
               coefficient);
    accumulate(result.upper, coefficient > 0 ? bounds.upper : bounds.lower,
               coefficient);
  }
  return result;
}

static Bounds boundsOf(DimExprAttr expr) {
  switch (expr.getKind()) {
  case DimExprKind::Constant:
    return {expr.getValue(), expr.getValue()};
  case DimExprKind::Symbol:
    return {1, std::nullopt};
  case DimExprKind::Add:
  case DimExprKind::Mul:
    return boundsOf(toPolynomial(expr));
  case DimExprKind::FloorDiv:
  case DimExprKind::CeilDiv: {
    Bounds a = boundsOf(expr.getOperand(0)), b = boundsOf(expr.getOperand(1));
    Bounds result;
    if (a.lower && *a.lower >= 0)
      result.lower = b.upper && *b.upper > 0
                         ? llvm::divideFloorSigned(*a.lower, *b.upper)
                         : 0;
    if (a.upper && *a.upper >= 0 && b.lower && *b.lower > 0)
      result.upper = llvm::divideCeilSigned(*a.upper, *b.lower);
    return result;
  }
  case DimExprKind::Mod: {
    Bounds b = boundsOf(expr.getOperand(1));
    return {0, b.upper ? std::optional<int64_t>(addSat(*b.upper, -1))
                       : std::nullopt};
  }
  case DimExprKind::Min:
  case DimExprKind::Max: {
    bool isMin = expr.getKind() == DimExprKind::Min;
    Bounds result = boundsOf(expr.getOperand(0));
    for (unsigned i = 1, e = expr.getOperands().size(); i < e; ++i) {
      Bounds b = boundsOf(expr.getOperand(i));
      // min: the lower bound needs all, the upper bound any; max the other way.
      auto all = [&](std::optional<int64_t> &x, std::optional<int64_t> y) {
        x = x && y ? std::optional<int64_t>(isMin ? std::min(*x, *y)
                                                  : std::max(*x, *y))
                   : std::nullopt;
      };
      auto any = [&](std::optional<int64_t> &x, std::optional<int64_t> y) {
        x = x && y ? std::optional<int64_t>(isMin ? std::min(*x, *y)
                                                  : std::max(*x, *y))
                   : (x ? x : y);
      };
      if (isMin) {
        all(result.lower, b.lower);
        any(result.upper, b.upper);
      } else {
        any(result.lower, b.lower);
        all(result.upper, b.upper);
      }
    }
    return result;
  }
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

DimExprAttr actnet::graph::dimConstant(MLIRContext *context, int64_t value) {
  return DimExprAttr::get(context, DimExprKind::Constant, value,
                          StringAttr::get(context), {});
}

DimExprAttr actnet::graph::dimSymbol(MLIRContext *context, StringRef name) {
  return DimExprAttr::get(context, DimExprKind::Symbol, 0,
                          StringAttr::get(context, name), {});
}

DimExprAttr actnet::graph::dimAdd(DimExprAttr a, DimExprAttr b) {
  if (a.isConstant() && b.isConstant())
    return dimConstant(a.getContext(), addSat(a.getValue(), b.getValue()));
  Polynomial sum = toPolynomial(a);
  sum.add(toPolynomial(b));
  return toExpr(a.getContext(), sum);
}

DimExprAttr actnet::graph::dimSub(DimExprAttr a, DimExprAttr b) {
  Polynomial difference = toPolynomial(a);
  difference.add(toPolynomial(b), -1);
  return toExpr(a.getContext(), difference);
}

DimExprAttr actnet::graph::dimMul(DimExprAttr a, DimExprAttr b) {
  if (a.isConstant() && b.isConstant())
    return dimConstant(a.getContext(), mulSat(a.getValue(), b.getValue()));
  return toExpr(a.getContext(), multiply(toPolynomial(a), toPolynomial(b)));
}

/// Splits a = quotient * b + rest. For a divisor of one term each term's
/// coefficient leaves a rest in [0, coefficient of b); for others the division
/// is exact or the rest is all of a.
static Polynomial splitByDivisor(Polynomial &a, const Polynomial &b) {
  Polynomial quotient;
  if (b.terms.size() == 1) {
    const auto &[mb, cb] = *b.terms.begin();
    Polynomial rest;
    for (const auto &[ma, ca] : a.terms) {
      std::optional<Monomial> m = divide(ma, mb);
      if (!m || cb <= 0) {
        rest.add(ma, ca);
        continue;
      }
      int64_t q = llvm::divideFloorSigned(ca, cb);
      quotient.add(*m, q);
      rest.add(ma, ca - q * cb);
    }
    a = std::move(rest);
    return quotient;
  }
  Polynomial rest = a;
  while (!rest.isZero()) {
    const auto &[ma, ca] = *rest.terms.begin();
    const auto &[mb, cb] = *b.terms.begin();
    std::optional<Monomial> m = divide(ma, mb);
    if (!m || ca % cb != 0)
      return {};
    Polynomial step;
    step.add(*m, ca / cb);
    quotient.add(step);
    rest.add(multiply(step, b), -1);
  }
  a = {};
  return quotient;
}

/// Divides both by the largest monomial that divides every term.
static void cancelCommonFactor(Polynomial &a, Polynomial &b) {
  int64_t gcd = 0;
  std::optional<Monomial> common;
  auto meet = [&](const Polynomial &p) {
    for (const auto &[monomial, coefficient] : p.terms) {
      gcd = std::gcd(gcd, coefficient);
      if (!common) {
        common = monomial;
        continue;
      }
      Monomial both;
      std::set_intersection(common->begin(), common->end(), monomial.begin(),
                            monomial.end(), std::back_inserter(both), lessThan);
      common = both;
    }
  };
  meet(a);
  meet(b);
  if (!common || gcd == 0 || (gcd == 1 && common->empty()))
    return;
  auto reduce = [&](Polynomial &p) {
    Polynomial reduced;
    for (const auto &[monomial, coefficient] : p.terms)
      reduced.add(*divide(monomial, *common), coefficient / gcd);
    p = std::move(reduced);
  };
  reduce(a);
  reduce(b);
}

DimExprAttr actnet::graph::dimFloorDiv(DimExprAttr a, DimExprAttr b) {
  MLIRContext *context = a.getContext();
  std::optional<int64_t> cb = constantValue(b);
  if (cb && *cb <= 0) // no meaning: kept, and dimEvaluate refuses it
    return make(DimExprKind::FloorDiv, {a, b});
  Polynomial rest = toPolynomial(a), divisor = toPolynomial(b);
  Polynomial quotient = splitByDivisor(rest, divisor);
  Bounds r = boundsOf(rest), d = boundsOf(divisor);
  if (rest.isZero() ||
      (r.lower && *r.lower >= 0 && r.upper && d.lower && *r.upper < *d.lower))
    return toExpr(context, quotient);
  cancelCommonFactor(rest, divisor);
  // floor((floor(x/y) + k) / z) = floor((x + k*y) / (y*z))
  Polynomial constant = rest;
  DimExprAttr inner;
  for (const auto &[monomial, coefficient] : rest.terms)
    if (monomial.size() == 1 && coefficient == 1 &&
        monomial.front().getKind() == DimExprKind::FloorDiv)
      inner = monomial.front();
  if (inner) {
    constant.add(Monomial{inner}, -1);
    if (std::optional<int64_t> k = constantValue(toExpr(context, constant))) {
      DimExprAttr x = inner.getOperand(0), y = inner.getOperand(1);
      DimExprAttr nested =
          dimFloorDiv(dimAdd(x, dimMul(y, dimConstant(context, *k))),
                      dimMul(y, toExpr(context, divisor)));
      return dimAdd(toExpr(context, quotient), nested);
    }
  }
  DimExprAttr atom = make(DimExprKind::FloorDiv,
                          {toExpr(context, rest), toExpr(context, divisor)});
  return dimAdd(toExpr(context, quotient), atom);
}

DimExprAttr actnet::graph::dimCeilDiv(DimExprAttr a, DimExprAttr b) {
  DimExprAttr one = dimConstant(a.getContext(), 1);
  return dimFloorDiv(dimAdd(a, dimSub(b, one)), b);
}

DimExprAttr actnet::graph::dimMod(DimExprAttr a, DimExprAttr b) {
  MLIRContext *context = a.getContext();
  std::optional<int64_t> cb = constantValue(b);
  if (cb && *cb <= 0)
    return make(DimExprKind::Mod, {a, b});
  Polynomial rest = toPolynomial(a), divisor = toPolynomial(b);
  splitByDivisor(rest, divisor);
  Bounds r = boundsOf(rest), d = boundsOf(divisor);
  DimExprAttr reduced = toExpr(context, rest);
  if (rest.isZero() ||
      (r.lower && *r.lower >= 0 && r.upper && d.lower && *r.upper < *d.lower))
    return reduced;
  return make(DimExprKind::Mod, {reduced, b});
}

/// Is a <= b for all values of the symbols, as far as bounds can tell?
static bool isAtMost(DimExprAttr a, DimExprAttr b) {
  Bounds bounds = boundsOf(dimSub(b, a));
  return bounds.lower && *bounds.lower >= 0;
}

static DimExprAttr minMax(DimExprKind kind, DimExprAttr a, DimExprAttr b) {
  SmallVector<DimExprAttr> all, kept;
  for (DimExprAttr expr : {a, b}) {
    if (expr.getKind() != kind) {
      all.push_back(expr);
      continue;
    }
    for (unsigned i = 0, e = expr.getOperands().size(); i < e; ++i)
      all.push_back(expr.getOperand(i));
  }
  llvm::sort(all, lessThan);
  all.erase(llvm::unique(all), all.end());
  for (auto [i, expr] : llvm::enumerate(all)) {
    bool isDominated = false;
    for (auto [j, other] : llvm::enumerate(all)) {
      if (i == j)
        continue;
      bool loses = kind == DimExprKind::Min ? isAtMost(other, expr)
                                            : isAtMost(expr, other);
      bool wins = kind == DimExprKind::Min ? isAtMost(expr, other)
                                           : isAtMost(other, expr);
      isDominated |= loses && (!wins || j < i);
    }
    if (!isDominated)
      kept.push_back(expr);
  }
  return kept.size() == 1 ? kept.front() : make(kind, kept);
}

DimExprAttr actnet::graph::dimMin(DimExprAttr a, DimExprAttr b) {
  return minMax(DimExprKind::Min, a, b);
}
DimExprAttr actnet::graph::dimMax(DimExprAttr a, DimExprAttr b) {
  return minMax(DimExprKind::Max, a, b);
}

DimExprAttr actnet::graph::dimProduct(MLIRContext *context,
                                      ArrayRef<DimExprAttr> dims) {
  DimExprAttr result = dimConstant(context, 1);
  for (DimExprAttr dim : dims)
    result = dimMul(result, dim);
  return result;
}
