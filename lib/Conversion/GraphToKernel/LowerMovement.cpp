//===- LowerMovement.cpp - data movement as indexing maps -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Movement costs no operation of its own in a body: it is the map through
// which an operand is read.
//
//===----------------------------------------------------------------------===//

#include "BodyBuilder.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace actnet {

using graph::DimExprAttr;

static SmallVector<DimExprAttr> resultDims(Operation *op) {
  return graph::getDims(cast<RankedTensorType>(op->getResult(0).getType()));
}
static Type elementType(Value v) {
  return signless(cast<RankedTensorType>(v.getType()).getElementType());
}

/// A map that reads x through `map` and changes nothing.
static Value copy(BodyBuilder &body, ArrayRef<DimExprAttr> dims, Value x,
                  AffineMap map) {
  return body.map(
      dims, elementType(x), x, map,
      [](OpBuilder &, Location, ValueRange args) { return args[0]; });
}

/// Backward from a start that is known at run time only: each element is read
/// at its position.
static Value lowerSliceAtPositions(BodyBuilder &body, graph::SliceOp op) {
  Value x = body.get(op.getX());
  SmallVector<Value> starts;
  for (DimExprAttr d : op.getStarts().getDims())
    starts.push_back(body.dim(d));
  return body.map(
      resultDims(op), elementType(x), {}, {},
      [&](OpBuilder &b, Location loc, ValueRange) -> Value {
        SmallVector<Value> position;
        for (auto [d, start, step] : llvm::enumerate(starts, op.getSteps())) {
          Value i = linalg::IndexOp::create(b, loc, d);
          Value distance = arith::MulIOp::create(
              b, loc, i, arith::ConstantIndexOp::create(b, loc, step));
          position.push_back(arith::AddIOp::create(b, loc, start, distance));
        }
        return tensor::ExtractOp::create(b, loc, x, position);
      });
}

/// Forward steps are a tensor.extract_slice; backward ones, which it does not
/// know, an indexing map behind it.
static Value lowerSlice(BodyBuilder &body, graph::SliceOp op) {
  MLIRContext *context = op.getContext();
  Value x = body.get(op.getX());
  SmallVector<DimExprAttr> dims = resultDims(op), forward(body.dimsOf(x));
  SmallVector<OpFoldResult> starts, sizes, steps;
  SmallVector<AffineExpr> backward;
  bool anyBackward = false;
  auto fold = [&](DimExprAttr d) -> OpFoldResult {
    if (std::optional<int64_t> value = graph::constantValue(d))
      return body.b.getIndexAttr(*value);
    return body.dim(d);
  };
  for (size_t i = 0; i < dims.size(); ++i) {
    int64_t step = op.getSteps()[i];
    std::optional<int64_t> start =
        graph::constantValue(op.getStarts().getDims()[i]);
    AffineExpr at = getAffineDimExpr(i, context);
    if (step < 0) {
      if (!start)
        return lowerSliceAtPositions(body, op);
      anyBackward = true;
      at = at * step + *start;
    } else {
      forward[i] = dims[i];
    }
    starts.push_back(step < 0 ? body.b.getIndexAttr(0)
                              : fold(op.getStarts().getDims()[i]));
    sizes.push_back(fold(forward[i]));
    steps.push_back(body.b.getIndexAttr(std::max<int64_t>(step, 1)));
    backward.push_back(at);
  }
  Value part =
      tensor::ExtractSliceOp::create(body.b, body.loc, x, starts, sizes, steps);
  if (!anyBackward)
    return part;
  body.remember(part, forward);
  return copy(body, dims, part,
              AffineMap::get(dims.size(), 0, backward, context));
}

/// An index below zero counts from the end; then it is clamped to the extent.
static Value boundedIndex(OpBuilder &b, Location loc, Value index,
                          Value extent) {
  Value zero = arith::ConstantIndexOp::create(b, loc, 0);
  Value one = arith::ConstantIndexOp::create(b, loc, 1);
  Value i = arith::IndexCastOp::create(b, loc, b.getIndexType(), index);
  Value negative =
      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, i, zero);
  i = arith::SelectOp::create(b, loc, negative,
                              arith::AddIOp::create(b, loc, i, extent), i);
  i = arith::MaxSIOp::create(b, loc, i, zero);
  return arith::MinSIOp::create(b, loc, i,
                                arith::SubIOp::create(b, loc, extent, one));
}

static Value lowerGather(BodyBuilder &body, graph::GatherOp op) {
  // A table in panels of rows is [rows / panel, columns, panel].
  Value panels = body.getPacked(op);
  Value data = panels ? panels : body.get(op.getData());
  Value indices = body.get(op.getIndices());
  SmallVector<DimExprAttr> dims = resultDims(op);
  SmallVector<DimExprAttr> dataDims =
      graph::getDims(cast<RankedTensorType>(op.getData().getType()));
  unsigned axis = op.getAxis(), indexRank = body.dimsOf(indices).size();
  SmallVector<AffineExpr> exprs;
  for (unsigned i = 0; i < indexRank; ++i)
    exprs.push_back(getAffineDimExpr(axis + i, op.getContext()));
  Value extent = body.dim(dataDims[axis]);
  return body.map(
      dims, elementType(data), indices,
      AffineMap::get(dims.size(), 0, exprs, op.getContext()),
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Value i = boundedIndex(b, loc, args[0], extent);
        SmallVector<Value> position;
        for (unsigned d = 0; d < dataDims.size(); ++d)
          position.push_back(d == axis
                                 ? i
                                 : linalg::IndexOp::create(
                                       b, loc, d < axis ? d : d + indexRank - 1)
                                       .getResult());
        if (panels) {
          int64_t panel =
              cast<RankedTensorType>(panels.getType()).getShape().back();
          Value size = arith::ConstantIndexOp::create(b, loc, panel);
          position[0] = arith::DivUIOp::create(b, loc, i, size);
          position.push_back(arith::RemUIOp::create(b, loc, i, size));
        }
        return tensor::ExtractOp::create(b, loc, data, position);
      });
}

static Value lowerGatherElements(BodyBuilder &body,
                                 graph::GatherElementsOp op) {
  Value data = body.get(op.getData());
  Value indices = body.get(op.getIndices());
  SmallVector<DimExprAttr> dims = resultDims(op);
  int64_t axis = op.getAxis(), rank = dims.size();
  Value extent = body.dim(body.dimsOf(data)[axis]);
  return body.map(dims, elementType(data), indices,
                  AffineMap::getMultiDimIdentityMap(rank, op.getContext()),
                  [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                    SmallVector<Value> position;
                    for (int64_t d = 0; d < rank; ++d)
                      position.push_back(
                          d == axis
                              ? boundedIndex(b, loc, args[0], extent)
                              : linalg::IndexOp::create(b, loc, d).getResult());
                    return tensor::ExtractOp::create(b, loc, data, position);
                  });
}

static Value lowerIota(BodyBuilder &body, graph::IotaOp op) {
  Type type = elementType(op);
  return body.map(
      resultDims(op), type, {}, {},
      [&](OpBuilder &b, Location loc, ValueRange) -> Value {
        Value i = linalg::IndexOp::create(b, loc, op.getAxis());
        double start = op.getStart().convertToDouble(),
               step = op.getStep().convertToDouble();
        if (isa<FloatType>(type)) {
          Value wide = arith::IndexCastOp::create(b, loc, b.getI32Type(), i);
          Value x = arith::SIToFPOp::create(b, loc, type, wide);
          x = arith::MulFOp::create(b, loc, x, body.constant(b, type, step));
          return arith::AddFOp::create(b, loc, x,
                                       body.constant(b, type, start));
        }
        Value x = arith::IndexCastOp::create(b, loc, type, i);
        x = arith::MulIOp::create(b, loc, x, body.constant(b, type, step));
        return arith::AddIOp::create(b, loc, x, body.constant(b, type, start));
      });
}

static Value lowerDimValue(BodyBuilder &body, graph::DimValueOp op) {
  SmallVector<DimExprAttr> dims = resultDims(op);
  SmallVector<Value> values;
  for (DimExprAttr d : op.getDims().getDims())
    values.push_back(body.dim(d));
  return body.map(
      dims, elementType(op), {}, {},
      [&](OpBuilder &b, Location loc, ValueRange) -> Value {
        Value chosen = values[0];
        for (unsigned k = 1; k < values.size(); ++k) {
          Value i = linalg::IndexOp::create(b, loc, 0);
          Value here =
              arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, i,
                                    arith::ConstantIndexOp::create(b, loc, k));
          chosen = arith::SelectOp::create(b, loc, here, values[k], chosen);
        }
        return arith::IndexCastOp::create(b, loc, elementType(op), chosen);
      });
}

static Value lowerPack(BodyBuilder &body, graph::PackOp op) {
  Value x = body.get(op.getX());
  SmallVector<DimExprAttr> in(body.dimsOf(x)), dims = resultDims(op);
  MLIRContext *context = op.getContext();
  int64_t tile = op.getTile(), axis = op.getAxis();
  std::optional<int64_t> extent = graph::constantValue(in[axis]);
  if (!extent || *extent % tile != 0) {
    // Up to a full block of zeros; a dynamic extent is padded by tile - 1,
    // which the last block never reads past.
    SmallVector<int64_t> low(in.size(), 0), high(in.size(), 0);
    high[axis] = extent ? tile - *extent % tile : tile - 1;
    in[axis] = graph::dimAdd(in[axis], graph::dimConstant(context, high[axis]));
    x = body.pad(x, low, high, 0, in);
  }
  // Result dims: block, the others in order, place in the block.
  SmallVector<AffineExpr> exprs;
  unsigned next = 1;
  for (int64_t i = 0, e = in.size(); i < e; ++i)
    if (i == axis)
      exprs.push_back(getAffineDimExpr(0, context) * tile +
                      getAffineDimExpr(e, context));
    else
      exprs.push_back(getAffineDimExpr(next++, context));
  return copy(body, dims, x, AffineMap::get(dims.size(), 0, exprs, context));
}

LogicalResult lowerMovement(BodyBuilder &body, Operation *op) {
  if (auto pad = dyn_cast<graph::PadOp>(op);
      pad && pad.getMode() != graph::PadMode::constant)
    return op->emitError() << "'graph.pad' has no kernel in mode "
                           << graph::stringifyPadMode(pad.getMode())
                           << " over a dim of dynamic extent";
  Value y =
      TypeSwitch<Operation *, Value>(op)
          .Case<graph::TransposeOp>([&](graph::TransposeOp t) {
            SmallVector<AffineExpr> exprs(t.getPerm().size());
            for (auto [i, p] : llvm::enumerate(t.getPerm()))
              exprs[p] = getAffineDimExpr(i, op->getContext());
            return copy(
                body, resultDims(op), body.get(t.getX()),
                AffineMap::get(exprs.size(), 0, exprs, op->getContext()));
          })
          .Case<graph::BroadcastOp>([&](graph::BroadcastOp t) {
            Value x = body.get(t.getX());
            SmallVector<DimExprAttr> dims = resultDims(op);
            return copy(body, dims, x, body.broadcastMap(body.dimsOf(x), dims));
          })
          .Case<graph::PadOp>([&](graph::PadOp t) -> Value {
            return body.pad(
                body.get(t.getX()), t.getLow(), t.getHigh(),
                t.getValue().convertToDouble(), resultDims(op),
                cast<RankedTensorType>(t.getX().getType()).getElementType());
          })
          .Case<graph::SliceOp>([&](auto t) { return lowerSlice(body, t); })
          .Case<graph::GatherOp>([&](auto t) { return lowerGather(body, t); })
          .Case<graph::GatherElementsOp>(
              [&](auto t) { return lowerGatherElements(body, t); })
          .Case<graph::IotaOp>([&](auto t) { return lowerIota(body, t); })
          .Case<graph::DimValueOp>(
              [&](auto t) { return lowerDimValue(body, t); })
          .Case<graph::PackOp>([&](auto t) { return lowerPack(body, t); })
          .Default([](Operation *) { return Value(); });
  if (!y)
    return op->emitError() << "'" << op->getName()
                           << "' has no kernel in this form";
  body.remember(y, resultDims(op));
  body.define(op->getResult(0), y);
  return success();
}

} // namespace actnet
