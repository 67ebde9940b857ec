//===- Folding.cpp - what the folders share -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Folding.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Graph/IR/Evaluate.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"

using namespace mlir;
using namespace actnet::graph;

/// The bytes of a static tensor; nothing where it is dynamic.
static std::optional<int64_t> bytesOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape())
    return std::nullopt;
  DimExprAttr count = dimProduct(tensor.getContext(), getDims(tensor));
  return dimMul(count, dimConstant(tensor.getContext(),
                                   getElementBytes(tensor.getElementType())))
      .getValue();
}

OpFoldResult actnet::graph::foldConstants(Operation *op,
                                          ArrayRef<Attribute> operands) {
  std::optional<int64_t> bytes = bytesOf(op->getResult(0).getType());
  if (!bytes || *bytes > kFoldLimitBytes)
    return {};
  SmallVector<HostTensor> tensors;
  for (auto [value, attribute] : llvm::zip(op->getOperands(), operands)) {
    std::optional<int64_t> size = bytesOf(value.getType());
    if (!attribute || !size || *size > kFoldOperandLimitBytes)
      return {};
    // A weight that can't be read is reported by whoever needs it.
    auto tensor =
        evaluateConstant(attribute, cast<RankedTensorType>(value.getType()),
                         [] { return InFlightDiagnostic(); });
    if (failed(tensor))
      return {};
    tensors.push_back(std::move(*tensor));
  }
  FailureOr<HostTensor> result = evaluate(op, tensors, {}, /*isQuiet=*/true);
  if (failed(result))
    return {};
  return toDenseElements(*result);
}

/// Is the attribute, or the splat it holds, equal to `value` everywhere?
static bool isSplatOf(Attribute attribute, double value) {
  auto dense = dyn_cast_or_null<DenseElementsAttr>(attribute);
  if (!dense || !dense.isSplat())
    return false;
  if (isa<FloatType>(dense.getElementType()))
    return dense.getSplatValue<APFloat>().isExactlyValue(value);
  return dense.getElementType().isIntOrIndex() &&
         dense.getSplatValue<APInt>() == static_cast<uint64_t>(value);
}

/// The operand that a neutral other operand leaves, if it has the result's
/// type.
static Value foldNeutral(Operation *op, ArrayRef<Attribute> operands) {
  auto keep = [&](unsigned kept, unsigned neutral, double value) -> Value {
    if (op->getOperand(kept).getType() == op->getResult(0).getType() &&
        isSplatOf(operands[neutral], value))
      return op->getOperand(kept);
    return {};
  };
  if (isa<AddOp>(op)) {
    // x + 0 keeps every x but -0, which compares equal.
    Value kept = keep(0, 1, 0);
    return kept ? kept : keep(1, 0, 0);
  }
  if (isa<MulOp>(op)) {
    Value kept = keep(0, 1, 1);
    return kept ? kept : keep(1, 0, 1);
  }
  if (isa<SubOp>(op))
    return keep(0, 1, 0);
  if (isa<DivOp, PowOp>(op))
    return keep(0, 1, 1);
  return {};
}

OpFoldResult actnet::graph::foldElementwise(Operation *op,
                                            ArrayRef<Attribute> operands) {
  if (operands.size() == 2)
    if (Value kept = foldNeutral(op, operands))
      return kept;
  return foldConstants(op, operands);
}
