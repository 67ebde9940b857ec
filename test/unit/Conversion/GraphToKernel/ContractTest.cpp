//===- ContractTest.cpp - einsum, convolution, pooling, attention ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Numerics.h"

#include "gtest/gtest.h"

using namespace actnet::numerics;

namespace {

struct Case {
  const char *name;
  std::string arguments;
  std::string body;
};
void PrintTo(const Case &c, std::ostream *os) { *os << c.name; }

class Contract : public ::testing::TestWithParam<Case> {};
TEST_P(Contract, ComputesWhatTheEvaluatorSays) {
  auto module = makeModule(GetParam().arguments, GetParam().body);
  ASSERT_TRUE(module);
  check(*module,
        {{{"N", 1}, {"M", 5}}, {{"N", 3}, {"M", 1}}, {{"N", 8}, {"M", 17}}});
}
std::string nameOf(const ::testing::TestParamInfo<Case> &info) {
  return info.param.name;
}

/// One einsum of two arguments.
Case einsum(const char *name, std::string spec, std::string a, std::string b) {
  return {name, "%a: " + a + ", %b: " + b,
          "%0 = graph.einsum \"" + spec + "\" %a, %b : " + a + ", " + b};
}

const Case einsums[] = {
    einsum("Plain", "mk,kn->mn", "f32[N,9]", "f32[9,21]"),
    einsum("Square", "mk,kn->mn", "f32[64,48]", "f32[48,96]"),
    einsum("DynamicColumns", "mk,kn->mn", "f32[3,9]", "f32[9,N]"),
    einsum("DynamicDepth", "mk,kn->mn", "f32[3,N]", "f32[N,5]"),
    einsum("AllDynamic", "mk,kn->mn", "f32[M,N]", "f32[N,M]"),
    einsum("TransposedRight", "mk,nk->mn", "f32[N,9]", "f32[21,9]"),
    einsum("TransposedLeft", "km,kn->mn", "f32[9,N]", "f32[9,21]"),
    einsum("TransposedBoth", "km,nk->mn", "f32[9,N]", "f32[21,9]"),
    einsum("TransposedResult", "mk,kn->nm", "f32[N,9]", "f32[9,21]"),
    einsum("Batched", "bmk,bkn->bmn", "f32[N,3,9]", "f32[N,9,5]"),
    einsum("BatchedTransposed", "bhsd,bhtd->bhst", "f32[N,2,M,8]",
           "f32[N,2,5,8]"),
    einsum("BatchInside", "bshd,bthd->bhst", "f32[N,4,2,8]", "f32[N,5,2,8]"),
    einsum("BatchLast", "mkb,knb->bmn", "f32[3,4,2]", "f32[4,5,2]"),
    einsum("SharedRight", "abk,kn->abn", "f32[N,3,9]", "f32[9,17]"),
    einsum("SharedLeft", "mk,bkn->bmn", "f32[3,9]", "f32[N,9,5]"),
    einsum("NoM", "k,kn->n", "f32[9]", "f32[9,21]"),
    einsum("NoN", "mk,k->m", "f32[N,9]", "f32[9]"),
    einsum("Dot", "k,k->", "f32[9]", "f32[9]"),
    einsum("Outer", "m,n->mn", "f32[N]", "f32[5]"),
    einsum("BatchedDot", "bk,bk->b", "f32[N,9]", "f32[N,9]"),
    einsum("ElementwiseBatch", "b,b->b", "f32[N]", "f32[N]"),
    einsum("TwoContracted", "mkl,kln->mn", "f32[N,3,4]", "f32[3,4,5]"),
    einsum("TwoContractedSwapped", "mkl,lkn->mn", "f32[N,3,4]", "f32[4,3,5]"),
    einsum("TwoFreeRight", "mk,kpq->mpq", "f32[N,3]", "f32[3,4,5]"),
    einsum("FreeInterleaved", "abk,kcd->acbd", "f32[N,2,3]", "f32[3,4,5]"),
    einsum("One", "mk,kn->mn", "f32[1,1]", "f32[1,1]"),
    einsum("OddSizes", "mk,kn->mn", "f32[13,31]", "f32[31,33]"),
    einsum("Integers", "mk,kn->mn", "i32[N,9]", "i32[9,5]"),
    einsum("Half", "mk,kn->mn", "f16[N,9]", "f16[9,5]"),
    einsum("BFloat", "mk,kn->mn", "bf16[N,9]", "bf16[9,5]"),
    einsum("Double", "mk,kn->mn", "f64[N,9]", "f64[9,5]"),
    {"SameTwice", "%a: f32[N,9]",
     R"(%0 = graph.einsum "mk,nk->mn" %a, %a : f32[N,9], f32[N,9])"},
    {"Chain", "%a: f32[N,9], %b: f32[9,20], %c: f32[20,7]",
     R"(%0 = graph.einsum "mk,kn->mn" %a, %b : f32[N,9], f32[9,20]
        %1 = graph.gelu %0 : f32[N,20]
        %2 = graph.einsum "mk,kn->mn" %1, %c : f32[N,20], f32[20,7])"},
    {"Epilogue", "%a: f32[N,9], %b: f32[9,20], %c: f32[20], %r: f32[N,20]",
     R"(%0 = graph.einsum "mk,kn->mn" %a, %b : f32[N,9], f32[9,20]
        %1 = graph.add %0, %c : f32[N,20], f32[20]
        %2 = graph.gelu %1 : f32[N,20]
        %3 = graph.add %2, %r : f32[N,20], f32[N,20]
        %4 = graph.mul %3, %r : f32[N,20], f32[N,20])"},
    {"EpilogueOfSmall",
     "%a: f32[N,9], %b: f32[9,20], %c: f32[20], %r: f32[N,1]",
     R"(%0 = graph.einsum "mk,kn->mn" %a, %b : f32[N,9], f32[9,20]
        %n = graph.neg %c : f32[20]
        %1 = graph.add %0, %n : f32[N,20], f32[20]
        %m = graph.mul %r, %r : f32[N,1], f32[N,1]
        %2 = graph.mul %1, %m : f32[N,20], f32[N,1])"},
    {"EpilogueCompare", "%a: f32[N,9], %b: f32[9,20], %c: f32[N,20]",
     R"(%0 = graph.einsum "mk,kn->mn" %a, %b : f32[N,9], f32[9,20]
        %1 = graph.compare lt %0, %c : f32[N,20], f32[N,20]
        %2 = graph.einsum "mk,kn->mn" %a, %b : f32[N,9], f32[9,20]
        %3 = graph.cast %2 : f32[N,20] to f16[N,20])"},
    {"EpilogueSelect", "%a: f32[N,9], %b: f32[9,20], %m: i1[N,20]",
     R"(%0 = graph.einsum "mk,kn->mn" %a, %b : f32[N,9], f32[9,20]
        %z = graph.constant dense<0.0> : f32[]
        %1 = graph.select %m, %0, %z : i1[N,20], f32[N,20], f32[])"},
    {"UsedTwice", "%a: f32[N,9], %b: f32[9,20]",
     R"(%0 = graph.einsum "mk,kn->mn" %a, %b : f32[N,9], f32[9,20]
        %1 = graph.tanh %0 : f32[N,20]
        %2 = graph.softmax %0 axis 1 : f32[N,20]
        %3 = graph.add %1, %2 : f32[N,20], f32[N,20])"},
    {"SelfGate", "%a: f32[N,9], %b: f32[9,20]",
     R"(%0 = graph.einsum "mk,kn->mn" %a, %b : f32[N,9], f32[9,20]
        %1 = graph.sigmoid %0 : f32[N,20]
        %2 = graph.mul %0, %1 : f32[N,20], f32[N,20])"},
    {"IntoConcat", "%a: f32[N,9], %b: f32[9,20], %c: f32[9,7]",
     R"(%0 = graph.einsum "mk,kn->mn" %a, %b : f32[N,9], f32[9,20]
        %1 = graph.einsum "mk,kn->mn" %a, %c : f32[N,9], f32[9,7]
        %2 = graph.concat %0, %1 axis 1 : f32[N,20], f32[N,7]
        %3 = graph.concat %1, %1 axis 0 : f32[N,7], f32[N,7])"},
    {"RightComputed", "%a: f32[N,9], %b: f32[20,9]",
     R"(%0 = graph.tanh %b : f32[20,9]
        %1 = graph.transpose %0 [1, 0] : f32[20,9]
        %2 = graph.einsum "mk,kn->mn" %a, %1 : f32[N,9], f32[9,20])"},
    {"ConstantRight", "%a: f32[N,2]",
     R"(%w = graph.constant dense<[[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]]> : f32[2,3]
        %0 = graph.einsum "mk,kn->mn" %a, %w : f32[N,2], f32[2,3]
        %1 = graph.einsum "mk,kn->nm" %a, %w : f32[N,2], f32[2,3])"},
    {"ConstantLeft", "%a: f32[2,N]",
     R"(%w = graph.constant dense<[[1.0, -2.0], [3.0, 0.25], [0.5, 4.0]]> : f32[3,2]
        %0 = graph.einsum "mk,kn->mn" %w, %a : f32[3,2], f32[2,N])"},
};
INSTANTIATE_TEST_SUITE_P(Einsum, Contract, ::testing::ValuesIn(einsums),
                         nameOf);

/// One convolution of two arguments.
Case conv(const char *name, std::string x, std::string f, std::string strides,
          std::string padding, std::string dilations, int groups = 1,
          std::string layout = "nchw", std::string filter = "oihw") {
  return {name, "%x: " + x + ", %f: " + f,
          "%0 = graph.conv %x, %f {input_layout = \"" + layout +
              "\", filter_layout = \"" + filter + "\", output_layout = \"" +
              layout + "\", strides = array<i64: " + strides +
              ">, padding = array<i64: " + padding +
              ">, dilations = array<i64: " + dilations + ">, groups = " +
              std::to_string(groups) + " : i64} : " + x + ", " + f};
}
/// One pooling.
Case pool(const char *name, std::string kind, std::string x, std::string window,
          std::string strides, std::string padding, std::string dilations,
          std::string more = "", std::string layout = "nchw") {
  return {name, "%x: " + x,
          "%0 = graph.pool " + kind + " %x {layout = \"" + layout +
              "\", window = array<i64: " + window + ">, strides = array<i64: " +
              strides + ">, padding = array<i64: " + padding +
              ">, dilations = array<i64: " + dilations + ">" + more +
              "} : " + x};
}

const Case convolutions[] = {
    conv("Plain", "f32[N,5,7,9]", "f32[6,5,3,3]", "1, 1", "1, 1, 1, 1", "1, 1"),
    conv("ManyChannels", "f32[N,33,5,5]", "f32[40,33,3,3]", "1, 1",
         "1, 1, 1, 1", "1, 1"),
    conv("FewChannels", "f32[N,3,9,9]", "f32[20,3,3,3]", "2, 2", "1, 1, 1, 1",
         "1, 1"),
    conv("NoPadding", "f32[N,5,7,9]", "f32[6,5,3,2]", "1, 1", "0, 0, 0, 0",
         "1, 1"),
    conv("Uneven", "f32[N,5,7,9]", "f32[6,5,3,2]", "2, 1", "0, 1, 2, 0",
         "1, 1"),
    conv("Dilated", "f32[N,5,9,9]", "f32[6,5,3,3]", "1, 1", "2, 2, 2, 2",
         "2, 2"),
    conv("DilatedStrided", "f32[N,5,11,9]", "f32[6,5,3,2]", "2, 3",
         "1, 2, 0, 1", "2, 3"),
    conv("Pointwise", "f32[N,5,7,9]", "f32[18,5,1,1]", "1, 1", "0, 0, 0, 0",
         "1, 1"),
    conv("PointwiseStrided", "f32[N,5,7,9]", "f32[18,5,1,1]", "2, 2",
         "0, 0, 0, 0", "1, 1"),
    conv("PointwisePadded", "f32[N,5,7,9]", "f32[18,5,1,1]", "1, 1",
         "1, 1, 1, 1", "1, 1"),
    conv("Grouped", "f32[N,6,7,9]", "f32[8,3,3,3]", "1, 1", "1, 1, 1, 1",
         "1, 1", 2),
    conv("GroupedPointwise", "f32[N,6,7,9]", "f32[8,3,1,1]", "1, 1",
         "0, 0, 0, 0", "1, 1", 2),
    conv("GroupedWide", "f32[N,64,5,5]", "f32[40,32,3,3]", "2, 2", "1, 1, 1, 1",
         "1, 1", 2),
    conv("Depthwise", "f32[N,6,7,9]", "f32[6,1,3,3]", "1, 1", "1, 1, 1, 1",
         "1, 1", 6),
    conv("DepthwiseStrided", "f32[N,37,9,9]", "f32[37,1,5,5]", "2, 2",
         "2, 2, 2, 2", "1, 1", 37),
    conv("DepthwiseDilated", "f32[N,6,9,9]", "f32[6,1,3,3]", "1, 1",
         "2, 2, 2, 2", "2, 2", 6),
    conv("DepthwiseMultiplier", "f32[N,6,7,9]", "f32[12,1,3,3]", "1, 1",
         "1, 1, 1, 1", "1, 1", 6),
    conv("OneChannel", "f32[N,1,7,9]", "f32[1,1,3,3]", "1, 1", "1, 1, 1, 1",
         "1, 1"),
    conv("OnePixel", "f32[N,5,1,1]", "f32[6,5,3,3]", "1, 1", "1, 1, 1, 1",
         "1, 1"),
    conv("WindowOfAll", "f32[N,5,4,4]", "f32[6,5,4,4]", "1, 1", "0, 0, 0, 0",
         "1, 1"),
    conv("DynamicPixels", "f32[2,5,N,M]", "f32[6,5,3,3]", "1, 1", "1, 1, 1, 1",
         "1, 1"),
    conv("DynamicPixelsStrided", "f32[2,3,N,M]", "f32[6,3,3,3]", "2, 2",
         "1, 1, 1, 1", "1, 1"),
    conv("DynamicPointwise", "f32[2,5,N,M]", "f32[6,5,1,1]", "1, 1",
         "0, 0, 0, 0", "1, 1"),
    conv("DynamicDepthwise", "f32[2,5,N,M]", "f32[5,1,3,3]", "1, 1",
         "1, 1, 1, 1", "1, 1", 5),
    conv("ChannelsLast", "f32[N,7,9,5]", "f32[3,3,5,6]", "1, 1", "1, 1, 1, 1",
         "1, 1", 1, "nhwc", "hwio"),
    conv("OneDim", "f32[N,5,9]", "f32[6,5,3]", "1", "1, 1", "1", 1, "ncw",
         "oiw"),
    conv("OneDimStrided", "f32[N,3,12]", "f32[6,3,4]", "3", "0, 1", "1", 1,
         "ncw", "oiw"),
    conv("OneDimDepthwise", "f32[N,6,9]", "f32[6,1,3]", "1", "2, 0", "1", 6,
         "ncw", "oiw"),
    conv("OneDimGrouped", "f32[N,6,9]", "f32[4,3,3]", "1", "1, 1", "1", 2,
         "ncw", "oiw"),
    conv("OneDimPointwise", "f32[N,6,9]", "f32[4,6,1]", "1", "0, 0", "1", 1,
         "ncw", "oiw"),
    conv("ThreeDims", "f32[N,5,4,5,6]", "f32[6,5,2,3,3]", "1, 1, 1",
         "0, 1, 1, 1, 1, 1", "1, 1, 1", 1, "ncdhw", "oidhw"),
    conv("ThreeDimsStrided", "f32[N,3,4,5,6]", "f32[6,3,2,2,2]", "2, 1, 2",
         "0, 0, 0, 0, 0, 0", "1, 1, 1", 1, "ncdhw", "oidhw"),
    conv("ThreeDimsPointwise", "f32[N,5,2,3,4]", "f32[6,5,1,1,1]", "1, 1, 1",
         "0, 0, 0, 0, 0, 0", "1, 1, 1", 1, "ncdhw", "oidhw"),
    conv("ThreeDimsDepthwise", "f32[N,5,4,5,6]", "f32[5,1,3,3,3]", "1, 1, 1",
         "1, 1, 1, 1, 1, 1", "1, 1, 1", 5, "ncdhw", "oidhw"),
    conv("Half", "f16[N,5,7,9]", "f16[6,5,3,3]", "1, 1", "1, 1, 1, 1", "1, 1"),
    conv("Double", "f64[N,5,7,9]", "f64[6,5,3,3]", "1, 1", "1, 1, 1, 1",
         "1, 1"),
    conv("Integers", "i32[N,5,7,9]", "i32[6,5,3,3]", "1, 1", "1, 1, 1, 1",
         "1, 1"),
    {"Residual", "%x: f32[N,6,5,5], %f: f32[6,6,3,3], %b: f32[6,1,1]",
     R"(%0 = graph.conv %x, %f {input_layout = "nchw", filter_layout = "oihw", output_layout = "nchw",
          strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : f32[N,6,5,5], f32[6,6,3,3]
        %1 = graph.add %0, %b : f32[N,6,5,5], f32[6,1,1]
        %2 = graph.add %1, %x : f32[N,6,5,5], f32[N,6,5,5]
        %3 = graph.clamp %2 {lo = 0.0, hi = 6.0} : f32[N,6,5,5]
        %4 = graph.reduce mean %3 dims [2, 3] : f32[N,6,5,5])"},
    {"GroupedEpilogue", "%x: f32[N,6,5,5], %f: f32[6,3,3,3]",
     R"(%0 = graph.conv %x, %f {input_layout = "nchw", filter_layout = "oihw", output_layout = "nchw",
          strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 2 : i64} : f32[N,6,5,5], f32[6,3,3,3]
        %1 = graph.clamp %0 {lo = 0.0, hi = 6.0} : f32[N,6,5,5]
        %2 = graph.concat %1, %x axis 1 : f32[N,6,5,5], f32[N,6,5,5])"},
    {"DepthwiseGate", "%x: f32[N,6,5,5], %f: f32[6,1,3,3], %g: f32[N,6,1,1]",
     R"(%0 = graph.conv %x, %f {input_layout = "nchw", filter_layout = "oihw", output_layout = "nchw",
          strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 6 : i64} : f32[N,6,5,5], f32[6,1,3,3]
        %1 = graph.sigmoid %0 : f32[N,6,5,5]
        %2 = graph.mul %0, %1 : f32[N,6,5,5], f32[N,6,5,5]
        %3 = graph.mul %2, %g : f32[N,6,5,5], f32[N,6,1,1])"},
    {"FlattenedToProduct", "%x: f32[N,3,4,4], %f: f32[5,3,3,3], %w: f32[80,7]",
     R"(%0 = graph.conv %x, %f {input_layout = "nchw", filter_layout = "oihw", output_layout = "nchw",
          strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : f32[N,3,4,4], f32[5,3,3,3]
        %1 = graph.reshape %0 : f32[N,5,4,4] to f32[N,80]
        %2 = graph.einsum "mk,kn->mn" %1, %w : f32[N,80], f32[80,7])"},
};
INSTANTIATE_TEST_SUITE_P(Conv, Contract, ::testing::ValuesIn(convolutions),
                         nameOf);

const Case poolings[] = {
    pool("Max", "max", "f32[N,5,7,9]", "2, 2", "2, 2", "0, 0, 0, 0", "1, 1"),
    pool("MaxPadded", "max", "f32[N,33,7,9]", "3, 3", "2, 2", "1, 1, 1, 1",
         "1, 1"),
    pool("MaxCeil", "max", "f32[N,5,8,10]", "3, 3", "2, 2", "0, 0, 0, 0",
         "1, 1", ", ceil_mode"),
    pool("MaxCeilPadded", "max", "f32[N,5,7,9]", "3, 2", "3, 2", "1, 1, 1, 0",
         "1, 1", ", ceil_mode"),
    pool("MaxDilated", "max", "f32[N,5,9,9]", "3, 3", "1, 1", "1, 1, 1, 1",
         "2, 2"),
    pool("MaxDynamic", "max", "f32[2,5,N,M]", "1, 1", "2, 2", "0, 0, 0, 0",
         "1, 1"),
    pool("MaxDynamicPadded", "max", "f32[2,5,N,M]", "3, 3", "2, 2",
         "1, 1, 1, 1", "1, 1"),
    pool("MaxIntegers", "max", "i32[N,5,7,9]", "2, 2", "2, 2", "1, 1, 1, 1",
         "1, 1"),
    pool("Avg", "avg", "f32[N,5,7,9]", "2, 3", "2, 2", "0, 0, 0, 0", "1, 1"),
    pool("AvgPadded", "avg", "f32[N,5,7,9]", "3, 3", "2, 2", "1, 1, 1, 1",
         "1, 1"),
    pool("AvgPaddedUneven", "avg", "f32[N,5,7,9]", "3, 3", "1, 2", "0, 2, 1, 0",
         "1, 1"),
    pool("AvgIncludingPad", "avg", "f32[N,5,7,9]", "3, 3", "2, 2", "1, 1, 1, 1",
         "1, 1", ", count_include_pad"),
    pool("AvgCeil", "avg", "f32[N,5,8,10]", "3, 3", "2, 2", "0, 0, 0, 0",
         "1, 1", ", ceil_mode"),
    pool("AvgCeilPadded", "avg", "f32[N,5,8,10]", "3, 3", "2, 2", "1, 1, 1, 1",
         "1, 1", ", ceil_mode"),
    pool("AvgCeilIncludingPad", "avg", "f32[N,5,8,10]", "3, 3", "2, 2",
         "1, 1, 1, 1", "1, 1", ", ceil_mode, count_include_pad"),
    pool("AvgDilated", "avg", "f32[N,5,9,9]", "2, 2", "1, 1", "1, 1, 1, 1",
         "3, 2"),
    pool("AvgDynamic", "avg", "f32[2,5,N,M]", "3, 3", "2, 2", "1, 1, 1, 1",
         "1, 1"),
    pool("MaxOneDim", "max", "f32[N,5,9]", "3", "2", "1, 1", "1", "", "ncw"),
    pool("AvgThreeDims", "avg", "f32[N,5,4,5,6]", "2, 2, 2", "2, 2, 2",
         "0, 0, 1, 1, 0, 0", "1, 1, 1", "", "ncdhw"),
    pool("ChannelsLast", "max", "f32[N,7,9,5]", "2, 2", "2, 2", "0, 0, 0, 0",
         "1, 1", "", "nhwc"),
    pool("AvgHalf", "avg", "f16[N,5,7,9]", "3, 3", "2, 2", "1, 1, 1, 1",
         "1, 1"),
    {"Epilogue", "%x: f32[N,5,6,6]",
     R"(%0 = graph.tanh %x : f32[N,5,6,6]
        %1 = graph.pool max %0 {layout = "nchw", window = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : f32[N,5,6,6]
        %2 = graph.exp %1 : f32[N,5,3,3])"},
};
INSTANTIATE_TEST_SUITE_P(Pool, Contract, ::testing::ValuesIn(poolings), nameOf);

/// Attention with these layouts.
Case attention(const char *name, std::string q, std::string k, std::string v,
               std::string layouts = "", std::string mask = "",
               std::string more = "") {
  if (layouts.empty())
    layouts =
        R"(q_layout = "bshd", k_layout = "btgd", v_layout = "btge", y_layout = "bshe")";
  return {name,
          "%q: " + q + ", %k: " + k + ", %v: " + v +
              (mask.empty() ? "" : ", %m: " + mask),
          "%0 = graph.attention %q, %k, %v " +
              std::string(mask.empty() ? "" : "mask %m ") + "{" + layouts +
              ", scale = 0.25 : f64" + more + "} : " + q + ", " + k + ", " + v +
              (mask.empty() ? "" : ", " + mask)};
}
const Case attentions[] = {
    attention("Plain", "f32[N,5,2,8]", "f32[N,7,2,8]", "f32[N,7,2,8]"),
    attention("OtherDepth", "f32[N,5,2,8]", "f32[N,7,2,8]", "f32[N,7,2,12]"),
    attention("Grouped", "f32[N,5,4,8]", "f32[N,7,2,8]", "f32[N,7,2,8]"),
    attention("Causal", "f32[N,5,2,8]", "f32[N,7,2,8]", "f32[N,7,2,8]", "", "",
              ", causal"),
    attention("Masked", "f32[N,5,2,8]", "f32[N,7,2,8]", "f32[N,7,2,8]", "",
              "f32[5,7]"),
    attention("MaskedByHead", "f32[N,5,2,8]", "f32[N,7,2,8]", "f32[N,7,2,8]",
              "", "f32[N,1,5,7]"),
    attention("MaskedByRow", "f32[N,5,2,8]", "f32[N,7,2,8]", "f32[N,7,2,8]", "",
              "f32[N,1,1,7]"),
    attention("Dynamic", "f32[2,N,2,8]", "f32[2,M,2,8]", "f32[2,M,2,8]"),
    attention("DynamicCausal", "f32[2,N,2,8]", "f32[2,N,2,8]", "f32[2,N,2,8]",
              "", "", ", causal"),
    attention(
        "HeadsFirst", "f32[N,2,5,8]", "f32[N,2,7,8]", "f32[N,2,7,8]",
        R"(q_layout = "bhsd", k_layout = "bgtd", v_layout = "bgte", y_layout = "bhse")"),
    attention(
        "KeysTransposed", "f32[N,2,5,8]", "f32[N,2,8,7]", "f32[N,2,7,8]",
        R"(q_layout = "bhsd", k_layout = "bgdt", v_layout = "bgte", y_layout = "bshe")"),
    attention(
        "NoHeadsMaskedByBatch", "f32[N,5,8]", "f32[N,7,8]", "f32[N,7,8]",
        R"(q_layout = "bsd", k_layout = "btd", v_layout = "bte", y_layout = "bse")",
        "f32[N,5,7]"),
    attention(
        "NoHeadsMaskedByRow", "f32[N,5,8]", "f32[N,7,8]", "f32[N,7,8]",
        R"(q_layout = "bsd", k_layout = "btd", v_layout = "bte", y_layout = "bse")",
        "f32[N,1,7]"),
    attention("OddDepth", "f32[N,5,3,13]", "f32[N,7,3,13]", "f32[N,7,3,13]"),
    {"Projected",
     "%q: f32[N,5,2,8], %k: f32[N,7,2,8], %v: f32[N,7,2,8], %r: f32[N,5,16]",
     R"(%0 = graph.attention %q, %k, %v {q_layout = "bshd", k_layout = "btgd", v_layout = "btge", y_layout = "bshe", scale = 0.5 : f64} : f32[N,5,2,8], f32[N,7,2,8], f32[N,7,2,8]
        %1 = graph.reshape %0 : f32[N,5,2,8] to f32[N,5,16]
        %2 = graph.add %1, %r : f32[N,5,16], f32[N,5,16])"},
    {"Epilogue", "%q: f32[N,5,2,8], %k: f32[N,7,2,8], %v: f32[N,7,2,8]",
     R"(%0 = graph.attention %q, %k, %v {q_layout = "bshd", k_layout = "btgd", v_layout = "btge", y_layout = "bshe", scale = 0.5 : f64} : f32[N,5,2,8], f32[N,7,2,8], f32[N,7,2,8]
        %1 = graph.mul %0, %q : f32[N,5,2,8], f32[N,5,2,8])"},
};
INSTANTIATE_TEST_SUITE_P(Attention, Contract, ::testing::ValuesIn(attentions),
                         nameOf);

} // namespace
