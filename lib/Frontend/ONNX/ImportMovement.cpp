//===- ImportMovement.cpp - reshape, transpose, slice, gather … -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Importer.h"

#include <cmath>

using namespace mlir;

namespace actnet::onnx {

static LogicalResult finish(NodeImport &n, FailureOr<Value> y) {
  if (failed(y))
    return failure();
  n.result(0, *y);
  return success();
}

/// Reshapes where the numbers of elements agree; an error otherwise.
static LogicalResult reshapeTo(NodeImport &n, Value x,
                               ArrayRef<DimExprAttr> dims) {
  MLIRContext *context = n.b.getContext();
  DimExprAttr from = graph::dimProduct(context, n.dims(x)),
              to = graph::dimProduct(context, dims);
  if (from != to && !n.matchCount(from, to))
    return n.error() << "the input has " << graph::toString(from)
                     << " elements, the shape asked for "
                     << graph::toString(to);
  if (from != to)
    x = n.assume(n.reshape(x, from), to);
  n.result(0, n.reshape(x, dims));
  return success();
}

/// A shape that a node makes: no dim below zero.
static LogicalResult checkShape(NodeImport &n, ArrayRef<DimExprAttr> dims) {
  for (DimExprAttr d : dims)
    if (graph::constantValue(d).value_or(0) < 0)
      return n.error() << "the shape has " << graph::toString(d);
  return success();
}

static LogicalResult reshape(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  FailureOr<ShapeValue> shape = succeeded(x) ? n.needShape(1, "the shape")
                                             : FailureOr<ShapeValue>(failure());
  if (failed(shape))
    return failure();
  SmallVector<DimExprAttr> in = n.dims(*x), dims;
  bool allowZero = n.intAttr("allowzero", 0);
  int64_t inferred = -1;
  for (auto [i, e] : llvm::enumerate(shape->elements)) {
    std::optional<int64_t> v = graph::constantValue(e);
    if (v == -1) {
      if (inferred >= 0)
        return n.error() << "the shape has more than one -1";
      inferred = i;
      dims.push_back(n.dim(1));
    } else if (v == 0 && !allowZero) {
      if (i >= in.size())
        return n.error() << "the shape copies dim " << i
                         << ", the input has rank " << in.size();
      dims.push_back(in[i]);
    } else if (v && *v < 0) {
      return n.error() << "the shape has " << *v;
    } else {
      dims.push_back(e);
    }
  }
  if (inferred >= 0) {
    MLIRContext *context = n.b.getContext();
    DimExprAttr rest = graph::dimProduct(context, dims);
    if (graph::constantValue(rest) == 0)
      return n.error() << "-1 beside a dim of 0 has no answer";
    dims[inferred] = graph::dimFloorDiv(graph::dimProduct(context, in), rest);
  }
  return reshapeTo(n, *x, dims);
}

static LogicalResult flatten(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  SmallVector<DimExprAttr> in = n.dims(*x);
  int64_t rank = in.size(), axis = n.intAttr("axis", 1);
  if (axis < -rank || axis > rank)
    return n.error() << "axis " << axis << " is outside a rank of " << rank;
  axis = axis < 0 ? axis + rank : axis;
  MLIRContext *context = n.b.getContext();
  ArrayRef<DimExprAttr> all(in);
  return reshapeTo(n, *x,
                   {graph::dimProduct(context, all.take_front(axis)),
                    graph::dimProduct(context, all.drop_front(axis))});
}

/// Axes from an attribute (before opset 13) or the second operand.
static FailureOr<std::optional<SmallVector<int64_t>>> readAxes(NodeImport &n,
                                                               int64_t since) {
  if (n.opset < since)
    return n.intsAttr("axes");
  if (!n.has(1))
    return std::optional<SmallVector<int64_t>>();
  FailureOr<SmallVector<int64_t>> axes = n.needIntegers(1, "axes");
  if (failed(axes))
    return failure();
  return std::optional<SmallVector<int64_t>>(*axes);
}

static LogicalResult squeeze(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  auto axes = readAxes(n, 13);
  if (failed(axes))
    return failure();
  SmallVector<DimExprAttr> in = n.dims(*x), dims;
  SmallVector<bool> drop(in.size(), false);
  if (!*axes) {
    for (auto [i, d] : llvm::enumerate(in))
      drop[i] = graph::constantValue(d) == 1;
  } else {
    for (int64_t a : **axes) {
      FailureOr<int64_t> axis = n.axis(a, in.size());
      if (failed(axis))
        return failure();
      if (!n.match(in[*axis], n.dim(1)))
        return n.error() << "dim " << *axis << " is "
                         << graph::toString(in[*axis]) << ", not 1";
      in[*axis] = n.dim(1);
      drop[*axis] = true;
    }
  }
  x = n.assume(*x, in);
  for (auto [i, d] : llvm::enumerate(in))
    if (!drop[i])
      dims.push_back(d);
  return reshapeTo(n, *x, dims);
}

static LogicalResult unsqueeze(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  auto axes = readAxes(n, 13);
  if (failed(axes))
    return failure();
  if (!*axes)
    return n.error() << "axes are missing";
  SmallVector<DimExprAttr> in = n.dims(*x), dims;
  int64_t rank = in.size() + (*axes)->size();
  SmallVector<bool> fresh(rank, false);
  for (int64_t a : **axes) {
    FailureOr<int64_t> axis = n.axis(a, rank);
    if (failed(axis))
      return failure();
    if (fresh[*axis])
      return n.error() << "axis " << *axis << " is named twice";
    fresh[*axis] = true;
  }
  size_t next = 0;
  for (int64_t i = 0; i < rank; ++i)
    dims.push_back(fresh[i] ? n.dim(1) : in[next++]);
  return reshapeTo(n, *x, dims);
}

static LogicalResult transpose(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  int64_t rank = n.type(*x).getRank();
  SmallVector<int64_t> reversed;
  for (int64_t i = rank - 1; i >= 0; --i)
    reversed.push_back(i);
  return finish(n, n.transpose(*x, n.intsAttr("perm").value_or(reversed)));
}

static LogicalResult expand(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  FailureOr<ShapeValue> shape = succeeded(x) ? n.needShape(1, "the shape")
                                             : FailureOr<ShapeValue>(failure());
  if (failed(shape))
    return failure();
  SmallVector<DimExprAttr> in = n.dims(*x), to = shape->elements;
  if (failed(checkShape(n, to)))
    return failure();
  size_t rank = std::max(in.size(), to.size());
  in.insert(in.begin(), rank - in.size(), n.dim(1));
  to.insert(to.begin(), rank - to.size(), n.dim(1));
  SmallVector<DimExprAttr> dims;
  for (size_t i = 0; i < rank; ++i) {
    if (graph::constantValue(in[i]) != 1 && graph::constantValue(to[i]) != 1) {
      if (!n.match(in[i], to[i]))
        return n.error() << "dims " << graph::toString(in[i]) << " and "
                         << graph::toString(to[i]) << " do not broadcast";
      in[i] = to[i];
    }
    dims.push_back(graph::constantValue(in[i]) == 1 ? to[i] : in[i]);
  }
  x = n.assume(*x, ArrayRef(in).take_back(n.type(*x).getRank()));
  RankedTensorType type =
      graph::getTensorType(dims, n.type(*x).getElementType());
  n.result(0,
           type == x->getType()
               ? *x
               : graph::BroadcastOp::create(n.b, n.loc, type, *x).getResult());
  return success();
}

static LogicalResult concat(NodeImport &n) {
  SmallVector<Value> inputs;
  for (unsigned i = 0; i < n.node.inputs.size(); ++i) {
    FailureOr<Value> x = n.value(i);
    if (failed(x))
      return failure();
    inputs.push_back(*x);
  }
  if (inputs.empty())
    return n.error() << "it has no operand";
  if (!n.attribute("axis"))
    return n.error() << "attribute 'axis' is missing";
  FailureOr<int64_t> axis =
      n.axis(n.intAttr("axis", 0), n.type(inputs[0]).getRank());
  if (failed(axis))
    return failure();
  return finish(n, n.create<graph::ConcatOp>(
                       inputs, n.named("axis", n.b.getI64IntegerAttr(*axis))));
}

/// A part of x: starts and sizes a dim.
static FailureOr<Value> sliceOf(NodeImport &n, Value x,
                                ArrayRef<DimExprAttr> starts,
                                ArrayRef<DimExprAttr> sizes,
                                ArrayRef<int64_t> steps) {
  MLIRContext *context = n.b.getContext();
  SmallVector<DimExprAttr> from(starts), extents(sizes);
  for (auto [start, size] : llvm::zip(from, extents)) {
    start = n.importer.simplify(start);
    size = n.importer.simplify(size);
    // An empty part may stand at the end, where no element starts.
    if (graph::constantValue(size) == 0)
      start = n.dim(0);
  }
  return n.create<graph::SliceOp>(
      x, {n.named("starts", graph::DimsAttr::get(context, from)),
          n.named("sizes", graph::DimsAttr::get(context, extents)),
          n.named("steps", n.b.getDenseI64ArrayAttr(steps))});
}

/// What an expression is at least when every dim is at least 1; nothing where
/// that does not show from its form.
static std::optional<int64_t> lowerBound(DimExprAttr expr) {
  return graph::dimLowerBound(expr, [](StringRef) { return int64_t(1); });
}

/// An extent that cannot be negative, whatever the dims are.
static DimExprAttr atLeastZero(DimExprAttr extent) {
  if (lowerBound(extent).value_or(-1) >= 0)
    return extent;
  return graph::dimMax(extent, graph::dimConstant(extent.getContext(), 0));
}

/// A place in a dim as ONNX counts: below zero from its end. Where the sign
/// shows at run time only, so does the extent that is added.
static DimExprAttr fromEnd(DimExprAttr e, DimExprAttr extent) {
  MLIRContext *context = e.getContext();
  DimExprAttr zero = graph::dimConstant(context, 0),
              one = graph::dimConstant(context, 1);
  if (std::optional<int64_t> v = graph::constantValue(e))
    return *v < 0 ? graph::dimAdd(e, extent) : e;
  if (e == extent || lowerBound(e).value_or(-1) >= 0)
    return e;
  DimExprAttr below = graph::dimSub(zero, e);
  if (lowerBound(below).value_or(0) >= 1)
    return graph::dimAdd(e, extent);
  DimExprAttr isBelow = graph::dimMin(graph::dimMax(below, zero), one);
  return graph::dimAdd(e, graph::dimMul(extent, isBelow));
}

static LogicalResult slice(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  SmallVector<DimExprAttr> in = n.dims(*x);
  int64_t rank = in.size();
  SmallVector<DimExprAttr> starts, ends;
  SmallVector<int64_t> axes, steps;
  auto fromAttribute = [&](StringRef name, SmallVector<DimExprAttr> &out) {
    for (int64_t v : n.intsAttr(name).value_or(SmallVector<int64_t>()))
      out.push_back(n.dim(v));
  };
  if (n.opset < 10) {
    fromAttribute("starts", starts);
    fromAttribute("ends", ends);
    axes = n.intsAttr("axes").value_or(SmallVector<int64_t>());
  } else {
    FailureOr<ShapeValue> s = n.needShape(1, "starts");
    FailureOr<ShapeValue> e = succeeded(s) ? n.needShape(2, "ends")
                                           : FailureOr<ShapeValue>(failure());
    if (failed(s) || failed(e))
      return failure();
    starts = s->elements;
    ends = e->elements;
    if (n.has(3)) {
      FailureOr<SmallVector<int64_t>> v = n.needIntegers(3, "axes");
      if (failed(v))
        return failure();
      axes = *v;
    }
    if (n.has(4)) {
      FailureOr<SmallVector<int64_t>> v = n.needIntegers(4, "steps");
      if (failed(v))
        return failure();
      steps = *v;
    }
  }
  if (axes.empty())
    for (size_t i = 0; i < starts.size(); ++i)
      axes.push_back(i);
  if (steps.empty())
    steps.assign(starts.size(), 1);
  if (starts.size() != ends.size() || starts.size() != axes.size() ||
      starts.size() != steps.size())
    return n.error() << "starts, ends, axes and steps have different lengths";

  SmallVector<DimExprAttr> begin(rank, n.dim(0)), size = in;
  SmallVector<int64_t> step(rank, 1);
  SmallVector<bool> seen(rank, false);
  for (auto [start, end, a, s] : llvm::zip(starts, ends, axes, steps)) {
    FailureOr<int64_t> axis = n.axis(a, rank);
    if (failed(axis))
      return failure();
    DimExprAttr extent = in[*axis];
    if (std::exchange(seen[*axis], true))
      return n.error() << "axis " << *axis << " is named twice";
    if (s == 0)
      return n.error() << "a step of 0";
    // No dim is longer, so a longer step takes the first element only.
    s = std::clamp<int64_t>(s, -(int64_t(1) << 40), int64_t(1) << 40);
    std::optional<int64_t> limit = graph::constantValue(extent);
    DimExprAttr last = graph::dimSub(extent, n.dim(1));
    // Below zero counts from the end; then into [least, most].
    auto place = [&](DimExprAttr e, int64_t least, DimExprAttr most) {
      e = fromEnd(e, extent);
      std::optional<int64_t> v = graph::constantValue(e);
      if (v && limit)
        return n.dim(
            std::min(std::max(*v, least), *graph::constantValue(most)));
      if (v && *v >= (int64_t(1) << 31) - 1)
        return most;
      if (lowerBound(e).value_or(least - 1) < least)
        e = graph::dimMax(e, n.dim(least));
      // The extent itself needs no look at what it is at most.
      return e == extent && most == extent ? e : graph::dimMin(e, most);
    };
    if (s < 0) {
      // The first element is one of the dim's; the end may stand before them.
      begin[*axis] = place(start, 0, last);
      std::optional<int64_t> v = graph::constantValue(end);
      DimExprAttr stop =
          v && *v < -(int64_t(1) << 31) + 2 ? n.dim(-1) : place(end, -1, last);
      size[*axis] = graph::dimCeilDiv(
          atLeastZero(graph::dimSub(begin[*axis], stop)), n.dim(-s));
    } else {
      begin[*axis] = place(start, 0, extent);
      DimExprAttr length =
          atLeastZero(graph::dimSub(place(end, 0, extent), begin[*axis]));
      size[*axis] = s == 1 ? length : graph::dimCeilDiv(length, n.dim(s));
    }
    if (std::optional<int64_t> v = graph::constantValue(size[*axis]);
        v && *v < 0)
      size[*axis] = n.dim(0);
    step[*axis] = s;
  }
  return finish(n, sliceOf(n, *x, begin, size, step));
}

static LogicalResult split(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  SmallVector<DimExprAttr> in = n.dims(*x);
  FailureOr<int64_t> axis = n.axis(n.intAttr("axis", 0), in.size());
  if (failed(axis))
    return failure();
  SmallVector<DimExprAttr> sizes;
  if (n.opset >= 13 && n.has(1)) {
    FailureOr<ShapeValue> s = n.needShape(1, "split");
    if (failed(s))
      return failure();
    sizes = s->elements;
  } else if (auto attr = n.intsAttr("split")) {
    for (int64_t v : *attr)
      sizes.push_back(n.dim(v));
  } else {
    int64_t parts = n.opset >= 18
                        ? n.intAttr("num_outputs", n.node.outputs.size())
                        : n.node.outputs.size();
    if (parts != static_cast<int64_t>(n.node.outputs.size()))
      return n.error() << "num_outputs is " << parts << ", the node has "
                       << n.node.outputs.size() << " outputs";
    // Since opset 18 the last part is smaller where they do not divide; before
    // they had to.
    if (DimExprAttr rest = graph::dimMod(in[*axis], n.dim(parts));
        n.opset < 18 && graph::constantValue(rest) != 0) {
      if (rest.isConstant())
        return n.error() << "dim " << *axis << ", which is "
                         << graph::toString(in[*axis]) << ", has no " << parts
                         << " equal parts";
      n.importer.checks.push_back(n.b.getDictionaryAttr(
          {n.named("extent", graph::dimSub(n.dim(0), rest)),
           n.named("least", n.b.getI64IntegerAttr(0)),
           n.named("message", n.b.getStringAttr(
                                  "'" + labelOf(n.node) + "' (Split): dim " +
                                  std::to_string(*axis) + ", " +
                                  graph::toString(in[*axis]) + ", in " +
                                  std::to_string(parts) +
                                  " equal parts: less what is left over"))}));
    }
    // Parts behind the dim's end are empty.
    DimExprAttr each = graph::dimCeilDiv(in[*axis], n.dim(parts)),
                start = n.dim(0);
    for (int64_t i = 1; i <= parts; ++i) {
      DimExprAttr end = i == parts ? in[*axis] : each;
      if (i > 1 && i < parts)
        end = graph::dimMin(graph::dimMul(each, n.dim(i)), in[*axis]);
      sizes.push_back(graph::dimSub(end, start));
      start = end;
    }
  }
  if (sizes.size() != n.node.outputs.size())
    return n.error() << sizes.size() << " parts for " << n.node.outputs.size()
                     << " outputs";
  DimExprAttr start = n.dim(0), total = n.dim(0);
  for (DimExprAttr size : sizes)
    total = graph::dimAdd(total, size);
  if (!n.match(in[*axis], total))
    return n.error() << "the parts add up to " << graph::toString(total)
                     << ", the dim is " << graph::toString(in[*axis]);
  in[*axis] = total;
  x = n.assume(*x, in);
  for (auto [i, size] : llvm::enumerate(sizes)) {
    SmallVector<DimExprAttr> starts(in.size(), n.dim(0)), extents = in;
    starts[*axis] = start;
    extents[*axis] = size;
    FailureOr<Value> y =
        sliceOf(n, *x, starts, extents, SmallVector<int64_t>(in.size(), 1));
    if (failed(y))
      return failure();
    n.result(i, *y);
    start = graph::dimAdd(start, size);
  }
  return success();
}

static LogicalResult gather(NodeImport &n) {
  FailureOr<Value> data = n.value(0), indices = n.value(1);
  if (failed(data) || failed(indices))
    return failure();
  SmallVector<DimExprAttr> in = n.dims(*data);
  FailureOr<int64_t> axis = n.axis(n.intAttr("axis", 0), in.size());
  if (failed(axis))
    return failure();
  std::optional<ShapeValue> shape = n.shape(1);
  std::optional<int64_t> extent = graph::constantValue(in[*axis]);
  if (shape && extent)
    for (DimExprAttr e : shape->elements)
      if (std::optional<int64_t> i = graph::constantValue(e);
          i && (*i < -*extent || *i >= *extent))
        return n.error() << "index " << *i << " is outside dim " << *axis
                         << ", which is " << *extent;
  // One constant index is a slice, which costs nothing.
  if (shape && shape->elements.size() == 1 &&
      graph::constantValue(shape->elements[0])) {
    int64_t index = *graph::constantValue(shape->elements[0]);
    SmallVector<DimExprAttr> starts(in.size(), n.dim(0)), sizes = in;
    starts[*axis] =
        index < 0 ? graph::dimAdd(in[*axis], n.dim(index)) : n.dim(index);
    sizes[*axis] = n.dim(1);
    FailureOr<Value> y =
        sliceOf(n, *data, starts, sizes, SmallVector<int64_t>(in.size(), 1));
    if (failed(y))
      return failure();
    if (shape->scalar)
      sizes.erase(sizes.begin() + *axis);
    n.result(0, n.reshape(*y, sizes));
    return success();
  }
  return finish(
      n, n.create<graph::GatherOp>(
             {*data, *indices}, n.named("axis", n.b.getI64IntegerAttr(*axis))));
}

static LogicalResult gatherElements(NodeImport &n) {
  FailureOr<Value> data = n.value(0), indices = n.value(1);
  if (failed(data) || failed(indices))
    return failure();
  FailureOr<int64_t> axis =
      n.axis(n.intAttr("axis", 0), n.type(*data).getRank());
  if (failed(axis))
    return failure();
  return finish(
      n, n.create<graph::GatherElementsOp>(
             {*data, *indices}, n.named("axis", n.b.getI64IntegerAttr(*axis))));
}

static LogicalResult pad(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  int64_t rank = n.type(*x).getRank();
  SmallVector<int64_t> pads;
  double value = n.floatAttr("value", 0);
  Value offset; // an integer that f64 may not hold
  if (n.opset < 11) {
    pads = n.intsAttr("pads").value_or(SmallVector<int64_t>());
  } else {
    FailureOr<SmallVector<int64_t>> v = n.needIntegers(1, "pads");
    if (failed(v))
      return failure();
    pads = *v;
    if (n.has(2)) {
      std::optional<double> constant = n.constantNumber(2);
      if (!constant)
        return n.error() << "constant_value must be constant";
      value = *constant;
      if (n.type(*x).getElementType().isInteger() &&
          std::abs(value) >= 0x1p53) {
        FailureOr<Value> exact = n.value(2);
        if (failed(exact))
          return failure();
        offset = n.reshape(*exact, {});
        value = 0;
      }
    }
  }
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (n.has(3)) {
    FailureOr<SmallVector<int64_t>> v = n.needIntegers(3, "axes");
    if (failed(v))
      return failure();
    axes = *v;
  }
  if (pads.size() != 2 * axes.size())
    return n.error() << pads.size() << " pads for " << axes.size() << " dims";
  std::optional<graph::PadMode> mode =
      graph::symbolizePadMode(n.stringAttr("mode", "constant"));
  if (!mode)
    return n.error() << "mode '" << n.stringAttr("mode", "")
                     << "' is not supported";
  if (llvm::any_of(pads,
                   [](int64_t p) { return std::abs(p) > (int64_t(1) << 40); }))
    return n.error() << "pads are out of range";
  SmallVector<int64_t> low(rank, 0), high(rank, 0);
  for (auto [i, a] : llvm::enumerate(axes)) {
    FailureOr<int64_t> axis = n.axis(a, rank);
    if (failed(axis))
      return failure();
    low[*axis] = pads[i];
    high[*axis] = pads[axes.size() + i];
  }
  // What is below zero is cut off.
  if (llvm::any_of(low, [](int64_t p) { return p < 0; }) ||
      llvm::any_of(high, [](int64_t p) { return p < 0; })) {
    SmallVector<DimExprAttr> starts, sizes = n.dims(*x);
    for (auto [size, before, after] : llvm::zip(sizes, low, high)) {
      starts.push_back(n.dim(-std::min<int64_t>(before, 0)));
      size = graph::dimAdd(size, n.dim(std::min<int64_t>(before, 0) +
                                       std::min<int64_t>(after, 0)));
      if (graph::constantValue(size).value_or(0) < 0)
        return n.error() << "the pads cut off more than there is";
      before = std::max<int64_t>(before, 0);
      after = std::max<int64_t>(after, 0);
    }
    x = sliceOf(n, *x, starts, sizes, SmallVector<int64_t>(rank, 1));
    if (failed(x))
      return failure();
  }
  // Around x - v stands 0; then v is added to all.
  if (offset && *mode == graph::PadMode::constant)
    x = n.create<graph::SubOp>({*x, offset});
  FailureOr<Value> y = failure();
  if (succeeded(x))
    y = n.create<graph::PadOp>(
        *x, {n.named("low", n.b.getDenseI64ArrayAttr(low)),
             n.named("high", n.b.getDenseI64ArrayAttr(high)),
             n.named("mode", graph::PadModeAttr::get(n.b.getContext(), *mode)),
             n.named("value", n.b.getF64FloatAttr(value))});
  if (succeeded(y) && offset && *mode == graph::PadMode::constant)
    y = n.create<graph::AddOp>({*y, offset});
  return finish(n, y);
}

static Value iota(NodeImport &n, RankedTensorType type, double start,
                  double step) {
  return graph::IotaOp::create(n.b, n.loc, type, n.b.getI64IntegerAttr(0),
                               n.b.getF64FloatAttr(start),
                               n.b.getF64FloatAttr(step));
}

/// Range of constants in floating point.
static LogicalResult floatRange(NodeImport &n, Type element) {
  std::optional<double> number[3];
  for (unsigned i = 0; i < 3; ++i)
    if (!(number[i] = n.constantNumber(i)) || !std::isfinite(*number[i]))
      return n.error() << "start, limit and delta must be finite constants "
                          "where they are floating point";
  auto [start, limit, delta] = number;
  double length = std::ceil((*limit - *start) / *delta);
  if (*delta == 0 || length > 0x1p40)
    return n.error() << "delta is 0 or the result is too long";
  n.result(0, iota(n,
                   RankedTensorType::get(
                       static_cast<int64_t>(std::max(length, 0.0)), element),
                   *start, *delta));
  return success();
}

static LogicalResult range(NodeImport &n) {
  if (n.has(0) && !n.shape(0)) {
    FailureOr<Value> first = n.value(0);
    if (failed(first))
      return failure();
    if (Type element = n.type(*first).getElementType();
        isa<FloatType>(element) && n.constantNumber(0))
      return floatRange(n, element);
  }
  FailureOr<ShapeValue> start = n.needShape(0, "start");
  FailureOr<ShapeValue> limit = succeeded(start)
                                    ? n.needShape(1, "limit")
                                    : FailureOr<ShapeValue>(failure());
  FailureOr<SmallVector<int64_t>> delta =
      succeeded(limit) ? n.needIntegers(2, "delta")
                       : FailureOr<SmallVector<int64_t>>(failure());
  if (failed(delta))
    return failure();
  if (start->elements.size() != 1 || limit->elements.size() != 1 ||
      delta->size() != 1 || delta->front() == 0)
    return n.error() << "start, limit and delta must be scalars, delta not 0";
  std::optional<int64_t> first = graph::constantValue(start->elements[0]);
  int64_t step = delta->front();
  if (step == INT64_MIN)
    return n.error() << "delta is out of range";
  DimExprAttr length = graph::dimSub(limit->elements[0], start->elements[0]);
  if (step < 0)
    length = graph::dimMul(length, n.dim(-1));
  length = graph::dimCeilDiv(atLeastZero(n.importer.simplify(length)),
                             n.dim(std::abs(step)));
  Type element = n.b.getIntegerType(start->narrow ? 32 : 64);
  RankedTensorType type = graph::getTensorType(length, element);
  constexpr int64_t kExact = int64_t(1) << 31;
  if (!first && std::abs(step) <= kExact) {
    FailureOr<Value> begin = n.value(0);
    if (failed(begin))
      return failure();
    return finish(n, n.create<graph::AddOp>(
                         {iota(n, type, 0, step), n.reshape(*begin, {})}));
  }
  if (!first)
    return n.error() << "delta is out of range";
  if (std::abs(step) <= kExact && *first <= kExact && *first >= -kExact) {
    n.result(0, iota(n, type, *first, step));
    return success();
  }
  // Numbers that f64 may not hold: counted first.
  auto number = [&](int64_t v) -> Value {
    auto scalar = RankedTensorType::get({}, element);
    return graph::ConstantOp::create(
        n.b, n.loc, scalar,
        DenseElementsAttr::get(scalar,
                               APInt(64, v, /*isSigned=*/true)
                                   .trunc(element.getIntOrFloatBitWidth())));
  };
  FailureOr<Value> y =
      n.create<graph::MulOp>({iota(n, type, 0, 1), number(step)});
  if (succeeded(y))
    y = n.create<graph::AddOp>({*y, number(*first)});
  return finish(n, y);
}

static LogicalResult constantOfShape(NodeImport &n) {
  FailureOr<ShapeValue> shape = n.needShape(0, "the shape");
  if (failed(shape) || failed(checkShape(n, shape->elements)))
    return failure();
  Value one;
  if (const NodeAttribute *a = n.attribute("value")) {
    FailureOr<Value> v = n.importer.constant(a->t, n.loc);
    if (failed(v))
      return failure();
    one = n.reshape(*v, {});
  } else {
    one = n.scalar(n.b.getF32Type(), 0);
  }
  RankedTensorType type =
      graph::getTensorType(shape->elements, n.type(one).getElementType());
  n.result(0,
           type == one.getType()
               ? one
               : graph::BroadcastOp::create(n.b, n.loc, type, one).getResult());
  return success();
}

/// Trilu (14): keeps the triangle, by comparing row and column numbers.
static LogicalResult trilu(NodeImport &n) {
  FailureOr<Value> x = n.value(0);
  if (failed(x))
    return failure();
  SmallVector<int64_t> k{0};
  if (n.has(1)) {
    FailureOr<SmallVector<int64_t>> v = n.needIntegers(1, "k");
    if (failed(v))
      return failure();
    if (v->size() != 1)
      return n.error() << "k must be one number, found " << v->size();
    k = *v;
  }
  SmallVector<DimExprAttr> dims = n.dims(*x);
  if (dims.size() < 2)
    return n.error() << "the input must have rank 2 or more";
  bool upper = n.intAttr("upper", 1);
  RankedTensorType type = graph::getTensorType(
      ArrayRef<DimExprAttr>(dims).take_back(2), n.b.getI64Type());
  auto count = [&](int64_t axis, double start) {
    return graph::IotaOp::create(n.b, n.loc, type, n.b.getI64IntegerAttr(axis),
                                 n.b.getF64FloatAttr(start),
                                 n.b.getF64FloatAttr(1))
        .getResult();
  };
  FailureOr<Value> keep = n.create<graph::CompareOp>(
      {count(1, 0), count(0, static_cast<double>(k.front()))},
      n.named("predicate",
              graph::ComparePredicateAttr::get(
                  n.b.getContext(), upper ? graph::ComparePredicate::ge
                                          : graph::ComparePredicate::le)));
  if (failed(keep))
    return failure();
  return finish(n, n.create<graph::SelectOp>(
                       {*keep, *x, n.scalar(n.type(*x).getElementType(), 0)}));
}

/// Shape and Size are shape arithmetic; this is never called for them.
static LogicalResult shapeOnly(NodeImport &n) {
  return n.error() << "internal: shape arithmetic did not take the node";
}

static LogicalResult constant(NodeImport &n) {
  const NodeAttribute *a = nullptr;
  Tensor tensor;
  if ((a = n.attribute("value"))) {
    tensor = a->t;
  } else if ((a = n.attribute("value_int"))) {
    tensor.type = 7;
    tensor.ints = {a->i};
  } else if ((a = n.attribute("value_float"))) {
    tensor.type = 1;
    tensor.floats = {a->f};
  } else if ((a = n.attribute("value_ints"))) {
    tensor.type = 7;
    tensor.ints = a->ints;
    tensor.dims = {static_cast<int64_t>(a->ints.size())};
  } else if ((a = n.attribute("value_floats"))) {
    tensor.type = 1;
    tensor.floats = a->floats;
    tensor.dims = {static_cast<int64_t>(a->floats.size())};
  } else {
    return n.error() << "expected a tensor, number or numbers; strings and "
                        "sparse tensors are "
                        "not supported";
  }
  if (std::optional<ShapeValue> shape = n.importer.shapeOf(tensor)) {
    n.result(0, *shape);
    if (tensor.type == 7)
      return success();
  }
  return finish(n, n.importer.constant(tensor, n.loc));
}

void addMovement(ImportTable &table) {
  table["Constant"] = constant;
  table["Reshape"] = reshape;
  table["Flatten"] = flatten;
  table["Squeeze"] = squeeze;
  table["Unsqueeze"] = unsqueeze;
  table["Transpose"] = transpose;
  table["Expand"] = expand;
  table["Concat"] = concat;
  table["Slice"] = slice;
  table["Split"] = split;
  table["Gather"] = gather;
  table["GatherElements"] = gatherElements;
  table["Pad"] = pad;
  table["Range"] = range;
  table["ConstantOfShape"] = constantOfShape;
  table["Trilu"] = trilu;
  table["Shape"] = shapeOnly;
  table["Size"] = shapeOnly;
}

} // namespace actnet::onnx
