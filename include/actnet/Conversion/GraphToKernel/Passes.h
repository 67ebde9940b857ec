//===- Passes.h - from the graph level to the kernel level ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The two passes that turn a simplified graph into kernels for one target.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_CONVERSION_GRAPHTOKERNEL_PASSES_H
#define ACTNET_CONVERSION_GRAPHTOKERNEL_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace actnet {

/// Whose kernels the graph is laid out for. Toy runs cuda's.
enum class KernelTarget { host, cuda };

#define GEN_PASS_DECL
#include "actnet/Conversion/GraphToKernel/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "actnet/Conversion/GraphToKernel/Passes.h.inc"

} // namespace actnet

#endif // ACTNET_CONVERSION_GRAPHTOKERNEL_PASSES_H
