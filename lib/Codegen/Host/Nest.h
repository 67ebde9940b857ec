//===- Nest.h - the loops of the simple families --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns a HostNest into loops around a function that emits one point (one
// vector of elements).
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CODEGEN_HOST_NEST_H
#define ACTNET_LIB_CODEGEN_HOST_NEST_H

#include "actnet/Codegen/Host/Emitter.h"
#include "actnet/Dialect/Kernel/Transforms/HostNest.h"

namespace actnet::host {

/// Emits code for the elements of one vector or of `unroll` neighbouring ones:
/// at(u) are the result indices of the u-th.
using PointFn =
    llvm::function_ref<void(llvm::ArrayRef<llvm::SmallVector<Index>> at)>;

/// Whether tails of vectors are masked, or loops over scalars: narrow types
/// have no masked loads before AVX-512.
bool masksTails(kernel::FuncOp kernel, const HostVariant &variant);

/// Lanes that fit the widest of the kernel's element types that matter.
unsigned lanesFor(kernel::FuncOp kernel, const HostVariant &variant);

/// Emits vectors over [lo, hi): `unroll` at a time, then single ones, then the
/// rest. `body` gets the first element's index and how many vectors.
/// Sets the lanes. `carried` values go through all of it.
Values vectorLoop(
    Emitter &e, mlir::Value lo, mlir::Value hi, unsigned width, unsigned unroll,
    mlir::ValueRange carried,
    llvm::function_ref<Values(mlir::Value, unsigned, mlir::ValueRange)> body);

/// The rows of this tile: calls `row` with the indices of all dims that belong
/// to outer groups set, others 0.
void rowLoop(Emitter &e, const kernel::HostNest &nest,
             llvm::ArrayRef<graph::DimExprAttr> dims,
             llvm::function_ref<void(llvm::SmallVector<Index> at)> row);

/// The whole nest over results of these dims.
void nestLoop(Emitter &e, const kernel::HostNest &nest,
              llvm::ArrayRef<graph::DimExprAttr> dims, unsigned width,
              unsigned unroll, PointFn point);

/// Combines values with the op that a reduction's body yields.
struct Combiner {
  mlir::Operation *op = nullptr;
  double identity = 0;
  bool infinite = false; ///< identity is the type's smallest or largest value

  /// The combiner of a generic with one result, or nothing where the body is
  /// no such op on the accumulator and something else.
  static std::optional<Combiner> get(mlir::linalg::GenericOp op);
  mlir::Value neutral(Emitter &e, mlir::Type type) const;
};

/// Reduces a generic over its loops in `groups` (the last one along lanes)
/// with all other loops at `at`: one scalar a result.
Values reduceLanes(Emitter &e, mlir::linalg::GenericOp op,
                   llvm::ArrayRef<Index> at,
                   llvm::ArrayRef<llvm::SmallVector<int64_t>> groups,
                   llvm::ArrayRef<mlir::Value> extents);

/// Extents of a generic's loops (i64).
Values loopExtents(Emitter &e, mlir::linalg::GenericOp op);

/// Elements of a generic's inputs at its iteration indices; null where unused.
Values inputElements(Emitter &e, mlir::linalg::GenericOp op,
                     llvm::ArrayRef<Index> at);

} // namespace actnet::host

#endif // ACTNET_LIB_CODEGEN_HOST_NEST_H
