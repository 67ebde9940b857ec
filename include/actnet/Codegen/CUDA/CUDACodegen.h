//===- CUDACodegen.h - kernels as CUDA C++ text ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The second code generator: reads the same kernel bodies as the host's and
// prints text that a person can read and NVRTC can compile. The text includes
// headers of kernels/cuda by name and nothing else.
//
// ABI of a printed kernel: one pointer per operand, inputs first, then
// outputs; then the index arguments as 64-bit integers. A block is a tile: the
// grid has `cudaTiles` blocks of `kCudaThreads` threads. No scratch.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_CODEGEN_CUDA_CUDACODEGEN_H
#define ACTNET_CODEGEN_CUDA_CUDACODEGEN_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include <string>

namespace actnet::cuda {

/// Threads of a block, and elements of a map's tile; kernels/cuda/map.cuh and
/// row.cuh say the same.
inline constexpr int64_t kCudaThreads = 256;
inline constexpr int64_t kCudaMapTile = 1024;

/// Prints a kernel of family map or row as a CUDA C++ file of its own. Reads
/// nothing that a schedule pass sets. Element types: bool, i8 to i64, f16,
/// bf16, f32. Fails with one diagnostic at the op that it cannot print.
mlir::FailureOr<std::string> emitCuda(kernel::FuncOp kernel);

/// Blocks of one launch in terms of d0, d1 …. Fails as `emitCuda` does.
mlir::FailureOr<graph::DimExprAttr> cudaTiles(kernel::FuncOp kernel);

} // namespace actnet::cuda

#endif // ACTNET_CODEGEN_CUDA_CUDACODEGEN_H
