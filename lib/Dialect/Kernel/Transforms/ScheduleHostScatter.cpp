//===- ScheduleHostScatter.cpp - tiles of a scatter on the host -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each tile reads all indices: few tiles read them seldom, many share the
// copying. A tile has 64 Ki elements, or four times as many as there are
// updates: it costs more than its indices.
//
//===----------------------------------------------------------------------===//

#include "actnet/Dialect/Kernel/Transforms/HostScatter.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"

using namespace mlir;

namespace actnet::kernel {

/// Elements of a tile that is a part of one matrix (r, i), and of one that
/// holds several.
static constexpr int64_t kElements = 64 << 10, kWhole = 16 << 10;
/// Columns that are one tile's without a cut.
static constexpr int64_t kColumns = 1024;

std::optional<HostScatter> HostScatter::get(FuncOp kernel) {
  DictionaryAttr schedule = kernel.getScheduleAttr();
  if (!schedule)
    return std::nullopt;
  auto outer = schedule.getAs<IntegerAttr>("outer"),
       rows = schedule.getAs<IntegerAttr>("rows"),
       columns = schedule.getAs<IntegerAttr>("columns");
  if (!outer || !rows || !columns || outer.getInt() < 1 || rows.getInt() < 0 ||
      columns.getInt() < 0)
    return std::nullopt;
  return HostScatter{outer.getInt(), rows.getInt(), columns.getInt()};
}

LogicalResult scheduleHostScatter(FuncOp kernel) {
  SmallVector<graph::DimExprAttr> dims = kernel.getResultDims(0);
  MLIRContext *context = kernel.getContext();
  auto extent = [&](unsigned d) { return graph::constantValue(dims[d]); };
  HostScatter tile;
  if (!extent(2) || *extent(2) > kColumns)
    tile.columns = kColumns;
  int64_t width =
      std::max<int64_t>(1, tile.columns ? tile.columns : *extent(2));
  auto scatter = cast<ScatterOp>(kernel.getBody().front().front());
  int64_t updates =
      cast<RankedTensorType>(scatter.getUpdates().getType()).getDimSize(1);
  int64_t rows =
      (ShapedType::isDynamic(updates) ? kElements
                                      : std::max(kElements, 4 * updates)) /
      width;
  if (!extent(1) || *extent(1) > rows)
    tile.rows = rows;
  if (!tile.columns && !tile.rows)
    tile.outer = std::max<int64_t>(
        1, kWhole / (width * std::max<int64_t>(1, *extent(1))));
  auto tiles = [&](unsigned d, int64_t size) {
    return size ? graph::dimCeilDiv(dims[d], graph::dimConstant(context, size))
                : graph::dimConstant(context, 1);
  };
  Builder b(context);
  kernel.setScheduleAttr(b.getDictionaryAttr(
      {b.getNamedAttr("outer", b.getI64IntegerAttr(tile.outer)),
       b.getNamedAttr("rows", b.getI64IntegerAttr(tile.rows)),
       b.getNamedAttr("columns", b.getI64IntegerAttr(tile.columns))}));
  kernel.setTilesAttr(graph::dimMul(
      tiles(0, tile.outer),
      graph::dimMul(tiles(1, tile.rows), tiles(2, tile.columns))));
  kernel.setScratch(0);
  return success();
}

} // namespace actnet::kernel
