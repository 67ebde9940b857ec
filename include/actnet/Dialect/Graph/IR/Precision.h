//===- Precision.h - the types that --precision names ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_DIALECT_GRAPH_IR_PRECISION_H
#define ACTNET_DIALECT_GRAPH_IR_PRECISION_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

namespace actnet::graph {

/// The narrow type that a pass option asks for, null for `f32`. Any other name
/// is an error at `op` that begins with the pass' name.
mlir::FailureOr<mlir::FloatType> parseNarrowType(mlir::Operation *op,
                                                 llvm::StringRef pass,
                                                 llvm::StringRef name);

} // namespace actnet::graph

#endif // ACTNET_DIALECT_GRAPH_IR_PRECISION_H
