//===- SimplifySlices.cpp - slices move to where the data is --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exporters split a projection into query, key and value with reshapes,
// transposes and gathers at constant indices. As slices of the projection
// itself they are views.
//
//===----------------------------------------------------------------------===//

#include "Utils.h"

using namespace mlir;
using namespace actnet::graph;

namespace {
/// A gather at one constant index is a slice of one element.
struct GatherToSlice : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherOp op,
                                PatternRewriter &rewriter) const override {
    auto indices = op.getIndices().getType();
    if (!indices.hasStaticShape() || indices.getNumElements() != 1)
      return failure();
    std::optional<double> index = splatValue(op.getIndices());
    SmallVector<DimExprAttr> dims = getDims(op.getData().getType());
    int64_t axis = op.getAxis();
    std::optional<int64_t> extent = constantValue(dims[axis]);
    if (!index || !extent)
      return failure();
    int64_t position = static_cast<int64_t>(*index);
    position = std::clamp<int64_t>(position < 0 ? position + *extent : position,
                                   0, *extent - 1);
    MLIRContext *context = op.getContext();
    SmallVector<DimExprAttr> starts(dims.size(), dimConstant(context, 0)),
        sizes = dims;
    starts[axis] = dimConstant(context, position);
    sizes[axis] = dimConstant(context, 1);
    Value part = SliceOp::create(
        rewriter, op.getLoc(), op.getData(), DimsAttr::get(context, starts),
        DimsAttr::get(context, sizes), SmallVector<int64_t>(dims.size(), 1));
    rewriter.replaceOp(op, GraphBuilder{rewriter, op.getLoc()}.reshape(
                               part, getDims(op.getType())));
    return success();
  }
};

/// slice(transpose(x)) = transpose(slice(x)).
struct SliceOfTranspose : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SliceOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getX().getDefiningOp<TransposeOp>();
    if (!transpose)
      return failure();
    size_t rank = transpose.getPerm().size();
    SmallVector<DimExprAttr> starts(rank), sizes(rank);
    SmallVector<int64_t> steps(rank);
    for (auto [i, dim] : llvm::enumerate(transpose.getPerm())) {
      starts[dim] = op.getStarts().getDims()[i];
      sizes[dim] = op.getSizes().getDims()[i];
      steps[dim] = op.getSteps()[i];
    }
    MLIRContext *context = op.getContext();
    Value part = SliceOp::create(rewriter, op.getLoc(), transpose.getX(),
                                 DimsAttr::get(context, starts),
                                 DimsAttr::get(context, sizes), steps);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, part, transpose.getPerm());
    return success();
  }
};

/// A slice of the outermost of the dims that a reshape splits one dim into is
/// a slice of that dim: [a, b*c] -> [a, b, c] -> [a, 1, c].
struct SliceOfSplit : OpRewritePattern<SliceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SliceOp op,
                                PatternRewriter &rewriter) const override {
    auto reshape = op.getX().getDefiningOp<ReshapeOp>();
    if (!reshape)
      return failure();
    SmallVector<DimExprAttr> from = getDims(reshape.getX().getType());
    SmallVector<DimExprAttr> to = getDims(reshape.getType());
    // The one dim that is cut, and not by a step.
    int64_t cut = -1;
    for (auto [i, start, size, step] :
         llvm::enumerate(op.getStarts().getDims(), op.getSizes().getDims(),
                         op.getSteps())) {
      bool isWhole = constantValue(start) == 0 && size == to[i] && step == 1;
      if (isWhole)
        continue;
      if (cut >= 0 || step != 1)
        return failure();
      cut = i;
    }
    if (cut < 0)
      return failure();
    // Dims before the cut one are the same on both sides, and one dim of x is
    // the product of the cut one and some that follow.
    MLIRContext *context = op.getContext();
    DimExprAttr before = dimProduct(context, ArrayRef(to).take_front(cut));
    DimExprAttr outer = dimConstant(context, 1);
    size_t source = 0;
    while (source < from.size() &&
           (outer != before || constantValue(from[source]) == 1))
      outer = dimMul(outer, from[source++]);
    if (source == from.size() || outer != before)
      return failure();
    DimExprAttr product = to[cut], inner = dimConstant(context, 1);
    size_t next = cut + 1;
    while (product != from[source] && next < to.size()) {
      inner = dimMul(inner, to[next]);
      product = dimMul(product, to[next++]);
    }
    if (product != from[source])
      return failure();
    SmallVector<DimExprAttr> starts(from.size(), dimConstant(context, 0)),
        sizes = from;
    starts[source] = dimMul(op.getStarts().getDims()[cut], inner);
    sizes[source] = dimMul(op.getSizes().getDims()[cut], inner);
    Value part = SliceOp::create(
        rewriter, op.getLoc(), reshape.getX(), DimsAttr::get(context, starts),
        DimsAttr::get(context, sizes), SmallVector<int64_t>(from.size(), 1));
    rewriter.replaceOp(op, GraphBuilder{rewriter, op.getLoc()}.reshape(
                               part, getDims(op.getType())));
    return success();
  }
};
} // namespace

void actnet::graph::populateSlicePatterns(RewritePatternSet &patterns) {
  patterns.add<GatherToSlice, SliceOfTranspose, SliceOfSplit>(
      patterns.getContext());
}
