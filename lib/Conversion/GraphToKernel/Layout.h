//===- Layout.h - parts of the layout pass --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the layout pass shares between its steps.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CONVERSION_GRAPHTOKERNEL_LAYOUT_H
#define ACTNET_LIB_CONVERSION_GRAPHTOKERNEL_LAYOUT_H

#include "actnet/Dialect/Graph/IR/GraphOps.h"

namespace actnet {

/// Transposes x; gives x itself for the identity, and the source for a pair
/// that cancels.
mlir::Value createTranspose(mlir::OpBuilder &b, mlir::Location loc,
                            mlir::Value x, llvm::ArrayRef<int64_t> perm);

/// Reshapes x to dims; gives x itself where nothing changes.
mlir::Value createReshape(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                          llvm::ArrayRef<graph::DimExprAttr> dims);

/// Rewrites an einsum to `batch… m… k, batch… k n -> batch… m… n`, with
/// transposes and reshapes around it where it has another form. Returns the
/// value that replaces its result, null where it has this form already.
mlir::Value canonicalizeEinsum(mlir::OpBuilder &b, graph::EinsumOp op);

/// Lets attention read what its operands are transposes of, with the result's
/// rows in the order of the queries'. Null where no operand is a transpose.
mlir::Value absorbTransposes(mlir::OpBuilder &b, graph::AttentionOp op);

/// Undoes the merging of rows in front of `mk,kn->mn`, the right operand as it
/// is or transposed, where a transpose stands
/// before it: behind the product it can meet its inverse. Null elsewhere.
mlir::Value expandRows(mlir::OpBuilder &b, graph::EinsumOp op);

} // namespace actnet

#endif // ACTNET_LIB_CONVERSION_GRAPHTOKERNEL_LAYOUT_H
