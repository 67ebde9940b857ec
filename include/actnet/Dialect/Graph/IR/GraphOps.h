//===- GraphOps.h - the graph dialect's operations ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything that a pass over graph ops includes.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_GRAPH_IR_GRAPHOPS_H
#define ACTNET_DIALECT_GRAPH_IR_GRAPHOPS_H

#include "actnet/Dialect/Graph/IR/GraphDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#define GET_OP_CLASSES
#include "actnet/Dialect/Graph/IR/GraphOps.h.inc"

namespace actnet::graph {

/// Creates an op of type OpTy whose result types are inferred. Unlike
/// `OpBuilder::create` it never aborts: where inference or verification fails,
/// the error is emitted at `loc` and failure returned, and no op is left.
/// Attributes are inherent attributes by name. Optional operands are given in
/// their order; `operandSegmentSizes` may be left out where the ones that are
/// missing are the last.
template <typename OpTy>
mlir::FailureOr<OpTy>
tryCreate(mlir::OpBuilder &builder, mlir::Location loc,
          mlir::ValueRange operands,
          llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) {
  mlir::FailureOr<mlir::Operation *> op = detail::tryCreate(
      builder, loc, OpTy::getOperationName(), operands, attributes);
  if (mlir::failed(op))
    return mlir::failure();
  return llvm::cast<OpTy>(*op);
}

/// The same for an op whose result type is part of the op (reshape, cast …).
template <typename OpTy>
mlir::FailureOr<OpTy>
tryCreateTyped(mlir::OpBuilder &builder, mlir::Location loc,
               mlir::RankedTensorType type, mlir::ValueRange operands,
               llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) {
  mlir::FailureOr<mlir::Operation *> op = detail::tryCreate(
      builder, loc, OpTy::getOperationName(), operands, attributes, type);
  if (mlir::failed(op))
    return mlir::failure();
  return llvm::cast<OpTy>(*op);
}

} // namespace actnet::graph

#endif // ACTNET_DIALECT_GRAPH_IR_GRAPHOPS_H
