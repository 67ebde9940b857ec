//===- Phases.h - the compiler's phases, in order -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One table says which passes run, in which order, and why each stands where
// it does. A module enters at the level of its operations and leaves at the
// level that is asked for.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_PIPELINES_PHASES_H
#define ACTNET_PIPELINES_PHASES_H

#include "mlir/IR/BuiltinOps.h"

#include <functional>

namespace actnet {

enum class Level { graph, kernel, actor };

/// Returns "graph", "kernel" or "actor".
llvm::StringRef toString(Level level);

/// One phase.
struct Phase {
  llvm::StringLiteral name;
  /// The level before and after it.
  Level from, to;
  /// Passes as on actnet-opt's command line, on the module.
  llvm::StringLiteral pipeline;
  llvm::StringLiteral why;
};

/// All phases, in order.
llvm::ArrayRef<Phase> getPhases();

/// The level that a module's operations name. Fails, with an error, where they
/// name none or two.
mlir::FailureOr<Level> detectLevel(mlir::ModuleOp module);

/// Runs the phases from the module's level up to the end of `last`. Calls
/// `onPhase` when one begins. Between two levels the contract of the reached
/// one is checked. Errors are diagnostics.
mlir::LogicalResult
runPhases(mlir::ModuleOp module, Level last,
          std::function<void(llvm::StringRef phase)> onPhase = {});

} // namespace actnet

#endif // ACTNET_PIPELINES_PHASES_H
