//===- Decompose.cpp - writing composites out -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"

#include "actnet/Dialect/Graph/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/TypeSwitch.h"

#include <numbers>

namespace actnet::graph {
#define GEN_PASS_DEF_GRAPHDECOMPOSE
#include "actnet/Dialect/Graph/Transforms/Passes.h.inc"
} // namespace actnet::graph

using namespace mlir;
using namespace actnet::graph;

static SmallVector<int64_t> dimsFrom(int64_t axis, int64_t rank) {
  return llvm::to_vector(llvm::seq<int64_t>(axis, rank));
}

static Value decomposeSoftmax(GraphBuilder b, Value x, int64_t axis,
                              bool isLog) {
  Value shifted = b.binary<SubOp>(x, b.reduce(ReduceKind::max, x, axis));
  Value exponential = b.unary<ExpOp>(shifted);
  Value sum = b.reduce(ReduceKind::sum, exponential, axis);
  return isLog ? b.binary<SubOp>(shifted, b.unary<LogOp>(sum))
               : b.binary<DivOp>(exponential, sum);
}

/// x / sqrt(mean(x^2) + epsilon) over `dims`.
static Value divideByRoot(GraphBuilder b, Value x, ArrayRef<int64_t> dims,
                          double epsilon) {
  Value square = b.reduce(ReduceKind::mean, b.binary<MulOp>(x, x), dims);
  Value offset = b.scalar(GraphBuilder::typeOf(x).getElementType(), epsilon);
  return b.binary<MulOp>(x, b.unary<RsqrtOp>(b.binary<AddOp>(square, offset)));
}

static Value center(GraphBuilder b, Value x, ArrayRef<int64_t> dims) {
  return b.binary<SubOp>(x, b.reduce(ReduceKind::mean, x, dims));
}

static Value scaleAndShift(GraphBuilder b, Value x, Value scale, Value bias) {
  if (scale)
    x = b.binary<MulOp>(x, scale);
  return bias ? b.binary<AddOp>(x, bias) : x;
}

static Value decomposeBatchNorm(GraphBuilder b, BatchNormOp op) {
  int64_t axis = op.getAxis(), rank = op.getType().getRank();
  auto along = [&](Value value) { return b.alongAxis(value, axis, rank); };
  Value epsilon = b.scalar(op.getType().getElementType(),
                           op.getEpsilon().convertToDouble());
  Value root = b.unary<RsqrtOp>(b.binary<AddOp>(op.getVariance(), epsilon));
  Value centered = b.binary<SubOp>(op.getX(), along(op.getMean()));
  return scaleAndShift(b, centered, along(b.binary<MulOp>(op.getScale(), root)),
                       along(op.getBias()));
}

static Value decomposeGroupNorm(GraphBuilder b, GroupNormOp op) {
  MLIRContext *context = op.getContext();
  SmallVector<DimExprAttr> dims = getDims(op.getType());
  DimExprAttr groups = dimConstant(context, op.getGroups());
  DimExprAttr count = dimMul(dimFloorDiv(dims[1], groups),
                             dimProduct(context, ArrayRef(dims).drop_front(2)));
  Value x = b.reshape(op.getX(), {dims[0], groups, count});
  Value y = divideByRoot(b, center(b, x, {2}), {2},
                         op.getEpsilon().convertToDouble());
  int64_t rank = dims.size();
  return scaleAndShift(b, b.reshape(y, dims),
                       b.alongAxis(op.getScale(), 1, rank),
                       b.alongAxis(op.getBias(), 1, rank));
}

static Value decomposeGelu(GraphBuilder b, GeluOp op) {
  Value x = op.getX();
  Type type = op.getType().getElementType();
  Value argument = x;
  if (op.getTanhApproximation()) {
    Value cube = b.binary<MulOp>(b.binary<MulOp>(x, x), x);
    Value sum =
        b.binary<AddOp>(x, b.binary<MulOp>(cube, b.scalar(type, 0.044715)));
    argument = b.unary<TanhOp>(b.binary<MulOp>(
        sum, b.scalar(type, std::sqrt(2 * std::numbers::inv_pi))));
  } else {
    argument = b.unary<ErfOp>(
        b.binary<MulOp>(x, b.scalar(type, 1 / std::numbers::sqrt2)));
  }
  Value half = b.binary<MulOp>(x, b.scalar(type, 0.5));
  return b.binary<MulOp>(half, b.binary<AddOp>(argument, b.scalar(type, 1)));
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// Replaces the letter `h` by the two letters `gr`.
static std::string splitHeads(StringRef layout) {
  std::string result;
  for (char letter : layout)
    result += letter == 'h' ? std::string("gr") : std::string(1, letter);
  return result;
}

/// Splits dim `position` into `groups` and what is left; a dim of 1 into 1, 1.
static SmallVector<DimExprAttr> splitDim(ArrayRef<DimExprAttr> dims,
                                         size_t position, DimExprAttr groups) {
  SmallVector<DimExprAttr> result(dims);
  DimExprAttr one = dimConstant(groups.getContext(), 1);
  if (result[position] == one)
    groups = one;
  result[position] = dimFloorDiv(result[position], groups);
  result.insert(result.begin() + position, groups);
  return result;
}

/// True where key position t lies after query position s + T - S.
static Value future(GraphBuilder b, DimExprAttr S, DimExprAttr T) {
  MLIRContext *context = S.getContext();
  Type i64 = IntegerType::get(context, 64);
  DimExprAttr one = dimConstant(context, 1);
  auto positions = [&](ArrayRef<DimExprAttr> dims, int64_t axis) -> Value {
    return IotaOp::create(b.builder, b.location, getTensorType(dims, i64), axis,
                          APFloat(0.0), APFloat(1.0));
  };
  Value shift =
      DimValueOp::create(b.builder, b.location, RankedTensorType::get({}, i64),
                         DimsAttr::get(context, {dimSub(T, S)}));
  Value last = b.binary<AddOp>(positions({S, one}, 0), shift);
  return CompareOp::create(b.builder, b.location, ComparePredicate::gt,
                           positions({one, T}, 1), last);
}

static Value decomposeAttention(GraphBuilder b, AttentionOp op) {
  std::string q = op.getQLayout().str(), y = op.getYLayout().str();
  StringRef k = op.getKLayout(), v = op.getVLayout();
  auto extent = [](Value value, StringRef layout, char letter) {
    return getDims(GraphBuilder::typeOf(value))[layout.find(letter)];
  };
  DimExprAttr S = extent(op.getQ(), q, 's'), T = extent(op.getK(), k, 't');
  Value query = op.getQ(), mask = op.getMask();
  std::string scoreLetters =
      (StringRef(q).contains('b') ? "b" : "") +
      std::string(StringRef(q).contains('h') ? "hst" : "st");
  if (StringRef(q).contains('h')) {
    DimExprAttr groups = extent(op.getK(), k, 'g');
    query = b.reshape(query, splitDim(getDims(GraphBuilder::typeOf(query)),
                                      q.find('h'), groups));
    if (mask) {
      SmallVector<DimExprAttr> dims = getDims(GraphBuilder::typeOf(mask));
      dims.insert(dims.begin(), scoreLetters.size() - dims.size(),
                  dimConstant(op.getContext(), 1));
      mask = b.reshape(mask, splitDim(dims, scoreLetters.find('h'), groups));
    }
    q = splitHeads(q);
    y = splitHeads(y);
    scoreLetters = splitHeads(scoreLetters);
  }
  Type type = op.getType().getElementType();
  Value lowest = b.scalar(type, -std::numeric_limits<double>::infinity());
  Value scores =
      b.einsum(q + "," + k.str() + "->" + scoreLetters, query, op.getK());
  scores =
      b.binary<MulOp>(scores, b.scalar(type, op.getScale().convertToDouble()));
  if (mask && GraphBuilder::typeOf(mask).getElementType().isInteger(1))
    scores = SelectOp::create(b.builder, b.location, mask, scores, lowest);
  else if (mask)
    scores = b.binary<AddOp>(scores, mask);
  if (op.getCausal())
    scores = SelectOp::create(b.builder, b.location, future(b, S, T), lowest,
                              scores);
  Value weights = decomposeSoftmax(b, scores, scoreLetters.size() - 1, false);
  if (op.getGuarded())
    weights = SelectOp::create(b.builder, b.location,
                               CompareOp::create(b.builder, b.location,
                                                 ComparePredicate::ne, weights,
                                                 weights),
                               b.scalar(type, 0), weights);
  Value result =
      b.einsum(scoreLetters + "," + v.str() + "->" + y, weights, op.getV());
  return b.reshape(result, getDims(op.getType()));
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// The value that replaces a composite; null for other ops.
static Value decompose(GraphBuilder b, Operation *op) {
  return TypeSwitch<Operation *, Value>(op)
      .Case<SoftmaxOp>([&](auto s) {
        return decomposeSoftmax(b, s.getX(), s.getAxis(), false);
      })
      .Case<LogSoftmaxOp>([&](auto s) {
        return decomposeSoftmax(b, s.getX(), s.getAxis(), true);
      })
      .Case<LayerNormOp>([&](LayerNormOp n) {
        SmallVector<int64_t> dims =
            dimsFrom(n.getAxis(), n.getType().getRank());
        Value y = divideByRoot(b, center(b, n.getX(), dims), dims,
                               n.getEpsilon().convertToDouble());
        return scaleAndShift(b, y, n.getScale(), n.getBias());
      })
      .Case<RmsNormOp>([&](RmsNormOp n) {
        SmallVector<int64_t> dims =
            dimsFrom(n.getAxis(), n.getType().getRank());
        Value y =
            divideByRoot(b, n.getX(), dims, n.getEpsilon().convertToDouble());
        return scaleAndShift(b, y, n.getScale(), {});
      })
      .Case<BatchNormOp>(
          [&](BatchNormOp n) { return decomposeBatchNorm(b, n); })
      .Case<GroupNormOp>(
          [&](GroupNormOp n) { return decomposeGroupNorm(b, n); })
      .Case<GeluOp>([&](GeluOp g) { return decomposeGelu(b, g); })
      .Case<ConvTransposeOp>(
          [&](ConvTransposeOp c) { return decomposeConvTranspose(b, c); })
      .Case<AttentionOp>(
          [&](AttentionOp a) { return decomposeAttention(b, a); })
      .Default([](Operation *) { return Value(); });
}

static constexpr StringLiteral kComposites[] = {
    "attention",  "batch_norm",  "conv_transpose", "gelu",   "group_norm",
    "layer_norm", "log_softmax", "rms_norm",       "softmax"};

namespace {
struct GraphDecompose
    : actnet::graph::impl::GraphDecomposeBase<GraphDecompose> {
  using GraphDecomposeBase::GraphDecomposeBase;

  void runOnOperation() override {
    for (const std::string &name : only)
      if (!llvm::is_contained(kComposites, name)) {
        getOperation().emitError("graph-decompose: '")
            << name << "' is no composite; there are "
            << llvm::join(ArrayRef<StringLiteral>(kComposites), ", ");
        return signalPassFailure();
      }
    SmallVector<Operation *> composites;
    getOperation().walk([&](Operation *op) {
      StringRef name = op->getName().stripDialect();
      if (isa_and_nonnull<GraphDialect>(op->getDialect()) &&
          llvm::is_contained(kComposites, name) &&
          (only.empty() || llvm::is_contained(only, name)))
        composites.push_back(op);
    });
    for (Operation *op : composites) {
      OpBuilder builder(op);
      Value y = decompose({builder, op->getLoc()}, op);
      if (!y)
        return signalPassFailure();
      op->getResult(0).replaceAllUsesWith(y);
      op->erase();
    }
  }
};
} // namespace
