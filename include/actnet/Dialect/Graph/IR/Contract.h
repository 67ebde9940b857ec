//===- Contract.h - reading the specs of einsum, convolution, attention ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Contractions name their dims by letters. What verifiers, front ends and
// conversions need to read those specs stands here once.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_GRAPH_IR_CONTRACT_H
#define ACTNET_DIALECT_GRAPH_IR_CONTRACT_H

#include "actnet/Dialect/Graph/IR/DimExpr.h"

namespace actnet::graph {

/// The three terms of an einsum spec.
struct EinsumSpec {
  llvm::StringRef lhs, rhs, out;
};

/// Splits `mk,kn->mn`; failure where it has not the form
/// `letters,letters->letters` or a letter stands twice in one term. The parts
/// point into `spec`. No diagnostic.
mlir::FailureOr<EinsumSpec> parseEinsumSpec(llvm::StringRef spec);

/// The spatial letters of a convolution or pooling, in order: a tail of "dhw".
llvm::StringRef spatialLetters(unsigned count);

/// The extent of a windowed dim:
/// `(in + low + high - dilation*(window-1) - 1) floordiv stride + 1`; with
/// `ceilMode` rounded up, less the windows that would start past `in + low`.
DimExprAttr windowedExtent(DimExprAttr in, DimExprAttr window, int64_t stride,
                           int64_t low, int64_t high, int64_t dilation,
                           bool ceilMode = false);

/// The extent of a dim that a transposed convolution makes:
/// `(in - 1)*stride + dilation*(window-1) + 1 - low - high`.
DimExprAttr transposedExtent(DimExprAttr in, DimExprAttr window, int64_t stride,
                             int64_t low, int64_t high, int64_t dilation);

/// The dims of `type` in the order of `letters`, given its layout; failure
/// where the layout is no permutation of the letters. No diagnostic.
mlir::FailureOr<llvm::SmallVector<int64_t>>
layoutPositions(llvm::StringRef layout, llvm::StringRef letters);

} // namespace actnet::graph

#endif // ACTNET_DIALECT_GRAPH_IR_CONTRACT_H
