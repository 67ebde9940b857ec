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

#include "ContractEmitter.h"

using namespace mlir;
using actnet::kernel::HostContraction;
using actnet::kernel::HostContractionSchedule;

namespace actnet::host {

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
    bool prefetches = rightIsLarge();
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
