//===- BodyBuilder.cpp - writing a kernel's body --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensor arguments are added first; index arguments follow as dims are asked
// for, so that a kernel has exactly those that it needs.
//
//===----------------------------------------------------------------------===//

#include "BodyBuilder.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include <cmath>

using namespace mlir;

namespace actnet {

using graph::DimExprAttr;

Type signless(Type elementType) {
  return elementType.isUnsignedInteger()
             ? IntegerType::get(elementType.getContext(),
                                elementType.getIntOrFloatBitWidth())
             : elementType;
}

/// The tensor type of these dims, without encoding.
static RankedTensorType bodyType(ArrayRef<DimExprAttr> dims, Type elementType) {
  SmallVector<int64_t> shape;
  for (DimExprAttr dim : dims)
    shape.push_back(graph::constantValue(dim).value_or(ShapedType::kDynamic));
  return RankedTensorType::get(shape, signless(elementType));
}

BodyBuilder::BodyBuilder(ModuleOp module, Location loc, KernelTarget target)
    : b(module.getContext()), loc(loc), target(target),
      context(module.getContext()) {
  b.setInsertionPointToEnd(module.getBody());
  func = kernel::FuncOp::create(b, loc, "kernel", b.getFunctionType({}, {}),
                                kernel::Family::map);
  if (func.getBody().empty())
    func.getBody().emplaceBlock();
  block = &func.getBody().front();
  b.setInsertionPointToEnd(block);
}

Value BodyBuilder::get(Value graphValue) {
  Value v = values.lookup(graphValue);
  assert(v && "every operand of a group is an argument or computed before");
  return v;
}

void BodyBuilder::addArgument(Value graphValue, ArrayRef<DimExprAttr> strides) {
  auto type = cast<RankedTensorType>(graphValue.getType());
  SmallVector<DimExprAttr> dims = graph::getDims(type);
  Value arg = block->addArgument(bodyType(dims, type.getElementType()), loc);
  if (!strides.empty())
    argStrides[argDims.size()] = llvm::to_vector(strides);
  argDims.push_back(dims);
  values[graphValue] = arg;
  remember(arg, dims);
}

void BodyBuilder::addPackedArgument(Operation *op, Value packed) {
  addArgument(packed);
  packedArgs[op] = values[packed];
}

ArrayRef<DimExprAttr> BodyBuilder::dimsOf(Value bodyValue) {
  auto it = dimsOfValue.find(bodyValue);
  assert(it != dimsOfValue.end() && "every body value has named dims");
  return it->second;
}

Value BodyBuilder::dim(DimExprAttr expr) {
  if (std::optional<int64_t> value = graph::constantValue(expr)) {
    Value &constant = constants[expr];
    if (!constant) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(block);
      constant = arith::ConstantIndexOp::create(b, loc, *value);
    }
    return constant;
  }
  auto [it, inserted] = dimIndex.try_emplace(expr, dimArgs.size());
  if (inserted) {
    dimArgs.push_back(expr);
    block->addArgument(b.getIndexType(), loc);
  }
  return block->getArgument(argDims.size() + it->second);
}

DimExprAttr BodyBuilder::kernelDim(DimExprAttr expr) {
  if (graph::constantValue(expr))
    return expr;
  dim(expr);
  return graph::dimSymbol(context, ("d" + Twine(dimIndex.lookup(expr))).str());
}

graph::DimsAttr BodyBuilder::kernelDims(ArrayRef<DimExprAttr> dims) {
  SmallVector<DimExprAttr> mapped;
  for (DimExprAttr dim : dims)
    mapped.push_back(kernelDim(dim));
  return graph::DimsAttr::get(context, mapped);
}

Value BodyBuilder::constant(OpBuilder &at, Type type, double value) {
  if (auto floatType = dyn_cast<FloatType>(type)) {
    APFloat f(value);
    bool lossy;
    f.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven,
              &lossy);
    return arith::ConstantOp::create(at, loc, at.getFloatAttr(floatType, f));
  }
  unsigned width = type.getIntOrFloatBitWidth();
  APInt bits(width, 0);
  if (width == 1) {
    bits = APInt(1, value != 0);
  } else {
    // Infinite bounds saturate.
    bool isUnsigned = type.isUnsignedInteger();
    APInt lowest = isUnsigned ? APInt::getMinValue(width)
                              : APInt::getSignedMinValue(width),
          highest = isUnsigned ? APInt::getMaxValue(width)
                               : APInt::getSignedMaxValue(width);
    if (value <= lowest.roundToDouble(!isUnsigned))
      bits = lowest;
    else if (value >= highest.roundToDouble(!isUnsigned))
      bits = highest;
    else if (isUnsigned)
      bits = APInt(width, static_cast<uint64_t>(value));
    else
      bits = APInt(width, static_cast<int64_t>(value), /*isSigned=*/true);
  }
  return arith::ConstantOp::create(at, loc,
                                   at.getIntegerAttr(signless(type), bits));
}

Value BodyBuilder::empty(ArrayRef<DimExprAttr> dims, Type elementType) {
  SmallVector<Value> sizes;
  for (DimExprAttr d : dims)
    if (!graph::constantValue(d))
      sizes.push_back(dim(d));
  Value v = tensor::EmptyOp::create(b, loc, bodyType(dims, elementType), sizes);
  remember(v, dims);
  return v;
}

Value BodyBuilder::filled(ArrayRef<DimExprAttr> dims, Type elementType,
                          double value) {
  Value init = constant(b, elementType, value);
  Value v = linalg::FillOp::create(b, loc, init, empty(dims, elementType))
                .getResult(0);
  remember(v, dims);
  return v;
}

Value BodyBuilder::map(ArrayRef<DimExprAttr> dims, Type elementType,
                       ValueRange inputs, ArrayRef<AffineMap> maps,
                       ScalarBody body) {
  SmallVector<AffineMap> allMaps(maps);
  allMaps.push_back(AffineMap::getMultiDimIdentityMap(dims.size(), context));
  SmallVector<utils::IteratorType> iterators(dims.size(),
                                             utils::IteratorType::parallel);
  Value out = empty(dims, elementType);
  auto generic = linalg::GenericOp::create(
      b, loc, out.getType(), inputs, out, allMaps, iterators,
      [&](OpBuilder &nested, Location at, ValueRange args) {
        linalg::YieldOp::create(nested, at, body(nested, at, args.drop_back()));
      });
  remember(generic.getResult(0), dims);
  return generic.getResult(0);
}

Value BodyBuilder::reduce(ArrayRef<DimExprAttr> dims, Type elementType,
                          double init, ValueRange inputs,
                          ArrayRef<AffineMap> maps,
                          ArrayRef<utils::IteratorType> iterators,
                          ScalarBody body) {
  Value out = filled(dims, elementType, init);
  auto generic = linalg::GenericOp::create(
      b, loc, out.getType(), inputs, out, maps, iterators,
      [&](OpBuilder &nested, Location at, ValueRange args) {
        linalg::YieldOp::create(nested, at, body(nested, at, args));
      });
  remember(generic.getResult(0), dims);
  return generic.getResult(0);
}

Value BodyBuilder::pad(Value x, ArrayRef<int64_t> low, ArrayRef<int64_t> high,
                       double value, ArrayRef<DimExprAttr> dims,
                       Type fillType) {
  auto type = cast<RankedTensorType>(x.getType());
  Type element = fillType ? fillType : type.getElementType();
  Value fill = constant(b, element, value);
  SmallVector<OpFoldResult> lows, highs;
  for (auto [l, h] : llvm::zip(low, high)) {
    lows.push_back(b.getIndexAttr(l));
    highs.push_back(b.getIndexAttr(h));
  }
  Value padded =
      tensor::PadOp::create(b, loc, bodyType(dims, type.getElementType()), x,
                            lows, highs, fill, /*nofold=*/false);
  remember(padded, dims);
  return padded;
}

AffineMap BodyBuilder::broadcastMap(ArrayRef<DimExprAttr> dims,
                                    ArrayRef<DimExprAttr> space) {
  SmallVector<AffineExpr> exprs;
  size_t shift = space.size() - dims.size();
  for (auto [i, dim] : llvm::enumerate(dims))
    if (graph::constantValue(dim) == 1 &&
        graph::constantValue(space[shift + i]) != 1)
      exprs.push_back(getAffineConstantExpr(0, context));
    else
      exprs.push_back(getAffineDimExpr(shift + i, context));
  return AffineMap::get(space.size(), 0, exprs, context);
}

kernel::FuncOp
BodyBuilder::finish(kernel::Family family, ValueRange results,
                    ArrayRef<SmallVector<DimExprAttr>> resultStrides) {
  kernel::YieldOp::create(b, loc, results);
  // Dims of arguments and results first: they may add index arguments.
  SmallVector<Attribute> argAttrs, resultAttrs;
  auto attributes = [&](ArrayRef<DimExprAttr> dims,
                        ArrayRef<DimExprAttr> strides) -> Attribute {
    NamedAttrList list;
    if (llvm::any_of(dims,
                     [](DimExprAttr d) { return !graph::constantValue(d); }))
      list.set(kernel::KernelDialect::kDimsAttr, kernelDims(dims));
    if (!strides.empty())
      list.set(kernel::KernelDialect::kStridesAttr, kernelDims(strides));
    return list.getDictionary(context);
  };
  for (auto [i, dims] : llvm::enumerate(argDims))
    argAttrs.push_back(attributes(dims, argStrides.lookup(i)));
  for (auto [i, v] : llvm::enumerate(results))
    resultAttrs.push_back(
        attributes(dimsOf(v), i < resultStrides.size()
                                  ? ArrayRef<DimExprAttr>(resultStrides[i])
                                  : ArrayRef<DimExprAttr>()));
  argAttrs.resize(block->getNumArguments(), DictionaryAttr::get(context));
  func.setFunctionType(
      b.getFunctionType(block->getArgumentTypes(), results.getTypes()));
  func.setFamily(family);
  func.setArgAttrsAttr(b.getArrayAttr(argAttrs));
  func.setResAttrsAttr(b.getArrayAttr(resultAttrs));
  return func;
}

bool isSplatConstant(Value v, double *value) {
  auto constant = v.getDefiningOp<graph::ConstantOp>();
  if (!constant)
    return false;
  auto elements = dyn_cast<DenseElementsAttr>(constant.getValue());
  if (!elements || !elements.isSplat())
    return false;
  if (isa<FloatType>(elements.getElementType())) {
    if (value)
      *value = elements.getSplatValue<APFloat>().convertToDouble();
    return true;
  }
  if (auto type = dyn_cast<IntegerType>(elements.getElementType())) {
    APInt bits = elements.getSplatValue<APInt>();
    // Integers beyond 2^53 are not exact in a double.
    bool isUnsigned = type.isInteger(1) || type.isUnsigned();
    if ((isUnsigned ? bits.getActiveBits() : bits.getSignificantBits()) > 53)
      return false;
    if (value)
      *value = isUnsigned ? static_cast<double>(bits.getZExtValue())
                          : static_cast<double>(bits.getSExtValue());
    return true;
  }
  return false;
}

} // namespace actnet
