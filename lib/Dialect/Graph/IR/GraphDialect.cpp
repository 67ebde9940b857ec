//===- GraphDialect.cpp - the graph dialect -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"
#include "actnet/Dialect/Graph/IR/Messages.h"
#include "actnet/Dialect/Graph/IR/WeightStore.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace actnet::graph;

#include "actnet/Dialect/Graph/IR/GraphDialect.cpp.inc"

void GraphDialect::initialize() {
  registerAttributes();
  registerOps();
  weightStore = std::make_shared<WeightStore>();
}

Operation *GraphDialect::materializeConstant(OpBuilder &builder,
                                             Attribute value, Type type,
                                             Location loc) {
  if (!isa<DenseElementsAttr, WeightAttr>(value) ||
      !isa<RankedTensorType>(type))
    return nullptr;
  return ConstantOp::create(builder, loc, type, value);
}

StringRef actnet::graph::withoutOp(StringRef text) {
  StringRef rest = text;
  if (!rest.consume_front("'graph."))
    return text;
  rest = rest.split("' op ").second;
  StringRef behind = rest;
  unsigned number;
  if (behind.consume_front("C") && !behind.consumeInteger(10, number) &&
      behind.consume_front(": "))
    rest = behind;
  return rest.empty() ? text : rest;
}

SmallVector<DimExprAttr> actnet::graph::getDims(RankedTensorType type) {
  if (auto dims = dyn_cast_or_null<DimsAttr>(type.getEncoding()))
    return llvm::to_vector(dims.getDims());
  SmallVector<DimExprAttr> result;
  for (int64_t extent : type.getShape())
    result.push_back(ShapedType::isDynamic(extent)
                         ? dimSymbol(type.getContext(), "?")
                         : dimConstant(type.getContext(), extent));
  return result;
}

RankedTensorType actnet::graph::getTensorType(ArrayRef<DimExprAttr> dims,
                                              Type elementType) {
  SmallVector<int64_t> shape;
  bool isStatic = true;
  for (DimExprAttr dim : dims) {
    std::optional<int64_t> value = constantValue(dim);
    shape.push_back(value ? *value : ShapedType::kDynamic);
    isStatic &= value.has_value();
  }
  Attribute encoding;
  if (!isStatic)
    encoding = DimsAttr::get(elementType.getContext(), dims);
  return RankedTensorType::get(shape, elementType, encoding);
}

int64_t actnet::graph::getElementBytes(Type elementType) {
  return (elementType.getIntOrFloatBitWidth() + 7) / 8;
}

/// Fills in `operandSegmentSizes` of the one op that has two optional operands,
/// taking the missing ones to be the last.
static void completeSegments(StringRef name, size_t operands,
                             NamedAttrList &attributes, MLIRContext *context) {
  StringRef key = "operandSegmentSizes";
  if (name != LayerNormOp::getOperationName() || attributes.get(key))
    return;
  SmallVector<int32_t> sizes;
  for (size_t i = 0; i < 3; ++i)
    sizes.push_back(i < operands ? 1 : 0);
  attributes.set(key, DenseI32ArrayAttr::get(context, sizes));
}

FailureOr<Operation *> actnet::graph::detail::tryCreate(
    OpBuilder &builder, Location loc, StringRef name, ValueRange operands,
    ArrayRef<NamedAttribute> attributes, Type type) {
  MLIRContext *context = builder.getContext();
  NamedAttrList all(attributes);
  completeSegments(name, operands.size(), all, context);
  OperationState state(loc, name);
  state.addOperands(operands);
  SmallVector<Type> types;
  if (type) {
    types.push_back(type);
  } else {
    auto registered = RegisteredOperationName::lookup(name, context);
    auto *inference =
        registered ? registered->getInterface<InferTypeOpInterface>() : nullptr;
    if (!inference)
      return emitError(loc) << "'" << name << "' has no inferred result type";
    if (failed(inference->inferReturnTypes(
            context, loc, operands, all.getDictionary(context),
            OpaqueProperties(nullptr), {}, types)))
      return failure();
  }
  state.addTypes(types);
  state.addAttributes(all);
  Operation *op = Operation::create(state);
  if (failed(verify(op))) {
    op->destroy();
    return failure();
  }
  return builder.insert(op);
}
