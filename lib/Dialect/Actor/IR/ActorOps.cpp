//===- ActorOps.cpp - functions, variables and buffers --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Actor/IR/ActorOps.h"
#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::actor;

BufferOp actor::getRoot(Value slot) {
  Operation *def = slot.getDefiningOp();
  if (auto view = dyn_cast_or_null<ViewOp>(def))
    def = view.getRoot().getDefiningOp();
  return dyn_cast_or_null<BufferOp>(def);
}

graph::DimExprAttr actor::getSlotSize(Value slot) {
  if (auto view = slot.getDefiningOp<ViewOp>())
    return view.getSize();
  return slot.getDefiningOp<BufferOp>().getSize();
}

//===----------------------------------------------------------------------===//
// func
//===----------------------------------------------------------------------===//

static LogicalResult verifyNames(FuncOp func, ArrayAttr tensors,
                                 StringRef what) {
  llvm::StringSet<> seen;
  for (auto tensor : tensors.getAsRange<TensorAttr>())
    if (!seen.insert(tensor.getName()).second)
      return func.emitOpError("C4: two ")
             << what << "s are named '" << tensor.getName() << "'";
  return success();
}

LogicalResult FuncOp::verifyRegions() {
  if (failed(verifyNames(*this, getInputs(), "input")) ||
      failed(verifyNames(*this, getOutputs(), "output")))
    return failure();

  SmallVector<unsigned> inputs(getInputs().size()),
      outputs(getOutputs().size());
  bool replied = false;
  for (Operation &op : getBody().front()) {
    if (replied)
      return op.emitOpError("C1: stands after the reply");
    replied = isa<ReplyOp>(op);
    auto buffer = dyn_cast<BufferOp>(op);
    if (!buffer)
      continue;
    bool isInput = buffer.getRegion() == Region::input;
    if (isInput || buffer.getRegion() == Region::output) {
      auto &counts = isInput ? inputs : outputs;
      uint64_t index = buffer.getIndex().value_or(0);
      if (index >= counts.size())
        return buffer.emitOpError("C2: the function has no such ")
               << stringifyRegion(buffer.getRegion());
      ++counts[index];
    }
    bool placed = buffer.getRegion() != Region::weight &&
                  buffer.getRegion() != Region::state;
    if (placed && buffer.getOffset().has_value() != getMemory().has_value())
      return buffer.emitOpError("C3: ")
             << (getMemory() ? "has no offset in a planned function"
                             : "has an offset in a function without `memory`");
  }
  if (!replied)
    return emitOpError("C1: has no reply");
  WalkResult nested = getBody().walk([&](ReplyOp reply) {
    if (reply->getParentOp() == getOperation())
      return WalkResult::advance();
    reply.emitOpError("C1: stands in a nested block");
    return WalkResult::interrupt();
  });
  if (nested.wasInterrupted())
    return failure();
  for (auto [i, count] : llvm::enumerate(inputs))
    if (count > 1)
      return emitOpError("C2: input ") << i << " has " << count << " buffers";
  for (auto [i, count] : llvm::enumerate(outputs))
    if (count != 1)
      return emitOpError("C2: output ")
             << i << " has " << count << " buffers, not one";
  return success();
}

//===----------------------------------------------------------------------===//
// variable and buffer
//===----------------------------------------------------------------------===//

/// The type of a recipe's result, or null.
static RankedTensorType getRecipeType(Operation *user, FlatSymbolRefAttr symbol,
                                      SymbolTableCollection &symbols) {
  auto recipe = symbols.lookupNearestSymbolFrom<func::FuncOp>(user, symbol);
  if (!recipe || !recipe->hasAttr(graph::GraphDialect::kRecipeAttr) ||
      recipe.getNumResults() != 1)
    return {};
  return dyn_cast<RankedTensorType>(recipe.getResultTypes()[0]);
}

LogicalResult VariableOp::verifySymbolUses(SymbolTableCollection &symbols) {
  FlatSymbolRefAttr initial = getInitialAttr();
  if (!initial)
    return success();
  RankedTensorType type = getRecipeType(*this, initial, symbols);
  if (!type)
    return emitOpError("C1: ") << initial << " is no recipe with one result";
  if (type != getType())
    return emitOpError("C1: ")
           << initial << " gives " << type << ", not " << getType();
  return success();
}

LogicalResult BufferOp::verify() {
  if (!isa_and_nonnull<FuncOp>((*this)->getParentOp()))
    return emitOpError("C1: stands in no function's own block");
  bool wantsSymbol =
      getRegion() == Region::weight || getRegion() == Region::state;
  bool wantsIndex =
      getRegion() == Region::input || getRegion() == Region::output;
  if (wantsSymbol != bool(getSymbolAttr()) ||
      wantsIndex != bool(getIndexAttr()))
    return emitOpError("C2: a buffer in ")
           << stringifyRegion(getRegion()) << " needs "
           << (wantsSymbol  ? "a symbol"
               : wantsIndex ? "an index"
                            : "neither symbol nor index")
           << (wantsSymbol || wantsIndex ? " and nothing else" : "");
  if (wantsIndex && *getIndex() > INT32_MAX)
    return emitOpError("C2: the index is negative");
  uint64_t alignment = getAlignment();
  if (!llvm::isPowerOf2_64(alignment) || alignment > 4096)
    return emitOpError("C3: the alignment is no power of two up to 4096");
  if (auto offset = getOffsetAttr()) {
    if (wantsSymbol)
      return emitOpError("C4: an offset in ") << stringifyRegion(getRegion());
    if (offset.getInt() < 0 || offset.getInt() % int64_t(alignment) != 0)
      return emitOpError("C4: the offset is no multiple of ") << alignment;
  }
  return success();
}

LogicalResult BufferOp::verifySymbolUses(SymbolTableCollection &symbols) {
  FlatSymbolRefAttr symbol = getSymbolAttr();
  if (!symbol)
    return success();
  if (getRegion() == Region::weight && !getRecipeType(*this, symbol, symbols))
    return emitOpError("C2: ") << symbol << " is no recipe with one result";
  if (getRegion() == Region::state &&
      !symbols.lookupNearestSymbolFrom<VariableOp>(*this, symbol))
    return emitOpError("C2: ") << symbol << " is no actor.variable";
  return success();
}

LogicalResult ViewOp::verify() {
  auto root = getRoot().getDefiningOp<BufferOp>();
  if (!root)
    return emitOpError("C1: the root is no actor.buffer");
  if (!isa_and_nonnull<FuncOp>((*this)->getParentOp()))
    return emitOpError("C2: stands in no function's own block");
  auto offset = graph::constantValue(getOffset()),
       size = graph::constantValue(getSize());
  auto whole = graph::constantValue(root.getSize());
  if ((offset && *offset < 0) || (size && *size < 0) ||
      (offset && size && whole && *offset + *size > *whole))
    return emitOpError("C3: [") << *offset << ", +" << size.value_or(-1)
                                << ") lies outside of the root";
  return success();
}

#define GET_OP_CLASSES
#include "actnet/Dialect/Actor/IR/ActorOps.cpp.inc"
