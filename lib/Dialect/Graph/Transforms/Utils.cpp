//===- Utils.cpp - building and matching graph ops ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Utils.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace actnet::graph;

Value GraphBuilder::scalar(Type elementType, double value) {
  auto type = RankedTensorType::get({}, elementType);
  Attribute element;
  if (isa<FloatType>(elementType)) {
    APFloat number(value);
    bool losesInfo;
    number.convert(cast<FloatType>(elementType).getFloatSemantics(),
                   APFloat::rmNearestTiesToEven, &losesInfo);
    element = FloatAttr::get(elementType, number);
  } else {
    element = IntegerAttr::get(elementType, static_cast<int64_t>(value));
  }
  return ConstantOp::create(builder, location, type,
                            DenseElementsAttr::get(type, element));
}

Value GraphBuilder::reshape(Value x, ArrayRef<DimExprAttr> dims) {
  RankedTensorType type = getTensorType(dims, typeOf(x).getElementType());
  if (type == x.getType())
    return x;
  return ReshapeOp::create(builder, location, type, x);
}

Value GraphBuilder::transpose(Value x, ArrayRef<int64_t> perm) {
  bool isIdentity = true;
  for (auto [i, dim] : llvm::enumerate(perm))
    isIdentity &= static_cast<int64_t>(i) == dim;
  return isIdentity
             ? x
             : TransposeOp::create(builder, location, x, perm).getResult();
}

Value GraphBuilder::broadcast(Value x, ArrayRef<DimExprAttr> dims) {
  RankedTensorType type = getTensorType(dims, typeOf(x).getElementType());
  return BroadcastOp::create(builder, location, type, x);
}

Value GraphBuilder::reduce(ReduceKind kind, Value x, ArrayRef<int64_t> dims) {
  return ReduceOp::create(builder, location, kind, x, dims, /*keepdims=*/true);
}

Value GraphBuilder::einsum(StringRef spec, Value a, Value b) {
  return EinsumOp::create(builder, location, spec, a, b);
}

Value GraphBuilder::alongAxis(Value vector, int64_t axis, int64_t rank) {
  DimExprAttr one = dimConstant(builder.getContext(), 1);
  SmallVector<DimExprAttr> dims(rank - axis, one);
  dims.front() = getDims(typeOf(vector)).front();
  return reshape(vector, dims);
}

bool actnet::graph::isConstantExpression(Value value) {
  SmallVector<Value> work{value};
  llvm::SmallPtrSet<Operation *, 16> seen;
  // Weights are a few operations away from their file; more is no weight.
  constexpr size_t limit = 256;
  while (!work.empty()) {
    Operation *op = work.pop_back_val().getDefiningOp();
    if (!op || !isa<GraphDialect>(op->getDialect()) || isa<DimValueOp>(op))
      return false;
    if (!seen.insert(op).second)
      continue;
    if (seen.size() > limit)
      return false;
    llvm::append_range(work, op->getOperands());
  }
  return true;
}

std::optional<double> actnet::graph::splatValue(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<ReshapeOp, BroadcastOp>(op))
      break;
    value = op->getOperand(0);
  }
  auto constant = value.getDefiningOp<ConstantOp>();
  auto dense =
      constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
  if (!dense || !dense.isSplat())
    return std::nullopt;
  if (isa<FloatType>(dense.getElementType())) {
    APFloat number = dense.getSplatValue<APFloat>();
    bool losesInfo;
    number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                   &losesInfo);
    return number.convertToDouble();
  }
  return dense.getElementType().isInteger(1)
             ? static_cast<double>(dense.getSplatValue<APInt>().getZExtValue())
             : static_cast<double>(dense.getSplatValue<APInt>().getSExtValue());
}

Product actnet::graph::factorsOf(Value value) {
  Product result;
  SmallVector<Value> work{value};
  constexpr size_t limit = 16;
  while (!work.empty()) {
    Value next = work.pop_back_val();
    if (std::optional<double> number = splatValue(next)) {
      result.constant *= *number;
      continue;
    }
    if (auto mul = next.getDefiningOp<MulOp>();
        mul && work.size() + result.factors.size() < limit) {
      work.push_back(mul.getB());
      work.push_back(mul.getA());
      continue;
    }
    if (auto div = next.getDefiningOp<DivOp>())
      if (std::optional<double> divisor = splatValue(div.getB());
          divisor && *divisor != 0) {
        result.constant /= *divisor;
        work.push_back(div.getA());
        continue;
      }
    result.factors.push_back(next);
  }
  return result;
}

LogicalResult actnet::graph::applyGreedily(Operation *root,
                                           RewritePatternSet patterns) {
  GreedyRewriteConfig config;
  config.setUseTopDownTraversal(true);
  return applyPatternsGreedily(root, std::move(patterns), config);
}
