//===- RandomTest.cpp - random chains of ops, compiled --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Graphs from a seed: each op takes its operands from all values so far, so
// values have several users, dead ends become results, and fusion meets forms
// that nobody wrote by hand. A failing seed prints its graph.
//
//===----------------------------------------------------------------------===//

#include "Numerics.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "gtest/gtest.h"

#include <cmath>
#include <random>

using namespace actnet;
using namespace actnet::numerics;
using namespace mlir;

namespace {

using graph::DimExprAttr;

class Generator {
public:
  explicit Generator(unsigned seed)
      : context(getContext()), b(&context), random(seed) {}

  OwningOpRef<ModuleOp> make(unsigned ops) {
    loc = UnknownLoc::get(&context);
    module = ModuleOp::create(loc);
    b.setInsertionPointToEnd(module->getBody());
    n = graph::dimSymbol(&context, "N");
    SmallVector<SmallVector<DimExprAttr>> shapes{
        {n, c(6)}, {n, c(4), c(6)}, {c(3), c(6)}};
    if (pick(2))
      shapes.push_back({n, c(4), c(5), c(6)});
    SmallVector<Type> types;
    for (auto &shape : shapes)
      types.push_back(graph::getTensorType(shape, b.getF32Type()));
    auto func =
        func::FuncOp::create(b, loc, "main", b.getFunctionType(types, {}));
    b.setInsertionPointToStart(func.addEntryBlock());
    for (Value arg : func.getArguments())
      values.push_back(arg);
    for (unsigned i = 0; i < ops; ++i)
      if (Value v = step())
        values.push_back(v);
    func::ReturnOp::create(b, loc);
    finishFunction(*module);
    return std::move(module);
  }

private:
  MLIRContext &context;
  OpBuilder b;
  std::minstd_rand random;
  Location loc = UnknownLoc::get(&getContext());
  OwningOpRef<ModuleOp> module;
  SmallVector<Value> values;
  DimExprAttr n;

  DimExprAttr c(int64_t v) { return graph::dimConstant(&context, v); }
  unsigned pick(unsigned count) { return random() / 16 % count; }
  /// Newer values more often.
  Value any() {
    unsigned i = std::max(pick(values.size()), pick(values.size()));
    return values[i];
  }
  static SmallVector<DimExprAttr> dims(Value v) {
    return graph::getDims(cast<RankedTensorType>(v.getType()));
  }
  static int64_t rank(Value v) {
    return cast<RankedTensorType>(v.getType()).getRank();
  }
  static int64_t extent(Value v, int64_t d) {
    return graph::constantValue(dims(v)[d]).value_or(-1);
  }
  Value constant(ArrayRef<int64_t> shape) {
    auto type = RankedTensorType::get(shape, b.getF32Type());
    SmallVector<float> data(type.getNumElements());
    for (float &f : data)
      f = static_cast<int>(pick(41)) / 20.0f - 1;
    return graph::ConstantOp::create(
        b, loc, type, DenseElementsAttr::get(type, ArrayRef(data)));
  }

  Value step() {
    Value x = any();
    switch (pick(16)) {
    case 0:
      return graph::TanhOp::create(b, loc, x);
    case 1:
      return graph::ClampOp::create(b, loc, x, APFloat(-0.5),
                                    APFloat(INFINITY));
    case 2:
      return graph::GeluOp::create(b, loc, x);
    case 3:
      return graph::NegOp::create(b, loc, x);
    case 4:
    case 5:
    case 6:
      return binary(x);
    case 7: {
      if (rank(x) < 2)
        return nullptr;
      SmallVector<int64_t> perm =
          llvm::to_vector(llvm::seq<int64_t>(0, rank(x)));
      std::shuffle(perm.begin(), perm.end(), random);
      return graph::TransposeOp::create(b, loc, x, perm);
    }
    case 8:
      return reduce(x);
    case 9:
      return rank(x) ? graph::SoftmaxOp::create(b, loc, x, pick(rank(x)))
                           .getResult()
                     : nullptr;
    case 10:
      return norm(x);
    case 11:
      return product(x);
    case 12:
      return concat(x);
    case 13:
      return slice(x);
    case 14:
      return movement(x);
    default:
      return window(x);
    }
  }

  Value binary(Value x) {
    // A partner of the same dims, else of dims that broadcast, else a constant.
    Value y;
    for (int tries = 0; tries < 6 && !y; ++tries)
      if (Value v = any(); dims(v) == dims(x))
        y = v;
    if (!y || pick(5) == 0) {
      int64_t last = rank(x) ? extent(x, rank(x) - 1) : -1;
      y = last > 0 && pick(2) ? constant({last}) : constant({});
    }
    switch (pick(5)) {
    case 0:
    case 1:
      return graph::AddOp::create(b, loc, x, y);
    case 2:
      return graph::SubOp::create(b, loc, y, x);
    case 3:
      return graph::MulOp::create(b, loc, graph::TanhOp::create(b, loc, x), y);
    default:
      return graph::MaxOp::create(b, loc, x, y);
    }
  }

  Value reduce(Value x) {
    SmallVector<int64_t> over;
    for (int64_t d = 0; d < rank(x); ++d)
      if (pick(2))
        over.push_back(d);
    if (over.empty())
      return nullptr;
    static constexpr graph::ReduceKind kinds[] = {
        graph::ReduceKind::mean, graph::ReduceKind::max, graph::ReduceKind::min,
        graph::ReduceKind::logsumexp};
    bool keep = pick(2);
    Value y = graph::ReduceOp::create(b, loc, kinds[pick(4)], x, over, keep);
    if (keep && pick(2))
      return graph::SubOp::create(b, loc, x, y);
    return y;
  }

  Value norm(Value x) {
    if (rank(x) < 1 || extent(x, rank(x) - 1) < 2)
      return nullptr;
    int64_t size = extent(x, rank(x) - 1);
    // A large epsilon: nearly equal rows don't blow rounding errors up.
    Value scale = pick(2) ? constant({size}) : Value();
    return graph::LayerNormOp::create(b, loc, x, scale, scale, rank(x) - 1,
                                      APFloat(0.5));
  }

  Value product(Value x) {
    int64_t r = rank(x);
    if (r < 1)
      return nullptr;
    std::string letters = StringRef("abcdefg").take_front(r).str();
    if (int64_t k = extent(x, r - 1); k > 0 && pick(3)) {
      std::string spec = letters + "," + letters.back() + "z->" +
                         StringRef(letters).drop_back().str() + "z";
      return graph::EinsumOp::create(b, loc, spec, x,
                                     constant({k, 1 + pick(20)}));
    }
    // With itself over its last dim: every other dim is a batch dim but one.
    if (r < 2)
      return nullptr;
    std::string other = letters;
    other[r - 2] = 'y';
    std::string result = StringRef(letters).drop_back().str() + "y";
    return graph::EinsumOp::create(b, loc,
                                   letters + "," + other + "->" + result,
                                   graph::TanhOp::create(b, loc, x), x);
  }

  Value concat(Value x) {
    if (rank(x) < 1)
      return nullptr;
    int64_t axis = pick(rank(x));
    SmallVector<Value> inputs{x};
    for (int tries = 0; tries < 6; ++tries) {
      Value v = any();
      if (rank(v) != rank(x) || inputs.size() > 2)
        continue;
      bool fits = true;
      for (int64_t d = 0; d < rank(x); ++d)
        fits &= d == axis || dims(v)[d] == dims(x)[d];
      if (fits)
        inputs.push_back(v);
    }
    return graph::ConcatOp::create(b, loc, inputs, axis);
  }

  Value slice(Value x) {
    SmallVector<DimExprAttr> starts(rank(x), c(0)), sizes = dims(x);
    SmallVector<int64_t> steps(rank(x), 1);
    for (int64_t d = 0; d < rank(x); ++d) {
      int64_t e = extent(x, d);
      if (e < 2 || pick(2))
        continue;
      int64_t start = pick(e), step = 1 + pick(2);
      if (pick(4) == 0) {
        starts[d] = c(start);
        sizes[d] = c(start / step + 1);
        steps[d] = -step;
      } else {
        starts[d] = c(start);
        sizes[d] = c((e - start - 1) / step + 1);
        steps[d] = step;
      }
    }
    return graph::SliceOp::create(b, loc, x,
                                  graph::DimsAttr::get(&context, starts),
                                  graph::DimsAttr::get(&context, sizes), steps);
  }

  Value movement(Value x) {
    int64_t r = rank(x);
    if (r < 1)
      return nullptr;
    switch (pick(4)) {
    case 0: { // merge two dims
      if (r < 2)
        return nullptr;
      SmallVector<DimExprAttr> d = dims(x);
      unsigned at = pick(r - 1);
      d[at] = graph::dimMul(d[at], d[at + 1]);
      d.erase(d.begin() + at + 1);
      return graph::ReshapeOp::create(
          b, loc, graph::getTensorType(d, b.getF32Type()), x);
    }
    case 1: { // split an even dim
      SmallVector<DimExprAttr> d = dims(x);
      unsigned at = pick(r);
      int64_t e = extent(x, at);
      if (e < 2 || e % 2 || r > 4)
        return nullptr;
      d[at] = c(e / 2);
      d.insert(d.begin() + at + 1, c(2));
      return graph::ReshapeOp::create(
          b, loc, graph::getTensorType(d, b.getF32Type()), x);
    }
    case 2: {
      SmallVector<int64_t> low(r), high(r);
      for (int64_t d = 0; d < r; ++d) {
        low[d] = pick(2);
        high[d] = pick(2);
      }
      return graph::PadOp::create(b, loc, x, low, high,
                                  graph::PadMode::constant, APFloat(0.5));
    }
    default: {
      unsigned axis = pick(r);
      int64_t e = extent(x, axis);
      if (e < 1)
        return nullptr;
      SmallVector<int64_t> data(1 + pick(4));
      for (int64_t &i : data)
        i = static_cast<int64_t>(pick(2 * e)) - e;
      auto type = RankedTensorType::get({static_cast<int64_t>(data.size())},
                                        b.getI64Type());
      Value indices = graph::ConstantOp::create(
          b, loc, type, DenseElementsAttr::get(type, ArrayRef(data)));
      return graph::GatherOp::create(b, loc, x, indices, axis);
    }
    }
  }

  Value window(Value x) {
    if (rank(x) != 4 || extent(x, 1) < 1 || extent(x, 2) < 3 ||
        extent(x, 3) < 3)
      return nullptr;
    int64_t channels = extent(x, 1);
    SmallVector<int64_t> strides{1 + pick(2), 1 + pick(2)}, dilations{1, 1};
    SmallVector<int64_t> padding{pick(2), pick(2), pick(2), pick(2)};
    if (pick(3) == 0)
      return graph::PoolOp::create(
          b, loc, pick(2) ? graph::PoolKind::max : graph::PoolKind::avg, x,
          "nchw", ArrayRef<int64_t>{3, 2}, strides, padding, dilations, pick(2),
          pick(2));
    int64_t groups = pick(3) ? 1 : channels, k = 1 + 2 * pick(2);
    int64_t out = groups == 1 ? 1 + pick(20) : channels;
    return graph::ConvOp::create(
        b, loc, x, constant({out, channels / groups, k, k}), "nchw", "oihw",
        "nchw", strides, padding, dilations, groups);
  }
};

class RandomGraphs : public ::testing::TestWithParam<unsigned> {};

TEST_P(RandomGraphs, ComputeWhatTheEvaluatorSays) {
  Generator generator(GetParam() * 2654435761u + 1);
  OwningOpRef<ModuleOp> module = generator.make(6 + GetParam() % 25);
  // Chains of products lose digits: the tolerance is wider than an op's.
  check(*module, {{{"N", 1}}, {{"N", 5}}}, 2e-4);
}

/// ACTNET_RANDOM_GRAPHS=FIRST,COUNT runs other seeds, for campaigns.
unsigned variable(unsigned index, unsigned otherwise) {
  const char *text = std::getenv("ACTNET_RANDOM_GRAPHS");
  if (!text)
    return otherwise;
  auto [first, count] = StringRef(text).split(',');
  unsigned value = otherwise;
  (index == 0 ? first : count).getAsInteger(10, value);
  return value;
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraphs,
                         ::testing::Range(variable(0, 0),
                                          variable(0, 0) + variable(1, 60)));

} // namespace
