//===- Phases.h - the compiler's phases, in order -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One table says which passes run, in which order, and why each stands where
// it does. A module enters at the level of its operations and leaves at the
// level that is asked for. The first phases see the model; then it is cloned
// for the host and for cuda, and each clone goes its own way.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_PIPELINES_PHASES_H
#define ACTNET_PIPELINES_PHASES_H

#include "mlir/IR/BuiltinOps.h"

#include <functional>
#include <optional>

namespace actnet {

enum class Level { graph, kernel, actor };

/// Returns "graph", "kernel" or "actor".
llvm::StringRef toString(Level level);

/// Which modules a phase sees: the model, each of its clones, or one target's.
enum class Scope { model, clone, cuda };

/// One phase.
struct Phase {
  llvm::StringLiteral name;
  /// The level before and after it.
  Level from, to;
  Scope scope;
  /// Passes as on actnet-opt's command line, on the module. `$target` stands
  /// for host or cuda, `$schedule` for it with the options of its scheduling
  /// pass, `$precision` for cuda's floats, `$workspace` for the bytes of
  /// scratch that its library calls share.
  llvm::StringLiteral pipeline;
  llvm::StringLiteral why;
};

/// What the phases of a clone depend on.
struct CloneOptions {
  /// `host` or `cuda`.
  llvm::StringRef target = "host";
  /// The floats that cuda computes with: f32 (the model's own), bf16, f16.
  llvm::StringRef precision = "f32";
  /// The contractions that cuda's libraries may run: auto, all or none.
  llvm::StringRef libraries = "auto";
  /// Bytes of scratch that the library calls of a stream share.
  uint64_t workspaceBytes = 0;
};

/// All phases, in order.
llvm::ArrayRef<Phase> getPhases();

/// The level that a module's operations name. Fails, with an error, where they
/// name none or two.
mlir::FailureOr<Level> detectLevel(mlir::ModuleOp module);

/// Runs the phases of the model, or, given `clone`, those of a clone, from the
/// module's level up to the end of `last`. Calls `onPhase` when one begins.
/// Between two levels the contract of the reached one is checked. Errors are
/// diagnostics.
mlir::LogicalResult
runPhases(mlir::ModuleOp module, Level last, std::optional<CloneOptions> clone,
          std::function<void(llvm::StringRef phase)> onPhase = {});

} // namespace actnet

#endif // ACTNET_PIPELINES_PHASES_H
