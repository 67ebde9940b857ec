//===- Attention.cpp - attention without the matrix of scores -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dao et al., "FlashAttention" (2022), for one thread: keys and values pass by
// in blocks; per query row a running maximum, a running sum and an output
// that is rescaled when the maximum grows. Both products go through the
// micro-kernel: scores = scaled q times packed keys, output += scores times
// packed values.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"
#include "MicroKernel.h"

#include "actnet/Dialect/Kernel/Transforms/HostAttention.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cfloat>
#include <cmath>

using namespace mlir;
using actnet::kernel::HostAttention;
using actnet::kernel::HostAttentionSchedule;
using actnet::kernel::HostAttentionScratch;

namespace actnet::host {
namespace {

enum Dim { B, H, S, T, D, E };

class AttentionEmitter {
public:
  AttentionEmitter(Emitter &e, const HostAttention &a,
                   const HostAttentionSchedule &s)
      : e(e), a(a), s(s), tile(microTile(e.variant.lanesF32())),
        scratch(a, s, tile.rows), f32(e.b.getF32Type()), lanes(tile.lanes) {}
  void emit();

private:
  Value part(int64_t offset) {
    return e.address(e.scratch, e.b.getIntegerType(8), Value(), offset);
  }
  Value extent(Dim d) {
    auto [operand, dim] = a.place[d];
    return operand < 0 ? e.cst(1)
                       : e.extentValue(a.op->getOperand(operand), dim);
  }
  /// Element of an operand at `dims`, as a vector of `lanes`.
  Value elementOf(unsigned operand) {
    return e.broadcast(
        e.element(a.op->getOperand(operand), e.map(a.map(operand), dims)),
        lanes);
  }
  Value combine(Value vector, bool maximum);
  Value exponential(Value x) { return emitMath(e, "math.exp", ValueRange(x)); }
  Value maximum(Value x, Value y) {
    return arith::MaximumFOp::create(e.b, e.loc, x, y);
  }

  void copyQueries();
  void packKeys(Value t0, Value count);
  void packValues(Value t0, Value count);
  void panels(MicroCall call, Value count, Value rightNext);
  void group(Value g, Value t0, Value count, Value first);
  void softmaxRow(Value row, Value scores, Value t0, Value count, Value first);
  void finish();

  Emitter &e;
  const HostAttention &a;
  const HostAttentionSchedule &s;
  MicroTile tile;
  HostAttentionScratch scratch;
  Type f32;
  int64_t lanes;
  SmallVector<Index> dims{6, Index()};
  Value s0, rows, sExtent, tExtent;
};

/// The maximum or the sum of all lanes, in a fixed order.
Value AttentionEmitter::combine(Value vector, bool isMaximum) {
  for (int64_t half = lanes / 2; half >= 1; half /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < half; ++i) {
      low.push_back(i);
      high.push_back(i + half);
    }
    Value x = e.shuffle(vector, vector, low),
          y = e.shuffle(vector, vector, high);
    vector = isMaximum ? maximum(x, y)
                       : arith::AddFOp::create(e.b, e.loc, x, y).getResult();
  }
  return e.extractLane(vector, 0);
}

void AttentionEmitter::copyQueries() {
  Value to = part(scratch.q), table = part(scratch.qTable);
  double scale = a.op.getScale().convertToDouble();
  int64_t d = a.extents[D];
  e.loop(e.cst(0), rows, 1, [&](Value r) {
    dims[S] = Index(e.add(s0, r));
    Value row = e.address(to, f32, e.mul(r, scratch.qStride));
    auto copy = [&](Value at, Value count) {
      Emitter::LaneScope scope(e, lanes, count);
      dims[D] = Index(at, 0, 1);
      Value q = elementOf(0);
      q = arith::MulFOp::create(e.b, e.loc, q, e.cstFloat(q.getType(), scale));
      e.storeRaw(f32, q, e.address(row, f32, at));
    };
    e.loop(e.cst(0), e.cst(d / lanes * lanes), lanes,
           [&](Value at) { copy(at, Value()); });
    if (d % lanes) {
      Emitter::BlockScope scope(e);
      copy(e.cst(d / lanes * lanes), e.cst(d % lanes));
    }
  });
  dims[D] = Index();
  // Rows past the end repeat the last one: computed, never stored.
  Value all = e.mul(e.ceilDiv(rows, e.cst(tile.rows)), tile.rows);
  e.loop(e.cst(0), all, 1, [&](Value r) {
    Value row = e.min(r, e.sub(rows, e.cst(1)));
    LLVM::StoreOp::create(e.b, e.loc,
                          e.address(to, f32, e.mul(row, scratch.qStride)),
                          e.address(table, e.b.getI64Type(), r));
  });
  Value scores = part(scratch.scores), scoreTable = part(scratch.sTable);
  for (int64_t r = 0; r < tile.rows; ++r)
    LLVM::StoreOp::create(e.b, e.loc,
                          e.address(scores, f32, Value(), r * scratch.sStride),
                          e.address(scoreTable, e.b.getI64Type(), Value(), r));
}

/// keys[t / 16][d][t % 16]; keys past the end repeat the last one.
void AttentionEmitter::packKeys(Value t0, Value count) {
  Value to = part(scratch.keys);
  int64_t d = a.extents[D];
  Value last = e.sub(tExtent, e.cst(1));
  Value all = e.mul(e.ceilDiv(count, e.cst(kPanelColumns)), kPanelColumns);
  e.loop(e.cst(0), all, lanes, [&](Value t) {
    Value panel = e.floorDiv(t, kPanelColumns);
    Value base = e.address(
        to, f32,
        e.add(e.mul(panel, d * kPanelColumns), e.mod(t, kPanelColumns)));
    auto block = [&](Value at, int64_t size) {
      Values loaded;
      {
        Emitter::LaneScope scope(e, lanes,
                                 size < lanes ? e.cst(size) : Value());
        dims[D] = Index(at, 0, 1);
        for (int64_t i = 0; i < lanes; ++i) {
          dims[T] = Index(e.min(e.add(e.add(t0, t), i), last));
          loaded.push_back(elementOf(1));
        }
      }
      Values columns = transpose(e, loaded);
      for (int64_t i = 0; i < size; ++i)
        e.storeRaw(
            f32, columns[i],
            e.address(base, f32, e.mul(at, kPanelColumns), i * kPanelColumns));
    };
    e.loop(e.cst(0), e.cst(d / lanes * lanes), lanes,
           [&](Value at) { block(at, lanes); });
    if (d % lanes) {
      Emitter::BlockScope scope(e);
      block(e.cst(d / lanes * lanes), d % lanes);
    }
  });
  dims[D] = Index();
}

/// values[e / 16][t][e % 16], zeros past the last e.
void AttentionEmitter::packValues(Value t0, Value count) {
  Value to = part(scratch.values);
  int64_t width = a.extents[E];
  e.loop(e.cst(0), count, 1, [&](Value t) {
    dims[T] = Index(e.add(t0, t));
    auto copy = [&](Value at, Value left) {
      Emitter::LaneScope scope(e, lanes, left);
      dims[E] = Index(at, 0, 1);
      Value v = elementOf(2);
      if (left)
        v = arith::SelectOp::create(e.b, e.loc, e.mask(), v,
                                    e.zero(v.getType()));
      Value panel = e.floorDiv(at, kPanelColumns);
      Value base =
          e.add(e.mul(panel, s.tb * kPanelColumns), e.mod(at, kPanelColumns));
      e.storeRaw(f32, v,
                 e.address(to, f32, e.add(base, e.mul(t, kPanelColumns))));
    };
    int64_t whole = width / lanes * lanes;
    e.loop(e.cst(0), e.cst(whole), lanes, [&](Value at) { copy(at, Value()); });
    Emitter::BlockScope scope(e);
    if (width % lanes)
      copy(e.cst(whole), e.cst(width % lanes));
    for (int64_t at = llvm::alignTo(width, lanes);
         at < int64_t(llvm::alignTo(width, 16)); at += lanes)
      e.storeRaw(f32, e.zero(e.vec(f32, lanes)),
                 e.address(to, f32, e.mul(t, kPanelColumns),
                           at / kPanelColumns * s.tb * kPanelColumns +
                               at % kPanelColumns));
  });
  dims[E] = Index();
}

/// The call for `count` panels side by side.
void AttentionEmitter::panels(MicroCall call, Value count, Value rightNext) {
  ModuleOp module = targetModule(e);
  Value right = call.right, result = call.result;
  call.rightNext = rightNext;
  e.loop(e.cst(0), count, tile.panels, [&](Value p) {
    call.right = e.address(right, f32, e.mul(p, rightNext));
    call.result = e.address(result, f32, e.mul(p, kPanelColumns));
    if (tile.panels == 1) {
      emitMicroKernel(e.b, e.loc, module, tile, 1, call);
      return;
    }
    e.ifThen(
        e.less(e.add(p, 1), count),
        [&] { emitMicroKernel(e.b, e.loc, module, tile, 2, call); },
        [&] { emitMicroKernel(e.b, e.loc, module, tile, 1, call); });
  });
}

/// One row of scores becomes probabilities (not yet divided by their sum);
/// the row's output is rescaled.
void AttentionEmitter::softmaxRow(Value row, Value scores, Value t0,
                                  Value count, Value first) {
  Value maxima = e.address(part(scratch.maxima), f32, row);
  Value sums = e.address(part(scratch.sums), f32, row);
  Value query = e.add(s0, row);
  dims[S] = Index(query);
  // Keys that this row sees in this block.
  Value limit = count;
  if (a.op.getCausal())
    limit = e.max(
        e.cst(0),
        e.min(count,
              e.sub(e.add(e.add(query, 1), e.sub(tExtent, sExtent)), t0)));
  VectorType type = e.vec(f32, lanes);
  Value lowest = e.cstFloat(type, -FLT_MAX),
        minusInfinity = e.cstFloat(type, -INFINITY);
  Value all = e.mul(e.ceilDiv(count, e.cst(lanes)), lanes);
  Value biggest = e.loop(
      e.cst(0), all, lanes, ValueRange(lowest), [&](Value t, ValueRange in) {
        Value left = e.sub(limit, t);
        Emitter::LaneScope scope(e, lanes,
                                 e.max(e.cst(0), e.min(left, e.cst(lanes))));
        Value at = e.address(scores, f32, t);
        Value x = e.load(f32, at, lanes);
        if (a.op.getMask()) {
          dims[T] = Index(e.add(t0, t), 0, 1);
          Value mask = elementOf(3);
          if (cast<VectorType>(mask.getType()).getElementType().isInteger(1))
            x = arith::SelectOp::create(e.b, e.loc, mask, x, minusInfinity);
          else
            x = arith::AddFOp::create(e.b, e.loc, x, mask);
        }
        x = arith::SelectOp::create(e.b, e.loc, e.mask(), x, minusInfinity);
        e.storeRaw(f32, x, at);
        return Values{maximum(in[0], x)};
      })[0];
  Value before = e.load(f32, maxima);
  before = arith::SelectOp::create(e.b, e.loc, first, e.cstFloat(f32, -FLT_MAX),
                                   before);
  Value now = maximum(before, combine(biggest, true));
  e.storeRaw(f32, now, maxima);
  Value nowAll = e.broadcast(now, lanes);
  Value total =
      e.loop(e.cst(0), all, lanes, ValueRange(e.zero(type)),
             [&](Value t, ValueRange in) {
               Emitter::LaneScope scope(e, lanes);
               Value at = e.address(scores, f32, t);
               Value x = e.load(f32, at, lanes);
               Value p =
                   exponential(arith::SubFOp::create(e.b, e.loc, x, nowAll));
               e.storeRaw(f32, p, at);
               return Values{arith::AddFOp::create(e.b, e.loc, in[0], p)};
             })[0];
  Value sum = combine(total, false);
  e.ifThen(
      first, [&] { e.storeRaw(f32, sum, sums); },
      [&] {
        Emitter::LaneScope scope(e, lanes);
        Value shift = arith::SubFOp::create(e.b, e.loc, before, now);
        Value factor = exponential(e.broadcast(shift, lanes));
        Value old = e.load(f32, sums);
        Value scaled =
            arith::MulFOp::create(e.b, e.loc, old, e.extractLane(factor, 0));
        e.storeRaw(f32, arith::AddFOp::create(e.b, e.loc, scaled, sum), sums);
        Value out =
            e.address(part(scratch.out), f32, e.mul(row, scratch.oStride));
        e.loop(e.cst(0), e.cst(llvm::alignTo(a.extents[E], 16)), lanes,
               [&](Value at) {
                 Value place = e.address(out, f32, at);
                 Value o = e.load(f32, place, lanes);
                 e.storeRaw(f32, arith::MulFOp::create(e.b, e.loc, o, factor),
                            place);
               });
      });
}

/// One register tile of query rows against one block of keys.
void AttentionEmitter::group(Value g, Value t0, Value count, Value first) {
  Value firstRow = e.mul(g, tile.rows);
  Value here = e.min(e.cst(tile.rows), e.sub(rows, firstRow));
  if (a.op.getCausal()) {
    // Keys after what the last row sees are left out.
    Value last = e.add(e.add(s0, firstRow), here);
    Value sees = e.sub(e.add(last, e.sub(tExtent, sExtent)), t0);
    count = e.min(count, sees);
    // A row that sees no key at all is the softmax of nothing: not a number.
    count = arith::SelectOp::create(e.b, e.loc, first, e.max(count, e.cst(1)),
                                    count);
  }
  auto body = [&] {
    Value no = e.cstInt(e.b.getI1Type(), 0);
    MicroCall call;
    call.rows = here;
    call.table = e.address(part(scratch.qTable), e.b.getI64Type(), firstRow);
    call.tableTaps = e.cst(1);
    call.leftOffset = e.cst(0);
    call.ahead = part(scratch.keys);
    call.aheadLines = e.cst(0);
    call.taps = e.cst(1);
    call.length = e.cst(a.extents[D]);
    call.right = part(scratch.keys);
    call.result = part(scratch.scores);
    call.stride = e.cst(scratch.sStride);
    call.accumulate = no;
    panels(call, e.ceilDiv(count, e.cst(kPanelColumns)),
           e.cst(a.extents[D] * kPanelColumns));
    e.loop(e.cst(0), here, 1, [&](Value r) {
      softmaxRow(
          e.add(firstRow, r),
          e.address(part(scratch.scores), f32, e.mul(r, scratch.sStride)), t0,
          count, first);
    });
    call.table = part(scratch.sTable);
    call.length = count;
    call.right = part(scratch.values);
    call.result =
        e.address(part(scratch.out), f32, e.mul(firstRow, scratch.oStride));
    call.stride = e.cst(scratch.oStride);
    call.accumulate =
        arith::XOrIOp::create(e.b, e.loc, first, e.cstInt(e.b.getI1Type(), 1));
    panels(call, e.cst(llvm::divideCeil(a.extents[E], kPanelColumns)),
           e.cst(s.tb * kPanelColumns));
  };
  if (a.op.getCausal())
    e.ifThen(e.less(e.cst(0), count), body);
  else
    body();
}

void AttentionEmitter::finish() {
  Value result = a.op.getResult();
  AffineMap out = a.map(a.op->getNumOperands() - 1);
  int64_t width = a.extents[E];
  e.loop(e.cst(0), rows, 1, [&](Value r) {
    dims[S] = Index(e.add(s0, r));
    Value sum = e.load(f32, e.address(part(scratch.sums), f32, r));
    Value inverse =
        arith::DivFOp::create(e.b, e.loc, e.cstFloat(f32, 1.0), sum);
    // Of no key, and of a softmax that is no number where guarded: 0. Its
    // output may be NaN itself, or was never written.
    Value isNumber = e.less(e.cst(0), tExtent);
    if (a.op.getGuarded())
      isNumber = arith::AndIOp::create(
          e.b, e.loc, isNumber,
          arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OGT, sum,
                                e.zero(f32)));
    Value row = e.address(part(scratch.out), f32, e.mul(r, scratch.oStride));
    auto store = [&](Value at, Value count) {
      Emitter::LaneScope scope(e, lanes, count);
      Value value = e.load(f32, e.address(row, f32, at), lanes);
      value =
          arith::MulFOp::create(e.b, e.loc, value, e.broadcast(inverse, lanes));
      value = arith::SelectOp::create(e.b, e.loc, isNumber, value,
                                      e.zero(value.getType()));
      dims[E] = Index(at, 0, 1);
      SmallVector<Index> here = e.map(out, dims);
      e.bind(result, [value](ArrayRef<Index>) { return value; });
      Values values;
      for (unsigned i = 0; i < a.resultMaps.size(); ++i)
        values.push_back(e.element(e.yielded(i), e.map(a.resultMaps[i], here)));
      for (unsigned i = 0; i < a.resultMaps.size(); ++i)
        e.store(i, e.map(a.resultMaps[i], here), values[i]);
      e.bind(result, nullptr);
    };
    int64_t whole = width / lanes * lanes;
    e.loop(e.cst(0), e.cst(whole), lanes,
           [&](Value at) { store(at, Value()); });
    if (width % lanes) {
      Emitter::BlockScope scope(e);
      store(e.cst(whole), e.cst(width % lanes));
    }
  });
}

void AttentionEmitter::emit() {
  sExtent = extent(S);
  tExtent = extent(T);
  Value blocks = e.ceilDiv(sExtent, e.cst(s.sb)), heads = extent(H);
  s0 = e.mul(e.mod(e.tile, blocks), s.sb);
  Value outer = e.floorDiv(e.tile, blocks);
  dims[B] = Index(e.floorDiv(outer, heads));
  dims[H] = Index(e.mod(outer, heads));
  rows = e.min(e.cst(s.sb), e.sub(sExtent, s0));
  copyQueries();
  Value groups = e.ceilDiv(rows, e.cst(tile.rows));
  Value end = tExtent;
  if (a.op.getCausal())
    end = e.min(
        end, e.max(e.cst(1), e.add(e.add(s0, rows), e.sub(tExtent, sExtent))));
  e.loop(e.cst(0), end, s.tb, [&](Value t0) {
    Value count = e.min(e.cst(s.tb), e.sub(end, t0));
    Value first = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq,
                                        t0, e.cst(0));
    packKeys(t0, count);
    packValues(t0, count);
    e.loop(e.cst(0), groups, 1, [&](Value g) { group(g, t0, count, first); });
  });
  finish();
}

} // namespace

void emitAttention(Emitter &e) {
  std::optional<HostAttention> a = kernel::readHostAttention(e.kernel);
  std::optional<HostAttentionSchedule> s = HostAttentionSchedule::get(e.kernel);
  if (!a || !s) {
    emitPlainAttention(e);
    return;
  }
  AttentionEmitter(e, *a, *s).emit();
}

} // namespace actnet::host
