//===- KernelDialect.cpp - the kernel dialect and its attributes ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace actnet::kernel;

#include "actnet/Dialect/Kernel/IR/KernelDialect.cpp.inc"
#include "actnet/Dialect/Kernel/IR/KernelEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "actnet/Dialect/Kernel/IR/KernelAttrs.cpp.inc"

void KernelDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "actnet/Dialect/Kernel/IR/KernelAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "actnet/Dialect/Kernel/IR/KernelOps.cpp.inc"
      >();
}
