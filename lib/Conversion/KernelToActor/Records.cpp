//===- Records.cpp - emit the records of a placed function ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Calls.h"

#include "actnet/Package/LibraryCall.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace actnet;
using graph::DimExprAttr;

namespace {

/// Emits one function. Buffers and views stand before the records.
class Emitter {
public:
  Emitter(func::FuncOp function, const Placement &placement,
          int64_t workspaceBytes)
      : function(function), placement(placement),
        workspaceBytes(workspaceBytes), builder(function) {}

  LogicalResult run();

private:
  ArrayAttr interfaceOf(bool inputs);
  void emitBuffers();
  Value slotOf(Value value) {
    return slotOf(placement.places.at(value),
                  getElementTypeOrSelf(value.getType()));
  }
  Value slotOf(const Place &place, Type elementType);
  LogicalResult emitLaunch(kernel::DispatchOp op);
  void emitFinalCopies();
  void emitCall(kernel::DispatchOp op, const LibraryWork &work,
                DimExprAttr tiles);
  Value emitScratch(DimExprAttr size, StringRef name, int64_t alignment = 64);
  void emitCopy(Location loc, Value from, Value to, DimExprAttr bytes) {
    actor::CopyOp::create(builder, loc, from, to, bytes, /*stream=*/0);
  }

  func::FuncOp function;
  const Placement &placement;
  int64_t workspaceBytes;
  Value workspace;   // of all calls, which are on one stream
  OpBuilder builder; // records
  OpBuilder::InsertPoint declarations;
  SmallVector<Value> rootSlots;
  llvm::DenseMap<std::tuple<unsigned, Attribute, Attribute, unsigned>, Value>
      views;
  SymbolTableCollection symbols;
};

} // namespace

ArrayAttr Emitter::interfaceOf(bool inputs) {
  SmallVector<Attribute> tensors;
  unsigned count =
      inputs ? function.getNumArguments() : function.getNumResults();
  for (unsigned i = 0; i < count; ++i) {
    StringRef other = inputs ? graph::GraphDialect::kVariableAttr
                             : graph::GraphDialect::kTiedAttr;
    if (inputs ? bool(function.getArgAttr(i, other))
               : bool(function.getResultAttr(i, other)))
      continue;
    Attribute name =
        inputs ? function.getArgAttr(i, graph::GraphDialect::kNameAttr)
               : function.getResultAttr(i, graph::GraphDialect::kNameAttr);
    std::string text =
        (inputs ? "input" : "output") + std::to_string(tensors.size());
    if (auto given = dyn_cast_or_null<StringAttr>(name))
      text = given.str();
    Type type =
        inputs ? function.getArgumentTypes()[i] : function.getResultTypes()[i];
    tensors.push_back(actor::TensorAttr::get(builder.getContext(), text,
                                             cast<RankedTensorType>(type)));
  }
  return builder.getArrayAttr(tensors);
}

Value Emitter::emitScratch(DimExprAttr size, StringRef name,
                           int64_t alignment) {
  OpBuilder::InsertionGuard guard(builder);
  builder.restoreInsertionPoint(declarations);
  Value slot = actor::BufferOp::create(
      builder, function.getLoc(), actor::SlotType::get(builder.getContext()),
      actor::RegionAttr::get(builder.getContext(), actor::Region::scratch),
      FlatSymbolRefAttr(), IntegerAttr(), size,
      builder.getI64IntegerAttr(alignment), IntegerAttr(),
      name.empty() ? StringAttr() : builder.getStringAttr(name));
  declarations = builder.saveInsertionPoint();
  return slot;
}

void Emitter::emitBuffers() {
  rootSlots.resize(placement.roots.size());
  // In the order of the regions: readers look for inputs and outputs first.
  for (actor::Region region :
       {actor::Region::input, actor::Region::output, actor::Region::state,
        actor::Region::weight, actor::Region::scratch}) {
    for (auto [i, root] : llvm::enumerate(placement.roots)) {
      if (root.region != region || !root.size)
        continue;
      if (region == actor::Region::scratch) {
        rootSlots[i] = emitScratch(root.size, root.name);
        continue;
      }
      OpBuilder::InsertionGuard guard(builder);
      builder.restoreInsertionPoint(declarations);
      bool indexed =
          region == actor::Region::input || region == actor::Region::output;
      rootSlots[i] = actor::BufferOp::create(
          builder, function.getLoc(),
          actor::SlotType::get(builder.getContext()),
          actor::RegionAttr::get(builder.getContext(), region), root.symbol,
          indexed ? builder.getI64IntegerAttr(root.index) : IntegerAttr(),
          root.size, builder.getI64IntegerAttr(64), IntegerAttr(),
          StringAttr());
      declarations = builder.saveInsertionPoint();
    }
  }
}

Value Emitter::slotOf(const Place &place, Type elementType) {
  const Root &root = placement.roots[place.root];
  DimExprAttr size = placement.spanBytes(place, elementType);
  if (!place.inPlace && graph::constantValue(place.offset) == 0 &&
      size == root.size)
    return rootSlots[place.root];
  Value &view =
      views[{place.root, place.offset, size, unsigned(place.inPlace)}];
  if (!view) {
    OpBuilder::InsertionGuard guard(builder);
    builder.restoreInsertionPoint(declarations);
    view = actor::ViewOp::create(
        builder, function.getLoc(), actor::SlotType::get(builder.getContext()),
        rootSlots[place.root], place.offset, size, StringAttr());
    declarations = builder.saveInsertionPoint();
  }
  return view;
}

void Emitter::emitCall(kernel::DispatchOp op, const LibraryWork &work,
                       DimExprAttr tiles) {
  if (!workspace && workspaceBytes > 0)
    workspace =
        emitScratch(graph::dimConstant(builder.getContext(), workspaceBytes),
                    "cublasLt workspace", pkg::workspaceAlignment);
  SmallVector<Value> inputs, outputs;
  for (Value operand : op.getOperands())
    inputs.push_back(slotOf(operand));
  for (Value result : op.getResults())
    outputs.push_back(slotOf(result));
  auto text = [&](std::string_view name) {
    return builder.getStringAttr(StringRef(name.data(), name.size()));
  };
  actor::CallOp::create(builder, op.getLoc(), text(pkg::cublasLtLibrary),
                        text(pkg::matmulEntry), inputs, outputs, workspace,
                        builder.getArrayAttr(work.dims), work.config,
                        op.getCalleeAttr(), op.getDimsAttr(), tiles,
                        op.getLayerAttr(), builder.getI32IntegerAttr(0));
}

LogicalResult Emitter::emitLaunch(kernel::DispatchOp op) {
  auto callee =
      symbols.lookupNearestSymbolFrom<kernel::FuncOp>(op, op.getCalleeAttr());
  DimExprAttr tiles = callee.getTilesAttr();
  if (!tiles)
    return op.emitError()
           << op.getCalleeAttr()
           << " has no `tiles`; run `kernel-schedule-host` first";
  tiles = substituteDims(tiles, op);
  if (auto work = chooseCall(op, callee, placement)) {
    emitCall(op, *work, tiles);
    return success();
  }
  SmallVector<Value> operands;
  for (Value operand : op.getOperands())
    operands.push_back(slotOf(operand));
  for (Value result : op.getResults())
    operands.push_back(slotOf(result));
  actor::LaunchOp::create(builder, op.getLoc(), op.getCalleeAttr(), operands,
                          op.getDimsAttr(), tiles, op.getLayerAttr(),
                          builder.getI32IntegerAttr(0));
  return success();
}

void Emitter::emitFinalCopies() {
  auto bytesOf = [&](Value value) {
    return placement.spanBytes(placement.places.at(value),
                               getElementTypeOrSelf(value.getType()));
  };
  for (const FinalCopy &copy : placement.outputCopies)
    emitCopy(function.getLoc(), slotOf(copy.from), rootSlots[copy.to],
             bytesOf(copy.from));
  // A state that another state takes over is saved before any is written.
  SmallVector<Value> sources;
  for (const FinalCopy &copy : placement.stateCopies) {
    Value source = slotOf(copy.from);
    if (placement.stateCopies.size() > 1 &&
        placement.roots[placement.places.at(copy.from).root].region ==
            actor::Region::state) {
      Value saved = emitScratch(bytesOf(copy.from), "saved state");
      emitCopy(function.getLoc(), source, saved, bytesOf(copy.from));
      source = saved;
    }
    sources.push_back(source);
  }
  for (auto [copy, source] : llvm::zip(placement.stateCopies, sources))
    emitCopy(function.getLoc(), source, rootSlots[copy.to], bytesOf(copy.from));
}

LogicalResult Emitter::run() {
  auto result = actor::FuncOp::create(
      builder, function.getLoc(), function.getSymNameAttr(), interfaceOf(true),
      interfaceOf(false), actor::MemoryAttr(), StringAttr());
  if (Attribute checks = function->getAttr(graph::GraphDialect::kChecksAttr))
    result->setAttr(graph::GraphDialect::kChecksAttr, checks);
  Block &block = result.getBody().emplaceBlock();
  builder.setInsertionPointToEnd(&block);
  auto reply = actor::ReplyOp::create(builder, function.getLoc(), /*stream=*/0);
  builder.setInsertionPoint(reply);
  declarations = OpBuilder::InsertPoint(&block, block.begin());
  // Declarations go in front of the first record, records in front of the
  // reply.
  Operation *anchor = actor::SignalOp::create(builder, function.getLoc(), 0);
  declarations = OpBuilder::InsertPoint(&block, anchor->getIterator());
  emitBuffers();
  for (Operation &op : function.getBody().front().without_terminator()) {
    if (auto dispatch = dyn_cast<kernel::DispatchOp>(op)) {
      if (failed(emitLaunch(dispatch)))
        return failure();
    } else if (auto copies = placement.concatCopies.find(&op);
               copies != placement.concatCopies.end()) {
      for (auto &[from, place] : copies->second)
        emitCopy(
            op.getLoc(), slotOf(from),
            slotOf(place, getElementTypeOrSelf(from.getType())),
            placement.spanBytes(place, getElementTypeOrSelf(from.getType())));
    }
  }
  emitFinalCopies();
  anchor->erase();
  return success();
}

LogicalResult actnet::emitRecords(func::FuncOp function,
                                  const Placement &placement,
                                  int64_t workspaceBytes) {
  return Emitter(function, placement, workspaceBytes).run();
}
