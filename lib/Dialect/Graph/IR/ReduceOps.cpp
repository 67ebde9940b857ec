//===- ReduceOps.cpp - reductions -----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Folding.h"
#include "Inference.h"

using namespace mlir;
using namespace actnet::graph;

static LogicalResult checkElement(const Inference &inference, ReduceKind kind,
                                  Type element) {
  switch (kind) {
  case ReduceKind::any:
  case ReduceKind::all:
    if (!element.isInteger(1))
      return inference.error("C2: " + stringifyReduceKind(kind) +
                             " expects i1, found " + toString(element));
    return success();
  case ReduceKind::mean:
  case ReduceKind::l2:
  case ReduceKind::logsumexp:
    return inference.isFloat("C2", element);
  default:
    if (element.isInteger(1))
      return inference.error("C2: " + stringifyReduceKind(kind) +
                             " expects numbers, found i1");
    return success();
  }
}

ACTNET_INFER(ReduceOp) {
  Inference inference(getOperationName(), location, operands);
  auto known =
      propertiesOf<ReduceOp>(location, context, attributes, properties);
  RankedTensorType type = inference.tensor(0);
  if (failed(known) || !type ||
      failed(requireAttributes(inference,
                               {{"kind", known->kind}, {"dims", known->dims}})))
    return failure();
  int64_t previous = -1;
  for (int64_t dim : known->dims.asArrayRef()) {
    if (dim <= previous || dim >= type.getRank())
      return inference.error("C1: expected distinct, sorted dims within rank " +
                             Twine(type.getRank()) + ", found " + Twine(dim) +
                             (previous >= 0
                                  ? " after " + std::to_string(previous)
                                  : std::string()));
    previous = dim;
  }
  if (failed(checkElement(inference, known->kind.getValue(),
                          type.getElementType())))
    return failure();
  SmallVector<DimExprAttr> dims;
  for (auto [index, dim] : llvm::enumerate(graph::getDims(type))) {
    if (!llvm::is_contained(known->dims.asArrayRef(), index))
      dims.push_back(dim);
    else if (known->keepdims)
      dims.push_back(dimConstant(context, 1));
  }
  results.push_back(getTensorType(dims, type.getElementType()));
  return success();
}

OpFoldResult ReduceOp::fold(FoldAdaptor adaptor) {
  return foldConstants(*this, adaptor.getOperands());
}
