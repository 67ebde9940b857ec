//===- Recipes.cpp - weights as functions of constants --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Recipes.h"

#include "actnet/Dialect/Graph/IR/GraphOps.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace actnet {

RecipeOutliner::RecipeOutliner(ModuleOp module) : module(module) {
  for (auto func : module.getOps<func::FuncOp>())
    taken.insert(func.getSymName());
}

/// The operations that compute a value, operands first.
static void collect(Value v, llvm::SetVector<Operation *> &ops) {
  Operation *op = v.getDefiningOp();
  if (ops.contains(op))
    return;
  for (Value operand : op->getOperands())
    collect(operand, ops);
  ops.insert(op);
}

/// A text that two recipes share exactly if they compute the same. Large dense
/// elements are uniqued by the context: their address stands for them.
static std::string describe(const llvm::SetVector<Operation *> &ops) {
  std::string text;
  llvm::raw_string_ostream os(text);
  DenseMap<Value, unsigned> numbers;
  for (Operation *op : ops) {
    os << op->getName() << '(';
    for (Value operand : op->getOperands())
      os << numbers.lookup(operand) << ',';
    os << ')' << op->getAttrDictionary().getAsOpaquePointer() << ':'
       << op->getResult(0).getType().getAsOpaquePointer() << ';';
    unsigned number = numbers.size();
    numbers[op->getResult(0)] = number;
  }
  return text;
}

/// The name, in the model, of the largest constant among these; null: none.
static StringAttr nameOf(const llvm::SetVector<Operation *> &ops) {
  StringAttr name;
  int64_t most = -1;
  for (Operation *op : ops) {
    auto loc = dyn_cast<NameLoc>(op->getLoc());
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!isa<graph::ConstantOp>(op) || !loc || !type ||
        !type.hasStaticShape() || type.getNumElements() <= most)
      continue;
    most = type.getNumElements();
    name = loc.getName();
  }
  return name;
}

Value RecipeOutliner::materialize(OpBuilder &b, Value constant) {
  if (Value known = weights.lookup(constant))
    return known;
  llvm::SetVector<Operation *> ops;
  collect(constant, ops);
  FlatSymbolRefAttr &symbol = byText[describe(ops)];
  Location loc = constant.getLoc();
  if (!symbol) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(module.getBody());
    std::string name;
    do {
      name = "recipe_" + std::to_string(next++);
    } while (taken.contains(name));
    auto type = b.getFunctionType({}, constant.getType());
    auto recipe = func::FuncOp::create(b, loc, name, type);
    recipe.setPrivate();
    recipe->setAttr(graph::GraphDialect::kRecipeAttr, b.getUnitAttr());
    if (StringAttr given = nameOf(ops))
      recipe->setAttr(graph::GraphDialect::kNameAttr, given);
    b.setInsertionPointToStart(recipe.addEntryBlock());
    IRMapping mapping;
    for (Operation *op : ops)
      b.clone(*op, mapping);
    func::ReturnOp::create(b, loc, mapping.lookup(constant));
    symbol = FlatSymbolRefAttr::get(b.getContext(), name);
  }
  // Weights stand at the function's beginning, where all uses can see them.
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(b.getInsertionBlock());
  Value weight = kernel::WeightOp::create(b, loc, constant.getType(), symbol);
  weights[constant] = weight;
  return weight;
}

} // namespace actnet
