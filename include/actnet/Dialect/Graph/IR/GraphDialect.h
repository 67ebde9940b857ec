//===- GraphDialect.h - the graph dialect and its attributes --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The dialect class, the attributes for dims and weights, and the helpers that
// every level uses to speak of a tensor's dims.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_GRAPH_IR_GRAPHDIALECT_H
#define ACTNET_DIALECT_GRAPH_IR_GRAPHDIALECT_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TensorEncoding.h"

#include <memory>

namespace actnet::graph {
class WeightStore;

/// What a dim expression is; the order is the order of terms in normal form.
enum class DimExprKind : uint32_t {
  Constant,
  Symbol,
  Add,
  Mul,
  FloorDiv,
  CeilDiv,
  Mod,
  Min,
  Max
};
} // namespace actnet::graph

#include "actnet/Dialect/Graph/IR/GraphDialect.h.inc"
#include "actnet/Dialect/Graph/IR/GraphEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "actnet/Dialect/Graph/IR/GraphAttrs.h.inc"

namespace actnet::graph {

/// The dims of a tensor: its encoding's expressions, or constants where it is
/// static. A dynamic dim without a name is an error of whoever made the type;
/// it comes back as the symbol `?`.
llvm::SmallVector<DimExprAttr> getDims(mlir::RankedTensorType type);

/// The tensor type with these dims: static extents where constant, and the
/// encoding only where one is not.
mlir::RankedTensorType getTensorType(llvm::ArrayRef<DimExprAttr> dims,
                                     mlir::Type elementType);

/// Bytes of one element in memory (bool: 1).
int64_t getElementBytes(mlir::Type elementType);

namespace detail {
/// What tryCreate and tryCreateTyped share; `types` is null where the op infers
/// them.
mlir::FailureOr<mlir::Operation *>
tryCreate(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef name,
          mlir::ValueRange operands,
          llvm::ArrayRef<mlir::NamedAttribute> attributes,
          mlir::Type type = {});
} // namespace detail

} // namespace actnet::graph

#endif // ACTNET_DIALECT_GRAPH_IR_GRAPHDIALECT_H
