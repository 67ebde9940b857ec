//===- ScheduleHostContract.cpp - tiles of products and convolutions ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chooses tiles by shape alone. One pass over k reads `kc` elements, so that a
// panel (64 * kc bytes) stays in L1 while all rows of the tile pass by, and
// the tile's rows (4 * mb * kc bytes) stay in L2 while all its panels do.
//
//===----------------------------------------------------------------------===//

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Kernel/Transforms/HostContraction.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using llvm::divideCeil;

namespace actnet::kernel {
namespace {

constexpr int64_t kRows = 84;   // a multiple of both register tiles' rows
constexpr int64_t kPanels = 16; // panels of a tile at most
constexpr int64_t kInner = 256; // 16 KiB of a panel: half of L1
constexpr int64_t kTiles = 16;  // enough for a few threads
constexpr int64_t kMinPanels = 2;

/// Rows and panels of the register tiles of the known variants.
constexpr std::pair<int64_t, int64_t> kMicroTiles[] = {{6, 1}, {12, 2}};

} // namespace

DictionaryAttr HostContractionSchedule::toAttr(MLIRContext *context) const {
  Builder b(context);
  return b.getDictionaryAttr({b.getNamedAttr("mb", b.getI64IntegerAttr(mb)),
                              b.getNamedAttr("nb", b.getI64IntegerAttr(nb)),
                              b.getNamedAttr("kc", b.getI64IntegerAttr(kc)),
                              b.getNamedAttr("tp", b.getI64IntegerAttr(tp))});
}

std::optional<HostContractionSchedule>
HostContractionSchedule::get(FuncOp kernel) {
  DictionaryAttr attr = kernel.getScheduleAttr();
  if (!attr)
    return std::nullopt;
  HostContractionSchedule s;
  for (auto [name, field] :
       {std::pair("mb", &s.mb), {"nb", &s.nb}, {"kc", &s.kc}, {"tp", &s.tp}}) {
    auto value = attr.getAs<IntegerAttr>(name);
    if (!value || value.getInt() < 1)
      return std::nullopt;
    *field = value.getInt();
  }
  return s;
}

HostContractionScratch::HostContractionScratch(const HostContraction &c,
                                               const HostContractionSchedule &s,
                                               int64_t microRows,
                                               int64_t microPanels) {
  int64_t groups = divideCeil(s.mb, microRows);
  int64_t run = c.runLength(), taps = c.tapCount();
  singlePass = !ShapedType::isDynamic(run) && run <= s.kc && taps <= s.tp;
  auto take = [&](int64_t &offset, int64_t size) {
    offset = bytes;
    bytes += llvm::alignTo(size, 64);
  };
  take(rowIndex, s.mb * int64_t(c.rows.size()) * 8);
  take(table, groups * (c.leftInPlace ? taps : 1) * microRows * 8);
  int64_t panels = groups * microRows * microPanels * 16 * 4;
  take(result, singlePass ? panels : panels * divideCeil(s.nb, microPanels));
  int64_t length = std::min(s.tp, taps) * s.kc;
  // Not a power of two apart: rows would share the sets of the caches.
  leftStride = llvm::alignTo(length, 16) + 16;
  if (!c.leftInPlace)
    take(left, s.mb * leftStride * 4);
  if (!c.rightPacked)
    take(rightPanels, s.nb * length * 16 * 4);
}

LogicalResult scheduleHostPlain(FuncOp kernel) {
  // One tile for each row of the first result, or one in all where results
  // differ in shape.
  MLIRContext *context = kernel.getContext();
  SmallVector<graph::DimExprAttr> dims = kernel.getResultDims(0);
  graph::DimExprAttr tiles = graph::dimConstant(context, 1);
  bool same = true;
  for (unsigned i = 1; i < kernel.getResultTypes().size(); ++i)
    same &= kernel.getResultDims(i) == dims;
  if (same && !dims.empty())
    tiles = graph::dimProduct(context, ArrayRef(dims).drop_back());
  Builder b(context);
  kernel.setScheduleAttr(
      b.getDictionaryAttr(b.getNamedAttr("plain", b.getUnitAttr())));
  kernel.setTilesAttr(tiles);
  kernel.setScratch(0);
  return success();
}

LogicalResult scheduleHostContract(FuncOp kernel) {
  std::optional<HostContraction> c = readHostContraction(kernel);
  if (!c)
    return scheduleHostPlain(kernel);
  MLIRContext *context = kernel.getContext();
  AffineMap out = c->root.getMatchingIndexingMap(c->root.getDpsInitOperand(0));
  SmallVector<graph::DimExprAttr> resultDims =
      dimsThroughResults(kernel, c->root.getResult(0), c->resultMaps);
  auto dimOf = [&](unsigned loop) {
    for (auto [i, expr] : llvm::enumerate(out.getResults()))
      if (cast<AffineDimExpr>(expr).getPosition() == loop)
        return resultDims[i];
    return graph::dimConstant(context, c->extents[loop]);
  };
  auto product = [&](ArrayRef<unsigned> loops) {
    SmallVector<graph::DimExprAttr> dims;
    for (unsigned loop : loops)
      dims.push_back(dimOf(loop));
    return graph::dimProduct(context, dims);
  };
  // What a dynamic dim is at least: one.
  auto least = [&](ArrayRef<unsigned> loops) {
    int64_t count = 1;
    for (unsigned loop : loops)
      count *= ShapedType::isDynamic(c->extents[loop]) ? 1 : c->extents[loop];
    return count;
  };

  HostContractionSchedule s;
  graph::DimExprAttr rows = product(c->rows), outer = product(c->outer);
  // Rows: blocks of nearly equal size, whole register tiles.
  s.mb = kRows;
  if (auto fixed = graph::constantValue(rows))
    s.mb = llvm::alignTo(divideCeil(*fixed, divideCeil(*fixed, kRows)), 6);

  // k: passes of nearly equal size.
  int64_t run = c->runLength(), taps = c->tapCount();
  if (ShapedType::isDynamic(run)) {
    s.kc = kInner;
  } else {
    int64_t limit = kInner + kInner / 2;
    if (run * taps <= limit) {
      s.kc = run;
      s.tp = taps;
    } else if (run >= kInner) {
      s.kc = llvm::alignTo(divideCeil(run, divideCeil(run, kInner)), 8);
    } else {
      s.kc = run;
      s.tp = divideCeil(taps,
                        divideCeil(taps, std::max<int64_t>(1, kInner / run)));
    }
  }

  // Panels: as many as stay useful, fewer where there would be too few tiles.
  graph::DimExprAttr columns = graph::dimConstant(context, 1);
  if (c->column >= 0)
    columns = dimOf(c->column);
  graph::DimExprAttr panels =
      graph::dimCeilDiv(columns, graph::dimConstant(context, 16));
  int64_t count = graph::constantValue(panels).value_or(kPanels);
  s.nb = divideCeil(count, divideCeil(count, kPanels));
  int64_t others = divideCeil(least(c->rows), s.mb) * least(c->outer);
  while (others * divideCeil(count, s.nb) < kTiles && s.nb > kMinPanels)
    s.nb = std::max<int64_t>(kMinPanels, divideCeil(s.nb, 2));

  auto constant = [&](int64_t v) { return graph::dimConstant(context, v); };
  graph::DimExprAttr tiles = graph::dimMul(
      graph::dimMul(outer, graph::dimCeilDiv(rows, constant(s.mb))),
      graph::dimCeilDiv(panels, constant(s.nb)));
  int64_t scratch = 0;
  for (auto [microRows, microPanels] : kMicroTiles)
    scratch = std::max(
        scratch, HostContractionScratch(*c, s, microRows, microPanels).bytes);
  kernel.setScheduleAttr(s.toAttr(context));
  kernel.setTilesAttr(tiles);
  kernel.setScratch(scratch);
  return success();
}

LogicalResult scheduleHostConv(FuncOp kernel) {
  return scheduleHostContract(kernel);
}

} // namespace actnet::kernel
