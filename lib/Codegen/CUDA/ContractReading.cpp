//===- ContractReading.cpp - what a product is made of --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Contraction.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

//===----------------------------------------------------------------------===//
// Where elements lie
//===----------------------------------------------------------------------===//

namespace {
/// An argument's element, and the tests that stand before it.
struct Source {
  BlockArgument argument;
  Indices at;
  /// (index, dim of the source) of padded dims: inside [0, dim).
  SmallVector<std::pair<Index, graph::DimExprAttr>> tests;
};
} // namespace

static std::optional<Source> sourceOf(Printer &p, Value tensor,
                                      ArrayRef<Index> at) {
  Source source;
  source.at.assign(at.begin(), at.end());
  while (!isa<BlockArgument>(tensor)) {
    if (auto pad = tensor.getDefiningOp<tensor::PadOp>()) {
      Value filler = pad.getConstantPaddingValue();
      if (!filler || !(matchPattern(filler, m_AnyZeroFloat()) ||
                       matchPattern(filler, m_Zero())))
        return std::nullopt;
      auto lows = pad.getMixedLowPad(), highs = pad.getMixedHighPad();
      for (unsigned d = 0; d < lows.size(); ++d) {
        auto low = getConstantIntValue(lows[d]);
        if (!low)
          return std::nullopt;
        source.at[d] = source.at[d] - *low;
        if (*low != 0 || getConstantIntValue(highs[d]) != 0)
          source.tests.push_back({source.at[d], p.dimOf(pad.getSource(), d)});
      }
      tensor = pad.getSource();
      continue;
    }
    auto slice = tensor.getDefiningOp<tensor::ExtractSliceOp>();
    if (!slice || slice.getDroppedDims().any())
      return std::nullopt;
    for (auto [d, offset, stride] :
         llvm::enumerate(slice.getMixedOffsets(), slice.getMixedStrides())) {
      auto start = getConstantIntValue(offset);
      if (!start || getConstantIntValue(stride) != 1)
        return std::nullopt;
      source.at[d] = source.at[d] + *start;
    }
    tensor = slice.getSource();
  }
  source.argument = cast<BlockArgument>(tensor);
  return source;
}

std::optional<Place> cuda::placeOf(Printer &p, Value tensor,
                                   ArrayRef<Index> at) {
  std::optional<Source> source = sourceOf(p, tensor, at);
  if (!source)
    return std::nullopt;
  Place place;
  unsigned number = source->argument.getArgNumber();
  place.address = "in" + std::to_string(number) + " + (" +
                  p.address(p.kernel.getArgStrides(number), source->at) + ")";
  for (auto [index, dim] : source->tests) {
    Text own = p.text(index);
    place.inside += (place.inside.empty() ? "" : " && ") + own + " >= 0 && " +
                    own + " < " + p.text(dim);
  }
  return place;
}

bool cuda::isRun(Printer &p, Value tensor, ArrayRef<Index> at, Index variable,
                 int64_t count, Type type) {
  std::optional<Source> source = sourceOf(p, tensor, at);
  auto dim = dyn_cast<AffineDimExpr>(variable);
  if (!source || !dim || source->at.empty() ||
      getElementTypeOrSelf(source->argument.getType()) != type)
    return false;
  unsigned position = dim.getPosition();
  // A test of the run must hold for all of it.
  for (auto [index, extent] : source->tests)
    if (index.isFunctionOfDim(position))
      return false;
  Dims strides = p.kernel.getArgStrides(source->argument.getArgNumber());
  Index last = source->at.back();
  bool isPanel = last == variable % 16 && 16 % count == 0;
  Index rest = simplifyAffineExpr(last - variable, position + 64, 0);
  if (graph::constantValue(strides.back()) != 1 ||
      (!isPanel && rest.isFunctionOfDim(position)))
    return false;
  for (unsigned d = 0; d + 1 < source->at.size(); ++d) {
    bool isFree = !source->at[d].isFunctionOfDim(position) ||
                  (isPanel && source->at[d] == variable.floorDiv(16));
    auto stride = graph::constantValue(strides[d]);
    bool isUsed = source->at[d] != p.constant(0);
    if (!isFree || (stride && isUsed && *stride % count != 0))
      return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Where results go
//===----------------------------------------------------------------------===//

/// Indices of the loops of an elementwise generic from those of one input.
static std::optional<Indices> loopsFrom(Printer &p, linalg::GenericOp op,
                                        OpOperand &input,
                                        ArrayRef<Index> known) {
  AffineMap map = op.getMatchingIndexingMap(&input);
  Indices loops(map.getNumDims());
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      loops[dim.getPosition()] = known[i];
    else if (expr != p.constant(0) || known[i] != p.constant(0))
      return std::nullopt;
  }
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  for (auto [loop, expr] : llvm::enumerate(loops))
    if (!expr) {
      if (ranges[loop] != 1)
        return std::nullopt;
      expr = p.constant(0);
    }
  return loops;
}

std::optional<SmallVector<Indices>>
cuda::resultIndices(Printer &p, Value root, ArrayRef<Index> at,
                    llvm::DenseMap<Operation *, Indices> *loopsOf) {
  llvm::DenseMap<Value, Indices> known;
  known[root].assign(at.begin(), at.end());
  for (Operation &op : p.kernel.getBody().front()) {
    if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
      auto it = known.find(collapse.getSrc());
      if (it == known.end())
        continue;
      Indices source = it->second, result;
      for (ArrayRef<int64_t> group : collapse.getReassociationIndices()) {
        Index sum = source[group[0]];
        for (int64_t d : group.drop_front())
          sum = p.multiply(sum, p.index(p.dimOf(collapse.getSrc(), d))) +
                source[d];
        result.push_back(sum);
      }
      known[collapse.getResult()] = result;
      continue;
    }
    auto generic = dyn_cast<linalg::GenericOp>(op);
    if (!generic || generic.getNumReductionLoops())
      continue;
    std::optional<Indices> loops;
    for (OpOperand &input : generic->getOpOperands()) {
      auto it = known.find(input.get());
      if (it == known.end() ||
          generic.getMatchingBlockArgument(&input).use_empty())
        continue;
      std::optional<Indices> here = loopsFrom(p, generic, input, it->second);
      if (!here || (loops && *loops != *here))
        return std::nullopt;
      loops = here;
    }
    if (!loops)
      continue;
    if (loopsOf)
      (*loopsOf)[generic] = *loops;
    for (auto [init, result] :
         llvm::zip(generic.getDpsInitsMutable(), generic.getResults()))
      known[result] = p.map(generic.getMatchingIndexingMap(&init), *loops);
  }
  SmallVector<Indices> all;
  for (Value result :
       p.kernel.getBody().front().getTerminator()->getOperands()) {
    auto it = known.find(result);
    if (it == known.end())
      return std::nullopt;
    all.push_back(it->second);
  }
  return all;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// The input behind widenings of an operand of the product.
static std::optional<Widened> widened(linalg::GenericOp root, Value value) {
  Widened result;
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp>(op))
      return std::nullopt;
    result.isUnsigned = isa<arith::ExtUIOp>(op);
    value = op->getOperand(0);
  }
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getOwner() != root.getBody() ||
      argument.getArgNumber() > 1)
    return std::nullopt;
  result.argument = argument.getArgNumber();
  return result;
}

/// Sets `left` and `right` if the body is out + left * right.
static bool readBody(Contraction &c) {
  if (c.root.getNumDpsInputs() != 2 || c.root.getNumDpsInits() != 1)
    return false;
  Operation *sum =
      c.root.getBody()->getTerminator()->getOperand(0).getDefiningOp();
  if (!isa_and_present<arith::AddFOp, arith::AddIOp>(sum))
    return false;
  Value before = c.root.getRegionOutputArgs()[0];
  for (unsigned i = 0; i < 2; ++i) {
    Operation *product = sum->getOperand(i).getDefiningOp();
    if (sum->getOperand(1 - i) != before ||
        !isa_and_present<arith::MulFOp, arith::MulIOp>(product))
      continue;
    auto x = widened(c.root, product->getOperand(0)),
         y = widened(c.root, product->getOperand(1));
    if (!x || !y || x->argument == y->argument)
      return false;
    c.left = x->argument == 0 ? *x : *y;
    c.right = x->argument == 0 ? *y : *x;
    return true;
  }
  return false;
}

static StringRef mathOf(const Contraction &c) {
  Type sum = getElementTypeOrSelf(c.root.getResult(0).getType());
  Type left = getElementTypeOrSelf(c.operand(c.left).getType()),
       right = getElementTypeOrSelf(c.operand(c.right).getType());
  if (sum.isF64())
    return left.isF64() && right.isF64() ? "f64" : "";
  if (sum.isF32() || Printer::isNarrowFloat(sum)) {
    if (left == right && Printer::isNarrowFloat(left))
      return left.isF16() ? "f16" : "bf16";
    auto isKnown = [](Type type) {
      return type.isF32() || Printer::isNarrowFloat(type);
    };
    return isKnown(left) && isKnown(right) ? "f32" : "";
  }
  if (sum.isSignlessInteger(64))
    return "i64";
  return sum.isSignlessInteger(8) || sum.isSignlessInteger(16) ||
                 sum.isSignlessInteger(32)
             ? "i32"
             : "";
}

std::optional<Contraction> cuda::readContraction(Printer &p,
                                                 linalg::GenericOp root) {
  Contraction c;
  c.root = root;
  if (!readBody(c))
    return std::nullopt;
  c.math = mathOf(c);
  if (c.math.empty() || !root.getMatchingIndexingMap(root.getDpsInitOperand(0))
                             .isProjectedPermutation())
    return std::nullopt;
  auto isUsedBy = [&](const Widened &operand, unsigned loop) {
    return root
        .getMatchingIndexingMap(root.getDpsInputOperand(operand.argument))
        .isFunctionOfDim(loop);
  };
  for (auto [loop, kind] : llvm::enumerate(root.getIteratorTypesArray())) {
    bool isLeft = isUsedBy(c.left, loop), isRight = isUsedBy(c.right, loop);
    if (kind == utils::IteratorType::reduction)
      c.inner.push_back(loop);
    else if (isLeft != isRight)
      (isLeft ? c.rows : c.columns).push_back(loop);
    else
      c.batch.push_back(loop);
  }
  c.dims = p.loopDims(root);
  return c;
}
