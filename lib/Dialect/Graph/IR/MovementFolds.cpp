//===- MovementFolds.cpp - folding data movement --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Folding.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace actnet::graph;

//===----------------------------------------------------------------------===//
// Reshape
//===----------------------------------------------------------------------===//

OpFoldResult AssumeOp::fold(FoldAdaptor) {
  // An assume of an assume is kept: each says something of its own.
  return getX().getType() == getType() ? getX() : Value();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getX().getType() == getType())
    return getX();
  // Another shape of the same bytes, however large.
  if (isa_and_nonnull<WeightAttr>(adaptor.getX()))
    return adaptor.getX();
  // A constant has a fixed shape; nothing may be one of N rows, too.
  auto dense = dyn_cast_or_null<DenseElementsAttr>(adaptor.getX());
  if (dense && getType().hasStaticShape())
    return dense.reshape(getType());
  return {};
}

namespace {
struct ReshapeOfReshape : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<ReshapeOp>();
    if (!inner)
      return failure();
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), inner.getX());
    return success();
  }
};

struct TransposeOfTranspose : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<TransposeOp>();
    if (!inner)
      return failure();
    SmallVector<int64_t> perm;
    for (int64_t dim : op.getPerm())
      perm.push_back(inner.getPerm()[dim]);
    rewriter.replaceOpWithNewOp<TransposeOp>(op, inner.getX(), perm);
    return success();
  }
};

/// A transpose that leaves the dims other than 1 in their order moves nothing.
struct TransposeOfUnitDims : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    int64_t previous = -1;
    for (int64_t dim : op.getPerm()) {
      if (op.getX().getType().getDimSize(dim) == 1)
        continue;
      if (dim < previous)
        return failure();
      previous = dim;
    }
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), op.getX());
    return success();
  }
};
} // namespace

void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                            MLIRContext *context) {
  patterns.add<ReshapeOfReshape>(context);
}

//===----------------------------------------------------------------------===//
// The others
//===----------------------------------------------------------------------===//

OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  bool isIdentity = true;
  for (auto [i, dim] : llvm::enumerate(getPerm()))
    isIdentity &= static_cast<int64_t>(i) == dim;
  if (isIdentity)
    return getX();
  return foldConstants(*this, adaptor.getOperands());
}

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add<TransposeOfTranspose, TransposeOfUnitDims>(context);
}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (getX().getType() == getType())
    return getX();
  if (auto inner = getX().getDefiningOp<BroadcastOp>()) {
    setOperand(inner.getX());
    return getResult();
  }
  return foldConstants(*this, adaptor.getOperands());
}

OpFoldResult SliceOp::fold(FoldAdaptor adaptor) {
  bool isWhole = getX().getType() == getType();
  for (auto [start, step] : llvm::zip(getStarts().getDims(), getSteps()))
    isWhole &= constantValue(start) == 0 && step == 1;
  if (isWhole)
    return getX();
  return foldConstants(*this, adaptor.getOperands());
}

OpFoldResult PadOp::fold(FoldAdaptor adaptor) {
  auto isZero = [](int64_t v) { return v == 0; };
  if (llvm::all_of(getLow(), isZero) && llvm::all_of(getHigh(), isZero))
    return getX();
  return foldConstants(*this, adaptor.getOperands());
}

OpFoldResult ConcatOp::fold(FoldAdaptor adaptor) {
  if (getInputs().size() == 1)
    return getInputs().front();
  return foldConstants(*this, adaptor.getOperands());
}

OpFoldResult GatherOp::fold(FoldAdaptor adaptor) {
  return foldConstants(*this, adaptor.getOperands());
}

OpFoldResult GatherElementsOp::fold(FoldAdaptor adaptor) {
  return foldConstants(*this, adaptor.getOperands());
}

OpFoldResult ScatterOp::fold(FoldAdaptor adaptor) {
  // Nothing to write.
  for (DimExprAttr dim :
       getDims(cast<RankedTensorType>(getUpdates().getType())))
    if (constantValue(dim) == 0)
      return getData();
  return foldConstants(*this, adaptor.getOperands());
}

OpFoldResult IotaOp::fold(FoldAdaptor adaptor) {
  return foldConstants(*this, adaptor.getOperands());
}

OpFoldResult PackOp::fold(FoldAdaptor adaptor) {
  return foldConstants(*this, adaptor.getOperands());
}
