//===- NodeImport.cpp - what an operator's import function asks for -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Importer.h"

using namespace mlir;

namespace actnet::onnx {

NodeImport::NodeImport(Importer &importer, const Node &node, Location loc)
    : importer(importer), node(node), loc(loc), b(importer.b),
      opset(importer.opset) {}

InFlightDiagnostic NodeImport::error() {
  return emitError(loc) << printable(node.opType) << ": ";
}

FailureOr<Value> NodeImport::value(unsigned i) {
  if (!has(i)) {
    error() << "operand " << i << " is missing";
    return failure();
  }
  return importer.lookup(node.inputs[i], loc);
}

std::optional<ShapeValue> NodeImport::shape(unsigned i) {
  if (!has(i))
    return std::nullopt;
  if (auto it = importer.shapes.find(node.inputs[i]);
      it != importer.shapes.end()) {
    // What is known of dims grows from node to node.
    for (DimExprAttr &e : it->second.elements)
      e = importer.simplify(e);
    return it->second;
  }
  Value known = importer.values.lookup(node.inputs[i]);
  std::optional<ShapeValue> folded =
      known ? importer.constantShape(known) : std::nullopt;
  if (folded)
    importer.shapes[node.inputs[i]] = *folded;
  return folded;
}

FailureOr<ShapeValue> NodeImport::needShape(unsigned i, StringRef what) {
  if (std::optional<ShapeValue> s = shape(i))
    return *s;
  if (!has(i))
    error() << "operand " << i << " (" << what << ") is missing";
  else
    error() << what << " ('" << printable(node.inputs[i])
            << "') must follow from constants and shapes, not from data"
            << hint(importer.values.lookup(node.inputs[i]));
  return failure();
}

FailureOr<SmallVector<int64_t>> NodeImport::needIntegers(unsigned i,
                                                         StringRef what) {
  FailureOr<ShapeValue> s = needShape(i, what);
  if (failed(s))
    return failure();
  SmallVector<int64_t> numbers;
  for (DimExprAttr e : s->elements) {
    std::optional<int64_t> v = graph::constantValue(e);
    if (!v) {
      error() << what << " must be constant, found " << graph::toString(e)
              << hint(e);
      return failure();
    }
    numbers.push_back(*v);
  }
  return numbers;
}

std::optional<double> NodeImport::constantNumber(unsigned i) {
  if (std::optional<ShapeValue> s = shape(i))
    if (s->elements.size() == 1)
      if (std::optional<int64_t> v = graph::constantValue(s->elements[0]))
        return static_cast<double>(*v);
  if (!has(i))
    return std::nullopt;
  FailureOr<Value> v = importer.lookup(node.inputs[i], loc);
  if (failed(v))
    return std::nullopt;
  auto constant = v->getDefiningOp<graph::ConstantOp>();
  auto elements =
      constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
  if (!elements || !elements.isSplat())
    return std::nullopt;
  if (isa<FloatType>(elements.getElementType()))
    return elements.getSplatValue<APFloat>().convertToDouble();
  // A bool's bit is no sign.
  bool isSigned = !elements.getElementType().isUnsignedInteger() &&
                  !elements.getElementType().isInteger(1);
  return elements.getSplatValue<APInt>().roundToDouble(isSigned);
}

const NodeAttribute *NodeImport::attribute(StringRef name) const {
  for (const NodeAttribute &a : node.attributes)
    if (StringRef(a.name) == name)
      return &a;
  return nullptr;
}

int64_t NodeImport::intAttr(StringRef name, int64_t otherwise) const {
  const NodeAttribute *a = attribute(name);
  return a ? a->i : otherwise;
}

double NodeImport::floatAttr(StringRef name, double otherwise) const {
  const NodeAttribute *a = attribute(name);
  return a ? a->f : otherwise;
}

StringRef NodeImport::stringAttr(StringRef name, StringRef otherwise) const {
  const NodeAttribute *a = attribute(name);
  return a ? StringRef(a->s) : otherwise;
}

std::optional<SmallVector<int64_t>> NodeImport::intsAttr(StringRef name) const {
  const NodeAttribute *a = attribute(name);
  if (!a)
    return std::nullopt;
  return SmallVector<int64_t>(a->ints.begin(), a->ints.end());
}

FailureOr<int64_t> NodeImport::axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= std::max<int64_t>(rank, 1)) {
    error() << "axis " << axis << " is outside a rank of " << rank;
    return failure();
  }
  return axis < 0 ? axis + rank : axis;
}

Value NodeImport::reshape(Value x, ArrayRef<DimExprAttr> dims) {
  RankedTensorType target =
      graph::getTensorType(dims, type(x).getElementType());
  return target == x.getType()
             ? x
             : b.createOrFold<graph::ReshapeOp>(loc, target, x);
}

FailureOr<Value> NodeImport::transpose(Value x, ArrayRef<int64_t> perm) {
  return create<graph::TransposeOp>(
      x, named("perm", b.getDenseI64ArrayAttr(perm)));
}

Value NodeImport::scalar(Type element, double value) {
  auto scalarType = RankedTensorType::get({}, element);
  TypedAttr attribute;
  if (isa<FloatType>(element))
    attribute = b.getFloatAttr(element, value);
  else
    attribute = b.getIntegerAttr(element, static_cast<int64_t>(value));
  return graph::ConstantOp::create(
      b, loc, scalarType, DenseElementsAttr::get(scalarType, attribute));
}

void NodeImport::result(unsigned i, Value v) {
  if (i < node.outputs.size() && !node.outputs[i].empty())
    importer.values[node.outputs[i]] = v;
}

void NodeImport::result(unsigned i, ShapeValue v) {
  if (i < node.outputs.size() && !node.outputs[i].empty())
    importer.shapes[node.outputs[i]] = std::move(v);
}

} // namespace actnet::onnx
