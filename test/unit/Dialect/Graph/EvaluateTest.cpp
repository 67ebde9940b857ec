//===- EvaluateTest.cpp - the reference evaluator -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Expected values are computed by hand or by formulas written out here.
//
//===----------------------------------------------------------------------===//

#include "actnet/Dialect/Graph/IR/Evaluate.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"
#include "actnet/Dialect/Graph/IR/WeightStore.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace actnet::graph;
using namespace mlir;
using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

namespace {

class EvaluateTest : public ::testing::Test {
protected:
  EvaluateTest() { context.loadDialect<GraphDialect, func::FuncDialect>(); }

  /// Parses a function body in text and evaluates it on `inputs`.
  FailureOr<HostTensor> run(StringRef signature, StringRef body,
                            ArrayRef<HostTensor> inputs) {
    std::string text =
        "func.func @f" + signature.str() + " {\n" + body.str() + "\n}";
    module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return failure();
    auto results =
        evaluateFunction(*module->getOps<func::FuncOp>().begin(), inputs);
    if (failed(results))
      return failure();
    return results->front();
  }

  HostTensor f32(ArrayRef<int64_t> shape, ArrayRef<float> values) {
    return from<float>(Float32Type::get(&context), shape, values);
  }
  HostTensor i64(ArrayRef<int64_t> shape, ArrayRef<int64_t> values) {
    return from<int64_t>(IntegerType::get(&context, 64), shape, values);
  }
  template <typename T>
  HostTensor from(Type type, ArrayRef<int64_t> shape, ArrayRef<T> values) {
    HostTensor tensor = HostTensor::allocate(type, shape);
    EXPECT_EQ(tensor.getNumElements(), static_cast<int64_t>(values.size()));
    std::copy(values.begin(), values.end(),
              reinterpret_cast<T *>(tensor.mutableData()));
    return tensor;
  }
  template <typename T>
  static std::vector<T> values(const FailureOr<HostTensor> &tensor) {
    if (failed(tensor))
      return {};
    const T *data = tensor->as<T>();
    return std::vector<T>(data, data + tensor->getNumElements());
  }
  HostTensor counting(ArrayRef<int64_t> shape) {
    HostTensor tensor = HostTensor::allocate(Float32Type::get(&context), shape);
    for (int64_t i = 0; i < tensor.getNumElements(); ++i)
      reinterpret_cast<float *>(tensor.mutableData())[i] =
          static_cast<float>(i);
    return tensor;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

TEST_F(EvaluateTest, BroadcastsElementwise) {
  auto y = run("(%a: tensor<2x1xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32>",
               "%y = graph.sub %a, %b : tensor<2x1xf32>, tensor<3xf32>\n"
               "return %y : tensor<2x3xf32>",
               {f32({2, 1}, {10, 20}), f32({3}, {1, 2, 3})});
  EXPECT_THAT(values<float>(y), ElementsAre(9, 8, 7, 19, 18, 17));
}

TEST_F(EvaluateTest, IntegerDivisionAndModulo) {
  auto inputs = {i64({4}, {7, -7, 7, 5}), i64({4}, {2, 2, -2, 0})};
  StringRef signature =
      "(%a: tensor<4xi64>, %b: tensor<4xi64>) -> tensor<4xi64>";
  auto div = run(signature,
                 "%y = graph.div %a, %b : tensor<4xi64>, tensor<4xi64>\n"
                 "return %y : tensor<4xi64>",
                 inputs);
  EXPECT_THAT(values<int64_t>(div), ElementsAre(3, -3, -3, 0));
  auto mod = run(signature,
                 "%y = graph.mod %a, %b : tensor<4xi64>, tensor<4xi64>\n"
                 "return %y : tensor<4xi64>",
                 inputs);
  EXPECT_THAT(values<int64_t>(mod), ElementsAre(1, 1, -1, 0));
}

TEST_F(EvaluateTest, CastsRoundAndSaturate) {
  auto y = run("(%x: tensor<5xf32>) -> tensor<5xi64>",
               "%y = graph.cast %x : tensor<5xf32> to tensor<5xi64>\n"
               "return %y : tensor<5xi64>",
               {f32({5}, {1.9f, -1.9f, 0, 1e30f, NAN})});
  EXPECT_THAT(values<int64_t>(y), ElementsAre(1, -1, 0, INT64_MAX, 0));
  auto b = run("(%x: tensor<3xf32>) -> tensor<3xi1>",
               "%y = graph.cast %x : tensor<3xf32> to tensor<3xi1>\n"
               "return %y : tensor<3xi1>",
               {f32({3}, {0.25f, 0, NAN})});
  EXPECT_THAT(values<uint8_t>(b), ElementsAre(1, 0, 1));
}

TEST_F(EvaluateTest, NarrowFloatsRoundToNearestEven) {
  // 1 + 2^-8 lies between two bfloat16, 1 and 1 + 2^-7: to even, down; 3/256
  // above 1 lies between 1 + 1/128 and 1 + 2/128: to even, up.
  auto y = run("(%x: tensor<3xf32>) -> tensor<3xf32>",
               "%b = graph.cast %x : tensor<3xf32> to tensor<3xbf16>\n"
               "%y = graph.cast %b : tensor<3xbf16> to tensor<3xf32>\n"
               "return %y : tensor<3xf32>",
               {f32({3}, {1.00390625f, 1.01171875f, -3.0f})});
  EXPECT_THAT(values<float>(y), ElementsAre(1.0f, 1.015625f, -3.0f));
  auto h = run("(%x: tensor<2xf32>) -> tensor<2xf32>",
               "%b = graph.cast %x : tensor<2xf32> to tensor<2xf16>\n"
               "%y = graph.cast %b : tensor<2xf16> to tensor<2xf32>\n"
               "return %y : tensor<2xf32>",
               {f32({2}, {2049.0f, 1e6f})});
  EXPECT_THAT(values<float>(h), ElementsAre(2048.0f, INFINITY));
}

TEST_F(EvaluateTest, ComparesSelectsAndClamps) {
  auto y = run("(%a: tensor<3xf32>, %b: tensor<f32>) -> tensor<3xf32>",
               "%c = graph.compare lt %a, %b : tensor<3xf32>, tensor<f32>\n"
               "%s = graph.select %c, %a, %b : tensor<3xi1>, tensor<3xf32>, "
               "tensor<f32>\n"
               "%y = graph.clamp %s {lo = -1.0, hi = 0x7FF0000000000000 : f64} "
               ": tensor<3xf32>\n"
               "return %y : tensor<3xf32>",
               {f32({3}, {-5, 1, 9}), f32({}, {4})});
  EXPECT_THAT(values<float>(y), ElementsAre(-1, 1, 4));
}

TEST_F(EvaluateTest, TransposesInBlocks) {
  // Larger than one block, and with a middle dim that stays outer.
  HostTensor x = counting({40, 3, 50});
  auto y = run("(%x: tensor<40x3x50xf32>) -> tensor<50x3x40xf32>",
               "%y = graph.transpose %x [2, 1, 0] : tensor<40x3x50xf32>\n"
               "return %y : tensor<50x3x40xf32>",
               {x});
  auto result = values<float>(y);
  ASSERT_EQ(result.size(), 6000u);
  for (int i = 0; i < 50; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 40; ++k)
        ASSERT_EQ(result[(i * 3 + j) * 40 + k],
                  static_cast<float>((k * 3 + j) * 50 + i));
}

TEST_F(EvaluateTest, TransposesFourDims) {
  HostTensor x = counting({2, 3, 4, 5});
  auto y = run("(%x: tensor<2x3x4x5xf32>) -> tensor<3x5x2x4xf32>",
               "%y = graph.transpose %x [1, 3, 0, 2] : tensor<2x3x4x5xf32>\n"
               "return %y : tensor<3x5x2x4xf32>",
               {x});
  auto result = values<float>(y);
  ASSERT_EQ(result.size(), 120u);
  int at = 0;
  for (int b = 0; b < 3; ++b)
    for (int d = 0; d < 5; ++d)
      for (int a = 0; a < 2; ++a)
        for (int c = 0; c < 4; ++c)
          ASSERT_EQ(result[at++],
                    static_cast<float>(((a * 3 + b) * 4 + c) * 5 + d));
}

TEST_F(EvaluateTest, ReshapeSharesTheBytes) {
  HostTensor x = counting({2, 3});
  auto y = run("(%x: tensor<2x3xf32>) -> tensor<6xf32>",
               "%y = graph.reshape %x : tensor<2x3xf32> to tensor<6xf32>\n"
               "return %y : tensor<6xf32>",
               {x});
  ASSERT_TRUE(succeeded(y));
  EXPECT_EQ(y->data, x.data);
}

TEST_F(EvaluateTest, SlicesBackwards) {
  auto y = run("(%x: tensor<2x4xf32>) -> tensor<1x2xf32>",
               "%y = graph.slice %x starts <1, 3> sizes <1, 2> steps [1, -2] : "
               "tensor<2x4xf32>\n"
               "return %y : tensor<1x2xf32>",
               {counting({2, 4})});
  EXPECT_THAT(values<float>(y), ElementsAre(7, 5));
}

TEST_F(EvaluateTest, PadsInEveryMode) {
  auto pad = [&](StringRef mode) {
    return values<float>(run(
        "(%x: tensor<3xf32>) -> tensor<7xf32>",
        ("%y = graph.pad %x low [2] high [2] {mode = #graph<pad_mode " + mode +
         ">, value = 9.0} : tensor<3xf32>\nreturn %y : tensor<7xf32>")
            .str(),
        {f32({3}, {1, 2, 3})}));
  };
  EXPECT_THAT(pad("constant"), ElementsAre(9, 9, 1, 2, 3, 9, 9));
  EXPECT_THAT(pad("edge"), ElementsAre(1, 1, 1, 2, 3, 3, 3));
  EXPECT_THAT(pad("reflect"), ElementsAre(3, 2, 1, 2, 3, 2, 1));
  EXPECT_THAT(pad("wrap"), ElementsAre(2, 3, 1, 2, 3, 1, 2));
}

TEST_F(EvaluateTest, ConcatenatesAndGathers) {
  auto y = run(
      "(%a: tensor<2x1xf32>, %b: tensor<2x2xf32>, %i: tensor<3xi64>) -> "
      "tensor<2x3xf32>",
      "%c = graph.concat %a, %b axis 1 : tensor<2x1xf32>, tensor<2x2xf32>\n"
      "%y = graph.gather %c, %i axis 1 : tensor<2x3xf32>, tensor<3xi64>\n"
      "return %y : tensor<2x3xf32>",
      {f32({2, 1}, {1, 2}), f32({2, 2}, {3, 4, 5, 6}), i64({3}, {-1, 0, 7})});
  // Index 7 is clamped to the last.
  EXPECT_THAT(values<float>(y), ElementsAre(4, 1, 4, 6, 2, 6));
}

TEST_F(EvaluateTest, PacksAndFillsUp) {
  // 2x5, blocks of 2 along dim 1: y[p, i, t] = x[i, 2p + t], zeros at the end.
  auto y = run("(%x: tensor<2x5xf32>) -> tensor<3x2x2xf32>",
               "%y = graph.pack %x axis 1 tile 2 : tensor<2x5xf32>\n"
               "return %y : tensor<3x2x2xf32>",
               {counting({2, 5})});
  EXPECT_THAT(values<float>(y),
              ElementsAre(0, 1, 5, 6, 2, 3, 7, 8, 4, 0, 9, 0));
}

TEST_F(EvaluateTest, IotaAndDimValues) {
  auto y =
      run("(%x: tensor<?xi64, #graph.dims<N>>) -> tensor<2xi64>",
          "%d = graph.dim_value <N, N * 2 + 1> : tensor<2xi64>\n"
          "%i = graph.iota axis 0 {start = 5.0, step = -2.0} : tensor<2xi64>\n"
          "%y = graph.add %d, %i : tensor<2xi64>, tensor<2xi64>\n"
          "return %y : tensor<2xi64>",
          {i64({3}, {0, 0, 0})});
  EXPECT_THAT(values<int64_t>(y), ElementsAre(3 + 5, 7 + 3));
}

TEST_F(EvaluateTest, ReducesByEveryKind) {
  auto reduce = [&](StringRef kind) {
    return values<float>(run("(%x: tensor<2x2xf32>) -> tensor<2xf32>",
                             ("%y = graph.reduce " + kind +
                              " %x dims [0] : tensor<2x2xf32>\n"
                              "return %y : tensor<2xf32>")
                                 .str(),
                             {f32({2, 2}, {3, -1, -4, 2})}));
  };
  EXPECT_THAT(reduce("sum"), ElementsAre(-1, 1));
  EXPECT_THAT(reduce("prod"), ElementsAre(-12, -2));
  EXPECT_THAT(reduce("max"), ElementsAre(3, 2));
  EXPECT_THAT(reduce("min"), ElementsAre(-4, -1));
  EXPECT_THAT(reduce("mean"), ElementsAre(-0.5f, 0.5f));
  EXPECT_THAT(reduce("sumsq"), ElementsAre(25, 5));
  EXPECT_THAT(reduce("l1"), ElementsAre(7, 3));
  EXPECT_THAT(reduce("l2"), ElementsAre(5, std::sqrt(5.0f)));
  EXPECT_THAT(
      reduce("logsumexp"),
      ElementsAre(
          FloatNear(std::log(std::exp(3.0f) + std::exp(-4.0f)), 1e-6f),
          FloatNear(std::log(std::exp(-1.0f) + std::exp(2.0f)), 1e-6f)));
}

TEST_F(EvaluateTest, ContractsWithBatchAndTransposedResult) {
  // y[n, b, m] = sum_k a[b, m, k] c[k, b, n]
  HostTensor a = counting({2, 2, 3}), c = counting({3, 2, 2});
  auto y =
      run("(%a: tensor<2x2x3xf32>, %c: tensor<3x2x2xf32>) -> tensor<2x2x2xf32>",
          "%y = graph.einsum \"bmk,kbn->nbm\" %a, %c : tensor<2x2x3xf32>, "
          "tensor<3x2x2xf32>\n"
          "return %y : tensor<2x2x2xf32>",
          {a, c});
  std::vector<float> expected;
  for (int n = 0; n < 2; ++n)
    for (int b = 0; b < 2; ++b)
      for (int m = 0; m < 2; ++m) {
        float sum = 0;
        for (int k = 0; k < 3; ++k)
          sum += a.as<float>()[(b * 2 + m) * 3 + k] *
                 c.as<float>()[(k * 2 + b) * 2 + n];
        expected.push_back(sum);
      }
  EXPECT_EQ(values<float>(y), expected);
}

TEST_F(EvaluateTest, ConvolvesWithGroupsPaddingAndLayouts) {
  // Two groups of one channel, 1-d, window 3, padding 1, NWC input.
  auto y =
      run("(%x: tensor<1x4x2xf32>, %f: tensor<2x1x3xf32>) -> tensor<1x2x4xf32>",
          "%y = graph.conv %x, %f {input_layout = \"nwc\", filter_layout = "
          "\"oiw\", "
          "output_layout = \"ncw\", strides = array<i64: 1>, padding = "
          "array<i64: 1, 1>, "
          "dilations = array<i64: 1>, groups = 2 : i64} : tensor<1x4x2xf32>, "
          "tensor<2x1x3xf32>\n"
          "return %y : tensor<1x2x4xf32>",
          {f32({1, 4, 2}, {1, 10, 2, 20, 3, 30, 4, 40}),
           f32({2, 1, 3}, {1, 2, 3, 0, 1, -1})});
  // channel 0: [1 2 3 4] * [1 2 3]; channel 1: [10 20 30 40] * [0 1 -1]
  EXPECT_THAT(values<float>(y), ElementsAre(8, 14, 20, 11, -10, -10, -10, 40));
}

TEST_F(EvaluateTest, ConvolvesWithStrideAndDilation) {
  auto y = run("(%x: tensor<1x1x5x5xf32>, %f: tensor<1x1x2x2xf32>) -> "
               "tensor<1x1x2x2xf32>",
               "%y = graph.conv %x, %f {input_layout = \"nchw\", filter_layout "
               "= \"oihw\", "
               "output_layout = \"nchw\", strides = array<i64: 2, 2>, padding "
               "= array<i64: 0, 0, 0, 0>, "
               "dilations = array<i64: 2, 2>, groups = 1 : i64} : "
               "tensor<1x1x5x5xf32>, tensor<1x1x2x2xf32>\n"
               "return %y : tensor<1x1x2x2xf32>",
               {counting({1, 1, 5, 5}), f32({1, 1, 2, 2}, {1, 1, 1, 1})});
  // Corners of 3x3 windows: 0+2+10+12, 2+4+12+14, 10+12+20+22, 12+14+22+24.
  EXPECT_THAT(values<float>(y), ElementsAre(24, 32, 64, 72));
}

TEST_F(EvaluateTest, PoolsAtBorders) {
  auto pool = [&](StringRef kind, StringRef extra) {
    return values<float>(
        run("(%x: tensor<1x1x3xf32>) -> tensor<1x1x2xf32>",
            ("%y = graph.pool " + kind +
             " %x {layout = \"ncw\", window = array<i64: 3>, "
             "strides = array<i64: 2>, padding = array<i64: 1, 1>, dilations = "
             "array<i64: 1>" +
             extra + "} : tensor<1x1x3xf32>\nreturn %y : tensor<1x1x2xf32>")
                .str(),
            {f32({1, 1, 3}, {-1, -2, -6})}));
  };
  EXPECT_THAT(pool("max", ""), ElementsAre(-1, -2));
  EXPECT_THAT(pool("avg", ""), ElementsAre(-1.5f, -4));
  EXPECT_THAT(pool("avg", ", count_include_pad"),
              ElementsAre(-1, FloatNear(-8.0f / 3, 1e-6f)));
}

TEST_F(EvaluateTest, CeilModeDropsWindowsPastTheInput) {
  // 4 wide, window 2, stride 3: windows at 0 and 3, the second half outside;
  // with padding 1 behind, a window at 4 + 1 would start past the input.
  auto y = run("(%x: tensor<1x1x4xf32>) -> tensor<1x1x2xf32>",
               "%y = graph.pool max %x {layout = \"ncw\", window = array<i64: "
               "2>, strides = array<i64: 3>, "
               "padding = array<i64: 0, 1>, dilations = array<i64: 1>, "
               "ceil_mode} : tensor<1x1x4xf32>\n"
               "return %y : tensor<1x1x2xf32>",
               {f32({1, 1, 4}, {1, 2, 3, 4})});
  EXPECT_THAT(values<float>(y), ElementsAre(2, 4));
}

TEST_F(EvaluateTest, NormalisesRows) {
  auto y = run("(%x: tensor<1x2xf32>, %s: tensor<2xf32>, %b: tensor<2xf32>) -> "
               "tensor<1x2xf32>",
               "%y = graph.layer_norm %x scale %s bias %b axis 1 epsilon 0.0 : "
               "tensor<1x2xf32>, tensor<2xf32>, tensor<2xf32>\nreturn %y : "
               "tensor<1x2xf32>",
               {f32({1, 2}, {1, 5}), f32({2}, {2, 3}), f32({2}, {10, 20})});
  // mean 3, deviation 2: -1 and 1.
  EXPECT_THAT(values<float>(y), ElementsAre(8, 23));
  auto r = run("(%x: tensor<1x2xf32>) -> tensor<1x2xf32>",
               "%y = graph.rms_norm %x axis 1 epsilon 0.0 : tensor<1x2xf32>\n"
               "return %y : tensor<1x2xf32>",
               {f32({1, 2}, {1, 7})});
  EXPECT_THAT(values<float>(r),
              ElementsAre(FloatNear(0.2f, 1e-6f), FloatNear(1.4f, 1e-6f)));
}

TEST_F(EvaluateTest, NormalisesGroupsAndChannels) {
  auto y = run("(%x: tensor<1x4x1xf32>, %s: tensor<4xf32>, %b: tensor<4xf32>) "
               "-> tensor<1x4x1xf32>",
               "%y = graph.group_norm %x, %s, %b groups 2 epsilon 0.0 : "
               "tensor<1x4x1xf32>, "
               "tensor<4xf32>, tensor<4xf32>\nreturn %y : tensor<1x4x1xf32>",
               {f32({1, 4, 1}, {1, 3, 10, 30}), f32({4}, {1, 1, 1, 2}),
                f32({4}, {0, 0, 0, 5})});
  EXPECT_THAT(values<float>(y), ElementsAre(-1, 1, -1, 7));
  auto b = run("(%x: tensor<1x2xf32>, %s: tensor<2xf32>, %b: tensor<2xf32>, "
               "%m: tensor<2xf32>, "
               "%v: tensor<2xf32>) -> tensor<1x2xf32>",
               "%y = graph.batch_norm %x, %s, %b, %m, %v axis 1 epsilon 0.0 : "
               "tensor<1x2xf32>, "
               "tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, "
               "tensor<2xf32>\nreturn %y : tensor<1x2xf32>",
               {f32({1, 2}, {5, 6}), f32({2}, {2, 1}), f32({2}, {1, 0}),
                f32({2}, {1, 2}), f32({2}, {4, 16})});
  EXPECT_THAT(values<float>(b), ElementsAre(5, 1));
}

TEST_F(EvaluateTest, SoftmaxAlongAMiddleDim) {
  auto y = run("(%x: tensor<1x2x2xf32>) -> tensor<1x2x2xf32>",
               "%y = graph.softmax %x axis 1 : tensor<1x2x2xf32>\nreturn %y : "
               "tensor<1x2x2xf32>",
               {f32({1, 2, 2}, {0, 1000, 0, 1000 + std::log(3.0f)})});
  EXPECT_THAT(values<float>(y),
              Pointwise(FloatNear(1e-4f), {0.5f, 0.25f, 0.5f, 0.75f}));
}

TEST_F(EvaluateTest, AttentionGroupsHeadsAndMasksTheFuture) {
  // Two query heads share one key head; with equal scores the causal mask
  // gives the running mean of the values.
  auto y =
      run("(%q: tensor<1x2x2x1xf32>, %k: tensor<1x1x2x1xf32>, %v: "
          "tensor<1x2x1x1xf32>) "
          "-> tensor<1x2x2x1xf32>",
          "%y = graph.attention %q, %k, %v {q_layout = \"bhsd\", k_layout = "
          "\"bgtd\", "
          "v_layout = \"btge\", y_layout = \"bshe\", scale = 1.0, causal} : "
          "tensor<1x2x2x1xf32>, tensor<1x1x2x1xf32>, tensor<1x2x1x1xf32>\n"
          "return %y : tensor<1x2x2x1xf32>",
          {f32({1, 2, 2, 1}, {0, 0, 0, 0}), f32({1, 1, 2, 1}, {1, 2}),
           f32({1, 2, 1, 1}, {4, 8})});
  EXPECT_THAT(values<float>(y), ElementsAre(4, 4, 6, 6));
}

TEST_F(EvaluateTest, AttentionOfNothing) {
  // The first query sees no key, the second is no number.
  float nan = std::numeric_limits<float>::quiet_NaN();
  for (bool isGuarded : {false, true}) {
    auto y = run(
        std::string("(%q: tensor<3x1xf32>, %k: tensor<2x1xf32>, %m: "
                    "tensor<3x2xi1>) -> tensor<3x1xf32>"),
        std::string("%y = graph.attention %q, %k, %k mask %m {q_layout = "
                    "\"sd\", k_layout = \"td\", v_layout = \"te\", y_layout "
                    "= \"se\", scale = 1.0") +
            (isGuarded ? ", guarded" : "") +
            "} : tensor<3x1xf32>, tensor<2x1xf32>, tensor<2x1xf32>, "
            "tensor<3x2xi1>\nreturn %y : tensor<3x1xf32>",
        {f32({3, 1}, {1, nan, 0}), f32({2, 1}, {4, 8}),
         from<uint8_t>(IntegerType::get(&context, 1), {3, 2},
                       {0, 0, 1, 1, 1, 1})});
    std::vector<float> out = values<float>(y);
    ASSERT_EQ(out.size(), 3u);
    EXPECT_EQ(std::isnan(out[0]), !isGuarded);
    EXPECT_EQ(std::isnan(out[1]), !isGuarded);
    if (isGuarded)
      EXPECT_THAT(out, ElementsAre(0, 0, 6));
  }
  auto y = run("(%q: tensor<2x1xf32>, %k: tensor<0x1xf32>) -> tensor<2x1xf32>",
               "%y = graph.attention %q, %k, %k {q_layout = \"sd\", k_layout = "
               "\"td\", v_layout = \"te\", y_layout = \"se\", scale = 1.0} : "
               "tensor<2x1xf32>, tensor<0x1xf32>, tensor<0x1xf32>\n"
               "return %y : tensor<2x1xf32>",
               {f32({2, 1}, {1, 2}), f32({0, 1}, {})});
  EXPECT_THAT(values<float>(y), ElementsAre(0, 0));
}

TEST_F(EvaluateTest, CastsWideIntegersWithOneRounding) {
  // Half a step of f32 and one: f64 drops the one.
  int64_t wide = (int64_t(1) << 62) + (int64_t(1) << 38) + 1;
  auto y =
      run("(%x: tensor<2xi64>) -> tensor<2xf32>",
          "%y = graph.cast %x : tensor<2xi64> to tensor<2xf32>\n"
          "return %y : tensor<2xf32>",
          {from<int64_t>(IntegerType::get(&context, 64), {2}, {wide, -wide})});
  EXPECT_THAT(values<float>(y), ElementsAre(0x1.000002p62f, -0x1.000002p62f));
}

TEST_F(EvaluateTest, AttentionChoosesByMask) {
  auto y =
      run("(%q: tensor<1x1xf32>, %k: tensor<3x1xf32>, %v: tensor<3x1xf32>, %m: "
          "tensor<1x3xi1>) "
          "-> tensor<1x1xf32>",
          "%y = graph.attention %q, %k, %v mask %m {q_layout = \"sd\", "
          "k_layout = \"td\", "
          "v_layout = \"te\", y_layout = \"se\", scale = 1.0} : "
          "tensor<1x1xf32>, tensor<3x1xf32>, tensor<3x1xf32>, tensor<1x3xi1>\n"
          "return %y : tensor<1x1xf32>",
          {f32({1, 1}, {1}), f32({3, 1}, {0, 9, std::log(3.0f)}),
           f32({3, 1}, {4, 100, 8}),
           from<uint8_t>(IntegerType::get(&context, 1), {1, 3}, {1, 0, 1})});
  EXPECT_THAT(values<float>(y), ElementsAre(FloatNear(7, 1e-5f)));
}

TEST_F(EvaluateTest, ReadsUnalignedWeights) {
  auto *dialect = context.getLoadedDialect<GraphDialect>();
  std::string bytes(1, 'x');
  float numbers[2] = {1.5f, -2.0f};
  bytes.append(reinterpret_cast<const char *>(numbers), sizeof(numbers));
  dialect->getWeightStore().registerBuffer("w", bytes);
  auto y =
      run("() -> tensor<2xf32>",
          "%w = graph.constant weight<\"buffer:w\", 1, 8> : tensor<2xf32>\n"
          "%y = graph.neg %w : tensor<2xf32>\nreturn %y : tensor<2xf32>",
          {});
  EXPECT_THAT(values<float>(y), ElementsAre(-1.5f, 2.0f));
}

TEST_F(EvaluateTest, ReportsInputsThatDontFit) {
  std::string error;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    error = diagnostic.str();
    return success();
  });
  auto y = run(
      "(%a: tensor<?xf32, #graph.dims<N>>, %b: tensor<?xf32, #graph.dims<N>>) "
      "-> tensor<?xf32, #graph.dims<N>>",
      "return %a : tensor<?xf32, #graph.dims<N>>",
      {f32({1}, {1}), f32({2}, {1, 2})});
  EXPECT_TRUE(failed(y));
  EXPECT_THAT(error, testing::HasSubstr("input 1 doesn't fit"));
}

} // namespace
