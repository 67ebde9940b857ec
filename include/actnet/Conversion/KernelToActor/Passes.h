//===- Passes.h - from the kernel level to the actor level ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass that turns dispatches on tensors into records on buffers.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_CONVERSION_KERNELTOACTOR_PASSES_H
#define ACTNET_CONVERSION_KERNELTOACTOR_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace actnet {

#define GEN_PASS_DECL
#include "actnet/Conversion/KernelToActor/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "actnet/Conversion/KernelToActor/Passes.h.inc"

} // namespace actnet

#endif // ACTNET_CONVERSION_KERNELTOACTOR_PASSES_H
