//===- Recipes.h - recipes that make the same weight ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two layers may read one tensor, each through its own recipe; the package
// stores what the recipes make only once.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_DIALECT_ACTOR_TRANSFORMS_RECIPES_H
#define ACTNET_LIB_DIALECT_ACTOR_TRANSFORMS_RECIPES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace actnet::actor {

/// Finds the first of equal recipes. Equal means: the same operations on the
/// same constants, whatever the functions are called.
class RecipeSet {
public:
  /// Returns the number of the recipe, and whether it is new.
  std::pair<uint32_t, bool> insert(mlir::func::FuncOp recipe);
  llvm::ArrayRef<mlir::func::FuncOp> recipes() const { return list; }

private:
  llvm::SmallVector<mlir::func::FuncOp> list;
  llvm::DenseMap<mlir::Operation *, uint32_t> known;
  llvm::DenseMap<uint64_t, llvm::SmallVector<uint32_t, 1>> byHash;
};

} // namespace actnet::actor

#endif // ACTNET_LIB_DIALECT_ACTOR_TRANSFORMS_RECIPES_H
