//===- Elements.cpp - walking from a tensor to its definitions ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Codegen/Host/Emitter.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::host;

//===----------------------------------------------------------------------===//
// The cache
//===----------------------------------------------------------------------===//

Value Emitter::find(Value tensor, ArrayRef<Index> at) {
  for (std::size_t scope = caches.size(); scope-- > cacheBarrier;)
    for (const CacheEntry &entry : caches[scope])
      if (entry.tensor == tensor && ArrayRef<Index>(entry.at) == at)
        return entry.value;
  return {};
}

void Emitter::remember(Value tensor, ArrayRef<Index> at, Value value) {
  caches.back().push_back({tensor, llvm::to_vector(at), value});
}

void Emitter::bind(Value tensor, ElementFn fn) {
  if (fn)
    bound[tensor] = std::move(fn);
  else
    bound.erase(tensor);
  for (Cache &cache : caches)
    cache.clear();
}

Value Emitter::element(Value tensor, ArrayRef<Index> at) {
  if (Value known = find(tensor, at))
    return known;
  auto it = bound.find(tensor);
  // A copy: the function may bind other tensors.
  Value value =
      it != bound.end() ? ElementFn(it->second)(at) : definition(tensor, at);
  remember(tensor, at, value);
  return value;
}

//===----------------------------------------------------------------------===//
// Definitions
//===----------------------------------------------------------------------===//

Value Emitter::definition(Value tensor, ArrayRef<Index> at) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Type element = type.getElementType(), result = computeType(element);
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return loadAt(argPointer(argument.getArgNumber()), element,
                  argStrides(argument.getArgNumber()), at);

  Operation *op = tensor.getDefiningOp();
  unsigned number = cast<OpResult>(tensor).getResultNumber();
  return TypeSwitch<Operation *, Value>(op)
      .Case([&](linalg::GenericOp generic) {
        return this->generic(generic, number, at);
      })
      .Case([&](linalg::FillOp fill) {
        Attribute value;
        if (!matchPattern(fill.getInputs()[0], m_Constant(&value)))
          return fail(fill, "fills with a value that is no constant", result);
        if (auto number = dyn_cast<FloatAttr>(value))
          return cstFloat(result, number.getValueAsDouble());
        return cstInt(result,
                      cast<IntegerAttr>(value).getValue().getSExtValue());
      })
      .Case([&](tensor::EmptyOp) { return zero(result); })
      .Case(
          [&](tensor::ExtractSliceOp slice) { return this->slice(slice, at); })
      .Case([&](tensor::PadOp pad) { return this->pad(pad, at); })
      .Case([&](arith::ConstantOp constant) {
        return this->constant(constant, at);
      })
      .Case([&](tensor::ExpandShapeOp expand) {
        SmallVector<Index> source;
        for (ArrayRef<int64_t> group : expand.getReassociationIndices()) {
          // Row-major within the group.
          Index sum = at[group[0]];
          for (int64_t d : group.drop_front()) {
            auto size = getConstantIntValue(extent(expand.getResult(), d));
            Index scaled;
            if (size)
              scaled = mul(sum, *size);
            else if (sum.isUniform())
              scaled =
                  Index(mul(scalar(sum), extentValue(expand.getResult(), d)));
            else
              scaled.vec = arith::MulIOp::create(
                  b, loc, vector(sum),
                  broadcast(extentValue(expand.getResult(), d), lanes()));
            sum = add(scaled, at[d]);
          }
          source.push_back(sum);
        }
        return this->element(expand.getSrc(), source);
      })
      .Case([&](tensor::CollapseShapeOp collapse) {
        SmallVector<Index> source;
        for (auto [i, group] :
             llvm::enumerate(collapse.getReassociationIndices())) {
          SmallVector<Index> parts(group.size());
          Index rest = at[i];
          for (unsigned k = group.size(); k-- > 1;) {
            Value size = extentValue(collapse.getSrc(), group[k]);
            if (constantOf(size) == 1)
              continue;
            if (rest.isUniform()) {
              parts[k] = Index(mod(scalar(rest), size));
              rest = Index(floorDiv(scalar(rest), size));
            } else {
              Value sizes = broadcast(size, lanes()), all = vector(rest);
              parts[k].vec = arith::RemUIOp::create(b, loc, all, sizes);
              rest = Index();
              rest.vec = arith::DivUIOp::create(b, loc, all, sizes);
            }
          }
          parts[0] = rest;
          source.append(parts.begin(), parts.end());
        }
        return this->element(collapse.getSrc(), source);
      })
      .Default([&](Operation *other) {
        return fail(other,
                    "the host code generator cannot emit an element of this op",
                    result);
      });
}

Value Emitter::generic(linalg::GenericOp op, unsigned result,
                       ArrayRef<Index> at) {
  Type type = computeType(getElementTypeOrSelf(op.getResult(result).getType()));
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(result));
  if (op.getNumReductionLoops() || !map.isPermutation())
    return fail(op,
                "is no elementwise generic and no root of the kernel's family",
                type);
  SmallVector<Index> dims(op.getNumLoops());
  for (auto [i, expr] : llvm::enumerate(map.getResults()))
    dims[cast<AffineDimExpr>(expr).getPosition()] = at[i];

  Values inputs, outputs;
  for (OpOperand *operand : op.getDpsInputOperands()) {
    Value value;
    if (!op.getMatchingBlockArgument(operand).use_empty()) {
      if (isa<RankedTensorType>(operand->get().getType()))
        value = element(operand->get(),
                        this->map(op.getMatchingIndexingMap(operand), dims));
      else if (Attribute number;
               matchPattern(operand->get(), m_Constant(&number)))
        value =
            isa<FloatAttr>(number)
                ? cstFloat(computeType(operand->get().getType()),
                           cast<FloatAttr>(number).getValueAsDouble())
                : cstInt(computeType(operand->get().getType()),
                         cast<IntegerAttr>(number).getValue().getSExtValue());
      else
        value = fail(op, "takes a scalar that is no constant",
                     computeType(operand->get().getType()));
    }
    inputs.push_back(value);
  }
  for (OpOperand &operand : op.getDpsInitsMutable())
    outputs.push_back(
        op.getMatchingBlockArgument(&operand).use_empty()
            ? Value()
            : element(operand.get(),
                      this->map(op.getMatchingIndexingMap(&operand), dims)));
  Values results = body(op, dims, inputs, outputs);
  for (auto [i, value] : llvm::enumerate(results))
    if (i != result)
      remember(
          op.getResult(i),
          this->map(op.getMatchingIndexingMap(op.getDpsInitOperand(i)), dims),
          value);
  return results[result];
}

Value Emitter::slice(tensor::ExtractSliceOp op, ArrayRef<Index> at) {
  llvm::SmallBitVector dropped = op.getDroppedDims();
  SmallVector<Index> source;
  unsigned next = 0;
  auto offsets = op.getMixedOffsets();
  auto strides = op.getMixedStrides();
  for (unsigned d = 0; d < offsets.size(); ++d) {
    Index index = dropped[d] ? Index() : at[next++];
    auto stride = getConstantIntValue(strides[d]);
    if (!stride)
      return fail(op, "a slice of a kernel needs constant strides",
                  computeType(op.getType().getElementType()));
    index = mul(index, *stride);
    if (auto offset = getConstantIntValue(offsets[d]))
      index = add(index, Index(*offset));
    else
      index = add(index, Index(indexValue(cast<Value>(offsets[d]))));
    source.push_back(index);
  }
  return element(op.getSource(), source);
}

Value Emitter::pad(tensor::PadOp op, ArrayRef<Index> at) {
  Type type = computeType(op.getResultType().getElementType());
  Value filler = op.getConstantPaddingValue();
  Attribute number;
  if (!filler || !matchPattern(filler, m_Constant(&number)))
    return fail(op, "a pad of a kernel needs a constant value", type);
  Value padding =
      isa<FloatAttr>(number)
          ? cstFloat(type, cast<FloatAttr>(number).getValueAsDouble())
          : cstInt(type, cast<IntegerAttr>(number).getValue().getSExtValue());
  // Read at clamped indices, or with lanes off that are outside; then choose:
  // no branch, and nothing is read out of bounds.
  SmallVector<Index> source;
  Value lanesInside;
  Value inside;
  auto both = [&](Value condition) {
    if (!inside) {
      inside = condition;
      return;
    }
    if (isa<VectorType>(inside.getType()) !=
        isa<VectorType>(condition.getType())) {
      inside = broadcast(inside, lanes());
      condition = broadcast(condition, lanes());
    }
    inside = arith::AndIOp::create(b, loc, inside, condition);
  };
  auto lows = op.getMixedLowPad(), highs = op.getMixedHighPad();
  for (unsigned d = 0; d < lows.size(); ++d) {
    auto low = getConstantIntValue(lows[d]),
         high = getConstantIntValue(highs[d]);
    if (low == 0 && high == 0) {
      source.push_back(at[d]);
      continue;
    }
    Index index =
        low ? add(at[d], Index(-*low))
            : add(at[d], Index(sub(cst(0), indexValue(cast<Value>(lows[d])))));
    Value size = extentValue(op.getSource(), d);
    if (index.isUniform()) {
      // One unsigned comparison says both: not below zero, not beyond.
      Value i = scalar(index);
      both(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, i, size));
      source.push_back(Index(max(cst(0), min(i, sub(size, cst(1))))));
    } else {
      Value i = vector(index), sizes = broadcast(size, lanes());
      Value within =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, i, sizes);
      both(within);
      if (!index.vec) {
        // Still a sequence: a vector load with a mask.
        lanesInside =
            lanesInside
                ? arith::AndIOp::create(b, loc, lanesInside, within).getResult()
                : within;
        source.push_back(index);
        continue;
      }
      Index clamped;
      Value last = broadcast(sub(size, cst(1)), lanes());
      clamped.vec = arith::MaxSIOp::create(
          b, loc, zero(i.getType()),
          arith::MinSIOp::create(b, loc, i, last).getResult());
      source.push_back(clamped);
    }
  }
  Value value;
  if (lanesInside) {
    LaneState saved = laneState;
    std::size_t barrier = cacheBarrier;
    laneState.mask =
        mask() ? arith::AndIOp::create(b, loc, mask(), lanesInside).getResult()
               : lanesInside;
    laneState.anyLanes = true;
    cacheBarrier = caches.size();
    {
      BlockScope scope(*this);
      value = element(op.getSource(), source);
    }
    cacheBarrier = barrier;
    laneState = saved;
  } else {
    value = element(op.getSource(), source);
  }
  if (!inside)
    return value;
  bool vectors =
      isa<VectorType>(value.getType()) || isa<VectorType>(inside.getType());
  if (vectors && isa<VectorType>(inside.getType()))
    value = broadcast(value, lanes());
  if (isa<VectorType>(value.getType()))
    padding = broadcast(padding, lanes());
  return arith::SelectOp::create(b, loc, inside, value, padding);
}

Value Emitter::constant(arith::ConstantOp op, ArrayRef<Index> at) {
  auto type = cast<RankedTensorType>(op.getType());
  Type element = type.getElementType(), result = computeType(element);
  auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
  if (!dense)
    return fail(op, "a constant of a kernel must be dense", result);
  if (dense.isSplat()) {
    if (isa<FloatType>(element))
      return cstFloat(result, dense.getSplatValue<APFloat>().convertToDouble());
    return cstInt(result, dense.getSplatValue<APInt>().getSExtValue());
  }
  // A table in the image, in the memory form of its elements.
  LLVM::GlobalOp &global = globals[dense];
  Type memory = memoryType(element);
  if (!global) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(module.getBody());
    int64_t count = type.getNumElements();
    Attribute values = dense.reshape(RankedTensorType::get({count}, element));
    if (memory != element) {
      SmallVector<APInt> raw;
      if (element.isInteger(1))
        for (APInt bit : dense.getValues<APInt>())
          raw.push_back(bit.zext(8));
      else
        for (APFloat number : dense.getValues<APFloat>())
          raw.push_back(number.bitcastToAPInt());
      values =
          DenseElementsAttr::get(RankedTensorType::get({count}, memory), raw);
    }
    global = LLVM::GlobalOp::create(
        b, loc, LLVM::LLVMArrayType::get(memory, count), /*isConstant=*/true,
        LLVM::Linkage::Internal,
        kernel.getSymName().str() + ".table" + std::to_string(globals.size()),
        values,
        /*alignment=*/64);
  }
  Value pointer = LLVM::AddressOfOp::create(b, loc, global);
  Values strides(type.getRank());
  int64_t stride = 1;
  for (unsigned d = type.getRank(); d-- > 0; stride *= type.getDimSize(d))
    strides[d] = cst(stride);
  return loadAt(pointer, element, strides, at);
}

//===----------------------------------------------------------------------===//
// Extents and index values
//===----------------------------------------------------------------------===//

OpFoldResult Emitter::extent(Value tensor, unsigned d) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(d))
    return b.getIndexAttr(type.getDimSize(d));
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return dim(kernel.getArgDims(argument.getArgNumber())[d]);
  Operation *op = tensor.getDefiningOp();
  auto mixed = [&](OpFoldResult value) -> OpFoldResult {
    if (auto constant = getConstantIntValue(value))
      return b.getIndexAttr(*constant);
    return indexValue(cast<Value>(value));
  };
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(op))
    return extent(
        dps.getDpsInitOperand(cast<OpResult>(tensor).getResultNumber())->get(),
        d);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return mixed(empty.getMixedSizes()[d]);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    unsigned next = 0;
    for (unsigned s = 0; s < dropped.size(); ++s)
      if (!dropped[s] && next++ == d)
        return mixed(slice.getMixedSizes()[s]);
  }
  auto value = [&](OpFoldResult size) {
    auto constant = getConstantIntValue(size);
    return constant ? cst(*constant) : cast<Value>(size);
  };
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(entryMark);
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    return add(add(value(mixed(pad.getMixedLowPad()[d])),
                   value(mixed(pad.getMixedHighPad()[d]))),
               value(extent(pad.getSource(), d)));
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return mixed(expand.getMixedOutputShape()[d]);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    Value product = cst(1);
    // By value: the groups live no longer than the loop's head.
    ReassociationIndices group = collapse.getReassociationIndices()[d];
    for (int64_t s : group)
      product = mul(product, value(extent(collapse.getSrc(), s)));
    return product;
  }
  return fail(op, "cannot tell this op's extents", b.getI64Type());
}

Value Emitter::extentValue(Value tensor, unsigned d) {
  OpFoldResult size = extent(tensor, d);
  auto constant = getConstantIntValue(size);
  return constant ? cst(*constant) : cast<Value>(size);
}

Value Emitter::indexValue(Value value) {
  if (Value known = indexValues.lookup(value))
    return known;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(entryMark);
  Value made = indexOp(value);
  indexValues[value] = made;
  return made;
}

Value Emitter::indexOp(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    unsigned number = argument.getArgNumber() + kernel.getResultTypes().size();
    return bodyFunc.getArgument(number);
  }
  APInt number;
  if (matchPattern(value, m_ConstantInt(&number)))
    return cst(number.getSExtValue());
  Operation *op = value.getDefiningOp();
  auto operand = [&](unsigned i) { return indexValue(op->getOperand(i)); };
  if (auto dimOp = dyn_cast<tensor::DimOp>(op))
    if (auto d = dimOp.getConstantIndex())
      return extentValue(dimOp.getSource(), *d);
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
    SmallVector<Index> operands;
    for (Value input : apply.getMapOperands())
      operands.push_back(Index(indexValue(input)));
    AffineMap all = apply.getAffineMap();
    SmallVector<AffineExpr> symbols;
    for (unsigned i = 0; i < all.getNumSymbols(); ++i)
      symbols.push_back(getAffineDimExpr(all.getNumDims() + i, b.getContext()));
    AffineExpr expr = all.getResult(0).replaceDimsAndSymbols({}, symbols);
    return scalar(affine(expr, operands));
  }
  if (isa<arith::AddIOp>(op))
    return add(operand(0), operand(1));
  if (isa<arith::SubIOp>(op))
    return sub(operand(0), operand(1));
  if (isa<arith::MulIOp>(op))
    return mul(operand(0), operand(1));
  if (isa<arith::DivUIOp, arith::DivSIOp>(op))
    return floorDiv(operand(0), operand(1));
  if (isa<arith::FloorDivSIOp>(op))
    return floorDivSigned(operand(0), operand(1));
  if (isa<arith::CeilDivUIOp, arith::CeilDivSIOp>(op))
    return ceilDiv(operand(0), operand(1));
  if (isa<arith::RemUIOp, arith::RemSIOp>(op))
    return mod(operand(0), operand(1));
  if (isa<arith::MinSIOp, arith::MinUIOp>(op))
    return min(operand(0), operand(1));
  if (isa<arith::MaxSIOp, arith::MaxUIOp>(op))
    return max(operand(0), operand(1));
  return fail(op, "the host code generator cannot emit this index",
              b.getI64Type());
}
