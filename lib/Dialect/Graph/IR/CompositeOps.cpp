//===- CompositeOps.cpp - softmax, norms, gelu, attention -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Inference.h"

#include "actnet/Dialect/Graph/IR/Contract.h"

using namespace mlir;
using namespace actnet::graph;

template <typename OpTy>
static LogicalResult
inferSoftmax(MLIRContext *context, std::optional<Location> location,
             ValueRange operands, DictionaryAttr attributes,
             OpaqueProperties properties, SmallVectorImpl<Type> &results) {
  Inference inference(OpTy::getOperationName(), location, operands);
  auto known = propertiesOf<OpTy>(location, context, attributes, properties);
  RankedTensorType type = inference.tensor(0);
  if (failed(known) || !type ||
      failed(requireAttributes(inference, {{"axis", known->axis}})) ||
      failed(inference.inRank("C1", known->axis.getInt(), type.getRank())) ||
      failed(inference.isFloat("C2", type.getElementType())))
    return failure();
  results.push_back(type);
  return success();
}

ACTNET_INFER(SoftmaxOp) {
  return inferSoftmax<SoftmaxOp>(context, location, operands, attributes,
                                 properties, results);
}

ACTNET_INFER(LogSoftmaxOp) {
  return inferSoftmax<LogSoftmaxOp>(context, location, operands, attributes,
                                    properties, results);
}

ACTNET_INFER(GeluOp) {
  Inference inference(getOperationName(), location, operands);
  RankedTensorType type = inference.tensor(0);
  if (!type || failed(inference.isFloat("C1", type.getElementType())))
    return failure();
  results.push_back(type);
  return success();
}

/// C1 to C3 of layer_norm and rms_norm.
template <typename OpTy>
static LogicalResult
inferRowNorm(MLIRContext *context, std::optional<Location> location,
             ValueRange operands, DictionaryAttr attributes,
             OpaqueProperties properties, unsigned most,
             SmallVectorImpl<Type> &results) {
  Inference inference(OpTy::getOperationName(), location, operands);
  auto known = propertiesOf<OpTy>(location, context, attributes, properties);
  auto types = inference.tensors(1, most);
  if (failed(known) || failed(types) ||
      failed(requireAttributes(
          inference, {{"axis", known->axis}, {"epsilon", known->epsilon}})))
    return failure();
  RankedTensorType x = types->front();
  int64_t axis = known->axis.getInt();
  if (failed(inference.inRank("C1", axis, x.getRank())))
    return failure();
  SmallVector<DimExprAttr> all = getDims(x);
  SmallVector<DimExprAttr> normalized(all.begin() + axis, all.end());
  for (RankedTensorType type : llvm::drop_begin(*types)) {
    auto dims = inference.broadcast("C2", {normalized, getDims(type)});
    if (failed(dims))
      return failure();
    if (*dims != normalized)
      return inference.error(
          "C2: " + toString(getDims(type)) +
          " doesn't broadcast to the dims from the axis on, " +
          toString(normalized));
  }
  if (failed(inference.sameElementType("C3", *types)) ||
      failed(inference.isFloat("C3", x.getElementType())))
    return failure();
  results.push_back(x);
  return success();
}

ACTNET_INFER(LayerNormOp) {
  return inferRowNorm<LayerNormOp>(context, location, operands, attributes,
                                   properties, 3, results);
}

ACTNET_INFER(RmsNormOp) {
  return inferRowNorm<RmsNormOp>(context, location, operands, attributes,
                                 properties, 2, results);
}

/// Operands 1 and following have the one dim `channels`.
static LogicalResult checkPerChannel(const Inference &inference,
                                     StringRef constraint,
                                     ArrayRef<RankedTensorType> types,
                                     DimExprAttr channels) {
  for (RankedTensorType type : types.drop_front())
    if (type.getRank() != 1 || getDims(type).front() != channels)
      return inference.error(constraint + ": expected one value for each of " +
                             toString(channels) + " channels, found " +
                             toString(getDims(type)));
  return success();
}

ACTNET_INFER(BatchNormOp) {
  Inference inference(getOperationName(), location, operands);
  auto known =
      propertiesOf<BatchNormOp>(location, context, attributes, properties);
  auto types = inference.tensors(5, 5);
  if (failed(known) || failed(types) ||
      failed(requireAttributes(
          inference, {{"axis", known->axis}, {"epsilon", known->epsilon}})))
    return failure();
  RankedTensorType x = types->front();
  int64_t axis = known->axis.getInt();
  if (failed(inference.inRank("C1", axis, x.getRank())) ||
      failed(checkPerChannel(inference, "C2", *types, getDims(x)[axis])) ||
      failed(inference.sameElementType("C3", *types)) ||
      failed(inference.isFloat("C3", x.getElementType())))
    return failure();
  results.push_back(x);
  return success();
}

ACTNET_INFER(GroupNormOp) {
  Inference inference(getOperationName(), location, operands);
  auto known =
      propertiesOf<GroupNormOp>(location, context, attributes, properties);
  auto types = inference.tensors(3, 3);
  if (failed(known) || failed(types) ||
      failed(requireAttributes(
          inference, {{"groups", known->groups}, {"epsilon", known->epsilon}})))
    return failure();
  RankedTensorType x = types->front();
  if (x.getRank() < 2)
    return inference.error("C1: expected a rank of at least 2, found " +
                           Twine(x.getRank()));
  DimExprAttr channels = getDims(x)[1];
  int64_t groups = known->groups.getInt();
  if (groups < 1 ||
      constantValue(dimMod(channels, dimConstant(context, groups))) != 0)
    return inference.error("C2: " + Twine(groups) + " groups don't divide " +
                           toString(channels) + " channels");
  if (failed(checkPerChannel(inference, "C3", *types, channels)) ||
      failed(inference.sameElementType("C4", *types)) ||
      failed(inference.isFloat("C4", x.getElementType())))
    return failure();
  results.push_back(x);
  return success();
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

namespace {
/// Gathers the extents of an attention's letters from its operands.
struct AttentionDims {
  const Inference &inference;
  bool hasBatch, hasHeads;
  SmallVector<DimExprAttr> extents = SmallVector<DimExprAttr>(256);

  DimExprAttr &operator[](char letter) {
    return extents[static_cast<unsigned char>(letter)];
  }

  /// `b`, `head` where they exist, and `rest`.
  std::string letters(char head, StringRef rest) const {
    std::string result;
    if (hasBatch)
      result += 'b';
    if (hasHeads)
      result += head;
    return result + rest.str();
  }

  LogicalResult checkLayout(StringRef name, StringRef layout,
                            StringRef letters) {
    if (succeeded(layoutPositions(layout, letters)))
      return success();
    return inference.error("C1: expected " + name +
                           " to be a permutation of '" + letters +
                           "', found '" + layout + "'");
  }

  LogicalResult bind(StringRef name, StringRef layout, StringRef letters,
                     RankedTensorType type) {
    if (failed(checkLayout(name, layout, letters)))
      return failure();
    if (type.getRank() != static_cast<int64_t>(layout.size()))
      return inference.error("C1: " + name + " names " + Twine(layout.size()) +
                             " dims, the operand has rank " +
                             Twine(type.getRank()));
    for (auto [letter, dim] : llvm::zip(layout, getDims(type))) {
      DimExprAttr &extent = (*this)[letter];
      if (extent && extent != dim)
        return inference.error("C2: dim '" + Twine(letter) + "' is " +
                               toString(extent) + " and " + toString(dim));
      extent = dim;
    }
    return success();
  }
};
} // namespace

ACTNET_INFER(AttentionOp) {
  Inference inference(getOperationName(), location, operands);
  auto known =
      propertiesOf<AttentionOp>(location, context, attributes, properties);
  auto types = inference.tensors(3, 4);
  if (failed(known) || failed(types) ||
      failed(requireAttributes(inference, {{"q_layout", known->q_layout},
                                           {"k_layout", known->k_layout},
                                           {"v_layout", known->v_layout},
                                           {"y_layout", known->y_layout},
                                           {"scale", known->scale}})))
    return failure();
  StringRef q = known->q_layout.getValue(), y = known->y_layout.getValue();
  AttentionDims dims{inference, q.contains('b'), q.contains('h')};
  if (failed(dims.bind("q_layout", q, dims.letters('h', "sd"), (*types)[0])) ||
      failed(dims.bind("k_layout", known->k_layout, dims.letters('g', "td"),
                       (*types)[1])) ||
      failed(dims.bind("v_layout", known->v_layout, dims.letters('g', "te"),
                       (*types)[2])) ||
      failed(dims.checkLayout("y_layout", y, dims.letters('h', "se"))))
    return failure();
  if (dims.hasHeads && constantValue(dimMod(dims['h'], dims['g'])) != 0)
    return inference.error("C2: " + toString(dims['g']) +
                           " key heads don't divide " + toString(dims['h']) +
                           " query heads");
  ArrayRef<RankedTensorType> floats = ArrayRef(*types).take_front(3);
  if (failed(inference.sameElementType("C3", floats)) ||
      failed(inference.isFloat("C3", floats.front().getElementType())))
    return failure();
  if (types->size() == 4) {
    RankedTensorType mask = types->back();
    if (!mask.getElementType().isInteger(1) &&
        mask.getElementType() != floats.front().getElementType())
      return inference.error("C3: expected a mask of i1 or " +
                             toString(floats.front().getElementType()) +
                             ", found " + toString(mask.getElementType()));
    SmallVector<DimExprAttr> scores;
    for (char letter : dims.letters('h', "st"))
      scores.push_back(dims[letter]);
    auto joined = inference.broadcast("C2", {scores, getDims(mask)});
    if (failed(joined))
      return failure();
    if (*joined != scores)
      return inference.error("C2: the mask " + toString(getDims(mask)) +
                             " doesn't broadcast to the scores " +
                             toString(scores));
  }
  SmallVector<DimExprAttr> result;
  for (char letter : y)
    result.push_back(dims[letter]);
  results.push_back(getTensorType(result, floats.front().getElementType()));
  return success();
}
