//===- ActorDialect.cpp - registration of the actor dialect ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Actor/IR/ActorOps.h"
#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace actnet::actor;

#include "actnet/Dialect/Actor/IR/ActorDialect.cpp.inc"
#include "actnet/Dialect/Actor/IR/ActorEnums.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "actnet/Dialect/Actor/IR/ActorTypes.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "actnet/Dialect/Actor/IR/ActorAttrs.cpp.inc"

void ActorDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "actnet/Dialect/Actor/IR/ActorTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "actnet/Dialect/Actor/IR/ActorAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "actnet/Dialect/Actor/IR/ActorOps.cpp.inc"
      >();
}
