//===- ContractEmitter.h - the code of one product or convolution ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// State of the emission of one kernel. Operands (where rows and panels lie,
// and their copies) stand in ContractOperands.cpp, the loops around the
// micro-kernel and the epilogue in Contract.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CODEGEN_HOST_CONTRACTEMITTER_H
#define ACTNET_LIB_CODEGEN_HOST_CONTRACTEMITTER_H

#include "Contraction.h"
#include "MicroKernel.h"
#include "Nest.h"

#include "actnet/Dialect/Kernel/Transforms/HostContraction.h"

namespace actnet::host {

class ContractEmitter {
public:
  ContractEmitter(Emitter &e, const kernel::HostContraction &c,
                  const kernel::HostContractionSchedule &s)
      : e(e), c(c), s(s), tile(microTile(e.variant.lanesF32())),
        scratch(c, s, tile.rows, tile.panels), f32(e.b.getF32Type()),
        ptr(mlir::LLVM::LLVMPointerType::get(e.b.getContext())) {}

  void emit();

private:
  // Parts of scratch, as pointers.
  mlir::Value part(int64_t offset) {
    return e.address(e.scratch, e.b.getIntegerType(8), mlir::Value(), offset);
  }
  Values extentsOf(llvm::ArrayRef<unsigned> loops) {
    Values out;
    for (unsigned loop : loops)
      out.push_back(extents[loop]);
    return out;
  }
  void set(llvm::ArrayRef<unsigned> loops, mlir::ValueRange values) {
    for (auto [loop, value] : llvm::zip_equal(loops, values))
      dims[loop] = Index(value);
  }
  void storePointer(mlir::Value value, mlir::Value to) {
    mlir::LLVM::StoreOp::create(e.b, e.loc, value, to);
  }

  void decodeTile();
  void fillRowIndices();
  void loadRowIndices(mlir::Value row);
  void pointToRows();
  void pointToCopies();
  mlir::Value leftAddress();
  void pass(mlir::Value tap, mlir::Value taps, mlir::Value offset,
            mlir::Value length, mlir::Value first, mlir::Value last);
  void copyLeft(mlir::Value tap, mlir::Value taps, mlir::Value offset,
                mlir::Value length);
  void copyRight(mlir::Value tap, mlir::Value taps, mlir::Value offset,
                 mlir::Value length);
  mlir::Value panelAddress(mlir::Value panel);
  bool rightIsLarge() const;
  void epilogue(mlir::Value accumulators, mlir::Value firstPanel,
                mlir::Value panels);

  Emitter &e;
  const kernel::HostContraction &c;
  const kernel::HostContractionSchedule &s;
  MicroTile tile;
  kernel::HostContractionScratch scratch;
  mlir::Type f32, ptr;

  Values extents;                ///< Of all loops of the root.
  llvm::SmallVector<Index> dims; ///< Current index of each loop.
  mlir::Value columns, panels;   ///< Extents of the result.
  mlir::Value row0, rowCount, groups;
  mlir::Value panel0, panelEnd;
};

} // namespace actnet::host

#endif // ACTNET_LIB_CODEGEN_HOST_CONTRACTEMITTER_H
