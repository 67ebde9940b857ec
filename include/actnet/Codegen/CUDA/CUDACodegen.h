//===- CUDACodegen.h - kernels as CUDA C++ text ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The second code generator: reads the same kernel bodies as the host's and
// prints text that a person can read and NVRTC can compile. The text includes
// headers of kernels/cuda by name and nothing else.
//
// ABI of a printed kernel: one pointer per operand, inputs first, then
// outputs; then the index arguments as 64-bit integers. A block is a tile: the
// grid has `tiles` blocks of `schedule.threads` threads and `schedule.shared`
// bytes of dynamic shared memory. No scratch.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_CODEGEN_CUDA_CUDACODEGEN_H
#define ACTNET_CODEGEN_CUDA_CUDACODEGEN_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include <string>

namespace actnet::cuda {

/// Cuts a kernel for the GPU, by shape and type alone: sets `schedule` (with
/// `threads` and `shared`, and what the family needs besides), `tiles` in terms
/// of d0, d1 …, and `scratch` to 0. Fails with one diagnostic at the op that
/// `emitCuda` could not print.
mlir::LogicalResult scheduleCuda(kernel::FuncOp kernel);

/// Prints a scheduled kernel as a CUDA C++ file of its own. Fails with one
/// diagnostic at the op that it cannot print.
mlir::FailureOr<std::string> emitCuda(kernel::FuncOp kernel);

} // namespace actnet::cuda

#endif // ACTNET_CODEGEN_CUDA_CUDACODEGEN_H
