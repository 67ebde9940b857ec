//===- State.h - what stands behind the graph API -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_LIB_FRONTEND_GRAPH_STATE_H
#define ACTNET_LIB_FRONTEND_GRAPH_STATE_H

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"
#include "actnet/Graph.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <map>

namespace actnet::detail {

/// A node of a dim's expression; names are those of `Graph::dim`.
struct DimNode {
  /// `tooLarge` stands for an expression that is refused where it is used:
  /// walking or freeing it would take any amount of stack or time.
  enum class Kind { number, name, add, sub, mul, floorDiv, tooLarge } kind;
  int64_t value = 0;
  std::string name;
  std::shared_ptr<const DimNode> a, b;
  /// Nodes from here to the furthest leaf, and in all, shared ones each time.
  unsigned depth = 1;
  unsigned size = 1;
};

/// One function: its op, and what its ending needs.
struct FunctionState {
  mlir::func::FuncOp func;
  std::vector<std::pair<std::string, mlir::Value>> outputs;
  /// Variable argument and its next value.
  std::vector<std::pair<mlir::Value, mlir::Value>> updates;
  bool ended = false;
};

/// A verifier's message for those who call functions and know no operations:
/// "'graph.add' op C2: …" becomes "add: …".
std::string userText(llvm::StringRef message);

/// A message of any length, cut in its middle to one that can be read.
std::string shortText(llvm::StringRef message);

struct GraphState {
  explicit GraphState(std::string_view name);

  mlir::MLIRContext context;
  mlir::OpBuilder b;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<FunctionState> functions;
  std::map<std::string, std::pair<int64_t, int64_t>> dims;
  Status error;
  unsigned buffers = 0;

  /// Keeps the first error, with the place of the user's call.
  void fail(const Where &where, std::string_view message);
  mlir::Location location(const Where &where);

  graph::DimExprAttr expr(const DimNode &node);
  /// The dims of a shape, or nothing (with the error kept) where one is below
  /// zero, too large, moved from, or names a dim of another graph.
  std::optional<llvm::SmallVector<graph::DimExprAttr>>
  exprs(const std::vector<Dim> &shape, const Where &where);
  /// The constant below 1 by which a dim is divided somewhere, if any.
  std::optional<int64_t> badDivisor(const DimNode &node);
  /// False, with the error kept, where function `index` takes nothing more.
  bool isOpen(size_t index, const Where &where);
  /// The type, or null (with the error kept) where DType declares no such.
  mlir::Type type(DType type, const Where &where);

  /// The values of the operands, or nothing (with the error kept) where one is
  /// invalid, or they belong to different graphs or functions.
  std::optional<llvm::SmallVector<mlir::Value>>
  take(llvm::ArrayRef<Value> operands, const Where &where);
  static GraphState *stateOf(llvm::ArrayRef<Value> operands);

  Value wrap(mlir::Value v) { return Value(this, v.getAsOpaquePointer()); }
  static mlir::Value unwrap(Value v) {
    return mlir::Value::getFromOpaquePointer(v.handle);
  }
  static GraphState *of(Value v) { return v.state; }

  /// Ends every function: returns and result types.
  Status end();

  /// Runs `work` and keeps what it diagnoses as the first error.
  template <typename Work> auto guarded(const Where &where, Work work) {
    std::string message;
    mlir::ScopedDiagnosticHandler handler(
        &context, [&](mlir::Diagnostic &diagnostic) {
          if (message.empty() &&
              diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
            message = userText(diagnostic.str());
          return mlir::success();
        });
    auto result = work();
    if (mlir::failed(result))
      fail(where, message.empty() ? "the operation failed" : message);
    return result;
  }

  template <typename OpTy>
  Value create(llvm::ArrayRef<Value> operands, const Where &where,
               llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) {
    auto values = take(operands, where);
    if (!values)
      return {};
    auto op = guarded(where, [&] {
      return graph::tryCreate<OpTy>(b, location(where), *values, attributes);
    });
    return mlir::failed(op) ? Value() : wrap((*op)->getResult(0));
  }
};

} // namespace actnet::detail

#endif // ACTNET_LIB_FRONTEND_GRAPH_STATE_H
