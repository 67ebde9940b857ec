//===- ImportReduceNorm.cpp - reductions, softmax, norms ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Importer.h"

using namespace mlir;

namespace actnet::onnx {

static LogicalResult finish(NodeImport &n, FailureOr<Value> y) {
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

/// A reduction along no dim at all: of each element alone.
static FailureOr<Value> reductionOfNone(NodeImport &n, graph::ReduceKind kind,
                                        Value x) {
  if (kind == graph::ReduceKind::l1 || kind == graph::ReduceKind::l2)
    return n.create<graph::AbsOp>(x);
  if (kind == graph::ReduceKind::sumsq)
    return n.create<graph::MulOp>({x, x});
  if (n.node.opType == "ReduceLogSum")
    return n.create<graph::LogOp>(x);
  return x;
}

/// Axes are an operand from opset 18 on (ReduceSum: 13), an attribute before.
template <graph::ReduceKind kind> static LogicalResult reduce(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  int64_t rank = n.type(*x).getRank();
  SmallVector<int64_t> axes =
      n.intsAttr("axes").value_or(SmallVector<int64_t>());
  if (n.has(1)) {
    FailureOr<SmallVector<int64_t>> v = n.needIntegers(1, "axes");
    if (failed(v))
      return failure();
    axes = *v;
  }
  if (axes.empty()) {
    if (n.intAttr("noop_with_empty_axes", 0))
      return finish(n, reductionOfNone(n, kind, *x));
    axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  }
  for (int64_t &a : axes) {
    FailureOr<int64_t> axis = n.axis(a, rank);
    if (failed(axis))
      return failure();
    a = *axis;
  }
  llvm::sort(axes);
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  SmallVector<NamedAttribute> attributes = {
      n.named("kind", graph::ReduceKindAttr::get(n.b.getContext(), kind)),
      n.named("dims", n.b.getDenseI64ArrayAttr(axes))};
  if (n.intAttr("keepdims", 1))
    attributes.push_back(n.named("keepdims", n.b.getUnitAttr()));
  FailureOr<Value> y = n.create<graph::ReduceOp>(*x, attributes);
  if (succeeded(y) && n.node.opType == "ReduceLogSum")
    y = n.create<graph::LogOp>(*y);
  return finish(n, y);
}

/// Before opset 13 softmax flattened the dims from axis on into one.
template <typename OpTy> static LogicalResult softmax(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  SmallVector<DimExprAttr> in = n.dims(*x);
  bool old = n.opset < 13;
  FailureOr<int64_t> axis = n.axis(n.intAttr("axis", old ? 1 : -1), in.size());
  if (failed(axis))
    return failure();
  Value v = *x;
  int64_t along = *axis;
  if (old && along != static_cast<int64_t>(in.size()) - 1) {
    MLIRContext *context = n.b.getContext();
    ArrayRef<DimExprAttr> all(in);
    v = n.reshape(v, {graph::dimProduct(context, all.take_front(along)),
                      graph::dimProduct(context, all.drop_front(along))});
    along = 1;
  }
  FailureOr<Value> y =
      n.create<OpTy>(v, n.named("axis", n.b.getI64IntegerAttr(along)));
  if (failed(y))
    return failure();
  n.result(0, n.reshape(*y, in));
  return success();
}

static LogicalResult batchNorm(NodeImport &n) {
  SmallVector<Value> operands;
  for (unsigned i = 0; i < 5; ++i) {
    FailureOr<Value> v = n.value(i);
    if (failed(v))
      return failure();
    operands.push_back(*v);
  }
  if (n.intAttr("training_mode", 0))
    return n.error() << "training_mode is not supported";
  if (!n.intAttr("spatial", 1))
    return n.error() << "spatial must be 1";
  if (n.type(operands[0]).getRank() < 2)
    return n.error() << "the input must have rank 2 or more";
  return finish(
      n, n.create<graph::BatchNormOp>(
             operands, {n.named("axis", n.b.getI64IntegerAttr(1)),
                        n.named("epsilon", n.b.getF64FloatAttr(n.floatAttr(
                                               "epsilon", 1e-5)))}));
}

template <typename OpTy> static LogicalResult rowNorm(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  if (n.node.outputs.size() > 1 && !n.node.outputs[1].empty())
    return n.error() << "the outputs Mean and InvStdDev are not supported";
  FailureOr<int64_t> axis = n.axis(n.intAttr("axis", -1), n.type(*x).getRank());
  if (failed(axis))
    return failure();
  SmallVector<Value> operands{*x};
  SmallVector<int32_t> segments{1};
  constexpr unsigned parameters =
      std::is_same_v<OpTy, graph::LayerNormOp> ? 2 : 1;
  for (unsigned i = 1; i <= parameters; ++i) {
    segments.push_back(n.has(i));
    if (!n.has(i))
      continue;
    FailureOr<Value> v = n.value(i);
    if (failed(v))
      return failure();
    operands.push_back(*v);
  }
  SmallVector<NamedAttribute> attributes = {
      n.named("axis", n.b.getI64IntegerAttr(*axis)),
      n.named("epsilon", n.b.getF64FloatAttr(n.floatAttr("epsilon", 1e-5)))};
  if (parameters == 2)
    attributes.push_back(
        n.named("operandSegmentSizes", n.b.getDenseI32ArrayAttr(segments)));
  return finish(n, n.create<OpTy>(operands, attributes));
}

template <bool instance> static LogicalResult groupNorm(NodeImport &n) {
  FailureOr<Value> x = n.value(0), scale = n.value(1), bias = n.value(2);
  if (failed(x) || failed(scale) || failed(bias))
    return failure();
  if (n.type(*x).getRank() < 2)
    return n.error() << "the input must have rank 2 or more";
  int64_t groups = n.intAttr("num_groups", 0);
  if (instance) {
    std::optional<int64_t> channels = graph::constantValue(n.dims(*x)[1]);
    if (!channels)
      return n.error() << "the number of channels must be static";
    groups = *channels;
  } else if (groups < 1) {
    return n.error() << "num_groups: expected 1 or more, found " << groups;
  } else if (n.opset < 21) {
    // Until opset 20 scale and bias are those of groups, not of channels.
    std::optional<int64_t> channels = graph::constantValue(n.dims(*x)[1]);
    if (!channels || *channels % groups != 0)
      return n.error() << "the channels, " << graph::toString(n.dims(*x)[1])
                       << ", must be a static multiple of num_groups, "
                       << groups;
    for (FailureOr<Value> *v : {&scale, &bias}) {
      SmallVector<DimExprAttr> given = n.dims(**v);
      if (given.size() != 1 || given[0] != n.dim(groups))
        return n.error() << "before opset 21 scale and bias have one value for "
                            "each of num_groups, "
                         << groups << ", groups; found " << n.type(**v);
      Value column = n.reshape(**v, {n.dim(groups), n.dim(1)});
      RankedTensorType wide =
          graph::getTensorType({n.dim(groups), n.dim(*channels / groups)},
                               n.type(column).getElementType());
      if (wide != column.getType())
        column = graph::BroadcastOp::create(n.b, n.loc, wide, column);
      *v = n.reshape(column, n.dim(*channels));
    }
  }
  return finish(n, n.create<graph::GroupNormOp>(
                       {*x, *scale, *bias},
                       {n.named("groups", n.b.getI64IntegerAttr(groups)),
                        n.named("epsilon", n.b.getF64FloatAttr(n.floatAttr(
                                               "epsilon", 1e-5)))}));
}

void addReduceAndNorm(ImportTable &table) {
  table["ReduceSum"] = reduce<graph::ReduceKind::sum>;
  table["ReduceMean"] = reduce<graph::ReduceKind::mean>;
  table["ReduceMax"] = reduce<graph::ReduceKind::max>;
  table["ReduceMin"] = reduce<graph::ReduceKind::min>;
  table["ReduceProd"] = reduce<graph::ReduceKind::prod>;
  table["ReduceL1"] = reduce<graph::ReduceKind::l1>;
  table["ReduceL2"] = reduce<graph::ReduceKind::l2>;
  table["ReduceSumSquare"] = reduce<graph::ReduceKind::sumsq>;
  table["ReduceLogSum"] = reduce<graph::ReduceKind::sum>;
  table["ReduceLogSumExp"] = reduce<graph::ReduceKind::logsumexp>;
  table["Softmax"] = softmax<graph::SoftmaxOp>;
  table["LogSoftmax"] = softmax<graph::LogSoftmaxOp>;
  table["BatchNormalization"] = batchNorm;
  table["LayerNormalization"] = rowNorm<graph::LayerNormOp>;
  table["RMSNormalization"] = rowNorm<graph::RmsNormOp>;
  table["InstanceNormalization"] = groupNorm<true>;
  table["GroupNormalization"] = groupNorm<false>;
}

} // namespace actnet::onnx
