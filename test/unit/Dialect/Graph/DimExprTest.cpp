//===- DimExprTest.cpp - normal form of dim expressions -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Graph/IR/DimLimits.h"

#include "gtest/gtest.h"

#include <random>

using namespace actnet::graph;
using mlir::MLIRContext;

namespace {

class DimExprTest : public ::testing::Test {
protected:
  DimExprTest() { context.loadDialect<GraphDialect>(); }

  DimExprAttr c(int64_t value) { return dimConstant(&context, value); }
  DimExprAttr s(llvm::StringRef name) { return dimSymbol(&context, name); }

  MLIRContext context;
};

TEST_F(DimExprTest, ProductsCommute) {
  EXPECT_EQ(dimMul(s("N"), s("S")), dimMul(s("S"), s("N")));
  EXPECT_EQ(dimMul(dimMul(s("N"), c(3)), s("S")),
            dimMul(c(3), dimMul(s("S"), s("N"))));
}

TEST_F(DimExprTest, StopsAtTooManyTermsOrFactors) {
  // Ten sums of two have 1024 terms, eleven 2048.
  DimExprAttr product = c(1), power = s("N");
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(isTooLarge(product), i > 10) << i;
    product = dimMul(product, dimAdd(s("N" + std::to_string(i)), c(1)));
    // N^64 still is a product, N^128 is none.
    EXPECT_EQ(isTooLarge(power), i > 6) << i;
    power = dimMul(power, power);
  }
  EXPECT_TRUE(isTooLarge(dimAdd(product, c(1))));
  EXPECT_TRUE(isTooLarge(dimMax(dimFloorDiv(product, s("N")), c(1))));
}

TEST_F(DimExprTest, SumsMergeAndCancel) {
  DimExprAttr n = s("N");
  EXPECT_EQ(dimAdd(n, n), dimMul(c(2), n));
  EXPECT_EQ(dimSub(dimAdd(n, c(3)), n), c(3));
  EXPECT_EQ(dimSub(n, n), c(0));
}

TEST_F(DimExprTest, ProductDistributes) {
  DimExprAttr n = s("N"), m = s("M");
  EXPECT_EQ(dimMul(dimAdd(n, c(1)), dimSub(n, c(1))),
            dimSub(dimMul(n, n), c(1)));
  EXPECT_EQ(dimMul(dimAdd(n, m), c(2)),
            dimAdd(dimMul(n, c(2)), dimMul(m, c(2))));
}

TEST_F(DimExprTest, DivisionUndoesProduct) {
  DimExprAttr n = s("N"), t = s("S");
  EXPECT_EQ(dimFloorDiv(dimMul(n, t), t), n);
  EXPECT_EQ(dimFloorDiv(dimMul(dimMul(n, t), c(768)), dimMul(t, c(768))), n);
  DimExprAttr sum = dimAdd(n, t);
  EXPECT_EQ(dimFloorDiv(dimMul(sum, dimAdd(n, c(5))), sum), dimAdd(n, c(5)));
}

TEST_F(DimExprTest, NestedDivisionsMeet) {
  DimExprAttr n = s("N"), half = dimFloorDiv(n, c(2));
  EXPECT_EQ(dimFloorDiv(half, c(3)), dimFloorDiv(n, c(6)));
  EXPECT_EQ(dimFloorDiv(dimAdd(half, c(1)), c(2)),
            dimFloorDiv(dimAdd(n, c(2)), c(4)));
}

TEST_F(DimExprTest, ConvolutionsOfOneShapeMeet) {
  // A 3-wide window of stride 2 with padding 1 gives the same extent as a
  // 1-wide one without padding: both halve, rounding up.
  DimExprAttr n = s("N");
  DimExprAttr wide =
      dimAdd(dimFloorDiv(dimSub(dimAdd(n, c(2)), c(3)), c(2)), c(1));
  DimExprAttr narrow = dimAdd(dimFloorDiv(dimSub(n, c(1)), c(2)), c(1));
  EXPECT_EQ(wide, narrow);
  EXPECT_EQ(wide, dimCeilDiv(n, c(2)));
}

TEST_F(DimExprTest, MinAndMaxKnowThatDimsArePositive) {
  DimExprAttr n = s("N");
  EXPECT_EQ(dimMax(n, c(1)), n);
  EXPECT_EQ(dimMin(n, c(0)), c(0));
  EXPECT_EQ(dimMin(n, dimAdd(n, c(1))), n);
  EXPECT_EQ(dimMax(n, dimAdd(n, c(1))), dimAdd(n, c(1)));
  EXPECT_EQ(dimMin(dimMin(n, c(8)), s("M")), dimMin(s("M"), dimMin(c(8), n)));
}

TEST_F(DimExprTest, EvaluateRefusesOverflowAndUnknownNames) {
  auto big = [](llvm::StringRef) { return std::optional<int64_t>(INT64_MAX); };
  auto none = [](llvm::StringRef) { return std::optional<int64_t>(); };
  EXPECT_EQ(dimEvaluate(dimMul(s("N"), s("N")), big), std::nullopt);
  EXPECT_EQ(dimEvaluate(dimAdd(s("N"), c(1)), big), std::nullopt);
  EXPECT_EQ(dimEvaluate(s("N"), none), std::nullopt);
  EXPECT_EQ(dimEvaluate(dimFloorDiv(s("N"), c(0)), big), std::nullopt);
}

TEST_F(DimExprTest, SubstituteRebuildsTheNormalForm) {
  DimExprAttr expr = dimFloorDiv(dimAdd(s("N"), c(1)), c(2));
  DimExprAttr result = dimSubstitute(expr, [&](llvm::StringRef name) {
    return name == "N" ? dimMul(s("M"), c(2)) : DimExprAttr();
  });
  EXPECT_EQ(result, s("M"));
}

TEST_F(DimExprTest, WalkVisitsEachSymbol) {
  std::string seen;
  dimWalkSymbols(dimMin(dimMul(s("A"), s("B")), s("C")),
                 [&](llvm::StringRef name) { seen += name; });
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, "ABC");
}

TEST_F(DimExprTest, TextNamesEverything) {
  EXPECT_EQ(toString(dimAdd(dimMul(s("N"), c(768)), c(1))), "N * 768 + 1");
  EXPECT_EQ(toString(dimSub(s("N"), c(1))), "N - 1");
  EXPECT_EQ(toString(dimFloorDiv(dimAdd(s("N"), c(1)), c(2))),
            "(N + 1) floordiv 2");
  EXPECT_EQ(toString(s("batch size")), "\"batch size\"");
  EXPECT_EQ(toString(s("min")), "\"min\"");
}

/// Builds the same random expression as a normal form and as a value.
struct Random {
  DimExprTest &test;
  std::mt19937 generator;
  int64_t values[3];

  std::pair<DimExprAttr, int64_t> build(MLIRContext *context, int depth) {
    auto pick = [&](int n) { return static_cast<int>(generator() % n); };
    if (depth == 0) {
      if (pick(2)) {
        int64_t value = pick(7) + 1;
        return {dimConstant(context, value), value};
      }
      int which = pick(3);
      return {dimSymbol(context, std::string(1, "NMS"[which])), values[which]};
    }
    auto [a, x] = build(context, depth - 1);
    auto [b, y] = build(context, depth - 1);
    switch (pick(8)) {
    case 0:
      return {dimAdd(a, b), x + y};
    case 1:
      return {dimSub(a, b), x - y};
    case 2:
    case 3:
      return {dimMul(a, b), x * y};
    case 4:
      if (y > 0)
        return {dimMod(a, b), ((x % y) + y) % y};
      return {a, x};
    case 5:
      return {dimMin(a, b), std::min(x, y)};
    case 6:
      return {dimMax(a, b), std::max(x, y)};
    default:
      break;
    }
    // Divisors have to be positive for all dims, not only for these values.
    int64_t divisor = pick(5) + 1;
    DimExprAttr d = dimConstant(context, divisor);
    if (pick(2)) {
      d = dimMul(d, dimSymbol(context, "N"));
      divisor *= values[0];
    }
    int64_t quotient = x / divisor - (x % divisor < 0 ? 1 : 0);
    return {dimFloorDiv(a, d), quotient};
  }
};

TEST_F(DimExprTest, NormalFormsKeepTheValue) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    std::mt19937 generator(seed);
    Random random{*this, generator, {}};
    for (int64_t &value : random.values)
      value = random.generator() % 9 + 1;
    // A mod by something that can be negative elsewhere is not normalised by
    // rules that need positive divisors, so the divisors' sign is checked.
    auto [expr, expected] = random.build(&context, seed % 4 + 1);
    auto value = dimEvaluate(expr, [&](llvm::StringRef name) {
      return std::optional<int64_t>(
          random.values[std::string("NMS").find(name.str())]);
    });
    ASSERT_EQ(value, expected) << "seed " << seed << ": " << toString(expr);
  }
}

} // namespace
