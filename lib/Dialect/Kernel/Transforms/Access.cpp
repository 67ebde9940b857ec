//===- Access.cpp - how a kernel body reads its operands ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Kernel/Transforms/Access.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::kernel;

SymbolicIndex AccessWalk::zero() {
  SymbolicIndex index;
  index.coefficients.assign(numDims,
                            graph::dimConstant(kernel.getContext(), 0));
  index.rigid.resize(numDims);
  return index;
}

SymbolicIndex AccessWalk::dim(unsigned d) {
  SymbolicIndex index = zero();
  index.coefficients[d] = graph::dimConstant(kernel.getContext(), 1);
  return index;
}

void AccessWalk::addScaled(SymbolicIndex &to, const SymbolicIndex &from,
                           graph::DimExprAttr factor) {
  for (unsigned d = 0; d < numDims; ++d) {
    graph::DimExprAttr &sum = to.coefficients[d];
    graph::DimExprAttr part = from.coefficients[d];
    if (graph::constantValue(factor) == 0)
      continue;
    sum = sum && part ? graph::dimAdd(sum, graph::dimMul(part, factor))
                      : graph::DimExprAttr();
  }
  to.rigid |= from.rigid;
}

/// Marks all dims that an index depends on: non-linear use.
static void makeOpaque(SymbolicIndex &index) {
  for (auto [d, coefficient] : llvm::enumerate(index.coefficients))
    if (!coefficient || graph::constantValue(coefficient) != 0) {
      coefficient = {};
      index.rigid.set(d);
    }
}

static void makeRigid(SymbolicIndex &index) {
  for (auto [d, coefficient] : llvm::enumerate(index.coefficients))
    if (!coefficient || graph::constantValue(coefficient) != 0)
      index.rigid.set(d);
}

SymbolicIndex AccessWalk::affine(AffineExpr expr,
                                 ArrayRef<SymbolicIndex> dims) {
  if (auto dimExpr = dyn_cast<AffineDimExpr>(expr))
    return dims[dimExpr.getPosition()];
  SymbolicIndex out = zero();
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return out;
  SymbolicIndex x = affine(binary.getLHS(), dims),
                y = affine(binary.getRHS(), dims);
  auto one = graph::dimConstant(kernel.getContext(), 1);
  if (expr.getKind() == AffineExprKind::Add) {
    addScaled(out, x, one);
    addScaled(out, y, one);
    return out;
  }
  auto constant = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (expr.getKind() == AffineExprKind::Mul && constant) {
    addScaled(out, x,
              graph::dimConstant(kernel.getContext(), constant.getValue()));
    return out;
  }
  addScaled(out, x, one);
  addScaled(out, y, one);
  makeOpaque(out);
  return out;
}

SmallVector<SymbolicIndex> AccessWalk::map(AffineMap map,
                                           ArrayRef<SymbolicIndex> dims) {
  SmallVector<SymbolicIndex> out;
  for (AffineExpr expr : map.getResults())
    out.push_back(affine(expr, dims));
  return out;
}

void AccessWalk::access(unsigned number, bool isResult, Type element,
                        ArrayRef<graph::DimExprAttr> strides,
                        ArrayRef<SymbolicIndex> at) {
  SymbolicIndex sum = zero();
  for (auto [stride, index] : llvm::zip_equal(strides, at))
    addScaled(sum, index, stride);
  accesses.push_back({number, isResult, element, sum.coefficients, sum.rigid});
}

void AccessWalk::store(unsigned i, ArrayRef<SymbolicIndex> at) {
  access(i, true, getElementTypeOrSelf(kernel.getResultTypes()[i]),
         kernel.getResultStrides(i), at);
}

int64_t kernel::bodyCost(linalg::GenericOp op) {
  int64_t cost = 0;
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (isa<arith::ConstantOp, linalg::IndexOp>(inner))
      continue;
    if (isa<math::SqrtOp, math::AbsFOp, math::FloorOp, math::CeilOp,
            math::RoundEvenOp, arith::DivFOp>(inner))
      cost += 4;
    else if (isa<math::MathDialect>(inner.getDialect()))
      cost += 16;
    else if (isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp,
                 tensor::ExtractOp>(inner))
      cost += 8;
    else
      cost += 1;
  }
  return cost;
}

void AccessWalk::inputs(linalg::GenericOp op, ArrayRef<SymbolicIndex> dims) {
  cost += bodyCost(op);
  for (OpOperand *operand : op.getDpsInputOperands())
    if (isa<RankedTensorType>(operand->get().getType()) &&
        !op.getMatchingBlockArgument(operand).use_empty())
      tensor(operand->get(), map(op.getMatchingIndexingMap(operand), dims));
  for (OpOperand &operand : op.getDpsInitsMutable())
    if (!op.getMatchingBlockArgument(&operand).use_empty() &&
        op.getNumReductionLoops() == 0)
      tensor(operand.get(), map(op.getMatchingIndexingMap(&operand), dims));
  // Dims that are read as numbers stay apart; gathers read at them.
  op.getBody()->walk([&](tensor::ExtractOp extract) {
    SmallVector<SymbolicIndex> at;
    for (Value index : extract.getIndices()) {
      if (auto indexOp = index.getDefiningOp<linalg::IndexOp>()) {
        at.push_back(dims[indexOp.getDim()]);
        makeRigid(at.back());
        continue;
      }
      // Anything else may depend on every dim that the body sees.
      SymbolicIndex any = zero();
      bool loaded = true;
      SmallVector<Value> work{index};
      llvm::DenseSet<Value> seen;
      while (!work.empty()) {
        Value value = work.pop_back_val();
        if (!seen.insert(value).second)
          continue;
        if (auto argument = dyn_cast<BlockArgument>(value)) {
          if (argument.getOwner() != op.getBody())
            continue;
          AffineMap m = op.getMatchingIndexingMap(
              &op->getOpOperand(argument.getArgNumber()));
          for (const SymbolicIndex &part : map(m, dims))
            addScaled(any, part, graph::dimConstant(kernel.getContext(), 1));
        } else if (Operation *def = value.getDefiningOp()) {
          if (auto indexOp = dyn_cast<linalg::IndexOp>(def))
            addScaled(any, dims[indexOp.getDim()],
                      graph::dimConstant(kernel.getContext(), 1));
          llvm::append_range(work, def->getOperands());
        }
      }
      (void)loaded;
      // A loaded index says nothing of how far the address moves.
      for (graph::DimExprAttr &c : any.coefficients)
        if (!c || graph::constantValue(c) != 0)
          c = {};
      at.push_back(any);
    }
    tensor(extract.getTensor(), at);
  });
  op.getBody()->walk(
      [&](linalg::IndexOp indexOp) { keepApart(dims[indexOp.getDim()]); });
}

void AccessWalk::keepApart(SymbolicIndex index) {
  makeRigid(index);
  // As an access of nothing: only its rigid dims count.
  Access none;
  none.number = ~0u;
  none.strides.assign(numDims, graph::dimConstant(kernel.getContext(), 0));
  none.rigid = index.rigid;
  accesses.push_back(none);
}

void AccessWalk::tensor(Value value, ArrayRef<SymbolicIndex> at) {
  auto &seen = visited[value];
  for (const auto &known : seen)
    if (ArrayRef<SymbolicIndex>(known) == at)
      return;
  seen.push_back(llvm::to_vector(at));
  if (stops.contains(value)) {
    if (onStop)
      onStop(value, at);
    return;
  }
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    unsigned number = argument.getArgNumber();
    access(number, false, getElementTypeOrSelf(value.getType()),
           kernel.getArgStrides(number), at);
    return;
  }
  Operation *op = value.getDefiningOp();
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    AffineMap out = generic.getMatchingIndexingMap(
        generic.getDpsInitOperand(cast<OpResult>(value).getResultNumber()));
    SmallVector<SymbolicIndex> dims(generic.getNumLoops(), zero());
    for (auto [i, expr] : llvm::enumerate(out.getResults()))
      if (auto dimExpr = dyn_cast<AffineDimExpr>(expr))
        dims[dimExpr.getPosition()] = at[i];
    inputs(generic, dims);
    return;
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    SmallVector<SymbolicIndex> source;
    unsigned next = 0;
    for (auto [d, stride] : llvm::enumerate(slice.getMixedStrides())) {
      SymbolicIndex index = zero();
      if (!dropped[d])
        addScaled(index, at[next++],
                  graph::dimConstant(kernel.getContext(),
                                     getConstantIntValue(stride).value_or(1)));
      source.push_back(index);
    }
    tensor(slice.getSource(), source);
    return;
  }
  if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    SmallVector<SymbolicIndex> source(at);
    for (auto [d, low, high] :
         llvm::enumerate(pad.getMixedLowPad(), pad.getMixedHighPad()))
      if (getConstantIntValue(low) != 0 || getConstantIntValue(high) != 0) {
        // Checked bounds: each dim is known by itself, also where what is
        // padded does not move along it.
        keepApart(source[d]);
        makeRigid(source[d]);
      }
    tensor(pad.getSource(), source);
    return;
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    SmallVector<SymbolicIndex> source;
    for (ArrayRef<int64_t> group : expand.getReassociationIndices()) {
      SymbolicIndex sum = zero();
      auto scale = graph::dimConstant(kernel.getContext(), 1);
      bool known = true;
      for (int64_t d : llvm::reverse(group)) {
        addScaled(sum, at[d], scale);
        int64_t size = expand.getResultType().getDimSize(d);
        known &= !ShapedType::isDynamic(size) || d == group[0];
        if (!ShapedType::isDynamic(size))
          scale = graph::dimMul(scale,
                                graph::dimConstant(kernel.getContext(), size));
      }
      if (!known)
        makeOpaque(sum);
      source.push_back(sum);
    }
    tensor(expand.getSrc(), source);
    return;
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    SmallVector<SymbolicIndex> source;
    for (auto [i, group] :
         llvm::enumerate(collapse.getReassociationIndices())) {
      unsigned big = 0;
      for (int64_t d : group)
        big += collapse.getSrcType().getDimSize(d) != 1;
      for (int64_t d : group) {
        SymbolicIndex index = at[i];
        if (big > 1)
          makeOpaque(index);
        else if (collapse.getSrcType().getDimSize(d) == 1)
          index = zero();
        source.push_back(index);
      }
    }
    tensor(collapse.getSrc(), source);
    return;
  }
}
