//===- ShapeArithmetic.cpp - operators on dims ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exporters write `Reshape(x, Concat(Gather(Shape(x), 0), -1))`. All but the
// Reshape is arithmetic on dims: it is done here, once, and no kernel is made
// of it.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

using namespace mlir;

namespace actnet::onnx {

namespace {

/// The work on one node whose operands are all shape values.
class Arithmetic {
public:
  explicit Arithmetic(NodeImport &n) : n(n) {}

  std::optional<LogicalResult> run() {
    StringRef op = n.node.opType;
    if (op == "Shape")
      return shapeOf();
    if (op == "Size")
      return sizeOf();
    if (op == "Constant")
      return std::nullopt;
    SmallVector<ShapeValue> operands;
    for (unsigned i = 0; i < n.node.inputs.size(); ++i) {
      if (!n.has(i)) {
        operands.push_back({});
        continue;
      }
      std::optional<ShapeValue> s = n.shape(i);
      if (!s)
        return std::nullopt;
      operands.push_back(*s);
    }
    if (operands.empty())
      return std::nullopt;
    std::optional<ShapeValue> y = compute(op, operands);
    if (!y)
      return std::nullopt;
    n.result(0, *y);
    return success();
  }

private:
    if (importShapeChoice(n, operands))
      return success();
    bool isTruth =
        llvm::any_of(operands, [](const ShapeValue &s) { return s.truth; });
    if (isTruth && op != "Cast")
      return std::nullopt;
  NodeImport &n;

  std::optional<LogicalResult> shapeOf() {
    FailureOr<Value> x = n.value(0);
    if (failed(x))
      return failure();
    SmallVector<DimExprAttr> dims = n.dims(*x);
    int64_t rank = dims.size();
    auto clamp = [&](int64_t i) {
      return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank);
    };
    int64_t start = clamp(n.intAttr("start", 0)),
            end = clamp(n.intAttr("end", rank));
    ShapeValue y;
    for (int64_t i = start; i < end; ++i)
      y.elements.push_back(dims[i]);
    n.result(0, y);
    return success();
  }

  std::optional<LogicalResult> sizeOf() {
    FailureOr<Value> x = n.value(0);
    if (failed(x))
      return failure();
    ShapeValue y;
    y.scalar = true;
    y.elements.push_back(graph::dimProduct(n.b.getContext(), n.dims(*x)));
    n.result(0, y);
    return success();
  }

  /// Elementwise with broadcasting of scalars and single elements.
  template <typename F>
  std::optional<ShapeValue> zip(const ShapeValue &a, const ShapeValue &c, F f) {
    ShapeValue y;
    y.scalar = a.scalar && c.scalar;
    y.narrow = a.narrow;
    size_t size = std::max(a.elements.size(), c.elements.size());
    if (a.elements.empty() || c.elements.empty())
      size = 0;
    auto fits = [&](const ShapeValue &s) {
      return s.elements.size() == size || s.elements.size() == 1;
    };
    if (size && (!fits(a) || !fits(c)))
      return std::nullopt;
    for (size_t i = 0; i < size; ++i) {
      DimExprAttr e = f(a.elements[a.elements.size() == 1 ? 0 : i],
                        c.elements[c.elements.size() == 1 ? 0 : i]);
      if (!e)
        return std::nullopt;
      y.elements.push_back(e);
    }
    return y;
  }

  static std::optional<SmallVector<int64_t>> integers(const ShapeValue &s) {
    SmallVector<int64_t> numbers;
    for (DimExprAttr e : s.elements) {
      std::optional<int64_t> v = graph::constantValue(e);
      if (!v)
        return std::nullopt;
      numbers.push_back(*v);
    }
    return numbers;
  }

  /// Division as ONNX has it (towards zero): dims are not negative, so the
  /// floor, unless both are constants.
  static DimExprAttr divide(DimExprAttr a, DimExprAttr c) {
    std::optional<int64_t> x = graph::constantValue(a),
                           y = graph::constantValue(c);
    if (y && *y <= 0 && !(x && *y != 0))
      return nullptr;
    if (x && y)
      return (*x == INT64_MIN && *y == -1)
                 ? nullptr
                 : graph::dimConstant(a.getContext(), *x / *y);
    return graph::dimFloorDiv(a, c);
  }

  std::optional<ShapeValue> gather(const ShapeValue &data,
                                   const ShapeValue &indices) {
    std::optional<SmallVector<int64_t>> places = integers(indices);
    int64_t size = data.elements.size();
    if (!places || data.scalar ||
        (n.intAttr("axis", 0) != 0 && n.intAttr("axis", 0) != -1))
      return std::nullopt;
    ShapeValue y;
    y.scalar = indices.scalar;
    y.narrow = data.narrow;
    for (int64_t i : *places) {
      i = i < 0 ? i + size : i;
      if (i < 0 || i >= size)
        return std::nullopt;
      y.elements.push_back(data.elements[i]);
    }
    return y;
  }

  std::optional<ShapeValue> slice(ArrayRef<ShapeValue> operands) {
    const ShapeValue &data = operands[0];
    int64_t size = data.elements.size(), start = 0, end = size, axis = 0,
            step = 1;
    if (data.scalar)
      return std::nullopt;
    if (n.opset < 10) {
      auto starts = n.intsAttr("starts"), ends = n.intsAttr("ends");
      if (!starts || !ends || starts->size() != 1 || ends->size() != 1)
        return std::nullopt;
      start = starts->front();
      end = ends->front();
    } else {
      for (unsigned i = 1; i < operands.size(); ++i) {
        if (!n.has(i))
          continue;
        std::optional<SmallVector<int64_t>> v = integers(operands[i]);
        if (!v || v->size() != 1)
          return std::nullopt;
        (i == 1 ? start : i == 2 ? end : i == 3 ? axis : step) = v->front();
      }
    }
    if (step != 1 || (axis != 0 && axis != -1))
      return std::nullopt;
    auto clamp = [&](int64_t i) {
      return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size);
    };
    ShapeValue y;
    y.narrow = data.narrow;
    for (int64_t i = clamp(start); i < clamp(end); ++i)
      y.elements.push_back(data.elements[i]);
    return y;
  }

  std::optional<ShapeValue> compute(StringRef op, ArrayRef<ShapeValue> v) {
    if (op == "Add" && v.size() == 2)
      return zip(v[0], v[1], graph::dimAdd);
    if (op == "Sub" && v.size() == 2)
      return zip(v[0], v[1], graph::dimSub);
    if (op == "Mul" && v.size() == 2)
      return zip(v[0], v[1], graph::dimMul);
    if (op == "Div" && v.size() == 2)
      return zip(v[0], v[1], divide);
    if (op == "Mod" && v.size() == 2 && n.intAttr("fmod", 0) == 0)
      return zip(v[0], v[1], [](DimExprAttr a, DimExprAttr c) -> DimExprAttr {
        std::optional<int64_t> y = graph::constantValue(c);
        return y && *y <= 0 ? nullptr : graph::dimMod(a, c);
      });
    if (op == "Max" && v.size() == 2)
      return zip(v[0], v[1], graph::dimMax);
    if (op == "Min" && v.size() == 2)
      return zip(v[0], v[1], graph::dimMin);
    if (op == "Neg")
      return zip(v[0], v[0], [](DimExprAttr a, DimExprAttr) {
        return graph::dimMul(a, graph::dimConstant(a.getContext(), -1));
      });
    if (op == "Gather" && v.size() == 2)
      return gather(v[0], v[1]);
    if (op == "Slice" && v.size() <= 5)
      return slice(v);
    if (op == "Identity")
      return v[0];
    if (op == "Cast" && (n.intAttr("to", 0) == 7 || n.intAttr("to", 0) == 6))
      return ShapeValue{v[0].scalar, v[0].elements, n.intAttr("to", 0) == 6};
    if (op == "Concat") {
      ShapeValue y;
      y.narrow = v[0].narrow;
      for (const ShapeValue &s : v) {
        if (s.scalar)
          return std::nullopt;
        llvm::append_range(y.elements, s.elements);
      }
      return y;
    }
    if (op == "Unsqueeze" && v[0].scalar) {
      auto axes = v.size() > 1 ? integers(v[1]) : n.intsAttr("axes");
      if (!axes || axes->size() != 1)
        return std::nullopt;
      return ShapeValue{false, v[0].elements, v[0].narrow};
    }
    if (op == "Squeeze" && v[0].elements.size() == 1 && !v[0].scalar)
      return ShapeValue{true, v[0].elements, v[0].narrow};
    if (op == "Reshape" && v.size() == 2) {
      std::optional<SmallVector<int64_t>> to = integers(v[1]);
      if (to && to->empty() && v[0].elements.size() == 1)
        return ShapeValue{true, v[0].elements, v[0].narrow};
      int64_t size = v[0].elements.size();
      if (to && to->size() == 1 && (to->front() == -1 || to->front() == size))
        return ShapeValue{false, v[0].elements, v[0].narrow};
      return std::nullopt;
    }
    if (op == "ReduceProd" && !v[0].scalar) {
      ShapeValue y;
      y.scalar = n.intAttr("keepdims", 1) == 0;
      y.narrow = v[0].narrow;
      y.elements.push_back(graph::dimProduct(n.b.getContext(), v[0].elements));
      return y;
    }
    return std::nullopt;
  }
};

} // namespace

std::optional<LogicalResult> importShapeArithmetic(NodeImport &node) {
  return Arithmetic(node).run();
}

} // namespace actnet::onnx
