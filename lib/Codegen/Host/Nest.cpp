//===- Nest.cpp - the loops of the simple families ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Nest.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::host;

bool actnet::host::masksTails(kernel::FuncOp kernel,
                              const HostVariant &variant) {
  if (variant.vectorBits >= 512)
    return true;
  auto wide = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return !tensor || tensor.getElementType().isIndex() ||
           tensor.getElementTypeBitWidth() >= 32;
  };
  return llvm::all_of(kernel.getArgumentTypes(), wide) &&
         llvm::all_of(kernel.getResultTypes(), wide);
}

unsigned actnet::host::lanesFor(kernel::FuncOp kernel,
                                const HostVariant &variant) {
  // One register of f32; f64 and i64 take two.
  return variant.lanesF32();
}

Values actnet::host::vectorLoop(
    Emitter &e, Value lo, Value hi, unsigned width, unsigned unroll,
    ValueRange carried,
    function_ref<Values(Value, unsigned, ValueRange)> body) {
  Values values(carried.begin(), carried.end());
  if (width == 1) {
    Emitter::LaneScope lanes(e, 1);
    return e.loop(lo, hi, 1, values,
                  [&](Value i, ValueRange in) { return body(i, 1, in); });
  }
  auto constantLo = Emitter::constantOf(lo),
       constantHi = Emitter::constantOf(hi);
  Value done = lo;
  auto run = [&](unsigned times) {
    int64_t step = static_cast<int64_t>(width) * times;
    // end = done + floor((hi - done) / step) * step
    Value rest = e.sub(hi, done);
    Value whole = e.mul(e.floorDiv(rest, step), step);
    Value end = e.add(done, whole);
    Emitter::LaneScope lanes(e, width);
    values = e.loop(done, end, step, values,
                    [&](Value i, ValueRange in) { return body(i, times, in); });
    done = end;
  };
  if (unroll > 1 &&
      !(constantLo && constantHi && *constantHi - *constantLo < width * unroll))
    run(unroll);
  run(1);
  Value rest = e.sub(hi, done);
  auto constantRest = Emitter::constantOf(rest);
  if (!constantRest && constantLo && constantHi)
    constantRest = (*constantHi - *constantLo) % width;
  if (constantRest == 0)
    return values;
  bool masks = masksTails(e.kernel, e.variant);
  if (!masks || constantRest == 1) {
    Emitter::LaneScope lanes(e, 1);
    return e.loop(done, hi, 1, values,
                  [&](Value i, ValueRange in) { return body(i, 1, in); });
  }
  auto tail = [&]() -> Values {
    Emitter::LaneScope lanes(e, width, rest);
    return body(done, 1, values);
  };
  if (constantRest)
    return tail();
  Value some = e.less(e.cst(0), rest);
  if (values.empty()) {
    e.ifThen(some, [&] { tail(); });
    return values;
  }
  return e.select(some, ValueRange(values).getTypes(), tail,
                  [&] { return values; });
}

/// Extent of a group: the product of its dims.
static Value groupSize(Emitter &e, ArrayRef<int64_t> group,
                       ArrayRef<graph::DimExprAttr> dims) {
  SmallVector<graph::DimExprAttr> parts;
  for (int64_t d : group)
    parts.push_back(dims[d]);
  return e.dim(graph::dimProduct(e.b.getContext(), parts));
}

void actnet::host::rowLoop(Emitter &e, const kernel::HostNest &nest,
                           ArrayRef<graph::DimExprAttr> dims,
                           function_ref<void(SmallVector<Index>)> row) {
  SmallVector<Index> at(dims.size());
  if (nest.outer == 0)
    return row(at);
  Values sizes;
  Value count = e.cst(1);
  for (int64_t g = 0; g < nest.outer; ++g) {
    sizes.push_back(groupSize(e, nest.groups[g], dims));
    count = e.mul(count, sizes.back());
  }
  Value tile = e.tile;
  if (nest.chunk)
    tile = e.floorDiv(tile, e.ceilDiv(groupSize(e, nest.groups.back(), dims),
                                      e.cst(nest.chunk)));
  Value first = e.mul(tile, nest.rows);
  Value last =
      nest.rows == 1 ? e.add(first, 1) : e.min(count, e.add(first, nest.rows));
  auto one = [&](Value r) {
    // A group's index stands at its last dim; the others are 0.
    Value rest = r;
    for (int64_t g = nest.outer; g-- > 0;) {
      Value index = g ? e.mod(rest, sizes[g]) : rest;
      if (g)
        rest = e.floorDiv(rest, sizes[g]);
      at[nest.groups[g].back()] = Index(index);
    }
    row(at);
  };
  if (nest.rows == 1)
    return one(first);
  e.loop(first, last, 1, one);
}

void actnet::host::nestLoop(Emitter &e, const kernel::HostNest &nest,
                            ArrayRef<graph::DimExprAttr> dims, unsigned width,
                            unsigned unroll, PointFn point) {
  rowLoop(e, nest, dims, [&](SmallVector<Index> at) {
    int64_t count = nest.groups.size();
    if (nest.outer == count) {
      // Every group is a row: one element.
      Emitter::LaneScope lanes(e, 1);
      return point({at});
    }
    std::function<void(int64_t)> middle = [&](int64_t g) {
      Value size = groupSize(e, nest.groups[g], dims);
      int64_t carrier = nest.groups[g].back();
      if (g + 1 < count) {
        e.loop(e.cst(0), size, 1, [&](Value i) {
          at[carrier] = Index(i);
          middle(g + 1);
        });
        return;
      }
      Value lo = e.cst(0), hi = size;
      if (nest.chunk) {
        Value chunks = e.ceilDiv(size, e.cst(nest.chunk));
        Value number = nest.outer ? e.mod(e.tile, chunks) : e.tile;
        lo = e.mul(number, nest.chunk);
        hi = e.min(size, e.add(lo, nest.chunk));
      }
      vectorLoop(e, lo, hi, width, unroll, {},
                 [&](Value i, unsigned times, ValueRange) {
                   SmallVector<SmallVector<Index>> points;
                   for (unsigned u = 0; u < times; ++u) {
                     at[carrier] = Index(i, u * width, e.lanes() > 1 ? 1 : 0);
                     points.push_back(at);
                   }
                   point(points);
                   return Values();
                 });
    };
    middle(nest.outer);
  });
}
