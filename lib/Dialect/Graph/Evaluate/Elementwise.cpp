//===- Elementwise.cpp - evaluating elementwise ops -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Elements.h"
#include "Kernels.h"
#include "Strided.h"

#include "actnet/Dialect/Graph/IR/GraphOps.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace actnet::graph;
using namespace actnet::graph::eval;

static constexpr int64_t kChunk = 512;

/// Computes each row in chunks: loads operands as `In`, calls
/// `compute(inputs, out, count)`, stores `Out`.
template <typename In, typename Out, typename Compute>
static HostTensor mapRows(const Call &call, Compute compute) {
  HostTensor result = call.allocate();
  SmallVector<SmallVector<int64_t>> strides{stridesOf(call.shape)};
  for (const HostTensor &operand : call.operands)
    strides.push_back(broadcastStrides(operand.shape, call.shape));
  StridedLoop loop(call.shape, strides);
  size_t count = call.operands.size();
  std::vector<In> buffers(count * kChunk);
  std::vector<Out> out(kChunk);
  SmallVector<const In *, 3> inputs;
  for (size_t i = 0; i < count; ++i)
    inputs.push_back(buffers.data() + i * kChunk);
  loop.forEachRow([&](ArrayRef<int64_t> offsets, int64_t rowCount) {
    for (int64_t begin = 0; begin < rowCount; begin += kChunk) {
      int64_t n = std::min(kChunk, rowCount - begin);
      for (size_t i = 0; i < count; ++i) {
        int64_t step = loop.innerStride(i + 1);
        load(call.operands[i], offsets[i + 1] + begin * step, step, n,
             buffers.data() + i * kChunk);
      }
      compute(inputs, out.data(), n);
      store(result, offsets[0] + begin, n, out.data());
    }
  });
  return result;
}

template <typename Acc, typename F>
static HostTensor unary(const Call &call, F f) {
  return mapRows<Acc, Acc>(call,
                           [&](ArrayRef<const Acc *> in, Acc *out, int64_t n) {
                             for (int64_t i = 0; i < n; ++i)
                               out[i] = f(in[0][i]);
                           });
}

template <typename Acc, typename F>
static HostTensor binary(const Call &call, F f) {
  return mapRows<Acc, Acc>(call,
                           [&](ArrayRef<const Acc *> in, Acc *out, int64_t n) {
                             for (int64_t i = 0; i < n; ++i)
                               out[i] = f(in[0][i], in[1][i]);
                           });
}

//===----------------------------------------------------------------------===//
// Floating point
//===----------------------------------------------------------------------===//

static double sign(double x) { return x > 0 ? 1 : (x < 0 ? -1 : x); }
static double modulo(double a, double b) {
  double rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
static double larger(double a, double b) {
  return std::isnan(a) || a > b
             ? a
             : (std::isnan(b) ? b : (a == b ? (std::signbit(a) ? b : a) : b));
}
static double smaller(double a, double b) { return -larger(-a, -b); }

static Result evaluateFloat(const Call &call) {
  using D = double;
  return TypeSwitch<Operation *, Result>(call.op)
      .Case<AbsOp>([&](auto) {
        return unary<D>(call, [](D x) { return std::fabs(x); });
      })
      .Case<NegOp>([&](auto) { return unary<D>(call, [](D x) { return -x; }); })
      .Case<ExpOp>(
          [&](auto) { return unary<D>(call, [](D x) { return std::exp(x); }); })
      .Case<LogOp>(
          [&](auto) { return unary<D>(call, [](D x) { return std::log(x); }); })
      .Case<SqrtOp>([&](auto) {
        return unary<D>(call, [](D x) { return std::sqrt(x); });
      })
      .Case<RsqrtOp>([&](auto) {
        return unary<D>(call, [](D x) { return 1 / std::sqrt(x); });
      })
      .Case<ReciprocalOp>(
          [&](auto) { return unary<D>(call, [](D x) { return 1 / x; }); })
      .Case<TanhOp>([&](auto) {
        return unary<D>(call, [](D x) { return std::tanh(x); });
      })
      .Case<SigmoidOp>([&](auto) {
        return unary<D>(call, [](D x) { return 1 / (1 + std::exp(-x)); });
      })
      .Case<ErfOp>(
          [&](auto) { return unary<D>(call, [](D x) { return std::erf(x); }); })
      .Case<SinOp>(
          [&](auto) { return unary<D>(call, [](D x) { return std::sin(x); }); })
      .Case<CosOp>(
          [&](auto) { return unary<D>(call, [](D x) { return std::cos(x); }); })
      .Case<FloorOp>([&](auto) {
        return unary<D>(call, [](D x) { return std::floor(x); });
      })
      .Case<CeilOp>([&](auto) {
        return unary<D>(call, [](D x) { return std::ceil(x); });
      })
      .Case<RoundOp>([&](auto) {
        return unary<D>(call, [](D x) { return std::nearbyint(x); });
      })
      .Case<SignOp>([&](auto) { return unary<D>(call, sign); })
      .Case<AddOp>(
          [&](auto) { return binary<D>(call, [](D a, D b) { return a + b; }); })
      .Case<SubOp>(
          [&](auto) { return binary<D>(call, [](D a, D b) { return a - b; }); })
      .Case<MulOp>(
          [&](auto) { return binary<D>(call, [](D a, D b) { return a * b; }); })
      .Case<DivOp>(
          [&](auto) { return binary<D>(call, [](D a, D b) { return a / b; }); })
      .Case<PowOp>([&](auto) {
        return binary<D>(call, [](D a, D b) { return std::pow(a, b); });
      })
      .Case<ModOp>([&](auto) { return binary<D>(call, modulo); })
      .Case<MaxOp>([&](auto) { return binary<D>(call, larger); })
      .Case<MinOp>([&](auto) { return binary<D>(call, smaller); })
      .Default([](Operation *) { return failure(); });
}

//===----------------------------------------------------------------------===//
// Integers and bool
//===----------------------------------------------------------------------===//

/// Wraps, as the machine does.
template <typename I, typename F> static I wrapping(I a, I b, F f) {
  return static_cast<I>(f(static_cast<uint64_t>(a), static_cast<uint64_t>(b)));
}

/// Towards zero; division by zero gives zero.
template <typename I> static I divide(I a, I b) {
  if (b == 0)
    return 0;
  if (std::is_signed_v<I> && b == static_cast<I>(-1))
    return wrapping<I>(0, a, [](uint64_t x, uint64_t y) { return x - y; });
  return a / b;
}

template <typename I> static I modulo(I a, I b) {
  if (b == 0 || (std::is_signed_v<I> && b == static_cast<I>(-1)))
    return 0;
  I rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

template <typename I> static I power(I base, I exponent) {
  if (exponent < 0)
    return base == 1
               ? 1
               : (base == static_cast<I>(-1) ? (exponent % 2 ? -1 : 1) : 0);
  I result = 1;
  auto times = [](I a, I b) {
    return wrapping<I>(a, b, [](uint64_t x, uint64_t y) { return x * y; });
  };
  for (; exponent > 0; exponent /= 2, base = times(base, base))
    if (exponent % 2)
      result = times(result, base);
  return result;
}

template <typename I> static Result evaluateInteger(const Call &call) {
  auto wrap = [&](auto f) {
    return binary<I>(call, [f](I a, I b) { return wrapping<I>(a, b, f); });
  };
  using U = uint64_t;
  bool isBool = call.elementType.isInteger(1);
  return TypeSwitch<Operation *, Result>(call.op)
      .template Case<AbsOp>([&](auto) {
        return unary<I>(call, [](I x) {
          return x < 0 ? static_cast<I>(-static_cast<U>(x)) : x;
        });
      })
      .template Case<NegOp>([&](auto) {
        return unary<I>(call,
                        [](I x) { return static_cast<I>(-static_cast<U>(x)); });
      })
      .template Case<SignOp>([&](auto) {
        return unary<I>(call,
                        [](I x) { return static_cast<I>((x > 0) - (x < 0)); });
      })
      .template Case<NotOp>([&](auto) {
        return unary<I>(call, [isBool](I x) {
          return isBool ? static_cast<I>(!x) : static_cast<I>(~x);
        });
      })
      .template Case<AddOp>(
          [&](auto) { return wrap([](U a, U b) { return a + b; }); })
      .template Case<SubOp>(
          [&](auto) { return wrap([](U a, U b) { return a - b; }); })
      .template Case<MulOp>(
          [&](auto) { return wrap([](U a, U b) { return a * b; }); })
      .template Case<AndOp>(
          [&](auto) { return wrap([](U a, U b) { return a & b; }); })
      .template Case<OrOp>(
          [&](auto) { return wrap([](U a, U b) { return a | b; }); })
      .template Case<XorOp>(
          [&](auto) { return wrap([](U a, U b) { return a ^ b; }); })
      .template Case<DivOp>([&](auto) { return binary<I>(call, divide<I>); })
      .template Case<ModOp>([&](auto) { return binary<I>(call, modulo<I>); })
      .template Case<PowOp>([&](auto) { return binary<I>(call, power<I>); })
      .template Case<MaxOp>([&](auto) {
        return binary<I>(call, [](I a, I b) { return std::max(a, b); });
      })
      .template Case<MinOp>([&](auto) {
        return binary<I>(call, [](I a, I b) { return std::min(a, b); });
      })
      .Default([](Operation *) { return failure(); });
}

//===----------------------------------------------------------------------===//
// Comparison, choice, conversion
//===----------------------------------------------------------------------===//

template <typename Acc>
static HostTensor compare(const Call &call, ComparePredicate predicate) {
  auto by = [&](auto f) {
    return mapRows<Acc, int64_t>(
        call, [&](ArrayRef<const Acc *> in, int64_t *out, int64_t n) {
          for (int64_t i = 0; i < n; ++i)
            out[i] = f(in[0][i], in[1][i]);
        });
  };
  switch (predicate) {
  case ComparePredicate::eq:
    return by([](Acc a, Acc b) { return a == b; });
  case ComparePredicate::ne:
    return by([](Acc a, Acc b) { return a != b; });
  case ComparePredicate::lt:
    return by([](Acc a, Acc b) { return a < b; });
  case ComparePredicate::le:
    return by([](Acc a, Acc b) { return a <= b; });
  case ComparePredicate::gt:
    return by([](Acc a, Acc b) { return a > b; });
  case ComparePredicate::ge:
    return by([](Acc a, Acc b) { return a >= b; });
  }
  llvm_unreachable("all predicates are handled");
}

template <typename Acc>
static HostTensor clamp(const Call &call, double lo, double hi) {
  return unary<Acc>(call, [=](Acc x) {
    double value = static_cast<double>(x);
    if (value < lo)
      return storeOne<Acc>(lo);
    return value > hi ? storeOne<Acc>(hi) : x;
  });
}

template <typename In, typename Out>
static HostTensor convert(const Call &call) {
  return mapRows<In, Out>(call,
                          [&](ArrayRef<const In *> in, Out *out, int64_t n) {
                            for (int64_t i = 0; i < n; ++i)
                              out[i] = storeOne<Out>(in[0][i]);
                          });
}

template <typename In> static HostTensor castFrom(const Call &call) {
  // What becomes bool is compared with zero before anything rounds.
  if (call.elementType.isInteger(1))
    return mapRows<In, int64_t>(
        call, [&](ArrayRef<const In *> in, int64_t *out, int64_t n) {
          for (int64_t i = 0; i < n; ++i)
            out[i] = in[0][i] != In(0);
        });
  // Wide integers become f32 in one step: by way of f64 they round twice.
  if (!std::is_same_v<In, double> && call.elementType.isF32())
    return convert<In, float>(call);
  switch (domainOf(call.elementType)) {
  case Domain::Float:
    return convert<In, double>(call);
  case Domain::Signed:
    return convert<In, int64_t>(call);
  case Domain::Unsigned:
    return convert<In, uint64_t>(call);
  }
  llvm_unreachable("all domains are handled");
}

template <typename Acc> static Result evaluateIn(const Call &call) {
  if (auto op = dyn_cast<CompareOp>(call.op))
    return compare<Acc>(call, op.getPredicate());
  if (auto op = dyn_cast<ClampOp>(call.op))
    return clamp<Acc>(call, op.getLo().convertToDouble(),
                      op.getHi().convertToDouble());
  if (isa<CastOp>(call.op))
    return castFrom<Acc>(call);
  if constexpr (std::is_same_v<Acc, double>)
    return evaluateFloat(call);
  else
    return evaluateInteger<Acc>(call);
}

/// Choice moves bytes and computes nothing.
static HostTensor select(const Call &call) {
  HostTensor result = call.allocate();
  SmallVector<SmallVector<int64_t>> strides{stridesOf(call.shape)};
  for (const HostTensor &operand : call.operands)
    strides.push_back(broadcastStrides(operand.shape, call.shape));
  StridedLoop loop(call.shape, strides);
  int64_t bytes = getElementBytes(call.elementType);
  loop.forEachRow([&](ArrayRef<int64_t> at, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      bool isFirst =
          call.operands[0].data[at[1] + i * loop.innerStride(1)] != 0;
      int64_t list = isFirst ? 2 : 3;
      std::memcpy(result.mutableData() + (at[0] + i) * bytes,
                  call.operands[list - 1].data +
                      (at[list] + i * loop.innerStride(list)) * bytes,
                  bytes);
    }
  });
  return result;
}

Result eval::evaluateElementwise(const Call &call) {
  if (call.operands.empty() || call.op->getNumRegions() != 0)
    return failure();
  if (isa<SelectOp>(call.op))
    return select(call);
  switch (domainOf(call.operands.front().elementType)) {
  case Domain::Float:
    return evaluateIn<double>(call);
  case Domain::Signed:
    return evaluateIn<int64_t>(call);
  case Domain::Unsigned:
    return evaluateIn<uint64_t>(call);
  }
  return failure();
}
