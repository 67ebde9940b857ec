//===- RecomposeGelu.cpp - recognising gelu -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"

#include <numbers>

using namespace mlir;
using namespace actnet::graph;

/// The other operand of an addition of 1; null for other values.
static Value addedToOne(Value value) {
  auto add = value.getDefiningOp<AddOp>();
  if (!add)
    return {};
  if (splatValue(add.getA()) == 1.0)
    return add.getB();
  return splatValue(add.getB()) == 1.0 ? add.getA() : Value();
}

static bool isErfArgument(Value value, Value x) {
  Product product = factorsOf(value);
  return product.factors.size() == 1 && product.factors[0] == x &&
         isNear(product.constant, 1 / std::numbers::sqrt2);
}

/// x^3 as a product or a power.
static bool isCube(ArrayRef<Value> factors, Value x) {
  if (factors.size() == 3)
    return llvm::all_of(factors, [&](Value factor) { return factor == x; });
  auto pow = factors.size() == 1 ? factors[0].getDefiningOp<PowOp>() : nullptr;
  return pow && pow.getA() == x && splatValue(pow.getB()) == 3.0;
}

static bool isTanhArgument(Value value, Value x) {
  Product outer = factorsOf(value);
  if (outer.factors.size() != 1 ||
      !isNear(outer.constant, std::sqrt(2 * std::numbers::inv_pi)))
    return false;
  auto sum = outer.factors[0].getDefiningOp<AddOp>();
  if (!sum || (sum.getA() != x && sum.getB() != x))
    return false;
  Product cube = factorsOf(sum.getA() == x ? sum.getB() : sum.getA());
  return isNear(cube.constant, 0.044715) && isCube(cube.factors, x);
}

namespace {
struct RecomposeGelu : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    Product product = factorsOf(op);
    if (product.factors.size() != 2 || !isNear(product.constant, 0.5))
      return failure();
    for (auto [x, gate] : {std::pair(product.factors[0], product.factors[1]),
                           std::pair(product.factors[1], product.factors[0])}) {
      Value inner = addedToOne(gate);
      if (!inner || x.getType() != op.getType())
        continue;
      auto erf = inner.getDefiningOp<ErfOp>();
      auto tanh = inner.getDefiningOp<TanhOp>();
      bool isErf = erf && isErfArgument(erf.getX(), x);
      if (!isErf && !(tanh && isTanhArgument(tanh.getX(), x)))
        continue;
      rewriter.replaceOpWithNewOp<GeluOp>(op, x, /*tanh_approximation=*/!isErf);
      return success();
    }
    return failure();
  }
};
} // namespace

void actnet::graph::populateGeluPatterns(RewritePatternSet &patterns) {
  patterns.add<RecomposeGelu>(patterns.getContext());
}
