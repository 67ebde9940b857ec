//===- ActorRecords.cpp - verifiers of the command records ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Actor/IR/ActorOps.h"
#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Kernel/IR/KernelOps.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::actor;

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel =
      symbols.lookupNearestSymbolFrom<kernel::FuncOp>(*this, getCalleeAttr());
  if (!kernel)
    return emitOpError("C1: ") << getCalleeAttr() << " is no kernel.func";
  FunctionType type = kernel.getFunctionType();
  size_t tensors =
      llvm::count_if(type.getInputs(), llvm::IsaPred<RankedTensorType>);
  size_t dims = type.getNumInputs() - tensors;
  if (getOperands().size() != tensors + type.getNumResults())
    return emitOpError("C2: has ")
           << getOperands().size() << " operands, " << getCalleeAttr()
           << " has " << tensors << " tensors and " << type.getNumResults()
           << " results";
  if (getDims().size() != dims)
    return emitOpError("C2: has ")
           << getDims().size() << " dims, " << getCalleeAttr() << " has "
           << dims << " index arguments";
  for (Value result : getOperands().drop_front(tensors)) {
    BufferOp root = getRoot(result);
    if (root.getRegion() == Region::weight || root.getRegion() == Region::input)
      return emitOpError("C3: a result lies in ")
             << stringifyRegion(root.getRegion());
  }
  return success();
}

/// Whether `bytes` is more than the slot holds, as far as constants tell.
static bool exceeds(graph::DimExprAttr bytes, Value slot) {
  auto count = graph::constantValue(bytes),
       size = graph::constantValue(getSlotSize(slot));
  return count && (*count < 0 || (size && *count > *size));
}

LogicalResult CopyOp::verify() {
  if (exceeds(getBytes(), getSrc()) || exceeds(getBytes(), getDst()))
    return emitOpError("C1: copies more bytes than a slot holds");
  if (getRoot(getDst()).getRegion() == Region::weight)
    return emitOpError("C2: writes to a weight");
  return success();
}

LogicalResult FillOp::verify() {
  int64_t width = getWidth();
  if (width != 1 && width != 2 && width != 4 && width != 8)
    return emitOpError("C1: the width is ") << width << ", not 1, 2, 4 or 8";
  if (exceeds(getBytes(), getDst()))
    return emitOpError("C2: fills more bytes than the slot holds");
  if (getRoot(getDst()).getRegion() == Region::weight)
    return emitOpError("C3: writes to a weight");
  return success();
}

LogicalResult BranchOp::verify() {
  if (getBlocks().empty() || (getType().isInteger(1) && getBlocks().size() > 2))
    return emitOpError("C1: has ") << getBlocks().size() << " blocks";
  if (!getType().isInteger(1) && !getType().isInteger(32) &&
      !getType().isInteger(64))
    return emitOpError("C2: chooses by ")
           << getType() << ", not by i1, i32 or i64";
  return success();
}

LogicalResult LoopOp::verify() {
  if (!getTrips() && !getCondition())
    return emitOpError("C1: has neither trips nor a condition");
  for (Value slot : getCarried())
    if (!slot.getDefiningOp<BufferOp>())
      return emitOpError("C2: carries a view");
  return success();
}
