//===- CudaText.h - the kernels of a model, to read -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `--emit=cuda` shows.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_PIPELINES_CUDATEXT_H
#define ACTNET_LIB_PIPELINES_CUDATEXT_H

#include "mlir/IR/BuiltinOps.h"

namespace actnet {

/// Prints the CUDA C++ of all kernels of a scheduled module, in the order in
/// which the model first runs them. Above each stand its name, its block, the
/// model's nodes that it computes, and those that its operands come from.
/// Errors are diagnostics.
mlir::LogicalResult printCudaText(mlir::ModuleOp module,
                                  llvm::raw_ostream &out);

} // namespace actnet

#endif // ACTNET_LIB_PIPELINES_CUDATEXT_H
