//===- Library.h - products that a library can run whole ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cuBLASLt multiplies matrices that lie in columns (or, transposed, in rows)
// some distance apart, a batch of them with a fixed stride, and finishes a
// product with what it calls an epilogue. A kernel that is this and nothing
// more gets a description in its schedule; whether the library is called is
// decided where the dims' bounds are known (kernel-to-actor), and once more
// where it is loaded.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CODEGEN_CUDA_LIBRARY_H
#define ACTNET_LIB_CODEGEN_CUDA_LIBRARY_H

#include "Contraction.h"

#include "actnet/Package/LibraryCall.h"

namespace actnet::cuda {

/// The description of a kernel of the families contract and conv for
/// Package/LibraryCall.h: `config`, a string, and `dims`, expressions of the
/// kernel's. Null where the library could not run it whole.
mlir::DictionaryAttr describeProduct(kernel::FuncOp kernel);

/// What becomes of the sums of a product before they are written.
struct Epilogue {
  double alpha = 1;
  pkg::MatmulConfig::Activation activation =
      pkg::MatmulConfig::Activation::none;
  /// An operand of the kernel that is added, and the iteration indices of the
  /// root at which it is read; null: none.
  mlir::BlockArgument bias;
  Indices biasAt;
};

/// Reads f(alpha * sum + bias), with f nothing, relu or gelu in its form with
/// tanh. Nothing where it is something else. `loops` are those of the generics
/// behind the root, as resultIndices gives them.
std::optional<Epilogue>
readEpilogue(Printer &p, mlir::Value root,
             const llvm::DenseMap<mlir::Operation *, Indices> &loops);

} // namespace actnet::cuda

#endif // ACTNET_LIB_CODEGEN_CUDA_LIBRARY_H
