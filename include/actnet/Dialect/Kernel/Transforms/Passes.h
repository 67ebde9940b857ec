//===- Passes.h - passes on kernels ---------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The passes of the kernel level, see Passes.td.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_KERNEL_TRANSFORMS_PASSES_H
#define ACTNET_DIALECT_KERNEL_TRANSFORMS_PASSES_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace actnet::kernel {

#define GEN_PASS_DECL
#include "actnet/Dialect/Kernel/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "actnet/Dialect/Kernel/Transforms/Passes.h.inc"

} // namespace actnet::kernel

#endif // ACTNET_DIALECT_KERNEL_TRANSFORMS_PASSES_H
