//===- Widen.cpp - computing in f32 between narrow operands ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values between a kernel's operands and its results get a wider type; what
// reads a narrow tensor extends each element, what writes one rounds it.
//
//===----------------------------------------------------------------------===//

#include "actnet/Dialect/Graph/IR/Precision.h"
#include "actnet/Dialect/Kernel/Transforms/Passes.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace actnet::kernel {
#define GEN_PASS_DEF_KERNELWIDEN
#include "actnet/Dialect/Kernel/Transforms/Passes.h.inc"

namespace {

/// Widens one kernel.
class Widener {
public:
  Widener(FuncOp kernel, FloatType narrow)
      : kernel(kernel), narrow(narrow),
        wide(Float32Type::get(kernel.getContext())) {}

  void run();

private:
  bool isNarrow(Value value) const {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    return type && type.getElementType() == narrow;
  }
  /// Finds the tensors that stay narrow; all others become wide.
  void findKept();
  /// A tensor and all that must have its type.
  void keep(Value value);
  void widenTensors();
  void widenRegion(linalg::GenericOp op);

  FuncOp kernel;
  FloatType narrow;
  Type wide;
  DenseSet<Value> kept;
};

} // namespace

/// Whether tensor cores read the operands as they are.
static bool multipliesNarrow(FuncOp kernel, linalg::GenericOp op) {
  Family family = kernel.getFamily();
  return (family == Family::contract || family == Family::conv ||
          family == Family::depthwise) &&
         op.getNumReductionLoops() > 0;
}

void Widener::keep(Value value) {
  if (!isNarrow(value) || !kept.insert(value).second)
    return;
  // A generic rounds where it writes; other operations hand elements on.
  Operation *op = value.getDefiningOp();
  if (!op)
    return;
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    unsigned index = cast<OpResult>(value).getResultNumber();
    keep(generic.getDpsInitOperand(index)->get());
    return;
  }
  for (Value operand : op->getOperands())
    keep(operand);
}

void Widener::findKept() {
  Block &block = kernel.getBody().front();
  for (BlockArgument argument : block.getArguments())
    keep(argument);
  for (Value result : block.getTerminator()->getOperands())
    keep(result);
  for (Operation &op : block) {
    auto generic = dyn_cast<linalg::GenericOp>(op);
    if (generic && multipliesNarrow(kernel, generic))
      for (Value input : generic.getDpsInputs())
        keep(input);
    if (isa<AttentionOp>(op)) {
      for (Value operand : op.getOperands())
        keep(operand);
      for (Value result : op.getResults())
        keep(result);
    }
    // What only moves elements has its operand's type.
    if (isa<tensor::PadOp, tensor::ExtractSliceOp, tensor::ExpandShapeOp,
            tensor::CollapseShapeOp>(op) &&
        kept.contains(op.getOperand(0)))
      keep(op.getResult(0));
  }
  // An output shared by a wide and a narrow writer is narrow for both.
  for (bool changed = true; changed;) {
    changed = false;
    for (auto generic : block.getOps<linalg::GenericOp>())
      for (auto [init, result] :
           llvm::zip(generic.getDpsInits(), generic.getResults()))
        if (isNarrow(result) && kept.contains(init) != kept.contains(result)) {
          keep(init);
          keep(result);
          changed = true;
        }
  }
}

/// The constant in the wide type.
static Value widenedConstant(Value constant, Type wide) {
  auto op = constant.getDefiningOp<arith::ConstantOp>();
  OpBuilder builder(op);
  double value = cast<FloatAttr>(op.getValue()).getValueAsDouble();
  return arith::ConstantOp::create(builder, op.getLoc(),
                                   builder.getFloatAttr(wide, value));
}

void Widener::widenTensors() {
  for (Operation &op : kernel.getBody().front()) {
    for (Value result : op.getResults())
      if (isNarrow(result) && !kept.contains(result))
        result.setType(cast<RankedTensorType>(result.getType()).clone(wide));
    if (auto fill = dyn_cast<linalg::FillOp>(op);
        fill && !isNarrow(fill->getResult(0)) &&
        fill.getInputs()[0].getType() == narrow)
      fill->setOperand(0, widenedConstant(fill.getInputs()[0], wide));
    if (auto pad = dyn_cast<tensor::PadOp>(op);
        pad && !isNarrow(pad.getResult())) {
      Operation *yield = pad.getRegion().front().getTerminator();
      if (yield->getOperand(0).getType() == narrow)
        yield->setOperand(0, widenedConstant(yield->getOperand(0), wide));
    }
  }
}

void Widener::widenRegion(linalg::GenericOp op) {
  Block &body = *op.getBody();
  OpBuilder builder(op.getContext());
  SmallVector<Operation *> ops;
  for (Operation &each : body)
    ops.push_back(&each);
  auto extend = [&](Value value) {
    builder.setInsertionPointAfterValue(value);
    auto made = arith::ExtFOp::create(builder, op.getLoc(), wide, value);
    value.replaceAllUsesExcept(made, made);
  };
  for (auto [operand, argument] :
       llvm::zip(op->getOperands(), body.getArguments())) {
    if (argument.getType() != narrow)
      continue;
    if (!isNarrow(operand))
      argument.setType(wide);
    else if (!argument.use_empty())
      extend(argument);
  }
  for (Operation *each : ops) {
    if (isa<linalg::YieldOp>(each))
      continue;
    bool converts = isa<arith::ExtFOp, arith::TruncFOp>(each);
    if (auto constant = dyn_cast<arith::ConstantOp>(each);
        constant && constant.getType() == narrow) {
      constant.replaceAllUsesWith(widenedConstant(constant, wide));
      constant.erase();
      continue;
    }
    for (Value result : each->getResults()) {
      if (result.getType() != narrow)
        continue;
      // A gather has the type of what it reads, which may have stayed narrow.
      auto gather = dyn_cast<tensor::ExtractOp>(each);
      if (gather && isNarrow(gather.getTensor()))
        extend(result);
      else
        result.setType(wide);
    }
    // From f32 to f32 there is nothing to convert.
    if (converts && each->getOperand(0).getType() == wide &&
        each->getResult(0).getType() == wide) {
      each->getResult(0).replaceAllUsesWith(each->getOperand(0));
      each->erase();
    }
  }
  Operation *yield = body.getTerminator();
  builder.setInsertionPoint(yield);
  for (auto [operand, result] :
       llvm::zip(yield->getOpOperands(), op.getResults()))
    if (isNarrow(result) && operand.get().getType() == wide)
      operand.set(
          arith::TruncFOp::create(builder, op.getLoc(), narrow, operand.get()));
}

void Widener::run() {
  findKept();
  widenTensors();
  for (auto generic : kernel.getBody().getOps<linalg::GenericOp>())
    // The operands of tensor cores are extended already.
    if (!multipliesNarrow(kernel, generic))
      widenRegion(generic);
}

namespace {
struct Widen : impl::KernelWidenBase<Widen> {
  using KernelWidenBase::KernelWidenBase;

  void runOnOperation() override {
    auto narrow = graph::parseNarrowType(getOperation(), "kernel-widen", type);
    if (failed(narrow))
      return signalPassFailure();
    if (*narrow)
      Widener(getOperation(), *narrow).run();
  }
};
} // namespace
} // namespace actnet::kernel
