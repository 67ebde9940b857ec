//===- Verify.cpp - the contract of the graph level -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"
#include "actnet/Dialect/Graph/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/ADT/StringSet.h"

namespace actnet::graph {
#define GEN_PASS_DEF_GRAPHVERIFY
#include "actnet/Dialect/Graph/Transforms/Passes.h.inc"
} // namespace actnet::graph

using namespace mlir;
using namespace actnet::graph;

/// Collects the names of `graph.dims`, and checks their bounds.
static LogicalResult readDims(ModuleOp module, llvm::StringSet<> &names) {
  Attribute attribute = module->getAttr(GraphDialect::kDimsAttr);
  if (!attribute)
    return success();
  auto dictionary = dyn_cast<DictionaryAttr>(attribute);
  if (!dictionary)
    return module.emitError("expected graph.dims to be a dictionary, found ")
           << attribute;
  for (NamedAttribute entry : dictionary) {
    auto bounds = dyn_cast<DenseI64ArrayAttr>(entry.getValue());
    if (!bounds || bounds.size() != 2 || bounds[0] < 0 ||
        (bounds[1] != -1 && bounds[1] < bounds[0]))
      return module.emitError("dim '")
             << entry.getName().getValue()
             << "': expected array<i64: lower, upper> with 0 <= lower <= "
                "upper, or an "
                "upper bound of -1, found "
             << entry.getValue();
    names.insert(entry.getName().getValue());
  }
  return success();
}

namespace {
/// The check of one function.
struct FunctionVerifier {
  func::FuncOp function;
  const llvm::StringSet<> &known;
  llvm::StringSet<> bound;

  /// Each dynamic dim has a name that is known and bound.
  LogicalResult checkType(Operation *op, Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      return op->emitError(
                 "expected a ranked tensor on the graph level, found ")
             << type;
    if (!tensor.hasStaticShape() &&
        !isa_and_nonnull<DimsAttr>(tensor.getEncoding()))
      return op->emitError("has a dynamic dim without a name: ") << type;
    auto dims = dyn_cast_or_null<DimsAttr>(tensor.getEncoding());
    return dims ? checkDims(op, dims) : success();
  }

  LogicalResult checkDims(Operation *op, DimsAttr dims) {
    LogicalResult result = success();
    for (DimExprAttr dim : dims.getDims())
      dimWalkSymbols(dim, [&](StringRef name) {
        if (failed(result))
          return;
        if (!known.contains(name))
          result = op->emitError("dim '")
                   << name << "' is not listed in the module's graph.dims";
        else if (!bound.contains(name))
          result = op->emitError("dim '")
                   << name << "' is bound by no argument of '"
                   << function.getName() << "'";
      });
    return result;
  }

  LogicalResult checkTied() {
    for (unsigned i = 0, e = function.getNumResults(); i < e; ++i) {
      auto tied =
          function.getResultAttrOfType<IntegerAttr>(i, GraphDialect::kTiedAttr);
      if (!tied)
        continue;
      int64_t argument = tied.getInt();
      if (argument < 0 || argument >= function.getNumArguments() ||
          !function.getArgAttr(argument, GraphDialect::kVariableAttr))
        return function.emitError("result ")
               << i << " is tied to argument " << argument
               << ", which is no argument with graph.variable";
      if (function.getArgumentTypes()[argument] != function.getResultTypes()[i])
        return function.emitError("result ")
               << i << " of " << function.getResultTypes()[i]
               << " is tied to a variable of "
               << function.getArgumentTypes()[argument];
    }
    return success();
  }

  LogicalResult run() {
    if (function.isExternal())
      return function.emitError("has no body");
    if (!function.getBody().hasOneBlock())
      return function.emitError("expected a body of one block");
    bool isRecipe = function->hasAttr(GraphDialect::kRecipeAttr);
    if (isRecipe && (!function.isPrivate() || function.getNumArguments() != 0))
      return function.emitError(
          "a graph.recipe is private and takes no arguments");
    for (Type type : function.getArgumentTypes())
      if (auto tensor = dyn_cast<RankedTensorType>(type))
        for (DimExprAttr dim : getDims(tensor))
          if (dim.isSymbol() && dim.getName() != "?")
            bound.insert(dim.getName().getValue());
    for (Type type : function.getArgumentTypes())
      if (failed(checkType(function, type)))
        return failure();
    for (Operation &op : function.getBody().front()) {
      if (isa<func::ReturnOp>(op))
        continue;
      if (!isa_and_nonnull<GraphDialect>(op.getDialect()))
        return op.emitOpError(
            "is not allowed on the graph level: expected graph "
            "operations and func.return");
      for (Type type : op.getResultTypes())
        if (failed(checkType(&op, type)))
          return failure();
      for (NamedAttribute attribute : op.getAttrs())
        if (auto dims = dyn_cast<DimsAttr>(attribute.getValue()))
          if (failed(checkDims(&op, dims)))
            return failure();
    }
    return checkTied();
  }
};

struct GraphVerify : actnet::graph::impl::GraphVerifyBase<GraphVerify> {
  void runOnOperation() override {
    llvm::StringSet<> names;
    if (failed(readDims(getOperation(), names)))
      return signalPassFailure();
    for (Operation &op : *getOperation().getBody()) {
      auto function = dyn_cast<func::FuncOp>(op);
      if (!function) {
        op.emitOpError("is not allowed on the graph level: expected func.func");
        return signalPassFailure();
      }
      if (failed(FunctionVerifier{function, names, {}}.run()))
        return signalPassFailure();
    }
    markAllAnalysesPreserved();
  }
};
} // namespace
