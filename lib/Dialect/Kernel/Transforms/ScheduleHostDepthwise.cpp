//===- ScheduleHostDepthwise.cpp - tiles of depthwise convolutions --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile is some rows of one image, so that neighbouring rows are read once
// from L2, and large enough that its launch does not matter.
//
//===----------------------------------------------------------------------===//

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Kernel/Transforms/HostContraction.h"
#include "actnet/Dialect/Kernel/Transforms/HostDepthwise.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using llvm::divideCeil;

namespace actnet::kernel {
namespace {

constexpr int64_t kTileWork = 100000; // multiply-adds: some 5 us
constexpr int64_t kMinTiles = 8;      // of one image

/// Splits `y * stride + a * dilation`; false for any other form.
bool readAffine(AffineExpr expr, unsigned &outer, int64_t &stride,
                unsigned &inner, int64_t &dilation,
                function_ref<bool(unsigned)> isReduction) {
  int found = 0;
  std::function<bool(AffineExpr, int64_t)> walk = [&](AffineExpr e,
                                                      int64_t factor) {
    if (auto dim = dyn_cast<AffineDimExpr>(e)) {
      bool reduction = isReduction(dim.getPosition());
      if (found & (reduction ? 2 : 1))
        return false;
      found |= reduction ? 2 : 1;
      (reduction ? inner : outer) = dim.getPosition();
      (reduction ? dilation : stride) = factor;
      return true;
    }
    auto binary = dyn_cast<AffineBinaryOpExpr>(e);
    if (!binary)
      return false;
    if (binary.getKind() == AffineExprKind::Add)
      return walk(binary.getLHS(), factor) && walk(binary.getRHS(), factor);
    auto by = dyn_cast<AffineConstantExpr>(binary.getRHS());
    return binary.getKind() == AffineExprKind::Mul && by && by.getValue() > 0 &&
           walk(binary.getLHS(), factor * by.getValue());
  };
  return walk(expr, 1) && found == 3;
}

bool isZeroFloat(Value v) { return v && matchPattern(v, m_AnyZeroFloat()); }

} // namespace

std::optional<HostDepthwise> readHostDepthwise(FuncOp kernel) {
  HostDepthwise d;
  d.root = findRoot(kernel);
  if (!d.root || d.root.getNumLoops() != 6 ||
      d.root.getNumReductionLoops() != 2 || d.root.getNumDpsInputs() != 2 ||
      d.root.getNumDpsInits() != 1)
    return std::nullopt;
  auto elementType = [](Value v) {
    return cast<RankedTensorType>(v.getType()).getElementType();
  };
  for (Value v : d.root.getOperands())
    if (!elementType(v).isF32())
      return std::nullopt;
  auto yield = cast<linalg::YieldOp>(d.root.getBody()->getTerminator());
  auto sum = yield.getValues()[0].getDefiningOp<arith::AddFOp>();
  if (!sum)
    return std::nullopt;
  auto mapOf = [&](unsigned i) {
    return d.root.getMatchingIndexingMap(d.root.getDpsInputOperand(i));
  };
  if (mapOf(0).getNumResults() == 3)
    std::swap(d.image, d.filter);
  AffineMap image = mapOf(d.image), filter = mapOf(d.filter);
  AffineMap out = d.root.getMatchingIndexingMap(d.root.getDpsInitOperand(0));
  if (image.getNumResults() != 4 || filter.getNumResults() != 3 ||
      out.getNumResults() != 4 || !filter.isProjectedPermutation() ||
      !out.isProjectedPermutation())
    return std::nullopt;
  auto kinds = d.root.getIteratorTypesArray();
  auto isReduction = [&](unsigned loop) {
    return kinds[loop] == utils::IteratorType::reduction;
  };
  auto position = [](AffineMap map, unsigned i) {
    return map.getDimPosition(i);
  };
  d.a = position(filter, 0), d.b = position(filter, 1),
  d.c = position(filter, 2);
  d.n = position(out, 0), d.y = position(out, 1), d.x = position(out, 2);
  unsigned y = 0, x = 0, a = 0, b = 0;
  if (!isReduction(d.a) || !isReduction(d.b) || position(out, 3) != d.c ||
      image.getResult(0) != getAffineDimExpr(d.n, kernel.getContext()) ||
      image.getResult(3) != getAffineDimExpr(d.c, kernel.getContext()) ||
      !readAffine(image.getResult(1), y, d.strideY, a, d.dilationY,
                  isReduction) ||
      !readAffine(image.getResult(2), x, d.strideX, b, d.dilationX,
                  isReduction) ||
      y != d.y || x != d.x || a != d.a || b != d.b)
    return std::nullopt;
  d.extents = d.root.getStaticLoopRanges();
  for (unsigned loop : {d.a, d.b, d.c})
    if (ShapedType::isDynamic(d.extents[loop]))
      return std::nullopt;
  if (d.extents[d.a] > 16 || d.extents[d.b] > 16)
    return std::nullopt; // taps are unrolled
  auto maps = rearrangements(kernel, d.root.getResult(0));
  if (!maps)
    return std::nullopt;
  d.resultMaps = *maps;
  auto fill = d.root.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  d.zeroInit = fill && isZeroFloat(fill.getInputs()[0]);

  Value tensor = d.root.getInputs()[d.image];
  auto pad = tensor.getDefiningOp<tensor::PadOp>();
  if (isa<BlockArgument>(tensor)) {
    d.inPlace = true;
  } else if (pad && isa<BlockArgument>(pad.getSource()) &&
             isZeroFloat(pad.getConstantPaddingValue())) {
    SmallVector<std::optional<int64_t>> low, high;
    for (OpFoldResult v : pad.getMixedLowPad())
      low.push_back(getConstantIntValue(v));
    for (OpFoldResult v : pad.getMixedHighPad())
      high.push_back(getConstantIntValue(v));
    if (low[0] == 0 && low[3] == 0 && high[0] == 0 && high[3] == 0 && low[1] &&
        low[2] && *low[1] >= 0 && *low[2] >= 0) {
      d.inPlace = true;
      d.pad = pad;
      d.padY = *low[1];
      d.padX = *low[2];
    }
  }
  return d;
}

LogicalResult scheduleHostDepthwise(FuncOp kernel) {
  std::optional<HostDepthwise> d = readHostDepthwise(kernel);
  if (!d)
    return scheduleHostPlain(kernel);
  MLIRContext *context = kernel.getContext();
  SmallVector<graph::DimExprAttr> dims =
      dimsThroughResults(kernel, d->root.getResult(0), d->resultMaps);
  auto known = [&](unsigned loop, int64_t otherwise) {
    return ShapedType::isDynamic(d->extents[loop]) ? otherwise
                                                   : d->extents[loop];
  };
  int64_t row =
      known(d->x, 32) * d->extents[d->c] * d->extents[d->a] * d->extents[d->b];
  int64_t rows = std::max<int64_t>(1, kTileWork / row);
  if (!ShapedType::isDynamic(d->extents[d->y]))
    rows = std::min<int64_t>(rows, divideCeil(d->extents[d->y], kMinTiles));
  graph::DimExprAttr blocks =
      graph::dimCeilDiv(dims[1], graph::dimConstant(context, rows));
  Builder b(context);
  kernel.setScheduleAttr(
      b.getDictionaryAttr(b.getNamedAttr("rows", b.getI64IntegerAttr(rows))));
  kernel.setTilesAttr(graph::dimMul(dims[0], blocks));
  kernel.setScratch(0);
  return success();
}

} // namespace actnet::kernel
