//===- Families.h - the forms of kernel bodies ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the verifier of kernel.func asks of a body of each family.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_DIALECT_KERNEL_IR_FAMILIES_H
#define ACTNET_LIB_DIALECT_KERNEL_IR_FAMILIES_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

namespace actnet::kernel {

/// Fails, with an error at the op that breaks the form, where the body is not
/// of the kernel's family.
mlir::LogicalResult verifyFamily(FuncOp kernel);

/// Fails where an operand of the body is indexed outside of its static shape,
/// or a padding is no width.
mlir::LogicalResult verifyBounds(FuncOp kernel);

/// Fails where the schedule names loops that the kernel has not, or sizes that
/// no tile has. The body is of the kernel's family.
mlir::LogicalResult verifySchedule(FuncOp kernel);

} // namespace actnet::kernel

#endif // ACTNET_LIB_DIALECT_KERNEL_IR_FAMILIES_H
