//===- Passes.h - the host code generator as passes -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For actnet-opt, see Passes.td.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_CODEGEN_HOST_PASSES_H
#define ACTNET_CODEGEN_HOST_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace actnet::host {

#define GEN_PASS_DECL
#include "actnet/Codegen/Host/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "actnet/Codegen/Host/Passes.h.inc"

} // namespace actnet::host

#endif // ACTNET_CODEGEN_HOST_PASSES_H
