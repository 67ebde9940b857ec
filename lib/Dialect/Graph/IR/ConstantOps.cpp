//===- ConstantOps.cpp - constants and values of dims ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Folding.h"
#include "Inference.h"

using namespace mlir;
using namespace actnet::graph;

ParseResult ConstantOp::parse(OpAsmParser &parser, OperationState &result) {
  if (parser.parseOptionalAttrDict(result.attributes))
    return failure();
  Attribute value;
  Type type;
  if (succeeded(parser.parseOptionalKeyword("weight"))) {
    value = WeightAttr::parse(parser, {});
    if (!value || parser.parseColonType(type))
      return failure();
  } else {
    SMLoc location = parser.getCurrentLocation();
    if (parser.parseAttribute(value))
      return failure();
    auto elements = dyn_cast<ElementsAttr>(value);
    if (!elements)
      return parser.emitError(location,
                              "expected dense elements or weight<...>");
    type = elements.getType();
  }
  result.getOrAddProperties<Properties>().value = value;
  result.addTypes(type);
  return success();
}

void ConstantOp::print(OpAsmPrinter &printer) {
  printer.printOptionalAttrDict((*this)->getAttrs(), {"value"});
  printer << ' ';
  if (auto weight = dyn_cast<WeightAttr>(getValue())) {
    // Not `#graph.weight`: the parser of attributes would take the type.
    printer << "weight";
    weight.print(printer);
    printer << " : " << getType();
    return;
  }
  printer << getValue();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult ConstantOp::verify() {
  RankedTensorType type = getType();
  if (!type.hasStaticShape() || type.getEncoding())
    return emitOpError("C3: expected a static result without encoding, found ")
           << type;
  if (auto elements = dyn_cast<DenseElementsAttr>(getValue())) {
    if (elements.getType() != type)
      return emitOpError("C1: expected elements of ")
             << type << ", found " << elements.getType();
    return success();
  }
  auto weight = dyn_cast<WeightAttr>(getValue());
  if (!weight)
    return emitOpError("C1: expected dense elements or a #graph.weight, found ")
           << getValue();
  DimExprAttr bytes =
      dimMul(dimProduct(getContext(), getDims(type)),
             dimConstant(getContext(), getElementBytes(type.getElementType())));
  if (bytes.getValue() != weight.getBytes())
    return emitOpError("C2: ")
           << type << " has " << bytes.getValue() << " bytes, the weight has "
           << weight.getBytes();
  return success();
}

LogicalResult DimValueOp::verify() {
  RankedTensorType type = getType();
  int64_t count = getDims().getDims().size();
  bool isVector = type.getRank() == 1 && type.getDimSize(0) == count;
  bool isScalar = type.getRank() == 0 && count == 1;
  if (!type.getElementType().isInteger(64) || (!isVector && !isScalar))
    return emitOpError("C1: expected a result of tensor<")
           << count << "xi64> for " << count << " dims, found " << type;
  return success();
}

OpFoldResult DimValueOp::fold(FoldAdaptor) {
  SmallVector<int64_t> values;
  for (DimExprAttr dim : getDims().getDims()) {
    std::optional<int64_t> value = constantValue(dim);
    if (!value)
      return {};
    values.push_back(*value);
  }
  return DenseIntElementsAttr::get(getType(), values);
}
