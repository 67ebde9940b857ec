//===- ContractOperands.cpp - where rows and panels lie -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operands of a product or convolution as the micro-kernel reads them:
// tables of row pointers, panels, and copies of what cannot be read in place.
//
//===----------------------------------------------------------------------===//

#include "ContractEmitter.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace actnet::host {

constexpr int64_t kL2Share = 256 * 1024; // what weights may take of L2

void ContractEmitter::decodeTile() {
  Values rowExtents = extentsOf(c.rows);
  Value rows = productOf(e, rowExtents);
  columns = c.column >= 0 ? extents[c.column] : e.cst(1);
  panels = e.ceilDiv(columns, e.cst(kPanelColumns));
  Value panelTiles = e.ceilDiv(panels, e.cst(s.nb)),
        rowTiles = e.ceilDiv(rows, e.cst(s.mb));
  Value rest = e.tile;
  panel0 = e.mul(e.mod(rest, panelTiles), s.nb);
  rest = e.floorDiv(rest, panelTiles);
  row0 = e.mul(e.mod(rest, rowTiles), s.mb);
  rest = e.floorDiv(rest, rowTiles);
  set(c.outer, delinearize(e, rest, extentsOf(c.outer)));
  panelEnd = e.min(e.add(panel0, s.nb), panels);
  rowCount = e.min(e.cst(s.mb), e.sub(rows, row0));
  groups = e.ceilDiv(rowCount, e.cst(tile.rows));
}

/// Divisions are dear: each row's indices are computed once a tile.
void ContractEmitter::fillRowIndices() {
  if (c.rows.size() < 2)
    return;
  Values rowExtents = extentsOf(c.rows);
  Value table = part(scratch.rowIndex);
  e.loop(e.cst(0), rowCount, 1, [&](Value r) {
    Values parts = delinearize(e, e.add(row0, r), rowExtents);
    Value at = e.mul(r, c.rows.size());
    for (auto [i, value] : llvm::enumerate(parts))
      LLVM::StoreOp::create(e.b, e.loc, value,
                            e.address(table, e.b.getI64Type(), at, i));
  });
}

void ContractEmitter::loadRowIndices(Value row) {
  if (c.rows.size() == 1)
    dims[c.rows[0]] = Index(e.add(row0, row));
  if (c.rows.size() < 2)
    return;
  Value table = part(scratch.rowIndex), at = e.mul(row, c.rows.size());
  for (auto [i, loop] : llvm::enumerate(c.rows))
    dims[loop] =
        Index(LLVM::LoadOp::create(e.b, e.loc, e.b.getI64Type(),
                                   e.address(table, e.b.getI64Type(), at, i))
                  .getResult());
}

/// Address of the left operand at `dims`, or of zeros in the padding.
Value ContractEmitter::leftAddress() {
  SmallVector<Index> at = e.map(c.map(c.left), dims);
  Value tensor = c.root.getInputs()[c.left];
  Value inside;
  if (c.pad) {
    tensor = c.pad.getSource();
    auto lows = c.pad.getMixedLowPad();
    auto highs = c.pad.getMixedHighPad();
    for (unsigned d = 0; d < at.size(); ++d) {
      if (isConstantIntValue(lows[d], 0) && isConstantIntValue(highs[d], 0))
        continue;
      Value index =
          e.scalar(e.add(at[d], Index(-*getConstantIntValue(lows[d]))));
      at[d] = Index(index);
      Value within =
          arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, index,
                                e.extentValue(tensor, d));
      inside =
          inside ? arith::AndIOp::create(e.b, e.loc, inside, within).getResult()
                 : within;
    }
  }
  unsigned number = cast<BlockArgument>(tensor).getArgNumber();
  // Row by row of strides, as integers: an address in the padding is never
  // made into a pointer.
  Value offset = e.cst(0);
  for (auto [index, stride] : llvm::zip_equal(at, e.argStrides(number)))
    offset = e.add(offset, e.mul(e.scalar(index), stride));
  if (!inside)
    return e.address(e.argPointer(number), f32, offset);
  offset = arith::SelectOp::create(e.b, e.loc, inside, offset, e.cst(0));
  Value real = e.address(e.argPointer(number), f32, offset);
  return arith::SelectOp::create(e.b, e.loc, inside, real,
                                 zeroBytes(e, c.runLength() * 4));
}

void ContractEmitter::pointToRows() {
  Value table = part(scratch.table);
  Values tapExtents = extentsOf(c.taps);
  for (unsigned loop : c.run)
    dims[loop] = Index();
  int64_t taps = c.tapCount();
  e.loop(e.cst(0), groups, 1, [&](Value g) {
    e.loop(e.cst(0), e.cst(tile.rows), 1, [&](Value r) {
      // Rows past the end repeat the last one: they are computed, not stored.
      Value row =
          e.min(e.add(e.mul(g, tile.rows), r), e.sub(rowCount, e.cst(1)));
      loadRowIndices(row);
      Value first = e.add(e.mul(g, taps * tile.rows), r);
      std::function<void(unsigned, Value)> nest = [&](unsigned level,
                                                      Value tap) {
        if (level == c.taps.size()) {
          Value slot = e.address(table, e.b.getI64Type(),
                                 e.add(first, e.mul(tap, tile.rows)));
          storePointer(leftAddress(), slot);
          return;
        }
        e.loop(e.cst(0), tapExtents[level], 1, [&](Value t) {
          dims[c.taps[level]] = Index(t);
          nest(level + 1, e.add(e.mul(tap, tapExtents[level]), t));
        });
      };
      nest(0, e.cst(0));
    });
  });
}

void ContractEmitter::pointToCopies() {
  Value table = part(scratch.table), copies = part(scratch.left);
  e.loop(e.cst(0), e.mul(groups, tile.rows), 1, [&](Value r) {
    Value row = e.min(r, e.sub(rowCount, e.cst(1)));
    storePointer(e.address(copies, f32, e.mul(row, scratch.leftStride)),
                 e.address(table, e.b.getI64Type(), r));
  });
}

/// Copies the rows of this pass, each with its taps side by side.
void ContractEmitter::copyLeft(Value tap, Value taps, Value offset,
                               Value length) {
  Value copies = part(scratch.left), tensor = c.root.getInputs()[c.left];
  Values tapExtents = extentsOf(c.taps);
  unsigned runLoop = c.run[0], width = tile.lanes;
  e.loop(e.cst(0), rowCount, 1, [&](Value r) {
    loadRowIndices(r);
    Value base = e.address(copies, f32, e.mul(r, scratch.leftStride));
    e.loop(e.cst(0), taps, 1, [&](Value t) {
      set(c.taps, delinearize(e, e.add(tap, t), tapExtents));
      Value to = e.address(base, f32, e.mul(t, length));
      auto copy = [&](Value k, Value count) {
        Emitter::LaneScope lanes(e, width, count);
        dims[runLoop] = Index(e.add(offset, k), 0, 1);
        Value value =
            e.broadcast(e.element(tensor, e.map(c.map(c.left), dims)), width);
        // A row has room for a whole vector after its last element, and later
        // taps are written later.
        e.storeRaw(f32, value, e.address(to, f32, k));
      };
      Value whole = e.mul(e.floorDiv(length, width), width);
      e.loop(e.cst(0), whole, width, [&](Value k) { copy(k, Value()); });
      auto fixed = Emitter::constantOf(length);
      if (fixed && *fixed % width == 0)
        return;
      e.ifThen(e.less(whole, length),
               [&] { copy(whole, e.sub(length, whole)); });
    });
  });
}

/// Packs this pass of the tile's panels: [panel][k][16], zeros past the end.
void ContractEmitter::copyRight(Value tap, Value taps, Value offset,
                                Value length) {
  Value copies = part(scratch.rightPanels),
        tensor = c.root.getInputs()[c.right];
  Values tapExtents = extentsOf(c.taps);
  Values runExtents = extentsOf(c.run);
  unsigned width = tile.lanes;
  int64_t panelSize = std::min(s.tp, c.tapCount()) * s.kc * kPanelColumns;
  auto fixed = Emitter::constantOf(columns);
  bool tails = !fixed || *fixed % kPanelColumns != 0;
  e.loop(panel0, panelEnd, 1, [&](Value p) {
    Value base = e.address(copies, f32, e.mul(e.sub(p, panel0), panelSize));
    e.loop(e.cst(0), taps, 1, [&](Value t) {
      set(c.taps, delinearize(e, e.add(tap, t), tapExtents));
      e.loop(e.cst(0), length, 1, [&](Value k) {
        set(c.run, delinearize(e, e.add(offset, k), runExtents));
        Value to = e.address(base, f32,
                             e.mul(e.add(e.mul(t, length), k), kPanelColumns));
        for (int64_t v = 0; v < kPanelColumns; v += width) {
          Value column = e.add(e.mul(p, kPanelColumns), v);
          Value count;
          if (tails)
            count =
                e.max(e.cst(0), e.min(e.cst(width), e.sub(columns, column)));
          Emitter::LaneScope lanes(e, width, count);
          if (c.column >= 0)
            dims[c.column] = Index(column, 0, 1);
          Value value = e.broadcast(
              e.element(tensor, e.map(c.map(c.right), dims)), width);
          if (count)
            value = arith::SelectOp::create(e.b, e.loc, e.mask(), value,
                                            e.zero(value.getType()));
          e.storeRaw(f32, value, e.address(to, f32, Value(), v));
        }
      });
    });
  });
}

/// The panel's first element at the current outer dims and the first k.
Value ContractEmitter::panelAddress(Value panel) {
  if (!c.rightPacked)
    return e.address(part(scratch.rightPanels), f32,
                     e.mul(e.sub(panel, panel0), std::min(s.tp, c.tapCount()) *
                                                     s.kc * kPanelColumns));
  unsigned number =
      cast<BlockArgument>(c.root.getInputs()[c.right]).getArgNumber();
  SmallVector<Index> here(dims);
  for (unsigned loop : c.taps)
    here[loop] = Index();
  for (unsigned loop : c.run)
    here[loop] = Index();
  here[c.column] = Index(e.mul(panel, kPanelColumns));
  SmallVector<Index> at;
  AffineMap map = c.map(c.right);
  for (AffineExpr expr : map.getResults()) {
    auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
    if (binary && binary.getKind() == AffineExprKind::FloorDiv)
      at.push_back(Index(panel));
    else if (binary && binary.getKind() == AffineExprKind::Mod)
      at.push_back(Index());
    else
      at.push_back(e.map(AffineMap::get(map.getNumDims(), 0, expr), here)[0]);
  }
  return e.argAddress(number, at);
}

/// Packed weights that come from L3 or memory.
bool ContractEmitter::rightIsLarge() const {
  if (!c.rightPacked)
    return false;
  int64_t bytes = 4;
  auto type = cast<RankedTensorType>(c.root.getInputs()[c.right].getType());
  for (int64_t extent : type.getShape())
    bytes *= ShapedType::isDynamic(extent) ? kL2Share : extent;
  return bytes > kL2Share;
}

} // namespace actnet::host
