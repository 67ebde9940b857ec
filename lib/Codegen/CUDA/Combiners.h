//===- Combiners.h - what reductions combine with -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Most reductions are one commutative op on the result so far and a value: then
// threads can combine what they have on their own. Any other body runs one
// element after the other.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CODEGEN_CUDA_COMBINERS_H
#define ACTNET_LIB_CODEGEN_CUDA_COMBINERS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace actnet::cuda {

/// result = combine(result, value) for one result of a generic.
struct Combiner {
  llvm::StringRef name; ///< In scalar.h.
  mlir::Value value;    ///< In the generic's body.
};

/// Those of all results; nothing where the body is of another form.
std::optional<llvm::SmallVector<Combiner>>
combinersOf(mlir::linalg::GenericOp root);

/// The value that changes nothing when it is combined.
mlir::Attribute identityOf(llvm::StringRef combiner, mlir::Type type);

} // namespace actnet::cuda

#endif // ACTNET_LIB_CODEGEN_CUDA_COMBINERS_H
