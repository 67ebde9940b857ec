//===- Inference.h - what result type inference shares --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Result types are inferred while a file is parsed, while a front end builds
// an op and whenever the verifier runs, so inference sees ops that nothing has
// checked yet: operands may be missing or no tensors, attributes may be absent
// or still in the dictionary. These helpers turn each such case into an error
// that names the constraint.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_DIALECT_GRAPH_IR_INFERENCE_H
#define ACTNET_LIB_DIALECT_GRAPH_IR_INFERENCE_H

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"

namespace actnet::graph {

/// One inference: the op's name, where to report, and its operands.
class Inference {
public:
  Inference(llvm::StringRef opName, std::optional<mlir::Location> location,
            mlir::ValueRange operands)
      : opName(opName), location(location), operands(operands) {}

  /// Reports `'graph.x' op <message>`; always failure.
  mlir::LogicalResult error(const llvm::Twine &message) const {
    return mlir::emitOptionalError(location, "'", opName, "' op ", message);
  }

  /// The type of operand `i`; null, with an error, where it is missing, no
  /// ranked tensor, or has a dynamic dim without a name.
  mlir::RankedTensorType tensor(unsigned i) const;

  /// All operands' types; failure, with an error, where one is bad or their
  /// number is not within [atLeast, atMost].
  mlir::FailureOr<llvm::SmallVector<mlir::RankedTensorType>>
  tensors(unsigned atLeast, unsigned atMost) const;

  /// Success where the types are equal, else an error for `constraint`.
  mlir::LogicalResult
  sameElementType(llvm::StringRef constraint,
                  llvm::ArrayRef<mlir::RankedTensorType> types) const;

  /// Success where `type` is floating point, else an error for `constraint`.
  mlir::LogicalResult isFloat(llvm::StringRef constraint,
                              mlir::Type type) const;

  /// Success where 0 <= axis < rank, else an error for `constraint`.
  mlir::LogicalResult inRank(llvm::StringRef constraint, int64_t axis,
                             int64_t rank) const;

  /// The NumPy broadcast of the shapes: dims are equal expressions or one is 1.
  mlir::FailureOr<llvm::SmallVector<DimExprAttr>>
  broadcast(llvm::StringRef constraint,
            llvm::ArrayRef<llvm::SmallVector<DimExprAttr>> shapes) const;

  std::optional<mlir::Location> getLocation() const { return location; }
  mlir::ValueRange getOperands() const { return operands; }

private:
  llvm::StringRef opName;
  std::optional<mlir::Location> location;
  mlir::ValueRange operands;
};

std::string toString(mlir::Type type);
std::string toString(mlir::DenseI64ArrayAttr values);
std::string toString(llvm::ArrayRef<DimExprAttr> dims);

/// The op's properties, from the properties given and, over them, inherent
/// attributes that a parser left in the dictionary.
template <typename OpTy>
mlir::FailureOr<typename OpTy::Properties>
propertiesOf(std::optional<mlir::Location> location, mlir::MLIRContext *context,
             mlir::DictionaryAttr attributes, mlir::OpaqueProperties opaque) {
  typename OpTy::Properties properties{};
  if (opaque)
    properties = *opaque.as<typename OpTy::Properties *>();
  mlir::Location where =
      location ? *location : mlir::Location(mlir::UnknownLoc::get(context));
  auto emitError = [&] {
    return mlir::emitError(where) << "'" << OpTy::getOperationName() << "' op ";
  };
  if (attributes && mlir::failed(OpTy::setPropertiesFromAttr(
                        properties, attributes, emitError)))
    return mlir::failure();
  return properties;
}

/// Success where no attribute is null; else says which is missing.
mlir::LogicalResult requireAttributes(
    const Inference &inference,
    llvm::ArrayRef<std::pair<llvm::StringRef, mlir::Attribute>> attributes);

} // namespace actnet::graph

/// The head of an `inferReturnTypes`.
#define ACTNET_INFER(OP)                                                       \
  LogicalResult OP::inferReturnTypes(                                          \
      MLIRContext *context, std::optional<Location> location,                  \
      ValueRange operands, DictionaryAttr attributes,                          \
      OpaqueProperties properties, RegionRange,                                \
      SmallVectorImpl<Type> &results)

#endif // ACTNET_LIB_DIALECT_GRAPH_IR_INFERENCE_H
