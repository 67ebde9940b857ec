//===- CudaImages.h - kernels as code for GPUs ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ahead of time and without a GPU: NVRTC makes a cubin of each kernel for each
// architecture, and PTX for later ones; clang makes what the software GPU runs.
// Both are kept in a cache on disk, so that a second compilation is short.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_CODEGEN_CUDA_CUDAIMAGES_H
#define ACTNET_CODEGEN_CUDA_CUDAIMAGES_H

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace actnet::cuda {

/// One kernel's module of code.
struct KernelCode {
  std::string symbol;
  std::string code;
};

/// The code of all kernels of one kind.
struct CudaImage {
  /// `sm_80`, `sm_90a`: cubins; `compute_90`: PTX.
  std::string isa;
  std::vector<KernelCode> kernels;
};

/// The texts of a module's kernels, in the module's order; printed in parallel.
/// Errors are diagnostics at the kernels.
mlir::FailureOr<std::vector<KernelCode>> printKernels(mlir::ModuleOp module);

/// Compiles texts for architectures (`sm_…`, which NVRTC must know), and to PTX
/// for the highest of them without its suffix; in parallel. An error of NVRTC
/// is a diagnostic at the kernel, with the text kept in a file that it names.
mlir::FailureOr<std::vector<CudaImage>>
compileCudaImages(mlir::ModuleOp module, llvm::ArrayRef<KernelCode> texts,
                  llvm::ArrayRef<std::string> architectures);

/// The PTX that serves GPUs later than these: `compute_90` for sm_80, sm_90a.
std::string portableArchitecture(llvm::ArrayRef<std::string> architectures);

/// Compiles texts to one shared object for the software GPU. Needs clang 22
/// ($ACTNET_CLANG, or clang++-22 on PATH). Errors as above.
mlir::FailureOr<std::string> compileToyImage(mlir::ModuleOp module,
                                             llvm::ArrayRef<KernelCode> texts);

} // namespace actnet::cuda

#endif // ACTNET_CODEGEN_CUDA_CUDAIMAGES_H
