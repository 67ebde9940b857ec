//===- Scatter.cpp - writes at indices ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile owns a box of the result. It copies data there, unless the result
// lies over data, then walks the updates in their order. With one index a row
// of updates, whole rows are combined along lanes; with an index an element,
// one element after the other. An index outside the box is not followed, so
// nothing outside the operands is ever touched.
//
//===----------------------------------------------------------------------===//

#include "Nest.h"

#include "actnet/Dialect/Kernel/Transforms/HostScatter.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::host;

namespace {

/// Emits one kernel.
class ScatterEmitter {
public:
  ScatterEmitter(Emitter &e, kernel::ScatterOp op, kernel::HostScatter tile)
      : e(e), op(op), box(tile),
        element(getElementTypeOrSelf(op.getData().getType())) {}

  void run();

private:
  /// Part `number` of `size` elements of a dim; all where size is 0.
  std::pair<Value, Value> part(Value number, int64_t size, Value extent) {
    if (size == 0)
      return {e.cst(0), extent};
    Value lo = e.mul(number, size);
    return {lo, e.min(extent, e.add(lo, size))};
  }
  Value parts(int64_t size, Value extent) {
    return size ? e.ceilDiv(extent, e.cst(size)) : e.cst(1);
  }
  Value pointer(Value operand) {
    return e.argPointer(cast<BlockArgument>(operand).getArgNumber());
  }
  /// Copies elements [lo, hi), counted through the tensor, as they lie.
  void copyRun(Value lo, Value hi);
  void copyBox();
  /// The row that the index at this place means, where it is one of the box's:
  /// calls `use` with it.
  void atRow(Value place, llvm::function_ref<void(Value)> use);
  /// Elements [lo, hi) of a row of updates into those of a row of the result.
  void combineRow(Value to, Value from, Value lo, Value hi);
  void combine(Value to, Value from);

  Emitter &e;
  kernel::ScatterOp op;
  kernel::HostScatter box;
  Type element;
  Value rows, columns, count;
  std::pair<Value, Value> outer, row, column;
};

} // namespace

void ScatterEmitter::copyRun(Value lo, Value hi) {
  // As integers: no bit changes on the way.
  Type bits =
      e.b.getIntegerType(Emitter::memoryType(element).getIntOrFloatBitWidth());
  vectorLoop(e, lo, hi, lanesFor(e.kernel, e.variant), 1, {},
             [&](Value i, unsigned, ValueRange) {
               Value value =
                   e.load(bits, e.address(pointer(op.getData()), bits, i),
                          e.lanes() > 1 ? e.lanes() : 0, e.mask());
               e.storeRaw(bits, value, e.address(e.resultPointer(0), bits, i),
                          e.mask());
               return Values();
             });
}

void ScatterEmitter::copyBox() {
  Value matrix = e.mul(rows, columns);
  if (!box.rows && !box.columns)
    return copyRun(e.mul(outer.first, matrix), e.mul(outer.second, matrix));
  e.loop(outer.first, outer.second, 1, [&](Value o) {
    Value base = e.mul(o, matrix);
    if (!box.columns)
      return copyRun(e.add(base, e.mul(row.first, columns)),
                     e.add(base, e.mul(row.second, columns)));
    e.loop(row.first, row.second, 1, [&](Value r) {
      Value start = e.add(base, e.mul(r, columns));
      copyRun(e.add(start, column.first), e.add(start, column.second));
    });
  });
}

void ScatterEmitter::atRow(Value place, llvm::function_ref<void(Value)> use) {
  Type type = getElementTypeOrSelf(op.getIndices().getType());
  Value index = e.load(type, e.address(pointer(op.getIndices()), type, place));
  if (!type.isInteger(64))
    index = arith::ExtSIOp::create(e.b, e.loc, e.b.getI64Type(), index);
  index = arith::SelectOp::create(e.b, e.loc, e.less(index, e.cst(0)),
                                  e.add(index, rows), index);
  // One unsigned comparison says both: not before the box, not behind it.
  Value inside = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult,
                                       e.sub(index, row.first),
                                       e.sub(row.second, row.first));
  e.ifThen(inside, [&] { use(index); });
}

void ScatterEmitter::combine(Value to, Value from) {
  unsigned width = e.lanes() > 1 ? e.lanes() : 0;
  Block &block = op.getCombiner().front();
  Value place = e.address(e.resultPointer(0), element, to), old;
  if (!block.getArgument(0).use_empty())
    old = e.load(element, place, width, e.mask());
  Value update =
      e.load(element, e.address(pointer(op.getUpdates()), element, from), width,
             e.mask());
  Value value = e.body(block, {old, update})[0];
  e.storeRaw(element, e.round(element, value), place, e.mask());
}

void ScatterEmitter::combineRow(Value to, Value from, Value lo, Value hi) {
  vectorLoop(e, lo, hi, lanesFor(e.kernel, e.variant), 1, {},
             [&](Value i, unsigned, ValueRange) {
               combine(e.add(to, i), e.add(from, i));
               return Values();
             });
}

void ScatterEmitter::run() {
  Value outers = e.extentValue(op.getData(), 0);
  rows = e.extentValue(op.getData(), 1);
  columns = e.extentValue(op.getData(), 2);
  count = e.extentValue(op.getUpdates(), 1);
  Value rowParts = parts(box.rows, rows),
        columnParts = parts(box.columns, columns);
  Value rest = e.floorDiv(e.tile, columnParts);
  outer = part(e.floorDiv(rest, rowParts), box.outer, outers);
  row = part(e.mod(rest, rowParts), box.rows, rows);
  column = part(e.mod(e.tile, columnParts), box.columns, columns);

  if (e.kernel.getInplace().value_or(ArrayRef<int64_t>()).empty()) {
    copyBox();
  } else {
    auto number = [&](Value address) {
      return LLVM::PtrToIntOp::create(e.b, e.loc, e.b.getI64Type(), address)
          .getResult();
    };
    Value elsewhere = arith::CmpIOp::create(
        e.b, e.loc, arith::CmpIPredicate::ne, number(pointer(op.getData())),
        number(e.resultPointer(0)));
    e.ifThen(elsewhere, [&] { copyBox(); });
  }

  bool isRows =
      cast<RankedTensorType>(op.getIndices().getType()).getRank() == 1;
  e.loop(outer.first, outer.second, 1, [&](Value o) {
    Value to = e.mul(o, rows), from = e.mul(o, count);
    e.loop(e.cst(0), count, 1, [&](Value u) {
      Value fromRow = e.mul(e.add(from, u), columns);
      if (isRows)
        return atRow(u, [&](Value r) {
          combineRow(e.mul(e.add(to, r), columns), fromRow, column.first,
                     column.second);
        });
      e.loop(column.first, column.second, 1, [&](Value i) {
        Emitter::LaneScope lanes(e, 1);
        Value place = e.add(fromRow, i);
        atRow(place, [&](Value r) {
          combine(e.add(e.mul(e.add(to, r), columns), i), place);
        });
      });
    });
  });
}

void actnet::host::emitScatter(Emitter &e) {
  std::optional<kernel::HostScatter> tile = kernel::HostScatter::get(e.kernel);
  if (!tile) {
    e.fail(e.kernel, "has no schedule of family scatter", e.b.getI64Type());
    return;
  }
  ScatterEmitter(e, cast<kernel::ScatterOp>(e.kernel.getBody().front().front()),
                 *tile)
      .run();
}
