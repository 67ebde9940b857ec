//===- Operations.cpp - the graph API's operations ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each one creates the operation of the graph dialect of the same name.
//
//===----------------------------------------------------------------------===//

#include "State.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;

namespace actnet {

using detail::GraphState;
using graph::DimExprAttr;

/// Creates OpTy where the operands are values at all; the attributes are made
/// by `attributes(state)`.
template <typename OpTy, typename Attributes>
static Value make(ArrayRef<Value> operands, const Where &where,
                  Attributes attributes) {
  GraphState *s = GraphState::stateOf(operands);
  if (!s)
    return {};
  SmallVector<NamedAttribute> list = attributes(*s);
  return s->create<OpTy>(operands, where, list);
}

template <typename OpTy>
static Value make(ArrayRef<Value> operands, const Where &where) {
  return make<OpTy>(operands, where,
                    [](GraphState &) { return SmallVector<NamedAttribute>(); });
}

static NamedAttribute named(GraphState &s, StringRef name, Attribute value) {
  return s.b.getNamedAttr(name, value);
}
static NamedAttribute named(GraphState &s, StringRef name,
                            const std::vector<int64_t> &values) {
  return s.b.getNamedAttr(name, s.b.getDenseI64ArrayAttr(values));
}

/// An axis from the end where below zero; left for the verifier, which names it
/// as it was given, where there is no such axis.
static int64_t wrapAxis(Value x, int64_t axis) {
  auto rank = static_cast<int64_t>(x.rank());
  return axis < 0 && axis >= -rank ? axis + rank : axis;
}

/// Keeps the error where an enum, `what`, has a value behind its last.
template <typename Enum>
static void checkEnum(ArrayRef<Value> operands, Enum value, Enum last,
                      StringRef what, const Where &where) {
  auto number = static_cast<int64_t>(value);
  GraphState *s = GraphState::stateOf(operands);
  if (s && (number < 0 || number > static_cast<int64_t>(last)))
    s->fail(where,
            llvm::formatv("{0} is none of actnet::{1}", number, what).str());
}

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(GraphState::unwrap(v).getType());
}

Value add(Value a, Value b, Where where) {
  return make<graph::AddOp>({a, b}, where);
}
Value sub(Value a, Value b, Where where) {
  return make<graph::SubOp>({a, b}, where);
}
Value mul(Value a, Value b, Where where) {
  return make<graph::MulOp>({a, b}, where);
}
Value div(Value a, Value b, Where where) {
  return make<graph::DivOp>({a, b}, where);
}
Value pow(Value a, Value b, Where where) {
  return make<graph::PowOp>({a, b}, where);
}
Value maximum(Value a, Value b, Where where) {
  return make<graph::MaxOp>({a, b}, where);
}
Value minimum(Value a, Value b, Where where) {
  return make<graph::MinOp>({a, b}, where);
}
Value neg(Value x, Where where) { return make<graph::NegOp>(x, where); }
Value abs(Value x, Where where) { return make<graph::AbsOp>(x, where); }
Value exp(Value x, Where where) { return make<graph::ExpOp>(x, where); }
Value log(Value x, Where where) { return make<graph::LogOp>(x, where); }
Value sqrt(Value x, Where where) { return make<graph::SqrtOp>(x, where); }
Value tanh(Value x, Where where) { return make<graph::TanhOp>(x, where); }
Value sigmoid(Value x, Where where) { return make<graph::SigmoidOp>(x, where); }
Value erf(Value x, Where where) { return make<graph::ErfOp>(x, where); }
Value relu(Value x, Where where) { return clamp(x, 0, INFINITY, where); }

Value clamp(Value x, double lo, double hi, Where where) {
  return make<graph::ClampOp>(x, where, [&](GraphState &s) {
    return SmallVector<NamedAttribute>{named(s, "lo", s.b.getF64FloatAttr(lo)),
                                       named(s, "hi", s.b.getF64FloatAttr(hi))};
  });
}

Value gelu(Value x, bool tanhApproximation, Where where) {
  return make<graph::GeluOp>(x, where, [&](GraphState &s) {
    SmallVector<NamedAttribute> list;
    if (tanhApproximation)
      list.push_back(named(s, "tanh_approximation", s.b.getUnitAttr()));
    return list;
  });
}

Value cast(Value x, DType type, Where where) {
  GraphState *s = GraphState::of(x);
  auto values = s ? s->take(x, where) : std::nullopt;
  if (!values)
    return {};
  Type element = s->type(type, where);
  if (!element)
    return {};
  RankedTensorType result =
      graph::getTensorType(graph::getDims(typeOf(x)), element);
  return s->wrap(
      graph::CastOp::create(s->b, s->location(where), result, values->front()));
}

Value select(Value condition, Value a, Value b, Where where) {
  return make<graph::SelectOp>({condition, a, b}, where);
}

Value compare(Compare predicate, Value a, Value b, Where where) {
  checkEnum({a, b}, predicate, Compare::ge, "Compare", where);
  return make<graph::CompareOp>({a, b}, where, [&](GraphState &s) {
    auto p = static_cast<graph::ComparePredicate>(predicate);
    return SmallVector<NamedAttribute>{
        named(s, "predicate", graph::ComparePredicateAttr::get(&s.context, p))};
  });
}

Value reduce(Reduce kind, Value x, std::vector<int64_t> axes, bool keepDims,
             Where where) {
  checkEnum(x, kind, Reduce::mean, "Reduce", where);
  for (int64_t &axis : axes)
    axis = wrapAxis(x, axis);
  if (axes.empty())
    for (size_t i = 0; i < x.rank(); ++i)
      axes.push_back(i);
  llvm::sort(axes);
  return make<graph::ReduceOp>(x, where, [&](GraphState &s) {
    auto k = static_cast<graph::ReduceKind>(kind);
    SmallVector<NamedAttribute> list{
        named(s, "kind", graph::ReduceKindAttr::get(&s.context, k)),
        named(s, "dims", axes)};
    if (keepDims)
      list.push_back(named(s, "keepdims", s.b.getUnitAttr()));
    return list;
  });
}

Value einsum(std::string_view spec, Value a, Value b, Where where) {
  return make<graph::EinsumOp>({a, b}, where, [&](GraphState &s) {
    return SmallVector<NamedAttribute>{
        named(s, "spec", s.b.getStringAttr(StringRef(spec)))};
  });
}

Value matmul(Value a, Value b, Where where) {
  GraphState *s = GraphState::stateOf({a, b});
  if (!s)
    return {};
  size_t left = a.rank(), right = b.rank();
  if (s->error && a && b &&
      (left < 2 || left > 20 || (right != 2 && right != left)))
    s->fail(where, "matmul: ranks " + std::to_string(left) + " and " +
                       std::to_string(right) +
                       "; the right operand has rank 2 or the left one's");
  if (!s->error)
    return {};
  std::string batch;
  for (size_t i = 2; i < left; ++i)
    batch += static_cast<char>('p' + i - 2 > 'z' ? 'a' + i - 13 : 'p' + i - 2);
  return einsum(batch + "mk," + (right == 2 ? "" : batch) + "kn->" + batch +
                    "mn",
                a, b, where);
}

Value conv2d(Value x, Value filter, const ConvOptions &options, Where where) {
  return make<graph::ConvOp>({x, filter}, where, [&](GraphState &s) {
    auto text = [&](StringRef t) { return s.b.getStringAttr(t); };
    return SmallVector<NamedAttribute>{
        named(s, "input_layout", text("nchw")),
        named(s, "filter_layout", text("oihw")),
        named(s, "output_layout", text("nchw")),
        named(s, "strides", options.strides),
        named(s, "padding", options.padding),
        named(s, "dilations", options.dilations),
        named(s, "groups", s.b.getI64IntegerAttr(options.groups))};
  });
}

static Value pool(graph::PoolKind kind, Value x, const PoolOptions &options,
                  const Where &where) {
  GraphState *state = GraphState::of(x);
  if (state && options.window.size() != 2)
    state->fail(where, "pool: expected 2 extents of the window, found " +
                           std::to_string(options.window.size()));
  if (state && options.padding.size() == 2 * options.window.size())
    for (auto [i, pad] : llvm::enumerate(options.padding))
      if (int64_t window = options.window[i / 2]; pad >= window && window > 0)
        state->fail(where, "pool: a padding of " + std::to_string(pad) +
                               " is not smaller than its window of " +
                               std::to_string(window) +
                               ": some windows would hold nothing");
  return make<graph::PoolOp>(x, where, [&](GraphState &s) {
    return SmallVector<NamedAttribute>{
        named(s, "kind", graph::PoolKindAttr::get(&s.context, kind)),
        named(s, "layout", s.b.getStringAttr("nchw")),
        named(s, "window", options.window),
        named(s, "strides", options.strides),
        named(s, "padding", options.padding),
        named(s, "dilations", std::vector<int64_t>(options.window.size(), 1))};
  });
}

Value maxPool2d(Value x, const PoolOptions &options, Where where) {
  return pool(graph::PoolKind::max, x, options, where);
}
Value avgPool2d(Value x, const PoolOptions &options, Where where) {
  return pool(graph::PoolKind::avg, x, options, where);
}

/// Ops whose result type is given; verified at once.
template <typename OpTy>
static Value typed(Value x, const std::vector<Dim> &shape, const Where &where) {
  GraphState *s = GraphState::of(x);
  auto values = s ? s->take(x, where) : std::nullopt;
  if (!values)
    return {};
  auto dims = s->exprs(shape, where);
  if (!dims)
    return {};
  RankedTensorType type =
      graph::getTensorType(*dims, typeOf(x).getElementType());
  OpTy op = OpTy::create(s->b, s->location(where), type, values->front());
  LogicalResult valid = s->guarded(where, [&] { return op.verify(); });
  if (succeeded(valid))
    return s->wrap(op->getResult(0));
  op->erase();
  return {};
}

Value reshape(Value x, std::vector<Dim> shape, Where where) {
  return typed<graph::ReshapeOp>(x, shape, where);
}
Value broadcastTo(Value x, std::vector<Dim> shape, Where where) {
  return typed<graph::BroadcastOp>(x, shape, where);
}

Value transpose(Value x, std::vector<int64_t> perm, Where where) {
  return make<graph::TransposeOp>(x, where, [&](GraphState &s) {
    return SmallVector<NamedAttribute>{named(s, "perm", perm)};
  });
}

Value slice(Value x, int64_t axis, Dim start, Dim size, Where where) {
  GraphState *s = GraphState::of(x);
  if (!s || !s->take(x, where))
    return {};
  axis = wrapAxis(x, axis);
  SmallVector<DimExprAttr> sizes = graph::getDims(typeOf(x));
  SmallVector<DimExprAttr> starts(sizes.size(),
                                  graph::dimConstant(&s->context, 0));
  if (axis < 0 || axis >= static_cast<int64_t>(sizes.size())) {
    s->fail(where, "slice: axis " + std::to_string(axis) +
                       " is outside a rank of " + std::to_string(sizes.size()));
    return {};
  }
  auto range = s->exprs({start, size}, where);
  if (!range)
    return {};
  starts[axis] = range->front();
  sizes[axis] = range->back();
  return make<graph::SliceOp>(x, where, [&](GraphState &state) {
    return SmallVector<NamedAttribute>{
        named(state, "starts", graph::DimsAttr::get(&state.context, starts)),
        named(state, "sizes", graph::DimsAttr::get(&state.context, sizes)),
        named(state, "steps", std::vector<int64_t>(sizes.size(), 1))};
  });
}

Value concat(std::vector<Value> inputs, int64_t axis, Where where) {
  return make<graph::ConcatOp>(inputs, where, [&](GraphState &s) {
    return SmallVector<NamedAttribute>{named(
        s, "axis", s.b.getI64IntegerAttr(wrapAxis(inputs.front(), axis)))};
  });
}

Value gather(Value data, Value indices, int64_t axis, Where where) {
  return make<graph::GatherOp>({data, indices}, where, [&](GraphState &s) {
    return SmallVector<NamedAttribute>{
        named(s, "axis", s.b.getI64IntegerAttr(wrapAxis(data, axis)))};
  });
}

template <typename OpTy>
static Value alongAxis(Value x, int64_t axis, const Where &where) {
  return make<OpTy>(x, where, [&](GraphState &s) {
    return SmallVector<NamedAttribute>{
        named(s, "axis", s.b.getI64IntegerAttr(wrapAxis(x, axis)))};
  });
}
Value softmax(Value x, int64_t axis, Where where) {
  return alongAxis<graph::SoftmaxOp>(x, axis, where);
}
Value logSoftmax(Value x, int64_t axis, Where where) {
  return alongAxis<graph::LogSoftmaxOp>(x, axis, where);
}

/// Norms: `required` operands and optional ones, an axis or groups, epsilon.
template <typename OpTy>
static Value norm(ArrayRef<Value> operands, size_t required, StringRef key,
                  int64_t number, double epsilon, const Where &where,
                  std::optional<SmallVector<int32_t>> segments = {}) {
  GraphState *state = GraphState::stateOf(operands);
  if (state && !(epsilon >= 0 && std::isfinite(epsilon)))
    state->fail(where, llvm::formatv("a norm's epsilon is {0}; expected a "
                                     "finite number, at least 0",
                                     epsilon)
                           .str());
  SmallVector<Value> given;
  for (auto [i, v] : llvm::enumerate(operands))
    if (v || i < required)
      given.push_back(v);
  return make<OpTy>(given, where, [&](GraphState &s) {
    SmallVector<NamedAttribute> list{
        named(s, key, s.b.getI64IntegerAttr(number)),
        named(s, "epsilon", s.b.getF64FloatAttr(epsilon))};
    if (segments)
      list.push_back(
          named(s, "operandSegmentSizes", s.b.getDenseI32ArrayAttr(*segments)));
    return list;
  });
}

Value layerNorm(Value x, Value scale, Value bias, int64_t axis, double epsilon,
                Where where) {
  SmallVector<int32_t> segments{1, bool(scale), bool(bias)};
  return norm<graph::LayerNormOp>({x, scale, bias}, 1, "axis",
                                  wrapAxis(x, axis), epsilon, where, segments);
}
Value rmsNorm(Value x, Value scale, int64_t axis, double epsilon, Where where) {
  return norm<graph::RmsNormOp>({x, scale}, 1, "axis", wrapAxis(x, axis),
                                epsilon, where);
}
Value batchNorm(Value x, Value scale, Value bias, Value mean, Value variance,
                double epsilon, Where where) {
  return norm<graph::BatchNormOp>({x, scale, bias, mean, variance}, 5, "axis",
                                  1, epsilon, where);
}
Value groupNorm(Value x, Value scale, Value bias, int64_t groups,
                double epsilon, Where where) {
  return norm<graph::GroupNormOp>({x, scale, bias}, 3, "groups", groups,
                                  epsilon, where);
}

Value attention(Value q, Value k, Value v, double scale, Value mask,
                bool causal, Where where) {
  SmallVector<Value> operands{q, k, v};
  if (mask)
    operands.push_back(mask);
  return make<graph::AttentionOp>(operands, where, [&](GraphState &s) {
    auto text = [&](StringRef t) { return s.b.getStringAttr(t); };
    SmallVector<NamedAttribute> list{
        named(s, "q_layout", text("bshd")), named(s, "k_layout", text("btgd")),
        named(s, "v_layout", text("btge")), named(s, "y_layout", text("bshe")),
        named(s, "scale", s.b.getF64FloatAttr(scale))};
    if (causal)
      list.push_back(named(s, "causal", s.b.getUnitAttr()));
    return list;
  });
}

} // namespace actnet
