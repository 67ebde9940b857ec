//===- HostContraction.cpp - contractions and convolutions on the host ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sorts the root's loops by which operands use them, and checks what the fast
// code relies on.
//
//===----------------------------------------------------------------------===//

#include "actnet/Dialect/Kernel/Transforms/HostContraction.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace actnet::kernel {
namespace {

bool uses(AffineMap map, unsigned dim) { return map.isFunctionOfDim(dim); }

bool isZero(Value v) {
  return v && (matchPattern(v, m_AnyZeroFloat()) || matchPattern(v, m_Zero()));
}

Type computeType(Type type) {
  if (type.isF16() || type.isBF16())
    return Float32Type::get(type.getContext());
  return type;
}

/// The body is out + left * right, with widenings in between.
bool isFloatMultiplyAdd(linalg::GenericOp root) {
  auto yield = cast<linalg::YieldOp>(root.getBody()->getTerminator());
  auto sum = yield.getValues()[0].getDefiningOp<arith::AddFOp>();
  if (!sum)
    return false;
  auto argument = [&](Value v) -> int {
    while (auto ext = v.getDefiningOp<arith::ExtFOp>())
      v = ext.getIn();
    auto arg = dyn_cast<BlockArgument>(v);
    return arg && arg.getOwner() == root.getBody() ? int(arg.getArgNumber())
                                                   : -1;
  };
  for (int i = 0; i < 2; ++i) {
    auto product = sum->getOperand(i).getDefiningOp<arith::MulFOp>();
    if (!product || argument(sum->getOperand(1 - i)) != 2)
      continue;
    int a = argument(product.getLhs()), b = argument(product.getRhs());
    if ((a == 0 && b == 1) || (a == 1 && b == 0))
      return true;
  }
  return false;
}

bool isPanelMap(AffineMap map, unsigned &column) {
  for (AffineExpr expr : map.getResults()) {
    auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
    if (!binary || binary.getKind() != AffineExprKind::FloorDiv)
      continue;
    auto dim = dyn_cast<AffineDimExpr>(binary.getLHS());
    auto by = dyn_cast<AffineConstantExpr>(binary.getRHS());
    if (!dim || !by || by.getValue() != 16)
      continue;
    AffineExpr last = map.getResults().back();
    if (last != dim % 16)
      continue;
    column = dim.getPosition();
    return true;
  }
  return false;
}

/// Static element strides of tensor argument i, kDynamic where unknown.
SmallVector<int64_t> argStrides(FuncOp kernel, BlockArgument arg) {
  SmallVector<int64_t> strides;
  for (graph::DimExprAttr expr : kernel.getArgStrides(arg.getArgNumber()))
    strides.push_back(
        graph::constantValue(expr).value_or(ShapedType::kDynamic));
  return strides;
}

/// The coefficient of a dim in a linear expression; nothing if not linear.
std::optional<int64_t> coefficient(AffineExpr expr, unsigned dim) {
  if (auto d = dyn_cast<AffineDimExpr>(expr))
    return d.getPosition() == dim ? 1 : 0;
  if (isa<AffineConstantExpr>(expr))
    return 0;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return std::nullopt;
  auto l = coefficient(binary.getLHS(), dim),
       r = coefficient(binary.getRHS(), dim);
  if (!l || !r)
    return std::nullopt;
  if (binary.getKind() == AffineExprKind::Add)
    return *l + *r;
  if (binary.getKind() == AffineExprKind::Mul) {
    auto by = dyn_cast<AffineConstantExpr>(binary.getRHS());
    if (by)
      return *l * by.getValue();
  }
  return std::nullopt;
}

/// Elements from one index of a loop to the next in an operand that lies in
/// memory; nothing where it is not known.
std::optional<int64_t> loopStride(AffineMap map, ArrayRef<int64_t> strides,
                                  unsigned loop) {
  int64_t sum = 0;
  for (auto [expr, stride] : llvm::zip_equal(map.getResults(), strides)) {
    if (!expr.isFunctionOfDim(loop))
      continue;
    auto c = coefficient(expr, loop);
    if (!c || ShapedType::isDynamic(stride))
      return std::nullopt;
    sum += *c * stride;
  }
  return sum;
}

/// Whether the left operand can be read where it lies, and how many of its
/// inner dims make one run.
void placeLeft(FuncOp kernel, HostContraction &c) {
  AffineMap map = c.map(c.left);
  Value tensor = c.root.getInputs()[c.left];
  llvm::SmallBitVector padded(map.getNumResults());
  auto pad = tensor.getDefiningOp<tensor::PadOp>();
  if (pad) {
    Value value = pad.getConstantPaddingValue();
    if (!isZero(value))
      return;
    tensor = pad.getSource();
    for (unsigned i = 0; i < map.getNumResults(); ++i)
      if (!isConstantIntValue(pad.getMixedLowPad()[i], 0) ||
          !isConstantIntValue(pad.getMixedHighPad()[i], 0))
        padded.set(i);
    for (OpFoldResult low : pad.getMixedLowPad())
      if (!getConstantIntValue(low))
        return;
  }
  auto arg = dyn_cast<BlockArgument>(tensor);
  if (!arg || !cast<RankedTensorType>(arg.getType()).getElementType().isF32() ||
      c.taps.empty())
    return;
  SmallVector<int64_t> strides = argStrides(kernel, arg);
  // Taps from the inside: each joins the run while it only continues it.
  SmallVector<unsigned> taps = c.taps, run;
  int64_t next = 1;
  while (!taps.empty()) {
    unsigned loop = taps.back();
    for (unsigned i = 0; i < map.getNumResults(); ++i)
      if (padded[i] && uses(map.getSubMap({i}), loop))
        next = -1;
    auto stride = loopStride(map, strides, loop);
    if (!stride || (*stride != next && c.extents[loop] != 1))
      break;
    run.insert(run.begin(), loop);
    taps.pop_back();
    if (ShapedType::isDynamic(c.extents[loop]))
      break;
    next = next * c.extents[loop];
  }
  if (run.empty())
    return;
  int64_t length = 1;
  for (unsigned loop : run)
    length = ShapedType::isDynamic(c.extents[loop]) ? 1 << 20
                                                    : length * c.extents[loop];
  int64_t tapCount = 1;
  for (unsigned loop : taps) {
    if (ShapedType::isDynamic(c.extents[loop]))
      return;
    tapCount *= c.extents[loop];
  }
  // Short runs of many taps are dearer by pointers than as one copied row.
  if (tapCount > 1 && length < 8)
    return;
  c.leftInPlace = true;
  c.pad = pad;
  c.taps = taps;
  c.run = run;
}

/// Whether the right operand lies in panels that are contiguous over all of k.
bool isPackedInPlace(FuncOp kernel, const HostContraction &c) {
  auto arg = dyn_cast<BlockArgument>(c.root.getInputs()[c.right]);
  unsigned column;
  if (!arg || !cast<RankedTensorType>(arg.getType()).getElementType().isF32() ||
      !isPanelMap(c.map(c.right), column) || int(column) != c.column)
    return false;
  AffineMap map = c.map(c.right);
  SmallVector<int64_t> strides = argStrides(kernel, arg);
  SmallVector<unsigned> order(c.taps);
  llvm::append_range(order, c.run);
  int64_t next = 16;
  for (unsigned loop : llvm::reverse(order)) {
    auto stride = loopStride(map.getMajorSubMap(map.getNumResults() - 1),
                             ArrayRef(strides).drop_back(), loop);
    if (!stride || (*stride != next && c.extents[loop] != 1))
      return false;
    if (ShapedType::isDynamic(c.extents[loop]))
      return loop == order.front();
    next *= c.extents[loop];
  }
  return true;
}

} // namespace

AffineMap HostContraction::map(unsigned input) const {
  return root.getMatchingIndexingMap(root.getDpsInputOperand(input));
}

int64_t HostContraction::tapCount() const {
  int64_t count = 1;
  for (unsigned loop : taps)
    count *= extents[loop];
  return count;
}

int64_t HostContraction::runLength() const {
  int64_t length = 1;
  for (unsigned loop : run) {
    if (ShapedType::isDynamic(extents[loop]))
      return ShapedType::kDynamic;
    length *= extents[loop];
  }
  return length;
}

linalg::GenericOp findRoot(FuncOp kernel) {
  for (Operation &op : kernel.getBody().front())
    if (auto generic = dyn_cast<linalg::GenericOp>(op))
      if (generic.getNumReductionLoops() > 0)
        return generic;
  return nullptr;
}

std::optional<SmallVector<AffineMap>> rearrangements(FuncOp kernel,
                                                     Value root) {
  MLIRContext *context = kernel.getContext();
  unsigned rank = cast<RankedTensorType>(root.getType()).getRank();
  llvm::DenseMap<Value, AffineMap> known;
  known[root] = AffineMap::getMultiDimIdentityMap(rank, context);
  auto shapeOf = [](Value v) {
    return cast<RankedTensorType>(v.getType()).getShape();
  };
  for (Operation &op : kernel.getBody().front()) {
    auto generic = dyn_cast<linalg::GenericOp>(op);
    if (!generic || generic.getNumReductionLoops() > 0)
      continue;
    for (OpOperand *input : generic.getDpsInputOperands()) {
      auto it = known.find(input->get());
      if (it == known.end())
        continue;
      // Loop indices from the operand's indices; loops that the operand does
      // not have can only run once.
      AffineMap from = it->second, map = generic.getMatchingIndexingMap(input);
      SmallVector<AffineExpr> loops(map.getNumDims());
      for (auto [i, expr] : llvm::enumerate(map.getResults())) {
        if (auto dim = dyn_cast<AffineDimExpr>(expr))
          loops[dim.getPosition()] = from.getResult(i);
        else if (!isa<AffineConstantExpr>(expr) ||
                 shapeOf(input->get())[i] != 1)
          return std::nullopt;
      }
      SmallVector<int64_t> ranges = generic.getStaticLoopRanges();
      for (auto [loop, expr] : llvm::enumerate(loops))
        if (!expr) {
          if (ranges[loop] != 1)
            return std::nullopt;
          expr = getAffineConstantExpr(0, context);
        }
      AffineMap toLoops = AffineMap::get(rank, 0, loops, context);
      for (auto [init, result] :
           llvm::zip(generic.getDpsInitsMutable(), generic.getResults()))
        known[result] = generic.getMatchingIndexingMap(&init).compose(toLoops);
      break;
    }
  }
  SmallVector<AffineMap> maps;
  auto rootShape = shapeOf(root);
  for (Value result : kernel.getBody().front().getTerminator()->getOperands()) {
    auto it = known.find(result);
    if (it == known.end())
      return std::nullopt;
    // Every element once: each root dim appears (or has extent one) and the
    // sizes agree.
    llvm::SmallBitVector seen(rank);
    for (auto [i, expr] : llvm::enumerate(it->second.getResults())) {
      if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
        if (seen[dim.getPosition()] ||
            rootShape[dim.getPosition()] != shapeOf(result)[i])
          return std::nullopt;
        seen.set(dim.getPosition());
      } else if (shapeOf(result)[i] != 1) {
        return std::nullopt;
      }
    }
    for (unsigned d = 0; d < rank; ++d)
      if (!seen[d] && rootShape[d] != 1)
        return std::nullopt;
    maps.push_back(it->second);
  }
  if (maps.empty())
    return std::nullopt;
  return maps;
}

SmallVector<graph::DimExprAttr> dimsThroughResults(FuncOp kernel, Value value,
                                                   ArrayRef<AffineMap> maps) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<graph::DimExprAttr> dims(type.getRank());
  for (auto [d, extent] : llvm::enumerate(type.getShape()))
    if (!ShapedType::isDynamic(extent))
      dims[d] = graph::dimConstant(kernel.getContext(), extent);
  SmallVector<graph::DimExprAttr> resultDims = kernel.getResultDims(0);
  for (auto [i, expr] : llvm::enumerate(maps[0].getResults()))
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      dims[dim.getPosition()] = resultDims[i];
  return dims;
}

std::optional<HostContraction> readHostContraction(FuncOp kernel) {
  HostContraction c;
  c.root = findRoot(kernel);
  if (!c.root || c.root.getNumDpsInputs() != 2 ||
      c.root.getNumDpsInits() != 1 || !isFloatMultiplyAdd(c.root))
    return std::nullopt;
  auto element = [](Value v) {
    return computeType(cast<RankedTensorType>(v.getType()).getElementType());
  };
  Value result = c.root.getResult(0);
  if (!element(result).isF32() || !element(c.root.getInputs()[0]).isF32() ||
      !element(c.root.getInputs()[1]).isF32())
    return std::nullopt;
  unsigned column = 0;
  if (isPanelMap(c.map(0), column) && !isPanelMap(c.map(1), column))
    std::swap(c.left, c.right);
  c.extents = c.root.getStaticLoopRanges();

  AffineMap left = c.map(c.left), right = c.map(c.right);
  AffineMap out = c.root.getMatchingIndexingMap(c.root.getDpsInitOperand(0));
  if (!out.isProjectedPermutation())
    return std::nullopt;
  SmallVector<unsigned> columns, inner;
  for (auto [loop, kind] : llvm::enumerate(c.root.getIteratorTypesArray())) {
    bool l = uses(left, loop), r = uses(right, loop);
    if (kind == utils::IteratorType::reduction) {
      if (!l || !r)
        return std::nullopt;
      inner.push_back(loop);
    } else if (l && !r) {
      c.rows.push_back(loop);
    } else if (r && !l) {
      columns.push_back(loop);
    } else {
      c.outer.push_back(loop);
    }
  }
  // The columns are the innermost dim of the result that only the right
  // operand has; others of that kind are outer dims.
  for (AffineExpr expr : out.getResults()) {
    unsigned loop = cast<AffineDimExpr>(expr).getPosition();
    if (llvm::is_contained(columns, loop))
      c.column = loop;
  }
  for (unsigned loop : columns)
    if (int(loop) != c.column)
      c.outer.push_back(loop);
  // Inner dims in the order of the packed right operand, else of the left one.
  AffineMap order = isPanelMap(right, column) ? right : left;
  for (AffineExpr expr : order.getResults())
    for (unsigned loop : inner)
      if (expr.isFunctionOfDim(loop) && !llvm::is_contained(c.taps, loop))
        c.taps.push_back(loop);

  auto maps = rearrangements(kernel, result);
  if (!maps)
    return std::nullopt;
  c.resultMaps = *maps;
  auto fill = c.root.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  c.zeroInit = fill && isZero(fill.getInputs()[0]);
  Operation *yield = kernel.getBody().front().getTerminator();
  c.plainResult =
      yield->getNumOperands() == 1 && yield->getOperand(0) == result;

  placeLeft(kernel, c);
  if (!c.leftInPlace) {
    // Copied row by row: taps must be known, the run is the innermost dim.
    c.run.push_back(c.taps.pop_back_val());
    for (unsigned loop : c.taps)
      if (ShapedType::isDynamic(c.extents[loop]))
        return std::nullopt;
  }
  c.rightPacked = isPackedInPlace(kernel, c);
  return c;
}

} // namespace actnet::kernel
