//===- Cost.h - arithmetic of a kernel ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one place that says what a kernel costs: for reports, for the remarks of
// -v, and for who has to choose.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_KERNEL_TRANSFORMS_COST_H
#define ACTNET_DIALECT_KERNEL_TRANSFORMS_COST_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

namespace actnet {

/// Operations on floating-point numbers in one launch, each function such as
/// exp counted as one, for these values of the index arguments. Extents that
/// cannot be told from the body count as 1.
double countFlops(kernel::FuncOp kernel, llvm::ArrayRef<int64_t> dims);

} // namespace actnet

#endif // ACTNET_DIALECT_KERNEL_TRANSFORMS_COST_H
