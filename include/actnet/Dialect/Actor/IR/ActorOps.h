//===- ActorOps.h - the actor dialect's operations ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything that a pass over command records includes.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_ACTOR_IR_ACTOROPS_H
#define ACTNET_DIALECT_ACTOR_IR_ACTOROPS_H

#include "actnet/Dialect/Graph/IR/GraphDialect.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

#include "actnet/Dialect/Actor/IR/ActorDialect.h.inc"
#include "actnet/Dialect/Actor/IR/ActorEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "actnet/Dialect/Actor/IR/ActorTypes.h.inc"
#define GET_ATTRDEF_CLASSES
#include "actnet/Dialect/Actor/IR/ActorAttrs.h.inc"
#define GET_OP_CLASSES
#include "actnet/Dialect/Actor/IR/ActorOps.h.inc"

namespace actnet::actor {

/// The root buffer behind a slot: the buffer itself, or that of a view.
BufferOp getRoot(mlir::Value slot);

/// The size in bytes of a slot.
graph::DimExprAttr getSlotSize(mlir::Value slot);

} // namespace actnet::actor

#endif // ACTNET_DIALECT_ACTOR_IR_ACTOROPS_H
