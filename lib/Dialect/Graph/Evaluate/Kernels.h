//===- Kernels.h - evaluating the families of graph ops -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One function a family. Each gets operands that fit the op's types and the
// result's shape, and returns failure, without a diagnostic, for ops that are
// not of its family.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_DIALECT_GRAPH_EVALUATE_KERNELS_H
#define ACTNET_LIB_DIALECT_GRAPH_EVALUATE_KERNELS_H

#include "actnet/Dialect/Graph/IR/Evaluate.h"

namespace actnet::graph::eval {

/// What an evaluation sees of its op.
struct Call {
  mlir::Operation *op;
  llvm::ArrayRef<HostTensor> operands;
  mlir::Type elementType;           ///< of the result
  llvm::SmallVector<int64_t> shape; ///< of the result
  const DimValues &dims;

  bool isQuiet; ///< no diagnostics

  /// Begins the report of an error at the op.
  mlir::InFlightDiagnostic error() const {
    return isQuiet ? mlir::InFlightDiagnostic()
                   : op->emitOpError("can't be evaluated: ");
  }
  HostTensor allocate() const {
    return HostTensor::allocate(elementType, shape);
  }
};

using Result = mlir::FailureOr<HostTensor>;

Result evaluateElementwise(const Call &call);
Result evaluateMovement(const Call &call);
Result evaluateScatter(const Call &call);
Result evaluateReduce(const Call &call);
Result evaluateContract(const Call &call);
Result evaluateComposite(const Call &call);

} // namespace actnet::graph::eval

#endif // ACTNET_LIB_DIALECT_GRAPH_EVALUATE_KERNELS_H
