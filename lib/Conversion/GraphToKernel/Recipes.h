//===- Recipes.h - weights as functions of constants ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values that depend on constants alone leave the function: each one that a
// kernel reads becomes a private function, evaluated by the package writer.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CONVERSION_GRAPHTOKERNEL_RECIPES_H
#define ACTNET_LIB_CONVERSION_GRAPHTOKERNEL_RECIPES_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace actnet {

/// Outlines recipes into a module; equal ones become one.
class RecipeOutliner {
public:
  explicit RecipeOutliner(mlir::ModuleOp module);

  /// A kernel.weight for the constant value, at the builder's place. One op a
  /// value and function.
  mlir::Value materialize(mlir::OpBuilder &b, mlir::Value constant);

  /// Forgets the kernel.weight ops of the function before.
  void beginFunction() { weights.clear(); }

private:
  mlir::ModuleOp module;
  llvm::DenseMap<mlir::Value, mlir::Value> weights;
  llvm::StringMap<mlir::FlatSymbolRefAttr> byText;
  /// The model's own functions.
  llvm::StringSet<> taken;
  unsigned next = 0;
};

} // namespace actnet

#endif // ACTNET_LIB_CONVERSION_GRAPHTOKERNEL_RECIPES_H
