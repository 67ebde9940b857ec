//===- LowerContract.cpp - einsum, convolution, pooling -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The roots of the contract, conv, depthwise and pool families, as one generic
// each. For the host the right operand comes packed by 16 columns, for cuda
// with the columns last.
//
//===----------------------------------------------------------------------===//

#include "BodyBuilder.h"
#include "Layout.h"

#include "actnet/Dialect/Graph/IR/Contract.h"
#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include <cmath>

using namespace mlir;

namespace actnet {

using graph::DimExprAttr;
using utils::IteratorType;

/// Columns a panel of a packed right operand, in elements.
static constexpr int64_t kPanel = 16;

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

bool isDepthwise(graph::ConvOp op) {
  RankedTensorType filter = typeOf(op.getFilter());
  int64_t out = filter.getDimSize(op.getFilterLayout().find('o'));
  return op.getGroups() > 1 &&
         filter.getDimSize(op.getFilterLayout().find('i')) == 1 &&
         out == static_cast<int64_t>(op.getGroups());
}

bool isPointwise(graph::ConvOp op) {
  if (op.getGroups() != 1)
    return false;
  for (auto [letter, size] :
       llvm::zip(op.getFilterLayout(), typeOf(op.getFilter()).getShape()))
    if (letter != 'o' && letter != 'i' && size != 1)
      return false;
  return llvm::all_of(op.getStrides(), [](int64_t s) { return s == 1; }) &&
         llvm::all_of(op.getPadding(), [](int64_t p) { return p == 0; });
}

int packedOperandIndex(Operation *op, KernelTarget target) {
  // After graph-layout, einsums have their columns last already.
  if (isa<graph::EinsumOp>(op))
    return target == KernelTarget::host ? 1 : -1;
  return isa<graph::ConvOp>(op) ? 1 : -1;
}

/// A filter for cuda: output channels last.
static Value createDenseFilter(OpBuilder &b, graph::ConvOp conv, Value operand,
                               StringRef spatial) {
  Location loc = conv.getLoc();
  auto arranged = [&](std::string layout) {
    return createTranspose(
        b, loc, operand,
        *graph::layoutPositions(conv.getFilterLayout(), layout));
  };
  if (conv.getGroups() == 1) {
    Value f = arranged((spatial + "io").str());
    SmallVector<DimExprAttr> all = graph::getDims(typeOf(f));
    return isPointwise(conv)
               ? createReshape(b, loc, f, ArrayRef(all).take_back(2))
               : f;
  }
  // (g o) … i -> g, o, …, i -> g, …, i, o.
  Value f = arranged(("o" + spatial + "i").str());
  SmallVector<DimExprAttr> all = graph::getDims(typeOf(f));
  DimExprAttr groups = graph::dimConstant(b.getContext(), conv.getGroups());
  all[0] = graph::dimFloorDiv(all[0], groups);
  all.insert(all.begin(), groups);
  f = createReshape(b, loc, f, all);
  SmallVector<int64_t> perm =
      llvm::to_vector(llvm::seq<int64_t>(0, all.size()));
  std::rotate(perm.begin() + 1, perm.begin() + 2, perm.end());
  return createTranspose(b, loc, f, perm);
}

Value createPackedOperand(OpBuilder &b, Operation *op, Value operand,
                          KernelTarget target) {
  Location loc = op->getLoc();
  if (isa<graph::EinsumOp>(op))
    return graph::PackOp::create(b, loc, operand, typeOf(operand).getRank() - 1,
                                 kPanel);
  auto conv = cast<graph::ConvOp>(op);
  std::string spatial =
      graph::spatialLetters(conv.getFilterLayout().size() - 2).str();
  if (isDepthwise(conv)) {
    Value f = createTranspose(
        b, loc, operand,
        *graph::layoutPositions(conv.getFilterLayout(), spatial + "io"));
    SmallVector<DimExprAttr> all = graph::getDims(typeOf(f));
    all.erase(all.end() - 2);
    return createReshape(b, loc, f, all);
  }
  if (target == KernelTarget::cuda)
    return createDenseFilter(b, conv, operand, spatial);
  Value f = createTranspose(
      b, loc, operand,
      *graph::layoutPositions(conv.getFilterLayout(), "o" + spatial + "i"));
  if (isPointwise(conv)) {
    SmallVector<DimExprAttr> all = graph::getDims(typeOf(f));
    f = createReshape(b, loc, f, {all.front(), all.back()});
  }
  if (conv.getGroups() == 1)
    return graph::PackOp::create(b, loc, f, 0, kPanel);
  // (g o) … -> g, o …; then the block index of o goes behind g.
  SmallVector<DimExprAttr> all = graph::getDims(typeOf(f));
  DimExprAttr groups = graph::dimConstant(b.getContext(), conv.getGroups());
  all[0] = graph::dimFloorDiv(all[0], groups);
  all.insert(all.begin(), groups);
  f = createReshape(b, loc, f, all);
  Value packed = graph::PackOp::create(b, loc, f, 1, kPanel);
  SmallVector<int64_t> perm =
      llvm::to_vector(llvm::seq<int64_t>(0, typeOf(packed).getRank()));
  std::swap(perm[0], perm[1]);
  return createTranspose(b, loc, packed, perm);
}

namespace {
/// Iterators named by letters, to write maps as lists of expressions.
class Loops {
public:
  Loops(MLIRContext *context, StringRef parallel, StringRef reduction)
      : context(context), letters((parallel + reduction).str()) {
    iterators.assign(parallel.size(), IteratorType::parallel);
    iterators.append(reduction.size(), IteratorType::reduction);
  }
  AffineExpr operator[](char letter) const {
    return getAffineDimExpr(letters.find(letter), context);
  }
  AffineMap map(ArrayRef<AffineExpr> exprs) const {
    return AffineMap::get(letters.size(), 0, exprs, context);
  }
  AffineMap map(StringRef names) const {
    SmallVector<AffineExpr> exprs;
    for (char c : names)
      exprs.push_back((*this)[c]);
    return map(exprs);
  }

  MLIRContext *context;
  std::string letters;
  SmallVector<IteratorType> iterators;
};
} // namespace

/// Multiply and add in f32 for narrow floats, in the type itself otherwise;
/// the result is narrowed again.
static Value multiplyAdd(BodyBuilder &body, ArrayRef<DimExprAttr> dims,
                         Type elementType, ValueRange inputs,
                         ArrayRef<AffineMap> maps, const Loops &loops) {
  Type storage = signless(elementType), type = storage;
  if (isa<FloatType>(storage) && storage.getIntOrFloatBitWidth() < 32)
    type = Float32Type::get(storage.getContext());
  Value y = body.reduce(
      dims, type, 0, inputs, maps, loops.iterators,
      [&](OpBuilder &b, Location loc, ValueRange a) -> Value {
        SmallVector<Value> wide;
        for (Value v : a.drop_back())
          wide.push_back(
              v.getType() == type
                  ? v
                  : arith::ExtFOp::create(b, loc, type, v).getResult());
        if (!isa<FloatType>(type)) {
          Value product = arith::MulIOp::create(b, loc, wide[0], wide[1]);
          return arith::AddIOp::create(b, loc, a.back(), product);
        }
        Value product = arith::MulFOp::create(b, loc, wide[0], wide[1]);
        return arith::AddFOp::create(b, loc, a.back(), product);
      });
  if (type == storage)
    return y;
  AffineMap same =
      AffineMap::getMultiDimIdentityMap(dims.size(), storage.getContext());
  return body.map(dims, storage, y, same,
                  [&](OpBuilder &b, Location loc, ValueRange a) -> Value {
                    return arith::TruncFOp::create(b, loc, storage, a[0]);
                  });
}

static Value lowerEinsum(BodyBuilder &body, graph::EinsumOp op) {
  auto [operands, out] = op.getSpec().split("->");
  auto [lhs, rhsLetters] = operands.split(",");
  char k = lhs.back(), n = rhsLetters.back();
  Loops loops(op.getContext(), out, StringRef(&k, 1));
  Value rhs = body.getPacked(op);
  AffineMap rhsMap = loops.map(rhsLetters);
  if (rhs) {
    SmallVector<AffineExpr> packed{loops[n].floorDiv(kPanel)};
    for (char c : rhsLetters.drop_back())
      packed.push_back(loops[c]);
    packed.push_back(loops[n] % kPanel);
    rhsMap = loops.map(packed);
  } else {
    rhs = body.get(op.getRhs());
  }
  return multiplyAdd(body, graph::getDims(typeOf(op)),
                     typeOf(op).getElementType(), {body.get(op.getLhs()), rhs},
                     {loops.map(lhs), rhsMap, loops.map(out)}, loops);
}

/// The input of a window, padded where the window reads outside it.
static Value padSpatial(BodyBuilder &body, Value x, ArrayRef<int64_t> padding,
                        double value) {
  if (llvm::all_of(padding, [](int64_t p) { return p == 0; }))
    return x;
  SmallVector<DimExprAttr> dims(body.dimsOf(x));
  SmallVector<int64_t> low(dims.size(), 0), high(dims.size(), 0);
  for (size_t i = 0; i < padding.size() / 2; ++i) {
    low[1 + i] = padding[2 * i];
    high[1 + i] = padding[2 * i + 1];
    dims[1 + i] = graph::dimAdd(
        dims[1 + i],
        graph::dimConstant(body.b.getContext(), low[1 + i] + high[1 + i]));
  }
  return body.pad(x, low, high, value, dims);
}

static Value lowerConv(BodyBuilder &body, graph::ConvOp op, Value filter) {
  MLIRContext *context = op.getContext();
  std::string spatial =
      graph::spatialLetters(op.getInputLayout().size() - 2).str();
  std::string window = StringRef(spatial).upper();
  bool depthwise = isDepthwise(op);
  bool grouped = !depthwise && op.getGroups() > 1;
  bool isPacked = body.target == KernelTarget::host;
  Value x = body.get(op.getX());
  SmallVector<DimExprAttr> dims = graph::getDims(typeOf(op));
  Type storage = typeOf(op).getElementType();

  if (isPointwise(op)) {
    Loops loops(context, "n" + spatial + "o", "i");
    AffineMap filterMap = isPacked
                              ? loops.map({loops['o'].floorDiv(kPanel),
                                           loops['i'], loops['o'] % kPanel})
                              : loops.map("io");
    return multiplyAdd(body, dims, storage, {x, filter},
                       {loops.map("n" + spatial + "i"), filterMap,
                        loops.map("n" + spatial + "o")},
                       loops);
  }

  x = padSpatial(body, x, op.getPadding(), 0);
  std::string parallel = "n" + spatial +
                         (depthwise ? "c"
                          : grouped ? "go"
                                    : "o");
  Loops loops(context, parallel, depthwise ? window : window + "i");
  SmallVector<AffineExpr> input{loops['n']};
  for (auto [i, c] : llvm::enumerate(spatial))
    input.push_back(loops[c] * op.getStrides()[i] +
                    loops[window[i]] * op.getDilations()[i]);
  SmallVector<AffineExpr> f;
  if (depthwise) {
    input.push_back(loops['c']);
    for (char c : window)
      f.push_back(loops[c]);
    f.push_back(loops['c']);
  } else {
    if (grouped) {
      int64_t in =
          typeOf(op.getFilter()).getDimSize(op.getFilterLayout().find('i'));
      input.push_back(loops['g'] * in + loops['i']);
      f.push_back(loops['g']);
    } else {
      input.push_back(loops['i']);
    }
    if (isPacked)
      f.push_back(loops['o'].floorDiv(kPanel));
    for (char c : window)
      f.push_back(loops[c]);
    f.push_back(loops['i']);
    f.push_back(isPacked ? loops['o'] % kPanel : loops['o']);
  }
  if (grouped) {
    DimExprAttr groups = graph::dimConstant(context, op.getGroups());
    dims.back() = graph::dimFloorDiv(dims.back(), groups);
    dims.insert(dims.end() - 1, groups);
  }
  return multiplyAdd(body, dims, storage, {x, filter},
                     {loops.map(input), loops.map(f), loops.map(parallel)},
                     loops);
}

static Value lowerPool(BodyBuilder &body, graph::PoolOp op) {
  MLIRContext *context = op.getContext();
  std::string spatial = graph::spatialLetters(op.getLayout().size() - 2).str();
  std::string window = StringRef(spatial).upper();
  bool isMax = op.getKind() == graph::PoolKind::max;
  Value x = body.get(op.getX());
  SmallVector<DimExprAttr> in(body.dimsOf(x)),
      dims = graph::getDims(typeOf(op));
  SmallVector<int64_t> padding(op.getPadding());
  if (op.getCeilMode())
    // The last window may hang over by less than a stride.
    for (size_t i = 0; i < spatial.size(); ++i)
      padding[2 * i + 1] += op.getStrides()[i] - 1;
  Type storage = typeOf(op).getElementType(), type = signless(storage);
  bool isUnsigned = storage.isUnsignedInteger();
  // The least number, as bits without a sign.
  double least = isUnsigned ? 0 : -INFINITY;
  x = padSpatial(body, x, padding, isMax ? least : 0);
  // Sums of narrow floats are kept in f32.
  if (!isMax && storage.getIntOrFloatBitWidth() < 32)
    type = Float32Type::get(context);

  std::string parallel = "n" + spatial + "c";
  Loops loops(context, parallel, window);
  SmallVector<AffineExpr> input{loops['n']};
  SmallVector<DimExprAttr> windowDims;
  for (auto [i, c] : llvm::enumerate(spatial)) {
    input.push_back(loops[c] * op.getStrides()[i] +
                    loops[window[i]] * op.getDilations()[i]);
    windowDims.push_back(graph::dimConstant(context, op.getWindow()[i]));
  }
  input.push_back(loops['c']);
  Value extents = body.empty(windowDims, storage);
  Value y = body.reduce(
      dims, type, isMax ? least : 0, {x, extents},
      {loops.map(input), loops.map(window), loops.map(parallel)},
      loops.iterators, [&](OpBuilder &b, Location loc, ValueRange a) -> Value {
        bool isFloat = isa<FloatType>(type);
        if (isMax && isUnsigned)
          return arith::MaxUIOp::create(b, loc, a[2], a[0]);
        if (isMax)
          return isFloat
                     ? arith::MaximumFOp::create(b, loc, a[2], a[0]).getResult()
                     : arith::MaxSIOp::create(b, loc, a[2], a[0]).getResult();
        Value v = a[0];
        if (v.getType() != type)
          v = arith::ExtFOp::create(b, loc, type, v);
        return arith::AddFOp::create(b, loc, a[2], v);
      });
  if (isMax)
    return y;
  auto narrow = [&](OpBuilder &b, Location loc, Value v) -> Value {
    return type == storage
               ? v
               : arith::TruncFOp::create(b, loc, storage, v).getResult();
  };

  // Divide by the number of elements that the window has in each dim, inside
  // the input or, counting padding, inside the padded one.
  bool plain =
      llvm::all_of(op.getPadding(), [](int64_t p) { return p == 0; }) ||
      op.getCountIncludePad();
  AffineMap same = AffineMap::getMultiDimIdentityMap(dims.size(), context);
  if (plain && !op.getCeilMode()) {
    double count = 1;
    for (int64_t w : op.getWindow())
      count *= w;
    return body.map(dims, storage, y, same,
                    [&](OpBuilder &b, Location loc, ValueRange a) -> Value {
                      Value n = body.constant(b, type, count);
                      return narrow(b, loc,
                                    arith::DivFOp::create(b, loc, a[0], n));
                    });
  }
  SmallVector<Value> inputExtents;
  for (size_t i = 0; i < spatial.size(); ++i)
    inputExtents.push_back(body.dim(in[1 + i]));
  return body.map(
      dims, storage, y, same,
      [&](OpBuilder &b, Location loc, ValueRange a) -> Value {
        auto index = [&](int64_t v) {
          return arith::ConstantIndexOp::create(b, loc, v).getResult();
        };
        Value count = index(1);
        for (size_t i = 0; i < spatial.size(); ++i) {
          int64_t low = op.getPadding()[2 * i],
                  high = op.getPadding()[2 * i + 1];
          int64_t dilation = op.getDilations()[i],
                  before = op.getCountIncludePad() ? low : 0;
          Value end =
              arith::AddIOp::create(b, loc, inputExtents[i],
                                    index(op.getCountIncludePad() ? high : 0));
          Value position = linalg::IndexOp::create(b, loc, 1 + i);
          Value start = arith::SubIOp::create(
              b, loc,
              arith::MulIOp::create(b, loc, position,
                                    index(op.getStrides()[i])),
              index(low));
          // Taps t with -before <= start + t*dilation < end.
          auto ceilDiv = [&](Value v) {
            return arith::CeilDivSIOp::create(b, loc, v, index(dilation))
                .getResult();
          };
          Value first =
              ceilDiv(arith::SubIOp::create(b, loc, index(-before), start));
          Value last = ceilDiv(arith::SubIOp::create(b, loc, end, start));
          first = arith::MaxSIOp::create(b, loc, first, index(0));
          last = arith::MinSIOp::create(b, loc, last, index(op.getWindow()[i]));
          count = arith::MulIOp::create(
              b, loc, count, arith::SubIOp::create(b, loc, last, first));
        }
        Value n = arith::IndexCastOp::create(b, loc, b.getI32Type(), count);
        Value size = arith::SIToFPOp::create(b, loc, type, n);
        return narrow(b, loc, arith::DivFOp::create(b, loc, a[0], size));
      });
}

LogicalResult lowerContract(BodyBuilder &body, Operation *op) {
  Value y;
  if (auto einsum = dyn_cast<graph::EinsumOp>(op))
    y = lowerEinsum(body, einsum);
  else if (auto conv = dyn_cast<graph::ConvOp>(op))
    y = lowerConv(body, conv, body.getPacked(op));
  else
    y = lowerPool(body, cast<graph::PoolOp>(op));
  body.define(op->getResult(0), y);
  return success();
}

} // namespace actnet
