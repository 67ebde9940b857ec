//===- Kernels.h - kernel text that the CUDA tests share ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The same bodies go to NVRTC and, as plain C++, to clang.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_TEST_UNIT_CODEGEN_CUDA_KERNELS_H
#define ACTNET_TEST_UNIT_CODEGEN_CUDA_KERNELS_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/IR/OwningOpRef.h"

namespace actnet::testing {

/// The module of all kernels, scheduled; null, with its diagnostics printed,
/// where it does not parse.
mlir::ModuleOp cudaKernels();

} // namespace actnet::testing

#endif // ACTNET_TEST_UNIT_CODEGEN_CUDA_KERNELS_H
