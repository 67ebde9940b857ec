//===- MovementOps.cpp - data movement ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Folding.h"
#include "Inference.h"

using namespace mlir;
using namespace actnet::graph;

//===----------------------------------------------------------------------===//
// Ops with a result type of their own
//===----------------------------------------------------------------------===//

/// Checks that a result's dynamic dims have names.
static LogicalResult verifyNamed(Operation *op) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (type.hasStaticShape() || isa_and_nonnull<DimsAttr>(type.getEncoding()))
    return success();
  return op->emitOpError("has a result with a dynamic dim without a name: ")
         << type;
}

LogicalResult ReshapeOp::verify() {
  RankedTensorType from = getX().getType(), to = getType();
  if (failed(verifyNamed(*this)))
    return failure();
  if (from.getElementType() != to.getElementType())
    return emitOpError("C1: expected one element type, found ")
           << from.getElementType() << " and " << to.getElementType();
  DimExprAttr before = dimProduct(getContext(), getDims(from));
  DimExprAttr after = dimProduct(getContext(), getDims(to));
  if (before != after)
    return emitOpError("C2: the operand has ")
           << toString(before) << " elements, the result " << toString(after);
  return success();
}

LogicalResult AssumeOp::verify() {
  RankedTensorType from = getX().getType(), to = getType();
  if (failed(verifyNamed(*this)))
    return failure();
  if (from.getElementType() != to.getElementType() ||
      from.getRank() != to.getRank())
    return emitOpError("C1: expected one element type and rank, found ")
           << from << " and " << to;
  for (auto [i, pair] : llvm::enumerate(llvm::zip(getDims(from), getDims(to))))
    if (auto [x, y] = pair; x != y && x.isConstant() && y.isConstant())
      return emitOpError("C2: dim ") << i << " is " << toString(x)
                                     << " and can never be " << toString(y);
  return success();
}

LogicalResult BroadcastOp::verify() {
  RankedTensorType from = getX().getType(), to = getType();
  if (failed(verifyNamed(*this)))
    return failure();
  if (from.getElementType() != to.getElementType())
    return emitOpError("C1: expected one element type, found ")
           << from.getElementType() << " and " << to.getElementType();
  SmallVector<DimExprAttr> x = getDims(from), y = getDims(to);
  if (x.size() > y.size())
    return emitOpError("C2: the operand's rank ")
           << x.size() << " is above the result's, which is " << y.size();
  for (auto [i, dim] : llvm::enumerate(x)) {
    DimExprAttr target = y[y.size() - x.size() + i];
    if (dim != target && constantValue(dim) != 1)
      return emitOpError("C2: dim ")
             << i << " of the operand is " << toString(dim)
             << ", expected 1 or " << toString(target);
  }
  return success();
}

LogicalResult IotaOp::verify() {
  if (failed(verifyNamed(*this)))
    return failure();
  int64_t axis = getAxis();
  if (axis < 0 || axis >= getType().getRank())
    return emitOpError("C1: axis ")
           << axis << " is outside the rank, which is " << getType().getRank();
  if (getType().getElementType().isInteger(1))
    return emitOpError("C2: expected a number, found i1");
  return success();
}

//===----------------------------------------------------------------------===//
// Inferred ops
//===----------------------------------------------------------------------===//

ACTNET_INFER(TransposeOp) {
  Inference inference(getOperationName(), location, operands);
  auto known =
      propertiesOf<TransposeOp>(location, context, attributes, properties);
  RankedTensorType type = inference.tensor(0);
  if (failed(known) || !type ||
      failed(requireAttributes(inference, {{"perm", known->perm}})))
    return failure();
  ArrayRef<int64_t> perm = known->perm;
  SmallVector<DimExprAttr> from = getDims(type), dims;
  SmallVector<bool> isSeen(from.size(), false);
  bool isPermutation = perm.size() == from.size();
  for (int64_t dim : perm) {
    if (!isPermutation || dim < 0 || dim >= type.getRank() || isSeen[dim]) {
      isPermutation = false;
      break;
    }
    isSeen[dim] = true;
    dims.push_back(from[dim]);
  }
  if (!isPermutation)
    return inference.error("C1: expected a permutation of " +
                           Twine(from.size()) + " dims, found " +
                           toString(known->perm));
  results.push_back(getTensorType(dims, type.getElementType()));
  return success();
}

ACTNET_INFER(SliceOp) {
  Inference inference(getOperationName(), location, operands);
  auto known = propertiesOf<SliceOp>(location, context, attributes, properties);
  RankedTensorType type = inference.tensor(0);
  if (failed(known) || !type ||
      failed(requireAttributes(inference, {{"starts", known->starts},
                                           {"sizes", known->sizes},
                                           {"steps", known->steps}})))
    return failure();
  ArrayRef<DimExprAttr> starts = known->starts.getDims();
  ArrayRef<DimExprAttr> sizes = known->sizes.getDims();
  ArrayRef<int64_t> steps = known->steps;
  SmallVector<DimExprAttr> dims = getDims(type);
  if (starts.size() != dims.size() || sizes.size() != dims.size() ||
      steps.size() != dims.size())
    return inference.error("C1: expected " + Twine(dims.size()) +
                           " starts, sizes and steps, found " +
                           Twine(starts.size()) + ", " + Twine(sizes.size()) +
                           " and " + Twine(steps.size()));
  for (size_t i = 0; i < dims.size(); ++i) {
    if (steps[i] == 0)
      return inference.error("C2: step of dim " + Twine(i) + " is zero");
    DimExprAttr one = dimConstant(context, 1);
    DimExprAttr last =
        dimAdd(starts[i],
               dimMul(dimSub(sizes[i], one), dimConstant(context, steps[i])));
    if (constantValue(sizes[i]) == 0)
      continue;
    if (sizes[i].isConstant() && sizes[i].getValue() < 0)
      return inference.error("C3: size " + toString(sizes[i]) + " of dim " +
                             Twine(i) + " is negative");
    DimExprAttr room = dimSub(dims[i], last);
    for (DimExprAttr bound : {starts[i], last, dimSub(room, one),
                              dimSub(dimSub(dims[i], starts[i]), one)})
      if (bound.isConstant() && bound.getValue() < 0)
        return inference.error("C3: the part from " + toString(starts[i]) +
                               " to " + toString(last) + " lies outside dim " +
                               Twine(i) + ", which is " + toString(dims[i]));
  }
  results.push_back(getTensorType(sizes, type.getElementType()));
  return success();
}

ACTNET_INFER(PadOp) {
  Inference inference(getOperationName(), location, operands);
  auto known = propertiesOf<PadOp>(location, context, attributes, properties);
  RankedTensorType type = inference.tensor(0);
  if (failed(known) || !type ||
      failed(requireAttributes(inference, {{"low", known->low},
                                           {"high", known->high},
                                           {"mode", known->mode},
                                           {"value", known->value}})))
    return failure();
  ArrayRef<int64_t> low = known->low, high = known->high;
  SmallVector<DimExprAttr> dims = getDims(type);
  if (low.size() != dims.size() || high.size() != dims.size())
    return inference.error("C1: expected " + Twine(dims.size()) +
                           " low and high, found " + Twine(low.size()) +
                           " and " + Twine(high.size()));
  PadMode mode = known->mode.getValue();
  for (size_t i = 0; i < dims.size(); ++i) {
    if (low[i] < 0 || high[i] < 0)
      return inference.error("C1: padding of dim " + Twine(i) + " is negative");
    int64_t most = std::max(low[i], high[i]);
    std::optional<int64_t> extent = constantValue(dims[i]);
    int64_t room = extent ? *extent - (mode == PadMode::reflect) : INT64_MAX;
    if ((mode == PadMode::reflect || mode == PadMode::wrap) && most > room)
      return inference.error("C2: " + stringifyPadMode(mode) + " can't add " +
                             Twine(most) + " to dim " + Twine(i) +
                             ", which is " + toString(dims[i]));
    dims[i] = dimAdd(dims[i], dimAdd(dimConstant(context, low[i]),
                                     dimConstant(context, high[i])));
  }
  results.push_back(getTensorType(dims, type.getElementType()));
  return success();
}

ACTNET_INFER(ConcatOp) {
  Inference inference(getOperationName(), location, operands);
  auto known =
      propertiesOf<ConcatOp>(location, context, attributes, properties);
  if (failed(known))
    return failure();
  if (operands.empty())
    return inference.error("C1: expected at least one operand");
  auto types = inference.tensors(1, operands.size());
  if (failed(types) ||
      failed(requireAttributes(inference, {{"axis", known->axis}})) ||
      failed(inference.sameElementType("C2", *types)))
    return failure();
  int64_t axis = known->axis.getInt();
  SmallVector<DimExprAttr> dims = getDims(types->front());
  if (failed(inference.inRank("C2", axis, dims.size())))
    return failure();
  for (RankedTensorType type : llvm::drop_begin(*types)) {
    SmallVector<DimExprAttr> other = getDims(type);
    bool agrees = other.size() == dims.size();
    for (size_t i = 0; agrees && i < dims.size(); ++i)
      agrees = static_cast<int64_t>(i) == axis || dims[i] == other[i];
    if (!agrees)
      return inference.error("C2: expected the same dims but for axis " +
                             Twine(axis) + ", found " +
                             toString(getDims(types->front())) + " and " +
                             toString(other));
    dims[axis] = dimAdd(dims[axis], other[axis]);
  }
  results.push_back(getTensorType(dims, types->front().getElementType()));
  return success();
}

/// C1 and C2 of both gathers: indices are numbers, the axis is within the data.
static LogicalResult checkGather(const Inference &inference,
                                 RankedTensorType data,
                                 RankedTensorType indices, int64_t axis) {
  Type index = indices.getElementType();
  if (!index.isSignlessInteger(32) && !index.isSignlessInteger(64))
    return inference.error("C1: expected indices of i32 or i64, found " +
                           toString(index));
  return inference.inRank("C2", axis, data.getRank());
}

ACTNET_INFER(GatherOp) {
  Inference inference(getOperationName(), location, operands);
  auto known =
      propertiesOf<GatherOp>(location, context, attributes, properties);
  auto types = inference.tensors(2, 2);
  if (failed(known) || failed(types) ||
      failed(requireAttributes(inference, {{"axis", known->axis}})))
    return failure();
  auto [data, indices] = std::pair((*types)[0], (*types)[1]);
  int64_t axis = known->axis.getInt();
  if (failed(checkGather(inference, data, indices, axis)))
    return failure();
  SmallVector<DimExprAttr> from = getDims(data), middle = getDims(indices);
  SmallVector<DimExprAttr> dims(from.begin(), from.begin() + axis);
  llvm::append_range(dims, middle);
  dims.append(from.begin() + axis + 1, from.end());
  results.push_back(getTensorType(dims, data.getElementType()));
  return success();
}

ACTNET_INFER(GatherElementsOp) {
  Inference inference(getOperationName(), location, operands);
  auto known =
      propertiesOf<GatherElementsOp>(location, context, attributes, properties);
  auto types = inference.tensors(2, 2);
  if (failed(known) || failed(types) ||
      failed(requireAttributes(inference, {{"axis", known->axis}})))
    return failure();
  auto [data, indices] = std::pair((*types)[0], (*types)[1]);
  int64_t axis = known->axis.getInt();
  if (failed(checkGather(inference, data, indices, axis)))
    return failure();
  SmallVector<DimExprAttr> from = getDims(data), dims = getDims(indices);
  bool isWithin = from.size() == dims.size();
  for (size_t i = 0; isWithin && i < dims.size(); ++i) {
    std::optional<int64_t> extent = constantValue(from[i]);
    std::optional<int64_t> wanted = constantValue(dims[i]);
    isWithin = static_cast<int64_t>(i) == axis || dims[i] == from[i] ||
               (extent && wanted && *wanted <= *extent);
  }
  if (!isWithin)
    return inference.error("C3: indices of dims " + toString(dims) +
                           " don't lie within data of dims " + toString(from));
  results.push_back(getTensorType(dims, data.getElementType()));
  return success();
}

ACTNET_INFER(ScatterOp) {
  Inference inference(getOperationName(), location, operands);
  auto known =
      propertiesOf<ScatterOp>(location, context, attributes, properties);
  auto types = inference.tensors(3, 3);
  if (failed(known) || failed(types) ||
      failed(requireAttributes(inference,
                               {{"kind", known->kind}, {"axis", known->axis}})))
    return failure();
  RankedTensorType data = (*types)[0], indices = (*types)[1],
                   updates = (*types)[2];
  int64_t axis = known->axis.getInt();
  if (failed(checkGather(inference, data, indices, axis)) ||
      failed(inference.sameElementType("C3", {data, updates})))
    return failure();
  SmallVector<DimExprAttr> to = getDims(data), from = getDims(updates),
                           at = getDims(indices);
  bool fits = to.size() == from.size();
  for (size_t i = 0; fits && i < to.size(); ++i)
    fits = static_cast<int64_t>(i) == axis || to[i] == from[i];
  if (!fits)
    return inference.error("C3: expected updates of the dims of data but for "
                           "axis " +
                           Twine(axis) + ", found " + toString(to) + " and " +
                           toString(from));
  if (at != from && (at.size() != 1 || at[0] != from[axis]))
    return inference.error("C4: expected indices of the dims of updates, " +
                           toString(from) + ", or of their dim " + Twine(axis) +
                           ", found " + toString(at));
  if (known->kind.getValue() != ScatterKind::set &&
      data.getElementType().isInteger(1))
    return inference.error(
        "C5: " + stringifyScatterKind(known->kind.getValue()) +
        " expects numbers, found i1");
  results.push_back(data);
  return success();
}

ACTNET_INFER(PackOp) {
  Inference inference(getOperationName(), location, operands);
  auto known = propertiesOf<PackOp>(location, context, attributes, properties);
  RankedTensorType type = inference.tensor(0);
  if (failed(known) || !type ||
      failed(requireAttributes(
          inference, {{"axis", known->axis}, {"tile", known->tile}})) ||
      failed(inference.inRank("C1", known->axis.getInt(), type.getRank())))
    return failure();
  int64_t axis = known->axis.getInt(), tile = known->tile.getInt();
  if (tile < 1)
    return inference.error("C2: expected a positive tile, found " +
                           Twine(tile));
  SmallVector<DimExprAttr> dims = getDims(type);
  DimExprAttr blocks = dimCeilDiv(dims[axis], dimConstant(context, tile));
  dims.erase(dims.begin() + axis);
  dims.insert(dims.begin(), blocks);
  dims.push_back(dimConstant(context, tile));
  results.push_back(getTensorType(dims, type.getElementType()));
  return success();
}
