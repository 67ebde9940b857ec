//===- Passes.h - the CUDA code generator as passes -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For actnet-opt, see Passes.td.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_CODEGEN_CUDA_PASSES_H
#define ACTNET_CODEGEN_CUDA_PASSES_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace actnet::cuda {

#define GEN_PASS_DECL
#include "actnet/Codegen/CUDA/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "actnet/Codegen/CUDA/Passes.h.inc"

} // namespace actnet::cuda

#endif // ACTNET_CODEGEN_CUDA_PASSES_H
