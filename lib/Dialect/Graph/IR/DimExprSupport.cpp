//===- DimExprSupport.cpp - evaluating, printing, parsing dims ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Graph/IR/DimLimits.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace actnet::graph;

std::optional<int64_t> actnet::graph::constantValue(DimExprAttr expr) {
  if (expr && expr.isConstant())
    return expr.getValue();
  return std::nullopt;
}

/// a OP b, by the builders.
static DimExprAttr combine(DimExprKind kind, DimExprAttr a, DimExprAttr b) {
  switch (kind) {
  case DimExprKind::Add:
    return dimAdd(a, b);
  case DimExprKind::Mul:
    return dimMul(a, b);
  case DimExprKind::FloorDiv:
    return dimFloorDiv(a, b);
  case DimExprKind::CeilDiv:
    return dimCeilDiv(a, b);
  case DimExprKind::Mod:
    return dimMod(a, b);
  case DimExprKind::Min:
    return dimMin(a, b);
  case DimExprKind::Max:
    return dimMax(a, b);
  case DimExprKind::Constant:
  case DimExprKind::Symbol:
    break;
  }
  return a;
}

DimExprAttr
actnet::graph::dimSubstitute(DimExprAttr expr,
                             function_ref<DimExprAttr(StringRef)> replace) {
  if (expr.isConstant())
    return expr;
  if (expr.isSymbol()) {
    DimExprAttr replacement = replace(expr.getName().getValue());
    return replacement ? replacement : expr;
  }
  DimExprAttr result = dimSubstitute(expr.getOperand(0), replace);
  for (unsigned i = 1, e = expr.getOperands().size(); i < e; ++i)
    result = combine(expr.getKind(), result,
                     dimSubstitute(expr.getOperand(i), replace));
  return result;
}

static std::optional<int64_t> compute(DimExprKind kind, int64_t a, int64_t b) {
  int64_t result;
  switch (kind) {
  case DimExprKind::Add:
    return llvm::AddOverflow(a, b, result) ? std::nullopt
                                           : std::optional<int64_t>(result);
  case DimExprKind::Mul:
    return llvm::MulOverflow(a, b, result) ? std::nullopt
                                           : std::optional<int64_t>(result);
  case DimExprKind::FloorDiv:
    return b > 0 ? std::optional<int64_t>(llvm::divideFloorSigned(a, b))
                 : std::nullopt;
  case DimExprKind::CeilDiv:
    return b > 0 ? std::optional<int64_t>(llvm::divideCeilSigned(a, b))
                 : std::nullopt;
  case DimExprKind::Mod:
    return b > 0 ? std::optional<int64_t>(llvm::mod(a, b)) : std::nullopt;
  case DimExprKind::Min:
    return std::min(a, b);
  case DimExprKind::Max:
    return std::max(a, b);
  case DimExprKind::Constant:
  case DimExprKind::Symbol:
    break;
  }
  return std::nullopt;
}

std::optional<int64_t> actnet::graph::dimEvaluate(
    DimExprAttr expr, function_ref<std::optional<int64_t>(StringRef)> value) {
  if (expr.isConstant())
    return expr.getValue();
  if (expr.isSymbol())
    return value(expr.getName().getValue());
  std::optional<int64_t> result = dimEvaluate(expr.getOperand(0), value);
  for (unsigned i = 1, e = expr.getOperands().size(); i < e && result; ++i) {
    std::optional<int64_t> next = dimEvaluate(expr.getOperand(i), value);
    if (!next)
      return std::nullopt;
    result = compute(expr.getKind(), *result, *next);
  }
  return result;
}

std::optional<int64_t>
actnet::graph::dimLowerBound(DimExprAttr expr,
                             function_ref<int64_t(StringRef)> least) {
  SmallVector<std::optional<int64_t>> bounds;
  for (unsigned i = 0; i < expr.getOperands().size(); ++i)
    bounds.push_back(dimLowerBound(expr.getOperand(i), least));
  bool all = llvm::all_of(bounds, [](auto v) { return v.has_value(); });
  auto fold = [&](int64_t start, auto combine) -> std::optional<int64_t> {
    for (std::optional<int64_t> v : bounds)
      if (!v || combine(start, *v, &start))
        return std::nullopt;
    return start;
  };
  switch (expr.getKind()) {
  case DimExprKind::Constant:
    return expr.getValue();
  case DimExprKind::Symbol:
    return least(expr.getName().getValue());
  case DimExprKind::Add:
    return fold(0, [](int64_t a, int64_t b, int64_t *sum) {
      return __builtin_add_overflow(a, b, sum);
    });
  case DimExprKind::Mul:
    if (!all || llvm::any_of(bounds, [](auto v) { return *v < 0; }))
      return std::nullopt;
    return fold(1, [](int64_t a, int64_t b, int64_t *product) {
      return __builtin_mul_overflow(a, b, product);
    });
  case DimExprKind::FloorDiv:
  case DimExprKind::CeilDiv:
  case DimExprKind::Mod:
    return all && *bounds[0] >= 0 ? std::optional<int64_t>(0) : std::nullopt;
  case DimExprKind::Min:
    return fold(INT64_MAX, [](int64_t a, int64_t b, int64_t *result) {
      *result = std::min(a, b);
      return false;
    });
  case DimExprKind::Max: {
    std::optional<int64_t> most;
    for (std::optional<int64_t> v : bounds)
      if (v)
        most = std::max(most.value_or(*v), *v);
    return most;
  }
  }
  return std::nullopt;
}

bool actnet::graph::isTooLarge(DimExprAttr expr) {
  if (expr.isSymbol())
    return expr.getName().getValue() == kTooLargeDim;
  for (unsigned i = 0, e = expr.getOperands().size(); i < e; ++i)
    if (isTooLarge(expr.getOperand(i)))
      return true;
  return false;
}

void actnet::graph::dimWalkSymbols(DimExprAttr expr,
                                   function_ref<void(StringRef)> visit) {
  if (expr.isSymbol())
    return visit(expr.getName().getValue());
  for (unsigned i = 0, e = expr.getOperands().size(); i < e; ++i)
    dimWalkSymbols(expr.getOperand(i), visit);
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static constexpr StringLiteral kReserved[] = {
    "floordiv", "ceildiv", "mod", "min", "max", "true", "false"};

static void printSymbol(raw_ostream &os, StringRef name) {
  bool isPlain =
      !name.empty() && !llvm::isDigit(name.front()) &&
      llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; });
  if (name == "?" || (isPlain && !llvm::is_contained(kReserved, name))) {
    os << name;
    return;
  }
  os << '"';
  llvm::printEscapedString(name, os);
  os << '"';
}

/// Prints an operand of a product or a division.
static void printFactor(raw_ostream &os, DimExprAttr expr) {
  bool isSimple = expr.isConstant() || expr.isSymbol() ||
                  expr.getKind() == DimExprKind::Min ||
                  expr.getKind() == DimExprKind::Max;
  if (!isSimple)
    os << "(";
  printDimExpr(os, expr);
  if (!isSimple)
    os << ")";
}

/// Prints a term of a sum with its sign; the constant stands last.
static void printTerm(raw_ostream &os, DimExprAttr term, bool isFirst) {
  DimExprAttr last = term;
  if (term.getKind() == DimExprKind::Mul)
    last = term.getOperand(term.getOperands().size() - 1);
  bool isNegative =
      last.isConstant() && last.getValue() < 0 && last.getValue() != INT64_MIN;
  if (isFirst)
    return printDimExpr(os, term);
  os << (isNegative ? " - " : " + ");
  if (!isNegative)
    return printDimExpr(os, term);
  if (term.isConstant()) {
    os << -term.getValue();
    return;
  }
  for (unsigned i = 0, e = term.getOperands().size() - 1; i < e; ++i) {
    os << (i ? " * " : "");
    printFactor(os, term.getOperand(i));
  }
  if (last.getValue() != -1)
    os << " * " << -last.getValue();
}

void actnet::graph::printDimExpr(raw_ostream &os, DimExprAttr expr) {
  auto printOperands = [&](StringRef separator) {
    for (unsigned i = 0, e = expr.getOperands().size(); i < e; ++i) {
      os << (i ? separator : StringRef());
      printFactor(os, expr.getOperand(i));
    }
  };
  switch (expr.getKind()) {
  case DimExprKind::Constant:
    os << expr.getValue();
    return;
  case DimExprKind::Symbol:
    return printSymbol(os, expr.getName().getValue());
  case DimExprKind::Add:
    for (unsigned i = 0, e = expr.getOperands().size(); i < e; ++i)
      printTerm(os, expr.getOperand(i), i == 0);
    return;
  case DimExprKind::Mul:
    return printOperands(" * ");
  case DimExprKind::FloorDiv:
    return printOperands(" floordiv ");
  case DimExprKind::CeilDiv:
    return printOperands(" ceildiv ");
  case DimExprKind::Mod:
    return printOperands(" mod ");
  case DimExprKind::Min:
  case DimExprKind::Max:
    os << (expr.getKind() == DimExprKind::Min ? "min(" : "max(");
    for (unsigned i = 0, e = expr.getOperands().size(); i < e; ++i) {
      os << (i ? ", " : "");
      printDimExpr(os, expr.getOperand(i));
    }
    os << ")";
    return;
  }
}

std::string actnet::graph::toString(DimExprAttr expr) {
  std::string text;
  llvm::raw_string_ostream os(text);
  printDimExpr(os, expr);
  return text;
}

static FailureOr<DimExprAttr> parseSum(AsmParser &parser, unsigned depth);

static FailureOr<DimExprAttr> parseFactor(AsmParser &parser, unsigned depth) {
  MLIRContext *context = parser.getContext();
  if (depth > kMostDimDepth) {
    parser.emitError(parser.getCurrentLocation())
        << "a dim expression nests more than " << kMostDimDepth << " deep";
    return failure();
  }
  if (succeeded(parser.parseOptionalLParen())) {
    FailureOr<DimExprAttr> inner = parseSum(parser, depth + 1);
    if (failed(inner) || parser.parseRParen())
      return failure();
    return inner;
  }
  int64_t value;
  OptionalParseResult integer = parser.parseOptionalInteger(value);
  if (integer.has_value()) {
    if (failed(*integer))
      return failure();
    return dimConstant(context, value);
  }
  if (succeeded(parser.parseOptionalQuestion()))
    return dimSymbol(context, "?");
  for (bool isMin : {true, false}) {
    if (failed(parser.parseOptionalKeyword(isMin ? "min" : "max")))
      continue;
    FailureOr<DimExprAttr> result = failure();
    auto parseOne = [&]() -> ParseResult {
      FailureOr<DimExprAttr> next = parseSum(parser, depth + 1);
      if (failed(next))
        return failure();
      if (failed(result))
        result = next;
      else
        result = isMin ? dimMin(*result, *next) : dimMax(*result, *next);
      return success();
    };
    if (parser.parseLParen() || parser.parseCommaSeparatedList(parseOne) ||
        parser.parseRParen())
      return failure();
    return result;
  }
  std::string name;
  if (failed(parser.parseOptionalKeywordOrString(&name))) {
    parser.emitError(parser.getCurrentLocation(),
                     "expected a dim: a name, an integer or '('");
    return failure();
  }
  return dimSymbol(context, name);
}

static FailureOr<DimExprAttr> parseTerm(AsmParser &parser, unsigned depth) {
  FailureOr<DimExprAttr> result = parseFactor(parser, depth);
  while (succeeded(result)) {
    DimExprKind kind;
    if (succeeded(parser.parseOptionalStar()))
      kind = DimExprKind::Mul;
    else if (succeeded(parser.parseOptionalKeyword("floordiv")))
      kind = DimExprKind::FloorDiv;
    else if (succeeded(parser.parseOptionalKeyword("ceildiv")))
      kind = DimExprKind::CeilDiv;
    else if (succeeded(parser.parseOptionalKeyword("mod")))
      kind = DimExprKind::Mod;
    else
      return result;
    FailureOr<DimExprAttr> next = parseFactor(parser, depth);
    if (failed(next))
      return failure();
    result = combine(kind, *result, *next);
  }
  return failure();
}

static FailureOr<DimExprAttr> parseSum(AsmParser &parser, unsigned depth) {
  FailureOr<DimExprAttr> result = parseTerm(parser, depth);
  while (succeeded(result)) {
    bool isMinus = succeeded(parser.parseOptionalMinus());
    if (!isMinus && failed(parser.parseOptionalPlus()))
      return result;
    FailureOr<DimExprAttr> next = parseTerm(parser, depth);
    if (failed(next))
      return failure();
    result = isMinus ? dimSub(*result, *next) : dimAdd(*result, *next);
  }
  return failure();
}

FailureOr<DimExprAttr> actnet::graph::parseDimExpr(AsmParser &parser) {
  llvm::SMLoc at = parser.getCurrentLocation();
  FailureOr<DimExprAttr> result = parseSum(parser, 0);
  if (succeeded(result) && isTooLarge(*result)) {
    parser.emitError(at) << "a dim expression has " << kTooLargeDim;
    return failure();
  }
  return result;
}
