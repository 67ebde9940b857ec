//===- ShapeChoice.cpp - shape arithmetic beyond sums and products --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Three more ways in which a shape follows from dims: by choosing (Split,
// Equal and Where on dims, as exporters write Expand), by floats (Cast, Mul,
// Floor, Cast, as they write interpolation), and from constants alone, by any
// operators.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include <cmath>

using namespace mlir;

namespace actnet::onnx {

/// Elements of a tensor that is taken to be a shape.
static constexpr int64_t kMostElements = 64;

//===----------------------------------------------------------------------===//
// Choosing
//===----------------------------------------------------------------------===//

static bool split(NodeImport &n, ArrayRef<ShapeValue> v) {
  int64_t size = v[0].elements.size(), parts = n.node.outputs.size(),
          axis = n.intAttr("axis", 0);
  if (v[0].scalar || v[0].truth || (axis != 0 && axis != -1) || !parts)
    return false;
  SmallVector<int64_t> sizes;
  if (n.opset >= 13 && v.size() > 1 && n.has(1)) {
    for (DimExprAttr e : v[1].elements)
      sizes.push_back(graph::constantValue(e).value_or(-1));
  } else if (auto attribute = n.intsAttr("split")) {
    sizes = *attribute;
  } else if (n.intAttr("num_outputs", parts) == parts) {
    int64_t each = (size + parts - 1) / parts;
    for (int64_t i = 0; i < parts; ++i)
      sizes.push_back(std::clamp<int64_t>(size - i * each, 0, each));
    if (n.opset < 18 && size % parts != 0)
      return false;
  }
  int64_t sum = 0;
  for (int64_t s : sizes) {
    if (s < 0 || s > size)
      return false;
    sum += s;
  }
  if (sum != size || static_cast<int64_t>(sizes.size()) != parts)
    return false;
  auto *next = v[0].elements.begin();
  for (auto [i, s] : llvm::enumerate(sizes)) {
    ShapeValue part;
    part.narrow = v[0].narrow;
    part.elements.assign(next, next + s);
    next += s;
    n.result(i, part);
  }
  return true;
}

/// a OP c, where it is the same for all values of the dims.
static std::optional<bool> compare(const Importer &importer, StringRef op,
                                   DimExprAttr a, DimExprAttr c) {
  DimExprAttr gap = importer.simplify(graph::dimSub(a, c));
  auto ranges = [&](StringRef name) { return importer.rangeOf(name); };
  std::optional<int64_t> least = graph::dimLeast(gap, ranges),
                         most = graph::dimMost(gap, ranges);
  bool above = least && *least > 0, below = most && *most < 0;
  bool notBelow = least && *least >= 0, notAbove = most && *most <= 0;
  auto when = [](bool yes, bool no) {
    return yes ? std::optional(true) : no ? std::optional(false) : std::nullopt;
  };
  if (op == "Equal")
    return when(notBelow && notAbove, above || below);
  if (op == "Less")
    return when(below, notBelow);
  if (op == "LessOrEqual")
    return when(notAbove, above);
  if (op == "Greater")
    return when(above, notAbove);
  if (op == "GreaterOrEqual")
    return when(notBelow, below);
  return std::nullopt;
}

/// The common number of elements of operands with one or that many.
static std::optional<size_t> commonSize(ArrayRef<ShapeValue> v) {
  size_t size = 1;
  for (const ShapeValue &s : v)
    if (s.elements.size() != 1)
      size = s.elements.size();
  for (const ShapeValue &s : v)
    if (s.elements.size() != size && s.elements.size() != 1)
      return std::nullopt;
  return size;
}

static DimExprAttr at(const ShapeValue &v, size_t i) {
  return v.elements[v.elements.size() == 1 ? 0 : i];
}

static bool allScalar(ArrayRef<ShapeValue> v) {
  return llvm::all_of(v, [](const ShapeValue &s) { return s.scalar; });
}

static bool where(NodeImport &n, ArrayRef<ShapeValue> v) {
  std::optional<size_t> size = commonSize(v);
  if (!size || !v[0].truth || v[1].truth != v[2].truth)
    return false;
  ShapeValue y{allScalar(v), {}, v[1].narrow, v[1].truth};
  for (size_t i = 0; i < *size; ++i)
    y.elements.push_back(
        at(graph::constantValue(at(v[0], i)) == 1 ? v[1] : v[2], i));
  n.result(0, y);
  return true;
}

static bool repeated(NodeImport &n, DimExprAttr one, const ShapeValue &shape,
                     bool narrow) {
  std::optional<int64_t> count = shape.elements.empty()
                                     ? std::optional<int64_t>(1)
                                     : graph::constantValue(shape.elements[0]);
  if (shape.scalar || shape.truth || shape.elements.size() > 1 || !count ||
      *count < 0 || *count > kMostElements)
    return false;
  n.result(0, ShapeValue{shape.elements.empty(),
                         SmallVector<DimExprAttr>(*count, one), narrow});
  return true;
}

static bool constantOfShape(NodeImport &n, const ShapeValue &shape) {
  const NodeAttribute *a = n.attribute("value");
  std::optional<ShapeValue> one =
      a ? n.importer.shapeOf(a->t) : std::optional<ShapeValue>();
  return one && one->elements.size() == 1 &&
         repeated(n, one->elements[0], shape, one->narrow);
}

bool importShapeChoice(NodeImport &n, ArrayRef<ShapeValue> v) {
  StringRef op = n.node.opType;
  if (op == "Split")
    return split(n, v);
  if (op == "Where" && v.size() == 3)
    return where(n, v);
  if (op == "ConstantOfShape" && v.size() == 1)
    return constantOfShape(n, v[0]);
  if (op == "Expand" && v.size() == 2 && v[0].elements.size() == 1 &&
      !v[0].truth)
    return repeated(n, v[0].elements[0],
                    v[1].elements.empty() ? ShapeValue{false, {n.dim(1)}, false}
                                          : v[1],
                    v[0].narrow);
  static constexpr StringRef choices[] = {
      "Equal",          "Less", "LessOrEqual", "Greater",
      "GreaterOrEqual", "And",  "Or",          "Not"};
  bool toBool = op == "Cast" && n.intAttr("to", 0) == 9;
  if (!toBool && !llvm::is_contained(choices, op))
    return false;
  std::optional<size_t> size = commonSize(v);
  if (!size || v.empty())
    return false;
  ShapeValue y{allScalar(v), {}, false, true};
  auto number = [&](const ShapeValue &s, size_t i) {
    return graph::constantValue(at(s, i)).value_or(0);
  };
  for (size_t i = 0; i < *size; ++i) {
    std::optional<bool> truth;
    if (v.size() == 2 && !v[0].truth && !v[1].truth)
      truth = compare(n.importer, op, at(v[0], i), at(v[1], i));
    else if (v.size() == 2 && v[0].truth && v[1].truth && op == "And")
      truth = number(v[0], i) && number(v[1], i);
    else if (v.size() == 2 && v[0].truth && v[1].truth && op == "Or")
      truth = number(v[0], i) || number(v[1], i);
    else if (v.size() == 1 && v[0].truth && op == "Not")
      truth = !number(v[0], i);
    else if (v.size() == 1 && toBool)
      truth = compare(n.importer, "Equal", at(v[0], i), n.dim(0));
    if (op == "Cast" && truth)
      truth = !*truth;
    if (!truth)
      return false;
    y.elements.push_back(n.dim(*truth));
  }
  n.result(0, y);
  return true;
}

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

/// Numbers up to this are multiplied and divided by: a dim below 2^12 times
/// one of them is exact in 32-bit floats.
static constexpr int64_t kMostFactor = 4096;

/// A float as a fraction, where both of its parts are small.
static std::optional<std::pair<int64_t, int64_t>> fraction(double value) {
  for (int64_t d = 1; d <= kMostFactor; d *= 2)
    if (double scaled = value * static_cast<double>(d);
        scaled == std::floor(scaled) && std::abs(scaled) <= kMostFactor)
      return std::pair(static_cast<int64_t>(scaled), d);
  return std::nullopt;
}

namespace {
/// One node on floats that come from dims.
class Ratios {
public:
  explicit Ratios(NodeImport &n) : n(n) {}

  void run() {
    StringRef op = n.node.opType;
    if (op == "Cast")
      return cast();
    if (n.node.inputs.empty() || n.node.outputs.empty())
      return;
    bool isBinary = llvm::is_contained({"Add", "Sub", "Mul", "Div"}, op) &&
                    n.node.inputs.size() == 2;
    bool isUnary = llvm::is_contained(
        {"Floor", "Ceil", "Identity", "Squeeze", "Unsqueeze"}, op);
    if (isUnary && known(0))
      return unary(op, *known(0));
    if (!isBinary || (!known(0) && !known(1)))
      return;
    std::optional<RatioValue> a = operand(0), c = operand(1);
    if (a && c)
      binary(op, *a, *c);
  }

private:
  using Element = RatioValue::Element;

  const RatioValue *known(unsigned i) const {
    auto it = n.importer.ratios.find(n.node.inputs[i]);
    return it == n.importer.ratios.end() ? nullptr : &it->second;
  }

  /// What is known, or a constant of few elements.
  std::optional<RatioValue> operand(unsigned i) {
    if (const RatioValue *v = known(i))
      return *v;
    FailureOr<Value> value = n.value(i);
    auto constant = succeeded(value) ? value->getDefiningOp<graph::ConstantOp>()
                                     : graph::ConstantOp();
    auto elements =
        constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
    if (!elements || !isa<FloatType>(elements.getElementType()) ||
        elements.getType().getRank() > 1 ||
        elements.getNumElements() > kMostElements)
      return std::nullopt;
    RatioValue v;
    v.scalar = elements.getType().getRank() == 0;
    for (APFloat x : elements.getValues<APFloat>()) {
      auto parts = fraction(x.convertToDouble());
      if (!parts)
        return std::nullopt;
      v.elements.push_back({n.dim(parts->first), parts->second});
    }
    return v;
  }

  void set(RatioValue v) {
    if (!n.node.outputs[0].empty())
      n.importer.ratios[n.node.outputs[0]] = std::move(v);
  }

  void cast() {
    int64_t to = n.intAttr("to", 0);
    if (to == 1 || to == 11) {
      if (const RatioValue *v = known(0))
        return set(*v);
      std::optional<ShapeValue> s = n.shape(0);
      if (!s || s->truth)
        return;
      RatioValue v;
      v.scalar = s->scalar;
      for (DimExprAttr e : s->elements)
        v.elements.push_back({e});
      return set(v);
    }
    const RatioValue *v = known(0);
    if (!v || (to != 6 && to != 7))
      return;
    // Towards zero: the floor of what is not negative.
    ShapeValue y{v->scalar, {}, to == 6};
    for (const Element &e : v->elements) {
      auto ranges = [&](StringRef name) { return n.importer.rangeOf(name); };
      if (graph::dimLeast(e.numerator, ranges).value_or(-1) < 0)
        return;
      y.elements.push_back(
          graph::dimFloorDiv(e.numerator, n.dim(e.denominator)));
    }
    n.result(0, y);
  }

  void unary(StringRef op, RatioValue v) {
    if (op == "Squeeze" || op == "Unsqueeze") {
      if (v.elements.size() != 1 || v.scalar != (op == "Unsqueeze"))
        return;
      v.scalar = !v.scalar;
      return set(v);
    }
    if (op != "Identity")
      for (Element &e : v.elements) {
        DimExprAttr by = n.dim(e.denominator);
        e = {op == "Floor" ? graph::dimFloorDiv(e.numerator, by)
                           : graph::dimCeilDiv(e.numerator, by)};
      }
    set(v);
  }

  std::optional<Element> combine(StringRef op, Element a, Element c) {
    if (!a.exact || !c.exact)
      return std::nullopt;
    Element y;
    if (op == "Add" || op == "Sub") {
      y.numerator = graph::dimMul(a.numerator, n.dim(c.denominator));
      DimExprAttr other = graph::dimMul(c.numerator, n.dim(a.denominator));
      y.numerator = op == "Add" ? graph::dimAdd(y.numerator, other)
                                : graph::dimSub(y.numerator, other);
      y.denominator = a.denominator * c.denominator;
    } else if (op == "Mul") {
      if (!a.numerator.isConstant() && !c.numerator.isConstant())
        return std::nullopt;
      y.numerator = graph::dimMul(a.numerator, c.numerator);
      y.denominator = a.denominator * c.denominator;
    } else {
      int64_t by = graph::constantValue(c.numerator).value_or(0);
      if (by <= 0)
        return std::nullopt;
      y.numerator = graph::dimMul(a.numerator, n.dim(c.denominator));
      y.denominator = a.denominator * by;
      // Only powers of two leave a float exact.
      y.exact = (by & (by - 1)) == 0;
    }
    return y.denominator <= kMostFactor ? std::optional(y) : std::nullopt;
  }

  void binary(StringRef op, const RatioValue &a, const RatioValue &c) {
    size_t size = std::max(a.elements.size(), c.elements.size());
    RatioValue y;
    y.scalar = a.scalar && c.scalar;
    for (size_t i = 0; i < size; ++i) {
      auto pick = [&](const RatioValue &v) -> std::optional<Element> {
        if (v.elements.size() == 1)
          return v.elements[0];
        return i < v.elements.size() ? std::optional(v.elements[i])
                                     : std::nullopt;
      };
      std::optional<Element> p = pick(a), q = pick(c);
      std::optional<Element> e = p && q ? combine(op, *p, *q) : std::nullopt;
      if (!e)
        return;
      y.elements.push_back(*e);
    }
    set(y);
  }

  NodeImport &n;
};
} // namespace

void followRatios(NodeImport &node) { Ratios(node).run(); }

//===----------------------------------------------------------------------===//
// Constants alone
//===----------------------------------------------------------------------===//

/// Elements of a tensor on the way to a shape.
static constexpr int64_t kMostFolded = 4096;

std::optional<graph::HostTensor> Importer::fold(Value v) {
  if (auto it = folded.find(v); it != folded.end())
    return it->second;
  std::optional<graph::HostTensor> result;
  auto type = dyn_cast<RankedTensorType>(v.getType());
  Operation *op = v.getDefiningOp();
  if (op && type && type.hasStaticShape() &&
      type.getNumElements() <= kMostFolded) {
    auto quiet = [&] { return InFlightDiagnostic(); };
    SmallVector<graph::HostTensor> operands;
    for (Value operand : op->getOperands())
      if (std::optional<graph::HostTensor> known = fold(operand))
        operands.push_back(*known);
    FailureOr<graph::HostTensor> tensor = failure();
    if (auto constant = dyn_cast<graph::ConstantOp>(op)) {
      if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue()))
        tensor = graph::evaluateConstant(dense, type, quiet);
    } else if (operands.size() == op->getNumOperands()) {
      tensor = graph::evaluate(op, operands, {}, /*isQuiet=*/true);
    }
    if (succeeded(tensor))
      result = *tensor;
  }
  folded[v] = result;
  return result;
}

std::optional<ShapeValue> Importer::constantShape(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  if (!type || !type.hasStaticShape() || type.getRank() > 1 ||
      type.getNumElements() > kMostElements)
    return std::nullopt;
  Type element = type.getElementType();
  if (!element.isSignlessInteger(64) && !element.isSignlessInteger(32) &&
      !element.isSignlessInteger(1))
    return std::nullopt;
  std::optional<graph::HostTensor> tensor = fold(v);
  if (!tensor)
    return std::nullopt;
  ShapeValue y{
      type.getRank() == 0, {}, element.isInteger(32), element.isInteger(1)};
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    int64_t wide = 0;
    int32_t narrow = 0;
    if (y.truth) {
      wide = tensor->data[i] != 0;
    } else if (y.narrow) {
      std::memcpy(&narrow, tensor->data + i * 4, 4);
      wide = narrow;
    } else {
      std::memcpy(&wide, tensor->data + i * 8, 8);
    }
    y.elements.push_back(graph::dimConstant(&context, wide));
  }
  return y;
}

} // namespace actnet::onnx
