//===- Expr.cpp - dim expressions as bytecode -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Package/Expr.h"

#include <algorithm>

namespace actnet::pkg {

namespace {

bool isBinary(ExprOp op) { return op >= ExprOp::Add && op <= ExprOp::Max; }

/// Rounds towards minus infinity; b > 0.
int64_t floorDivide(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

/// One operation, or nothing where it has no value.
std::optional<int64_t> apply(ExprOp op, int64_t a, int64_t b) {
  int64_t result;
  switch (op) {
  case ExprOp::Add:
    if (__builtin_add_overflow(a, b, &result))
      return std::nullopt;
    return result;
  case ExprOp::Mul:
    if (__builtin_mul_overflow(a, b, &result))
      return std::nullopt;
    return result;
  case ExprOp::FloorDiv:
    if (b <= 0)
      return std::nullopt;
    return floorDivide(a, b);
  case ExprOp::CeilDiv:
    if (b <= 0)
      return std::nullopt;
    // Not (a + b - 1) / b, which overflows where the result does not.
    return floorDivide(a, b) + (a % b != 0 ? 1 : 0);
  case ExprOp::Mod:
    if (b <= 0)
      return std::nullopt;
    return a % b < 0 ? a % b + b : a % b;
  case ExprOp::Min:
    return std::min(a, b);
  case ExprOp::Max:
    return std::max(a, b);
  case ExprOp::Const:
  case ExprOp::Sym:
    break;
  }
  return std::nullopt;
}

} // namespace

//===----------------------------------------------------------------------===//
// ExprPool
//===----------------------------------------------------------------------===//

size_t ExprPool::KeyHash::operator()(const Key &key) const {
  uint64_t hash = uint64_t(key.op);
  for (uint64_t word :
       {uint64_t(key.value), uint64_t(key.lhs) << 32 | key.rhs}) {
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
  }
  return hash;
}

ExprId ExprPool::intern(Key key) {
  auto [it, isNew] = ids.try_emplace(key, ExprId(insts.size()));
  if (isNew)
    insts.emplace_back(key.value, key.lhs, key.rhs, key.op);
  return it->second;
}

ExprId ExprPool::constant(int64_t value) {
  return intern({value, 0, 0, ExprOp::Const});
}

ExprId ExprPool::symbol(uint32_t dim) {
  return intern({0, dim, 0, ExprOp::Sym});
}

std::optional<int64_t> ExprPool::asConstant(ExprId id) const {
  if (id < insts.size() && insts[id].op() == ExprOp::Const)
    return insts[id].value();
  return std::nullopt;
}

ExprId ExprPool::binary(ExprOp op, ExprId lhs, ExprId rhs) {
  std::optional<int64_t> a = asConstant(lhs), b = asConstant(rhs);
  if (a && b)
    if (std::optional<int64_t> value = apply(op, *a, *b))
      return constant(*value);
  if (op == ExprOp::Mul && a == 1)
    return rhs;
  if ((op == ExprOp::Mul || op == ExprOp::FloorDiv || op == ExprOp::CeilDiv) &&
      b == 1)
    return lhs;
  if (op == ExprOp::Add && a == 0)
    return rhs;
  if (op == ExprOp::Add && b == 0)
    return lhs;
  // Operands of commutative operations have one order, so that N+1 and 1+N
  // are the same expression.
  bool commutes = op == ExprOp::Add || op == ExprOp::Mul || op == ExprOp::Min ||
                  op == ExprOp::Max;
  if (commutes && rhs < lhs)
    std::swap(lhs, rhs);
  return intern({0, lhs, rhs, op});
}

ExprId ExprPool::add(ExprId a, ExprId b) { return binary(ExprOp::Add, a, b); }
ExprId ExprPool::mul(ExprId a, ExprId b) { return binary(ExprOp::Mul, a, b); }
ExprId ExprPool::floorDiv(ExprId a, ExprId b) {
  return binary(ExprOp::FloorDiv, a, b);
}
ExprId ExprPool::ceilDiv(ExprId a, ExprId b) {
  return binary(ExprOp::CeilDiv, a, b);
}
ExprId ExprPool::mod(ExprId a, ExprId b) { return binary(ExprOp::Mod, a, b); }
ExprId ExprPool::min(ExprId a, ExprId b) { return binary(ExprOp::Min, a, b); }
ExprId ExprPool::max(ExprId a, ExprId b) { return binary(ExprOp::Max, a, b); }

//===----------------------------------------------------------------------===//
// Checking, printing, evaluating
//===----------------------------------------------------------------------===//

Status verifyExprs(std::span<const ExprInst> code, size_t numDims) {
  for (size_t i = 0; i < code.size(); ++i) {
    const ExprInst &inst = code[i];
    std::string where = "expression " + std::to_string(i) + ": ";
    if (inst.op() == ExprOp::Const)
      continue;
    if (inst.op() == ExprOp::Sym) {
      if (inst.lhs() >= numDims)
        return dataLoss(where + "dim " + std::to_string(inst.lhs()) +
                        " does not exist; there are " +
                        std::to_string(numDims));
      continue;
    }
    if (!isBinary(inst.op()))
      return dataLoss(where + "opcode " + std::to_string(int(inst.op())) +
                      " is unknown");
    if (inst.lhs() >= i || inst.rhs() >= i)
      return dataLoss(where + "reads an expression that is not before it");
  }
  return okStatus();
}

namespace {
constexpr const char *infix[] = {nullptr, nullptr,      " + ",
                                 " * ",   " floordiv ", " ceildiv ",
                                 " mod ", " min ",      " max "};
} // namespace

std::string exprText(std::span<const ExprInst> code, ExprId id,
                     std::span<const std::string> dims) {
  // Shared subexpressions print every time they occur; a hostile pool could
  // make that exponential, so the text has a limit.
  constexpr size_t limit = 4096;
  std::string text;
  auto print = [&](auto &&self, ExprId at, unsigned depth) -> void {
    if (text.size() > limit || depth > 256 || at >= code.size()) {
      text += "?";
      return;
    }
    const ExprInst &inst = code[at];
    if (inst.op() == ExprOp::Const) {
      text += std::to_string(inst.value());
    } else if (inst.op() == ExprOp::Sym) {
      text += inst.lhs() < dims.size() ? dims[inst.lhs()] : "?";
    } else if (!isBinary(inst.op()) || inst.lhs() >= at || inst.rhs() >= at) {
      text += "?";
    } else {
      text += "(";
      self(self, inst.lhs(), depth + 1);
      text += infix[size_t(inst.op())];
      self(self, inst.rhs(), depth + 1);
      text += ")";
    }
  };
  print(print, id, 0);
  return text;
}

void ExprValues::assign(std::span<const ExprInst> code,
                        std::span<const int64_t> dims) {
  values.assign(code.size(), 0);
  known.assign(code.size(), 0);
  for (size_t i = 0; i < code.size(); ++i) {
    const ExprInst &inst = code[i];
    std::optional<int64_t> value;
    if (inst.op() == ExprOp::Const)
      value = inst.value();
    else if (inst.op() == ExprOp::Sym && inst.lhs() < dims.size())
      value = dims[inst.lhs()];
    else if (isBinary(inst.op()) && inst.lhs() < i && inst.rhs() < i &&
             known[inst.lhs()] && known[inst.rhs()])
      value = apply(inst.op(), values[inst.lhs()], values[inst.rhs()]);
    values[i] = value.value_or(0);
    known[i] = value.has_value();
  }
}

Expected<int64_t> ExprValues::get(ExprId id) const {
  if (std::optional<int64_t> value = find(id))
    return *value;
  return outOfRange("expression " + std::to_string(id) +
                    " has no 64-bit value for these dims");
}

//===----------------------------------------------------------------------===//
// Ranges
//===----------------------------------------------------------------------===//

namespace {

constexpr Range everything = {-unbounded, unbounded};

int64_t clampInfinite(__int128 value) {
  return value >= unbounded    ? unbounded
         : value <= -unbounded ? -unbounded
                               : int64_t(value);
}
bool isInfinite(int64_t value) {
  return value == unbounded || value == -unbounded;
}

/// Sums of bounds of one side; infinities absorb.
int64_t addBounds(int64_t a, int64_t b) {
  return isInfinite(a) ? a : isInfinite(b) ? b : clampInfinite(__int128(a) + b);
}
/// 0 times infinity is 0: a bound that is not reached.
int64_t mulBounds(int64_t a, int64_t b) {
  return clampInfinite(__int128(a) * b);
}
int64_t divBounds(int64_t a, int64_t b, bool up) {
  if (isInfinite(a))
    return a;
  return *apply(up ? ExprOp::CeilDiv : ExprOp::FloorDiv, a, b);
}

/// A lower bound is never plus infinity, nor an upper one minus infinity: that
/// would turn values at the edge of 64 bits into none.
Range normalize(Range range) {
  return {std::clamp(range.lower, -unbounded, unbounded - 1),
          std::max(range.upper, -unbounded + 1)};
}

Range applyRange(ExprOp op, Range a, Range b) {
  switch (op) {
  case ExprOp::Add:
    return {addBounds(a.lower, b.lower), addBounds(a.upper, b.upper)};
  case ExprOp::Mul: {
    auto [lower, upper] =
        std::minmax({mulBounds(a.lower, b.lower), mulBounds(a.lower, b.upper),
                     mulBounds(a.upper, b.lower), mulBounds(a.upper, b.upper)});
    return {lower, upper};
  }
  case ExprOp::FloorDiv:
  case ExprOp::CeilDiv: {
    // Where the divisor is not positive there is no value to bound.
    int64_t least = std::max<int64_t>(b.lower, 1);
    int64_t most = std::max<int64_t>(b.upper, 1);
    bool up = op == ExprOp::CeilDiv;
    auto [lower, upper] = std::minmax(
        {divBounds(a.lower, least, up), divBounds(a.lower, most, up),
         divBounds(a.upper, least, up), divBounds(a.upper, most, up)});
    return {lower, upper};
  }
  case ExprOp::Mod: {
    if (a.lower == a.upper && b.lower == b.upper && b.lower > 0 &&
        !isInfinite(a.lower) && !isInfinite(b.lower)) {
      int64_t value = *apply(op, a.lower, b.lower);
      return {value, value};
    }
    int64_t most =
        isInfinite(b.upper) ? b.upper : std::max<int64_t>(b.upper, 1) - 1;
    if (a.lower >= 0)
      most = std::min(most, a.upper);
    return {0, most};
  }
  case ExprOp::Min:
    return {std::min(a.lower, b.lower), std::min(a.upper, b.upper)};
  case ExprOp::Max:
    return {std::max(a.lower, b.lower), std::max(a.upper, b.upper)};
  case ExprOp::Const:
  case ExprOp::Sym:
    break;
  }
  return everything;
}

} // namespace

std::vector<Range> exprRanges(std::span<const ExprInst> code,
                              std::span<const Range> dims) {
  std::vector<Range> ranges(code.size(), everything);
  for (size_t i = 0; i < code.size(); ++i) {
    const ExprInst &inst = code[i];
    if (inst.op() == ExprOp::Const)
      ranges[i] = {inst.value(), inst.value()};
    else if (inst.op() == ExprOp::Sym && inst.lhs() < dims.size())
      ranges[i] = dims[inst.lhs()];
    else if (isBinary(inst.op()) && inst.lhs() < i && inst.rhs() < i)
      ranges[i] = applyRange(inst.op(), ranges[inst.lhs()], ranges[inst.rhs()]);
    ranges[i] = normalize(ranges[i]);
  }
  return ranges;
}

std::vector<Range> dimRanges(const Interface &interface) {
  std::vector<Range> ranges;
  ranges.reserve(interface.dims.size());
  for (const auto &dim : interface.dims)
    ranges.push_back({dim->lower, dim->upper < 0 ? unbounded : dim->upper});
  return ranges;
}

} // namespace actnet::pkg
