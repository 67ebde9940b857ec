//===- Folding.h - what the folders share ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Results up to 4 KiB are computed by the reference evaluator while folding;
// larger ones stay operations, which become recipes.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_DIALECT_GRAPH_IR_FOLDING_H
#define ACTNET_LIB_DIALECT_GRAPH_IR_FOLDING_H

#include "mlir/IR/Operation.h"

namespace actnet::graph {

/// The largest result, in bytes, that folding turns into a value.
inline constexpr int64_t kFoldLimitBytes = 4096;
/// The largest operand that folding reads, so that it stays cheap.
inline constexpr int64_t kFoldOperandLimitBytes = 1 << 20;

/// Evaluates `op` where all operands are constants and the result is small;
/// null otherwise.
mlir::OpFoldResult foldConstants(mlir::Operation *op,
                                 llvm::ArrayRef<mlir::Attribute> operands);

/// Folds an elementwise op: neutral operands, then constants.
mlir::OpFoldResult foldElementwise(mlir::Operation *op,
                                   llvm::ArrayRef<mlir::Attribute> operands);

} // namespace actnet::graph

#endif // ACTNET_LIB_DIALECT_GRAPH_IR_FOLDING_H
