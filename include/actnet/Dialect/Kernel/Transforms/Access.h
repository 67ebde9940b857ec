//===- Access.h - how a kernel body reads its operands --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Follows elements of tensors through the body to the operands, with symbolic
// indices, and tells by how many elements each load and store moves when an
// iteration dim moves by one. Schedules are chosen from that.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_KERNEL_TRANSFORMS_ACCESS_H
#define ACTNET_DIALECT_KERNEL_TRANSFORMS_ACCESS_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include "llvm/ADT/SmallBitVector.h"

namespace actnet::kernel {

/// An index in terms of the iteration dims.
struct SymbolicIndex {
  /// Per iteration dim the coefficient; null where it is no linear function.
  llvm::SmallVector<graph::DimExprAttr> coefficients;
  /// Iteration dims that must be known by themselves (bounds checks,
  /// divisions): they cannot be collapsed with others.
  llvm::SmallBitVector rigid;
  bool operator==(const SymbolicIndex &) const = default;
};

/// One load of an argument or store of a result.
struct Access {
  unsigned number = 0;
  bool isResult = false;
  mlir::Type element;
  /// Per iteration dim: elements by which the address moves; null: unknown.
  llvm::SmallVector<graph::DimExprAttr> strides;
  llvm::SmallBitVector rigid;
};

class AccessWalk {
public:
  AccessWalk(FuncOp kernel, unsigned numDims)
      : kernel(kernel), numDims(numDims) {}

  /// The index that is iteration dim d itself.
  SymbolicIndex dim(unsigned d);
  /// Index 0.
  SymbolicIndex zero();
  SymbolicIndex affine(mlir::AffineExpr expr,
                       llvm::ArrayRef<SymbolicIndex> dims);
  llvm::SmallVector<SymbolicIndex> map(mlir::AffineMap map,
                                       llvm::ArrayRef<SymbolicIndex> dims);

  /// Follows an element of a tensor of the body.
  void tensor(mlir::Value value, llvm::ArrayRef<SymbolicIndex> at);
  /// Follows all inputs of a generic at its iteration indices.
  void inputs(mlir::linalg::GenericOp op, llvm::ArrayRef<SymbolicIndex> dims);
  /// The store of result i, without following its value.
  void store(unsigned i, llvm::ArrayRef<SymbolicIndex> at);

  /// Tensors at which the walk stops, calling `onStop`.
  llvm::DenseSet<mlir::Value> stops;
  std::function<void(mlir::Value, llvm::ArrayRef<SymbolicIndex>)> onStop;

  llvm::SmallVector<Access> accesses;
  /// Rough cost of one element: arithmetic ops, functions count more.
  int64_t cost = 0;

private:
  void access(unsigned number, bool isResult, mlir::Type element,
              llvm::ArrayRef<graph::DimExprAttr> strides,
              llvm::ArrayRef<SymbolicIndex> at);
  /// The dims of this index are read as numbers: none of them is collapsed
  /// with another, whatever operands move along it.
  void keepApart(SymbolicIndex index);
  void addScaled(SymbolicIndex &to, const SymbolicIndex &from,
                 graph::DimExprAttr factor);

  FuncOp kernel;
  unsigned numDims;
  llvm::DenseMap<mlir::Value,
                 llvm::SmallVector<llvm::SmallVector<SymbolicIndex>>>
      visited;
};

/// Rough cost of one element of a generic's body.
int64_t bodyCost(mlir::linalg::GenericOp op);

} // namespace actnet::kernel

#endif // ACTNET_DIALECT_KERNEL_TRANSFORMS_ACCESS_H
