//===- KernelHeaders.h - what printed kernels include ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The files of kernels/cuda and kernels/toy stand in the compiler itself, so
// that it runs wherever it lies.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_CODEGEN_CUDA_KERNELHEADERS_H
#define ACTNET_CODEGEN_CUDA_KERNELHEADERS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace actnet::cuda {

struct KernelHeader {
  llvm::StringRef name, text;
};

/// All headers of kernels/cuda, sorted by name.
llvm::ArrayRef<KernelHeader> kernelHeaders();

/// What the software GPU puts in place of device.h, and the flags (flags.txt)
/// with which clang compiles kernels for it, one a line.
llvm::ArrayRef<KernelHeader> toyFiles();

} // namespace actnet::cuda

#endif // ACTNET_CODEGEN_CUDA_KERNELHEADERS_H
