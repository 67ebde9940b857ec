//===- HostNest.h - the loop nest of a host kernel ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The schedule of the families map, reduce, pool and row on the host. The
// iteration dims (of the results) are put into groups: a group is dims that
// all accesses run through as through one. The outer groups are flattened
// into rows, of which a tile takes some; the middle ones are loops; the vector
// group is the innermost loop and may be cut into chunks.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_KERNEL_TRANSFORMS_HOSTNEST_H
#define ACTNET_DIALECT_KERNEL_TRANSFORMS_HOSTNEST_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include <optional>

namespace actnet::kernel {

/// `schedule = {groups = [array<i64: 0, 1>, array<i64: 2>], reduced = [],
/// outer = 1, rows = 4, chunk = 0, transpose = -1, reduce_lanes = false}`.
struct HostNest {
  /// Result dims in loop order, outermost first; the last group is the vector
  /// group. Dims of extent 1 are left out. No group: one element.
  llvm::SmallVector<llvm::SmallVector<int64_t>> groups;
  /// Groups that are flattened into rows.
  int64_t outer = 0;
  /// Rows of a tile.
  int64_t rows = 1;
  /// Elements of the vector group in one tile; 0: all.
  int64_t chunk = 0;
  /// A group along which some operand is contiguous while the vector group is
  /// not: blocks of both are transposed in registers. -1: none.
  int64_t transpose = -1;
  /// Reduced dims as loops of the root (row kernels: trailing dims of the row
  /// space), in groups like the others.
  llvm::SmallVector<llvm::SmallVector<int64_t>> reduced;
  /// Lanes run along the last group of `reduced` instead.
  bool reduceLanes = false;

  mlir::DictionaryAttr toAttr(mlir::MLIRContext *context) const;
  /// Nothing where the schedule is not of this kind.
  static std::optional<HostNest> get(FuncOp kernel);

  /// Number of tiles for results of these dims.
  graph::DimExprAttr tiles(mlir::MLIRContext *context,
                           llvm::ArrayRef<graph::DimExprAttr> dims) const;
};

/// Chooses and sets schedule, tiles and scratch of one kernel, by shape alone.
mlir::LogicalResult scheduleHost(FuncOp kernel);
/// The same for the families of HostNest.
mlir::LogicalResult scheduleHostNest(FuncOp kernel);

/// A value of a row kernel that several loops over the row need and that is
/// dear: it is kept, in f32, in the thread's scratch or in a result's row.
struct RowTemporary {
  mlir::Value tensor;
  int64_t offset = 0; ///< Bytes in scratch.
  int64_t bytes = 0;
};
/// What a row kernel keeps; the order is that of the body. The scratch is the
/// end of the last one.
llvm::SmallVector<RowTemporary> rowTemporaries(FuncOp kernel);

} // namespace actnet::kernel

#endif // ACTNET_DIALECT_KERNEL_TRANSFORMS_HOSTNEST_H
