//===- ScheduleHostAttention.cpp - tiles of attention ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Packing a block of keys and values is paid once a tile: tiles take many
// query rows. A block of keys and values stays in L2, the scores of one
// register tile of rows in L1.
//
//===----------------------------------------------------------------------===//

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Kernel/Transforms/HostAttention.h"
#include "actnet/Dialect/Kernel/Transforms/HostContraction.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using llvm::divideCeil;

namespace actnet::kernel {
namespace {

constexpr int64_t kQueryRows = 256;  // of a tile at most
constexpr int64_t kKeys = 256;       // of a block, where there are several
constexpr int64_t kKeysAtOnce = 512; // of a single block at most
constexpr int64_t kHeadSize = 512;   // d and e at most

constexpr int64_t kMicroRows[] = {6, 12};

} // namespace

AffineMap HostAttention::map(unsigned operand) const {
  return cast<AffineMapAttr>(op.getIndexingMaps()[operand]).getValue();
}

std::optional<HostAttention> readHostAttention(FuncOp kernel) {
  HostAttention a;
  for (Operation &op : kernel.getBody().front())
    if (auto attention = dyn_cast<AttentionOp>(op))
      a.op = attention;
  if (!a.op)
    return std::nullopt;
  SmallVector<Value> operands(a.op->getOperands());
  for (Value v : {a.op.getQ(), a.op.getK(), a.op.getV()}) {
    Type type = cast<RankedTensorType>(v.getType()).getElementType();
    if (!type.isF32() && !type.isF16() && !type.isBF16())
      return std::nullopt;
  }
  a.place.fill({-1, -1});
  a.extents.fill(1);
  for (auto [number, operand] : llvm::enumerate(operands)) {
    AffineMap map = a.map(number);
    auto shape = cast<RankedTensorType>(operand.getType()).getShape();
    // A mask may be broadcast: its extents do not count.
    if (a.op.getMask() && number == 3)
      continue;
    for (auto [d, expr] : llvm::enumerate(map.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        if (a.place[dim.getPosition()].first < 0) {
          a.place[dim.getPosition()] = {int(number), int(d)};
          a.extents[dim.getPosition()] = shape[d];
        }
  }
  for (int64_t size : {a.extents[4], a.extents[5]})
    if (ShapedType::isDynamic(size) || size > kHeadSize)
      return std::nullopt;
  if (!a.map(operands.size() - 1).isProjectedPermutation())
    return std::nullopt;
  auto maps = rearrangements(kernel, a.op.getResult());
  if (!maps)
    return std::nullopt;
  a.resultMaps = *maps;
  return a;
}

std::optional<HostAttentionSchedule> HostAttentionSchedule::get(FuncOp kernel) {
  DictionaryAttr attr = kernel.getScheduleAttr();
  if (!attr)
    return std::nullopt;
  auto sb = attr.getAs<IntegerAttr>("sb"), tb = attr.getAs<IntegerAttr>("tb");
  if (!sb || !tb || sb.getInt() < 1 || tb.getInt() < 16 ||
      tb.getInt() % 16 != 0)
    return std::nullopt;
  HostAttentionSchedule s;
  s.sb = sb.getInt();
  s.tb = tb.getInt();
  return s;
}

HostAttentionScratch::HostAttentionScratch(const HostAttention &a,
                                           const HostAttentionSchedule &s,
                                           int64_t microRows) {
  int64_t rows = llvm::alignTo(s.sb, microRows);
  auto take = [&](int64_t &offset, int64_t size) {
    offset = bytes;
    bytes += llvm::alignTo(size, 64);
  };
  // Room for a whole vector behind each row; rows not a power of two apart.
  qStride = llvm::alignTo(a.extents[4], 16) + 16;
  sStride = s.tb + 16;
  oStride = llvm::alignTo(a.extents[5], 32);
  take(q, rows * qStride * 4);
  take(keys, (s.tb + 16) * llvm::alignTo(a.extents[4], 16) * 4);
  take(values, llvm::alignTo(a.extents[5], 16) * s.tb * 4);
  take(scores, microRows * sStride * 4);
  take(out, rows * oStride * 4);
  take(maxima, rows * 4);
  take(sums, rows * 4);
  take(qTable, rows * 8);
  take(sTable, microRows * 8);
}

LogicalResult scheduleHostAttention(FuncOp kernel) {
  std::optional<HostAttention> a = readHostAttention(kernel);
  MLIRContext *context = kernel.getContext();
  Builder b(context);
  if (!a)
    return scheduleHostPlain(kernel);
  HostAttentionSchedule s;
  auto blocks = [](int64_t extent, int64_t most) {
    return divideCeil(extent, divideCeil(extent, most));
  };
  s.sb = ShapedType::isDynamic(a->extents[2])
             ? kQueryRows / 2
             : blocks(a->extents[2], kQueryRows);
  s.tb = kKeys;
  if (!ShapedType::isDynamic(a->extents[3]))
    s.tb = llvm::alignTo(a->extents[3] <= kKeysAtOnce
                             ? a->extents[3]
                             : blocks(a->extents[3], kKeys),
                         16);

  AffineMap out = a->map(a->op->getNumOperands() - 1);
  SmallVector<graph::DimExprAttr> resultDims =
      dimsThroughResults(kernel, a->op.getResult(), a->resultMaps);
  graph::DimExprAttr dims[3];
  for (unsigned d = 0; d < 3; ++d) {
    dims[d] = graph::dimConstant(context, 1);
    for (auto [i, expr] : llvm::enumerate(out.getResults()))
      if (cast<AffineDimExpr>(expr).getPosition() == d)
        dims[d] = resultDims[i];
  }
  graph::DimExprAttr tiles = graph::dimMul(
      graph::dimMul(dims[0], dims[1]),
      graph::dimCeilDiv(dims[2], graph::dimConstant(context, s.sb)));
  int64_t scratch = 0;
  for (int64_t rows : kMicroRows)
    scratch = std::max(scratch, HostAttentionScratch(*a, s, rows).bytes);
  kernel.setScheduleAttr(
      b.getDictionaryAttr({b.getNamedAttr("sb", b.getI64IntegerAttr(s.sb)),
                           b.getNamedAttr("tb", b.getI64IntegerAttr(s.tb))}));
  kernel.setTilesAttr(tiles);
  kernel.setScratch(scratch);
  return success();
}

} // namespace actnet::kernel
