//===- InitAll.h - every dialect and pass by name -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What actnet-opt and the compiler register before they read a line of IR.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_PIPELINES_INITALL_H
#define ACTNET_PIPELINES_INITALL_H

#include "mlir/IR/DialectRegistry.h"

namespace actnet {

/// Adds our dialects and the upstream ones they use.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Registers our passes and upstream's general ones; once a process.
void registerAllPasses();

} // namespace actnet

#endif // ACTNET_PIPELINES_INITALL_H
