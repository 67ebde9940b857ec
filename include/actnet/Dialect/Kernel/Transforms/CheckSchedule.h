//===- CheckSchedule.h - is a kernel cut as it says? ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Schedules can be written by hand, and code generators believe them. This is
// what a schedule has to fulfil, said once more and apart from the passes that
// choose schedules.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_KERNEL_TRANSFORMS_CHECKSCHEDULE_H
#define ACTNET_DIALECT_KERNEL_TRANSFORMS_CHECKSCHEDULE_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

namespace actnet::kernel {

/// Checks `schedule`, `tiles` and `scratch` of a kernel for the target of its
/// module: all three are there, the numbers of the schedule are in range,
/// `tiles` is what they cut the results into, and `scratch` is not less than
/// the code needs. One error, at the kernel.
mlir::LogicalResult checkSchedule(FuncOp kernel);

/// The two halves of it. What cuda's code generator derives from a body, and
/// no attribute tells, is not checked here: the split of a map kernel that
/// turns an operand, and of products whose result is rearranged twice.
mlir::LogicalResult checkHostSchedule(FuncOp kernel);
mlir::LogicalResult checkCudaSchedule(FuncOp kernel);

} // namespace actnet::kernel

#endif // ACTNET_DIALECT_KERNEL_TRANSFORMS_CHECKSCHEDULE_H
