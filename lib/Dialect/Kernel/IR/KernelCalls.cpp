//===- KernelCalls.cpp - verifiers of the ops around and in kernels -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::kernel;

#define GET_OP_CLASSES
#include "actnet/Dialect/Kernel/IR/KernelOps.cpp.inc"

static RankedTensorType withoutEncoding(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return RankedTensorType::get(tensor.getShape(), tensor.getElementType());
}

/// Compares dims of an operand or result with the callee's.
static LogicalResult verifyDims(DispatchOp op, Type type, Type calleeType,
                                ArrayRef<graph::DimExprAttr> calleeDims,
                                const Twine &what) {
  // A static extent may meet a dynamic one of the callee: kernels are shared.
  RankedTensorType here = withoutEncoding(type),
                   there = withoutEncoding(calleeType);
  Type element = here.getElementType();
  // A kernel's integers are signless: its operations say how it reads them.
  if (element.isUnsignedInteger())
    element =
        IntegerType::get(element.getContext(), element.getIntOrFloatBitWidth());
  if (element != there.getElementType() || here.getRank() != there.getRank())
    return op.emitOpError()
           << what << " is " << here << ", the kernel has " << there;
  SmallVector<graph::DimExprAttr> dims =
      graph::getDims(cast<RankedTensorType>(type));
  for (auto [i, dim, calleeDim] : llvm::enumerate(dims, calleeDims)) {
    graph::DimExprAttr expected = graph::dimSubstitute(
        calleeDim, [&](StringRef name) -> graph::DimExprAttr {
          unsigned number;
          if (name.drop_front().getAsInteger(10, number) ||
              number >= op.getDims().size())
            return {};
          return cast<graph::DimExprAttr>(op.getDims()[number]);
        });
    if (expected != dim)
      return op.emitOpError()
             << what << ": dim " << i << " is " << graph::toString(dim)
             << ", the kernel takes " << graph::toString(expected);
  }
  return success();
}

LogicalResult DispatchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto callee = symbols.lookupNearestSymbolFrom<FuncOp>(*this, getCalleeAttr());
  if (!callee)
    return emitOpError() << "there is no kernel @" << getCallee();
  unsigned numTensors = callee.getNumOperandTensors();
  unsigned numDims = callee.getArgumentTypes().size() - numTensors;
  if (getOperands().size() != numTensors || getDims().size() != numDims ||
      getResults().size() != callee.getResultTypes().size())
    return emitOpError() << "has " << getOperands().size() << " operands, "
                         << getDims().size() << " dims and "
                         << getResults().size() << " results; @" << getCallee()
                         << " has " << numTensors << ", " << numDims << " and "
                         << callee.getResultTypes().size();
  for (unsigned i = 0; i < numTensors; ++i)
    if (failed(verifyDims(*this, getOperands()[i].getType(),
                          callee.getArgumentTypes()[i], callee.getArgDims(i),
                          "operand " + Twine(i))))
      return failure();
  for (unsigned i = 0; i < getResults().size(); ++i)
    if (failed(verifyDims(*this, getResults()[i].getType(),
                          callee.getResultTypes()[i], callee.getResultDims(i),
                          "result " + Twine(i))))
      return failure();
  return success();
}

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto recipe =
      symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getRecipeAttr());
  if (!recipe || !recipe->hasAttr(graph::GraphDialect::kRecipeAttr))
    return emitOpError() << "there is no recipe @" << getRecipe();
  if (recipe.getNumArguments() || recipe.getNumResults() != 1 ||
      recipe.getResultTypes().front() != getResult().getType())
    return emitOpError() << "recipe @" << getRecipe() << " has type "
                         << recipe.getFunctionType() << ", expected () -> "
                         << getResult().getType();
  return success();
}

LogicalResult ViewOp::verify() {
  auto x = cast<RankedTensorType>(getX().getType()),
       y = cast<RankedTensorType>(getY().getType());
  if (x.getElementType() != y.getElementType())
    return emitOpError("a view keeps the element type");
  if (getAssumed())
    return success();
  auto xs = graph::dimProduct(getContext(), graph::getDims(x));
  auto ys = graph::dimProduct(getContext(), graph::getDims(y));
  if (xs != ys)
    return emitOpError() << "a view keeps the number of elements: "
                         << graph::toString(xs) << " is not "
                         << graph::toString(ys);
  return success();
}

LogicalResult SliceOp::verify() {
  auto x = cast<RankedTensorType>(getX().getType()),
       y = cast<RankedTensorType>(getY().getType());
  if (x.getElementType() != y.getElementType() || x.getRank() != y.getRank())
    return emitOpError("a slice keeps rank and element type");
  if (static_cast<int64_t>(getStarts().getDims().size()) != x.getRank())
    return emitOpError() << "has " << getStarts().getDims().size()
                         << " starts for rank " << x.getRank();
  return success();
}

LogicalResult ConcatOp::verify() {
  auto y = cast<RankedTensorType>(getY().getType());
  auto axis = static_cast<int64_t>(getAxis());
  if (getInputs().empty() || axis < 0 || axis >= y.getRank())
    return emitOpError("needs inputs and an axis within the rank");
  SmallVector<graph::DimExprAttr> dims = graph::getDims(y);
  graph::DimExprAttr sum = graph::dimConstant(getContext(), 0);
  for (Value input : getInputs()) {
    auto type = cast<RankedTensorType>(input.getType());
    if (type.getRank() != y.getRank() ||
        type.getElementType() != y.getElementType())
      return emitOpError() << "input " << type << " does not fit into " << y;
    SmallVector<graph::DimExprAttr> parts = graph::getDims(type);
    sum = graph::dimAdd(sum, parts[axis]);
    for (int64_t i = 0; i < y.getRank(); ++i)
      if (i != axis && parts[i] != dims[i])
        return emitOpError()
               << "dim " << i << " of an input is " << graph::toString(parts[i])
               << ", expected " << graph::toString(dims[i]);
  }
  if (sum != dims[axis])
    return emitOpError() << "inputs have " << graph::toString(sum)
                         << " along the axis, the result "
                         << graph::toString(dims[axis]);
  return success();
}

LogicalResult kernel::ScatterOp::verifyRegions() {
  auto data = cast<RankedTensorType>(getData().getType()),
       updates = cast<RankedTensorType>(getUpdates().getType()),
       indices = cast<RankedTensorType>(getIndices().getType());
  Type element = data.getElementType(), index = indices.getElementType();
  if (data.getRank() != 3 || updates.getRank() != 3 ||
      updates.getElementType() != element ||
      updates.getDimSize(0) != data.getDimSize(0) ||
      updates.getDimSize(2) != data.getDimSize(2))
    return emitOpError() << "C1: updates " << updates << " and data " << data
                         << " must have three dims, that in the middle alone "
                            "of different extents";
  if (!index.isInteger(32) && !index.isInteger(64))
    return emitOpError() << "C2: indices must be i32 or i64, found " << index;
  ArrayRef<int64_t> at = indices.getShape();
  if (at != updates.getShape() &&
      (at.size() != 1 || at[0] != updates.getDimSize(1)))
    return emitOpError() << "C2: indices " << indices
                         << " must have the dims of updates, or the middle one";
  Block &block = getCombiner().front();
  if (block.getNumArguments() != 2 ||
      llvm::any_of(block.getArgumentTypes(),
                   [&](Type type) { return type != element; }))
    return emitOpError() << "C3: the region must take two values of "
                         << element;
  auto yield = dyn_cast<YieldOp>(block.back());
  if (!yield || yield.getValues().size() != 1 ||
      yield.getValues()[0].getType() != element)
    return emitOpError() << "C3: the region must yield one value of "
                         << element;
  return success();
}

LogicalResult AttentionOp::verify() {
  unsigned expected = getMask() ? 5 : 4;
  if (getIndexingMaps().size() != expected)
    return emitOpError() << "has " << getIndexingMaps().size() << " maps for "
                         << expected << " operands";
  SmallVector<Value> operands{getQ(), getK(), getV()};
  if (getMask())
    operands.push_back(getMask());
  operands.push_back(getOut());
  for (auto [operand, attribute] : llvm::zip(operands, getIndexingMaps())) {
    AffineMap map = cast<AffineMapAttr>(attribute).getValue();
    if (map.getNumDims() != 6 || map.getNumSymbols() != 0)
      return emitOpError() << "map " << attribute
                           << " must have the six dims (b, h, s, t, d, e)";
    if (map.getNumResults() !=
        cast<RankedTensorType>(operand.getType()).getRank())
      return emitOpError() << "map " << attribute << " does not fit "
                           << operand.getType();
  }
  if (getResult().getType() != getOut().getType())
    return emitOpError("result must have the type of outs");
  return success();
}
