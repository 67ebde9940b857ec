//===- KeptText.h - what a compiler refused -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A refused kernel is our mistake, and only its text shows it.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CODEGEN_CUDA_IMAGES_KEPTTEXT_H
#define ACTNET_LIB_CODEGEN_CUDA_IMAGES_KEPTTEXT_H

#include "actnet/Codegen/CUDA/CudaImages.h"

namespace actnet::cuda {

/// Emits an error with the first line of a compiler's log that says "error",
/// and keeps the text and the log in a file of the temporary folder.
mlir::LogicalResult refuse(mlir::Location loc, llvm::StringRef compiler,
                           llvm::StringRef isa, const KernelCode &text,
                           llvm::StringRef log);

} // namespace actnet::cuda

#endif // ACTNET_LIB_CODEGEN_CUDA_IMAGES_KEPTTEXT_H
