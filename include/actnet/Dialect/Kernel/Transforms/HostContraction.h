//===- HostContraction.h - contractions and convolutions on the host ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the host sees a kernel of the families contract and conv: as a product
// of a matrix of rows (m dims, or output pixels) with packed panels of 16
// columns, for each index of the outer dims (batch, groups). The inner
// dimension is a number of taps (filter positions) times a run of consecutive
// elements. The schedule is chosen and the code is written from this one
// reading, so that both agree on tiles and scratch.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_KERNEL_TRANSFORMS_HOSTCONTRACTION_H
#define ACTNET_DIALECT_KERNEL_TRANSFORMS_HOSTCONTRACTION_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include <optional>

namespace actnet::kernel {

/// Reading of the root; loops are numbers of the root's iteration dims.
struct HostContraction {
  mutable mlir::linalg::GenericOp
      root;                     ///< A handle: MLIR's accessors are not const.
  unsigned left = 0, right = 1; ///< Which inputs they are.
  llvm::SmallVector<unsigned> outer; ///< Batch, groups, further column dims.
  llvm::SmallVector<unsigned> rows;  ///< Dims of the left operand alone.
  int column = -1; ///< Dim of the right operand alone, or none.
  llvm::SmallVector<unsigned> taps; ///< Outer inner-product dims.
  llvm::SmallVector<unsigned>
      run; ///< Innermost ones, contiguous in the left operand.
  llvm::SmallVector<int64_t>
      extents; ///< Of each loop, or ShapedType::kDynamic.

  /// The left operand is read where it lies: an f32 argument (perhaps behind a
  /// pad with zeros) whose run has unit stride.
  bool leftInPlace = false;
  mutable mlir::tensor::PadOp pad; ///< Only if leftInPlace.
  /// The right operand is an f32 argument in panels.
  bool rightPacked = false;
  /// The accumulators start at zero; else at the root's init.
  bool zeroInit = false;
  /// The root's result is the only thing that the kernel yields, as it is.
  bool plainResult = false;
  /// For each result of the kernel: its indices in terms of the root's result.
  llvm::SmallVector<mlir::AffineMap> resultMaps;

  int64_t tapCount() const;  ///< Product of the taps' extents.
  int64_t runLength() const; ///< Or kDynamic.
  mlir::AffineMap map(unsigned input) const;
};

/// Reads the root of a kernel; nothing where the fast code does not apply (not
/// computed in f32, epilogues that are no permutation …): then the plain loop
/// nest is used.
std::optional<HostContraction> readHostContraction(FuncOp kernel);

/// The one generic of the kernel with reductions.
mlir::linalg::GenericOp findRoot(FuncOp kernel);

/// For each result of the kernel its indices in terms of those of `root`, a
/// result of an op in the body. Nothing where one is no rearrangement of it.
std::optional<llvm::SmallVector<mlir::AffineMap>>
rearrangements(FuncOp kernel, mlir::Value root);

/// The dim expression of each dim of a value of the body that all results are
/// rearrangements of.
llvm::SmallVector<graph::DimExprAttr>
dimsThroughResults(FuncOp kernel, mlir::Value value,
                   llvm::ArrayRef<mlir::AffineMap> maps);

/// The numbers of a schedule (`schedule = {mb = 84, nb = 16, kc = 256, tp =
/// 1}`).
struct HostContractionSchedule {
  int64_t mb = 0; ///< Rows of a tile.
  int64_t nb = 0; ///< Panels of a tile.
  int64_t kc = 0; ///< Elements of the run in one pass.
  int64_t tp = 1; ///< Taps in one pass.

  mlir::DictionaryAttr toAttr(mlir::MLIRContext *context) const;
  static std::optional<HostContractionSchedule> get(FuncOp kernel);
};

/// Offsets in a thread's scratch, in bytes.
struct HostContractionScratch {
  int64_t rowIndex = 0; ///< [mb][rows dims] i64
  int64_t table = 0;    ///< [groups][taps][R] pointers
  int64_t result = 0;   ///< f32 accumulators
  int64_t left = 0;     ///< [mb][leftStride] f32
  int64_t leftStride = 0;
  int64_t rightPanels = 0; ///< [nb][tp * kc][16] f32
  int64_t bytes = 0;
  bool singlePass = false; ///< All of k in one pass.

  /// For register tiles of `microRows` x `microPanels` panels.
  HostContractionScratch(const HostContraction &c,
                         const HostContractionSchedule &s, int64_t microRows,
                         int64_t microPanels);
};

/// Sets schedule, tiles and scratch of a kernel of the family.
mlir::LogicalResult scheduleHostContract(FuncOp kernel);
mlir::LogicalResult scheduleHostConv(FuncOp kernel);
mlir::LogicalResult scheduleHostDepthwise(FuncOp kernel);
mlir::LogicalResult scheduleHostAttention(FuncOp kernel);
/// The same for the plain loop nest of any root: a tile a row of the result.
mlir::LogicalResult scheduleHostPlain(FuncOp kernel);

} // namespace actnet::kernel

#endif // ACTNET_DIALECT_KERNEL_TRANSFORMS_HOSTCONTRACTION_H
