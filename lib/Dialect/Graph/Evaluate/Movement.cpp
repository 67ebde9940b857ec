//===- Movement.cpp - evaluating data movement ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"
#include "Kernels.h"
#include "Strided.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace actnet::graph;
using namespace actnet::graph::eval;

/// Values of dim expressions; failure, with an error, where one has none.
static FailureOr<SmallVector<int64_t>> valuesOf(const Call &call,
                                                DimsAttr exprs) {
  SmallVector<int64_t> values;
  for (DimExprAttr expr : exprs.getDims()) {
    auto value =
        dimEvaluate(expr, [&](StringRef name) -> std::optional<int64_t> {
          auto it = call.dims.find(name);
          return it == call.dims.end() ? std::nullopt
                                       : std::optional<int64_t>(it->second);
        });
    if (!value)
      return call.error() << "dim '" << toString(expr) << "' has no value";
    values.push_back(*value);
  }
  return values;
}

static HostTensor reshape(const Call &call) {
  const HostTensor &x = call.operands[0];
  return HostTensor::borrow(call.elementType, call.shape, x.data, x.owner);
}

static HostTensor broadcast(const Call &call) {
  HostTensor result = call.allocate();
  const HostTensor &x = call.operands[0];
  copyStrided(call.shape, result.mutableData(), stridesOf(call.shape), x.data,
              broadcastStrides(x.shape, call.shape),
              getElementBytes(x.elementType));
  return result;
}

static Result slice(const Call &call, SliceOp op) {
  const HostTensor &x = call.operands[0];
  FailureOr<SmallVector<int64_t>> starts = valuesOf(call, op.getStarts());
  if (failed(starts))
    return failure();
  SmallVector<int64_t> strides = stridesOf(x.shape);
  int64_t offset = 0;
  for (size_t i = 0; i < strides.size(); ++i) {
    int64_t first = (*starts)[i];
    int64_t last = first + (call.shape[i] - 1) * op.getSteps()[i];
    if (call.shape[i] > 0 &&
        (std::min(first, last) < 0 || std::max(first, last) >= x.shape[i]))
      return call.error() << "C3: the part from " << first << " to " << last
                          << " lies outside dim " << i << ", which is "
                          << x.shape[i];
    offset += first * strides[i];
    strides[i] *= op.getSteps()[i];
  }
  HostTensor result = call.allocate();
  int64_t bytes = getElementBytes(x.elementType);
  copyStrided(call.shape, result.mutableData(), stridesOf(call.shape),
              x.data + offset * bytes, strides, bytes);
  return result;
}

/// The index in [0, extent) that a padded index reads; -1 for the constant.
static int64_t sourceIndex(PadMode mode, int64_t index, int64_t extent) {
  if (index >= 0 && index < extent)
    return index;
  switch (mode) {
  case PadMode::constant:
    return -1;
  case PadMode::edge:
    return index < 0 ? 0 : extent - 1;
  case PadMode::reflect:
    return index < 0 ? -index : 2 * (extent - 1) - index;
  case PadMode::wrap:
    return index < 0 ? index + extent : index - extent;
  }
  return -1;
}

static HostTensor pad(const Call &call, PadOp op) {
  const HostTensor &x = call.operands[0];
  HostTensor result = call.allocate();
  int64_t bytes = getElementBytes(x.elementType), rank = x.shape.size();
  HostTensor fill = HostTensor::allocate(x.elementType, {1});
  double value = op.getValue().convertToDouble();
  store(fill, 0, 1, &value);
  SmallVector<SmallVector<int64_t>> source(rank);
  for (int64_t dim = 0; dim < rank; ++dim)
    for (int64_t i = 0; i < call.shape[dim]; ++i)
      source[dim].push_back(
          sourceIndex(op.getMode(), i - op.getLow()[dim], x.shape[dim]));
  SmallVector<int64_t> strides = stridesOf(x.shape), index(rank, 0);
  for (int64_t at = 0, e = result.getNumElements(); at < e; ++at) {
    int64_t offset = 0;
    bool isInside = true;
    for (int64_t dim = 0; dim < rank; ++dim) {
      int64_t from = source[dim][index[dim]];
      isInside &= from >= 0;
      offset += from * strides[dim];
    }
    std::memcpy(result.mutableData() + at * bytes,
                isInside ? x.data + offset * bytes : fill.data, bytes);
    for (int64_t dim = rank; dim-- > 0;) {
      if (++index[dim] < call.shape[dim])
        break;
      index[dim] = 0;
    }
  }
  return result;
}

static HostTensor concat(const Call &call, int64_t axis) {
  HostTensor result = call.allocate();
  SmallVector<int64_t> strides = stridesOf(call.shape);
  int64_t bytes = getElementBytes(call.elementType), start = 0;
  for (const HostTensor &part : call.operands) {
    copyStrided(part.shape,
                result.mutableData() + start * strides[axis] * bytes, strides,
                part.data, stridesOf(part.shape), bytes);
    start += part.shape[axis];
  }
  return result;
}

static HostTensor gather(const Call &call, int64_t axis) {
  const HostTensor &data = call.operands[0], &indices = call.operands[1];
  HostTensor result = call.allocate();
  std::vector<int64_t> at(indices.getNumElements());
  load(indices, 0, 1, at.size(), at.data());
  int64_t extent = data.shape[axis], outer = 1;
  int64_t inner = getElementBytes(data.elementType);
  for (int64_t i = 0; i < axis; ++i)
    outer *= data.shape[i];
  for (size_t i = axis + 1; i < data.shape.size(); ++i)
    inner *= data.shape[i];
  char *out = result.mutableData();
  if (extent == 0 || inner == 0)
    return result;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t index : at) {
      int64_t from = std::clamp<int64_t>(index < 0 ? index + extent : index, 0,
                                         extent - 1);
      std::memcpy(out, data.data + (o * extent + from) * inner, inner);
      out += inner;
    }
  return result;
}

static HostTensor gatherElements(const Call &call, int64_t axis) {
  const HostTensor &data = call.operands[0], &indices = call.operands[1];
  HostTensor result = call.allocate();
  std::vector<int64_t> at(indices.getNumElements());
  load(indices, 0, 1, at.size(), at.data());
  int64_t bytes = getElementBytes(data.elementType), extent = data.shape[axis];
  if (extent == 0)
    return result;
  SmallVector<int64_t> strides = stridesOf(data.shape);
  SmallVector<int64_t> position(call.shape.size(), 0);
  for (size_t i = 0; i < at.size(); ++i) {
    int64_t index =
        std::clamp<int64_t>(at[i] < 0 ? at[i] + extent : at[i], 0, extent - 1);
    int64_t offset = index * strides[axis];
    for (size_t dim = 0; dim < position.size(); ++dim)
      if (static_cast<int64_t>(dim) != axis)
        offset += position[dim] * strides[dim];
    std::memcpy(result.mutableData() + i * bytes, data.data + offset * bytes,
                bytes);
    for (size_t dim = position.size(); dim-- > 0;) {
      if (++position[dim] < call.shape[dim])
        break;
      position[dim] = 0;
    }
  }
  return result;
}

static HostTensor iota(const Call &call, IotaOp op) {
  HostTensor result = call.allocate();
  int64_t axis = op.getAxis(), inner = 1;
  for (size_t i = axis + 1; i < call.shape.size(); ++i)
    inner *= call.shape[i];
  double start = op.getStart().convertToDouble(),
         step = op.getStep().convertToDouble();
  for (int64_t i = 0, e = result.getNumElements(); i < e; ++i) {
    double value = start + double(i / inner % call.shape[axis]) * step;
    store(result, i, 1, &value);
  }
  return result;
}

static HostTensor pack(const Call &call, int64_t axis, int64_t tile) {
  const HostTensor &x = call.operands[0];
  HostTensor result = call.allocate();
  int64_t bytes = getElementBytes(x.elementType);
  int64_t extent = x.shape[axis], full = extent / tile, rest = extent % tile;
  SmallVector<int64_t> out = stridesOf(call.shape), in = stridesOf(x.shape);
  // Loops: block, the other dims in their order, position within the block.
  SmallVector<int64_t> shape(call.shape), fromStrides{in[axis] * tile};
  for (size_t i = 0; i < x.shape.size(); ++i)
    if (static_cast<int64_t>(i) != axis)
      fromStrides.push_back(in[i]);
  fromStrides.push_back(in[axis]);
  shape.front() = full;
  copyStrided(shape, result.mutableData(), out, x.data, fromStrides, bytes);
  if (rest == 0)
    return result;
  char *last = result.mutableData() + full * out.front() * bytes;
  std::memset(last, 0, out.front() * bytes);
  shape.front() = 1;
  shape.back() = rest;
  copyStrided(shape, last, out, x.data + full * fromStrides.front() * bytes,
              fromStrides, bytes);
  return result;
}

static Result dimValue(const Call &call, DimValueOp op) {
  FailureOr<SmallVector<int64_t>> values = valuesOf(call, op.getDims());
  if (failed(values))
    return failure();
  HostTensor result = call.allocate();
  store(result, 0, values->size(), values->data());
  return result;
}

Result eval::evaluateMovement(const Call &call) {
  return TypeSwitch<Operation *, Result>(call.op)
      .Case<ReshapeOp, AssumeOp>([&](auto) { return reshape(call); })
      .Case<TransposeOp>([&](TransposeOp op) {
        return transposed(call.operands[0], op.getPerm());
      })
      .Case<BroadcastOp>([&](BroadcastOp) { return broadcast(call); })
      .Case<SliceOp>([&](SliceOp op) { return slice(call, op); })
      .Case<PadOp>([&](PadOp op) { return pad(call, op); })
      .Case<ConcatOp>([&](ConcatOp op) { return concat(call, op.getAxis()); })
      .Case<GatherOp>([&](GatherOp op) { return gather(call, op.getAxis()); })
      .Case<GatherElementsOp>([&](GatherElementsOp op) {
        return gatherElements(call, op.getAxis());
      })
      .Case<IotaOp>([&](IotaOp op) { return iota(call, op); })
      .Case<PackOp>(
          [&](PackOp op) { return pack(call, op.getAxis(), op.getTile()); })
      .Case<DimValueOp>([&](DimValueOp op) { return dimValue(call, op); })
      .Default([](Operation *) { return failure(); });
}
