//===- ContractOps.cpp - einsum, convolution, pooling ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Folding.h"
#include "Inference.h"

#include "actnet/Dialect/Graph/IR/Contract.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace actnet::graph;

//===----------------------------------------------------------------------===//
// Specs and layouts
//===----------------------------------------------------------------------===//

static bool isTerm(StringRef term) {
  for (auto [index, letter] : llvm::enumerate(term))
    if (!llvm::isAlpha(letter) || term.find(letter) != index)
      return false;
  return true;
}

FailureOr<EinsumSpec> actnet::graph::parseEinsumSpec(StringRef spec) {
  size_t arrow = spec.find("->"), comma = spec.find(',');
  if (arrow == StringRef::npos || comma == StringRef::npos || comma > arrow)
    return failure();
  EinsumSpec result{spec.take_front(comma), spec.slice(comma + 1, arrow),
                    spec.drop_front(arrow + 2)};
  if (!isTerm(result.lhs) || !isTerm(result.rhs) || !isTerm(result.out))
    return failure();
  return result;
}

StringRef actnet::graph::spatialLetters(unsigned count) {
  return StringRef("dhw").take_back(count);
}

DimExprAttr actnet::graph::windowedExtent(DimExprAttr in, DimExprAttr window,
                                          int64_t stride, int64_t low,
                                          int64_t high, int64_t dilation,
                                          bool ceilMode) {
  MLIRContext *context = in.getContext();
  auto constant = [&](int64_t value) { return dimConstant(context, value); };
  DimExprAttr reach = dimMul(dimSub(window, constant(1)), constant(dilation));
  DimExprAttr free = dimSub(dimAdd(in, constant(low + high - 1)), reach);
  if (!ceilMode)
    return dimAdd(dimFloorDiv(free, constant(stride)), constant(1));
  DimExprAttr up = dimAdd(dimCeilDiv(free, constant(stride)), constant(1));
  DimExprAttr starts =
      dimAdd(dimFloorDiv(dimAdd(in, constant(low - 1)), constant(stride)),
             constant(1));
  return dimMin(up, starts);
}

DimExprAttr actnet::graph::transposedExtent(DimExprAttr in, DimExprAttr window,
                                            int64_t stride, int64_t low,
                                            int64_t high, int64_t dilation) {
  MLIRContext *context = in.getContext();
  auto constant = [&](int64_t value) { return dimConstant(context, value); };
  DimExprAttr last = dimMul(dimSub(in, constant(1)), constant(stride)),
              reach = dimMul(dimSub(window, constant(1)), constant(dilation));
  return dimAdd(dimAdd(last, reach), constant(1 - low - high));
}

FailureOr<SmallVector<int64_t>>
actnet::graph::layoutPositions(StringRef layout, StringRef letters) {
  if (layout.size() != letters.size())
    return failure();
  SmallVector<int64_t> positions;
  for (char letter : letters) {
    size_t position = layout.find(letter);
    if (position == StringRef::npos)
      return failure();
    positions.push_back(position);
  }
  return positions;
}

//===----------------------------------------------------------------------===//
// Einsum
//===----------------------------------------------------------------------===//

ACTNET_INFER(EinsumOp) {
  Inference inference(getOperationName(), location, operands);
  auto known =
      propertiesOf<EinsumOp>(location, context, attributes, properties);
  auto types = inference.tensors(2, 2);
  if (failed(known) || failed(types) ||
      failed(requireAttributes(inference, {{"spec", known->spec}})))
    return failure();
  StringRef text = known->spec.getValue();
  FailureOr<EinsumSpec> spec = parseEinsumSpec(text);
  if (failed(spec))
    return inference.error(
        "C1: expected 'letters,letters->letters', none twice "
        "in one term, found '" +
        text + "'");
  SmallVector<DimExprAttr, 2> extents(256);
  const std::array<StringRef, 2> terms{spec->lhs, spec->rhs};
  for (auto [term, type] : llvm::zip(terms, *types)) {
    if (static_cast<int64_t>(term.size()) != type.getRank())
      return inference.error(
          "C1: term '" + term + "' names " + Twine(term.size()) +
          " dims, the operand has rank " + Twine(type.getRank()));
    for (auto [letter, dim] : llvm::zip(term, getDims(type))) {
      DimExprAttr &extent = extents[static_cast<unsigned char>(letter)];
      if (extent && extent != dim)
        return inference.error("C2: dim '" + Twine(letter) + "' is " +
                               toString(extent) + " in one operand and " +
                               toString(dim) + " in the other");
      extent = dim;
    }
  }
  SmallVector<DimExprAttr> dims;
  for (char letter : spec->out) {
    DimExprAttr extent = extents[static_cast<unsigned char>(letter)];
    if (!extent)
      return inference.error("C3: dim '" + Twine(letter) +
                             "' of the result is in no operand");
    dims.push_back(extent);
  }
  for (auto [term, other] :
       {std::pair(spec->lhs, spec->rhs), std::pair(spec->rhs, spec->lhs)})
    for (char letter : term)
      if (!other.contains(letter) && !spec->out.contains(letter))
        return inference.error(
            "C3: dim '" + Twine(letter) +
            "' is in one operand only and not in the result");
  if (failed(inference.sameElementType("C4", *types)))
    return failure();
  results.push_back(getTensorType(dims, types->front().getElementType()));
  return success();
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

namespace {
/// Strides, padding and dilations of a conv or pool.
struct Windows {
  ArrayRef<int64_t> strides, padding, dilations;
};
} // namespace

static LogicalResult checkWindows(const Inference &inference,
                                  const Windows &windows, unsigned spatial,
                                  int64_t leastPadding) {
  auto bad = [&](StringRef name, ArrayRef<int64_t> values, size_t count,
                 int64_t least) -> LogicalResult {
    if (values.size() != count)
      return inference.error("C2: expected " + Twine(count) + " " + name +
                             ", found " + Twine(values.size()));
    for (int64_t value : values)
      if (value < least || value > INT32_MAX)
        return inference.error("C2: " + name + " expect at least " +
                               Twine(least) + ", found " + Twine(value));
    return success();
  };
  return success(
      succeeded(bad("strides", windows.strides, spatial, 1)) &&
      succeeded(bad("padding", windows.padding, 2 * spatial, leastPadding)) &&
      succeeded(bad("dilations", windows.dilations, spatial, 1)));
}

/// The positions of `letters` in a layout; an error for C1 where it is none.
static FailureOr<SmallVector<int64_t>> checkLayout(const Inference &inference,
                                                   StringRef name,
                                                   StringRef layout,
                                                   const Twine &letters) {
  auto positions = layoutPositions(layout, letters.str());
  if (failed(positions))
    return inference.error("C1: expected " + name +
                           " to be a permutation of '" + letters +
                           "', found '" + layout + "'");
  return positions;
}

/// The extents of the windowed dims, or an error for C4.
static FailureOr<SmallVector<DimExprAttr>>
inferWindows(const Inference &inference, const Windows &windows,
             ArrayRef<DimExprAttr> in, ArrayRef<DimExprAttr> window,
             bool ceilMode) {
  SmallVector<DimExprAttr> extents;
  for (size_t i = 0; i < in.size(); ++i) {
    DimExprAttr extent = windowedExtent(
        in[i], window[i], windows.strides[i], windows.padding[2 * i],
        windows.padding[2 * i + 1], windows.dilations[i], ceilMode);
    if (extent.isConstant() && extent.getValue() < 1)
      return inference.error(
          "C4: output extent " + Twine(extent.getValue()) + " of spatial dim " +
          Twine(i) + " is not positive: " + toString(in[i]) +
          " is too small for a window of " + toString(window[i]));
    extents.push_back(extent);
  }
  return extents;
}

namespace {
/// What the two convolutions have in common: operands, the positions of the
/// dims that the layouts name, windows.
struct Convolution {
  RankedTensorType x, filter;
  SmallVector<int64_t> xAt, fAt, yAt;
  Windows windows;
  unsigned spatial;
};
} // namespace

template <class Properties>
static FailureOr<Convolution>
readConvolution(const Inference &inference, const Properties &known,
                StringRef filterLetters, int64_t leastPadding) {
  auto types = inference.tensors(2, 2);
  if (failed(types) || failed(requireAttributes(
                           inference, {{"input_layout", known.input_layout},
                                       {"filter_layout", known.filter_layout},
                                       {"output_layout", known.output_layout},
                                       {"strides", known.strides},
                                       {"padding", known.padding},
                                       {"dilations", known.dilations},
                                       {"groups", known.groups}})))
    return failure();
  auto [x, filter] = std::pair((*types)[0], (*types)[1]);
  if (x.getRank() < 3 || x.getRank() > 5 || filter.getRank() != x.getRank())
    return inference.error(
        "C1: expected operands of one rank from 3 to 5, found " +
        Twine(x.getRank()) + " and " + Twine(filter.getRank()));
  unsigned spatial = x.getRank() - 2;
  StringRef letters = spatialLetters(spatial);
  auto xAt = checkLayout(inference, "input_layout", known.input_layout,
                         "nc" + letters);
  auto fAt = checkLayout(inference, "filter_layout", known.filter_layout,
                         filterLetters + letters);
  auto yAt = checkLayout(inference, "output_layout", known.output_layout,
                         "nc" + letters);
  Windows windows{known.strides, known.padding, known.dilations};
  if (failed(xAt) || failed(fAt) || failed(yAt) ||
      failed(checkWindows(inference, windows, spatial, leastPadding)))
    return failure();
  return Convolution{x, filter, *xAt, *fAt, *yAt, windows, spatial};
}

ACTNET_INFER(ConvOp) {
  Inference inference(getOperationName(), location, operands);
  auto known = propertiesOf<ConvOp>(location, context, attributes, properties);
  if (failed(known))
    return failure();
  auto read = readConvolution(inference, *known, "oi", /*leastPadding=*/0);
  if (failed(read))
    return failure();
  auto &[x, filter, xAt, fAt, yAt, windows, spatial] = *read;
  SmallVector<DimExprAttr> xDims = getDims(x), fDims = getDims(filter);
  int64_t groups = known->groups.getInt();
  DimExprAttr outputs = fDims[fAt[0]], inputs = fDims[fAt[1]];
  if (groups < 1)
    return inference.error("C3: expected groups of at least 1, found " +
                           Twine(groups));
  if (xDims[xAt[1]] != dimMul(inputs, dimConstant(context, groups)))
    return inference.error("C3: x has " + toString(xDims[xAt[1]]) +
                           " channels, the filter takes " + Twine(groups) +
                           " groups of " + toString(inputs));
  if (constantValue(dimMod(outputs, dimConstant(context, groups))) != 0)
    return inference.error("C3: " + Twine(groups) +
                           " groups don't divide the filter's " +
                           toString(outputs) + " outputs");
  SmallVector<DimExprAttr> in, window;
  for (unsigned i = 0; i < spatial; ++i) {
    in.push_back(xDims[xAt[2 + i]]);
    window.push_back(fDims[fAt[2 + i]]);
  }
  auto extents =
      inferWindows(inference, windows, in, window, /*ceilMode=*/false);
  if (failed(extents) || failed(inference.sameElementType("C5", {x, filter})))
    return failure();
  SmallVector<DimExprAttr> dims(x.getRank());
  dims[yAt[0]] = xDims[xAt[0]];
  dims[yAt[1]] = outputs;
  for (unsigned i = 0; i < spatial; ++i)
    dims[yAt[2 + i]] = (*extents)[i];
  results.push_back(getTensorType(dims, x.getElementType()));
  return success();
}

ACTNET_INFER(ConvTransposeOp) {
  Inference inference(getOperationName(), location, operands);
  auto known =
      propertiesOf<ConvTransposeOp>(location, context, attributes, properties);
  if (failed(known))
    return failure();
  auto read =
      readConvolution(inference, *known, "io", /*leastPadding=*/-INT32_MAX);
  if (failed(read))
    return failure();
  auto &[x, filter, xAt, fAt, yAt, windows, spatial] = *read;
  SmallVector<DimExprAttr> xDims = getDims(x), fDims = getDims(filter);
  DimExprAttr groups = dimConstant(context, known->groups.getInt());
  DimExprAttr inputs = fDims[fAt[0]], outputs = fDims[fAt[1]];
  if (known->groups.getInt() < 1)
    return inference.error("C3: expected groups of at least 1, found " +
                           Twine(known->groups.getInt()));
  if (xDims[xAt[1]] != inputs)
    return inference.error("C3: x has " + toString(xDims[xAt[1]]) +
                           " channels, the filter takes " + toString(inputs));
  if (constantValue(dimMod(inputs, groups)) != 0)
    return inference.error("C3: " + toString(groups) +
                           " groups don't divide the filter's " +
                           toString(inputs) + " inputs");
  if (failed(inference.sameElementType("C5", {x, filter})))
    return failure();
  SmallVector<DimExprAttr> dims(x.getRank());
  dims[yAt[0]] = xDims[xAt[0]];
  dims[yAt[1]] = dimMul(outputs, groups);
  for (unsigned i = 0; i < spatial; ++i) {
    DimExprAttr in = xDims[xAt[2 + i]], window = fDims[fAt[2 + i]];
    DimExprAttr extent =
        transposedExtent(in, window, known->strides[i], known->padding[2 * i],
                         known->padding[2 * i + 1], known->dilations[i]);
    if (extent.isConstant() && extent.getValue() < 1)
      return inference.error("C4: output extent " + Twine(extent.getValue()) +
                             " of spatial dim " + Twine(i) +
                             " is not positive");
    dims[yAt[2 + i]] = extent;
  }
  results.push_back(getTensorType(dims, x.getElementType()));
  return success();
}

OpFoldResult ConvTransposeOp::fold(FoldAdaptor adaptor) {
  return foldConstants(*this, adaptor.getOperands());
}

ACTNET_INFER(PoolOp) {
  Inference inference(getOperationName(), location, operands);
  auto known = propertiesOf<PoolOp>(location, context, attributes, properties);
  RankedTensorType x = inference.tensor(0);
  if (failed(known) || !x ||
      failed(requireAttributes(inference, {{"kind", known->kind},
                                           {"layout", known->layout},
                                           {"window", known->window},
                                           {"strides", known->strides},
                                           {"padding", known->padding},
                                           {"dilations", known->dilations}})))
    return failure();
  if (x.getRank() < 3 || x.getRank() > 5)
    return inference.error("C1: expected an operand of rank 3 to 5, found " +
                           Twine(x.getRank()));
  unsigned spatial = x.getRank() - 2;
  auto at = checkLayout(inference, "layout", known->layout,
                        "nc" + spatialLetters(spatial));
  Windows windows{known->strides, known->padding, known->dilations};
  if (failed(at) ||
      failed(checkWindows(inference, windows, spatial, /*leastPadding=*/0)))
    return failure();
  if (known->window.size() != spatial ||
      llvm::any_of(known->window.asArrayRef(), [](int64_t v) { return v < 1; }))
    return inference.error("C2: expected " + Twine(spatial) +
                           " positive window extents");
  SmallVector<DimExprAttr> dims = getDims(x), in, window;
  for (unsigned i = 0; i < spatial; ++i) {
    in.push_back(dims[(*at)[2 + i]]);
    window.push_back(dimConstant(context, known->window[i]));
  }
  auto extents = inferWindows(inference, windows, in, window,
                              static_cast<bool>(known->ceil_mode));
  if (failed(extents))
    return failure();
  if (x.getElementType().isInteger(1))
    return inference.error("C5: expected numbers, found i1");
  if (known->kind.getValue() == PoolKind::avg &&
      failed(inference.isFloat("C5", x.getElementType())))
    return failure();
  for (unsigned i = 0; i < spatial; ++i)
    dims[(*at)[2 + i]] = (*extents)[i];
  results.push_back(getTensorType(dims, x.getElementType()));
  return success();
}
