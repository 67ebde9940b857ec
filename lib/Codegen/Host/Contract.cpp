//===- Contract.cpp - products and convolutions through the micro-kernel --===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One tile is a block of rows times a block of panels, for one index of the
// outer dims:
//
//   table[group][tap][row] = pointers to the rows of the left operand
//   for each pass over k:                      (kc elements, or tp taps)
//     for each panel of the tile:              (stays in L1)
//       for each group of register-tile rows:  (all of them stay in L2)
//         micro-kernel; in the last pass, epilogue and stores
//
// A convolution is the same: its rows are output pixels, a tap is a filter
// position, and taps in the padding point to zeros. Operands that cannot be
// read where they lie (prologues, other types, other orders) are copied to
// scratch for each pass, through the emitter.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"
#include "MicroKernel.h"
#include "Nest.h"

#include "actnet/Dialect/Kernel/Transforms/HostContraction.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using actnet::kernel::HostContraction;
using actnet::kernel::HostContractionSchedule;
using actnet::kernel::HostContractionScratch;

namespace actnet::host {
namespace {

constexpr int64_t kL2Share = 256 * 1024; // what weights may take of L2

class ContractEmitter {
public:
  ContractEmitter(Emitter &e, const HostContraction &c,
                  const HostContractionSchedule &s)
      : e(e), c(c), s(s), tile(microTile(e.variant.lanesF32())),
        scratch(c, s, tile.rows, tile.panels), f32(e.b.getF32Type()),
        ptr(LLVM::LLVMPointerType::get(e.b.getContext())) {}

  void emit();

private:
  // Parts of scratch, as pointers.
  Value part(int64_t offset) {
    return e.address(e.scratch, e.b.getIntegerType(8), Value(), offset);
  }
  Values extentsOf(ArrayRef<unsigned> loops) {
    Values out;
    for (unsigned loop : loops)
      out.push_back(extents[loop]);
    return out;
  }
  void set(ArrayRef<unsigned> loops, ValueRange values) {
    for (auto [loop, value] : llvm::zip_equal(loops, values))
      dims[loop] = Index(value);
  }
  Value loadPointer(Value from) {
    return LLVM::LoadOp::create(e.b, e.loc, ptr, from);
  }
  void storePointer(Value value, Value to) {
    LLVM::StoreOp::create(e.b, e.loc, value, to);
  }

  void decodeTile();
  void fillRowIndices();
  void loadRowIndices(Value row);
  void pointToRows();
  void pointToCopies();
  Value leftAddress();
  void pass(Value tap, Value taps, Value offset, Value length, Value first,
            Value last);
  void copyLeft(Value tap, Value taps, Value offset, Value length);
  void copyRight(Value tap, Value taps, Value offset, Value length);
  Value panelAddress(Value panel);
  int64_t rightBytes() const;
  void epilogue(Value accumulators, Value firstPanel, Value panels);

  Emitter &e;
  const HostContraction &c;
  const HostContractionSchedule &s;
  MicroTile tile;
  HostContractionScratch scratch;
  Type f32, ptr;

  Values extents;          ///< Of all loops of the root.
  SmallVector<Index> dims; ///< Current index of each loop.
  Value columns, panels;   ///< Extents of the result.
  Value row0, rowCount, groups;
  Value panel0, panelEnd;
};

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

/// Size of the packed right operand, as far as it is known.
int64_t ContractEmitter::rightBytes() const {
  int64_t bytes = 4;
  for (int64_t extent :
       cast<RankedTensorType>(c.root.getInputs()[c.right].getType()).getShape())
    bytes *= ShapedType::isDynamic(extent) ? kL2Share : extent;
  return bytes;
}

void ContractEmitter::pass(Value tap, Value taps, Value offset, Value length,
                           Value first, Value last) {
  if (!c.leftInPlace)
    copyLeft(tap, taps, offset, length);
  if (!c.rightPacked)
    copyRight(tap, taps, offset, length);
  Value table = part(scratch.table), results = part(scratch.result);
  ModuleOp module = targetModule(e);
  int64_t tableTaps = c.leftInPlace ? c.tapCount() : 1;
  int64_t micro = tile.rows * tile.columns();
  // k before this pass, within a panel.
  Value k = c.rightPacked
                ? e.add(e.mul(tap, productOf(e, extentsOf(c.run))), offset)
                : e.cst(0);
  Value micros = e.mul(groups, micro);
  e.loop(panel0, panelEnd, tile.panels, [&](Value p) {
    Value right = e.address(panelAddress(p), f32, e.mul(k, kPanelColumns));
    Value next = e.cst(0), here = e.cst(1);
    if (tile.panels > 1)
      here = e.min(e.cst(tile.panels), e.sub(panelEnd, p));
    if (tile.panels > 1 || c.rightPacked) {
      if (c.rightPacked) {
        unsigned number =
            cast<BlockArgument>(c.root.getInputs()[c.right]).getArgNumber();
        for (auto [expr, stride] :
             llvm::zip_equal(c.map(c.right).getResults(), e.argStrides(number)))
          if (auto binary = dyn_cast<AffineBinaryOpExpr>(expr))
            if (binary.getKind() == AffineExprKind::FloorDiv)
              next = stride;
      } else {
        next = e.cst(std::min(s.tp, c.tapCount()) * s.kc * kPanelColumns);
      }
    }
    Value column = e.mul(e.floorDiv(e.sub(p, panel0), tile.panels), micros);
    MicroCall call;
    call.rows = rowCount;
    call.table = table;
    if (c.leftInPlace)
      call.table = e.address(table, e.b.getI64Type(), e.mul(tap, tile.rows));
    call.tableTaps = e.cst(tableTaps);
    call.leftOffset = c.leftInPlace ? offset : e.cst(0);
    call.taps = c.leftInPlace ? taps : e.cst(1);
    call.length = c.leftInPlace ? length : e.mul(taps, length);
    call.right = right;
    call.rightNext = next;
    // The first group of rows that meets a panel would wait for it to come
    // from L3 or memory: each group before asks for a share of its lines.
    // Weights that fit L2 are there anyway.
    bool prefetches = c.rightPacked && rightBytes() > kL2Share;
    call.ahead =
        prefetches ? e.address(right, f32, e.mul(next, tile.panels)) : right;
    call.aheadLines =
        prefetches ? e.ceilDiv(e.mul(taps, length), groups) : e.cst(0);
    call.result =
        scratch.singlePass ? results : e.address(results, f32, column);
    call.stride = e.cst(tile.columns());
    call.accumulate =
        arith::XOrIOp::create(e.b, e.loc, first, e.cstInt(e.b.getI1Type(), 1));
    if (tile.panels == 1)
      emitMicroKernel(e.b, e.loc, module, tile, 1, call);
    else
      e.ifThen(
          e.less(e.cst(1), here),
          [&] { emitMicroKernel(e.b, e.loc, module, tile, 2, call); },
          [&] { emitMicroKernel(e.b, e.loc, module, tile, 1, call); });
    auto finish = [&] { epilogue(call.result, p, here); };
    if (scratch.singlePass)
      finish();
    else
      e.ifThen(last, finish);
  });
}

void ContractEmitter::epilogue(Value accumulators, Value firstPanel,
                               Value panels) {
  auto fixed = Emitter::constantOf(columns);
  AffineMap out = c.root.getMatchingIndexingMap(c.root.getDpsInitOperand(0));
  Value result = c.root.getResult(0);
  for (unsigned loop : c.taps)
    dims[loop] = Index();
  for (unsigned loop : c.run)
    dims[loop] = Index();
  e.loop(e.cst(0), panels, 1, [&](Value q) {
    Value panel = e.add(firstPanel, q);
    Value firstColumn = e.mul(panel, kPanelColumns);
    auto rowsOf = [&](int64_t whole, bool masked) {
      e.loop(e.cst(0), rowCount, 1, [&](Value r) {
        loadRowIndices(r);
        Value at =
            e.address(accumulators, f32,
                      e.add(e.mul(r, tile.columns()), e.mul(q, kPanelColumns)));
        auto store = [&](int64_t v, unsigned width, Value count) {
          Emitter::LaneScope lanes(e, width, count);
          Value column = e.add(firstColumn, v);
          if (c.column >= 0)
            dims[c.column] = Index(column, 0, width > 1 ? 1 : 0);
          SmallVector<Index> here = e.map(out, dims);
          Value value = e.load(f32, e.address(at, f32, Value(), v),
                               width > 1 ? width : 0);
          e.bind(result, [&, value](ArrayRef<Index> indices) {
            if (c.zeroInit)
              return value;
            Value init =
                e.broadcast(e.element(c.root.getDpsInits()[0], indices), width);
            return arith::AddFOp::create(e.b, e.loc, value, init).getResult();
          });
          Values values;
          for (unsigned i = 0; i < c.resultMaps.size(); ++i)
            values.push_back(
                e.element(e.yielded(i), e.map(c.resultMaps[i], here)));
          for (unsigned i = 0; i < c.resultMaps.size(); ++i)
            e.store(i, e.map(c.resultMaps[i], here), values[i]);
          e.bind(result, nullptr);
        };
        if (c.column < 0) {
          store(0, 1, Value());
          return;
        }
        unsigned width = tile.lanes;
        for (int64_t v = 0; v < kPanelColumns; v += width) {
          if (v + int64_t(width) <= whole) {
            store(v, width, Value());
          } else if (masked) {
            Value left = e.sub(columns, e.add(firstColumn, v));
            auto body = [&] { store(v, width, e.min(left, e.cst(width))); };
            if (fixed)
              body();
            else
              e.ifThen(e.less(e.cst(0), left), body);
            if (fixed && *fixed % kPanelColumns <= v + int64_t(width))
              break;
          }
        }
      });
    };
    if (fixed && *fixed % kPanelColumns == 0) {
      rowsOf(kPanelColumns, false);
      return;
    }
    Value full =
        arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::sle,
                              e.add(firstColumn, kPanelColumns), columns);
    int64_t rest = fixed ? *fixed % kPanelColumns : 0;
    auto tail = [&] {
      rowsOf(rest / tile.lanes * tile.lanes, rest % tile.lanes != 0 || !fixed);
    };
    if (fixed && *fixed < kPanelColumns)
      tail();
    else
      e.ifThen(full, [&] { rowsOf(kPanelColumns, false); }, tail);
  });
}

void ContractEmitter::emit() {
  extents = loopExtents(e, c.root);
  dims.resize(extents.size());
  decodeTile();
  fillRowIndices();
  if (c.leftInPlace)
    pointToRows();
  else
    pointToCopies();
  Value run = productOf(e, extentsOf(c.run)), taps = e.cst(c.tapCount());
  Value yes = e.cstInt(e.b.getI1Type(), 1);
  if (scratch.singlePass) {
    pass(e.cst(0), taps, e.cst(0), run, yes, yes);
    return;
  }
  e.loop(e.cst(0), taps, s.tp, [&](Value tap) {
    Value here = e.min(e.cst(s.tp), e.sub(taps, tap));
    e.loop(e.cst(0), run, s.kc, [&](Value offset) {
      Value length = e.min(e.cst(s.kc), e.sub(run, offset));
      auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
        return arith::CmpIOp::create(e.b, e.loc, predicate, x, y).getResult();
      };
      Value first =
          compare(arith::CmpIPredicate::eq, e.add(tap, offset), e.cst(0));
      Value lastTap =
          compare(arith::CmpIPredicate::sge, e.add(tap, here), taps);
      Value lastRun =
          compare(arith::CmpIPredicate::sge, e.add(offset, length), run);
      Value last = arith::AndIOp::create(e.b, e.loc, lastTap, lastRun);
      pass(tap, here, offset, length, first, last);
    });
  });
}

} // namespace

void emitContract(Emitter &e) {
  std::optional<HostContraction> c = kernel::readHostContraction(e.kernel);
  std::optional<HostContractionSchedule> s =
      HostContractionSchedule::get(e.kernel);
  if (!c || !s) {
    emitPlainRoot(e);
    return;
  }
  ContractEmitter(e, *c, *s).emit();
}

void emitConv(Emitter &e) { emitContract(e); }

} // namespace actnet::host
