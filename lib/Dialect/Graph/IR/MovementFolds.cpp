//===- MovementFolds.cpp - folding data movement --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Folding.h"

#include "actnet/Dialect/Graph/IR/GraphOps.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace actnet::graph;

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getX().getType() == getType())
    return getX();
  return foldConstants(*this, adaptor.getOperands());
}

void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &,
                                            MLIRContext *) {}

OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  return foldConstants(*this, adaptor.getOperands());
}

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &,
                                              MLIRContext *) {}

OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (getX().getType() == getType())
    return getX();
  return foldConstants(*this, adaptor.getOperands());
}

OpFoldResult SliceOp::fold(FoldAdaptor adaptor) {
  return foldConstants(*this, adaptor.getOperands());
}

OpFoldResult PadOp::fold(FoldAdaptor adaptor) {
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

OpFoldResult IotaOp::fold(FoldAdaptor adaptor) {
  return foldConstants(*this, adaptor.getOperands());
}

OpFoldResult PackOp::fold(FoldAdaptor adaptor) {
  return foldConstants(*this, adaptor.getOperands());
}
