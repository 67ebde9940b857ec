//===- KernelFunc.cpp - kernel.func: text, dims, verifier -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Families.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Kernel/IR/KernelOps.h"
#include "actnet/Dialect/Kernel/IR/Strides.h"

#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::kernel;

void FuncOp::build(OpBuilder &builder, OperationState &state, StringRef name,
                   FunctionType type, Family family) {
  state.addAttribute(getSymNameAttrName(state.name),
                     builder.getStringAttr(name));
  state.addAttribute(getFunctionTypeAttrName(state.name), TypeAttr::get(type));
  state.addAttribute(getFamilyAttrName(state.name),
                     FamilyAttr::get(builder.getContext(), family));
  Region *body = state.addRegion();
  Block *block = new Block();
  body->push_back(block);
  for (Type input : type.getInputs())
    block->addArgument(input, state.location);
}

ParseResult FuncOp::parse(OpAsmParser &parser, OperationState &result) {
  auto makeType =
      [](Builder &builder, ArrayRef<Type> inputs, ArrayRef<Type> results,
         function_interface_impl::VariadicFlag, std::string &) -> Type {
    return builder.getFunctionType(inputs, results);
  };
  return function_interface_impl::parseFunctionOp(
      parser, result, /*allowVariadic=*/false,
      getFunctionTypeAttrName(result.name), makeType,
      getArgAttrsAttrName(result.name), getResAttrsAttrName(result.name));
}

void FuncOp::print(OpAsmPrinter &printer) {
  function_interface_impl::printFunctionOp(
      printer, *this, /*isVariadic=*/false, getFunctionTypeAttrName(),
      getArgAttrsAttrName(), getResAttrsAttrName());
}

unsigned FuncOp::getNumOperandTensors() {
  unsigned count = 0;
  for (Type type : getArgumentTypes())
    count += isa<RankedTensorType>(type);
  return count;
}

/// Dims from the attribute where there is one, else from a static type. A
/// dynamic dim without a name is the symbol `?`, which the verifier refuses.
static SmallVector<graph::DimExprAttr> dimsOf(RankedTensorType type,
                                              Attribute attribute) {
  if (auto dims = dyn_cast_or_null<graph::DimsAttr>(attribute))
    return llvm::to_vector(dims.getDims());
  SmallVector<graph::DimExprAttr> dims;
  for (int64_t extent : type.getShape())
    dims.push_back(ShapedType::isDynamic(extent)
                       ? graph::dimSymbol(type.getContext(), "?")
                       : graph::dimConstant(type.getContext(), extent));
  return dims;
}

static SmallVector<graph::DimExprAttr>
stridesOf(MLIRContext *context, ArrayRef<graph::DimExprAttr> dims,
          Attribute attribute) {
  if (auto strides = dyn_cast_or_null<graph::DimsAttr>(attribute))
    return llvm::to_vector(strides.getDims());
  return denseStrides(context, dims);
}

SmallVector<graph::DimExprAttr> FuncOp::getArgDims(unsigned i) {
  return dimsOf(cast<RankedTensorType>(getArgumentTypes()[i]),
                getArgAttr(i, KernelDialect::kDimsAttr));
}

SmallVector<graph::DimExprAttr> FuncOp::getResultDims(unsigned i) {
  return dimsOf(cast<RankedTensorType>(getResultTypes()[i]),
                getResultAttr(i, KernelDialect::kDimsAttr));
}

SmallVector<graph::DimExprAttr> FuncOp::getArgStrides(unsigned i) {
  return stridesOf(getContext(), getArgDims(i),
                   getArgAttr(i, KernelDialect::kStridesAttr));
}

SmallVector<graph::DimExprAttr> FuncOp::getResultStrides(unsigned i) {
  return stridesOf(getContext(), getResultDims(i),
                   getResultAttr(i, KernelDialect::kStridesAttr));
}

/// Checks dims and strides of one tensor type against its attributes.
static LogicalResult verifyTensor(FuncOp func, RankedTensorType type,
                                  Attribute dimsAttr, Attribute stridesAttr,
                                  unsigned numDims, const Twine &what) {
  if (type.getEncoding())
    return func.emitOpError()
           << what << " has an encoding; kernels take dims as index arguments";
  if (dimsAttr && !isa<graph::DimsAttr>(dimsAttr))
    return func.emitOpError() << what << ": " << KernelDialect::kDimsAttr
                              << " must be #graph.dims<…>";
  if (stridesAttr && !isa<graph::DimsAttr>(stridesAttr))
    return func.emitOpError() << what << ": " << KernelDialect::kStridesAttr
                              << " must be #graph.dims<…>";
  SmallVector<graph::DimExprAttr> dims = dimsOf(type, dimsAttr);
  if (static_cast<int64_t>(dims.size()) != type.getRank())
    return func.emitOpError() << what << " has rank " << type.getRank()
                              << " but " << dims.size() << " dims";
  SmallVector<graph::DimExprAttr> all = dims;
  if (auto strides = dyn_cast_or_null<graph::DimsAttr>(stridesAttr)) {
    if (static_cast<int64_t>(strides.getDims().size()) != type.getRank())
      return func.emitOpError()
             << what << " has rank " << type.getRank() << " but "
             << strides.getDims().size() << " strides";
    llvm::append_range(all, strides.getDims());
  }
  for (int64_t i = 0; i < type.getRank(); ++i) {
    std::optional<int64_t> value = graph::constantValue(dims[i]);
    if (type.isDynamicDim(i) ? value.has_value() : value != type.getDimSize(i))
      return func.emitOpError() << what << ": dim " << i << " of " << type
                                << " is not " << graph::toString(dims[i]);
  }
  for (graph::DimExprAttr expr : all) {
    std::string unknown;
    graph::dimWalkSymbols(expr, [&](StringRef name) {
      unsigned number;
      if (!name.starts_with("d") ||
          name.drop_front().getAsInteger(10, number) || number >= numDims)
        unknown = name.str();
    });
    if (!unknown.empty())
      return func.emitOpError()
             << what << " speaks of the dim '" << unknown << "', but there are "
             << numDims << " index arguments, d0, d1 …";
  }
  return success();
}

LogicalResult FuncOp::verifyRegions() {
  unsigned numTensors = getNumOperandTensors();
  unsigned numDims = getArgumentTypes().size() - numTensors;
  for (auto [i, type] : llvm::enumerate(getArgumentTypes())) {
    bool tensor = i < numTensors;
    if (tensor ? !isa<RankedTensorType>(type) : !type.isIndex())
      return emitOpError() << "argument " << i << " is " << type
                           << "; ranked tensors come first, then dims as index";
    if (tensor &&
        failed(verifyTensor(*this, cast<RankedTensorType>(type),
                            getArgAttr(i, KernelDialect::kDimsAttr),
                            getArgAttr(i, KernelDialect::kStridesAttr), numDims,
                            "argument " + Twine(i))))
      return failure();
  }
  if (getBody().empty() || !isa<YieldOp>(getBody().front().back()))
    return emitOpError("body must end with kernel.yield");
  auto yield = cast<YieldOp>(getBody().front().getTerminator());
  if (yield.getValues().getTypes() != TypeRange(getResultTypes()))
    return yield.emitOpError("types differ from the kernel's results");
  for (auto [i, type] : llvm::enumerate(getResultTypes())) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      return emitOpError() << "result " << i << " must be a ranked tensor";
    if (failed(verifyTensor(*this, tensor,
                            getResultAttr(i, KernelDialect::kDimsAttr),
                            getResultAttr(i, KernelDialect::kStridesAttr),
                            numDims, "result " + Twine(i))))
      return failure();
  }
  if (auto pairs = getInplace()) {
    if (pairs->size() % 2)
      return emitOpError("inplace holds pairs [operand, result, …]");
    for (unsigned i = 0; i + 1 < pairs->size(); i += 2)
      if ((*pairs)[i] < 0 || (*pairs)[i] >= numTensors || (*pairs)[i + 1] < 0 ||
          (*pairs)[i + 1] >= static_cast<int64_t>(getResultTypes().size()))
        return emitOpError() << "inplace pair [" << (*pairs)[i] << ", "
                             << (*pairs)[i + 1] << "] is out of range";
  }
  return success(succeeded(verifyFamily(*this)) &&
                 succeeded(verifyBounds(*this)) &&
                 succeeded(verifySchedule(*this)));
}
