//===- ActorRecords.cpp - verifiers of the command records ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Actor/IR/ActorOps.h"
#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Kernel/IR/KernelOps.h"
#include "actnet/Package/LibraryCall.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::actor;

/// The constraints of a launch; `codes` are their numbers: the kernel, the
/// counts, the regions of results.
static LogicalResult verifyLaunch(Operation *op, FlatSymbolRefAttr callee,
                                  OperandRange operands, size_t numDims,
                                  ArrayRef<StringRef> codes,
                                  SymbolTableCollection &symbols) {
  auto kernel = symbols.lookupNearestSymbolFrom<kernel::FuncOp>(op, callee);
  if (!kernel)
    return op->emitOpError(codes[0]) << ": " << callee << " is no kernel.func";
  FunctionType type = kernel.getFunctionType();
  size_t tensors =
      llvm::count_if(type.getInputs(), llvm::IsaPred<RankedTensorType>);
  size_t dims = type.getNumInputs() - tensors;
  if (operands.size() != tensors + type.getNumResults())
    return op->emitOpError(codes[1])
           << ": has " << operands.size() << " operands, " << callee << " has "
           << tensors << " tensors and " << type.getNumResults() << " results";
  if (numDims != dims)
    return op->emitOpError(codes[1])
           << ": has " << numDims << " dims, " << callee << " has " << dims
           << " index arguments";
  for (Value result : operands.drop_front(tensors)) {
    BufferOp root = getRoot(result);
    if (root.getRegion() == actor::Region::weight ||
        root.getRegion() == actor::Region::input)
      return op->emitOpError(codes[2])
             << ": a result lies in " << stringifyRegion(root.getRegion());
  }
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  return verifyLaunch(*this, getCalleeAttr(), getOperands(), getDims().size(),
                      {"C1", "C2", "C3"}, symbols);
}

LogicalResult CallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!getFallbackAttr())
    return success();
  // Inputs and outputs stand side by side.
  OperandRange operands = (*this)->getOperands().take_front(
      getInputs().size() + getOutputs().size());
  auto kernel =
      symbols.lookupNearestSymbolFrom<kernel::FuncOp>(*this, getFallbackAttr());
  if (kernel && getOutputs().size() != kernel.getResultTypes().size())
    return emitOpError("C1: has ")
           << getOutputs().size() << " outputs, " << getFallbackAttr()
           << " has " << kernel.getResultTypes().size() << " results";
  return verifyLaunch(*this, getFallbackAttr(), operands,
                      getFallbackDims().size(), {"C1", "C1", "C1"}, symbols);
}

LogicalResult CallOp::verify() {
  if (bool(getFallbackAttr()) != bool(getTilesAttr()) ||
      (!getFallbackAttr() && !getFallbackDims().empty()))
    return emitOpError("C1: a kernel and its tiles stand together");
  if (Value workspace = getWorkspace()) {
    auto buffer = workspace.getDefiningOp<BufferOp>();
    if (!buffer || buffer.getRegion() != Region::scratch)
      return emitOpError("C2: the workspace is no buffer in scratch");
    for (Value operand : llvm::concat<Value>(getInputs(), getOutputs()))
      if (getRoot(operand) == buffer)
        return emitOpError("C2: the workspace is an operand too");
  }
  for (Value output : getOutputs()) {
    BufferOp root = getRoot(output);
    if (root.getRegion() == Region::weight || root.getRegion() == Region::input)
      return emitOpError("C3: an output lies in ")
             << stringifyRegion(root.getRegion());
  }
  pkg::Call call;
  call.library = getLibrary().str();
  call.entry = getEntry().str();
  call.config = getConfig().value_or("").str();
  call.access.assign(getInputs().size(), pkg::Access::Read);
  call.access.resize(getInputs().size() + getOutputs().size(),
                     pkg::Access::Write);
  call.operands.resize(call.access.size());
  call.dims.resize(getDims().size());
  if (Status checked = pkg::checkCall(call); !checked)
    return emitOpError("C4: ") << checked.message();
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
