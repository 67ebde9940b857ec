//===- ShapeArithmetic.cpp - operators on dims ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exporters write `Reshape(x, Concat(Gather(Shape(x), 0), -1))`. All but the
// Reshape is arithmetic on dims: it is done here, once, and no kernel is made
// of it.
//
// Integers of the file wrap, so constants do here; an expression of dims does
// not, and one that could leave its type while the dims are of a usual size is
// left to a kernel, which wraps.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "actnet/Dialect/Graph/IR/DimLimits.h"

#include <functional>

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
    if (importShapeChoice(n, operands))
      return success();
    bool isTruth =
        llvm::any_of(operands, [](const ShapeValue &s) { return s.truth; });
    if (isTruth && op != "Cast")
      return std::nullopt;
    std::optional<ShapeValue> y = compute(op, operands);
    if (!y)
      return std::nullopt;
    for (DimExprAttr e : y->elements)
      if (graph::isTooLarge(e))
        return LogicalResult(n.error() << "what it computes from dims has "
                                       << graph::kTooLargeDim);
    n.result(0, *y);
    return success();
  }

private:
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
      if (e)
        e = held(e, y.narrow);
      if (!e)
        return std::nullopt;
      y.elements.push_back(e);
    }
    return y;
  }

  /// Whether a factor or a summand of the expression is as large as `limit`.
  static bool hasLarge(DimExprAttr e, int64_t limit) {
    if (e.isConstant())
      return e.getValue() >= limit || e.getValue() <= -limit;
    for (unsigned i = 0, count = e.getOperands().size(); i < count; ++i)
      if (hasLarge(e.getOperand(i), limit))
        return true;
    return false;
  }

  /// The element as its type holds it; null where a kernel has to see to that.
  static DimExprAttr held(DimExprAttr e, bool isNarrow) {
    if (std::optional<int64_t> v = graph::constantValue(e))
      return isNarrow
                 ? graph::dimConstant(e.getContext(), static_cast<int32_t>(*v))
                 : e;
    return hasLarge(e, int64_t(1) << (isNarrow ? 28 : 60)) ? nullptr : e;
  }

  static std::optional<ShapeValue> held(ShapeValue s) {
    for (DimExprAttr &e : s.elements)
      if (!(e = held(e, s.narrow)))
        return std::nullopt;
    return s;
  }

  /// `general` for expressions, `wrapping` for two constants.
  template <typename F>
  static auto arithmetic(DimExprAttr general(DimExprAttr, DimExprAttr),
                         F wrapping) {
    return [=](DimExprAttr a, DimExprAttr c) {
      std::optional<int64_t> x = graph::constantValue(a),
                             y = graph::constantValue(c);
      if (!x || !y)
        return general(a, c);
      return graph::dimConstant(
          a.getContext(),
          static_cast<int64_t>(
              wrapping(static_cast<uint64_t>(*x), static_cast<uint64_t>(*y))));
    };
  }

  static int64_t atLeast(DimExprAttr e) {
    return graph::dimLowerBound(e, [](StringRef) { return int64_t(1); })
        .value_or(INT64_MIN);
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

  /// Division as ONNX has it: towards zero. That is the floor where the
  /// dividend cannot be negative, and of one that can be the sum of both
  /// halves, of which one is 0.
  static DimExprAttr divide(DimExprAttr a, DimExprAttr c) {
    std::optional<int64_t> x = graph::constantValue(a),
                           y = graph::constantValue(c);
    if (y && *y <= 0 && !(x && *y != 0))
      return nullptr;
    if (x && y)
      return (*x == INT64_MIN && *y == -1)
                 ? nullptr
                 : graph::dimConstant(a.getContext(), *x / *y);
    if (atLeast(a) >= 0)
      return graph::dimFloorDiv(a, c);
    if (atLeast(c) < 1)
      return nullptr;
    DimExprAttr zero = graph::dimConstant(a.getContext(), 0);
    return graph::dimAdd(graph::dimMax(graph::dimFloorDiv(a, c), zero),
                         graph::dimMin(graph::dimCeilDiv(a, c), zero));
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
      return zip(v[0], v[1], arithmetic(graph::dimAdd, std::plus()));
    if (op == "Sub" && v.size() == 2)
      return zip(v[0], v[1], arithmetic(graph::dimSub, std::minus()));
    if (op == "Mul" && v.size() == 2)
      return zip(v[0], v[1], arithmetic(graph::dimMul, std::multiplies()));
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
      return zip({true, {n.dim(0)}, v[0].narrow}, v[0],
                 arithmetic(graph::dimSub, std::minus()));
    if (op == "Gather" && v.size() == 2)
      return gather(v[0], v[1]);
    if (op == "Slice" && v.size() <= 5)
      return slice(v);
    if (op == "Identity")
      return v[0];
    if (op == "Cast" && (n.intAttr("to", 0) == 7 || n.intAttr("to", 0) == 6))
      return held({v[0].scalar, v[0].elements, n.intAttr("to", 0) == 6});
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
      auto axes =
          v.size() > 1 && n.has(1) ? integers(v[1]) : n.intsAttr("axes");
      bool isEmpty = !axes || axes->empty();
      if (isEmpty && n.intAttr("noop_with_empty_axes", 0))
        return v[0];
      if (!isEmpty &&
          (axes->size() != 1 || axes->front() < -1 || axes->front() > 0))
        return std::nullopt;
      std::optional<ShapeValue> y =
          ShapeValue{n.intAttr("keepdims", 1) == 0, {n.dim(1)}, v[0].narrow};
      for (DimExprAttr e : v[0].elements)
        if (y)
          y = zip(*y, {y->scalar, {e}, y->narrow},
                  arithmetic(graph::dimMul, std::multiplies()));
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
