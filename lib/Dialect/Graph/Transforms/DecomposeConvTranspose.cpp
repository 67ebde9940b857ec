//===- DecomposeConvTranspose.cpp - as an ordinary convolution ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Position p of the uncut result belongs to phase p mod s. All phases together
// are one convolution of stride 1 with s times the output channels in each
// spatial dim (sub-pixel convolution, Shi et al. 2016, arXiv:1609.05158): phase
// r reads the taps k with k*dilation = r modulo s, in reverse. Depth to space
// puts the phases beside each other, and what the padding takes is cut off.
//
// The filter gets there by pads, reshapes, a flip and a transpose: on constants
// that is a recipe. A dilation becomes zeros between taps, except where the
// stride divides it: then only phase 0 has taps, the convolution is dilated
// itself, and the other phases are zeros put between its results.
//
//===----------------------------------------------------------------------===//

#include "Utils.h"

#include "actnet/Dialect/Graph/IR/Contract.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace actnet::graph;

namespace {

/// One spatial dim.
struct Spatial {
  int64_t stride = 1, spacing = 1; ///< Of the transposed convolution.
  int64_t taps = 1;                ///< Of the filter.
  // The convolution.
  int64_t phases = 1, tapsPerPhase = 1, dilation = 1, low = 0, high = 0;
  /// Zeros in front of the filter, so that the result begins with a phase 0.
  int64_t front = 0;
  int64_t cut = 0; ///< Results in front that are not wanted.

  Spatial(int64_t taps, int64_t stride, int64_t spacing, int64_t padLow,
          int64_t padHigh)
      : stride(stride), spacing(spacing), taps(taps) {
    using llvm::divideFloorSigned;
    int64_t reach = (taps - 1) * spacing;
    if (spacing % stride == 0) {
      tapsPerPhase = taps;
      dilation = spacing / stride;
    } else {
      phases = stride;
      tapsPerPhase = llvm::divideCeil(reach + 1, stride);
      // Costs nothing where the last phases had a tap less.
      int64_t wanted = (stride - padLow % stride) % stride;
      if (llvm::divideCeil(reach + 1 + wanted, stride) ==
          static_cast<uint64_t>(tapsPerPhase))
        front = wanted;
    }
    // Result m of the convolution holds positions m*stride … of the uncut one.
    int64_t convReach = (tapsPerPhase - 1) * dilation;
    int64_t first =
        std::min(divideFloorSigned(padLow + front, stride), convReach);
    low = convReach - first;
    high = std::max<int64_t>(
        0, divideFloorSigned(reach + front - padHigh, stride));
    cut = padLow + front - first * stride;
  }
};

/// Arranges the filter and the result.
class Decomposer {
public:
  Decomposer(GraphBuilder b, ConvTransposeOp op)
      : b(b), op(op), letters(spatialLetters(op.getType().getRank() - 2)),
        context(op.getContext()) {}

  Value run();

private:
  DimExprAttr number(int64_t value) { return dimConstant(context, value); }
  static SmallVector<DimExprAttr> dimsOf(Value x) {
    return getDims(GraphBuilder::typeOf(x));
  }
  Value pad(Value x, int64_t axis, int64_t low, int64_t high) {
    if (low == 0 && high == 0)
      return x;
    SmallVector<int64_t> lows(dimsOf(x).size(), 0), highs(lows);
    lows[axis] = low;
    highs[axis] = high;
    return PadOp::create(b.builder, b.location, x, lows, highs,
                         PadMode::constant, APFloat(0.0));
  }
  Value slice(Value x, ArrayRef<DimExprAttr> starts,
              ArrayRef<DimExprAttr> sizes, ArrayRef<int64_t> steps) {
    return SliceOp::create(b.builder, b.location, x,
                           DimsAttr::get(context, starts),
                           DimsAttr::get(context, sizes), steps);
  }
  /// Puts `count` zeros behind each element of a dim.
  Value spread(Value x, int64_t axis, int64_t count) {
    if (count == 0)
      return x;
    SmallVector<DimExprAttr> dims = dimsOf(x), split = dims;
    split.insert(split.begin() + axis + 1, number(1));
    dims[axis] = dimMul(dims[axis], number(count + 1));
    return b.reshape(pad(b.reshape(x, split), axis + 1, 0, count), dims);
  }
  /// Channels, the last dim, `times` times one behind the other.
  Value repeated(Value x, int64_t times) {
    SmallVector<DimExprAttr> dims = dimsOf(x), split = dims;
    split.insert(split.end() - 1, number(1));
    x = b.reshape(x, split);
    split[split.size() - 2] = number(times);
    dims.back() = dimMul(dims.back(), number(times));
    return b.reshape(b.broadcast(x, split), dims);
  }
  Value filter();
  Value toSpace(Value y);

  GraphBuilder b;
  ConvTransposeOp op;
  StringRef letters;
  MLIRContext *context;
  SmallVector<Spatial> spatial;
  DimExprAttr outputs; ///< Of a group.
  /// One channel a group: the phases are groups too, so that the convolution
  /// is depthwise, of channels that are repeated.
  bool isDepthwise = false;
};

} // namespace

/// (g i) o (t s)… -> (g s… o) i t…, or (s… g o) i t…; taps in reverse.
Value Decomposer::filter() {
  Value f = b.transpose(op.getFilter(), *layoutPositions(op.getFilterLayout(),
                                                         "io" + letters.str()));
  for (auto [i, s] : llvm::enumerate(spatial)) {
    int64_t axis = 2 + i;
    if (s.phases == 1)
      continue;
    // Zeros between the taps; those behind the last one go again.
    int64_t extent = (s.taps - 1) * s.spacing + 1;
    if (s.spacing > 1) {
      f = spread(f, axis, s.spacing - 1);
      SmallVector<DimExprAttr> sizes = dimsOf(f);
      sizes[axis] = number(extent);
      f = slice(f, SmallVector<DimExprAttr>(sizes.size(), number(0)), sizes,
                SmallVector<int64_t>(sizes.size(), 1));
    }
    f = pad(f, axis, s.front, s.tapsPerPhase * s.phases - extent - s.front);
  }
  SmallVector<DimExprAttr> dims = dimsOf(f);
  DimExprAttr groups = number(op.getGroups());
  // Dims: g, i, o, then t and s of each spatial dim.
  SmallVector<DimExprAttr> split{groups, dimFloorDiv(dims[0], groups), outputs};
  SmallVector<int64_t> order;
  DimExprAttr channels = dimMul(groups, outputs);
  for (auto [i, s] : llvm::enumerate(spatial)) {
    split.append({number(s.tapsPerPhase), number(s.phases)});
    order.push_back(4 + 2 * i);
    channels = dimMul(channels, number(s.phases));
  }
  order.insert(isDepthwise ? order.end() : order.begin(), 0);
  order.append({2, 1});
  SmallVector<DimExprAttr> merged{channels, split[1]}, starts(2, number(0));
  SmallVector<int64_t> steps(2, 1);
  for (auto [i, s] : llvm::enumerate(spatial)) {
    order.push_back(3 + 2 * i);
    merged.push_back(number(s.tapsPerPhase));
    starts.push_back(number(s.tapsPerPhase - 1));
    steps.push_back(-1);
  }
  f = b.reshape(b.transpose(b.reshape(f, split), order), merged);
  return slice(f, starts, merged, steps);
}

/// n m… (g s… o), or n m… (s… g o), -> n (m s)… (g o), without what was cut
/// off.
Value Decomposer::toSpace(Value y) {
  SmallVector<DimExprAttr> dims = dimsOf(y);
  DimExprAttr groups = number(op.getGroups());
  int64_t count = spatial.size();
  // Dims: n, each m, g and each s (or each s and g), o.
  int64_t group = isDepthwise ? 1 + 2 * count : 1 + count,
          phase = isDepthwise ? 1 + count : 2 + count;
  SmallVector<DimExprAttr> split(3 + 2 * count), merged{dims[0]};
  split[0] = dims[0];
  split[group] = groups;
  split.back() = outputs;
  SmallVector<int64_t> order{0};
  for (auto [i, s] : llvm::enumerate(spatial)) {
    int64_t position = 1 + i, ownPhase = phase + i;
    split[position] = dims[position];
    split[ownPhase] = number(s.phases);
    order.append({position, ownPhase});
    merged.push_back(dimMul(dims[position], number(s.phases)));
  }
  order.append({group, 2 + 2 * count});
  merged.push_back(dimMul(groups, outputs));
  bool isArranged =
      llvm::all_of(spatial, [](const Spatial &s) { return s.phases == 1; });
  if (!isArranged)
    y = b.reshape(b.transpose(b.reshape(y, split), order), merged);
  for (auto [i, s] : llvm::enumerate(spatial))
    if (s.phases == 1)
      y = spread(y, 1 + i, s.stride - 1);

  SmallVector<DimExprAttr> all = dimsOf(y), sizes(all),
                           result = getDims(op.getType());
  SmallVector<DimExprAttr> starts(all.size(), number(0));
  for (auto [i, s] : llvm::enumerate(spatial)) {
    starts[1 + i] = number(s.cut);
    sizes[1 + i] = result[op.getOutputLayout().find(letters[i])];
  }
  bool isWhole = sizes == all;
  for (DimExprAttr start : starts)
    isWhole &= constantValue(start) == 0;
  return isWhole ? y
                 : slice(y, starts, sizes, SmallVector<int64_t>(all.size(), 1));
}

Value Decomposer::run() {
  RankedTensorType type = GraphBuilder::typeOf(op.getFilter());
  outputs = getDims(type)[op.getFilterLayout().find('o')];
  std::string last = "n" + letters.str() + "c";
  SmallVector<int64_t> padding, dilations;
  for (auto [i, letter] : llvm::enumerate(letters)) {
    int64_t taps = type.getDimSize(op.getFilterLayout().find(letter));
    if (ShapedType::isDynamic(taps)) {
      op.emitOpError("needs a filter of static spatial extents");
      return nullptr;
    }
    spatial.emplace_back(taps, op.getStrides()[i], op.getDilations()[i],
                         op.getPadding()[2 * i], op.getPadding()[2 * i + 1]);
    padding.append({spatial.back().low, spatial.back().high});
    dilations.push_back(spatial.back().dilation);
  }
  int64_t phases = 1, groups = op.getGroups();
  for (const Spatial &s : spatial)
    phases *= s.phases;
  isDepthwise = phases > 1 && constantValue(outputs) == 1 &&
                type.getDimSize(op.getFilterLayout().find('i')) == groups;
  Value x = op.getX();
  std::string layout = op.getInputLayout().str();
  if (isDepthwise) {
    x = repeated(b.transpose(x, *layoutPositions(layout, last)), phases);
    layout = last;
    groups *= phases;
  }
  Value y = ConvOp::create(
      b.builder, b.location, x, filter(), layout, "oi" + letters.str(), last,
      SmallVector<int64_t>(letters.size(), 1), padding, dilations, groups);
  return b.transpose(toSpace(y), *layoutPositions(last, op.getOutputLayout()));
}

Value actnet::graph::decomposeConvTranspose(GraphBuilder b,
                                            ConvTransposeOp op) {
  return Decomposer(b, op).run();
}
