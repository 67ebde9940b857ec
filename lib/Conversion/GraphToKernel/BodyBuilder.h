//===- BodyBuilder.h - writing a kernel's body ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel under construction: tensor arguments for the values that the group
// reads, index arguments for the dims that it needs, and helpers for the few
// shapes of linalg operations that bodies are made of.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CONVERSION_GRAPHTOKERNEL_BODYBUILDER_H
#define ACTNET_LIB_CONVERSION_GRAPHTOKERNEL_BODYBUILDER_H

#include "Partition.h"

#include "actnet/Conversion/GraphToKernel/Passes.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"

#include "llvm/ADT/MapVector.h"

namespace actnet {

/// The type by which a kernel knows an element: its integers are signless.
mlir::Type signless(mlir::Type elementType);

/// Builds the scalar computation of one element: arguments are the elements
/// of the inputs.
using ScalarBody = llvm::function_ref<mlir::Value(
    mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

class BodyBuilder {
public:
  BodyBuilder(mlir::ModuleOp module, mlir::Location loc, KernelTarget target);

  mlir::OpBuilder b;
  mlir::Location loc;
  /// Whose kernel it becomes.
  const KernelTarget target;

  /// The body's value for a graph value: an argument, or what `define` set.
  mlir::Value get(mlir::Value graphValue);
  void define(mlir::Value graphValue, mlir::Value bodyValue) {
    values[graphValue] = bodyValue;
  }

  /// Adds a tensor argument that lies with these strides; none: dense, from an
  /// aligned address. All arguments precede the first use of a dim.
  void addArgument(mlir::Value graphValue,
                   llvm::ArrayRef<graph::DimExprAttr> strides = {});
  /// Adds the argument for the packed operand of a contraction; the value is
  /// the packed one (see createPackedOperand).
  void addPackedArgument(mlir::Operation *op, mlir::Value packed);
  /// The argument that holds the packed operand of this operation.
  mlir::Value getPacked(mlir::Operation *op) { return packedArgs.lookup(op); }

  /// The dims (named) of a body value; lost by linalg, so kept beside.
  llvm::ArrayRef<graph::DimExprAttr> dimsOf(mlir::Value bodyValue);

  /// An index: a constant, or the argument for this dim expression.
  mlir::Value dim(graph::DimExprAttr expr);
  /// An expression in terms of d0, d1 …: a constant or one symbol.
  graph::DimExprAttr kernelDim(graph::DimExprAttr expr);
  graph::DimsAttr kernelDims(llvm::ArrayRef<graph::DimExprAttr> dims);

  /// Scalar constants of a float or integer type. What does not fit becomes the
  /// nearest that does; an unsigned type gives its bits as signless ones.
  mlir::Value constant(mlir::OpBuilder &at, mlir::Type type, double value);

  mlir::Value empty(llvm::ArrayRef<graph::DimExprAttr> dims,
                    mlir::Type elementType);
  mlir::Value filled(llvm::ArrayRef<graph::DimExprAttr> dims,
                     mlir::Type elementType, double value);

  /// linalg.generic with all-parallel iterators over `dims`, identity output.
  mlir::Value map(llvm::ArrayRef<graph::DimExprAttr> dims,
                  mlir::Type elementType, mlir::ValueRange inputs,
                  llvm::ArrayRef<mlir::AffineMap> maps, ScalarBody body);

  /// A reduction into `dims` from the initial value: `maps` are those of the
  /// inputs and the output over `iterators`; the body's last argument is the
  /// accumulator.
  mlir::Value reduce(llvm::ArrayRef<graph::DimExprAttr> dims,
                     mlir::Type elementType, double init,
                     mlir::ValueRange inputs,
                     llvm::ArrayRef<mlir::AffineMap> maps,
                     llvm::ArrayRef<mlir::utils::IteratorType> iterators,
                     ScalarBody body);

  /// tensor.pad with a constant; `dims` are those of the result. `fillType`:
  /// the graph's element type, where the constant depends on its sign.
  mlir::Value pad(mlir::Value x, llvm::ArrayRef<int64_t> low,
                  llvm::ArrayRef<int64_t> high, double value,
                  llvm::ArrayRef<graph::DimExprAttr> dims,
                  mlir::Type fillType = {});

  /// The map of an operand with `dims`, broadcast to `space` (NumPy rules).
  mlir::AffineMap broadcastMap(llvm::ArrayRef<graph::DimExprAttr> dims,
                               llvm::ArrayRef<graph::DimExprAttr> space);

  /// Ends the body: yields, function type, attributes. `resultStrides` may
  /// hold strides of result i, empty for dense.
  kernel::FuncOp
  finish(kernel::Family family, mlir::ValueRange results,
         llvm::ArrayRef<llvm::SmallVector<graph::DimExprAttr>> resultStrides);

  /// The dim expressions of the index arguments, in order.
  llvm::ArrayRef<graph::DimExprAttr> dimArguments() const { return dimArgs; }

  unsigned numArguments() const { return argDims.size(); }

  /// Keeps the named dims of a body value that was made without a helper.
  void remember(mlir::Value v, llvm::ArrayRef<graph::DimExprAttr> dims) {
    dimsOfValue[v].assign(dims.begin(), dims.end());
  }

private:
  mlir::MLIRContext *context;
  kernel::FuncOp func;
  mlir::Block *block;
  llvm::DenseMap<mlir::Value, mlir::Value> values;
  llvm::DenseMap<mlir::Operation *, mlir::Value> packedArgs;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<graph::DimExprAttr>>
      dimsOfValue;
  llvm::SmallVector<llvm::SmallVector<graph::DimExprAttr>> argDims;
  llvm::DenseMap<unsigned, llvm::SmallVector<graph::DimExprAttr>> argStrides;
  llvm::SmallVector<graph::DimExprAttr> dimArgs;
  llvm::DenseMap<graph::DimExprAttr, unsigned> dimIndex;
  llvm::DenseMap<graph::DimExprAttr, mlir::Value> constants;
};

/// Adds the body's operations for one graph op, by family. An error names an
/// operation that no family computes.
mlir::LogicalResult lowerOp(BodyBuilder &body, mlir::Operation *op);
mlir::LogicalResult lowerElementwise(BodyBuilder &body, mlir::Operation *op);
mlir::LogicalResult lowerScatter(BodyBuilder &body, graph::ScatterOp op);
mlir::LogicalResult lowerMovement(BodyBuilder &body, mlir::Operation *op);
mlir::LogicalResult lowerComposite(BodyBuilder &body, mlir::Operation *op);
mlir::LogicalResult lowerContract(BodyBuilder &body, mlir::Operation *op);

/// True where the body computes the value from a scalar constant, so that it
/// needs no argument.
bool isSplatConstant(mlir::Value v, double *value = nullptr);

/// The scalar computation of an elementwise op; null where there is none.
mlir::Value buildScalar(BodyBuilder &body, mlir::OpBuilder &b,
                        mlir::Location loc, mlir::Operation *op,
                        mlir::ValueRange args);

/// The right operand of a contraction, or the filter of a convolution, packed
/// as the target's kernel reads it; graph ops at the builder's place. Null for
/// other operations and operands.
mlir::Value createPackedOperand(mlir::OpBuilder &b, mlir::Operation *op,
                                mlir::Value operand, KernelTarget target);
/// The index of the operand that a kernel reads in packed form, or -1.
int packedOperandIndex(mlir::Operation *op, KernelTarget target);

} // namespace actnet

#endif // ACTNET_LIB_CONVERSION_GRAPHTOKERNEL_BODYBUILDER_H
