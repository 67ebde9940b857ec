//===- Simplify.cpp - canonicalise, fold, join ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"

#include "actnet/Dialect/Graph/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"

namespace actnet::graph {
#define GEN_PASS_DEF_GRAPHSIMPLIFY
#include "actnet/Dialect/Graph/Transforms/Passes.h.inc"
} // namespace actnet::graph

using namespace mlir;
using namespace actnet::graph;

//===----------------------------------------------------------------------===//
// A transpose between two reshapes
//===----------------------------------------------------------------------===//

/// Dims of which both `a` and `b` are products, in order, without ones; with,
/// for each dim of `b`, how many of them it takes. Empty where there are none.
static SmallVector<DimExprAttr> commonDims(ArrayRef<DimExprAttr> a,
                                           ArrayRef<DimExprAttr> b,
                                           SmallVectorImpl<unsigned> &counts) {
  SmallVector<DimExprAttr> common;
  counts.assign(b.size(), 0);
  auto isZero = [](DimExprAttr dim) { return constantValue(dim) == 0; };
  if (llvm::any_of(a, isZero) || llvm::any_of(b, isZero))
    return {};
  // What is left of the dim that each side stands at; null behind the last.
  size_t i = 0, j = 0;
  DimExprAttr left, right;
  auto advance = [](ArrayRef<DimExprAttr> dims, size_t &index,
                    DimExprAttr &rest) {
    if (rest && constantValue(rest) != 1)
      return;
    if (rest)
      ++index;
    while (index < dims.size() && constantValue(dims[index]) == 1)
      ++index;
    rest = index < dims.size() ? dims[index] : DimExprAttr();
  };
  while (true) {
    advance(a, i, left);
    advance(b, j, right);
    if (!left && !right)
      return common;
    if (!left || !right)
      return {};
    DimExprAttr taken;
    if (dimMul(dimFloorDiv(left, right), right) == left)
      taken = right;
    else if (dimMul(dimFloorDiv(right, left), left) == right)
      taken = left;
    else
      return {};
    common.push_back(taken);
    ++counts[j];
    left = dimFloorDiv(left, taken);
    right = dimFloorDiv(right, taken);
  }
}

static SmallVector<DimExprAttr> withoutOnes(ArrayRef<DimExprAttr> dims) {
  SmallVector<DimExprAttr> result;
  llvm::copy_if(dims, std::back_inserter(result),
                [](DimExprAttr dim) { return constantValue(dim) != 1; });
  return result;
}

namespace {
/// reshape(transpose(reshape(x))) = reshape(transpose'(reshape(x))) on the dims
/// that x and the inner reshape share, where the outer reshape then only
/// inserts dims of 1 or goes.
struct TransposeBetweenReshapes : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto transpose = op.getX().getDefiningOp<TransposeOp>();
    if (!transpose)
      return failure();
    auto inner = transpose.getX().getDefiningOp<ReshapeOp>();
    if (!inner)
      return failure();
    SmallVector<unsigned> counts, starts;
    SmallVector<DimExprAttr> common = commonDims(
        getDims(inner.getX().getType()), getDims(inner.getType()), counts);
    // What has these dims already would become itself again.
    if (common.empty() || common == getDims(inner.getType()))
      return failure();
    unsigned start = 0;
    for (unsigned count : counts) {
      starts.push_back(start);
      start += count;
    }
    SmallVector<int64_t> perm;
    SmallVector<DimExprAttr> dims;
    for (int64_t dim : transpose.getPerm())
      for (unsigned i = 0; i < counts[dim]; ++i) {
        perm.push_back(starts[dim] + i);
        dims.push_back(common[starts[dim] + i]);
      }
    if (dims != withoutOnes(getDims(op.getType())))
      return failure();
    GraphBuilder b{rewriter, op.getLoc()};
    Value moved = b.transpose(b.reshape(inner.getX(), common), perm);
    rewriter.replaceOp(op, b.reshape(moved, getDims(op.getType())));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// An elementwise operation of broadcast tensors is computed before they are
/// broadcast, as far as its result allows.
struct SinkBroadcast : RewritePattern {
  SinkBroadcast(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (!isElementwise(op))
      return failure();
    SmallVector<Value> operands;
    bool hasBroadcast = false;
    for (Value operand : op->getOperands()) {
      auto broadcast = operand.getDefiningOp<BroadcastOp>();
      hasBroadcast |= static_cast<bool>(broadcast);
      operands.push_back(broadcast ? broadcast.getX() : operand);
    }
    if (!hasBroadcast)
      return failure();
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    RankedTensorType computed = resultType(operands, type.getElementType());
    if (!computed)
      return failure();
    IRMapping mapping;
    mapping.map(op->getOperands(), operands);
    Operation *moved = rewriter.clone(*op, mapping);
    moved->getResult(0).setType(computed);
    Value result = moved->getResult(0);
    if (computed != type)
      result = BroadcastOp::create(rewriter, op->getLoc(), type, result);
    rewriter.replaceOp(op, result);
    return success();
  }

  static bool isElementwise(Operation *op) {
    return isa<AbsOp, NegOp, ExpOp, LogOp, SqrtOp, RsqrtOp, ReciprocalOp,
               TanhOp, SigmoidOp, ErfOp, SinOp, CosOp, FloorOp, CeilOp, RoundOp,
               SignOp, NotOp, AddOp, SubOp, MulOp, DivOp, PowOp, ModOp, MaxOp,
               MinOp, AndOp, OrOp, XorOp, CompareOp, SelectOp, ClampOp, CastOp>(
        op);
  }

  static RankedTensorType resultType(ArrayRef<Value> operands, Type element) {
    SmallVector<DimExprAttr> dims;
    for (Value operand : operands) {
      SmallVector<DimExprAttr> other = getDims(GraphBuilder::typeOf(operand));
      if (other.size() > dims.size())
        dims.insert(dims.begin(), other.size() - dims.size(),
                    dimConstant(element.getContext(), 1));
      for (auto [i, dim] : llvm::enumerate(other)) {
        DimExprAttr &known = dims[dims.size() - other.size() + i];
        if (constantValue(known) == 1)
          known = dim;
        else if (constantValue(dim) != 1 && dim != known)
          return {};
      }
    }
    return getTensorType(dims, element);
  }
};

/// x^2 and x^3 as products.
struct PowToProduct : OpRewritePattern<PowOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PowOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<double> exponent = splatValue(op.getB());
    if (!exponent || (*exponent != 2 && *exponent != 3) ||
        op.getA().getType() != op.getType())
      return failure();
    GraphBuilder b{rewriter, op.getLoc()};
    Value square = b.binary<MulOp>(op.getA(), op.getA());
    rewriter.replaceOp(op, *exponent == 2 ? square
                                          : b.binary<MulOp>(square, op.getA()));
    return success();
  }
};

/// What has no elements is computed from nothing, and what is summed over no
/// elements is zero: no kernel has to know an extent of 0.
struct NoElements : RewritePattern {
  explicit NoElements(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/10, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1 ||
        !isa_and_nonnull<GraphDialect>(op->getDialect()) ||
        isa<ConstantOp, BroadcastOp, DimValueOp>(op))
      return failure();
    Value result = op->getResult(0);
    bool sums = isa<EinsumOp, ConvOp>(op);
    if (!isEmpty(result) && !(sums && llvm::any_of(op->getOperands(), isEmpty)))
      return failure();
    GraphBuilder b{rewriter, op->getLoc()};
    auto type = GraphBuilder::typeOf(result);
    rewriter.replaceOpWithNewOp<BroadcastOp>(
        op, type, b.scalar(type.getElementType(), 0));
    return success();
  }

  static bool isEmpty(Value v) {
    auto type = dyn_cast<RankedTensorType>(v.getType());
    return type && llvm::is_contained(type.getShape(), 0);
  }
};

struct GraphSimplify : actnet::graph::impl::GraphSimplifyBase<GraphSimplify> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    populateSimplifyPatterns(patterns);
    if (failed(applyGreedily(getOperation(), std::move(patterns)))) {
      getOperation().emitError("graph-simplify did not come to an end");
      return signalPassFailure();
    }
    IRRewriter rewriter(context);
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      DominanceInfo dominance(function);
      eliminateCommonSubExpressions(rewriter, dominance, function);
    }
  }
};
} // namespace

void actnet::graph::populateSimplifyPatterns(RewritePatternSet &patterns) {
  MLIRContext *context = patterns.getContext();
  for (RegisteredOperationName op : context->getRegisteredOperations())
    if (op.getDialectNamespace() == GraphDialect::getDialectNamespace())
      op.getCanonicalizationPatterns(patterns, context);
  patterns
      .add<NoElements, TransposeBetweenReshapes, SinkBroadcast, PowToProduct>(
          context);
  populateSlicePatterns(patterns);
}
