//===- Explain.h - why kernels and buffers are what they are --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The remarks of kernel-to-actor, which the compiler prints with -v. Nothing is
// computed where nobody listens.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CONVERSION_KERNELTOACTOR_EXPLAIN_H
#define ACTNET_LIB_CONVERSION_KERNELTOACTOR_EXPLAIN_H

#include "Placement.h"

namespace actnet {

/// One line for each kernel that is dispatched, with its cut and its estimated
/// cost, and for each weight that a recipe makes.
void explainKernels(mlir::ModuleOp module,
                    llvm::ArrayRef<mlir::func::FuncOp> functions);

/// One line for each result of a dispatch, with its buffer and why, and for
/// each copy that is left.
void explainPlaces(mlir::func::FuncOp function, const Placement &placement);

} // namespace actnet

#endif // ACTNET_LIB_CONVERSION_KERNELTOACTOR_EXPLAIN_H
