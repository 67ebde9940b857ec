//===- Evaluate.cpp - the reference evaluator -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Graph/IR/Evaluate.h"
#include "Kernels.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace actnet::graph;
using namespace actnet::graph::eval;

/// The shape of a type under the values of dims; the name that has none in
/// `missing`.
static std::optional<SmallVector<int64_t>>
shapeOf(RankedTensorType type, const DimValues &dims, std::string &missing) {
  SmallVector<int64_t> shape;
  for (DimExprAttr dim : getDims(type)) {
    auto value =
        dimEvaluate(dim, [&](StringRef name) -> std::optional<int64_t> {
          auto it = dims.find(name);
          return it == dims.end() ? std::nullopt
                                  : std::optional<int64_t>(it->second);
        });
    if (!value) {
      missing = toString(dim);
      return std::nullopt;
    }
    shape.push_back(*value);
  }
  return shape;
}

static LogicalResult checkOperands(const Call &call) {
  Operation *op = call.op;
  if (call.operands.size() != op->getNumOperands())
    return call.error() << "it has " << op->getNumOperands() << " operands, "
                        << call.operands.size() << " were given";
  for (auto [index, value, tensor] :
       llvm::enumerate(op->getOperands(), call.operands)) {
    auto type = cast<RankedTensorType>(value.getType());
    std::string missing;
    auto shape = shapeOf(type, call.dims, missing);
    if (!shape)
      return call.error() << "dim '" << missing << "' has no value";
    if (tensor.elementType != type.getElementType() || tensor.shape != *shape)
      return call.error() << "operand " << index << " doesn't fit the type "
                          << type;
  }
  return success();
}

static Result evaluateFamily(const Call &call) {
  Operation *op = call.op;
  if (isa<ReduceOp>(op))
    return evaluateReduce(call);
  if (isa<EinsumOp, ConvOp, ConvTransposeOp, PoolOp>(op))
    return evaluateContract(call);
  if (isa<SoftmaxOp, LogSoftmaxOp, LayerNormOp, RmsNormOp, BatchNormOp,
          GroupNormOp, GeluOp, AttentionOp>(op))
    return evaluateComposite(call);
  if (isa<AssumeOp, ReshapeOp, TransposeOp, BroadcastOp, SliceOp, PadOp,
          ConcatOp, GatherOp, GatherElementsOp, IotaOp, PackOp, DimValueOp>(op))
    return evaluateMovement(call);
  if (isa<ScatterOp>(op))
    return evaluateScatter(call);
  Result result = evaluateElementwise(call);
  if (failed(result))
    return call.error() << "the evaluator doesn't know it";
  return result;
}

FailureOr<HostTensor> actnet::graph::evaluate(Operation *op,
                                              ArrayRef<HostTensor> operands,
                                              const DimValues &dims,
                                              bool isQuiet) {
  Call call{op, operands, {}, {}, dims, isQuiet};
  if (!isa_and_nonnull<GraphDialect>(op->getDialect()) ||
      op->getNumResults() != 1)
    return call.error() << "it is no graph op";
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (auto constant = dyn_cast<ConstantOp>(op))
    return evaluateConstant(constant.getValue(), type,
                            [&] { return call.error(); });
  if (failed(checkOperands(call)))
    return failure();
  std::string missing;
  auto shape = shapeOf(type, dims, missing);
  if (!shape)
    return call.error() << "dim '" << missing << "' has no value";
  for (int64_t extent : *shape)
    if (extent < 0)
      return call.error() << "a dim of the result is " << extent;
  call.elementType = type.getElementType();
  call.shape = *shape;
  return evaluateFamily(call);
}

/// Binds the dims that are names in the arguments' types, then checks shapes.
static LogicalResult bindInputs(func::FuncOp function,
                                ArrayRef<HostTensor> inputs, DimValues &dims) {
  if (inputs.size() != function.getNumArguments())
    return function.emitError("takes ")
           << function.getNumArguments() << " inputs, " << inputs.size()
           << " were given";
  auto misfit = [&](size_t index, Type type) {
    return function.emitError("input ")
           << index << " doesn't fit the type " << type;
  };
  SmallVector<RankedTensorType> types;
  for (auto [index, type] : llvm::enumerate(function.getArgumentTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.getElementType() != inputs[index].elementType ||
        tensor.getRank() != static_cast<int64_t>(inputs[index].shape.size()))
      return misfit(index, type);
    types.push_back(tensor);
    for (auto [dim, extent] : llvm::zip(getDims(tensor), inputs[index].shape))
      if (dim.isSymbol())
        dims.try_emplace(dim.getName().getValue(), extent);
  }
  for (auto [index, type] : llvm::enumerate(types)) {
    std::string missing;
    auto shape = shapeOf(type, dims, missing);
    if (!shape || *shape != inputs[index].shape)
      return misfit(index, type);
  }
  return success();
}

FailureOr<SmallVector<HostTensor>>
actnet::graph::evaluateFunction(func::FuncOp function,
                                ArrayRef<HostTensor> inputs) {
  if (function.isExternal() || !function.getBody().hasOneBlock())
    return function.emitError(
        "can't be evaluated: expected a body of one block");
  DimValues dims;
  if (failed(bindInputs(function, inputs, dims)))
    return failure();
  Block &block = function.getBody().front();
  DenseMap<Value, HostTensor> values;
  DenseMap<Value, unsigned> usesLeft;
  auto define = [&](Value value, HostTensor tensor) {
    unsigned uses = std::distance(value.use_begin(), value.use_end());
    if (uses == 0)
      return;
    usesLeft[value] = uses;
    values[value] = std::move(tensor);
  };
  for (auto [argument, input] : llvm::zip(block.getArguments(), inputs))
    define(argument, input);
  for (Operation &op : block) {
    SmallVector<HostTensor> operands;
    for (Value operand : op.getOperands()) {
      auto it = values.find(operand);
      if (it == values.end())
        return op.emitOpError(
            "can't be evaluated: it uses a value from outside");
      operands.push_back(it->second);
      if (--usesLeft[operand] == 0)
        values.erase(it);
    }
    if (isa<func::ReturnOp>(op))
      return operands;
    Result result = evaluate(&op, operands, dims);
    if (failed(result))
      return failure();
    define(op.getResult(0), std::move(*result));
  }
  return function.emitError("can't be evaluated: it doesn't return");
}
