//===- MicroKernel.h - the register-tiled inner product of host code ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every contraction on the host (products, convolutions, attention) ends in
// one small function per register tile, shared by all kernels of an image: a
// kernel stays a few loops around a call, so an image of a hundred kernels
// compiles in the time of a few. The call and the trip of the accumulators
// through a tile in L1 cost some 3 % at k = 256.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CODEGEN_HOST_MICROKERNEL_H
#define ACTNET_LIB_CODEGEN_HOST_MICROKERNEL_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"

namespace actnet::host {

/// Columns of one packed panel of right operands: `[n / 16][k][16]` f32.
constexpr int64_t kPanelColumns = 16;

/// The register tile of a variant.
struct MicroTile {
  int64_t rows;   ///< Rows of the full tile: 6 (AVX2) or 12 (AVX-512).
  int64_t panels; ///< Panels side by side: 1 or 2.
  int64_t lanes;  ///< f32 lanes of one register: 8 or 16.
  int64_t columns() const { return panels * kPanelColumns; }
};

/// The tile for f32 vectors of `lanes` lanes: 6 x 16 for 8 lanes or fewer,
/// 12 x 32 for 16: with 14 rows their pointers and the accumulators together
/// do not fit the registers.
MicroTile microTile(int64_t lanes);

/// Operands of one call, as values. Pointers are `!llvm.ptr`, numbers `i64`.
/// Rows come in groups of MicroTile::rows.
struct MicroCall {
  mlir::Value rows; ///< Rows, in all groups.
  mlir::Value
      table; ///< [groups][tableTaps][MicroTile::rows] pointers to left rows.
  mlir::Value tableTaps;  ///< Taps that a group has in the table.
  mlir::Value leftOffset; ///< Elements added to every pointer of the table.
  mlir::Value taps;       ///< Runs of k, from the first tap in the table.
  mlir::Value length;     ///< Elements of k in one run.
  mlir::Value right; ///< First panel, at the first k: [taps * length][16] f32.
  mlir::Value
      rightNext; ///< Elements from a panel to the next (used by two panels).
  mlir::Value ahead; ///< Memory to ask for while computing: `aheadLines` of
  mlir::Value aheadLines; ///< 64 bytes for each group.
  mlir::Value result;     ///< f32 rows, `stride` elements apart.
  mlir::Value stride;
  mlir::Value accumulate; ///< i1: add to what `result` holds.
};

/// Emits result[r, c] (+)= sum over taps t and k of
/// table[t][r][leftOffset + k] * right[t * length + k][c] for `rows` rows and
/// `panels` panels of 16 columns. The last group may compute more rows, up to
/// the full tile: its pointers must be readable and `result` have room. Fixed
/// order of summation for a given number of rows. Adds the functions it calls
/// to `module`.
void emitMicroKernel(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::ModuleOp module, const MicroTile &tile,
                     int64_t panels, const MicroCall &call);

} // namespace actnet::host

#endif // ACTNET_LIB_CODEGEN_HOST_MICROKERNEL_H
