//===- ScatterTest.cpp - scatters and transposed convolutions, compiled ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Numerics.h"

#include "gtest/gtest.h"

#include <random>

using namespace actnet::numerics;

namespace {

struct Case {
  const char *name;
  std::string arguments, body;
};
void PrintTo(const Case &c, std::ostream *os) { *os << c.name; }
std::string nameOf(const ::testing::TestParamInfo<Case> &info) {
  return info.param.name;
}

class Compiled : public ::testing::TestWithParam<Case> {};
TEST_P(Compiled, ComputesWhatTheEvaluatorSays) {
  auto module = makeModule(GetParam().arguments, GetParam().body);
  ASSERT_TRUE(module);
  check(*module,
        {{{"N", 1}, {"M", 5}}, {{"N", 3}, {"M", 1}}, {{"N", 17}, {"M", 40}}});
}

/// One scatter of arguments; indices between -4 and 3 meet each other, both
/// ends, and the outside of small dims.
Case scatter(const char *name, const std::string &kind, const std::string &data,
             const std::string &indices, const std::string &updates,
             const std::string &axis) {
  return {name, "%x: " + data + ", %i: " + indices + ", %u: " + updates,
          "%0 = graph.scatter " + kind + " %x, %i, %u axis " + axis + " : " +
              data + ", " + indices + ", " + updates};
}

const Case scatters[] = {
    scatter("Rows", "set", "f32[9,5]", "i64[N]", "f32[N,5]", "0"),
    scatter("RowsAdd", "add", "f32[9,33]", "i32[M]", "f32[M,33]", "0"),
    scatter("RowsOfManyColumns", "add", "f32[3,2500]", "i64[N]", "f32[N,2500]",
            "0"),
    scatter("ManyRows", "set", "f32[70000]", "i64[M]", "f32[M]", "0"),
    scatter("RowsInside", "set", "f32[N,7,4,8]", "i64[3]", "f32[N,3,4,8]", "1"),
    scatter("Columns", "mul", "f32[N,9]", "i64[N,4]", "f32[N,4]", "1"),
    scatter("Elements", "add", "f32[N,7,6]", "i64[N,M,6]", "f32[N,M,6]", "1"),
    scatter("ElementsFirst", "set", "f32[M,N]", "i64[2,N]", "f32[2,N]", "0"),
    scatter("Min", "min", "f32[5,N]", "i64[7,N]", "f32[7,N]", "0"),
    scatter("Max", "max", "f64[5,N]", "i64[7,N]", "f64[7,N]", "0"),
    scatter("Half", "add", "f16[5,N]", "i64[7]", "f16[7,N]", "0"),
    scatter("BFloat", "mul", "bf16[5,N]", "i64[3,N]", "bf16[3,N]", "0"),
    scatter("Integers", "add", "i8[N,9]", "i64[N,20]", "i8[N,20]", "1"),
    scatter("Longs", "max", "i64[N,9]", "i64[N,20]", "i64[N,20]", "1"),
    scatter("Unsigned", "min", "ui8[4,N]", "i64[5]", "ui8[5,N]", "0"),
    scatter("UnsignedMax", "max", "ui8[4,N]", "i64[5,N]", "ui8[5,N]", "0"),
    scatter("Bools", "set", "i1[N,9]", "i32[N,4]", "i1[N,4]", "1"),
    {"InPlace", "%x: f32[N,9], %i: i64[4], %u: f32[N,4]",
     R"(%t = graph.tanh %x : f32[N,9]
        %0 = graph.scatter add %t, %i, %u axis 1 : f32[N,9], i64[4], f32[N,4]
        %1 = graph.neg %0 : f32[N,9])"},
    {"DataIsReadLater", "%x: f32[N,9], %i: i64[4], %u: f32[N,4]",
     R"(%t = graph.tanh %x : f32[N,9]
        %0 = graph.scatter add %t, %i, %u axis 1 : f32[N,9], i64[4], f32[N,4]
        %1 = graph.add %0, %t : f32[N,9], f32[N,9])"},
    {"DataIsUpdates", "%x: f32[N,9], %i: i64[N,9]",
     R"(%t = graph.tanh %x : f32[N,9]
        %0 = graph.scatter add %t, %i, %t axis 1 : f32[N,9], i64[N,9], f32[N,9])"},
    {"UpdatesArePartOfData", "%x: f32[9,5], %i: i64[4]",
     R"(%t = graph.tanh %x : f32[9,5]
        %u = graph.slice %t starts <2, 0> sizes <4, 5> steps [1, 1] : f32[9,5]
        %0 = graph.scatter set %t, %i, %u axis 0 : f32[9,5], i64[4], f32[4,5])"},
    {"IntoZeros", "%i: i64[N], %u: f32[N,5]",
     R"(%z = graph.constant dense<0.0> : f32[]
        %b = graph.broadcast %z : f32[] to f32[9,5]
        %0 = graph.scatter add %b, %i, %u axis 0 : f32[9,5], i64[N], f32[N,5])"},
    {"BroadcastIndices", "%x: f32[N,9,5], %i: i64[4], %u: f32[N,4,5]",
     R"(%r = graph.reshape %i : i64[4] to i64[1,4,1]
        %b = graph.broadcast %r : i64[1,4,1] to i64[N,4,5]
        %0 = graph.scatter set %x, %b, %u axis 1 : f32[N,9,5], i64[N,4,5], f32[N,4,5])"},
    {"Fused", "%x: f32[N,9], %i: i64[4], %u: f32[4,N]",
     R"(%one = graph.constant dense<1> : i64[]
        %j = graph.add %i, %one : i64[4], i64[]
        %t = graph.transpose %u [1, 0] : f32[4,N]
        %v = graph.exp %t : f32[N,4]
        %0 = graph.scatter add %x, %j, %v axis 1 : f32[N,9], i64[4], f32[N,4]
        %1 = graph.reduce sum %0 dims [1] : f32[N,9]
        %2 = graph.concat %0, %v axis 1 : f32[N,9], f32[N,4])"},
};
INSTANTIATE_TEST_SUITE_P(Scatters, Compiled, ::testing::ValuesIn(scatters),
                         nameOf);

/// A transposed convolution of an argument with a constant filter or one that
/// comes at run time.
std::string transposed(const std::string &x, const std::string &f,
                       const std::string &spatial, const std::string &strides,
                       const std::string &padding, const std::string &dilations,
                       int groups) {
  return "%0 = graph.conv_transpose %x, %f {input_layout = \"nc" + spatial +
         "\", filter_layout = \"io" + spatial + "\", output_layout = \"nc" +
         spatial + "\", strides = array<i64: " + strides +
         ">, padding = array<i64: " + padding +
         ">, dilations = array<i64: " + dilations +
         ">, groups = " + std::to_string(groups) + " : i64} : " + x + ", " + f;
}
Case conv(const char *name, const std::string &x, const std::string &f,
          const std::string &spatial, const std::string &strides,
          const std::string &padding, const std::string &dilations,
          int groups = 1) {
  return {name, "%x: " + x + ", %f: " + f,
          transposed(x, f, spatial, strides, padding, dilations, groups)};
}

const Case convolutions[] = {
    conv("Plain", "f32[N,3,5,7]", "f32[3,5,3,3]", "hw", "1, 1", "0, 0, 0, 0",
         "1, 1"),
    conv("Twice", "f32[N,20,5,M]", "f32[20,18,4,4]", "hw", "2, 2", "1, 1, 1, 1",
         "1, 1"),
    conv("OddTaps", "f32[N,3,M,7]", "f32[3,5,3,3]", "hw", "2, 2", "1, 0, 1, 0",
         "1, 1"),
    conv("Patches", "f32[N,6,5,7]", "f32[6,4,2,3]", "hw", "2, 3", "0, 0, 0, 0",
         "1, 1"),
    conv("FewerTapsThanStride", "f32[N,3,M]", "f32[3,5,2]", "w", "4", "0, 0",
         "1"),
    conv("Dilated", "f32[N,3,M]", "f32[3,5,3]", "w", "1", "2, 1", "3"),
    conv("DilationBesideStride", "f32[N,3,M]", "f32[3,5,3]", "w", "2", "1, 2",
         "3"),
    conv("DilationOverStride", "f32[N,3,M]", "f32[3,5,3]", "w", "2", "1, 0",
         "4"),
    conv("StrideOverDilation", "f32[N,3,M]", "f32[3,5,3]", "w", "4", "1, 0",
         "2"),
    conv("CutsMoreThanAFilter", "f32[N,3,9]", "f32[3,5,3]", "w", "2", "7, 6",
         "1"),
    conv("Widens", "f32[N,3,M]", "f32[3,5,3]", "w", "2", "-3, -4", "1"),
    conv("Groups", "f32[N,6,5,M]", "f32[6,4,3,3]", "hw", "2, 1", "1, 1, 1, 1",
         "1, 1", 2),
    conv("Depthwise", "f32[N,6,5,M]", "f32[6,1,4,4]", "hw", "2, 2",
         "1, 1, 1, 1", "1, 1", 6),
    conv("DepthwiseOfStride1", "f32[N,6,5,M]", "f32[6,1,3,3]", "hw", "1, 1",
         "1, 1, 1, 1", "1, 1", 6),
    conv("Volumes", "f32[N,2,3,4,M]", "f32[2,3,3,2,2]", "dhw", "2, 1, 2",
         "1, 0, 0, 0, 0, 1", "1, 2, 1"),
    conv("Half", "f16[N,3,5,M]", "f16[3,5,4,4]", "hw", "2, 2", "1, 1, 1, 1",
         "1, 1"),
    conv("BFloat", "bf16[N,3,5,M]", "bf16[3,5,2,2]", "hw", "2, 2", "0, 0, 0, 0",
         "1, 1"),
    {"ConstantFilter", "%x: f32[N,3,5,M], %b: f32[4,1,1]",
     R"(%c = graph.constant dense<[[[[0.5]], [[1.0]], [[-2.0]], [[0.25]]],
                                   [[[1.5]], [[-1.0]], [[3.0]], [[0.75]]],
                                   [[[2.5]], [[-0.5]], [[1.0]], [[0.125]]]]> : f32[3,4,1,1]
        %r = graph.constant dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [1.0, -1.0, 2.0, -2.0]]> : f32[3,4]
        %f = graph.mul %c, %r : f32[3,4,1,1], f32[3,4]
        )" +
         transposed("f32[N,3,5,M]", "f32[3,4,3,4]", "hw", "2, 2", "1, 0, 1, 1",
                    "1, 1", 1) +
         R"(
        %1 = graph.add %0, %b : f32[N,4,10,M * 2], f32[4,1,1]
        %2 = graph.clamp %1 {lo = 0.0, hi = 6.0} : f32[N,4,10,M * 2])"},
};
INSTANTIATE_TEST_SUITE_P(Transposed, Compiled,
                         ::testing::ValuesIn(convolutions), nameOf);

/// Every combination of a stride, a dilation, taps and paddings that leaves
/// something.
TEST(TransposedRandom, ComputesWhatTheEvaluatorSays) {
  std::minstd_rand random(7);
  auto pick = [&](int low, int high) {
    return low + static_cast<int>(random() / 16 % (high - low + 1));
  };
  for (int made = 0; made < 24;) {
    int stride = pick(1, 5), dilation = pick(1, 5), taps = pick(1, 5),
        low = pick(-3, 9), high = pick(-3, 9), groups = pick(1, 2);
    // For the least extent, 1.
    if (dilation * (taps - 1) + 1 - low - high < 1)
      continue;
    ++made;
    auto text = [](int v) { return std::to_string(v); };
    std::string x = "f32[N," + text(2 * groups) + ",M]",
                f = "f32[" + text(2 * groups) + ",3," + text(taps) + "]";
    std::string body =
        transposed(x, f, "w", text(stride), text(low) + ", " + text(high),
                   text(dilation), groups);
    SCOPED_TRACE(body);
    auto module = makeModule("%x: " + x + ", %f: " + f, body);
    ASSERT_TRUE(module);
    check(*module, {{{"N", 1}, {"M", 1}}, {{"N", 2}, {"M", 9}}});
  }
}

} // namespace
