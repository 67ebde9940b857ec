//===- OperationsTest.cpp - each function of the graph API ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What each function creates, by the graph level's text, and its dims.
//
//===----------------------------------------------------------------------===//

#include "actnet/Graph.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <functional>

using namespace actnet;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;

namespace {

struct Inputs {
  Value x; // [N, 8]
  Value y; // [8]
  Value w; // [8, 5]
  Value c; // bool [N, 8]
  Value i; // i64 [3]
  Value m; // [N, 4, 6, 6]
  Value k; // [6, 4, 3, 3]
  Value s; // [4]
  Value q; // [N, 5, 2, 8]
  Dim n;
};

struct Case {
  const char *name;
  std::function<Value(const Inputs &)> make;
  const char *text;
  std::vector<std::string> dims;
};
void PrintTo(const Case &c, std::ostream *os) { *os << c.name; }

class Operations : public ::testing::TestWithParam<Case> {};

TEST_P(Operations, CreatesItsOp) {
  Graph graph("test");
  Dim n = graph.dim("N", 1, 8);
  Function f = graph.function("main");
  Inputs in{f.input("x", DType::f32, {n, 8}),
            f.input("y", DType::f32, {8}),
            f.input("w", DType::f32, {8, 5}),
            f.input("c", DType::boolean, {n, 8}),
            f.input("i", DType::i64, {3}),
            f.input("m", DType::f32, {n, 4, 6, 6}),
            f.input("k", DType::f32, {6, 4, 3, 3}),
            f.input("s", DType::f32, {4}),
            f.input("q", DType::f32, {n, 5, 2, 8}),
            n};
  Value v = GetParam().make(in);
  ASSERT_TRUE(graph.status()) << graph.status().str();
  ASSERT_TRUE(v);
  std::vector<std::string> dims;
  for (size_t d = 0; d < v.rank(); ++d)
    dims.push_back(v.dim(d));
  EXPECT_THAT(dims, ElementsAreArray(GetParam().dims));
  f.output("v", v);
  Expected<std::string> text = graph.print();
  ASSERT_TRUE(text) << text.status().str();
  EXPECT_THAT(*text, HasSubstr(GetParam().text));
}

using V = const Inputs &;
const Case cases[] = {
    {"Add", [](V v) { return v.x + v.y; }, "graph.add", {"N", "8"}},
    {"Sub", [](V v) { return v.y - v.x; }, "graph.sub", {"N", "8"}},
    {"Mul", [](V v) { return v.x * v.x; }, "graph.mul", {"N", "8"}},
    {"Div", [](V v) { return v.x / v.y; }, "graph.div", {"N", "8"}},
    {"Pow", [](V v) { return pow(v.x, v.y); }, "graph.pow", {"N", "8"}},
    {"Maximum", [](V v) { return maximum(v.x, v.y); }, "graph.max", {"N", "8"}},
    {"Minimum", [](V v) { return minimum(v.x, v.y); }, "graph.min", {"N", "8"}},
    {"Neg", [](V v) { return neg(v.x); }, "graph.neg", {"N", "8"}},
    {"Abs", [](V v) { return abs(v.x); }, "graph.abs", {"N", "8"}},
    {"Exp", [](V v) { return exp(v.x); }, "graph.exp", {"N", "8"}},
    {"Log", [](V v) { return log(v.x); }, "graph.log", {"N", "8"}},
    {"Sqrt", [](V v) { return sqrt(v.x); }, "graph.sqrt", {"N", "8"}},
    {"Tanh", [](V v) { return tanh(v.x); }, "graph.tanh", {"N", "8"}},
    {"Sigmoid", [](V v) { return sigmoid(v.x); }, "graph.sigmoid", {"N", "8"}},
    {"Erf", [](V v) { return erf(v.x); }, "graph.erf", {"N", "8"}},
    {"Relu", [](V v) { return relu(v.x); }, "lo = 0.000000e+00", {"N", "8"}},
    {"Clamp",
     [](V v) { return clamp(v.x, -1, 2); },
     "hi = 2.000000e+00",
     {"N", "8"}},
    {"Gelu", [](V v) { return gelu(v.x); }, "graph.gelu", {"N", "8"}},
    {"GeluTanh", [](V v) { return gelu(v.x, true); }, "tanh", {"N", "8"}},
    {"Cast",
     [](V v) { return cast(v.x, DType::i32); },
     "xi32, #graph.dims<N, 8>>",
     {"N", "8"}},
    {"Select",
     [](V v) { return select(v.c, v.x, v.y); },
     "graph.select",
     {"N", "8"}},
    {"Compare",
     [](V v) { return compare(Compare::ge, v.x, v.y); },
     "graph.compare",
     {"N", "8"}},
    {"ReduceOne",
     [](V v) { return reduce(Reduce::max, v.x, {-1}); },
     "dims [1]",
     {"N"}},
    {"ReduceAll",
     [](V v) { return reduce(Reduce::mean, v.x, {}); },
     "dims [0, 1]",
     {}},
    {"ReduceKeep",
     [](V v) { return reduce(Reduce::prod, v.x, {1}, true); },
     "keepdims",
     {"N", "1"}},
    {"Matmul",
     [](V v) { return matmul(v.x, v.w); },
     "graph.einsum",
     {"N", "5"}},
    {"MatmulBatched",
     [](V v) { return matmul(v.q, transpose(v.q, {0, 1, 3, 2})); },
     "graph.einsum",
     {"N", "5", "2", "2"}},
    {"Einsum",
     [](V v) { return einsum("mk,kn->nm", v.x, v.w); },
     "\"mk,kn->nm\"",
     {"5", "N"}},
    {"Conv2d",
     [](V v) {
       return conv2d(v.m, v.k, {.strides = {2, 2}, .padding = {1, 1, 1, 1}});
     },
     "graph.conv",
     {"N", "6", "3", "3"}},
    {"MaxPool2d",
     [](V v) { return maxPool2d(v.m); },
     "max %arg5",
     {"N", "4", "3", "3"}},
    {"AvgPool2d",
     [](V v) { return avgPool2d(v.m, {.window = {3, 3}}); },
     "avg %arg5",
     {"N", "4", "2", "2"}},
    {"Reshape",
     [](V v) { return reshape(v.x, {v.n * 2, 4}); },
     "graph.reshape",
     {"N * 2", "4"}},
    {"Transpose",
     [](V v) { return transpose(v.x, {1, 0}); },
     "[1, 0]",
     {"8", "N"}},
    {"Broadcast",
     [](V v) { return broadcastTo(v.y, {v.n, 3, 8}); },
     "graph.broadcast",
     {"N", "3", "8"}},
    {"Slice",
     [](V v) { return slice(v.x, -1, 2, 5); },
     "starts <0, 2> sizes <N, 5>",
     {"N", "5"}},
    {"Concat",
     [](V v) { return concat({v.x, v.x}, 0); },
     "graph.concat",
     {"N * 2", "8"}},
    {"Gather", [](V v) { return gather(v.x, v.i, -1); }, "axis 1", {"N", "3"}},
    {"Softmax",
     [](V v) { return softmax(v.x, -1); },
     "graph.softmax",
     {"N", "8"}},
    {"LogSoftmax",
     [](V v) { return logSoftmax(v.x, 0); },
     "graph.log_softmax",
     {"N", "8"}},
    {"LayerNorm",
     [](V v) { return layerNorm(v.x, v.y, v.y); },
     "scale",
     {"N", "8"}},
    {"LayerNormBias",
     [](V v) { return layerNorm(v.x, {}, v.y); },
     "bias",
     {"N", "8"}},
    {"LayerNormPlain",
     [](V v) { return layerNorm(v.x, {}, {}); },
     "graph.layer_norm",
     {"N", "8"}},
    {"RmsNorm",
     [](V v) { return rmsNorm(v.x, v.y); },
     "graph.rms_norm",
     {"N", "8"}},
    {"BatchNorm",
     [](V v) { return batchNorm(v.m, v.s, v.s, v.s, v.s); },
     "graph.batch_norm",
     {"N", "4", "6", "6"}},
    {"GroupNorm",
     [](V v) { return groupNorm(v.m, v.s, v.s, 2); },
     "groups 2",
     {"N", "4", "6", "6"}},
    {"Attention",
     [](V v) { return attention(v.q, v.q, v.q, 0.5, {}, true); },
     "causal",
     {"N", "5", "2", "8"}},
};
INSTANTIATE_TEST_SUITE_P(All, Operations, ::testing::ValuesIn(cases),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

TEST(Dims, AreExpressionsInNormalForm) {
  Graph graph("test");
  Dim n = graph.dim("N"), m = graph.dim("M", 2, 4);
  Function f = graph.function("main");
  Value x = f.input("x", DType::f32, {n + m * 2 - n, floorDiv(n * 4, 2), 7});
  ASSERT_TRUE(x) << graph.status().str();
  EXPECT_THAT((std::vector{x.dim(0), x.dim(1), x.dim(2), x.dim(3)}),
              ElementsAre("M * 2", "N * 2", "7", ""));
}

TEST(Dims, KeepTheirBounds) {
  Graph graph("test");
  Dim n = graph.dim("N"), m = graph.dim("M", 2, 4);
  Function f = graph.function("main");
  f.output("y", neg(f.input("x", DType::f32, {n, m})));
  Expected<std::string> text = graph.print();
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, HasSubstr("M = array<i64: 2, 4>, N = array<i64: 1, -1>"));
}

} // namespace
