//===- DimBoundsTest.cpp - simpler expressions have the same values -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Graph/IR/DimBounds.h"

#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

#include <random>

using namespace actnet::graph;

namespace {
class DimBoundsTest : public testing::Test {
protected:
  DimBoundsTest() { context.loadDialect<GraphDialect>(); }

  DimExprAttr symbol(llvm::StringRef name) { return dimSymbol(&context, name); }
  DimExprAttr number(int64_t value) { return dimConstant(&context, value); }

  /// A random expression of A and B.
  DimExprAttr random(int depth) {
    unsigned kind = engine() % (depth ? 9 : 2);
    if (kind == 0)
      return number(int64_t(engine() % 9) - 2);
    if (kind == 1)
      return symbol(engine() % 2 ? "A" : "B");
    DimExprAttr a = random(depth - 1), b = random(depth - 1);
    switch (kind) {
    case 2:
      return dimAdd(a, b);
    case 3:
      return dimSub(a, b);
    case 4:
      return dimMul(a, b);
    case 5:
      return dimFloorDiv(a, number(1 + engine() % 5));
    case 6:
      return dimMod(a, number(1 + engine() % 5));
    case 7:
      return dimMin(a, b);
    default:
      return dimMax(a, b);
    }
  }

  mlir::MLIRContext context;
  std::mt19937 engine{1};
};
} // namespace

TEST_F(DimBoundsTest, SimplerExpressionsHaveTheSameValuesWithinBounds) {
  unsigned simpler = 0, bounded = 0;
  for (int i = 0; i < 5000; ++i) {
    DimRange a{int64_t(1 + engine() % 3), -1}, b{1, int64_t(3 + engine() % 9)};
    if (engine() % 2)
      a.upper = a.lower + engine() % 8;
    auto ranges = [&](llvm::StringRef name) { return name == "A" ? a : b; };
    DimExprAttr before = random(4), after = dimSimplify(before, ranges);
    std::optional<int64_t> least = dimLeast(before, ranges),
                           most = dimMost(before, ranges);
    simpler += before != after;
    bounded += least && most;
    for (int j = 0; j < 12; ++j) {
      int64_t x = a.lower +
                  engine() % (a.upper < 0 ? 40 : a.upper - a.lower + 1),
              y = 1 + engine() % b.upper;
      auto value = [&](llvm::StringRef name) -> std::optional<int64_t> {
        return name == "A" ? x : y;
      };
      std::optional<int64_t> expected = dimEvaluate(before, value);
      EXPECT_EQ(dimEvaluate(after, value), expected)
          << toString(before) << " became " << toString(after) << "; A = " << x
          << ", B = " << y;
      if (expected && least)
        EXPECT_LE(*least, *expected) << toString(before);
      if (expected && most)
        EXPECT_GE(*most, *expected) << toString(before);
    }
  }
  EXPECT_GT(simpler, 500u);
  EXPECT_GT(bounded, 2500u);
}

TEST_F(DimBoundsTest, TermsThatMoveTogetherAreSeen) {
  DimRange range{1, -1};
  auto ranges = [&](llvm::StringRef) { return range; };
  DimExprAttr s = symbol("S"), half = dimFloorDiv(s, number(2));
  EXPECT_EQ(dimSimplify(dimMin(s, half), ranges), half);
  EXPECT_EQ(
      dimSimplify(dimMax(dimSub(s, dimMin(s, number(64))), number(0)), ranges),
      dimSub(s, dimMin(s, number(64))));
  DimExprAttr tail = dimMax(number(0), dimSub(s, number(4)));
  EXPECT_EQ(dimSimplify(dimMin(s, tail), ranges), tail);
  EXPECT_EQ(dimSimplify(dimMin(s, number(64)), ranges), dimMin(s, number(64)));
  range.upper = 64;
  EXPECT_EQ(dimSimplify(dimMin(s, number(64)), ranges), s);
  range = {16, 16};
  EXPECT_EQ(dimSimplify(half, ranges), number(8));
}
