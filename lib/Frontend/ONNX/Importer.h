//===- Importer.h - state of one import -----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the operators' import functions see: the node, its operands as values
// or as shape arithmetic, and helpers that create graph ops without aborting.
//
// A small integer tensor whose elements are all known as dim expressions is a
// *shape value*: shape arithmetic on it is done here, on expressions, and
// becomes an operation only where data needs the number.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_FRONTEND_ONNX_IMPORTER_H
#define ACTNET_LIB_FRONTEND_ONNX_IMPORTER_H

#include "actnet/Dialect/Graph/IR/DimBounds.h"
#include "actnet/Dialect/Graph/IR/Evaluate.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"
#include "actnet/Frontend/ONNX/Model.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <optional>

namespace actnet::onnx {

using graph::DimExprAttr;

/// The oldest opset whose operators broadcast as today's do, and the newest
/// known: a later one may give an operator another meaning.
inline constexpr int64_t kOldestOpset = 7, kNewestOpset = 24;
/// The newest form of the file that is known: a later one may hold what changes
/// the meaning of the rest.
inline constexpr int64_t kNewestIRVersion = 13;

/// The elements of an integer tensor of rank 0 or 1 as dim expressions.
struct ShapeValue {
  bool scalar = false;
  llvm::SmallVector<DimExprAttr> elements;
  bool narrow = false; ///< i32, not i64
  bool truth = false;  ///< bool: elements are 0 or 1
};

/// Elements of a floating point tensor of rank 0 or 1 that follow from dims:
/// a numerator over a positive number. An element that no float holds exactly
/// may be rounded to an integer, but not computed with.
struct RatioValue {
  struct Element {
    DimExprAttr numerator;
    int64_t denominator = 1;
    bool exact = true;
  };
  bool scalar = false;
  llvm::SmallVector<Element> elements;
};

/// Text of a file for a message: one line without control characters, cut to
/// `limit` bytes.
std::string printable(llvm::StringRef text, size_t limit = 96);
/// How messages call a node: its name, or that of its first output.
std::string labelOf(const Node &node);

/// The name of a TensorProto.DataType, such as "string".
std::string dataTypeName(int64_t onnxType);
/// An element type, or `f32 [N, 3]` of a tensor, by ONNX's names; f32 and the
/// other floats keep theirs.
std::string typeName(mlir::Type type);

class Importer;

/// One node while it is imported.
class NodeImport {
public:
  NodeImport(Importer &importer, const Node &node, mlir::Location loc);

  Importer &importer;
  const Node &node;
  mlir::Location loc;
  mlir::OpBuilder &b;
  int64_t opset;

  mlir::InFlightDiagnostic error();

  bool has(unsigned i) const {
    return i < node.inputs.size() && !node.inputs[i].empty();
  }
  /// The i-th operand; an error where it is missing or unknown.
  mlir::FailureOr<mlir::Value> value(unsigned i);
  /// The i-th operand as shape arithmetic; nothing where it is data.
  std::optional<ShapeValue> shape(unsigned i);
  /// The same; an error where it is data.
  mlir::FailureOr<ShapeValue> needShape(unsigned i, llvm::StringRef what);
  /// The i-th operand as constant integers; an error where it is not.
  mlir::FailureOr<llvm::SmallVector<int64_t>>
  needIntegers(unsigned i, llvm::StringRef what);
  /// The i-th operand as one constant number; nothing where it is none. It is
  /// the nearest f64, and exact unless it is an integer beyond 2^53.
  std::optional<double> constantNumber(unsigned i);

  const NodeAttribute *attribute(llvm::StringRef name) const;
  int64_t intAttr(llvm::StringRef name, int64_t otherwise) const;
  double floatAttr(llvm::StringRef name, double otherwise) const;
  llvm::StringRef stringAttr(llvm::StringRef name,
                             llvm::StringRef otherwise) const;
  std::optional<llvm::SmallVector<int64_t>>
  intsAttr(llvm::StringRef name) const;

  /// An axis below zero counts from the end; an error outside the rank.
  mlir::FailureOr<int64_t> axis(int64_t axis, int64_t rank);

  /// Creates an op with inferred types, or emits why not.
  template <typename OpTy>
  mlir::FailureOr<mlir::Value>
  create(mlir::ValueRange operands,
         llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) {
    llvm::SmallVector<mlir::Value> aligned(operands);
    align(OpTy::getOperationName(), aligned, attributes);
    auto op = graph::tryCreate<OpTy>(b, loc, aligned, attributes);
    if (mlir::failed(op))
      return mlir::failure();
    return mlir::Value((*op)->getResult(0));
  }
  mlir::NamedAttribute named(llvm::StringRef name, mlir::Attribute attribute) {
    return b.getNamedAttr(name, attribute);
  }
  mlir::Value reshape(mlir::Value x, llvm::ArrayRef<DimExprAttr> dims);
  mlir::FailureOr<mlir::Value> transpose(mlir::Value x,
                                         llvm::ArrayRef<int64_t> perm);
  mlir::Value scalar(mlir::Type type, double value);
  DimExprAttr dim(int64_t value) {
    return graph::dimConstant(b.getContext(), value);
  }
  static mlir::RankedTensorType type(mlir::Value v) {
    return llvm::cast<mlir::RankedTensorType>(v.getType());
  }
  static llvm::SmallVector<DimExprAttr> dims(mlir::Value v) {
    return graph::getDims(type(v));
  }

  // Dims that must be equal for the node to work: proven, or noted as a check
  // that is made when the program binds its dims.

  /// False where the two can never be equal; nothing is noted then.
  bool match(DimExprAttr a, DimExprAttr c);
  /// The same for numbers of elements: divisions are to leave no rest.
  bool matchCount(DimExprAttr a, DimExprAttr c);
  /// Gives the dims at these places, (operand, axis), one expression; false
  /// where they can never be equal.
  bool unify(llvm::MutableArrayRef<mlir::Value> operands,
             llvm::ArrayRef<std::pair<unsigned, int64_t>> places);
  /// Does that for operands of an op whose dims have to agree; where they
  /// cannot, they stay, and the op's own check says why.
  void align(llvm::StringRef op, llvm::MutableArrayRef<mlir::Value> operands,
             llvm::ArrayRef<mlir::NamedAttribute> attributes);
  /// x with dims that match its own.
  mlir::Value assume(mlir::Value x, llvm::ArrayRef<DimExprAttr> to);
  /// What an error says where a number for a dim of `dims` may help (any dim of
  /// the model, if empty); empty where none has a name.
  std::string hint(llvm::ArrayRef<DimExprAttr> dims = {}) const;
  /// The same for a value that is not constant: empty where it is data, or
  /// follows from data.
  std::string hint(mlir::Value v) const;

  /// Sets output i. Each output that is used must be set once.
  void result(unsigned i, mlir::Value v);
  void result(unsigned i, ShapeValue v);
};

/// Refuses attributes that the operator does not have at the model's opset, and
/// operands or results behind its last.
mlir::LogicalResult checkSignature(NodeImport &node);

/// Imports one node; sets its results.
using ImportFunction = mlir::LogicalResult (*)(NodeImport &);
using ImportTable = llvm::StringMap<ImportFunction>;

/// The operator families; each adds its functions by ONNX operator name.
void addElementwise(ImportTable &table);
void addContract(ImportTable &table);
void addMovement(ImportTable &table);
void addReduceAndNorm(ImportTable &table);
void addScatter(ImportTable &table);

/// Does a node's work on shape values, where all its operands are such.
/// Nothing where the operator is no shape arithmetic; failure on an error.
std::optional<mlir::LogicalResult> importShapeArithmetic(NodeImport &node);
/// The part of it that chooses, compares and repeats: sets the results of the
/// node and returns true, or does nothing.
bool importShapeChoice(NodeImport &node, llvm::ArrayRef<ShapeValue> operands);
/// Follows floats that come from dims through a node that has been imported,
/// so that an integer made of them is a shape value.
void followRatios(NodeImport &node);

class Importer {
public:
  Importer(mlir::MLIRContext &context, llvm::StringRef path,
           llvm::StringRef mapped, llvm::ArrayRef<graph::NamedRange> asked);

  mlir::OwningOpRef<mlir::ModuleOp> run(const Model &model);

  mlir::OpBuilder b;
  int64_t opset = 0;
  llvm::DenseMap<llvm::StringRef, mlir::Value> values;
  llvm::DenseMap<llvm::StringRef, ShapeValue> shapes;
  llvm::DenseMap<llvm::StringRef, RatioValue> ratios;
  /// What dims must be when the program runs: the function's `graph.checks`.
  llvm::SmallVector<mlir::Attribute> checks;
  /// The pairs that are checked to be equal already.
  llvm::DenseSet<std::pair<mlir::Attribute, mlir::Attribute>> noted;
  /// What is known of the dims that are left, from bounds and from checks of
  /// nodes before; and one of them, for messages.
  llvm::StringMap<graph::DimRange> ranges;
  std::string argumentDim;

  graph::DimRange rangeOf(llvm::StringRef dim) const;
  DimExprAttr simplify(DimExprAttr expr) const;
  /// The elements of a value that is computed from constants alone: integers
  /// and bools of rank 0 or 1, few of them.
  std::optional<ShapeValue> constantShape(mlir::Value v);

  /// The element type of a TensorProto.DataType; null where unsupported.
  mlir::Type elementType(int64_t onnxType);
  /// A graph.constant for a tensor of the file, or an error at `loc`.
  mlir::FailureOr<mlir::Value> constant(const Tensor &tensor,
                                        mlir::Location loc);
  /// The elements of a small integer tensor of rank 0 or 1.
  std::optional<ShapeValue> shapeOf(const Tensor &tensor);
  /// A value for a name: an operation's result, or a constant made on first
  /// use; null where unknown.
  mlir::FailureOr<mlir::Value> lookup(llvm::StringRef name, mlir::Location loc);

private:
  mlir::MLIRContext &context;
  std::string path, folder;
  llvm::StringRef mapped;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  llvm::DenseMap<llvm::StringRef, const Tensor *> initializers;
  llvm::SmallVector<mlir::NamedAttribute> dimBounds;
  llvm::StringMap<std::string> dimNames;
  llvm::StringSet<> usedDimNames;
  /// New name to the file's, where it had to be changed.
  llvm::SmallVector<mlir::NamedAttribute> givenDims;
  llvm::ArrayRef<graph::NamedRange> asked;
  llvm::DenseMap<mlir::Value, std::optional<graph::HostTensor>> folded;
  unsigned buffers = 0;

  mlir::Location fileLoc();
  void reserveDimNames(const Graph &graph);
  std::string dimName(llvm::StringRef given);
  mlir::Location nodeLoc(const Node &node);
  mlir::LogicalResult checkModel(const Model &model, const ImportTable &table);
  mlir::LogicalResult checkNames(const Graph &graph);
  mlir::LogicalResult checkAttributes(NodeImport &node);
  mlir::LogicalResult checkResults(NodeImport &node);
  mlir::LogicalResult checkOutput(const ValueInfo &info,
                                  mlir::RankedTensorType type);
  /// Why no tensor can have this type; empty where one can.
  std::string problemOf(mlir::RankedTensorType type);
  mlir::LogicalResult importGraph(const Graph &graph, const ImportTable &table);
  mlir::LogicalResult importNode(const Node &node, const ImportTable &table);
  mlir::FailureOr<mlir::RankedTensorType> valueType(const ValueInfo &info);
  mlir::LogicalResult applyBounds(llvm::ArrayRef<llvm::StringRef> names,
                                  llvm::MutableArrayRef<mlir::Type> arguments);
  std::optional<graph::HostTensor> fold(mlir::Value v);
  mlir::FailureOr<llvm::SmallVector<const Node *>>
  sortNodes(const Graph &graph);
  mlir::FailureOr<mlir::Attribute>
  weight(const Tensor &tensor, mlir::RankedTensorType type, mlir::Location loc);
};

} // namespace actnet::onnx

#endif // ACTNET_LIB_FRONTEND_ONNX_IMPORTER_H
