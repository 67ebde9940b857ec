//===- Interpreter.cpp - kernel bodies, one element after the other -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Interpreter.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

using namespace mlir;
using namespace actnet;
using namespace actnet::testing;

namespace {

class Interpreter {
public:
  llvm::DenseMap<Value, Tensor> tensors;
  llvm::DenseMap<Value, double> scalars;
  /// Rounds what is computed as f32.
  bool isRounded = true;

  void run(Operation &op);

private:
  int64_t index(OpFoldResult value) {
    if (auto constant = getConstantIntValue(value))
      return *constant;
    return static_cast<int64_t>(scalar(cast<Value>(value)));
  }
  double scalar(Value value);
  double evaluate(Operation &op, ArrayRef<double> x);
  void generic(linalg::GenericOp op);
  void scatter(kernel::ScatterOp op);
  std::vector<int64_t> shapeOf(Value value) { return tensors[value].shape; }
};

int64_t offsetOf(const Tensor &t, ArrayRef<int64_t> at) {
  int64_t offset = 0;
  for (auto [extent, i] : llvm::zip_equal(t.shape, at))
    offset = offset * extent + i;
  return offset;
}

/// Calls `fn` with every index tuple of a shape, row-major.
void forEach(ArrayRef<int64_t> shape,
             llvm::function_ref<void(ArrayRef<int64_t>)> fn) {
  for (int64_t extent : shape)
    if (extent == 0)
      return;
  SmallVector<int64_t> at(shape.size(), 0);
  while (true) {
    fn(at);
    int d = static_cast<int>(shape.size()) - 1;
    while (d >= 0 && ++at[d] == shape[d])
      at[d--] = 0;
    if (d < 0)
      return;
  }
}

double narrow(Type type, double value) {
  if (type.isF32())
    return static_cast<float>(value);
  return value;
}

} // namespace

double Interpreter::scalar(Value value) {
  if (auto it = scalars.find(value); it != scalars.end())
    return it->second;
  Attribute constant;
  if (matchPattern(value, m_Constant(&constant))) {
    if (auto number = dyn_cast<FloatAttr>(constant))
      return number.getValueAsDouble();
    return static_cast<double>(
        cast<IntegerAttr>(constant).getValue().getSExtValue());
  }
  std::fprintf(stderr, "interpreter: unknown scalar\n");
  std::abort();
}

double Interpreter::evaluate(Operation &op, ArrayRef<double> x) {
  StringRef name = op.getName().getStringRef();
  if (auto compare = dyn_cast<arith::CmpFOp>(op)) {
    using P = arith::CmpFPredicate;
    bool nan = std::isnan(x[0]) || std::isnan(x[1]);
    switch (compare.getPredicate()) {
    case P::OEQ:
      return x[0] == x[1];
    case P::OGT:
      return x[0] > x[1];
    case P::OGE:
      return x[0] >= x[1];
    case P::OLT:
      return x[0] < x[1];
    case P::OLE:
      return x[0] <= x[1];
    case P::UNE:
      return nan || x[0] != x[1];
    default:
      return nan;
    }
  }
  if (auto compare = dyn_cast<arith::CmpIOp>(op)) {
    using P = arith::CmpIPredicate;
    switch (compare.getPredicate()) {
    case P::eq:
      return x[0] == x[1];
    case P::ne:
      return x[0] != x[1];
    case P::slt:
      return x[0] < x[1];
    case P::sle:
      return x[0] <= x[1];
    case P::sgt:
      return x[0] > x[1];
    default:
      return x[0] >= x[1];
    }
  }
  if (name == "arith.addf" || name == "arith.addi")
    return x[0] + x[1];
  if (name == "arith.subf" || name == "arith.subi")
    return x[0] - x[1];
  if (name == "arith.mulf" || name == "arith.muli")
    return x[0] * x[1];
  if (name == "arith.divf")
    return x[0] / x[1];
  if (name == "arith.divsi")
    return std::trunc(x[0] / x[1]);
  if (name == "arith.remsi")
    return std::fmod(x[0], x[1]);
  if (name == "arith.negf")
    return -x[0];
  if (name == "arith.maximumf" || name == "arith.maxsi")
    return std::isnan(x[0]) || std::isnan(x[1]) ? NAN : std::max(x[0], x[1]);
  if (name == "arith.minimumf" || name == "arith.minsi")
    return std::isnan(x[0]) || std::isnan(x[1]) ? NAN : std::min(x[0], x[1]);
  if (name == "arith.select")
    return x[0] != 0 ? x[1] : x[2];
  if (name == "arith.andi")
    return static_cast<double>(static_cast<int64_t>(x[0]) &
                               static_cast<int64_t>(x[1]));
  if (name == "arith.ori")
    return static_cast<double>(static_cast<int64_t>(x[0]) |
                               static_cast<int64_t>(x[1]));
  if (name == "arith.xori")
    return static_cast<double>(static_cast<int64_t>(x[0]) ^
                               static_cast<int64_t>(x[1]));
  if (name == "arith.floordivsi")
    return std::floor(x[0] / x[1]);
  if (name == "arith.ceildivsi")
    return std::ceil(x[0] / x[1]);
  if (name == "arith.fptosi")
    return std::trunc(x[0]);
  if (name == "arith.truncf" || name == "arith.extf" ||
      name == "arith.sitofp" || name == "arith.uitofp" ||
      name == "arith.extsi" || name == "arith.extui" ||
      name == "arith.trunci" || name == "arith.index_cast")
    return name == "arith.extui" && op.getOperand(0).getType().isInteger(1)
               ? std::fabs(x[0])
               : x[0];
  if (name == "math.exp")
    return std::exp(x[0]);
  if (name == "math.log")
    return std::log(x[0]);
  if (name == "math.tanh")
    return std::tanh(x[0]);
  if (name == "math.erf")
    return std::erf(x[0]);
  if (name == "math.sqrt")
    return std::sqrt(x[0]);
  if (name == "math.rsqrt")
    return 1 / std::sqrt(x[0]);
  if (name == "math.absf")
    return std::fabs(x[0]);
  std::fprintf(stderr, "interpreter: unknown op %s\n", name.str().c_str());
  std::abort();
}

void Interpreter::generic(linalg::GenericOp op) {
  // Loop extents from operands that name the loop plainly.
  std::vector<int64_t> extents(op.getNumLoops(), -1);
  for (OpOperand &operand : op->getOpOperands())
    if (auto it = tensors.find(operand.get()); it != tensors.end())
      for (auto [d, expr] :
           llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
        if (auto dim = dyn_cast<AffineDimExpr>(expr))
          extents[dim.getPosition()] = it->second.shape[d];
  std::vector<Tensor> outputs;
  for (Value init : op.getOutputs())
    outputs.push_back(tensors[init]);
  forEach(extents, [&](ArrayRef<int64_t> at) {
    auto place = [&](OpOperand *operand, const Tensor &tensor) {
      SmallVector<int64_t> where;
      for (AffineExpr expr : op.getMatchingIndexingMap(operand).getResults()) {
        SmallVector<AffineExpr> values;
        for (int64_t i : at)
          values.push_back(getAffineConstantExpr(i, op.getContext()));
        AffineExpr done = simplifyAffineExpr(expr.replaceDims(values), 0, 0);
        where.push_back(cast<AffineConstantExpr>(done).getValue());
      }
      return offsetOf(tensor, where);
    };
    unsigned argument = 0;
    for (OpOperand *operand : op.getDpsInputOperands()) {
      auto it = tensors.find(operand->get());
      scalars[op.getBody()->getArgument(argument++)] =
          it == tensors.end() ? scalar(operand->get())
                              : it->second.data[place(operand, it->second)];
    }
    for (auto [i, operand] : llvm::enumerate(op.getDpsInitsMutable()))
      scalars[op.getBody()->getArgument(argument++)] =
          outputs[i].data[place(&operand, outputs[i])];
    for (Operation &inner : op.getBody()->without_terminator()) {
      if (auto indexOp = dyn_cast<linalg::IndexOp>(inner)) {
        scalars[inner.getResult(0)] = static_cast<double>(at[indexOp.getDim()]);
      } else if (auto extract = dyn_cast<tensor::ExtractOp>(inner)) {
        const Tensor &source = tensors[extract.getTensor()];
        SmallVector<int64_t> where;
        for (auto [d, i] : llvm::enumerate(extract.getIndices()))
          where.push_back(std::clamp<int64_t>(static_cast<int64_t>(scalar(i)),
                                              0, source.shape[d] - 1));
        scalars[inner.getResult(0)] = source.data[offsetOf(source, where)];
      } else if (isa<arith::ConstantOp>(inner)) {
        scalars[inner.getResult(0)] = scalar(inner.getResult(0));
      } else {
        SmallVector<double> x;
        for (Value operand : inner.getOperands())
          x.push_back(scalar(operand));
        scalars[inner.getResult(0)] =
            isRounded ? narrow(inner.getResult(0).getType(), evaluate(inner, x))
                      : evaluate(inner, x);
      }
    }
    for (auto [i, operand] : llvm::enumerate(op.getDpsInitsMutable()))
      outputs[i].data[place(&operand, outputs[i])] =
          scalar(op.getBody()->getTerminator()->getOperand(i));
  });
  for (auto [result, output] : llvm::zip(op.getResults(), outputs))
    tensors[result] = output;
}

void Interpreter::scatter(kernel::ScatterOp op) {
  Tensor result = tensors[op.getData()];
  const Tensor &indices = tensors[op.getIndices()],
               &updates = tensors[op.getUpdates()];
  Block &block = op.getCombiner().front();
  // Row-major: the updates of an element come in their order.
  forEach(updates.shape, [&](ArrayRef<int64_t> at) {
    int64_t from = offsetOf(updates, at);
    auto row = static_cast<int64_t>(
        indices.data[indices.shape.size() == 1 ? at[1] : from]);
    if (row < 0)
      row += result.shape[1];
    if (row < 0 || row >= result.shape[1])
      return;
    double &element = result.data[offsetOf(result, {at[0], row, at[2]})];
    scalars[block.getArgument(0)] = element;
    scalars[block.getArgument(1)] = updates.data[from];
    for (Operation &inner : block.without_terminator()) {
      SmallVector<double> x;
      for (Value operand : inner.getOperands())
        x.push_back(scalar(operand));
      scalars[inner.getResult(0)] =
          narrow(inner.getResult(0).getType(), evaluate(inner, x));
    }
    element = scalar(block.getTerminator()->getOperand(0));
  });
  tensors[op.getResult()] = result;
}

void Interpreter::run(Operation &op) {
  if (auto scatterOp = dyn_cast<kernel::ScatterOp>(op))
    return scatter(scatterOp);
  if (auto genericOp = dyn_cast<linalg::GenericOp>(op))
    return generic(genericOp);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
    Tensor t;
    for (OpFoldResult size : empty.getMixedSizes())
      t.shape.push_back(index(size));
    t.data.assign(t.size(), 0);
    tensors[empty] = t;
  } else if (auto fill = dyn_cast<linalg::FillOp>(op)) {
    Tensor t = tensors[fill.getOutputs()[0]];
    t.data.assign(t.data.size(), scalar(fill.getInputs()[0]));
    tensors[fill.getResult(0)] = t;
  } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    const Tensor source = tensors[slice.getSource()];
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    Tensor t;
    std::vector<int64_t> sizes;
    for (auto [d, size] : llvm::enumerate(slice.getMixedSizes())) {
      sizes.push_back(index(size));
      if (!dropped[d])
        t.shape.push_back(sizes.back());
    }
    forEach(sizes, [&](ArrayRef<int64_t> at) {
      SmallVector<int64_t> where;
      for (unsigned d = 0; d < at.size(); ++d)
        where.push_back(index(slice.getMixedOffsets()[d]) +
                        at[d] * index(slice.getMixedStrides()[d]));
      t.data.push_back(source.data[offsetOf(source, where)]);
    });
    tensors[slice] = t;
  } else if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    const Tensor source = tensors[pad.getSource()];
    Tensor t;
    for (unsigned d = 0; d < source.shape.size(); ++d)
      t.shape.push_back(index(pad.getMixedLowPad()[d]) + source.shape[d] +
                        index(pad.getMixedHighPad()[d]));
    double filler = scalar(pad.getConstantPaddingValue());
    forEach(t.shape, [&](ArrayRef<int64_t> at) {
      SmallVector<int64_t> where;
      bool inside = true;
      for (unsigned d = 0; d < at.size(); ++d) {
        where.push_back(at[d] - index(pad.getMixedLowPad()[d]));
        inside &= where.back() >= 0 && where.back() < source.shape[d];
      }
      t.data.push_back(inside ? source.data[offsetOf(source, where)] : filler);
    });
    tensors[pad] = t;
  } else if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
    if (!dense)
      return;
    Tensor t;
    t.shape = dense.getType().getShape();
    for (Attribute value : dense.getValues<Attribute>())
      t.data.push_back(
          isa<FloatAttr>(value)
              ? cast<FloatAttr>(value).getValueAsDouble()
              : static_cast<double>(cast<IntegerAttr>(value).getInt()));
    tensors[constant] = t;
  } else if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op)) {
    Tensor t = tensors[op.getOperand(0)];
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
      t.shape.clear();
      for (OpFoldResult size : expand.getMixedOutputShape())
        t.shape.push_back(index(size));
    } else {
      std::vector<int64_t> shape;
      for (auto group :
           cast<tensor::CollapseShapeOp>(op).getReassociationIndices()) {
        shape.push_back(1);
        for (int64_t d : group)
          shape.back() *= t.shape[d];
      }
      t.shape = shape;
    }
    tensors[op.getResult(0)] = t;
  } else if (op.getNumResults() == 1) {
    SmallVector<double> x;
    for (Value operand : op.getOperands())
      x.push_back(scalar(operand));
    scalars[op.getResult(0)] = evaluate(op, x);
  }
}

std::vector<Tensor>
actnet::testing::interpret(kernel::FuncOp kernel,
                           const std::vector<Tensor> &operands,
                           const std::vector<int64_t> &dims, bool isRounded) {
  Interpreter interpreter;
  interpreter.isRounded = isRounded;
  Block &block = kernel.getBody().front();
  for (auto [i, operand] : llvm::enumerate(operands))
    interpreter.tensors[block.getArgument(i)] = operand;
  for (auto [i, dim] : llvm::enumerate(dims))
    interpreter.scalars[block.getArgument(operands.size() + i)] =
        static_cast<double>(dim);
  for (Operation &op : block.without_terminator())
    interpreter.run(op);
  std::vector<Tensor> results;
  for (Value value : block.getTerminator()->getOperands())
    results.push_back(interpreter.tensors[value]);
  return results;
}
