//===- Precision.cpp - computing in narrower floats -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"

#include "actnet/Dialect/Graph/IR/Precision.h"
#include "actnet/Dialect/Graph/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"

namespace actnet::graph {
#define GEN_PASS_DEF_GRAPHPRECISION
#include "actnet/Dialect/Graph/Transforms/Passes.h.inc"
} // namespace actnet::graph

using namespace mlir;
using namespace actnet::graph;

namespace {

/// Narrows one function.
class Narrower {
public:
  Narrower(func::FuncOp function, FloatType narrow)
      : function(function), builder(function.getContext()), narrow(narrow) {}

  void run();

private:
  /// Values that stay f32: made of constants alone, or of positions and other
  /// integers, which narrow floats cannot count.
  void findWide();
  void narrowOp(Operation &op);
  /// The value in the narrow type, made once.
  Value narrowed(Value wide);
  Value narrowedConstant(Value wide);
  RankedTensorType withElement(Value value, Type element) {
    return getTensorType(getDims(GraphBuilder::typeOf(value)), element);
  }
  static bool isWide(Value value) {
    return GraphBuilder::typeOf(value).getElementType().isF32();
  }

  func::FuncOp function;
  OpBuilder builder;
  FloatType narrow;
  DenseSet<Value> constants, wide;
  DenseMap<Value, Value> known;
};

} // namespace

void Narrower::findWide() {
  for (BlockArgument argument : function.getArguments())
    wide.insert(argument);
  DenseSet<Value> exact; // what is computed from integers alone
  for (Operation &op : function.getBody().front()) {
    if (op.getNumResults() != 1)
      continue;
    Value result = op.getResult(0);
    bool hasOperands = op.getNumOperands() > 0;
    auto all = [&](llvm::function_ref<bool(Value)> is) {
      return hasOperands && llvm::all_of(op.getOperands(), is);
    };
    auto cast = dyn_cast<CastOp>(op);
    if (isa<ConstantOp>(op) ||
        all([&](Value v) { return constants.contains(v); }))
      constants.insert(result);
    else if (isa<IotaOp, DimValueOp>(op) ||
             (cast &&
              isa<IntegerType>(
                  GraphBuilder::typeOf(cast.getX()).getElementType())) ||
             all([&](Value v) {
               return constants.contains(v) || exact.contains(v);
             }))
      exact.insert(result);
    else
      continue;
    wide.insert(result);
  }
}

/// A number that is the same everywhere needs no tensor; one that the narrow
/// type cannot hold (masks use the lowest f32) becomes its largest.
Value Narrower::narrowedConstant(Value value) {
  std::optional<double> number = splatValue(value);
  RankedTensorType type = GraphBuilder::typeOf(value);
  if (!number || !type.hasStaticShape())
    return {};
  APFloat converted(*number);
  bool loses = false;
  converted.convert(narrow.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                    &loses);
  if (converted.isInfinity() && std::isfinite(*number))
    converted =
        APFloat::getLargest(narrow.getFloatSemantics(), converted.isNegative());
  auto plain = RankedTensorType::get(type.getShape(), narrow);
  return ConstantOp::create(builder, value.getLoc(), withElement(value, narrow),
                            DenseElementsAttr::get(plain, converted));
}

Value Narrower::narrowed(Value value) {
  Value &made = known[value];
  if (made)
    return made;
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfterValue(value);
  if (constants.contains(value))
    made = narrowedConstant(value);
  if (!made)
    made = CastOp::create(builder, value.getLoc(), withElement(value, narrow),
                          value);
  return made;
}

void Narrower::narrowOp(Operation &op) {
  if (!isa<GraphDialect>(op.getDialect()) ||
      (op.getNumResults() == 1 && wide.contains(op.getResult(0))))
    return;
  for (OpOperand &operand : op.getOpOperands())
    if (wide.contains(operand.get()) && isWide(operand.get()))
      operand.set(narrowed(operand.get()));
  for (Value result : op.getResults())
    if (isWide(result))
      result.setType(withElement(result, narrow));
  auto cast = dyn_cast<CastOp>(op);
  if (cast && cast.getX().getType() == cast.getY().getType())
    cast.getY().replaceAllUsesWith(cast.getX());
}

void Narrower::run() {
  findWide();
  Block &block = function.getBody().front();
  SmallVector<Operation *> ops;
  for (Operation &op : block)
    ops.push_back(&op);
  for (Operation *op : ops)
    narrowOp(*op);
  // What leaves has the types that it had.
  Operation *end = block.getTerminator();
  builder.setInsertionPoint(end);
  for (auto [operand, type] :
       llvm::zip(end->getOpOperands(), function.getResultTypes()))
    if (operand.get().getType() != type)
      operand.set(CastOp::create(builder, end->getLoc(), type, operand.get()));
  for (Operation *op : llvm::reverse(ops))
    if (isOpTriviallyDead(op))
      op->erase();
}

namespace {
struct GraphPrecision
    : actnet::graph::impl::GraphPrecisionBase<GraphPrecision> {
  using GraphPrecisionBase::GraphPrecisionBase;

  void runOnOperation() override {
    auto narrow = parseNarrowType(getOperation(), "graph-precision", type);
    if (failed(narrow))
      return signalPassFailure();
    if (!*narrow)
      return;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() &&
          !function->hasAttr(GraphDialect::kRecipeAttr))
        Narrower(function, *narrow).run();
  }
};
} // namespace
