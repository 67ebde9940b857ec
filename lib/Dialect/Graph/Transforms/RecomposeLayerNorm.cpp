//===- RecomposeLayerNorm.cpp - recognising layer norm --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"

using namespace mlir;
using namespace actnet::graph;

/// The first dim of a mean over the last dims with keepdims; failure for
/// others.
static FailureOr<int64_t> trailingMean(ReduceOp op) {
  if (op.getKind() != ReduceKind::mean || !op.getKeepdims() ||
      op.getDims().empty())
    return failure();
  int64_t rank = op.getX().getType().getRank();
  int64_t axis = rank - static_cast<int64_t>(op.getDims().size());
  for (auto [i, dim] : llvm::enumerate(op.getDims()))
    if (dim != axis + static_cast<int64_t>(i))
      return failure();
  return axis;
}

static bool isSquareOf(Value value, Value x) {
  if (auto mul = value.getDefiningOp<MulOp>())
    return mul.getA() == x && mul.getB() == x;
  auto pow = value.getDefiningOp<PowOp>();
  return pow && pow.getA() == x && splatValue(pow.getB()) == 2.0;
}

namespace {
/// The parts of x - mean over sqrt(variance + epsilon).
struct Normalized {
  Value x;
  int64_t axis;
  double epsilon;
};
} // namespace

/// `root` is sqrt(mean(centered^2) + epsilon), before the sqrt.
static FailureOr<Normalized> matchVariance(Value centered, Value sum) {
  auto add = sum.getDefiningOp<AddOp>();
  if (!add)
    return failure();
  Value variance = add.getA();
  std::optional<double> epsilon = splatValue(add.getB());
  if (!epsilon) {
    variance = add.getB();
    epsilon = splatValue(add.getA());
  }
  auto mean = variance.getDefiningOp<ReduceOp>();
  auto sub = centered.getDefiningOp<SubOp>();
  if (!epsilon || *epsilon < 0 || !mean || !sub ||
      !isSquareOf(mean.getX(), centered))
    return failure();
  FailureOr<int64_t> axis = trailingMean(mean);
  auto center = sub.getB().getDefiningOp<ReduceOp>();
  if (failed(axis) || !center || center.getX() != sub.getA())
    return failure();
  FailureOr<int64_t> centerAxis = trailingMean(center);
  if (failed(centerAxis) || *centerAxis != *axis)
    return failure();
  return Normalized{sub.getA(), *axis, *epsilon};
}

static FailureOr<Normalized> matchNormalized(Operation *op) {
  if (auto div = dyn_cast<DivOp>(op)) {
    auto sqrt = div.getB().getDefiningOp<SqrtOp>();
    if (!sqrt)
      return failure();
    return matchVariance(div.getA(), sqrt.getX());
  }
  auto mul = dyn_cast<MulOp>(op);
  if (!mul)
    return failure();
  for (auto [centered, factor] :
       {std::pair(mul.getA(), mul.getB()), std::pair(mul.getB(), mul.getA())}) {
    Value sum;
    if (auto rsqrt = factor.getDefiningOp<RsqrtOp>())
      sum = rsqrt.getX();
    else if (auto reciprocal = factor.getDefiningOp<ReciprocalOp>())
      if (auto sqrt = reciprocal.getX().getDefiningOp<SqrtOp>())
        sum = sqrt.getX();
    if (!sum)
      continue;
    FailureOr<Normalized> match = matchVariance(centered, sum);
    if (succeeded(match))
      return match;
  }
  return failure();
}

/// Does `parameter` broadcast to the dims from `axis` on, and no further?
static bool fitsRow(Value parameter, RankedTensorType type, int64_t axis) {
  SmallVector<DimExprAttr> dims = getDims(type),
                           own = getDims(GraphBuilder::typeOf(parameter));
  if (static_cast<int64_t>(own.size()) > type.getRank() - axis)
    return false;
  for (auto [i, dim] : llvm::enumerate(own))
    if (constantValue(dim) != 1 && dim != dims[dims.size() - own.size() + i])
      return false;
  return true;
}

namespace {
template <typename OpTy> struct RecomposeLayerNorm : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    FailureOr<Normalized> match = matchNormalized(op);
    if (failed(match) || match->x.getType() != op.getType())
      return failure();
    rewriter.replaceOpWithNewOp<LayerNormOp>(
        op, match->x, Value(), Value(), match->axis, APFloat(match->epsilon));
    return success();
  }
};

/// A product behind a norm without scale is its scale, a sum its bias.
template <typename OpTy> struct ParameterOfLayerNorm : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    for (auto [value, parameter] :
         {std::pair(op.getA(), op.getB()), std::pair(op.getB(), op.getA())}) {
      auto norm = value.template getDefiningOp<LayerNormOp>();
      if (!norm || !norm->hasOneUse() || norm.getBias() ||
          norm.getType() != op.getType() ||
          !fitsRow(parameter, norm.getType(), norm.getAxis()))
        continue;
      constexpr bool isScale = std::is_same_v<OpTy, MulOp>;
      if (isScale && norm.getScale())
        continue;
      rewriter.replaceOpWithNewOp<LayerNormOp>(
          op, norm.getX(), isScale ? parameter : norm.getScale(),
          isScale ? Value() : parameter, norm.getAxis(), norm.getEpsilon());
      return success();
    }
    return failure();
  }
};
} // namespace

void actnet::graph::populateLayerNormPatterns(RewritePatternSet &patterns) {
  patterns.add<RecomposeLayerNorm<DivOp>, RecomposeLayerNorm<MulOp>,
               ParameterOfLayerNorm<MulOp>, ParameterOfLayerNorm<AddOp>>(
      patterns.getContext());
}
