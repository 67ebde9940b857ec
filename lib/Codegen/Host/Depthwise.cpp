//===- Depthwise.cpp - depthwise convolutions -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Vectors run over channels; several output pixels of a row share the loads
// of the filter and of the columns that they have in common. Rows outside the
// image are left out by the bounds of the loop over filter rows, once for all
// channels; output columns whose taps can leave the image are computed one by
// one with bounds of their own.
//
//===----------------------------------------------------------------------===//

#include "Contraction.h"
#include "MicroKernel.h"
#include "Nest.h"

#include "actnet/Dialect/Kernel/Transforms/HostContraction.h"
#include "actnet/Dialect/Kernel/Transforms/HostDepthwise.h"

using namespace mlir;
using actnet::kernel::HostDepthwise;

namespace actnet::host {
namespace {

class DepthwiseEmitter {
public:
  DepthwiseEmitter(Emitter &e, const HostDepthwise &d, int64_t rows)
      : e(e), d(d), rows(rows), f32(e.b.getF32Type()),
        lanes(e.variant.lanesF32()) {
    channels = d.extents[d.c];
    if (channels % (2 * lanes) == 0)
      vectors = 2, pixels = d.strideX == 1 ? 4 : 3;
    else
      vectors = 1, pixels = 6;
  }
  void emit();

private:
  Value imageAt(Value y, Value x, Index c);
  void row(Value y);
  void pixelGroup(Value y, Value x, int64_t count, bool border, Value lowA,
                  Value highA);
  void channelBlock(Value y, Value x, int64_t count, bool border, Value lowA,
                    Value highA, Value channel, int64_t vectorCount,
                    Value lanesLeft);

  Emitter &e;
  const HostDepthwise &d;
  int64_t rows;
  Type f32;
  int64_t lanes, channels, vectors, pixels;
  Values extents;
  Value image, height, width, n;
};

/// The image (in coordinates of the padded one) at a pixel that is inside.
Value DepthwiseEmitter::imageAt(Value y, Value x, Index c) {
  SmallVector<Index> at{Index(n), Index(y), Index(x), c};
  if (!d.inPlace)
    return e.broadcast(e.element(d.root.getInputs()[d.image], at), lanes);
  at[1] = Index(e.sub(y, e.cst(d.padY)));
  at[2] = Index(e.sub(x, e.cst(d.padX)));
  return e.element(image, at);
}

void DepthwiseEmitter::channelBlock(Value y, Value x, int64_t count,
                                    bool border, Value lowA, Value highA,
                                    Value channel, int64_t vectorCount,
                                    Value lanesLeft) {
  Emitter::LaneScope scope(e, lanes, lanesLeft);
  Value filter = d.root.getInputs()[d.filter];
  VectorType type = e.vec(f32, lanes);
  auto channelAt = [&](int64_t v) { return Index(channel, v * lanes, 1); };
  Value y0 = e.mul(y, d.strideY), x0 = e.mul(x, d.strideX);
  Values zero(count * vectorCount, e.zero(type));
  // One filter row: all its taps for all pixels of the group.
  auto filterRow = [&](Value a, Values acc) {
    Value yy = e.add(y0, e.mul(a, d.dilationY));
    auto tap = [&](Value b, Values acc) {
      for (int64_t v = 0; v < vectorCount; ++v) {
        Value w = e.broadcast(
            e.element(filter, {Index(a), Index(b), channelAt(v)}), lanes);
        for (int64_t p = 0; p < count; ++p) {
          Value xx = e.add(e.add(x0, p * d.strideX), e.mul(b, d.dilationX));
          Value in = e.broadcast(imageAt(yy, xx, channelAt(v)), lanes);
          acc[p * vectorCount + v] = e.fma(in, w, acc[p * vectorCount + v]);
        }
      }
      return acc;
    };
    if (!border) {
      for (int64_t b = 0; b < d.extents[d.b]; ++b)
        acc = tap(e.cst(b), acc);
      return acc;
    }
    // First and last tap inside: x0 + b * dilation in [padX, padX + width).
    Value low = e.ceilDiv(e.max(e.cst(0), e.sub(e.cst(d.padX), x0)),
                          e.cst(d.dilationX));
    Value left = e.max(e.cst(0), e.sub(e.add(width, d.padX), x0));
    Value high =
        e.min(e.cst(d.extents[d.b]), e.ceilDiv(left, e.cst(d.dilationX)));
    return e.loop(low, high, 1, acc, [&](Value b, ValueRange carried) {
      return tap(b, Values(carried.begin(), carried.end()));
    });
  };
  Values acc = e.loop(lowA, highA, 1, zero, [&](Value a, ValueRange carried) {
    return filterRow(a, Values(carried.begin(), carried.end()));
  });
  Value result = d.root.getResult(0);
  for (int64_t p = 0; p < count; ++p)
    for (int64_t v = 0; v < vectorCount; ++v) {
      SmallVector<Index> here{Index(n), Index(y), Index(e.add(x, p)),
                              channelAt(v)};
      Value value = acc[p * vectorCount + v];
      e.bind(result, [&, value](ArrayRef<Index> at) -> Value {
        if (d.zeroInit)
          return value;
        Value init = e.broadcast(e.element(d.root.getDpsInits()[0], at), lanes);
        return arith::AddFOp::create(e.b, e.loc, value, init);
      });
      Values values;
      for (unsigned i = 0; i < d.resultMaps.size(); ++i)
        values.push_back(e.element(e.yielded(i), e.map(d.resultMaps[i], here)));
      for (unsigned i = 0; i < d.resultMaps.size(); ++i)
        e.store(i, e.map(d.resultMaps[i], here), values[i]);
      e.bind(result, nullptr);
    }
}

void DepthwiseEmitter::pixelGroup(Value y, Value x, int64_t count, bool border,
                                  Value lowA, Value highA) {
  int64_t step = vectors * lanes, whole = channels / step * step;
  e.loop(e.cst(0), e.cst(whole), step, [&](Value channel) {
    channelBlock(y, x, count, border, lowA, highA, channel, vectors, Value());
  });
  if (whole < channels) {
    Emitter::BlockScope scope(e);
    channelBlock(y, x, count, border, lowA, highA, e.cst(whole), 1,
                 e.cst(channels - whole));
  }
}

void DepthwiseEmitter::row(Value y) {
  Value y0 = e.mul(y, d.strideY);
  Value lowA = e.cst(0), highA = e.cst(d.extents[d.a]);
  Value columns = extents[d.x];
  if (!d.pad) {
    Value whole = e.mul(e.floorDiv(columns, pixels), pixels);
    e.loop(e.cst(0), whole, pixels,
           [&](Value x) { pixelGroup(y, x, pixels, false, lowA, highA); });
    e.loop(whole, columns, 1,
           [&](Value x) { pixelGroup(y, x, 1, false, lowA, highA); });
    return;
  }
  lowA =
      e.ceilDiv(e.max(e.cst(0), e.sub(e.cst(d.padY), y0)), e.cst(d.dilationY));
  Value below = e.max(e.cst(0), e.sub(e.add(height, d.padY), y0));
  highA = e.min(highA, e.ceilDiv(below, e.cst(d.dilationY)));
  // Output columns [first, last) have all their taps inside.
  Value first = e.min(columns, e.ceilDiv(e.cst(d.padX), e.cst(d.strideX)));
  Value reach =
      e.sub(e.add(width, d.padX), e.cst((d.extents[d.b] - 1) * d.dilationX));
  Value last =
      e.min(columns, e.ceilDiv(e.max(e.cst(0), reach), e.cst(d.strideX)));
  last = e.max(first, last);
  Value whole = e.mul(e.floorDiv(e.sub(last, first), e.cst(pixels)), pixels);
  Value wholeEnd = e.add(first, whole);
  e.loop(first, wholeEnd, pixels,
         [&](Value x) { pixelGroup(y, x, pixels, false, lowA, highA); });
  // The rest of the middle and both borders share one copy of the code:
  // columns [wholeEnd, columns), then [0, first).
  Value count = e.add(e.sub(columns, wholeEnd), first);
  e.loop(e.cst(0), count, 1, [&](Value i) {
    Value x = e.add(wholeEnd, i);
    Value over = e.less(x, columns);
    x = arith::SelectOp::create(e.b, e.loc, over, x, e.sub(x, columns));
    pixelGroup(y, x, 1, true, lowA, highA);
  });
}

void DepthwiseEmitter::emit() {
  extents = loopExtents(e, d.root);
  image = d.root.getInputs()[d.image];
  if (d.pad)
    image = d.pad.getSource();
  height = e.extentValue(image, 1);
  width = e.extentValue(image, 2);
  Value blocks = e.ceilDiv(extents[d.y], e.cst(rows));
  n = e.floorDiv(e.tile, blocks);
  Value y0 = e.mul(e.mod(e.tile, blocks), rows);
  Value y1 = e.min(e.add(y0, rows), extents[d.y]);
  e.loop(y0, y1, 1, [&](Value y) { row(y); });
}

} // namespace

void emitDepthwise(Emitter &e) {
  std::optional<HostDepthwise> d = kernel::readHostDepthwise(e.kernel);
  IntegerAttr rows;
  if (DictionaryAttr schedule = e.kernel.getScheduleAttr())
    rows = schedule.getAs<IntegerAttr>("rows");
  if (!d || !rows || rows.getInt() < 1) {
    emitPlainRoot(e);
    return;
  }
  DepthwiseEmitter(e, *d, rows.getInt()).emit();
}

} // namespace actnet::host
