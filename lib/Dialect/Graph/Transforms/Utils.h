//===- Utils.h - building and matching graph ops --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_LIB_DIALECT_GRAPH_TRANSFORMS_UTILS_H
#define ACTNET_LIB_DIALECT_GRAPH_TRANSFORMS_UTILS_H

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"

#include "mlir/IR/PatternMatch.h"

namespace actnet::graph {

/// Writes graph ops one after another at one location.
struct GraphBuilder {
  mlir::OpBuilder &builder;
  mlir::Location location;

  static mlir::RankedTensorType typeOf(mlir::Value value) {
    return mlir::cast<mlir::RankedTensorType>(value.getType());
  }
  template <typename OpTy> mlir::Value unary(mlir::Value x) {
    return OpTy::create(builder, location, x);
  }
  template <typename OpTy> mlir::Value binary(mlir::Value a, mlir::Value b) {
    return OpTy::create(builder, location, a, b);
  }
  /// A tensor of no dims that holds `value`.
  mlir::Value scalar(mlir::Type elementType, double value);
  mlir::Value reshape(mlir::Value x, llvm::ArrayRef<DimExprAttr> dims);
  /// `x` itself where perm is the identity.
  mlir::Value transpose(mlir::Value x, llvm::ArrayRef<int64_t> perm);
  mlir::Value broadcast(mlir::Value x, llvm::ArrayRef<DimExprAttr> dims);
  mlir::Value reduce(ReduceKind kind, mlir::Value x,
                     llvm::ArrayRef<int64_t> dims);
  mlir::Value einsum(llvm::StringRef spec, mlir::Value a, mlir::Value b);
  /// A vector of one value for each extent of dim `axis` of a tensor of `rank`,
  /// shaped so that it broadcasts along that dim.
  mlir::Value alongAxis(mlir::Value vector, int64_t axis, int64_t rank);
};

/// Is the value computed from constants alone?
bool isConstantExpression(mlir::Value value);

/// The number that a constant holds in every element, also behind reshapes and
/// broadcasts.
std::optional<double> splatValue(mlir::Value value);

/// The factors of a product, through nested products; constants multiplied.
struct Product {
  double constant = 1;
  llvm::SmallVector<mlir::Value> factors;
};
Product factorsOf(mlir::Value value);

inline bool isNear(double a, double b) {
  return std::abs(a - b) <= 1e-5 * std::max(std::abs(a), std::abs(b));
}

/// A transposed convolution as an ordinary one; null, with an error, where the
/// filter's spatial extents are not static.
mlir::Value decomposeConvTranspose(GraphBuilder b, ConvTransposeOp op);

void populateBatchNormPatterns(mlir::RewritePatternSet &patterns);
void populateSimplifyPatterns(mlir::RewritePatternSet &patterns);
void populateSlicePatterns(mlir::RewritePatternSet &patterns);
void populateAttentionPatterns(mlir::RewritePatternSet &patterns);
void populateGeluPatterns(mlir::RewritePatternSet &patterns);
void populateLayerNormPatterns(mlir::RewritePatternSet &patterns);

/// Runs patterns to a fixed point on everything below `root`.
mlir::LogicalResult applyGreedily(mlir::Operation *root,
                                  mlir::RewritePatternSet patterns);

} // namespace actnet::graph

#endif // ACTNET_LIB_DIALECT_GRAPH_TRANSFORMS_UTILS_H
