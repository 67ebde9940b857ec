//===- Inference.cpp - what result type inference shares ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Inference.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace actnet::graph;

std::string actnet::graph::toString(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

std::string actnet::graph::toString(DenseI64ArrayAttr values) {
  std::string text = "[";
  for (auto [index, value] : llvm::enumerate(values.asArrayRef()))
    text += (index ? ", " : "") + std::to_string(value);
  return text + "]";
}

std::string actnet::graph::toString(ArrayRef<DimExprAttr> dims) {
  std::string text = "[";
  for (auto [index, dim] : llvm::enumerate(dims))
    text += (index ? ", " : "") + toString(dim);
  return text + "]";
}

RankedTensorType Inference::tensor(unsigned i) const {
  if (i >= operands.size()) {
    (void)error("expects an operand " + Twine(i) + ", found " +
                Twine(operands.size()) + " operands");
    return {};
  }
  Type type = operands[i].getType();
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor) {
    (void)error("expects operand " + Twine(i) +
                " to be a ranked tensor, found " + toString(type));
    return {};
  }
  if (!tensor.hasStaticShape() &&
      !isa_and_nonnull<DimsAttr>(tensor.getEncoding())) {
    (void)error("operand " + Twine(i) +
                " has a dynamic dim without a name: " + toString(type));
    return {};
  }
  if (!tensor.getElementType().isIntOrFloat()) {
    (void)error("operand " + Twine(i) +
                " has an element type that is no number: " + toString(type));
    return {};
  }
  return tensor;
}

FailureOr<SmallVector<RankedTensorType>>
Inference::tensors(unsigned atLeast, unsigned atMost) const {
  if (operands.size() < atLeast || operands.size() > atMost)
    return error("expects " + Twine(atLeast) +
                 (atMost > atLeast ? " to " + std::to_string(atMost) : "") +
                 " operands, found " + Twine(operands.size()));
  SmallVector<RankedTensorType> types;
  for (unsigned i = 0, e = operands.size(); i < e; ++i) {
    RankedTensorType type = tensor(i);
    if (!type)
      return failure();
    types.push_back(type);
  }
  return types;
}

LogicalResult
Inference::sameElementType(StringRef constraint,
                           ArrayRef<RankedTensorType> types) const {
  for (RankedTensorType type : types)
    if (type.getElementType() != types.front().getElementType())
      return error(constraint + ": expected one element type, found " +
                   toString(types.front().getElementType()) + " and " +
                   toString(type.getElementType()));
  return success();
}

LogicalResult Inference::isFloat(StringRef constraint, Type type) const {
  if (isa<FloatType>(type))
    return success();
  return error(constraint + ": expected a floating point element type, found " +
               toString(type));
}

LogicalResult Inference::inRank(StringRef constraint, int64_t axis,
                                int64_t rank) const {
  if (axis >= 0 && axis < rank)
    return success();
  return error(constraint + ": axis " + Twine(axis) +
               " is outside the rank, which is " + Twine(rank));
}

FailureOr<SmallVector<DimExprAttr>>
Inference::broadcast(StringRef constraint,
                     ArrayRef<SmallVector<DimExprAttr>> shapes) const {
  SmallVector<DimExprAttr> result;
  for (const SmallVector<DimExprAttr> &shape : shapes) {
    if (shape.size() > result.size())
      result.insert(result.begin(), shape.size() - result.size(),
                    DimExprAttr());
    size_t offset = result.size() - shape.size();
    for (auto [i, dim] : llvm::enumerate(shape)) {
      DimExprAttr &known = result[offset + i];
      if (!known || constantValue(known) == 1) {
        known = dim;
      } else if (known != dim && constantValue(dim) != 1) {
        std::string all;
        for (const SmallVector<DimExprAttr> &each : shapes)
          all += (all.empty() ? "" : " and ") + toString(each);
        return error(constraint + ": shapes " + all + " don't broadcast: " +
                     toString(known) + " against " + toString(dim));
      }
    }
  }
  return result;
}

LogicalResult actnet::graph::requireAttributes(
    const Inference &inference,
    ArrayRef<std::pair<StringRef, Attribute>> attributes) {
  for (auto [name, attribute] : attributes)
    if (!attribute)
      return inference.error("requires attribute '" + name + "'");
  return success();
}
