//===- Tables.h - an actor module as the package's tables -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The op of the actor level and the tables of the package say the same. This is
// the one place that turns the former into the latter; the planner, which
// lib/Package offers on tables, and the package writer use it.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_ACTOR_TRANSFORMS_TABLES_H
#define ACTNET_DIALECT_ACTOR_TRANSFORMS_TABLES_H

#include "actnet/Dialect/Actor/IR/ActorOps.h"
#include "actnet/Package/Expr.h"
#include "actnet/Package/Types.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <vector>

namespace actnet::actor {

/// What one clone does, and the ops behind the ids of its plan.
struct CloneTables {
  mlir::ModuleOp module;
  pkg::Plan plan;
  /// Of each function of the plan, and in it of each buffer.
  llvm::SmallVector<FuncOp> functions;
  llvm::SmallVector<llvm::SmallVector<mlir::Operation *>> buffers;
  /// Of each variable of the interface.
  llvm::SmallVector<VariableOp> variables;
};

/// The tables of a model: what its clones share, and one plan for each.
struct Tables {
  pkg::Interface interface;
  /// The recipe of each weight. Equal recipes are one weight.
  llvm::SmallVector<mlir::func::FuncOp> recipes;
  std::vector<CloneTables> clones;
};

/// Builds the tables of a model from its clones, actor modules of one context
/// with different `kernel.target`s, without images. Weights get their offsets
/// in the section, one behind the other; those of a later clone that are not
/// made by the recipe of an earlier one stand behind. A planned module gives a
/// planned table, which has passed the verifier.
/// Errors, emitted at the op: an element type that a package cannot hold, a dim
/// without bounds on the module, clones with different functions, variables or
/// dims, a plan that the verifier refuses.
mlir::FailureOr<Tables> buildTables(llvm::ArrayRef<mlir::ModuleOp> clones);

/// The dtype of an element type, or nothing.
std::optional<pkg::DType> getDType(mlir::Type type);

} // namespace actnet::actor

#endif // ACTNET_DIALECT_ACTOR_TRANSFORMS_TABLES_H
