//===- FoldBatchNorm.cpp - folding batch norms into filters ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"

#include "actnet/Dialect/Graph/IR/Contract.h"
#include "actnet/Dialect/Graph/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace actnet::graph {
#define GEN_PASS_DEF_GRAPHFOLDBATCHNORM
#include "actnet/Dialect/Graph/Transforms/Passes.h.inc"
} // namespace actnet::graph

using namespace mlir;
using namespace actnet::graph;

/// Does adding `bias` to a tensor of `rank` dims add one value a channel?
static bool isPerChannel(Value bias, int64_t axis, int64_t rank) {
  auto dims = getDims(GraphBuilder::typeOf(bias));
  int64_t offset = rank - static_cast<int64_t>(dims.size());
  for (auto [i, dim] : llvm::enumerate(dims))
    if (static_cast<int64_t>(i) + offset != axis && constantValue(dim) != 1)
      return false;
  return offset >= 0;
}

/// Scales the constant operand of a contraction along the dim that becomes dim
/// `axis` of its result. Null where the contraction does not allow it.
static Value scaleContraction(GraphBuilder &b, Operation *op, Value factor,
                              int64_t axis) {
  auto scaled = [&](Value weight, int64_t position) {
    int64_t rank = GraphBuilder::typeOf(weight).getRank();
    return b.binary<MulOp>(weight, b.alongAxis(factor, position, rank));
  };
  auto rebuild = [&](unsigned operand, Value weight) {
    IRMapping mapping;
    Operation *clone = b.builder.clone(*op, mapping);
    clone->setOperand(operand, weight);
    return clone->getResult(0);
  };
  if (auto conv = dyn_cast<ConvOp>(op)) {
    if (conv.getOutputLayout()[axis] != 'c' ||
        !isConstantExpression(conv.getFilter()))
      return {};
    return rebuild(1,
                   scaled(conv.getFilter(), conv.getFilterLayout().find('o')));
  }
  if (auto einsum = dyn_cast<EinsumOp>(op)) {
    EinsumSpec spec = *parseEinsumSpec(einsum.getSpec());
    char letter = spec.out[axis];
    bool isLeft = spec.lhs.contains(letter);
    if (isLeft && spec.rhs.contains(letter))
      return {};
    Value weight = isLeft ? einsum.getLhs() : einsum.getRhs();
    if (!isConstantExpression(weight))
      return {};
    return rebuild(isLeft ? 0 : 1,
                   scaled(weight, (isLeft ? spec.lhs : spec.rhs).find(letter)));
  }
  return {};
}

namespace {
struct FoldBatchNorm : OpRewritePattern<BatchNormOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(BatchNormOp op,
                                PatternRewriter &rewriter) const override {
    for (Value parameter : op->getOperands().drop_front())
      if (!isConstantExpression(parameter))
        return rewriter.notifyMatchFailure(op, "parameters are not constant");
    GraphBuilder b{rewriter, op.getLoc()};
    RankedTensorType type = op.getType();
    int64_t axis = op.getAxis(), rank = type.getRank();
    Value epsilon =
        b.scalar(type.getElementType(), op.getEpsilon().convertToDouble());
    Value factor = b.binary<MulOp>(
        op.getScale(),
        b.unary<RsqrtOp>(b.binary<AddOp>(op.getVariance(), epsilon)));
    Value rest =
        b.binary<SubOp>(op.getBias(), b.binary<MulOp>(op.getMean(), factor));
    Value wideFactor = b.alongAxis(factor, axis, rank);
    Value wideRest = b.alongAxis(rest, axis, rank);

    Value x = op.getX(), bias;
    if (auto add = x.getDefiningOp<AddOp>(); add && add->hasOneUse())
      for (auto [value, other] : {std::pair(add.getA(), add.getB()),
                                  std::pair(add.getB(), add.getA())})
        if (!bias && value.getType() == type && isConstantExpression(other) &&
            isPerChannel(other, axis, rank)) {
          x = value;
          bias = other;
        }
    Value product;
    if (Operation *producer = x.getDefiningOp();
        producer && producer->hasOneUse())
      product = scaleContraction(b, producer, factor, axis);
    if (product && bias)
      wideRest = b.binary<AddOp>(b.binary<MulOp>(bias, wideFactor), wideRest);
    if (!product)
      product = b.binary<MulOp>(op.getX(), wideFactor);
    rewriter.replaceOpWithNewOp<AddOp>(op, product, wideRest);
    return success();
  }
};

struct GraphFoldBatchNorm
    : actnet::graph::impl::GraphFoldBatchNormBase<GraphFoldBatchNorm> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateBatchNormPatterns(patterns);
    if (failed(applyGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace

void actnet::graph::populateBatchNormPatterns(RewritePatternSet &patterns) {
  patterns.add<FoldBatchNorm>(patterns.getContext());
}
