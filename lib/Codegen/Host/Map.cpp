//===- Map.cpp - elementwise kernels --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where an operand is contiguous along another dim than the results, blocks
// of both dims are read along the one, transposed in registers, and written
// along the other.
//
//===----------------------------------------------------------------------===//

#include "Nest.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::host;

namespace {

/// Operands of one block: rows made by transposing, found by where they are.
class Blocks {
public:
  Blocks(Emitter &e, unsigned width) : e(e), width(width) {}

  /// In the block whose row dim starts at `start`, emission is at row `row`.
  Value start;
  unsigned row = 0;
  bool active = false;
  /// Where the block's rows are emitted. What a condition guards is not.
  Block *home = nullptr;
  void forget() { made.clear(); }

  Value element(BlockArgument argument, ArrayRef<Index> at);

private:
  struct Made {
    Value tensor;
    SmallVector<Index> at;
    Values rows;
  };
  Emitter &e;
  unsigned width;
  SmallVector<Made> made;
};

} // namespace

Value Blocks::element(BlockArgument argument, ArrayRef<Index> at) {
  unsigned number = argument.getArgNumber();
  ArrayRef<Value> strides = e.argStrides(number);
  int along = -1, across = -1;
  // Under the mask of a pad, or in its branch, lanes mean the row's elements.
  bool simple = active && !e.mask() && e.b.getInsertionBlock() == home;
  for (auto [d, index] : llvm::enumerate(at)) {
    if (index.vec)
      simple = false;
    else if (index.lane)
      simple &= std::exchange(across, d) < 0;
    else if (index.base == start)
      simple &= std::exchange(along, d) < 0;
  }
  simple = simple && along >= 0 && across >= 0 &&
           Emitter::constantOf(strides[along]) == 1 &&
           Emitter::constantOf(strides[across]) != 1;
  if (!simple)
    return e.definition(argument, at);
  SmallVector<Index> origin(at);
  origin[along].offset -= row;
  for (const Made &block : made)
    if (block.tensor == argument && block.at == origin)
      return block.rows[row];
  Values rows;
  for (unsigned l = 0; l < width; ++l) {
    SmallVector<Index> where(origin);
    where[across].offset += static_cast<int64_t>(l) * where[across].lane;
    where[across].lane = 0;
    where[along].lane = 1;
    rows.push_back(e.definition(argument, where));
  }
  made.push_back({argument, origin, transpose(e, rows)});
  return made.back().rows[row];
}

/// The nest with blocks of the last two groups.
static void emitBlocks(Emitter &e, const kernel::HostNest &nest,
                       ArrayRef<graph::DimExprAttr> dims, unsigned width) {
  Blocks blocks(e, width);
  for (unsigned i = 0; i < e.kernel.getNumOperandTensors(); ++i) {
    BlockArgument argument = e.kernel.getBody().getArgument(i);
    Type element = getElementTypeOrSelf(argument.getType());
    if (!element.isIndex() && element.getIntOrFloatBitWidth() == 32)
      e.bind(argument, [&blocks, argument](ArrayRef<Index> at) {
        return blocks.element(argument, at);
      });
  }
  auto extentOf = [&](ArrayRef<int64_t> group) {
    SmallVector<graph::DimExprAttr> parts;
    for (int64_t d : group)
      parts.push_back(dims[d]);
    return e.dim(graph::dimProduct(e.b.getContext(), parts));
  };
  rowLoop(e, nest, dims, [&](SmallVector<Index> at) {
    const auto &rowGroup = nest.groups[nest.groups.size() - 2],
               &laneGroup = nest.groups.back();
    Value rows = extentOf(rowGroup), size = extentOf(laneGroup), lo = e.cst(0),
          hi = size;
    if (nest.chunk) {
      Value chunks = e.ceilDiv(size, e.cst(nest.chunk));
      lo = e.mul(nest.outer ? e.mod(e.tile, chunks) : e.tile, nest.chunk);
      hi = e.min(size, e.add(lo, nest.chunk));
    }
    int64_t rowDim = rowGroup.back(), laneDim = laneGroup.back();
    auto some = [&](Value first, unsigned count) {
      vectorLoop(e, lo, hi, width, 1, {}, [&](Value i, unsigned, ValueRange) {
        at[laneDim] = Index(i, 0, e.lanes() > 1 ? 1 : 0);
        blocks.start = first;
        blocks.home = e.b.getInsertionBlock();
        blocks.active = count == width && e.lanes() == width && !e.mask();
        for (unsigned r = 0; r < count; ++r) {
          at[rowDim] = Index(first, r);
          blocks.row = r;
          e.storeResults(at);
        }
        blocks.forget();
        blocks.active = false;
        return Values();
      });
    };
    Value whole = e.mul(e.floorDiv(rows, width), width);
    e.loop(e.cst(0), whole, width, [&](Value r) { some(r, width); });
    e.loop(whole, rows, 1, [&](Value r) { some(r, 1); });
  });
}

void actnet::host::emitMap(Emitter &e) {
  auto nest = kernel::HostNest::get(e.kernel);
  if (!nest) {
    e.fail(e.kernel, "has no schedule of family map", e.b.getI64Type());
    return;
  }
  SmallVector<graph::DimExprAttr> dims = e.kernel.getResultDims(0);
  unsigned width = lanesFor(e.kernel, e.variant);
  if (nest->transpose >= 0 &&
      nest->transpose + 2 == static_cast<int64_t>(nest->groups.size()) &&
      nest->outer == nest->transpose)
    return emitBlocks(e, *nest, dims, width);
  nestLoop(e, *nest, dims, width, 1, [&](ArrayRef<SmallVector<Index>> at) {
    for (const SmallVector<Index> &point : at)
      e.storeResults(point);
  });
}
