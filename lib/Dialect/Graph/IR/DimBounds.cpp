//===- DimBounds.cpp - what is known of the values of dims ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bounds of a sum add the bounds of its terms. That is too weak for `S - S
// floordiv 2` or `S - min(S, 64)`, whose terms move together: a term that is a
// quotient, a min or a max is then replaced by what it is never above (or
// below), or by each of what it can be, and the sum is looked at again.
//
//===----------------------------------------------------------------------===//

#include "actnet/Dialect/Graph/IR/DimBounds.h"
#include "actnet/Dialect/Graph/IR/GivenDims.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace actnet::graph;

using Bound = std::optional<int64_t>;

/// Replacements within one sum: each may double the work.
static constexpr int kReplacements = 4;

static Bound add(Bound a, Bound b) {
  int64_t sum;
  return a && b && !llvm::AddOverflow(*a, *b, sum) ? Bound(sum) : Bound();
}

static Bound multiply(Bound a, Bound b) {
  int64_t product;
  return a && b && !llvm::MulOverflow(*a, *b, product) ? Bound(product)
                                                       : Bound();
}

static Bound larger(Bound a, Bound b) {
  return a && b ? Bound(std::max(*a, *b)) : a ? a : b;
}

namespace {
class Bounds {
public:
  explicit Bounds(DimRanges ranges) : ranges(ranges) {}

  Bound least(DimExprAttr expr, int left = kReplacements);
  Bound most(DimExprAttr expr, int left = kReplacements);

private:
  /// A term as `coefficient * rest`.
  static std::pair<int64_t, DimExprAttr> split(DimExprAttr term) {
    unsigned count = term.getOperands().size();
    if (term.isConstant())
      return {term.getValue(), dimConstant(term.getContext(), 1)};
    if (term.getKind() != DimExprKind::Mul ||
        !term.getOperand(count - 1).isConstant())
      return {1, term};
    DimExprAttr rest = term.getOperand(0);
    for (unsigned i = 1; i + 1 < count; ++i)
      rest = dimMul(rest, term.getOperand(i));
    return {term.getOperand(count - 1).getValue(), rest};
  }

  Bound ofTerm(DimExprAttr term, bool isLeast, int left) {
    auto [coefficient, rest] = split(term);
    bool low = (coefficient > 0) == isLeast;
    return multiply(coefficient, low ? ofProduct(rest, true, left)
                                     : ofProduct(rest, false, left));
  }
  Bound ofProduct(DimExprAttr expr, bool isLeast, int left);
  Bound ofAtom(DimExprAttr expr, bool isLeast, int left);
  Bound replaced(DimExprAttr sum, int left);

  DimRanges ranges;
};
} // namespace

/// A product of atoms, bounded where none can be negative.
Bound Bounds::ofProduct(DimExprAttr expr, bool isLeast, int left) {
  if (expr.getKind() != DimExprKind::Mul)
    return expr.getKind() == DimExprKind::Add
               ? (isLeast ? least(expr, left) : most(expr, left))
               : ofAtom(expr, isLeast, left);
  Bound result = 1;
  for (unsigned i = 0, e = expr.getOperands().size(); i < e; ++i) {
    DimExprAttr atom = expr.getOperand(i);
    Bound low = least(atom, left);
    if (!low || *low < 0)
      return std::nullopt;
    result = multiply(result, isLeast ? low : most(atom, left));
  }
  return result;
}

Bound Bounds::ofAtom(DimExprAttr expr, bool isLeast, int left) {
  auto end = [&](unsigned i, bool low) {
    return low ? least(expr.getOperand(i), left)
               : most(expr.getOperand(i), left);
  };
  switch (expr.getKind()) {
  case DimExprKind::Constant:
    return expr.getValue();
  case DimExprKind::Symbol: {
    DimRange range = ranges(expr.getName().getValue());
    return isLeast           ? Bound(range.lower)
           : range.upper < 0 ? Bound()
                             : Bound(range.upper);
  }
  case DimExprKind::FloorDiv:
  case DimExprKind::CeilDiv: {
    Bound a = end(0, isLeast), low = end(1, true), high = end(1, false);
    if (!low || *low <= 0)
      return std::nullopt;
    bool isFloor = expr.getKind() == DimExprKind::FloorDiv;
    auto divide = [&](int64_t x, int64_t y) {
      return isFloor ? llvm::divideFloorSigned(x, y)
                     : llvm::divideCeilSigned(x, y);
    };
    if (!a)
      return std::nullopt;
    // A larger divisor brings the quotient towards zero.
    Bound by = (*a >= 0) == isLeast ? high : low;
    if (!by)
      return *a >= 0 ? Bound(0) : isFloor ? Bound(-1) : Bound(0);
    return divide(*a, *by);
  }
  case DimExprKind::Mod: {
    Bound low = end(1, true), high = end(1, false);
    if (!low || *low <= 0)
      return std::nullopt;
    if (isLeast)
      return 0;
    Bound most = add(high, -1), a = end(0, true);
    // What is not negative is not below its remainder.
    if (a && *a >= 0)
      if (Bound all = end(0, false))
        most = most ? std::min(*most, *all) : *all;
    return most;
  }
  case DimExprKind::Min:
  case DimExprKind::Max: {
    // The least of a min needs all operands, the least of a max any; the most
    // the other way round.
    bool isMin = expr.getKind() == DimExprKind::Min,
         needsAll = isMin == isLeast;
    Bound result;
    for (unsigned i = 0, e = expr.getOperands().size(); i < e; ++i) {
      Bound bound = end(i, isLeast);
      if (!bound && needsAll)
        return std::nullopt;
      if (bound)
        result = !result ? *bound
                 : isMin ? std::min(*result, *bound)
                         : std::max(*result, *bound);
    }
    return result;
  }
  case DimExprKind::Add:
  case DimExprKind::Mul:
    break;
  }
  return isLeast ? least(expr, left) : most(expr, left);
}

/// The least value of a sum with one of its terms replaced by what is not
/// above it.
Bound Bounds::replaced(DimExprAttr sum, int left) {
  Bound best;
  for (unsigned i = 0, e = sum.getOperands().size(); i < e; ++i) {
    DimExprAttr term = sum.getOperand(i);
    auto [coefficient, atom] = split(term);
    DimExprAttr others = dimSub(sum, term);
    auto scaled = [&, k = coefficient](DimExprAttr x) {
      return dimMul(x, dimConstant(x.getContext(), k));
    };
    if (atom.getKind() == DimExprKind::FloorDiv &&
        atom.getOperand(1).isConstant() && atom.getOperand(1).getValue() > 0) {
      // (a - (c - 1)) / c <= a floordiv c <= a / c
      DimExprAttr a = atom.getOperand(0), c = atom.getOperand(1);
      if (coefficient > 0)
        a = dimSub(a, dimSub(c, dimConstant(c.getContext(), 1)));
      if (Bound all = least(dimAdd(dimMul(others, c), scaled(a)), left - 1))
        best = larger(best, llvm::divideCeilSigned(*all, c.getValue()));
    }
    bool isMin = atom.getKind() == DimExprKind::Min;
    if (!isMin && atom.getKind() != DimExprKind::Max)
      continue;
    // In place of -min(a, b) any of -a and -b will do; min(a, b) is one of
    // them, so both have to hold.
    bool needsAll = isMin == (coefficient > 0);
    Bound all;
    for (unsigned j = 0, count = atom.getOperands().size(); j < count; ++j) {
      Bound one = least(dimAdd(others, scaled(atom.getOperand(j))), left - 1);
      all = !needsAll   ? larger(all, one)
            : !one      ? std::nullopt
            : j && !all ? std::nullopt
            : j == 0    ? one
                        : Bound(std::min(*all, *one));
      if (needsAll && !all)
        break;
    }
    best = larger(best, all);
  }
  return best;
}

Bound Bounds::least(DimExprAttr expr, int left) {
  if (expr.getKind() == DimExprKind::Mul)
    return ofTerm(expr, true, left);
  if (expr.getKind() != DimExprKind::Add)
    return ofAtom(expr, true, left);
  Bound sum = 0;
  for (unsigned i = 0, e = expr.getOperands().size(); i < e && sum; ++i)
    sum = add(sum, ofTerm(expr.getOperand(i), true, left));
  return left > 0 ? larger(sum, replaced(expr, left)) : sum;
}

Bound Bounds::most(DimExprAttr expr, int left) {
  if (expr.getKind() == DimExprKind::Mul)
    return ofTerm(expr, false, left);
  if (expr.getKind() != DimExprKind::Add)
    return ofAtom(expr, false, left);
  DimExprAttr negative = dimMul(expr, dimConstant(expr.getContext(), -1));
  return multiply(least(negative, left), -1);
}

Bound actnet::graph::dimLeast(DimExprAttr expr, DimRanges ranges) {
  return Bounds(ranges).least(expr);
}

Bound actnet::graph::dimMost(DimExprAttr expr, DimRanges ranges) {
  return Bounds(ranges).most(expr);
}

/// The operands of a min or max that can be its value.
static DimExprAttr prune(DimExprAttr expr, Bounds &bounds) {
  bool isMin = expr.getKind() == DimExprKind::Min;
  SmallVector<DimExprAttr> all, kept;
  for (unsigned i = 0, e = expr.getOperands().size(); i < e; ++i)
    all.push_back(expr.getOperand(i));
  auto isAtMost = [&](DimExprAttr a, DimExprAttr b) {
    return bounds.least(dimSub(b, a)).value_or(-1) >= 0;
  };
  auto loses = [&](DimExprAttr a, DimExprAttr b) {
    return isMin ? isAtMost(b, a) : isAtMost(a, b);
  };
  for (auto [i, a] : llvm::enumerate(all)) {
    bool isNeeded = true;
    for (auto [j, b] : llvm::enumerate(all))
      if (i != j && loses(a, b) && (j < i || !loses(b, a)))
        isNeeded = false;
    if (isNeeded)
      kept.push_back(a);
  }
  if (kept.size() == all.size())
    return expr;
  DimExprAttr result = kept.front();
  for (DimExprAttr next : ArrayRef(kept).drop_front())
    result = isMin ? dimMin(result, next) : dimMax(result, next);
  return result;
}

DimExprAttr actnet::graph::dimSimplify(DimExprAttr expr, DimRanges ranges) {
  if (expr.isConstant())
    return expr;
  Bounds bounds(ranges);
  DimExprAttr result = expr;
  if (!expr.isSymbol()) {
    result = dimSimplify(expr.getOperand(0), ranges);
    for (unsigned i = 1, e = expr.getOperands().size(); i < e; ++i) {
      DimExprAttr next = dimSimplify(expr.getOperand(i), ranges);
      switch (expr.getKind()) {
      case DimExprKind::Add:
        result = dimAdd(result, next);
        break;
      case DimExprKind::Mul:
        result = dimMul(result, next);
        break;
      case DimExprKind::FloorDiv:
        result = dimFloorDiv(result, next);
        break;
      case DimExprKind::CeilDiv:
        result = dimCeilDiv(result, next);
        break;
      case DimExprKind::Mod: {
        DimExprAttr gap = dimSub(next, result);
        if (bounds.least(result).value_or(-1) < 0 ||
            bounds.least(gap).value_or(0) < 1)
          result = dimMod(result, next);
        break;
      }
      case DimExprKind::Min:
        result = dimMin(result, next);
        break;
      case DimExprKind::Max:
        result = dimMax(result, next);
        break;
      case DimExprKind::Constant:
      case DimExprKind::Symbol:
        break;
      }
    }
    if (result.getKind() == DimExprKind::Min ||
        result.getKind() == DimExprKind::Max)
      result = prune(result, bounds);
  }
  if (result.isConstant())
    return result;
  Bound low = bounds.least(result);
  return low && low == bounds.most(result)
             ? dimConstant(expr.getContext(), *low)
             : result;
}

//===----------------------------------------------------------------------===//
// Bounds of a module
//===----------------------------------------------------------------------===//

/// The dim that the user means: by its name, or by the one that the model's
/// file gave it, where no other has that. Empty: none.
static StringRef findDim(DictionaryAttr given, DictionaryAttr bounds,
                         StringRef asked) {
  if (auto known = bounds.getNamed(asked))
    return known->getName().getValue();
  if (given)
    for (NamedAttribute entry : given)
      if (auto name = dyn_cast<StringAttr>(entry.getValue());
          name && name.getValue() == asked && bounds.get(entry.getName()))
        return entry.getName().getValue();
  return {};
}

LogicalResult actnet::graph::setDimBounds(ModuleOp module,
                                          ArrayRef<NamedRange> dims) {
  if (dims.empty())
    return success();
  MLIRContext *context = module.getContext();
  auto known = module->getAttrOfType<DictionaryAttr>(GraphDialect::kDimsAttr);
  if (!known)
    known = DictionaryAttr::get(context);
  auto given = module->getAttrOfType<DictionaryAttr>(kGivenDimsAttr);
  NamedAttrList bounds(known);
  llvm::StringMap<StringRef> asked;
  auto error = [&](const NamedRange &dim) {
    InFlightDiagnostic error = emitError(UnknownLoc::get(context));
    error << "--dim " << dim.name << ": ";
    return error;
  };
  for (const NamedRange &dim : dims) {
    StringRef name = findDim(given, known, dim.name);
    if (name.empty()) {
      InFlightDiagnostic diagnostic = error(dim);
      diagnostic << "the model has no such dim; it has ";
      if (known.empty())
        return diagnostic << "none";
      llvm::interleaveComma(known, diagnostic, [&](NamedAttribute entry) {
        diagnostic << entry.getName().getValue();
        if (auto file =
                given ? given.getAs<StringAttr>(entry.getName()) : StringAttr())
          diagnostic << " (the file's '" << file.getValue() << "')";
      });
      return diagnostic;
    }
    auto [other, isNew] = asked.try_emplace(name, dim.name);
    if (!isNew)
      return error(dim) << "the dim is bounded twice, first as --dim "
                        << other->second;
    bounds.set(name, DenseI64ArrayAttr::get(
                         context, {dim.range.lower, dim.range.upper}));
  }
  module->setAttr(GraphDialect::kDimsAttr, bounds.getDictionary(context));
  return success();
}
