//===- Cost.cpp - arithmetic of a kernel ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Kernel/Transforms/Cost.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace actnet;

namespace {

/// Extents of tensors in one kernel.
class Extents {
public:
  Extents(kernel::FuncOp kernel, ArrayRef<int64_t> dims)
      : kernel(kernel), dims(dims) {}

  int64_t of(Value tensor, unsigned dim);

private:
  int64_t index(Value value);
  int64_t index(OpFoldResult value) {
    if (auto constant = getConstantIntValue(value))
      return *constant;
    return index(cast<Value>(value));
  }
  std::optional<int64_t> evaluate(graph::DimExprAttr expr) {
    return graph::dimEvaluate(
        expr, [&](StringRef name) -> std::optional<int64_t> {
          size_t i;
          if (!name.consume_front("d") || name.getAsInteger(10, i) ||
              i >= dims.size())
            return std::nullopt;
          return dims[i];
        });
  }

  kernel::FuncOp kernel;
  ArrayRef<int64_t> dims;
};

} // namespace

int64_t Extents::index(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    unsigned i = argument.getArgNumber() - kernel.getNumOperandTensors();
    return i < dims.size() ? dims[i] : 1;
  }
  Operation *op = value.getDefiningOp();
  auto operand = [&](unsigned i) { return index(op->getOperand(i)); };
  if (auto constant = getConstantIntValue(value))
    return *constant;
  if (isa<arith::AddIOp>(op))
    return operand(0) + operand(1);
  if (isa<arith::SubIOp>(op))
    return operand(0) - operand(1);
  if (isa<arith::MulIOp>(op))
    return operand(0) * operand(1);
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::FloorDivSIOp>(op))
    return operand(0) / std::max<int64_t>(operand(1), 1);
  if (isa<arith::CeilDivSIOp, arith::CeilDivUIOp>(op))
    return llvm::divideCeil(operand(0), std::max<int64_t>(operand(1), 1));
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    if (auto constant = dim.getConstantIndex())
      return of(dim.getSource(), *constant);
  return 1;
}

int64_t Extents::of(Value tensor, unsigned dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return type.getDimSize(dim);
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return evaluate(kernel.getArgDims(argument.getArgNumber())[dim])
        .value_or(1);
  Operation *op = tensor.getDefiningOp();
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return index(empty.getMixedSizes()[dim]);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
      slice && slice.getType() == slice.getSourceType())
    return index(slice.getMixedSizes()[dim]);
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    return index(pad.getMixedLowPad()[dim]) + of(pad.getSource(), dim) +
           index(pad.getMixedHighPad()[dim]);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    int64_t extent = 1;
    // By value: the groups live no longer than the loop's head.
    ReassociationIndices group = collapse.getReassociationIndices()[dim];
    for (int64_t source : group)
      extent *= of(collapse.getSrc(), source);
    return extent;
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return index(expand.getMixedOutputShape()[dim]);
  // Destination style: a result is shaped like its destination.
  if (auto style = dyn_cast<DestinationStyleOpInterface>(op))
    return of(style.getTiedOpOperand(cast<OpResult>(tensor))->get(), dim);
  return 1;
}

/// Number of iterations: extents of operand dims that are plain loop dims.
static SmallVector<int64_t> loopExtents(ArrayRef<AffineMap> maps,
                                        ValueRange operands, Extents &extents) {
  SmallVector<int64_t> loops(maps.front().getNumDims(), 1);
  for (auto [map, operand] : llvm::zip(maps, operands))
    for (auto [i, result] : llvm::enumerate(map.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(result))
        loops[dim.getPosition()] =
            std::max(loops[dim.getPosition()], extents.of(operand, i));
  return loops;
}

static bool isFloatOp(Operation &op) {
  if (!isa<arith::ArithDialect, math::MathDialect>(op.getDialect()) ||
      op.getNumResults() != 1 ||
      isa<arith::ConstantOp, arith::ExtFOp, arith::TruncFOp, arith::SelectOp>(
          op))
    return false;
  return isa<FloatType>(op.getResult(0).getType());
}

double actnet::countFlops(kernel::FuncOp kernel, ArrayRef<int64_t> dims) {
  Extents extents(kernel, dims);
  double total = 0;
  for (Operation &op : kernel.getBody().front()) {
    if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
      double iterations = 1;
      for (int64_t extent : loopExtents(generic.getIndexingMapsArray(),
                                        generic->getOperands(), extents))
        iterations *= extent;
      total += iterations * llvm::count_if(*generic.getBody(), isFloatOp);
    } else if (auto scatter = dyn_cast<kernel::ScatterOp>(op)) {
      double updates = 1;
      for (unsigned d = 0; d < 3; ++d)
        updates *= extents.of(scatter.getUpdates(), d);
      total +=
          updates * llvm::count_if(scatter.getCombiner().front(), isFloatOp);
    } else if (auto attention = dyn_cast<kernel::AttentionOp>(op)) {
      SmallVector<AffineMap> maps;
      for (Attribute map : attention.getIndexingMaps())
        maps.push_back(cast<AffineMapAttr>(map).getValue());
      SmallVector<int64_t> n =
          loopExtents(maps, attention->getOperands(), extents);
      // Two products, and some six operations on each score.
      if (n.size() == 6)
        total +=
            double(n[0]) * n[1] * n[2] * n[3] * (2.0 * n[4] + 2.0 * n[5] + 6);
    }
  }
  return total;
}
