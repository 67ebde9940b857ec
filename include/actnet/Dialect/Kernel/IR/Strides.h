//===- Strides.h - where the elements of a tensor lie ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strides are in elements, one a dim, and expressions of the dims.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_KERNEL_IR_STRIDES_H
#define ACTNET_DIALECT_KERNEL_IR_STRIDES_H

#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include <optional>

namespace actnet::kernel {

using Strides = llvm::SmallVector<graph::DimExprAttr>;

/// Strides of a dense row-major tensor.
Strides denseStrides(mlir::MLIRContext *context,
                     llvm::ArrayRef<graph::DimExprAttr> dims);

/// Whether two lists of strides put every element of a tensor of these dims at
/// the same place: they may differ where an extent is 1.
bool sameStrides(llvm::ArrayRef<graph::DimExprAttr> dims,
                 llvm::ArrayRef<graph::DimExprAttr> a,
                 llvm::ArrayRef<graph::DimExprAttr> b);

/// Strides that show a tensor of dims `from` and strides `strides` under the
/// dims `to`, in the same row-major order of elements; nothing where no strides
/// do, or where it can't be told from the expressions.
std::optional<Strides>
reshapeStrides(mlir::MLIRContext *context,
               llvm::ArrayRef<graph::DimExprAttr> from,
               llvm::ArrayRef<graph::DimExprAttr> strides,
               llvm::ArrayRef<graph::DimExprAttr> to);

} // namespace actnet::kernel

#endif // ACTNET_DIALECT_KERNEL_IR_STRIDES_H
