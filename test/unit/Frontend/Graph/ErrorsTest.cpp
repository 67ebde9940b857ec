//===- ErrorsTest.cpp - what the graph API refuses ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The first error stays, names the caller's file and line, and nothing aborts.
//
//===----------------------------------------------------------------------===//

#include "actnet/Graph.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace actnet;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

class Errors : public ::testing::Test {
protected:
  Graph graph{"test"};
  Dim n = graph.dim("N", 1, 8);
  Function f = graph.function("main");
  Value x = f.input("x", DType::f32, {n, 8});
  Value y = f.input("y", DType::f32, {5});

  /// The error is of this file, has `text`, and stays the first.
  void expectError(std::string_view text) {
    std::string first = graph.status().str();
    EXPECT_THAT(first, HasSubstr(text));
    EXPECT_THAT(first, StartsWith(__FILE__ ":"));
    EXPECT_FALSE(neg(x)) << "operations after an error give no value";
    f.output("late", x);
    EXPECT_EQ(graph.status().str(), first);
    EXPECT_EQ(graph.print().status().str(), first);
    EXPECT_EQ(graph.compile().status().str(), first);
    EXPECT_EQ(graph.compileToFile("/nonexistent/x").str(), first);
  }
};

TEST_F(Errors, NameTheLineOfTheCall) {
  unsigned line = __LINE__ + 1;
  EXPECT_FALSE(add(x, y));
  EXPECT_THAT(graph.status().str(), StartsWith(std::string(__FILE__ ":") +
                                               std::to_string(line) + ": "));
  expectError("don't broadcast");
}

TEST_F(Errors, OperatorsNameTheLineOfTheUser) {
  unsigned line = __LINE__ + 1;
  EXPECT_FALSE(x + y);
  EXPECT_THAT(
      graph.status().str(),
      StartsWith(std::string(__FILE__ ":") + std::to_string(line) + ": add: "));
  expectError("don't broadcast");
}

TEST_F(Errors, AllOperatorsTakeValues) {
  EXPECT_TRUE((x + x) * x - x / x);
  EXPECT_TRUE(graph.status());
}

TEST_F(Errors, ElementTypesThatDiffer) {
  EXPECT_FALSE(add(x, f.scalar(DType::i32, 1)));
  expectError("");
}

TEST_F(Errors, InvalidValues) {
  EXPECT_FALSE(add(x, Value()));
  expectError("an operand is no value");
}

TEST_F(Errors, InvalidNorms) {
  EXPECT_FALSE(batchNorm(x, y, Value(), y, y));
  expectError("an operand is no value");
}

TEST_F(Errors, ValuesOfAnotherFunction) {
  Function g = graph.function("other");
  EXPECT_FALSE(neg(x));
  expectError("belongs to another function");
  (void)g;
}

TEST_F(Errors, ValuesOfAnotherGraph) {
  Graph other("other");
  Function g = other.function("main");
  Value z = g.input("z", DType::f32, {8});
  EXPECT_FALSE(add(x, z));
  EXPECT_TRUE(other.status());
  expectError("belongs to another function");
}

TEST_F(Errors, DimsOfAnotherGraph) {
  Graph other("other");
  EXPECT_FALSE(f.input("z", DType::f32, {other.dim("M")}));
  expectError("dim 'M' belongs to another graph");
}

TEST_F(Errors, EndedFunctions) {
  graph.function("other");
  EXPECT_FALSE(f.input("z", DType::f32, {8}));
  expectError("function 'main' is ended");
}

TEST_F(Errors, PrintedFunctions) {
  f.output("y", x);
  ASSERT_TRUE(graph.print());
  EXPECT_FALSE(neg(x));
  expectError("function 'main' is ended");
}

TEST_F(Errors, ConstantsOfEndedFunctions) {
  graph.function("other");
  EXPECT_FALSE(f.scalar(DType::f32, 1));
  expectError("function 'main' is ended");
}

TEST_F(Errors, InputNames) {
  EXPECT_FALSE(f.input("x", DType::f32, {8}));
  expectError("'x' exists already");
}

TEST_F(Errors, OutputNames) {
  f.output("y", x);
  f.output("y", x);
  expectError("output 'y' exists already");
}

TEST_F(Errors, FunctionNames) {
  graph.function("main");
  expectError("function 'main' exists already");
}

TEST_F(Errors, DimNames) {
  graph.dim("N");
  expectError("dim 'N' exists already");
}

TEST_F(Errors, DimNamesThatAreNone) {
  graph.dim("2N");
  expectError("dim '2N' is no identifier");
}

TEST_F(Errors, DimBounds) {
  graph.dim("M", 5, 4);
  expectError("dim 'M': its bounds cross");
}

TEST_F(Errors, NegativeExtents) {
  EXPECT_FALSE(f.input("z", DType::f32, {3, -2}));
  expectError("an extent is -2");
}

TEST_F(Errors, Axes) {
  EXPECT_FALSE(softmax(x, 2));
  expectError("");
}
TEST_F(Errors, AxesBelow) {
  EXPECT_FALSE(softmax(x, -3));
  expectError("");
}
TEST_F(Errors, ReducedAxes) {
  EXPECT_FALSE(reduce(Reduce::sum, x, {0, 7}));
  expectError("");
}
TEST_F(Errors, ReducedAxesTwice) {
  EXPECT_FALSE(reduce(Reduce::sum, x, {1, -1}));
  expectError("");
}
TEST_F(Errors, SliceAxes) {
  EXPECT_FALSE(slice(x, 3, 0, 1));
  expectError("axis 3 is outside a rank of 2");
}
TEST_F(Errors, SliceRanges) {
  EXPECT_FALSE(slice(x, 1, 6, 4));
  expectError("");
}
TEST_F(Errors, GatherAxes) {
  EXPECT_FALSE(gather(x, f.input("i", DType::i64, {2}), 5));
  expectError("");
}
TEST_F(Errors, GatherIndices) {
  EXPECT_FALSE(gather(x, y, 0));
  expectError("");
}
TEST_F(Errors, ConcatShapes) {
  EXPECT_FALSE(concat({x, y}, 0));
  expectError("");
}
TEST_F(Errors, ConcatAxes) {
  EXPECT_FALSE(concat({x, x}, 2));
  expectError("");
}
TEST_F(Errors, Permutations) {
  EXPECT_FALSE(transpose(x, {0, 0}));
  expectError("");
}
TEST_F(Errors, Reshapes) {
  EXPECT_FALSE(reshape(x, {7}));
  expectError("");
}
TEST_F(Errors, Broadcasts) {
  EXPECT_FALSE(broadcastTo(x, {3, 8}));
  expectError("");
}
TEST_F(Errors, MatmulRanks) {
  EXPECT_FALSE(matmul(x, y));
  expectError("matmul: ranks 2 and 1");
}
TEST_F(Errors, MatmulExtents) {
  EXPECT_FALSE(matmul(x, x));
  expectError("");
}
TEST_F(Errors, EinsumSpecs) {
  EXPECT_FALSE(einsum("mk;kn", x, y));
  expectError("");
}
TEST_F(Errors, ConvOptions) {
  Value m = f.input("m", DType::f32, {1, 4, 6, 6}),
        k = f.input("k", DType::f32, {6, 4, 3, 3});
  EXPECT_FALSE(conv2d(m, k, {.strides = {1}}));
  expectError("");
}
TEST_F(Errors, PoolWindows) {
  Value m = f.input("m", DType::f32, {1, 4, 6, 6});
  EXPECT_FALSE(maxPool2d(m, {.window = {9, 9}}));
  expectError("");
}
TEST_F(Errors, AttentionShapes) {
  EXPECT_FALSE(attention(x, x, x, 1.0));
  expectError("");
}
TEST_F(Errors, ConstantBytes) {
  float two[2] = {};
  EXPECT_FALSE(f.constant(DType::f32, {3}, std::as_bytes(std::span(two))));
  expectError("the constant has 8 bytes, its type needs 12");
}
TEST_F(Errors, ConstantShapes) {
  EXPECT_FALSE(f.constant(DType::f32, {-1}, {}));
  expectError("shape is not valid");
}
TEST_F(Errors, Scalars) {
  EXPECT_FALSE(f.scalar(DType::i8, 300));
  expectError("not in the range");
}
TEST_F(Errors, UpdatesOfOtherValues) {
  f.update(x, x);
  expectError("only a variable can be updated");
}
TEST_F(Errors, UpdatesOfOtherTypes) {
  f.update(f.variable("v", DType::f32, {3}), y);
  expectError("the next value has another type");
}
TEST_F(Errors, UpdatesTwice) {
  Value v = f.variable("v", DType::f32, {3});
  f.update(v, v);
  f.update(v, v);
  expectError("updated already");
}
TEST_F(Errors, VariableTypes) {
  f.variable("v", DType::f32, {3});
  Function g = graph.function("other");
  EXPECT_FALSE(g.variable("v", DType::f32, {4}));
  expectError("variable 'v' has another type in function 'main'");
}

TEST_F(Errors, ElementTypesThatAreNone) {
  EXPECT_FALSE(cast(x, static_cast<DType>(99)));
  expectError("element type 99 is none of actnet::DType");
}
TEST_F(Errors, ElementTypesOfInputsThatAreNone) {
  EXPECT_FALSE(f.input("z", static_cast<DType>(77), {3}));
  expectError("element type 77 is none of actnet::DType");
}
TEST_F(Errors, ElementTypesOfVariablesThatAreNone) {
  EXPECT_FALSE(f.variable("z", static_cast<DType>(-1), {3}));
  expectError("element type -1 is none of actnet::DType");
}
TEST_F(Errors, ElementTypesOfConstantsThatAreNone) {
  EXPECT_FALSE(f.constant(static_cast<DType>(9), {0}, {}));
  expectError("element type 9 is none of actnet::DType");
}
TEST_F(Errors, ElementTypesOfScalarsThatAreNone) {
  EXPECT_FALSE(f.scalar(static_cast<DType>(9), 1));
  expectError("element type 9 is none of actnet::DType");
}
TEST_F(Errors, ReductionsThatAreNone) {
  EXPECT_FALSE(reduce(static_cast<Reduce>(99), x, {0}));
  expectError("99 is none of actnet::Reduce");
}
TEST_F(Errors, ComparisonsThatAreNone) {
  EXPECT_FALSE(compare(static_cast<Compare>(6), x, x));
  expectError("6 is none of actnet::Compare");
}
TEST_F(Errors, DeepDims) {
  Dim deep = n;
  for (int i = 0; i < 200000; ++i)
    deep = deep + Dim(1);
  EXPECT_FALSE(f.input("z", DType::f32, {deep * n}));
  expectError("a dim expression nests more than 128 deep");
}
TEST_F(Errors, WideDims) {
  Dim wide = n;
  for (int i = 0; i < 100; ++i)
    wide = wide + wide;
  EXPECT_FALSE(f.input("z", DType::f32, {wide}));
  expectError("has more than 4096 parts");
}
TEST_F(Errors, DimsAsDeepAsMayBe) {
  Dim deep = n;
  for (int i = 0; i < 127; ++i)
    deep = deep + Dim(1);
  Value z = f.input("z", DType::f32, {deep});
  EXPECT_TRUE(z) << graph.status().str();
  EXPECT_EQ(z.dim(0), "N + 127");
}
TEST_F(Errors, DimsThatWereMovedFrom) {
  Dim gone = n, taken = std::move(gone);
  EXPECT_FALSE(f.input("z", DType::f32, {gone + taken}));
  expectError("a dim was moved from");
}
TEST_F(Errors, EmptyWindows) {
  Value m = f.input("m", DType::f32, {1, 4, 6, 6});
  EXPECT_FALSE(maxPool2d(m, {.window = {}, .strides = {}, .padding = {}}));
  expectError("pool: expected 2 extents of the window, found 0");
}

// A message may quote what a user wrote, of any length.
TEST(GraphErrors, AreLinesThatCanBeRead) {
  Graph names("test");
  Function f = names.function("main");
  std::string name;
  for (int i = 0; i < 1000; ++i)
    name += "\u00e9";
  f.input(name, DType::f32, {3});
  f.input(name, DType::f32, {3});
  std::string text = names.status().str();
  EXPECT_LT(text.size(), 800u);
  EXPECT_THAT(text, HasSubstr("\u00e9 [...] \u00e9"));
  EXPECT_THAT(text, testing::EndsWith("\u00e9' exists already"));

  Graph dims("test");
  Dim large = dims.dim("N", 1, 4);
  for (int i = 0; i < 5; ++i)
    large = large * large + large;
  Function g = dims.function("main");
  g.output("y", relu(g.input("x", DType::f32, {large})));
  text = dims.compile().status().str();
  EXPECT_THAT(text, HasSubstr("too large"));
  EXPECT_LT(text.size(), 800u);
}

TEST(GraphErrors, NoFunction) {
  Graph graph("empty");
  EXPECT_THAT(graph.print().status().str(),
              HasSubstr("the graph has no function"));
}

TEST(GraphErrors, NoFunctionNamesNoFileOfTheLibrary) {
  Graph graph("empty");
  EXPECT_THAT(graph.compile().status().str(), testing::Not(HasSubstr(".cpp")));
}

TEST(GraphErrors, MovedFrom) {
  Graph from("test");
  Function f = from.function("main");
  Graph to = std::move(from);
  f.output("y", neg(f.input("x", DType::f32, {3})));
  EXPECT_TRUE(to.status());
  EXPECT_THAT(from.status().str(), HasSubstr("moved from"));
  EXPECT_THAT(from.print().status().str(), HasSubstr("moved from"));
  EXPECT_THAT(from.compile().status().str(), HasSubstr("moved from"));
  EXPECT_THAT(from.compileToFile("x").str(), HasSubstr("moved from"));
  Dim n = from.dim("N");
  Function none = from.function("none");
  EXPECT_FALSE(none.input("x", DType::f32, {n}));
  EXPECT_FALSE(none.variable("v", DType::f32, {n}));
  EXPECT_FALSE(none.scalar(DType::f32, 1));
  EXPECT_FALSE(none.constant(DType::f32, {}, {}));
  none.update({}, {});
  none.output("y", {});
}

TEST_F(Errors, SayWhatIsWrongWithANumber) {
  auto check = [](auto call, std::string_view text) {
    Graph g("test");
    Function k = g.function("main");
    call(g, k, k.input("x", DType::f32, {2, 3, 8, 8}));
    EXPECT_THAT(g.status().str(), HasSubstr(text));
  };
  using G = Graph &;
  using F = Function &;
  using V = Value;
  check([](G g, F, V) { g.dim("M", -5, 4); }, "lower bound, -5, is below zero");
  check([](G g, F, V) { g.dim("M", 5, 4); }, "bounds cross: 5 is above 4");
  check([](G, F, V v) { softmax(v, -5); }, "axis -5");
  check([](G, F k, V) { k.scalar(DType::i32, 0.5); }, "is no integer");
  check([](G, F k, V) { k.scalar(DType::i8, 128); }, "not in the range");
  check(
      [](G g, F k, V) { k.input("y", DType::f32, {floorDiv(g.dim("M"), 0)}); },
      "divided by 0; the divisor must be positive");
  check([](G, F, V v) { layerNorm(v, {}, {}, -1, -1); }, "epsilon is -1");
  check([](G, F, V v) { maxPool2d(v, {.padding = {5, 0, 0, 0}}); },
        "a padding of 5 is not smaller than its window of 2");
}

TEST(GraphErrors, NoVariants) {
  Graph graph("test");
  Function f = graph.function("main");
  f.output("y", neg(f.input("x", DType::f32, {3})));
  EXPECT_THAT(graph.compile({.variants = {}}).status().str(),
              HasSubstr("variants: expected"));
}

TEST(GraphErrors, FilesThatCannotBeWritten) {
  Graph graph("test");
  Function f = graph.function("main");
  f.output("y", neg(f.input("x", DType::f32, {3})));
  Status status = graph.compileToFile("/nonexistent/folder/model");
  EXPECT_THAT(status.str(), HasSubstr("/nonexistent/folder/model"));
}

TEST(GraphErrors, UnknownVariants) {
  Graph graph("test");
  Function f = graph.function("main");
  f.output("y", neg(f.input("x", DType::f32, {3})));
  EXPECT_FALSE(graph.compile({.variants = {"z80"}}));
}

} // namespace
