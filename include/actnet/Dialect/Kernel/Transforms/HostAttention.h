//===- HostAttention.h - attention on the host ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tiles and the scratch of a kernel of the family attention: a tile is a
// block of query rows of one head; keys and values pass by in blocks that are
// packed into panels in scratch.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_KERNEL_TRANSFORMS_HOSTATTENTION_H
#define ACTNET_DIALECT_KERNEL_TRANSFORMS_HOSTATTENTION_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include <optional>

namespace actnet::kernel {

struct HostAttention {
  mutable AttentionOp op; ///< A handle: MLIR's accessors are not const.
  /// Extents of (b, h, s, t, d, e), or kDynamic.
  std::array<int64_t, 6> extents;
  llvm::SmallVector<mlir::AffineMap> resultMaps;
  /// Where each of the six dims stands: operand number and dim, or -1.
  std::array<std::pair<int, int>, 6> place;

  mlir::AffineMap map(unsigned operand) const;
};

/// Reads the attention of a kernel; nothing where the fast code does not apply
/// (d or e dynamic or very large, not f32, f16 or bf16, other epilogues than
/// rearrangements).
std::optional<HostAttention> readHostAttention(FuncOp kernel);

struct HostAttentionSchedule {
  int64_t sb = 0; ///< Query rows of a tile.
  int64_t tb = 0; ///< Keys of a block, a multiple of 16.
  static std::optional<HostAttentionSchedule> get(FuncOp kernel);
};

/// Offsets in a thread's scratch, in bytes; strides in elements.
struct HostAttentionScratch {
  int64_t q = 0, qStride = 0;      ///< [sb][qStride], scaled queries
  int64_t keys = 0;                ///< [tb / 16][d][16]
  int64_t values = 0;              ///< [e / 16][tb][16]
  int64_t scores = 0, sStride = 0; ///< [rows of a register tile][sStride]
  int64_t out = 0, oStride = 0;    ///< [sb][oStride]
  int64_t maxima = 0, sums = 0;    ///< [sb]
  int64_t qTable = 0, sTable = 0;  ///< pointers
  int64_t bytes = 0;
  HostAttentionScratch(const HostAttention &a, const HostAttentionSchedule &s,
                       int64_t microRows);
};

} // namespace actnet::kernel

#endif // ACTNET_DIALECT_KERNEL_TRANSFORMS_HOSTATTENTION_H
