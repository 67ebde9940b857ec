//===- ExprTest.cpp - dim expressions -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Package/Expr.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

using namespace actnet;
using namespace actnet::pkg;

namespace {

constexpr int64_t most = std::numeric_limits<int64_t>::max();
constexpr int64_t least = std::numeric_limits<int64_t>::min();

std::optional<int64_t> evaluate(const ExprPool &pool, ExprId id,
                                std::vector<int64_t> dims) {
  return ExprValues(pool.code(), dims).find(id);
}

TEST(Expr, EvaluatesEveryOperation) {
  ExprPool pool;
  ExprId n = pool.symbol(0), s = pool.symbol(1);
  EXPECT_EQ(evaluate(pool, pool.add(n, s), {7, 5}), 12);
  EXPECT_EQ(evaluate(pool, pool.mul(n, s), {7, 5}), 35);
  EXPECT_EQ(evaluate(pool, pool.floorDiv(n, s), {7, 5}), 1);
  EXPECT_EQ(evaluate(pool, pool.floorDiv(n, s), {-7, 5}), -2);
  EXPECT_EQ(evaluate(pool, pool.ceilDiv(n, s), {7, 5}), 2);
  EXPECT_EQ(evaluate(pool, pool.ceilDiv(n, s), {-7, 5}), -1);
  EXPECT_EQ(evaluate(pool, pool.mod(n, s), {7, 5}), 2);
  EXPECT_EQ(evaluate(pool, pool.mod(n, s), {-7, 5}), 3);
  EXPECT_EQ(evaluate(pool, pool.min(n, s), {7, 5}), 5);
  EXPECT_EQ(evaluate(pool, pool.max(n, s), {7, 5}), 7);
}

TEST(Expr, EqualExpressionsAreOne) {
  ExprPool pool;
  ExprId n = pool.symbol(0), s = pool.symbol(1);
  EXPECT_EQ(pool.mul(n, s), pool.mul(s, n));
  EXPECT_EQ(pool.add(n, pool.constant(0)), n);
  EXPECT_EQ(pool.mul(pool.constant(1), n), n);
  EXPECT_EQ(pool.mul(pool.constant(6), pool.constant(7)), pool.constant(42));
  EXPECT_NE(pool.floorDiv(n, s), pool.floorDiv(s, n));
}

TEST(Expr, HasNoValueWhereArithmeticFails) {
  ExprPool pool;
  ExprId n = pool.symbol(0);
  EXPECT_FALSE(evaluate(pool, pool.add(n, pool.constant(1)), {most}));
  EXPECT_FALSE(evaluate(pool, pool.mul(n, pool.constant(2)), {most}));
  EXPECT_FALSE(evaluate(pool, pool.mul(n, pool.constant(-1)), {least}));
  EXPECT_FALSE(evaluate(pool, pool.floorDiv(pool.constant(1), n), {0}));
  EXPECT_FALSE(evaluate(pool, pool.floorDiv(pool.constant(1), n), {-1}));
  EXPECT_FALSE(evaluate(pool, pool.mod(pool.constant(1), n), {0}));
  EXPECT_EQ(evaluate(pool, pool.ceilDiv(n, pool.constant(2)), {most}),
            most / 2 + 1);
  // What reads a failure fails; what does not is untouched.
  ExprId bad = pool.floorDiv(pool.constant(1), n);
  EXPECT_FALSE(evaluate(pool, pool.min(bad, pool.constant(3)), {0}));
  EXPECT_EQ(evaluate(pool, pool.max(n, pool.constant(3)), {0}), 3);
  // A dim that is not given, an id that does not exist.
  EXPECT_FALSE(evaluate(pool, n, {}));
  EXPECT_FALSE(evaluate(pool, 12345, {1}));
  EXPECT_EQ(ExprValues(pool.code(), {}).get(n).status().code(),
            StatusCode::outOfRange);
}

TEST(Expr, RefusesForwardReferencesAndUnknownOpcodes) {
  using I = ExprInst;
  EXPECT_TRUE(verifyExprs(std::vector{I(0, 0, 0, ExprOp::Sym)}, 1));
  EXPECT_FALSE(verifyExprs(std::vector{I(0, 1, 0, ExprOp::Sym)}, 1));
  EXPECT_FALSE(verifyExprs(std::vector{I(0, 0, 0, ExprOp::Add)}, 1));
  EXPECT_FALSE(verifyExprs(
      std::vector{I(1, 0, 0, ExprOp::Const), I(0, 0, 2, ExprOp::Add)}, 1));
  EXPECT_FALSE(verifyExprs(std::vector{I(0, 0, 0, ExprOp(77))}, 1));
}

TEST(Expr, PrintsNames) {
  ExprPool pool;
  ExprId id =
      pool.ceilDiv(pool.mul(pool.symbol(0), pool.constant(12)), pool.symbol(1));
  std::vector<std::string> names = {"N", "S"};
  EXPECT_EQ(exprText(pool.code(), id, names), "((N * 12) ceildiv S)");
  EXPECT_EQ(exprText(pool.code(), 99, names), "?");
}

TEST(Expr, PrintingASharedExpressionStaysShort) {
  ExprPool pool;
  ExprId id = pool.symbol(0);
  for (int i = 0; i < 200; ++i)
    id = pool.add(id, id); // 2^200 leaves if written out
  EXPECT_LT(exprText(pool.code(), id, {}).size(), 20000u);
}

TEST(Expr, BoundsFollowTheDims) {
  ExprPool pool;
  ExprId n = pool.symbol(0), s = pool.symbol(1);
  ExprId size = pool.mul(pool.add(n, pool.constant(-1)), pool.constant(4));
  ExprId free = pool.mul(n, s);
  ExprId capped = pool.min(free, pool.constant(100));
  ExprId tail = pool.mod(n, pool.constant(3));
  std::vector<Range> dims = {{1, 8}, {0, unbounded}};
  std::vector<Range> ranges = exprRanges(pool.code(), dims);
  EXPECT_EQ(ranges[size], (Range{0, 28}));
  EXPECT_EQ(ranges[free], (Range{0, unbounded}));
  EXPECT_EQ(ranges[capped], (Range{0, 100}));
  EXPECT_EQ(ranges[tail], (Range{0, 2}));
}

rc::Gen<ExprInst> anyInst(bool wild) {
  auto op =
      wild ? rc::gen::arbitrary<uint8_t>() : rc::gen::inRange<uint8_t>(0, 9);
  auto operand =
      wild ? rc::gen::arbitrary<uint32_t>() : rc::gen::inRange<uint32_t>(0, 12);
  auto value = wild ? rc::gen::arbitrary<int64_t>()
                    : rc::gen::element<int64_t>(-3, 0, 1, 2, 5, 64, 1000000007,
                                                most, least);
  return rc::gen::map(rc::gen::tuple(value, operand, operand, op),
                      [](std::tuple<int64_t, uint32_t, uint32_t, uint8_t> t) {
                        auto [v, lhs, rhs, o] = t;
                        return ExprInst(v, lhs, rhs, ExprOp(o));
                      });
}

RC_GTEST_PROP(ExprProperty, HostileBytecodeNeverCrashes, ()) {
  auto code = *rc::gen::container<std::vector<ExprInst>>(anyInst(true));
  auto dims = *rc::gen::arbitrary<std::vector<int64_t>>();
  ExprValues values(code, dims);
  std::vector<Range> ranges = exprRanges(code, {});
  for (ExprId id = 0; id < code.size(); ++id)
    exprText(code, id, {});
  RC_ASSERT(values.size() == code.size());
}

RC_GTEST_PROP(ExprProperty, ValuesLieWithinTheBounds, ()) {
  auto code = *rc::gen::container<std::vector<ExprInst>>(anyInst(false));
  int64_t upper = *rc::gen::element<int64_t>(4, 77, unbounded);
  std::vector<Range> bounds(3, Range{0, upper});
  std::vector<int64_t> dims;
  for (int i = 0; i < 3; ++i)
    dims.push_back(*rc::gen::inRange<int64_t>(0, std::min<int64_t>(upper, 99)));
  ExprValues values(code, dims);
  std::vector<Range> ranges = exprRanges(code, bounds);
  for (ExprId id = 0; id < code.size(); ++id)
    if (std::optional<int64_t> value = values.find(id)) {
      RC_ASSERT((ranges[id].lower == -unbounded || ranges[id].lower <= *value));
      RC_ASSERT(*value <= ranges[id].upper);
    }
}

} // namespace
