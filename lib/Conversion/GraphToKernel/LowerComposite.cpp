//===- LowerComposite.cpp - reductions, softmax, norms, attention ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows: reductions over trailing dims with elementwise work between them, all
// in one kernel. Narrow floats are computed in f32.
//
//===----------------------------------------------------------------------===//

#include "BodyBuilder.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;

namespace actnet {

using graph::DimExprAttr;
using graph::ReduceKind;
using utils::IteratorType;

namespace {

/// Reductions over some dims of one iteration space.
class Rows {
public:
  Rows(BodyBuilder &body, Operation *op, Value x, ArrayRef<int64_t> reduced)
      : body(body), op(op), x(x), context(op->getContext()),
        space(body.dimsOf(x)) {
    storage = cast<RankedTensorType>(x.getType()).getElementType();
    type = storage;
    if (isa<FloatType>(storage) && storage.getIntOrFloatBitWidth() < 32)
      type = Float32Type::get(context);
    iterators.assign(space.size(), IteratorType::parallel);
    for (int64_t d : reduced)
      iterators[d] = IteratorType::reduction;
    SmallVector<AffineExpr> exprs;
    for (auto [i, iterator] : llvm::enumerate(iterators))
      if (iterator == IteratorType::parallel) {
        rowDims.push_back(space[i]);
        exprs.push_back(getAffineDimExpr(i, context));
      }
    rowMap = AffineMap::get(space.size(), 0, exprs, context);
    identity = AffineMap::getMultiDimIdentityMap(space.size(), context);
    this->reduced.assign(reduced.begin(), reduced.end());
  }

  BodyBuilder &body;
  Operation *op;
  Value x;
  MLIRContext *context;
  SmallVector<DimExprAttr> space, rowDims;
  SmallVector<int64_t> reduced;
  SmallVector<IteratorType> iterators;
  AffineMap rowMap, identity;
  Type storage, type;

  Value widen(OpBuilder &b, Location loc, Value v) {
    return v.getType() == type
               ? v
               : arith::ExtFOp::create(b, loc, type, v).getResult();
  }
  Value narrow(OpBuilder &b, Location loc, Value v) {
    return v.getType() == storage
               ? v
               : arith::TruncFOp::create(b, loc, storage, v).getResult();
  }
  Value c(OpBuilder &b, double value) { return body.constant(b, type, value); }

  /// Reduces element(x, rows…) with combine.
  Value reduce(
      Value input, ArrayRef<Value> rows, double init, ScalarBody element,
      llvm::function_ref<Value(OpBuilder &, Location, Value, Value)> combine) {
    SmallVector<Value> inputs{input};
    SmallVector<AffineMap> maps{identity};
    for (Value row : rows) {
      inputs.push_back(row);
      maps.push_back(rowMap);
    }
    maps.push_back(rowMap);
    return body.reduce(rowDims, type, init, inputs, maps, iterators,
                       [&](OpBuilder &b, Location loc, ValueRange args) {
                         SmallVector<Value> wide;
                         for (Value arg : args.drop_back())
                           wide.push_back(widen(b, loc, arg));
                         return combine(b, loc, args.back(),
                                        element(b, loc, wide));
                       });
  }

  Value sum(Value input, ArrayRef<Value> rows, ScalarBody element) {
    return reduce(input, rows, 0, element,
                  [](OpBuilder &b, Location loc, Value acc, Value v) {
                    return arith::AddFOp::create(b, loc, acc, v).getResult();
                  });
  }

  Value max(Value input) {
    return reduce(
        input, {}, -INFINITY,
        [](OpBuilder &, Location, ValueRange args) { return args[0]; },
        [](OpBuilder &b, Location loc, Value acc, Value v) {
          return arith::MaximumFOp::create(b, loc, acc, v).getResult();
        });
  }

  /// Elementwise over the whole space, of the input, rows and broadcast
  /// parameters.
  Value map(Type result, ArrayRef<Value> inputs, ArrayRef<Value> rows,
            ArrayRef<Value> parameters, ScalarBody element) {
    SmallVector<Value> all(inputs);
    SmallVector<AffineMap> maps(inputs.size(), identity);
    for (Value row : rows) {
      all.push_back(row);
      maps.push_back(rowMap);
    }
    for (Value p : parameters) {
      all.push_back(p);
      maps.push_back(body.broadcastMap(body.dimsOf(p), space));
    }
    return body.map(space, result, all, maps,
                    [&](OpBuilder &b, Location loc, ValueRange args) {
                      SmallVector<Value> wide;
                      for (Value arg : args)
                        wide.push_back(widen(b, loc, arg));
                      Value y = element(b, loc, wide);
                      return result == storage ? narrow(b, loc, y) : y;
                    });
  }

  /// The number of reduced elements as a float.
  Value count(OpBuilder &b, Location loc) {
    DimExprAttr product = graph::dimConstant(context, 1);
    for (int64_t d : reduced)
      product = graph::dimMul(product, space[d]);
    if (std::optional<int64_t> n = graph::constantValue(product))
      return c(b, static_cast<double>(*n));
    Value n =
        arith::IndexCastOp::create(b, loc, b.getI64Type(), body.dim(product));
    return arith::SIToFPOp::create(b, loc, type, n);
  }
  /// Makes sure that a dynamic count has its argument before regions use it.
  void needCount() {
    DimExprAttr product = graph::dimConstant(context, 1);
    for (int64_t d : reduced)
      product = graph::dimMul(product, space[d]);
    body.dim(product);
  }
};

} // namespace

static Value lowerSoftmax(BodyBuilder &body, Operation *op, Value x,
                          int64_t axis, bool logarithm) {
  Rows rows(body, op, x, axis);
  Value max = rows.max(x);
  if (logarithm) {
    Value sum =
        rows.sum(x, max, [](OpBuilder &b, Location loc, ValueRange a) -> Value {
          return math::ExpOp::create(b, loc,
                                     arith::SubFOp::create(b, loc, a[0], a[1]));
        });
    return rows.map(rows.storage, x, {max, sum}, {},
                    [](OpBuilder &b, Location loc, ValueRange a) -> Value {
                      Value shifted = arith::SubFOp::create(b, loc, a[0], a[1]);
                      return arith::SubFOp::create(
                          b, loc, shifted, math::LogOp::create(b, loc, a[2]));
                    });
  }
  Value e = rows.map(rows.type, x, max, {},
                     [](OpBuilder &b, Location loc, ValueRange a) -> Value {
                       return math::ExpOp::create(
                           b, loc, arith::SubFOp::create(b, loc, a[0], a[1]));
                     });
  Value sum =
      rows.sum(e, {}, [](OpBuilder &, Location, ValueRange a) { return a[0]; });
  return rows.map(rows.storage, e, sum, {},
                  [](OpBuilder &b, Location loc, ValueRange a) -> Value {
                    return arith::DivFOp::create(b, loc, a[0], a[1]);
                  });
}

static SmallVector<int64_t> trailing(int64_t axis, int64_t rank) {
  return llvm::to_vector(llvm::seq<int64_t>(axis, rank));
}

static Value lowerLayerNorm(BodyBuilder &body, graph::LayerNormOp op) {
  Value x = body.get(op.getX());
  Rows rows(body, op, x, trailing(op.getAxis(), body.dimsOf(x).size()));
  rows.needCount();
  double epsilon = op.getEpsilon().convertToDouble();
  Value sum =
      rows.sum(x, {}, [](OpBuilder &, Location, ValueRange a) { return a[0]; });
  Value squares =
      rows.sum(x, sum, [&](OpBuilder &b, Location loc, ValueRange a) -> Value {
        Value mean = arith::DivFOp::create(b, loc, a[1], rows.count(b, loc));
        Value d = arith::SubFOp::create(b, loc, a[0], mean);
        return arith::MulFOp::create(b, loc, d, d);
      });
  SmallVector<Value> parameters;
  if (op.getScale())
    parameters.push_back(body.get(op.getScale()));
  if (op.getBias())
    parameters.push_back(body.get(op.getBias()));
  return rows.map(
      rows.storage, x, {sum, squares}, parameters,
      [&](OpBuilder &b, Location loc, ValueRange a) -> Value {
        Value n = rows.count(b, loc);
        Value mean = arith::DivFOp::create(b, loc, a[1], n);
        Value variance = arith::DivFOp::create(b, loc, a[2], n);
        Value sigma = math::SqrtOp::create(
            b, loc,
            arith::AddFOp::create(b, loc, variance, rows.c(b, epsilon)));
        Value inverse = arith::DivFOp::create(b, loc, rows.c(b, 1), sigma);
        Value y = arith::MulFOp::create(
            b, loc, arith::SubFOp::create(b, loc, a[0], mean), inverse);
        unsigned next = 3;
        if (op.getScale())
          y = arith::MulFOp::create(b, loc, y, a[next++]);
        if (op.getBias())
          y = arith::AddFOp::create(b, loc, y, a[next]);
        return y;
      });
}

static Value lowerRmsNorm(BodyBuilder &body, graph::RmsNormOp op) {
  Value x = body.get(op.getX());
  Rows rows(body, op, x, trailing(op.getAxis(), body.dimsOf(x).size()));
  rows.needCount();
  double epsilon = op.getEpsilon().convertToDouble();
  Value squares =
      rows.sum(x, {}, [](OpBuilder &b, Location loc, ValueRange a) -> Value {
        return arith::MulFOp::create(b, loc, a[0], a[0]);
      });
  SmallVector<Value> parameters;
  if (op.getScale())
    parameters.push_back(body.get(op.getScale()));
  return rows.map(
      rows.storage, x, squares, parameters,
      [&](OpBuilder &b, Location loc, ValueRange a) -> Value {
        Value mean = arith::DivFOp::create(b, loc, a[1], rows.count(b, loc));
        Value root = math::SqrtOp::create(
            b, loc, arith::AddFOp::create(b, loc, mean, rows.c(b, epsilon)));
        Value y = arith::DivFOp::create(b, loc, a[0], root);
        return op.getScale()
                   ? arith::MulFOp::create(b, loc, y, a[2]).getResult()
                   : y;
      });
}

static Value combineReduction(OpBuilder &b, Location loc, ReduceKind kind,
                              Value acc, Value v, bool isUnsigned) {
  bool isFloat = isa<FloatType>(v.getType());
  // true is the largest bool, but -1 as an integer of one bit.
  if (v.getType().isInteger(1) && kind == ReduceKind::max)
    kind = ReduceKind::any;
  if (v.getType().isInteger(1) && kind == ReduceKind::min)
    kind = ReduceKind::all;
  switch (kind) {
  case ReduceKind::max:
    if (isUnsigned)
      return arith::MaxUIOp::create(b, loc, acc, v);
    return isFloat ? arith::MaximumFOp::create(b, loc, acc, v).getResult()
                   : arith::MaxSIOp::create(b, loc, acc, v).getResult();
  case ReduceKind::min:
    if (isUnsigned)
      return arith::MinUIOp::create(b, loc, acc, v);
    return isFloat ? arith::MinimumFOp::create(b, loc, acc, v).getResult()
                   : arith::MinSIOp::create(b, loc, acc, v).getResult();
  case ReduceKind::prod:
    return isFloat ? arith::MulFOp::create(b, loc, acc, v).getResult()
                   : arith::MulIOp::create(b, loc, acc, v).getResult();
  case ReduceKind::any:
    return arith::OrIOp::create(b, loc, acc, v);
  case ReduceKind::all:
    return arith::AndIOp::create(b, loc, acc, v);
  default:
    return isFloat ? arith::AddFOp::create(b, loc, acc, v).getResult()
                   : arith::AddIOp::create(b, loc, acc, v).getResult();
  }
}

static double initialValue(ReduceKind kind) {
  switch (kind) {
  case ReduceKind::max:
    return -INFINITY;
  case ReduceKind::min:
    return INFINITY;
  case ReduceKind::prod:
  case ReduceKind::all:
    return 1;
  default:
    return 0;
  }
}

static Value lowerReduce(BodyBuilder &body, graph::ReduceOp op) {
  Value x = body.get(op.getX());
  ReduceKind kind = op.getKind();
  Rows rows(body, op, x, op.getDims());
  if (kind == ReduceKind::logsumexp) {
    AffineMap same =
        AffineMap::getMultiDimIdentityMap(rows.rowDims.size(), op.getContext());
    Value largest = rows.max(x);
    // An infinite maximum is not taken out: infinity less itself is no number.
    Value max = body.map(
        rows.rowDims, rows.type, largest, same,
        [&](OpBuilder &b, Location loc, ValueRange a) -> Value {
          Value infinite = arith::CmpFOp::create(
              b, loc, arith::CmpFPredicate::OEQ,
              math::AbsFOp::create(b, loc, a[0]), rows.c(b, INFINITY));
          return arith::SelectOp::create(b, loc, infinite, rows.c(b, 0), a[0]);
        });
    Value sum =
        rows.sum(x, max, [](OpBuilder &b, Location loc, ValueRange a) -> Value {
          return math::ExpOp::create(b, loc,
                                     arith::SubFOp::create(b, loc, a[0], a[1]));
        });
    return body.map(rows.rowDims, rows.storage, {max, sum}, {same, same},
                    [&](OpBuilder &b, Location loc, ValueRange a) -> Value {
                      Value log = math::LogOp::create(b, loc, a[1]);
                      return rows.narrow(
                          b, loc, arith::AddFOp::create(b, loc, a[0], log));
                    });
  }
  if (kind == ReduceKind::mean)
    rows.needCount();
  bool isUnsigned = cast<RankedTensorType>(op.getX().getType())
                        .getElementType()
                        .isUnsignedInteger();
  double initial = initialValue(kind);
  // What is least and most as bits without a sign.
  if (kind == ReduceKind::max && (isUnsigned || rows.storage.isInteger(1)))
    initial = 0;
  if (kind == ReduceKind::min && isUnsigned)
    initial = -1;
  Value y = rows.reduce(
      x, {}, initial,
      [&](OpBuilder &b, Location loc, ValueRange a) -> Value {
        bool isFloat = isa<FloatType>(a[0].getType());
        if (kind == ReduceKind::sumsq || kind == ReduceKind::l2)
          return isFloat
                     ? arith::MulFOp::create(b, loc, a[0], a[0]).getResult()
                     : arith::MulIOp::create(b, loc, a[0], a[0]).getResult();
        if (kind == ReduceKind::l1 && !isUnsigned)
          return isFloat ? math::AbsFOp::create(b, loc, a[0]).getResult()
                         : math::AbsIOp::create(b, loc, a[0]).getResult();
        return a[0];
      },
      [&](OpBuilder &b, Location loc, Value acc, Value v) {
        return combineReduction(b, loc, kind, acc, v, isUnsigned);
      });
  bool scaled = kind == ReduceKind::mean || kind == ReduceKind::l2;
  if (!scaled && rows.type == rows.storage)
    return y;
  AffineMap same =
      AffineMap::getMultiDimIdentityMap(rows.rowDims.size(), op.getContext());
  return body.map(rows.rowDims, rows.storage, y, same,
                  [&](OpBuilder &b, Location loc, ValueRange a) -> Value {
                    Value v = a[0];
                    if (kind == ReduceKind::mean)
                      v = arith::DivFOp::create(b, loc, v, rows.count(b, loc));
                    if (kind == ReduceKind::l2)
                      v = math::SqrtOp::create(b, loc, v);
                    return rows.narrow(b, loc, v);
                  });
}

/// Attention over the iteration dims (b, h, s, t, d, e).
static Value lowerAttention(BodyBuilder &body, graph::AttentionOp op) {
  MLIRContext *context = op.getContext();
  StringRef iteration = "bhstde";
  auto dimOf = [&](StringRef layout, Value v, char letter) {
    return body.dimsOf(v)[layout.find(letter)];
  };
  Value q = body.get(op.getQ()), k = body.get(op.getK()),
        v = body.get(op.getV());
  int64_t group = 1;
  if (op.getQLayout().contains('h')) {
    std::optional<int64_t> heads =
        graph::constantValue(dimOf(op.getQLayout(), q, 'h'));
    std::optional<int64_t> keyHeads =
        graph::constantValue(dimOf(op.getKLayout(), k, 'g'));
    if (heads && keyHeads && *keyHeads > 0)
      group = *heads / *keyHeads;
  }
  auto mapOf = [&](StringRef layout) {
    SmallVector<AffineExpr> exprs;
    for (char c : layout)
      if (c == 'g')
        exprs.push_back(getAffineDimExpr(1, context).floorDiv(group));
      else
        exprs.push_back(getAffineDimExpr(iteration.find(c), context));
    return AffineMap::get(6, 0, exprs, context);
  };
  SmallVector<AffineMap> maps{mapOf(op.getQLayout()), mapOf(op.getKLayout()),
                              mapOf(op.getVLayout())};
  Value mask;
  if (op.getMask()) {
    mask = body.get(op.getMask());
    // Broadcasts to b h s t, those of them that there are, aligned at the
    // right.
    std::string scores;
    for (char c : StringRef("bhst"))
      if (c == 't' || op.getQLayout().contains(c))
        scores += c;
    SmallVector<AffineExpr> exprs;
    ArrayRef<DimExprAttr> dims = body.dimsOf(mask);
    for (auto [i, dim] : llvm::enumerate(dims)) {
      char letter = scores[scores.size() - dims.size() + i];
      exprs.push_back(graph::constantValue(dim) == 1
                          ? getAffineConstantExpr(0, context)
                          : getAffineDimExpr(iteration.find(letter), context));
    }
    maps.push_back(AffineMap::get(6, 0, exprs, context));
  }
  maps.push_back(mapOf(op.getYLayout()));
  SmallVector<DimExprAttr> dims =
      graph::getDims(cast<RankedTensorType>(op.getType()));
  Value out =
      body.empty(dims, cast<RankedTensorType>(op.getType()).getElementType());
  Value y = kernel::AttentionOp::create(
      body.b, body.loc, out.getType(), q, k, v, mask, out,
      body.b.getAffineMapArrayAttr(maps), op.getScaleAttr(), op.getCausalAttr(),
      op.getGuardedAttr());
  body.remember(y, dims);
  return y;
}

LogicalResult lowerComposite(BodyBuilder &body, Operation *op) {
  Value y =
      TypeSwitch<Operation *, Value>(op)
          .Case<graph::SoftmaxOp>([&](graph::SoftmaxOp t) {
            return lowerSoftmax(body, op, body.get(t.getX()), t.getAxis(),
                                false);
          })
          .Case<graph::LogSoftmaxOp>([&](graph::LogSoftmaxOp t) {
            return lowerSoftmax(body, op, body.get(t.getX()), t.getAxis(),
                                true);
          })
          .Case<graph::LayerNormOp>(
              [&](auto t) { return lowerLayerNorm(body, t); })
          .Case<graph::RmsNormOp>([&](auto t) { return lowerRmsNorm(body, t); })
          .Case<graph::ReduceOp>([&](auto t) { return lowerReduce(body, t); })
          .Case<graph::AttentionOp>(
              [&](auto t) { return lowerAttention(body, t); })
          .Default([](Operation *) { return Value(); });
  if (!y)
    return op->emitError() << "'" << op->getName()
                           << "' has no kernel; decompose it first";
  body.define(op->getResult(0), y);
  return success();
}

} // namespace actnet
