//===- Contraction.h - products as the CUDA templates see them ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A root of the families contract and conv, read as a product of matrices: its
// loops sorted into batch, rows, columns and inner ones by which operands use
// them. What is not the root's business, where operands lie in memory and
// where results go, serves attention as well.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CODEGEN_CUDA_CONTRACTION_H
#define ACTNET_LIB_CODEGEN_CUDA_CONTRACTION_H

#include "FamilyPrinter.h"

#include <optional>

namespace actnet::cuda {

/// An element that lies in memory as it is needed.
struct Place {
  Text address; ///< "in0 + …".
  Text inside;  ///< A condition, without which it is zero; may be empty.
};

/// Where an element of a tensor lies: an argument's, behind zero padding and
/// unit-step slices at most. Nothing for what must be computed. Prints index
/// variables at most.
std::optional<Place> placeOf(Printer &p, mlir::Value tensor,
                             llvm::ArrayRef<Index> at);

/// Whether the elements at `at`, `at` with `variable` one more … lie side by
/// side in memory, `count` of them wherever `variable` is a multiple of
/// `count`; and in aligned places as far as the dims tell. `type` is what lies
/// there.
bool isRun(Printer &p, mlir::Value tensor, llvm::ArrayRef<Index> at,
           Index variable, int64_t count, mlir::Type type);

/// For each result of the kernel its indices where the root's result has the
/// given ones. Nothing where a result is no rearrangement of the root's, or
/// needs two of its elements at once. `loops`, if given, gets the iteration
/// indices of each elementwise generic on the way.
std::optional<llvm::SmallVector<Indices>>
resultIndices(Printer &p, mlir::Value root, llvm::ArrayRef<Index> at,
              llvm::DenseMap<mlir::Operation *, Indices> *loops = nullptr);

/// The value of an operand behind a chain of widenings in a body: the block
/// argument and how it widens.
struct Widened {
  unsigned argument = 0;
  bool isUnsigned = false;
};

/// Bytes of an element of this kind in shared memory.
inline int64_t bytesOf(llvm::StringRef math) {
  return math.ends_with("64") ? 8 : math.ends_with("16") ? 2 : 4;
}

/// A matrix product. Loops are numbers of the root's iteration dims.
struct Contraction {
  mutable mlir::linalg::GenericOp root; ///< A handle.
  Widened left, right;                  ///< Inputs of the root.
  llvm::SmallVector<unsigned> batch, rows, columns, inner;
  Dims dims; ///< The extent of each loop.
  /// "f64", "f32", "f16", "bf16", "i32", "i64": what is multiplied.
  llvm::StringRef math;

  mlir::Value operand(const Widened &which) const {
    return root.getInputs()[which.argument];
  }
  Dims dimsOf(llvm::ArrayRef<unsigned> loops) const {
    Dims found;
    for (unsigned loop : loops)
      found.push_back(dims[loop]);
    return found;
  }
  int64_t elementBytes() const { return bytesOf(math); }
};

/// Reads a generic that reduces. Nothing where it is no product, or of types
/// that matmul.cuh does not multiply.
std::optional<Contraction> readContraction(Printer &p,
                                           mlir::linalg::GenericOp root);

/// The printer of all that fits no tile, element by element.
std::unique_ptr<FamilyPrinter> makePlainPrinter(kernel::FuncOp kernel);

/// A cut of the tile, as MatmulShape takes it.
struct MatmulCut {
  int64_t rows, columns, warpsDown, warpsAcross, slices, stages;

  int64_t threads() const { return 32 * warpsDown * warpsAcross * slices; }
  /// Bytes of shared memory, as MatmulShape counts them.
  int64_t shared(llvm::StringRef math) const;
};

/// Chooses by the extents, as far as they are known; `isCopied` where both
/// operands come by asynchronous copies.
MatmulCut chooseMatmulCut(graph::DimExprAttr batch, graph::DimExprAttr rows,
                          graph::DimExprAttr columns, llvm::StringRef math,
                          bool isCopied);

} // namespace actnet::cuda

#endif // ACTNET_LIB_CODEGEN_CUDA_CONTRACTION_H
