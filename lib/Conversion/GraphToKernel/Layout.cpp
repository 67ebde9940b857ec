//===- Layout.cpp - channels last, and transposes that meet ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One walk in program order. An operation whose operand comes out of a
// transpose is rewritten to work on the transpose's source, with the transpose
// behind it; a convolution or pooling puts its own transposes around itself.
// So transposes move down until they meet their inverse or a result.
//
//===----------------------------------------------------------------------===//

#include "Layout.h"

#include "actnet/Conversion/GraphToKernel/Passes.h"
#include "actnet/Dialect/Graph/IR/Contract.h"
#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

#include <numeric>

using namespace mlir;

namespace actnet {
#define GEN_PASS_DEF_GRAPHLAYOUT
#include "actnet/Conversion/GraphToKernel/Passes.h.inc"

using graph::DimExprAttr;

/// Input channels up to which a convolution's padding is a kernel of its own.
static constexpr int64_t kFewChannels = 4;

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

static SmallVector<int64_t> inverse(ArrayRef<int64_t> perm) {
  SmallVector<int64_t> inv(perm.size());
  for (auto [i, p] : llvm::enumerate(perm))
    inv[p] = i;
  return inv;
}

static bool isIdentity(ArrayRef<int64_t> perm) {
  for (auto [i, p] : llvm::enumerate(perm))
    if (p != static_cast<int64_t>(i))
      return false;
  return true;
}

Value createReshape(OpBuilder &b, Location loc, Value x,
                    ArrayRef<DimExprAttr> dims) {
  if (llvm::equal(graph::getDims(typeOf(x)), dims))
    return x;
  RankedTensorType type =
      graph::getTensorType(dims, typeOf(x).getElementType());
  if (auto reshape = x.getDefiningOp<graph::ReshapeOp>())
    return createReshape(b, loc, reshape.getX(), dims);
  return graph::ReshapeOp::create(b, loc, type, x);
}

Value createTranspose(OpBuilder &b, Location loc, Value x,
                      ArrayRef<int64_t> perm) {
  if (isIdentity(perm))
    return x;
  if (auto source = x.getDefiningOp<graph::TransposeOp>()) {
    SmallVector<int64_t> composed;
    for (int64_t p : perm)
      composed.push_back(source.getPerm()[p]);
    return createTranspose(b, loc, source.getX(), composed);
  }
  return graph::TransposeOp::create(b, loc, x, perm);
}

/// Whether only dims of extent 1 move: the same bytes under other dims.
static bool isReshape(graph::TransposeOp op) {
  SmallVector<DimExprAttr> dims = graph::getDims(typeOf(op.getX()));
  SmallVector<int64_t> order;
  for (int64_t p : op.getPerm())
    if (graph::constantValue(dims[p]) != 1)
      order.push_back(p);
  return llvm::is_sorted(order);
}

namespace {

/// Rewrites one function.
class LayoutRewriter {
public:
  LayoutRewriter(MLIRContext *context, KernelTarget target)
      : b(context), target(target) {}

  void run(func::FuncOp func) {
    SmallVector<Operation *> ops;
    for (Operation &op : func.getBody().front())
      ops.push_back(&op);
    for (Operation *op : ops) {
      b.setInsertionPoint(op);
      if (Value replacement = rewrite(op)) {
        op->getResult(0).replaceAllUsesWith(replacement);
        op->erase();
      }
    }
    for (Operation &op :
         llvm::make_early_inc_range(llvm::reverse(func.getBody().front())))
      if (isOpTriviallyDead(&op))
        op.erase();
    // Only now: a reshape on the way would have stopped what moves down.
    for (auto transpose : llvm::make_early_inc_range(
             func.getBody().front().getOps<graph::TransposeOp>()))
      if (isReshape(transpose)) {
        b.setInsertionPoint(transpose);
        transpose.replaceAllUsesWith(
            createReshape(b, transpose.getLoc(), transpose.getX(),
                          graph::getDims(typeOf(transpose))));
        transpose.erase();
      }
  }

private:
  OpBuilder b;
  KernelTarget target;

  Value rewrite(Operation *op) {
    if (auto conv = dyn_cast<graph::ConvOp>(op))
      return rewriteConv(conv);
    if (auto pool = dyn_cast<graph::PoolOp>(op))
      return rewritePool(pool);
    if (auto einsum = dyn_cast<graph::EinsumOp>(op))
      return rewriteEinsum(einsum);
    if (auto attention = dyn_cast<graph::AttentionOp>(op))
      return absorbTransposes(b, attention);
    if (auto reduce = dyn_cast<graph::ReduceOp>(op))
      return rewriteReduce(reduce);
    if (auto pad = dyn_cast<graph::PadOp>(op);
        pad && pad.getMode() != graph::PadMode::constant)
      return rewritePad(pad);
    if (auto scatter = dyn_cast<graph::ScatterOp>(op))
      return rewriteScatter(scatter);
    if (auto softmax = dyn_cast<graph::SoftmaxOp>(op))
      return rewriteSoftmax(softmax);
    if (auto softmax = dyn_cast<graph::LogSoftmaxOp>(op))
      return rewriteSoftmax(softmax);
    if (auto transpose = dyn_cast<graph::TransposeOp>(op)) {
      Value v = createTranspose(b, op->getLoc(), transpose.getX(),
                                transpose.getPerm());
      auto made = v.getDefiningOp<graph::TransposeOp>();
      if (!made || made.getX() != transpose.getX())
        return v;
      made.erase();
      return nullptr;
    }
    if (Value y = pushThrough(op))
      return y;
    if (auto reshape = dyn_cast<graph::ReshapeOp>(op);
        reshape && reshape.getX().getDefiningOp<graph::ReshapeOp>() &&
        !isConstantTree(reshape.getX()))
      return createReshape(b, op->getLoc(), reshape.getX(),
                           graph::getDims(typeOf(reshape)));
    return sinkReshape(op);
  }

  Value rewriteEinsum(graph::EinsumOp op) {
    Value rows = expandRows(b, op);
    if (!rows)
      return canonicalizeEinsum(b, op);
    // The new product has a transpose in front of it.
    auto reshape = rows.getDefiningOp<graph::ReshapeOp>();
    auto einsum = reshape.getX().getDefiningOp<graph::EinsumOp>();
    auto merged = einsum.getLhs().getDefiningOp<graph::ReshapeOp>();
    OpBuilder::InsertionGuard guard(b);
    if (merged) {
      b.setInsertionPoint(merged);
      if (Value y = pushThrough(merged)) {
        merged.replaceAllUsesWith(y);
        merged.erase();
      }
    }
    b.setInsertionPoint(einsum);
    if (Value y = canonicalizeEinsum(b, einsum)) {
      einsum.replaceAllUsesWith(y);
      einsum.erase();
    }
    return reshape;
  }

  static std::string channelsLast(StringRef layout) {
    return "n" + graph::spatialLetters(layout.size() - 2).str() + "c";
  }

  Value rewriteConv(graph::ConvOp op) {
    std::string last = channelsLast(op.getInputLayout());
    SmallVector<int64_t> padding(op.getPadding());
    bool pads = llvm::any_of(padding, [](int64_t p) { return p != 0; });
    int64_t channels =
        typeOf(op.getFilter()).getDimSize(op.getFilterLayout().find('i'));
    // With few channels a window's row is one short run of the input only if
    // it never leaves it: such inputs are padded beforehand. A GPU would pay
    // for that kernel and gain nothing.
    bool padBefore = target == KernelTarget::host && pads &&
                     channels <= kFewChannels && op.getGroups() == 1;
    if (op.getInputLayout() == last && op.getOutputLayout() == last &&
        !padBefore)
      return nullptr;
    Location loc = op.getLoc();
    Value x = createTranspose(
        b, loc, op.getX(), *graph::layoutPositions(op.getInputLayout(), last));
    if (padBefore) {
      SmallVector<int64_t> low(last.size(), 0), high(last.size(), 0);
      for (size_t i = 0; i + 2 < last.size(); ++i) {
        low[1 + i] = padding[2 * i];
        high[1 + i] = padding[2 * i + 1];
      }
      x = graph::PadOp::create(b, loc, x, low, high, graph::PadMode::constant,
                               APFloat(0.0));
      padding.assign(padding.size(), 0);
    }
    auto conv = graph::ConvOp::create(
        b, loc, x, op.getFilter(), last, op.getFilterLayout(), last,
        op.getStrides(), padding, op.getDilations(), op.getGroups());
    return createTranspose(b, loc, conv,
                           *graph::layoutPositions(last, op.getOutputLayout()));
  }

  Value rewritePool(graph::PoolOp op) {
    std::string last = channelsLast(op.getLayout());
    if (op.getLayout() == last)
      return nullptr;
    Location loc = op.getLoc();
    Value x = createTranspose(b, loc, op.getX(),
                              *graph::layoutPositions(op.getLayout(), last));
    auto pool = graph::PoolOp::create(
        b, loc, op.getKind(), x, last, op.getWindow(), op.getStrides(),
        op.getPadding(), op.getDilations(), op.getCountIncludePad(),
        op.getCeilMode());
    return createTranspose(b, loc, pool,
                           *graph::layoutPositions(last, op.getLayout()));
  }

  /// The transpose that defines an operand and is worth moving down.
  static graph::TransposeOp sourceTranspose(Value v) {
    return v.getDefiningOp<graph::TransposeOp>();
  }

  Value pushThrough(Operation *op) {
    if (op->getNumResults() != 1 || op->getNumOperands() == 0)
      return nullptr;
    if (op->hasTrait<OpTrait::IsTerminator>() ||
        !isa<graph::GraphDialect>(op->getDialect()))
      return nullptr;
    graph::TransposeOp transpose;
    for (Value operand : op->getOperands())
      if (auto t = sourceTranspose(operand);
          t && !transpose && !isConstantTree(operand))
        transpose = t;
    if (!transpose)
      return nullptr;
    SmallVector<int64_t> perm(transpose.getPerm());
    if (isElementwise(op))
      return pushElementwise(op, perm);
    if (auto concat = dyn_cast<graph::ConcatOp>(op))
      return pushConcat(concat, perm);
    if (auto norm = dyn_cast<graph::BatchNormOp>(op))
      return pushBatchNorm(norm, transpose);
    if (auto reshape = dyn_cast<graph::ReshapeOp>(op))
      return pushReshape(reshape, transpose);
    if (auto slice = dyn_cast<graph::SliceOp>(op))
      return pushSlice(slice, perm);
    if (auto pad = dyn_cast<graph::PadOp>(op)) {
      SmallVector<int64_t> inv = inverse(perm), low, high;
      for (int64_t i : inv) {
        low.push_back(pad.getLow()[i]);
        high.push_back(pad.getHigh()[i]);
      }
      Value y = graph::PadOp::create(b, op->getLoc(), transpose.getX(), low,
                                     high, pad.getMode(), pad.getValue());
      return createTranspose(b, op->getLoc(), y, perm);
    }
    return nullptr;
  }

  static bool isElementwise(Operation *op) {
    return isa<
        graph::AbsOp, graph::NegOp, graph::ExpOp, graph::LogOp, graph::SqrtOp,
        graph::RsqrtOp, graph::ReciprocalOp, graph::TanhOp, graph::SigmoidOp,
        graph::ErfOp, graph::SinOp, graph::CosOp, graph::FloorOp, graph::CeilOp,
        graph::RoundOp, graph::SignOp, graph::NotOp, graph::AddOp, graph::SubOp,
        graph::MulOp, graph::DivOp, graph::PowOp, graph::ModOp, graph::MaxOp,
        graph::MinOp, graph::AndOp, graph::OrOp, graph::XorOp, graph::CompareOp,
        graph::SelectOp, graph::ClampOp, graph::CastOp, graph::GeluOp>(op);
  }

  static bool isConstantTree(Value v) {
    Operation *op = v.getDefiningOp();
    if (!op)
      return false;
    if (isa<graph::ConstantOp>(op))
      return true;
    return isa<graph::TransposeOp, graph::ReshapeOp, graph::CastOp>(op) &&
           isConstantTree(op->getOperand(0));
  }

  Value pushElementwise(Operation *op, ArrayRef<int64_t> perm) {
    unsigned rank = perm.size();
    SmallVector<int64_t> inv = inverse(perm);
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      RankedTensorType type = typeOf(operand);
      if (type.getRank() > static_cast<int64_t>(rank))
        return nullptr;
      bool sameTranspose = false;
      if (auto t = sourceTranspose(operand))
        sameTranspose = t.getPerm() == perm;
      // A full-size operand of another layout would need a transpose of its
      // own: leave the operation where it is.
      bool small =
          type.getRank() == 0 || isConstantTree(operand) || isMostlyOnes(type);
      if (!sameTranspose && !small)
        return nullptr;
      SmallVector<DimExprAttr> dims = graph::getDims(type);
      if (!dims.empty() && dims.size() < rank) {
        dims.insert(dims.begin(), rank - dims.size(),
                    graph::dimConstant(op->getContext(), 1));
        operand = createReshape(b, op->getLoc(), operand, dims);
      }
      operands.push_back(dims.empty()
                             ? operand
                             : createTranspose(b, op->getLoc(), operand, inv));
    }
    OperationState state(op->getLoc(), op->getName());
    state.addOperands(operands);
    state.addAttributes(op->getAttrs());
    state.propertiesAttr = op->getPropertiesAsAttribute();
    SmallVector<DimExprAttr> dims = graph::getDims(typeOf(op->getResult(0))),
                             permuted;
    for (int64_t i : inv)
      permuted.push_back(dims[i]);
    state.addTypes(graph::getTensorType(
        permuted, typeOf(op->getResult(0)).getElementType()));
    Operation *clone = b.create(state);
    return createTranspose(b, op->getLoc(), clone->getResult(0), perm);
  }

  /// An elementwise operation on a reshape, and scalars, works on what was
  /// reshaped: that is a contraction's result more often than not, and no
  /// kernel computes through a view.
  Value sinkReshape(Operation *op) {
    if (!isElementwise(op))
      return nullptr;
    graph::ReshapeOp reshape;
    SmallVector<Value> operands(op->getOperands());
    for (Value &operand : operands) {
      auto found = operand.getDefiningOp<graph::ReshapeOp>();
      if (found && found->hasOneUse() && !reshape && !isConstantTree(operand)) {
        reshape = found;
        operand = found.getX();
      }
    }
    auto type = typeOf(op->getResult(0));
    if (!reshape || graph::getDims(type) != graph::getDims(typeOf(reshape)))
      return nullptr;
    // A bias goes along where the last dim stays.
    bool sameLast = typeOf(reshape).getRank() > 0 &&
                    typeOf(reshape.getX()).getRank() > 0 &&
                    graph::getDims(type).back() ==
                        graph::getDims(typeOf(reshape.getX())).back();
    auto isRow = [&](Value v) { return sameLast && typeOf(v).getRank() == 1; };
    for (Value operand : operands)
      if (operand != reshape.getX() && !isSplat(operand) && !isRow(operand))
        return nullptr;
    SmallVector<DimExprAttr> dims = graph::getDims(typeOf(reshape.getX()));
    for (Value &operand : operands)
      if (operand != reshape.getX() && typeOf(operand).getRank() != 0 &&
          !isRow(operand))
        operand = createReshape(b, op->getLoc(), operand, {});
    OperationState state(op->getLoc(), op->getName());
    state.addOperands(operands);
    state.addAttributes(op->getAttrs());
    state.propertiesAttr = op->getPropertiesAsAttribute();
    state.addTypes(graph::getTensorType(dims, type.getElementType()));
    Operation *made = b.create(state);
    Value y = made->getResult(0);
    if (Value moved = pushThrough(made)) {
      made->erase();
      y = moved;
    }
    return createReshape(b, op->getLoc(), y, graph::getDims(type));
  }

  /// One element, whatever the rank.
  static bool isSplat(Value v) {
    return typeOf(v).hasStaticShape() && typeOf(v).getNumElements() == 1;
  }

  /// True for [N, C, 1, 1] and the like: a transpose is a reshape.
  static bool isMostlyOnes(RankedTensorType type) {
    return llvm::count_if(graph::getDims(type), [](DimExprAttr d) {
             return graph::constantValue(d) != 1;
           }) <= 1;
  }

  /// A reduction over no dim is elementwise.
  Value reduceNothing(graph::ReduceOp op) {
    Value x = op.getX();
    switch (op.getKind()) {
    case graph::ReduceKind::sumsq:
      return graph::MulOp::create(b, op.getLoc(), x, x);
    case graph::ReduceKind::l1:
    case graph::ReduceKind::l2:
      return graph::AbsOp::create(b, op.getLoc(), x);
    default:
      return x;
    }
  }

  /// Padding by copies takes elements by their index, one dim after the other.
  Value rewritePad(graph::PadOp op) {
    Value x = op.getX();
    for (auto [d, low, high] : llvm::enumerate(op.getLow(), op.getHigh())) {
      int64_t extent = typeOf(x).getDimSize(d);
      if (low == 0 && high == 0)
        continue;
      if (ShapedType::isDynamic(extent) || extent == 0)
        return nullptr;
      SmallVector<int64_t> indices;
      for (int64_t i = -low; i < extent + high; ++i) {
        int64_t from = std::clamp<int64_t>(i, 0, extent - 1);
        if (op.getMode() == graph::PadMode::wrap)
          from = (i % extent + extent) % extent;
        if (op.getMode() == graph::PadMode::reflect && extent > 1) {
          int64_t period = 2 * (extent - 1);
          from = (i % period + period) % period;
          from = std::min(from, period - from);
        }
        indices.push_back(from);
      }
      auto type = RankedTensorType::get({static_cast<int64_t>(indices.size())},
                                        b.getI64Type());
      Value table = graph::ConstantOp::create(
          b, op.getLoc(), type,
          DenseElementsAttr::get(type, ArrayRef<int64_t>(indices)));
      x = graph::GatherOp::create(b, op.getLoc(), x, table, d);
    }
    return x;
  }

  /// Reduced dims that stay as 1 become a reshape, so that no kernel writes
  /// them; a transpose before is read through.
  Value rewriteReduce(graph::ReduceOp op) {
    Value x = op.getX();
    if (op.getDims().empty())
      return reduceNothing(op);
    bool isRow = op.getKind() == graph::ReduceKind::logsumexp;
    bool isTrailing = op.getDims().front() + op.getDims().size() ==
                      static_cast<size_t>(typeOf(x).getRank());
    SmallVector<int64_t> perm =
        llvm::to_vector(llvm::seq<int64_t>(0, typeOf(x).getRank()));
    if (auto transpose = sourceTranspose(x)) {
      perm.assign(transpose.getPerm().begin(), transpose.getPerm().end());
      x = transpose.getX();
    } else if (!op.getKeepdims() && (isTrailing || !isRow)) {
      return nullptr;
    }
    SmallVector<int64_t> dims, left, sorted;
    for (auto [i, p] : llvm::enumerate(perm))
      (llvm::is_contained(op.getDims(), static_cast<int64_t>(i)) ? dims : left)
          .push_back(p);
    llvm::sort(dims);
    if (isRow) {
      // Rows are the last dims, as in softmax.
      SmallVector<int64_t> order(left);
      llvm::append_range(order, dims);
      x = createTranspose(b, op.getLoc(), x, order);
      std::iota(left.begin(), left.end(), 0);
      std::iota(dims.begin(), dims.end(), left.size());
    }
    Value y = graph::ReduceOp::create(b, op.getLoc(), op.getKind(), x, dims,
                                      /*keepdims=*/false);
    // Renumber what is left of the permutation.
    sorted = left;
    llvm::sort(sorted);
    for (int64_t &p : left)
      p = llvm::find(sorted, p) - sorted.begin();
    y = createTranspose(b, op.getLoc(), y, left);
    return createReshape(b, op.getLoc(), y, graph::getDims(typeOf(op)));
  }

  /// The dims before the scatter's own become one, and those behind it.
  Value rewriteScatter(graph::ScatterOp op) {
    int64_t axis = op.getAxis();
    auto merged = [&](Value x) {
      SmallVector<DimExprAttr> known = graph::getDims(typeOf(x));
      ArrayRef<DimExprAttr> dims = known;
      MLIRContext *context = op.getContext();
      return createReshape(
          b, op.getLoc(), x,
          {graph::dimProduct(context, dims.take_front(axis)), dims[axis],
           graph::dimProduct(context, dims.drop_front(axis + 1))});
    };
    Value indices = op.getIndices();
    // Indices that are the same for all rows or columns.
    if (auto broadcast = indices.getDefiningOp<graph::BroadcastOp>()) {
      SmallVector<DimExprAttr> dims = graph::getDims(typeOf(broadcast.getX()));
      DimExprAttr count = graph::getDims(typeOf(indices))[axis];
      int64_t missing = typeOf(indices).getRank() - dims.size();
      bool isRow = axis >= missing && dims[axis - missing] == count;
      for (auto [d, dim] : llvm::enumerate(dims))
        isRow &= static_cast<int64_t>(d) + missing == axis ||
                 graph::constantValue(dim) == 1;
      if (isRow)
        indices = createReshape(b, op.getLoc(), broadcast.getX(), {count});
    }
    bool isRows = typeOf(indices).getRank() == 1;
    if (typeOf(op.getData()).getRank() == 3 && axis == 1 &&
        indices == op.getIndices())
      return nullptr;
    Value y = graph::ScatterOp::create(
        b, op.getLoc(), op.getKind(), merged(op.getData()),
        isRows ? indices : merged(indices), merged(op.getUpdates()), 1);
    return createReshape(b, op.getLoc(), y, graph::getDims(typeOf(op)));
  }

  /// Rows are the last dim.
  template <typename OpTy> Value rewriteSoftmax(OpTy op) {
    int64_t rank = typeOf(op.getX()).getRank();
    if (op.getAxis() + 1 == static_cast<uint64_t>(rank))
      return nullptr;
    SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    std::swap(perm[op.getAxis()], perm.back());
    Value x = createTranspose(b, op.getLoc(), op.getX(), perm);
    Value y = OpTy::create(b, op.getLoc(), x, rank - 1);
    return createTranspose(b, op.getLoc(), y, perm);
  }

  Value pushConcat(graph::ConcatOp op, ArrayRef<int64_t> perm) {
    SmallVector<int64_t> inv = inverse(perm);
    SmallVector<Value> operands;
    for (Value operand : op.getInputs()) {
      auto t = sourceTranspose(operand);
      if (!(t && t.getPerm() == perm) && !isConstantTree(operand))
        return nullptr;
      operands.push_back(createTranspose(b, op.getLoc(), operand, inv));
    }
    Value y =
        graph::ConcatOp::create(b, op.getLoc(), operands, perm[op.getAxis()]);
    return createTranspose(b, op.getLoc(), y, perm);
  }

  Value pushBatchNorm(graph::BatchNormOp op, graph::TransposeOp transpose) {
    if (op.getX() != transpose.getResult())
      return nullptr;
    Value y = graph::BatchNormOp::create(
        b, op.getLoc(), transpose.getX(), op.getScale(), op.getBias(),
        op.getMean(), op.getVariance(), transpose.getPerm()[op.getAxis()],
        op.getEpsilon());
    return createTranspose(b, op.getLoc(), y, transpose.getPerm());
  }

  Value pushSlice(graph::SliceOp op, ArrayRef<int64_t> perm) {
    auto transpose = sourceTranspose(op.getX());
    SmallVector<DimExprAttr> starts, sizes;
    SmallVector<int64_t> steps;
    for (int64_t i : inverse(perm)) {
      starts.push_back(op.getStarts().getDims()[i]);
      sizes.push_back(op.getSizes().getDims()[i]);
      steps.push_back(op.getSteps()[i]);
    }
    MLIRContext *context = op.getContext();
    Value y = graph::SliceOp::create(
        b, op.getLoc(),
        graph::getTensorType(sizes, typeOf(op).getElementType()),
        transpose.getX(), graph::DimsAttr::get(context, starts),
        graph::DimsAttr::get(context, sizes), steps);
    return createTranspose(b, op.getLoc(), y, perm);
  }

  /// A reshape that splits dims, and merges those that the transpose keeps side
  /// by side.
  Value pushReshape(graph::ReshapeOp op, graph::TransposeOp transpose) {
    ArrayRef<int64_t> perm = transpose.getPerm();
    SmallVector<DimExprAttr> from = graph::getDims(typeOf(op.getX()));
    SmallVector<DimExprAttr> to = graph::getDims(typeOf(op));
    // Runs of dims before and behind that hold the same elements; one of the
    // two is a single dim.
    struct Run {
      SmallVector<int64_t> from, to;
    };
    SmallVector<Run> runs;
    size_t i = 0, j = 0;
    while (i < from.size() && j < to.size()) {
      Run run{{int64_t(i)}, {int64_t(j)}};
      DimExprAttr left = from[i++], right = to[j++];
      size_t iEnd = i, jEnd = j;
      DimExprAttr more = left;
      while (more != right && iEnd < from.size())
        more = graph::dimMul(more, from[iEnd++]);
      if (more == right) {
        for (; i < iEnd; ++i)
          run.from.push_back(i);
      } else {
        more = right;
        while (more != left && jEnd < to.size())
          more = graph::dimMul(more, to[jEnd++]);
        if (more != left)
          return nullptr;
        for (; j < jEnd; ++j)
          run.to.push_back(j);
      }
      runs.push_back(std::move(run));
    }
    if (i != from.size() || j != to.size())
      return nullptr;
    for (const Run &run : runs)
      for (size_t k = 1; k < run.from.size(); ++k)
        if (perm[run.from[k]] != perm[run.from[k - 1]] + 1)
          return nullptr;
    // The runs in the order in which the source holds them.
    SmallVector<int64_t> order =
        llvm::to_vector(llvm::seq<int64_t>(0, runs.size()));
    llvm::sort(order, [&](int64_t a, int64_t c) {
      return perm[runs[a].from[0]] < perm[runs[c].from[0]];
    });
    SmallVector<DimExprAttr> dims;
    SmallVector<int64_t> behind(to.size());
    for (int64_t r : order)
      for (int64_t k : runs[r].to) {
        behind[k] = dims.size();
        dims.push_back(to[k]);
      }
    Value y = createReshape(b, op.getLoc(), transpose.getX(), dims);
    return createTranspose(b, op.getLoc(), y, behind);
  }
};

struct GraphLayout : impl::GraphLayoutBase<GraphLayout> {
  using GraphLayoutBase::GraphLayoutBase;
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (!func.isExternal() &&
          !func->hasAttr(graph::GraphDialect::kRecipeAttr))
        LayoutRewriter(&getContext(), target).run(func);
  }
};

} // namespace
} // namespace actnet
