//===- DimBounds.h - what is known of the values of dims ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The builders of DimExpr.h know nothing of a dim but that it is at least 1:
// an attribute has one normal form, whatever module it is in. Where a module's
// bounds say more, this makes an expression simpler.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_GRAPH_IR_DIMBOUNDS_H
#define ACTNET_DIALECT_GRAPH_IR_DIMBOUNDS_H

#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include "mlir/IR/BuiltinOps.h"

namespace actnet::graph {

/// The values of a dim, both ends included; upper -1: none.
struct DimRange {
  int64_t lower = 1;
  int64_t upper = -1;
};

/// A range for a dim by the name that a user gives it.
struct NamedRange {
  std::string name;
  DimRange range;
};

using DimRanges = llvm::function_ref<DimRange(llvm::StringRef)>;

/// Numbers that the expression is never below and never above; nothing where
/// its form shows none, or 64 bits overflow.
std::optional<int64_t> dimLeast(DimExprAttr expr, DimRanges ranges);
std::optional<int64_t> dimMost(DimExprAttr expr, DimRanges ranges);

/// The same value for all dims within their ranges: `min(64, S)` is S where S
/// is at most 64, a dim whose bounds are equal is a number. Takes time with the
/// expression's size to the power of a few; expressions are small.
DimExprAttr dimSimplify(DimExprAttr expr, DimRanges ranges);

/// Replaces bounds in the module's `graph.dims`; a dim is called by its name or
/// by the one that the model's file gave it. Errors name the option `--dim`: a
/// dim that the model lacks, or one that is named twice.
mlir::LogicalResult setDimBounds(mlir::ModuleOp module,
                                 llvm::ArrayRef<NamedRange> dims);

} // namespace actnet::graph

#endif // ACTNET_DIALECT_GRAPH_IR_DIMBOUNDS_H
