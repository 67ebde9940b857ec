//===- Forms.h - values that need no kernel of their own ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Before operations are grouped into kernels it is settled which values are
// weights, and which are other values' bytes seen with strides: a slice that
// kernels read in place, a concat whose bytes are the beginning of a longer
// one, and reshapes of both.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CONVERSION_GRAPHTOKERNEL_FORMS_H
#define ACTNET_LIB_CONVERSION_GRAPHTOKERNEL_FORMS_H

#include "actnet/Dialect/Graph/IR/GraphOps.h"
#include "actnet/Dialect/Kernel/IR/Strides.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace actnet {

struct Forms {
  /// Values that depend on constants alone, and have a fixed size.
  llvm::DenseSet<mlir::Value> constants;
  /// Slices and reshapes that kernels read through: no kernel runs for them.
  llvm::DenseSet<mlir::Operation *> views;
  /// Operands that lie in a concat from the start, and that concat.
  llvm::DenseMap<mlir::Value, mlir::Operation *> partOf;
  /// Strides of the values that are not dense in memory.
  llvm::DenseMap<mlir::Value, kernel::Strides> strides;

  /// Strides of a value; empty: dense.
  llvm::ArrayRef<graph::DimExprAttr> stridesOf(mlir::Value v) const {
    auto it = strides.find(v);
    return it == strides.end() ? llvm::ArrayRef<graph::DimExprAttr>()
                               : it->second;
  }
};

/// Writes `concat(a, b, c, d)` as `concat(concat(a, b, c), d)` where the inner
/// one exists and stands before: both can share one buffer.
void shareConcatPrefixes(mlir::Block &block);

/// Settles the forms of a block's values.
Forms findForms(mlir::Block &block);

} // namespace actnet

#endif // ACTNET_LIB_CONVERSION_GRAPHTOKERNEL_FORMS_H
