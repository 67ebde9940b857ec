//===- Combiners.cpp - what reductions combine with -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Combiners.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace actnet::cuda;

static StringRef nameOf(Operation *op) {
  return TypeSwitch<Operation *, StringRef>(op)
      .Case<arith::AddFOp, arith::AddIOp>([](auto) { return "Add"; })
      .Case<arith::MulFOp, arith::MulIOp>([](auto) { return "Multiply"; })
      .Case<arith::MaximumFOp>([](auto) { return "Maximum"; })
      .Case<arith::MinimumFOp>([](auto) { return "Minimum"; })
      // One bit: true is the smallest number with a sign.
      .Case<arith::MaxSIOp>(
          [](auto op) { return op.getType().isInteger(1) ? "And" : "Maximum"; })
      .Case<arith::MinSIOp>(
          [](auto op) { return op.getType().isInteger(1) ? "Or" : "Minimum"; })
      .Case<arith::MaxUIOp>([](auto op) {
        return op.getType().isInteger(1) ? "Or" : "MaximumUnsigned";
      })
      .Case<arith::MinUIOp>([](auto op) {
        return op.getType().isInteger(1) ? "And" : "MinimumUnsigned";
      })
      .Case([](arith::AndIOp) { return "And"; })
      .Case([](arith::OrIOp) { return "Or"; })
      .Case([](arith::XOrIOp) { return "Xor"; })
      .Default([](Operation *) { return ""; });
}

std::optional<SmallVector<Combiner>>
actnet::cuda::combinersOf(linalg::GenericOp root) {
  Block *body = root.getBody();
  SmallVector<Combiner> found;
  for (unsigned i = 0; i < root.getNumDpsInits(); ++i) {
    // The result so far is used by what combines it, and by nothing else.
    Value result = root.getRegionOutputArgs()[i];
    Operation *combine = body->getTerminator()->getOperand(i).getDefiningOp();
    if (!combine || combine->getBlock() != body || !result.hasOneUse() ||
        *result.user_begin() != combine || !combine->getResult(0).hasOneUse())
      return std::nullopt;
    StringRef name = nameOf(combine);
    if (name.empty())
      return std::nullopt;
    found.push_back(
        {name, combine->getOperand(combine->getOperand(0) == result)});
  }
  return found;
}

Attribute actnet::cuda::identityOf(StringRef combiner, Type type) {
  bool isLargest = combiner == "Minimum";
  if (auto floatType = dyn_cast<FloatType>(type)) {
    const llvm::fltSemantics &semantics = floatType.getFloatSemantics();
    if (isLargest || combiner == "Maximum")
      return FloatAttr::get(type, APFloat::getInf(semantics, !isLargest));
    return FloatAttr::get(type, combiner == "Multiply" ? 1.0 : 0.0);
  }
  unsigned width = type.getIntOrFloatBitWidth();
  if (isLargest || combiner == "Maximum")
    return IntegerAttr::get(type, isLargest ? APInt::getSignedMaxValue(width)
                                            : APInt::getSignedMinValue(width));
  if (combiner == "And" || combiner == "MinimumUnsigned")
    return IntegerAttr::get(type, APInt::getAllOnes(width));
  return IntegerAttr::get(type, APInt(width, combiner == "Multiply"));
}
