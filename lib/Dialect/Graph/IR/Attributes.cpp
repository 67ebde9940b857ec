//===- Attributes.cpp - attributes of the graph dialect -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Graph/IR/GraphDialect.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace actnet::graph;

#include "actnet/Dialect/Graph/IR/GraphEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "actnet/Dialect/Graph/IR/GraphAttrs.cpp.inc"

void GraphDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "actnet/Dialect/Graph/IR/GraphAttrs.cpp.inc"
      >();
}

DimExprAttr DimExprAttr::getOperand(unsigned i) const {
  return cast<DimExprAttr>(getOperands()[i]);
}

Attribute DimExprAttr::parse(AsmParser &parser, Type) {
  if (parser.parseLess())
    return {};
  FailureOr<DimExprAttr> expr = parseDimExpr(parser);
  if (failed(expr) || parser.parseGreater())
    return {};
  return *expr;
}

void DimExprAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printDimExpr(printer.getStream(), *this);
  printer << ">";
}

Attribute DimsAttr::parse(AsmParser &parser, Type) {
  SmallVector<DimExprAttr> dims;
  if (parser.parseLess())
    return {};
  if (succeeded(parser.parseOptionalGreater()))
    return DimsAttr::get(parser.getContext(), dims);
  auto parseOne = [&]() -> ParseResult {
    FailureOr<DimExprAttr> expr = parseDimExpr(parser);
    if (failed(expr))
      return failure();
    dims.push_back(*expr);
    return success();
  };
  if (parser.parseCommaSeparatedList(parseOne) || parser.parseGreater())
    return {};
  return DimsAttr::get(parser.getContext(), dims);
}

void DimsAttr::print(AsmPrinter &printer) const {
  printer << "<";
  llvm::interleaveComma(getDims(), printer.getStream(), [&](DimExprAttr dim) {
    printDimExpr(printer.getStream(), dim);
  });
  printer << ">";
}

LogicalResult
DimsAttr::verifyEncoding(ArrayRef<int64_t> shape, Type,
                         function_ref<InFlightDiagnostic()> emitError) const {
  if (shape.size() != getDims().size())
    return emitError() << "graph.dims C1: expected " << shape.size()
                       << " dims, one a dim of the tensor, found "
                       << getDims().size();
  for (auto [index, extent, dim] : llvm::enumerate(shape, getDims())) {
    std::optional<int64_t> value = constantValue(dim);
    bool isDynamic = ShapedType::isDynamic(extent);
    if (isDynamic == value.has_value() || (value && *value != extent))
      return emitError() << "graph.dims C2: dim " << index << " is "
                         << (isDynamic ? "dynamic" : std::to_string(extent))
                         << " in the shape, but '" << toString(dim)
                         << "' in the encoding";
  }
  return success();
}
