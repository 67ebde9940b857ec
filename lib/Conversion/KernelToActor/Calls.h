//===- Calls.h - which kernels a library runs -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The cost model of library calls. A library has kernels for large products
// that ours won't beat, and takes as long as they do to begin; a small product
// is better off in the kernel that was made for it. So the rule looks at the
// smallest job that the dims' bounds allow, and never at a clock.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CONVERSION_KERNELTOACTOR_CALLS_H
#define ACTNET_LIB_CONVERSION_KERNELTOACTOR_CALLS_H

#include "Placement.h"

namespace actnet {

/// Replaces d0, d1, … by the dims of a dispatch.
graph::DimExprAttr substituteDims(graph::DimExprAttr expr,
                                  kernel::DispatchOp op);

/// What stands for a dispatch: the library's description of it with the dims of
/// the function; nothing where its kernel is launched. A remark says which, and
/// why, for each dispatch that a library could run.
struct LibraryWork {
  mlir::StringAttr config;
  llvm::SmallVector<mlir::Attribute> dims;
};
std::optional<LibraryWork> chooseCall(kernel::DispatchOp op,
                                      kernel::FuncOp callee,
                                      const Placement &placement);

} // namespace actnet

#endif // ACTNET_LIB_CONVERSION_KERNELTOACTOR_CALLS_H
