//===- KernelOps.h - the kernel dialect's operations ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything that a pass over kernels includes.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_KERNEL_IR_KERNELOPS_H
#define ACTNET_DIALECT_KERNEL_IR_KERNELOPS_H

#include "actnet/Dialect/Graph/IR/GraphDialect.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "actnet/Dialect/Kernel/IR/KernelDialect.h.inc"
#include "actnet/Dialect/Kernel/IR/KernelEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "actnet/Dialect/Kernel/IR/KernelAttrs.h.inc"
#define GET_OP_CLASSES
#include "actnet/Dialect/Kernel/IR/KernelOps.h.inc"

#endif // ACTNET_DIALECT_KERNEL_IR_KERNELOPS_H
