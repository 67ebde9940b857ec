//===- Evaluate.h - the reference evaluator of graph ops ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Says by computing it what each graph op means. Folders use it for small
// constants, the package writer for weight recipes, and tests as the oracle.
// Plain loops: floating point is computed in double and rounded once on
// storing, integers in 64 bits. No threads.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_GRAPH_IR_EVALUATE_H
#define ACTNET_DIALECT_GRAPH_IR_EVALUATE_H

#include "actnet/Dialect/Graph/IR/GraphDialect.h"

#include "llvm/ADT/StringMap.h"

namespace mlir::func {
class FuncOp;
} // namespace mlir::func

namespace actnet::graph {

/// A dense row-major tensor in host memory, little-endian, bool as a byte of 0
/// or 1. The bytes are borrowed or shared: copies of a HostTensor are cheap and
/// see the same bytes.
struct HostTensor {
  mlir::Type elementType;
  llvm::SmallVector<int64_t> shape;
  const char *data = nullptr;
  /// Keeps `data` alive; null where it is borrowed from longer-lived memory.
  std::shared_ptr<void> owner;

  int64_t getNumElements() const;
  int64_t getNumBytes() const;
  llvm::ArrayRef<char> getBytes() const {
    return {data, static_cast<size_t>(getNumBytes())};
  }
  /// Typed access, for tensors with memory of their own: borrowed bytes, such
  /// as weights in a file, need not be aligned.
  template <typename T> const T *as() const {
    return reinterpret_cast<const T *>(data);
  }

  /// Memory of its own, 64-byte aligned, not initialised; write it through
  /// `mutableData` before sharing.
  static HostTensor allocate(mlir::Type elementType,
                             llvm::ArrayRef<int64_t> shape);
  char *mutableData() { return const_cast<char *>(data); }

  /// Bytes of someone else, who keeps them at least as long as the tensor.
  static HostTensor borrow(mlir::Type elementType,
                           llvm::ArrayRef<int64_t> shape, const char *data,
                           std::shared_ptr<void> owner = {});
};

/// Values of the named dims.
using DimValues = llvm::StringMap<int64_t>;

/// The value of a `graph.constant`'s attribute (dense elements or a weight,
/// which stays mapped): mostly borrowed. Errors through `emitError`: a weight
/// that can't be read or has another length.
mlir::FailureOr<HostTensor>
evaluateConstant(mlir::Attribute value, mlir::RankedTensorType type,
                 llvm::function_ref<mlir::InFlightDiagnostic()> emitError);

/// The tensor as dense elements, for small results: they live until the
/// context dies.
mlir::DenseElementsAttr toDenseElements(const HostTensor &tensor);

/// Evaluates one graph op. Errors, reported at the op: an op of another
/// dialect, a dim without a value, operands that don't have the op's types.
/// Quiet: failure without a diagnostic.
mlir::FailureOr<HostTensor> evaluate(mlir::Operation *op,
                                     llvm::ArrayRef<HostTensor> operands,
                                     const DimValues &dims = {},
                                     bool isQuiet = false);

/// Evaluates a function of one block of graph ops: a recipe (no inputs) or a
/// whole model. Dims are bound by the inputs' shapes. A value is dropped after
/// its last use. Errors as above; also inputs that don't fit the arguments.
mlir::FailureOr<llvm::SmallVector<HostTensor>>
evaluateFunction(mlir::func::FuncOp function,
                 llvm::ArrayRef<HostTensor> inputs = {});

} // namespace actnet::graph

#endif // ACTNET_DIALECT_GRAPH_IR_EVALUATE_H
