//===- Bounds.cpp - bodies read what is there -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Upstream checks the indexing maps of a generic at the last iteration, which
// is enough for sums of loops. Packed operands are read through floordiv and
// mod: here each result's interval is held against the operand's extent. And a
// static size may not be written as the number that stands for a dynamic one.
//
//===----------------------------------------------------------------------===//

#include "Families.h"

#include "mlir/IR/AffineExprVisitor.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace actnet::kernel;

namespace {

/// All values of an index, both ends within; saturated.
struct Interval {
  int64_t least, most;
};

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min(),
                  kMost = std::numeric_limits<int64_t>::max();

int64_t sum(int64_t a, int64_t b) {
  int64_t value;
  return llvm::AddOverflow(a, b, value) ? (a < 0 ? kLeast : kMost) : value;
}

int64_t product(int64_t a, int64_t b) {
  int64_t value;
  return llvm::MulOverflow(a, b, value) ? ((a < 0) != (b < 0) ? kLeast : kMost)
                                        : value;
}

/// The values of `expr` while each loop runs from 0 to below its extent.
/// Nothing where a loop's extent is not known. Sets `bad` at a division by
/// what is no positive constant.
std::optional<Interval> valuesOf(AffineExpr expr, ArrayRef<int64_t> extents,
                                 bool &bad) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return Interval{constant.getValue(), constant.getValue()};
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    int64_t extent = extents[dim.getPosition()];
    if (ShapedType::isDynamic(extent))
      return std::nullopt;
    return Interval{0, std::max<int64_t>(extent, 1) - 1};
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return std::nullopt;
  std::optional<Interval> a = valuesOf(binary.getLHS(), extents, bad),
                          b = valuesOf(binary.getRHS(), extents, bad);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    if (!a || !b)
      return std::nullopt;
    return Interval{sum(a->least, b->least), sum(a->most, b->most)};
  case AffineExprKind::Mul: {
    if (!a || !b)
      return std::nullopt;
    auto ends = {product(a->least, b->least), product(a->least, b->most),
                 product(a->most, b->least), product(a->most, b->most)};
    return Interval{std::min(ends), std::max(ends)};
  }
  default:
    break;
  }
  // floordiv, ceildiv and mod.
  auto by = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (!by || by.getValue() < 1) {
    bad = true;
    return std::nullopt;
  }
  int64_t divisor = by.getValue();
  if (expr.getKind() == AffineExprKind::Mod) {
    if (a && a->least >= 0 && a->most < divisor)
      return a;
    return Interval{0, divisor - 1};
  }
  if (!a)
    return std::nullopt;
  auto divide = [&](int64_t value) {
    return expr.getKind() == AffineExprKind::FloorDiv
               ? llvm::divideFloorSigned(value, divisor)
               : llvm::divideCeilSigned(value, divisor);
  };
  return Interval{divide(a->least), divide(a->most)};
}

LogicalResult verifyMaps(linalg::GenericOp op) {
  SmallVector<int64_t, 4> extents = op.getStaticLoopRanges();
  // Without an iteration nothing is read.
  if (llvm::is_contained(extents, 0))
    return success();
  for (OpOperand &operand : op->getOpOperands()) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    auto type = dyn_cast<RankedTensorType>(operand.get().getType());
    if (!type)
      continue;
    for (auto [i, expr] : llvm::enumerate(map.getResults())) {
      bool bad = false;
      std::optional<Interval> values = valuesOf(expr, extents, bad);
      auto error = [&]() {
        return op.emitOpError()
               << "operand " << operand.getOperandNumber() << ", index " << i
               << " of its map " << AffineMapAttr::get(map);
      };
      if (bad)
        return error() << ": expected a division by a positive constant";
      if (!values)
        continue;
      int64_t extent = type.getDimSize(i);
      if (values->least < 0 ||
          (!ShapedType::isDynamic(extent) && values->most >= extent))
        return error() << ": runs from " << values->least << " to "
                       << values->most << ", outside of " << type;
    }
  }
  return success();
}

LogicalResult verifyPad(tensor::PadOp op) {
  auto check = [&](ArrayRef<int64_t> sizes, unsigned operands,
                   StringRef name) -> LogicalResult {
    // Upstream takes this number, also where it was written, for "see the next
    // operand".
    if (llvm::count_if(sizes, ShapedType::isDynamic) != operands)
      return op.emitOpError() << name << ": " << ShapedType::kDynamic
                              << " is no width of a padding";
    for (int64_t size : sizes)
      if (!ShapedType::isDynamic(size) && (size < 0 || size > INT32_MAX))
        return op.emitOpError() << name << ": expected a padding from 0 to "
                                << INT32_MAX << ", found " << size;
    return success();
  };
  if (failed(check(op.getStaticLow(), op.getLow().size(), "low")) ||
      failed(check(op.getStaticHigh(), op.getHigh().size(), "high")))
    return failure();
  return success();
}

} // namespace

LogicalResult actnet::kernel::verifyBounds(FuncOp kernel) {
  for (Operation &op : kernel.getBody().front()) {
    if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
      if (failed(verifyMaps(generic)))
        return failure();
    } else if (auto pad = dyn_cast<tensor::PadOp>(op)) {
      if (failed(verifyPad(pad)))
        return failure();
    }
  }
  return success();
}
