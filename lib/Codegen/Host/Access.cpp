//===- Access.cpp - indices, addresses, loads and stores of lanes ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Codegen/Host/Emitter.h"

using namespace mlir;
using namespace actnet::host;

//===----------------------------------------------------------------------===//
// Indices
//===----------------------------------------------------------------------===//

Value Emitter::scalar(const Index &index) {
  if (index.vec)
    return extractLane(index.vec, 0);
  if (!index.base)
    return cst(index.offset);
  return add(index.base, index.offset);
}

Value Emitter::vector(const Index &index) {
  if (index.vec)
    return index.vec;
  Value base = broadcast(scalar(index), lanes());
  if (index.lane == 0)
    return base;
  SmallVector<int64_t> steps;
  for (unsigned l = 0; l < lanes(); ++l)
    steps.push_back(l * index.lane);
  Value numbers = arith::ConstantOp::create(
      b, loc,
      DenseElementsAttr::get(vec(b.getI64Type(), lanes()),
                             ArrayRef<int64_t>(steps)));
  return arith::AddIOp::create(b, loc, base, numbers);
}

Index Emitter::add(const Index &x, const Index &y) {
  Index sum;
  if (x.vec || y.vec) {
    sum.vec = arith::AddIOp::create(b, loc, vector(x), vector(y));
    return sum;
  }
  sum.base = !x.base ? y.base : !y.base ? x.base : add(x.base, y.base);
  sum.offset = x.offset + y.offset;
  sum.lane = x.lane + y.lane;
  return sum;
}

Index Emitter::mul(const Index &x, int64_t y) {
  Index product;
  if (y == 1)
    return x;
  if (y == 0)
    return product;
  if (x.vec) {
    product.vec =
        arith::MulIOp::create(b, loc, x.vec, cstInt(x.vec.getType(), y));
    return product;
  }
  if (x.base)
    product.base = mul(x.base, y);
  product.offset = x.offset * y;
  product.lane = x.lane * y;
  return product;
}

Index Emitter::affine(AffineExpr expr, ArrayRef<Index> dims) {
  if (auto dimExpr = dyn_cast<AffineDimExpr>(expr))
    return dims[dimExpr.getPosition()];
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return Index(constant.getValue());
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary) {
    fail(kernel, "a map with symbols", b.getI64Type());
    return {};
  }
  Index x = affine(binary.getLHS(), dims), y = affine(binary.getRHS(), dims);
  if (expr.getKind() == AffineExprKind::Add)
    return add(x, y);
  if (expr.getKind() == AffineExprKind::Mul) {
    if (y.isConstant())
      return mul(x, y.offset);
    if (x.isConstant())
      return mul(y, x.offset);
    if (x.isUniform() && y.isUniform())
      return Index(mul(scalar(x), scalar(y)));
    Index product;
    product.vec = arith::MulIOp::create(b, loc, vector(x), vector(y));
    return product;
  }
  // Indices are not negative here: unsigned division is floor division.
  if (x.isUniform() && y.isUniform()) {
    Value n = scalar(x), d = scalar(y);
    switch (expr.getKind()) {
    case AffineExprKind::FloorDiv:
      return Index(floorDiv(n, d));
    case AffineExprKind::CeilDiv:
      return Index(ceilDiv(n, d));
    default:
      return Index(mod(n, d));
    }
  }
  Value n = vector(x), d = vector(y);
  Index out;
  if (expr.getKind() == AffineExprKind::Mod) {
    out.vec = arith::RemUIOp::create(b, loc, n, d);
    return out;
  }
  if (expr.getKind() == AffineExprKind::CeilDiv) {
    Value one = cstInt(n.getType(), 1);
    n = arith::AddIOp::create(
        b, loc, n, arith::SubIOp::create(b, loc, d, one).getResult());
  }
  out.vec = arith::DivUIOp::create(b, loc, n, d);
  return out;
}

SmallVector<Index> Emitter::map(AffineMap map, ArrayRef<Index> dims) {
  SmallVector<Index> out;
  for (AffineExpr expr : map.getResults())
    out.push_back(affine(expr, dims));
  return out;
}

//===----------------------------------------------------------------------===//
// Loads and stores
//===----------------------------------------------------------------------===//

/// The sum of indices times strides. Lanes whose step is not a constant end
/// up in `laneStride` (elements from lane to lane).
Index Emitter::linear(ArrayRef<Value> strides, ArrayRef<Index> at,
                      Value &laneStride) {
  Index sum;
  for (auto [stride, index] : llvm::zip_equal(strides, at)) {
    if (auto constant = constantOf(stride)) {
      sum = add(sum, mul(index, *constant));
      continue;
    }
    if (index.vec) {
      Index part;
      part.vec =
          arith::MulIOp::create(b, loc, index.vec, broadcast(stride, lanes()));
      sum = add(sum, part);
      continue;
    }
    if (index.base || index.offset)
      sum = add(sum, Index(mul(scalar(index), stride)));
    if (index.lane) {
      Value step = mul(stride, index.lane);
      laneStride = laneStride ? add(laneStride, step) : step;
    }
  }
  if (laneStride && sum.vec) {
    Index part;
    part.vec = arith::MulIOp::create(b, loc, iota(lanes()),
                                     broadcast(laneStride, lanes()));
    sum = add(sum, part);
    laneStride = {};
  }
  if (laneStride && sum.lane) {
    laneStride = add(laneStride, sum.lane);
    sum.lane = 0;
  }
  return sum;
}

/// Loads lane by lane where the mask says so: no lane is known to be on.
Value Emitter::gatherLanes(Value pointer, Type element,
                           function_ref<Value(unsigned)> offset) {
  unsigned width = lanes();
  Type type = computeType(element);
  Value value = zero(vec(type, width));
  for (unsigned l = 0; l < width; ++l) {
    Value from = address(pointer, element, offset(l));
    Value one = select(
        extractLane(mask(), l), type,
        [&] { return Values{load(element, from)}; },
        [&] { return Values{zero(type)}; })[0];
    value = insertLane(value, one, l);
  }
  return value;
}

Value Emitter::loadAt(Value pointer, Type element, ArrayRef<Value> strides,
                      ArrayRef<Index> at) {
  Value laneStride;
  Index sum = linear(strides, at, laneStride);
  unsigned width = lanes();
  if (sum.vec) {
    Value numbers = sum.vec;
    if (mask() && laneState.anyLanes)
      return gatherLanes(pointer, element,
                         [&](unsigned l) { return extractLane(numbers, l); });
    // Lanes that are off may hold anything: they read what lane 0 reads.
    if (mask())
      numbers = arith::SelectOp::create(
          b, loc, mask(), numbers, broadcast(extractLane(numbers, 0), width));
    Value value = zero(vec(computeType(element), width));
    for (unsigned l = 0; l < width; ++l)
      value = insertLane(
          value,
          load(element, address(pointer, element, extractLane(numbers, l))), l);
    return value;
  }
  Value base = address(pointer, element, sum.base, sum.offset);
  if (!laneStride && (sum.lane == 0 || width == 1))
    return load(element, base);
  if (!laneStride && sum.lane == 1)
    return load(element, base, width, mask());
  if (width == 1)
    return load(element, base);
  if (mask() && laneState.anyLanes)
    return gatherLanes(base, element, [&](unsigned l) {
      return laneStride ? mul(laneStride, l) : cst(sum.lane * l);
    });
  Value value = zero(vec(computeType(element), width));
  for (unsigned l = 0; l < width; ++l) {
    Value from = base;
    if (l > 0) {
      Value step = laneStride ? mul(laneStride, l) : cst(sum.lane * l);
      if (mask())
        step = arith::SelectOp::create(b, loc, extractLane(mask(), l), step,
                                       cst(0));
      from = address(base, element, step);
    }
    value = insertLane(value, load(element, from), l);
  }
  return value;
}

Value Emitter::argAddress(unsigned i, ArrayRef<Index> at) {
  Value laneStride;
  Index sum = linear(argStrides(i), at, laneStride);
  Type element = getElementTypeOrSelf(kernel.getArgumentTypes()[i]);
  return address(argPointer(i), element, sum.base, sum.offset);
}

Value Emitter::resultAddress(unsigned i, ArrayRef<Index> at) {
  Value laneStride;
  Index sum = linear(resultStrides(i), at, laneStride);
  Type element = getElementTypeOrSelf(kernel.getResultTypes()[i]);
  return address(resultPointer(i), element, sum.base, sum.offset);
}

void Emitter::store(unsigned result, ArrayRef<Index> at, Value value) {
  Type element = getElementTypeOrSelf(kernel.getResultTypes()[result]);
  Value laneStride;
  Index sum = linear(resultStrides(result), at, laneStride);
  if (sum.vec) {
    fail(kernel, "a result is written at indices that are no sequence",
         element);
    return;
  }
  Value to = address(resultPointer(result), element, sum.base, sum.offset);
  unsigned width = lanes();
  if (!laneStride && sum.lane == 0) {
    storeRaw(element, value, to);
    return;
  }
  if (width == 1) {
    storeRaw(element, value, to);
    return;
  }
  value = broadcast(value, width);
  if (!laneStride && sum.lane == 1) {
    storeRaw(element, value, to, mask());
    return;
  }
  for (unsigned l = 0; l < width; ++l) {
    auto one = [&] {
      Value step = laneStride ? mul(laneStride, l) : cst(sum.lane * l);
      storeRaw(element, extractLane(value, l), address(to, element, step));
    };
    if (mask() && l > 0)
      ifThen(extractLane(mask(), l), one);
    else
      one();
  }
}

void Emitter::storeResults(ArrayRef<Index> at) {
  // All values before the first store: a result may lie over an operand.
  Values values;
  for (unsigned i = 0; i < kernel.getResultTypes().size(); ++i)
    values.push_back(element(yielded(i), at));
  for (auto [i, value] : llvm::enumerate(values))
    store(i, at, value);
}
