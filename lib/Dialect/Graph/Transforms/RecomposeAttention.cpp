//===- RecomposeAttention.cpp - recognising attention ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"

#include "actnet/Dialect/Graph/IR/Contract.h"
#include "actnet/Dialect/Graph/IR/Evaluate.h"

#include <cstring>

using namespace mlir;
using namespace actnet::graph;

/// The largest constant mask that is looked into, in bytes.
static constexpr int64_t kMaskLimit = 1 << 26;
/// What exporters write for minus infinity: the lowest number of a type, and
/// others of its order. Scores can come near anything smaller.
static constexpr double kLowest = -1e30;

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// The value of a constant expression, if its tensors are small enough.
static FailureOr<HostTensor> constantTensor(Value value, int depth = 0) {
  Operation *op = value.getDefiningOp();
  constexpr int limit = 16;
  auto type = GraphBuilder::typeOf(value);
  if (!op || depth > limit || !isa<GraphDialect>(op->getDialect()) ||
      !type.hasStaticShape() ||
      type.getNumElements() * getElementBytes(type.getElementType()) >
          kMaskLimit)
    return failure();
  SmallVector<HostTensor> operands;
  for (Value operand : op->getOperands()) {
    FailureOr<HostTensor> tensor = constantTensor(operand, depth + 1);
    if (failed(tensor))
      return failure();
    operands.push_back(*tensor);
  }
  return evaluate(op, operands, {}, /*isQuiet=*/true);
}

namespace {
/// What the attention gets for the mask that was added to the scores.
struct Mask {
  Value value;
  bool isCausal = false;
};
} // namespace

/// `tensor` is a mask [..., S, T] of bool: which query sees which key?
static void classifyChoice(const HostTensor &tensor, DimExprAttr queries,
                           DimExprAttr keys, bool &isAllTrue, bool &isCausal,
                           bool &hasEmptyRow) {
  isAllTrue = isCausal = true;
  hasEmptyRow = false;
  int64_t rank = tensor.shape.size();
  int64_t T = rank > 0 ? tensor.shape[rank - 1] : 1,
          S = rank > 1 ? tensor.shape[rank - 2] : 1;
  // A mask that is broadcast along either says nothing of the future.
  isCausal = constantValue(queries) == S && constantValue(keys) == T && S > 1;
  for (int64_t row = 0,
               rows = tensor.getNumElements() / std::max<int64_t>(T, 1);
       row < rows; ++row) {
    bool isEmpty = true;
    for (int64_t t = 0; t < T; ++t) {
      bool sees = tensor.data[row * T + t] != 0;
      isAllTrue &= sees;
      isCausal &= sees == (t <= row % S + T - S);
      isEmpty &= !sees;
    }
    hasEmptyRow |= isEmpty;
  }
}

/// A mask of zeros and of what stands for minus infinity, as bool; failure for
/// other masks.
static FailureOr<HostTensor> asChoice(const HostTensor &added) {
  if (!added.elementType.isF32())
    return failure();
  HostTensor choice = HostTensor::allocate(
      IntegerType::get(added.elementType.getContext(), 1), added.shape);
  for (int64_t i = 0, e = added.getNumElements(); i < e; ++i) {
    float value;
    std::memcpy(&value, added.data + i * sizeof(float), sizeof(float));
    if (value != 0 && !(value <= kLowest))
      return failure();
    choice.mutableData()[i] = value == 0;
  }
  return choice;
}

/// Simplifies a mask that is added to scores of [.., queries, keys].
static Mask simplifyMask(Value mask, DimExprAttr queries, DimExprAttr keys) {
  while (auto broadcast = mask.getDefiningOp<BroadcastOp>())
    mask = broadcast.getX();
  FailureOr<HostTensor> added = constantTensor(mask);
  if (failed(added))
    return {mask};
  FailureOr<HostTensor> seen = asChoice(*added);
  if (failed(seen))
    return {mask};
  bool isAllTrue, isCausal, hasEmptyRow;
  classifyChoice(*seen, queries, keys, isAllTrue, isCausal, hasEmptyRow);
  if (isAllTrue)
    return {};
  // A row that sees nothing is no number under `causal`, but is under a mask
  // of finite numbers.
  if (isCausal && !hasEmptyRow)
    return {Value(), true};
  // Under a mask of bool a row that sees nothing is no mean of all values.
  auto select = mask.getDefiningOp<SelectOp>();
  if (hasEmptyRow || !select || splatValue(select.getA()) != 0.0)
    return {mask};
  Value choice = select.getCondition();
  while (auto broadcast = choice.getDefiningOp<BroadcastOp>())
    choice = broadcast.getX();
  return {choice};
}

//===----------------------------------------------------------------------===//
// The scores and what is around them
//===----------------------------------------------------------------------===//

/// Looks through the guard select(p != p, 0, p), which the attention then has
/// to keep: it turns a row that is not a number into 0.
static Value withoutGuard(Value value, bool &isGuarded) {
  isGuarded = false;
  auto select = value.getDefiningOp<SelectOp>();
  if (!select || splatValue(select.getA()) != 0.0)
    return value;
  auto compare = select.getCondition().getDefiningOp<CompareOp>();
  Value guarded = select.getB();
  bool isNaN = compare && compare.getPredicate() == ComparePredicate::ne &&
               compare.getA() == guarded && compare.getB() == guarded;
  isGuarded = isNaN;
  return isNaN ? guarded : value;
}

/// Looks through products with constants and, for a value whose dims are named
/// by `layout`, through transposes; multiplies `scale`, permutes the layout.
static Value lookThrough(Value value, std::string &layout, double &scale) {
  while (true) {
    if (auto transpose = value.getDefiningOp<TransposeOp>()) {
      std::string inner(layout.size(), ' ');
      for (auto [i, dim] : llvm::enumerate(transpose.getPerm()))
        inner[dim] = layout[i];
      layout = inner;
      value = transpose.getX();
      continue;
    }
    Operation *op = value.getDefiningOp();
    if (!op || !isa<MulOp, DivOp>(op))
      return value;
    Product product = factorsOf(value);
    if (product.factors.size() != 1 ||
        product.factors[0].getType() != value.getType() ||
        product.factors[0] == value)
      return value;
    scale *= product.constant;
    value = product.factors[0];
  }
}

/// The operand that `mask` is added to, from softmax's operand down to the
/// einsum of q and k.
static EinsumOp matchScores(Value scores, Value &mask, double &scale) {
  auto through = [&](Value value) {
    Product product = factorsOf(value);
    if (product.factors.size() == 1 &&
        product.factors[0].getType() == value.getType()) {
      scale *= product.constant;
      return product.factors[0];
    }
    return value;
  };
  if (auto einsum = through(scores).getDefiningOp<EinsumOp>())
    return einsum;
  scale = 1;
  auto add = scores.getDefiningOp<AddOp>();
  if (!add)
    return {};
  for (auto [value, other] :
       {std::pair(add.getA(), add.getB()), std::pair(add.getB(), add.getA())}) {
    scale = 1;
    auto einsum = through(value).getDefiningOp<EinsumOp>();
    if (einsum && value.getType() == scores.getType()) {
      mask = other;
      return einsum;
    }
  }
  return {};
}

namespace {
struct RecomposeAttention : OpRewritePattern<EinsumOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(EinsumOp op,
                                PatternRewriter &rewriter) const override {
    EinsumSpec outer = *parseEinsumSpec(op.getSpec());
    bool isGuarded;
    for (bool isLeft : {true, false})
      if (auto softmax =
              withoutGuard(isLeft ? op.getLhs() : op.getRhs(), isGuarded)
                  .getDefiningOp<SoftmaxOp>())
        return rewrite(op, softmax, isGuarded, isLeft ? outer.lhs : outer.rhs,
                       isLeft ? outer.rhs : outer.lhs, outer.out,
                       isLeft ? op.getRhs() : op.getLhs(), rewriter);
    return failure();
  }

  /// `p`, `v` and `out` are the letters of the outer einsum.
  static LogicalResult rewrite(EinsumOp op, SoftmaxOp softmax, bool isGuarded,
                               StringRef p, StringRef v, StringRef out,
                               Value values, PatternRewriter &rewriter) {
    Value mask;
    double scale = 1;
    EinsumOp product = matchScores(softmax.getX(), mask, scale);
    if (!product)
      return failure();
    EinsumSpec inner = *parseEinsumSpec(product.getSpec());
    size_t rank = p.size();
    // Each position of the scores: batch, head, query or key.
    int64_t key = softmax.getAxis(), query = -1;
    SmallVector<int64_t> batch;
    for (size_t i = 0; i < rank; ++i) {
      bool inLeft = inner.lhs.contains(inner.out[i]),
           inRight = inner.rhs.contains(inner.out[i]);
      if (static_cast<int64_t>(i) == key) {
        if (inLeft == inRight || !v.contains(p[i]) || out.contains(p[i]))
          return failure();
      } else if (inLeft && inRight) {
        if (!v.contains(p[i]) || !out.contains(p[i]))
          return failure();
        batch.push_back(i);
      } else {
        if (query >= 0 || v.contains(p[i]))
          return failure();
        query = i;
      }
    }
    if (query < 0 || batch.size() > 2)
      return failure();
    bool isKeyLeft = inner.lhs.contains(inner.out[key]);
    if (isKeyLeft == inner.lhs.contains(inner.out[query]))
      return failure();
    // Names of attention for the letters of both einsums; heads of keys are g.
    auto rename = [&](StringRef term, StringRef scores, char head, char rest) {
      std::string result;
      for (char letter : term) {
        size_t at = scores.find(letter);
        if (at == StringRef::npos)
          result += rest;
        else if (static_cast<int64_t>(at) == key)
          result += 't';
        else if (static_cast<int64_t>(at) == query)
          result += 's';
        else
          result += static_cast<int64_t>(at) == batch[0] ? 'b' : head;
      }
      return result;
    };
    std::string kLayout =
        rename(isKeyLeft ? inner.lhs : inner.rhs, inner.out, 'g', 'd');
    std::string qLayout =
        rename(isKeyLeft ? inner.rhs : inner.lhs, inner.out, 'h', 'd');
    std::string vLayout = rename(v, p, 'g', 'e'),
                yLayout = rename(out, p, 'h', 'e');
    size_t full = 2 + batch.size();
    if (qLayout.size() != full || kLayout.size() != full ||
        vLayout.size() != full || yLayout.size() != full)
      return failure();
    // A mask broadcasts to b h s t in this order.
    bool isOrdered = key == static_cast<int64_t>(rank) - 1 && query == key - 1;
    double one = 1;
    Value k = lookThrough(isKeyLeft ? product.getLhs() : product.getRhs(),
                          kLayout, scale);
    Value q = lookThrough(isKeyLeft ? product.getRhs() : product.getLhs(),
                          qLayout, scale);
    Value vs = lookThrough(values, vLayout, one);
    if (one != 1) {
      // A factor of the values stays where it is.
      vs = values;
      vLayout = rename(v, p, 'g', 'e');
    }
    Mask simple;
    if (mask) {
      SmallVector<DimExprAttr> dims = getDims(softmax.getType());
      if (!isOrdered)
        return failure();
      simple = simplifyMask(mask, dims[query], dims[key]);
    }
    // One transpose behind goes into the result's layout.
    Operation *last = op;
    if (op->hasOneUse())
      if (auto transpose = dyn_cast<TransposeOp>(*op->user_begin())) {
        std::string permuted;
        for (int64_t dim : transpose.getPerm())
          permuted += yLayout[dim];
        yLayout = permuted;
        last = transpose;
      }
    rewriter.setInsertionPoint(op);
    rewriter.replaceOp(
        last, AttentionOp::create(rewriter, op.getLoc(), q, k, vs, simple.value,
                                  qLayout, kLayout, vLayout, yLayout,
                                  APFloat(scale), simple.isCausal, isGuarded)
                  .getResult());
    return success();
  }
};
} // namespace

void actnet::graph::populateAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<RecomposeAttention>(patterns.getContext());
}
