//===- OpsTest.cpp - every op but contractions, compiled ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Numerics.h"

#include "gtest/gtest.h"

using namespace actnet::numerics;

namespace {

struct Case {
  const char *name;
  const char *arguments;
  const char *body;
  double tolerance = 1e-5;
};

void PrintTo(const Case &c, std::ostream *os) { *os << c.name; }

class Ops : public ::testing::TestWithParam<Case> {};

/// Runs with N = 1, 3, 8, 17 and M = 5, 1, 16, 2 where the function has them.
std::vector<Dims> runs() {
  return {{{"N", 1}, {"M", 5}},
          {{"N", 3}, {"M", 1}},
          {{"N", 8}, {"M", 16}},
          {{"N", 17}, {"M", 2}}};
}

TEST_P(Ops, ComputesWhatTheEvaluatorSays) {
  const Case &c = GetParam();
  auto module = makeModule(c.arguments, c.body);
  ASSERT_TRUE(module);
  check(*module, runs(), c.tolerance);
}

std::string nameOf(const ::testing::TestParamInfo<Case> &info) {
  return info.param.name;
}

const Case elementwise[] = {
    {"Unary", "%x: f32[N,7]",
     R"(%0 = graph.abs %x : f32[N,7]
        %1 = graph.neg %x : f32[N,7]
        %2 = graph.exp %x : f32[N,7]
        %3 = graph.tanh %x : f32[N,7]
        %4 = graph.sigmoid %x : f32[N,7]
        %5 = graph.erf %x : f32[N,7]
        %6 = graph.sin %x : f32[N,7]
        %7 = graph.cos %x : f32[N,7]
        %8 = graph.gelu %x : f32[N,7]
        %9 = graph.gelu %x tanh : f32[N,7])"},
    {"Rounding", "%x: f32[3,33]",
     R"(%0 = graph.floor %x : f32[3,33]
        %1 = graph.ceil %x : f32[3,33]
        %2 = graph.round %x : f32[3,33]
        %3 = graph.sign %x : f32[3,33])"},
    {"Positive", "%x: f32[N,M]",
     R"(%a = graph.abs %x : f32[N,M]
        %c = graph.constant dense<0.25> : f32[]
        %p = graph.add %a, %c : f32[N,M], f32[]
        %0 = graph.log %p : f32[N,M]
        %1 = graph.sqrt %p : f32[N,M]
        %2 = graph.rsqrt %p : f32[N,M]
        %3 = graph.reciprocal %p : f32[N,M]
        %4 = graph.pow %p, %x : f32[N,M], f32[N,M])"},
    {"PowConstants", "%x: f32[5]",
     R"(%two = graph.constant dense<2.0> : f32[]
        %three = graph.constant dense<3.0> : f32[]
        %m = graph.constant dense<-2.0> : f32[]
        %0 = graph.pow %x, %two : f32[5], f32[]
        %1 = graph.pow %x, %three : f32[5], f32[]
        %2 = graph.pow %x, %m : f32[5], f32[])",
     1e-4},
    {"Binary", "%a: f32[N,1,5], %b: f32[4,1]",
     R"(%0 = graph.add %a, %b : f32[N,1,5], f32[4,1]
        %1 = graph.sub %a, %b : f32[N,1,5], f32[4,1]
        %2 = graph.mul %b, %a : f32[4,1], f32[N,1,5]
        %3 = graph.div %a, %b : f32[N,1,5], f32[4,1]
        %4 = graph.max %a, %b : f32[N,1,5], f32[4,1]
        %5 = graph.min %a, %b : f32[N,1,5], f32[4,1])"},
    {"Clamp", "%a: f32[N,9], %i: i32[N,9]",
     R"(%0 = graph.clamp %a {lo = 0.0, hi = 0x7FF0000000000000 : f64} : f32[N,9]
        %1 = graph.clamp %a {lo = -0.5, hi = 0.75} : f32[N,9]
        %2 = graph.clamp %i {lo = -1.5, hi = 2.5} : i32[N,9])"},
    {"IntegerPower", "%a: i32[N,5], %b: i32[5]",
     "%0 = graph.pow %a, %b : i32[N,5], i32[5]"},
    {"ModHasTheSignOfTheDivisor", "%a: f32[N,5], %b: f32[5]",
     "%0 = graph.mod %a, %b : f32[N,5], f32[5]"},
    {"Unsigned", "%a: ui8[N,9], %b: ui8[9]",
     R"(%0 = graph.max %a, %b : ui8[N,9], ui8[9]
        %1 = graph.mul %a, %b : ui8[N,9], ui8[9]
        %2 = graph.compare lt %a, %b : ui8[N,9], ui8[9]
        %3 = graph.cast %a : ui8[N,9] to f32[N,9]
        %4 = graph.cast %a : ui8[N,9] to i32[N,9]
        %5 = graph.reduce max %a dims [1] : ui8[N,9]
        %6 = graph.reduce min %a dims [0] : ui8[N,9]
        %7 = graph.concat %a, %a axis 0 : ui8[N,9], ui8[N,9])"},
    {"Integers", "%a: i32[N,5], %b: i32[5]",
     R"(%one = graph.constant dense<9> : i32[]
        %d = graph.add %b, %one : i32[5], i32[]
        %0 = graph.add %a, %b : i32[N,5], i32[5]
        %1 = graph.sub %a, %b : i32[N,5], i32[5]
        %2 = graph.mul %a, %b : i32[N,5], i32[5]
        %3 = graph.div %a, %d : i32[N,5], i32[5]
        %4 = graph.mod %a, %d : i32[N,5], i32[5]
        %5 = graph.max %a, %b : i32[N,5], i32[5]
        %6 = graph.min %a, %b : i32[N,5], i32[5]
        %7 = graph.and %a, %b : i32[N,5], i32[5]
        %8 = graph.or %a, %b : i32[N,5], i32[5]
        %9 = graph.xor %a, %b : i32[N,5], i32[5]
        %10 = graph.neg %a : i32[N,5]
        %11 = graph.abs %a : i32[N,5]
        %12 = graph.sign %a : i32[N,5]
        %13 = graph.not %a : i32[N,5])"},
    {"WideAndNarrowIntegers",
     "%a: i64[7], %b: i64[7], %c: i8[7], %d: i8[7], %e: i16[33]",
     R"(%0 = graph.mul %a, %b : i64[7], i64[7]
        %1 = graph.max %a, %b : i64[7], i64[7]
        %2 = graph.add %c, %d : i8[7], i8[7]
        %3 = graph.mul %c, %d : i8[7], i8[7]
        %4 = graph.abs %e : i16[33]
        %5 = graph.compare lt %a, %b : i64[7], i64[7])"},
    {"Bools", "%a: i1[N,5], %b: i1[5]",
     R"(%0 = graph.and %a, %b : i1[N,5], i1[5]
        %1 = graph.or %a, %b : i1[N,5], i1[5]
        %2 = graph.xor %a, %b : i1[N,5], i1[5]
        %3 = graph.not %a : i1[N,5]
        %4 = graph.compare eq %a, %b : i1[N,5], i1[5]
        %5 = graph.compare lt %a, %b : i1[N,5], i1[5])"},
    {"CompareAndSelect", "%a: f32[N,5], %b: f32[5], %c: i1[N,1]",
     R"(%0 = graph.compare lt %a, %b : f32[N,5], f32[5]
        %1 = graph.compare ge %a, %b : f32[N,5], f32[5]
        %2 = graph.compare ne %a, %a : f32[N,5], f32[N,5]
        %3 = graph.select %0, %a, %b : i1[N,5], f32[N,5], f32[5]
        %4 = graph.select %c, %b, %a : i1[N,1], f32[5], f32[N,5]
        %5 = graph.select %1, %c, %0 : i1[N,5], i1[N,1], i1[N,5])"},
    {"Mod", "%a: f32[N,5]",
     R"(%c = graph.constant dense<0.75> : f32[]
        %0 = graph.mod %a, %c : f32[N,5], f32[])"},
    {"CastFloats", "%a: f32[N,9], %h: f16[9], %b: bf16[9], %d: f64[9]",
     R"(%0 = graph.cast %a : f32[N,9] to f16[N,9]
        %1 = graph.cast %a : f32[N,9] to bf16[N,9]
        %2 = graph.cast %a : f32[N,9] to f64[N,9]
        %3 = graph.cast %h : f16[9] to f32[9]
        %4 = graph.cast %b : bf16[9] to f32[9]
        %5 = graph.cast %d : f64[9] to f32[9]
        %6 = graph.cast %h : f16[9] to bf16[9]
        %7 = graph.cast %d : f64[9] to f16[9])"},
    {"CastIntegers",
     "%a: f32[N,9], %i: i64[N,9], %c: i8[9], %t: i1[9], %d: f64[9]",
     R"(%0 = graph.cast %a : f32[N,9] to i32[N,9]
        %1 = graph.cast %a : f32[N,9] to i64[N,9]
        %2 = graph.cast %a : f32[N,9] to i8[N,9]
        %3 = graph.cast %a : f32[N,9] to i1[N,9]
        %4 = graph.cast %i : i64[N,9] to f32[N,9]
        %5 = graph.cast %i : i64[N,9] to i32[N,9]
        %6 = graph.cast %i : i64[N,9] to i1[N,9]
        %7 = graph.cast %c : i8[9] to f32[9]
        %8 = graph.cast %c : i8[9] to i64[9]
        %9 = graph.cast %t : i1[9] to f32[9]
        %10 = graph.cast %t : i1[9] to i64[9]
        %11 = graph.cast %i : i64[N,9] to f64[N,9]
        %12 = graph.cast %d : f64[9] to i64[9]
        %13 = graph.cast %i : i64[N,9] to f16[N,9])"},
    {"HalfArithmetic", "%a: f16[N,9], %b: f16[9]",
     R"(%0 = graph.mul %a, %b : f16[N,9], f16[9]
        %1 = graph.tanh %0 : f16[N,9]
        %2 = graph.add %1, %a : f16[N,9], f16[N,9])"},
    {"BFloatArithmetic", "%a: bf16[N,9], %b: bf16[9]",
     R"(%0 = graph.mul %a, %b : bf16[N,9], bf16[9]
        %1 = graph.sigmoid %0 : bf16[N,9])"},
    {"Doubles", "%a: f64[N,9], %b: f64[9]",
     R"(%0 = graph.mul %a, %b : f64[N,9], f64[9]
        %1 = graph.abs %0 : f64[N,9]
        %2 = graph.sqrt %1 : f64[N,9])"},
    {"DoubleFunctions", "%a: f64[N,9]",
     R"(%0 = graph.exp %a : f64[N,9]
        %1 = graph.tanh %a : f64[N,9])"},
    {"Scalars", "%a: f32[], %b: f32[]",
     R"(%0 = graph.mul %a, %b : f32[], f32[]
        %1 = graph.exp %0 : f32[])"},
    {"LongChain", "%x: f32[N,13]",
     R"(%0 = graph.tanh %x : f32[N,13]
        %1 = graph.mul %0, %x : f32[N,13], f32[N,13]
        %2 = graph.sigmoid %1 : f32[N,13]
        %3 = graph.add %2, %0 : f32[N,13], f32[N,13]
        %4 = graph.neg %3 : f32[N,13]
        %5 = graph.mul %4, %1 : f32[N,13], f32[N,13]
        %6 = graph.sub %5, %x : f32[N,13], f32[N,13])"},
};
INSTANTIATE_TEST_SUITE_P(Elementwise, Ops, ::testing::ValuesIn(elementwise),
                         nameOf);

const Case reductions[] = {
    {"Last", "%x: f32[N,13]",
     R"(%0 = graph.reduce sum %x dims [1] : f32[N,13]
        %1 = graph.reduce prod %x dims [1] : f32[N,13]
        %2 = graph.reduce max %x dims [1] : f32[N,13]
        %3 = graph.reduce min %x dims [1] keepdims : f32[N,13]
        %4 = graph.reduce mean %x dims [1] : f32[N,13]
        %5 = graph.reduce sumsq %x dims [1] : f32[N,13]
        %6 = graph.reduce l1 %x dims [1] : f32[N,13]
        %7 = graph.reduce l2 %x dims [1] keepdims : f32[N,13]
        %8 = graph.reduce logsumexp %x dims [1] : f32[N,13])"},
    {"Leading", "%x: f32[N,13]",
     R"(%0 = graph.reduce sum %x dims [0] : f32[N,13]
        %1 = graph.reduce mean %x dims [0] keepdims : f32[N,13]
        %2 = graph.reduce max %x dims [0] : f32[N,13]
        %3 = graph.reduce l2 %x dims [0] : f32[N,13])"},
    {"LeadingLogsumexp", "%x: f32[N,13]",
     R"(%0 = graph.reduce logsumexp %x dims [0] : f32[N,13])"},
    {"Middle", "%x: f32[3,N,5]",
     R"(%0 = graph.reduce sum %x dims [1] : f32[3,N,5]
        %1 = graph.reduce max %x dims [1] keepdims : f32[3,N,5])"},
    {"Several", "%x: f32[3,N,5,4]",
     R"(%0 = graph.reduce sum %x dims [1, 3] : f32[3,N,5,4]
        %1 = graph.reduce mean %x dims [0, 2] : f32[3,N,5,4]
        %2 = graph.reduce sum %x dims [2, 3] keepdims : f32[3,N,5,4]
        %3 = graph.reduce min %x dims [0, 1, 2] : f32[3,N,5,4])"},
    {"All", "%x: f32[N,M]",
     R"(%0 = graph.reduce sum %x dims [0, 1] : f32[N,M]
        %1 = graph.reduce max %x dims [0, 1] keepdims : f32[N,M]
        %2 = graph.reduce mean %x dims [0, 1] : f32[N,M])"},
    {"OneElement", "%x: f32[1,1]",
     R"(%0 = graph.reduce sum %x dims [0, 1] : f32[1,1]
        %1 = graph.reduce mean %x dims [1] : f32[1,1])"},
    {"None", "%x: f32[3,4]",
     R"(%0 = graph.reduce sumsq %x dims [] : f32[3,4])"},
    {"Integers", "%x: i32[N,13], %y: i64[N,5], %z: i8[N,5]",
     R"(%0 = graph.reduce sum %x dims [1] : i32[N,13]
        %1 = graph.reduce max %x dims [1] : i32[N,13]
        %2 = graph.reduce min %x dims [0] : i32[N,13]
        %3 = graph.reduce sum %y dims [1] : i64[N,5]
        %4 = graph.reduce max %y dims [0, 1] : i64[N,5]
        %5 = graph.reduce max %z dims [1] : i8[N,5]
        %6 = graph.reduce l1 %x dims [1] : i32[N,13])"},
    {"Bools", "%x: i1[N,4]",
     R"(%0 = graph.reduce any %x dims [1] : i1[N,4]
        %1 = graph.reduce all %x dims [1] : i1[N,4]
        %2 = graph.reduce any %x dims [0] : i1[N,4]
        %3 = graph.reduce all %x dims [0, 1] : i1[N,4])"},
    {"Half", "%x: f16[N,40], %y: bf16[N,40]",
     R"(%0 = graph.reduce sum %x dims [1] : f16[N,40]
        %1 = graph.reduce mean %y dims [1] : bf16[N,40]
        %2 = graph.reduce max %x dims [0] : f16[N,40])"},
    {"Doubles", "%x: f64[N,40]",
     R"(%0 = graph.reduce sum %x dims [1] : f64[N,40])"},
    {"PrologueAndEpilogue", "%x: f32[N,13], %b: f32[N]",
     R"(%0 = graph.tanh %x : f32[N,13]
        %1 = graph.reduce sum %0 dims [1] : f32[N,13]
        %2 = graph.add %1, %b : f32[N], f32[N]
        %3 = graph.clamp %2 {lo = 0.0, hi = 9.0} : f32[N])"},
    {"UsedTwice", "%x: f32[N,13]",
     R"(%0 = graph.tanh %x : f32[N,13]
        %1 = graph.reduce sum %0 dims [1] keepdims : f32[N,13]
        %2 = graph.div %0, %1 : f32[N,13], f32[N,1])"},
    {"OfTransposed", "%x: f32[N,3,5]",
     R"(%0 = graph.transpose %x [2, 0, 1] : f32[N,3,5]
        %1 = graph.reduce sum %0 dims [0] : f32[5,N,3]
        %2 = graph.reduce max %0 dims [1, 2] keepdims : f32[5,N,3])"},
    {"Softmax", "%x: f32[N,13], %y: f32[2,N,5], %z: f32[N,1]",
     R"(%0 = graph.softmax %x axis 1 : f32[N,13]
        %1 = graph.softmax %y axis 1 : f32[2,N,5]
        %2 = graph.softmax %y axis 0 : f32[2,N,5]
        %3 = graph.log_softmax %x axis 1 : f32[N,13]
        %4 = graph.log_softmax %y axis 1 : f32[2,N,5]
        %5 = graph.softmax %z axis 1 : f32[N,1])"},
    {"SoftmaxDynamicRow", "%x: f32[3,N]",
     R"(%0 = graph.softmax %x axis 1 : f32[3,N])"},
    {"SoftmaxHalf", "%x: f16[N,13]",
     R"(%0 = graph.softmax %x axis 1 : f16[N,13])"},
    {"SoftmaxFused", "%x: f32[N,13], %m: f32[13]",
     R"(%0 = graph.add %x, %m : f32[N,13], f32[13]
        %1 = graph.softmax %0 axis 1 : f32[N,13]
        %2 = graph.mul %1, %x : f32[N,13], f32[N,13])"},
    {"LayerNorm", "%x: f32[N,3,24], %s: f32[24], %b: f32[24], %t: f32[3,24]",
     R"(%0 = graph.layer_norm %x scale %s bias %b axis 2 epsilon 1.0e-5 : f32[N,3,24], f32[24], f32[24]
        %1 = graph.layer_norm %x axis 2 epsilon 1.0e-3 : f32[N,3,24]
        %2 = graph.layer_norm %x scale %t axis 1 epsilon 1.0e-3 : f32[N,3,24], f32[3,24]
        %3 = graph.layer_norm %x scale %t axis 0 epsilon 1.0e-3 : f32[N,3,24], f32[3,24])"},
    {"LayerNormResidual",
     "%x: f32[N,24], %y: f32[N,24], %s: f32[24], %b: f32[24]",
     R"(%0 = graph.add %x, %y : f32[N,24], f32[N,24]
        %1 = graph.layer_norm %0 scale %s bias %b axis 1 epsilon 1.0e-5 : f32[N,24], f32[24], f32[24]
        %2 = graph.gelu %1 : f32[N,24]
        %3 = graph.add %2, %0 : f32[N,24], f32[N,24])"},
    {"RmsNorm", "%x: f32[N,24], %s: f32[24]",
     R"(%0 = graph.rms_norm %x scale %s axis 1 epsilon 1.0e-5 : f32[N,24], f32[24]
        %1 = graph.rms_norm %x axis 1 epsilon 1.0e-5 : f32[N,24])"},
    {"BatchNorm",
     "%x: f32[N,5,3,3], %s: f32[5], %b: f32[5], %m: f32[5], %v: f32[5]",
     R"(%w = graph.abs %v : f32[5]
        %0 = graph.batch_norm %x, %s, %b, %m, %w axis 1 epsilon 1.0e-1 : f32[N,5,3,3], f32[5], f32[5], f32[5], f32[5])"},
    {"GroupNorm", "%x: f32[N,6,3,5], %s: f32[6], %b: f32[6]",
     R"(%0 = graph.group_norm %x, %s, %b groups 2 epsilon 1.0e-5 : f32[N,6,3,5], f32[6], f32[6]
        %1 = graph.group_norm %x, %s, %b groups 6 epsilon 1.0e-5 : f32[N,6,3,5], f32[6], f32[6])"},
};
INSTANTIATE_TEST_SUITE_P(Reductions, Ops, ::testing::ValuesIn(reductions),
                         nameOf);

const Case movement[] = {
    {"Reshape", "%x: f32[N,6]",
     R"(%0 = graph.reshape %x : f32[N,6] to f32[N,2,3]
        %1 = graph.reshape %x : f32[N,6] to f32[N * 6]
        %2 = graph.tanh %0 : f32[N,2,3]
        %3 = graph.reshape %2 : f32[N,2,3] to f32[N * 2,3])"},
    {"Transpose", "%x: f32[N,3,M]",
     R"(%0 = graph.transpose %x [2, 1, 0] : f32[N,3,M]
        %1 = graph.transpose %x [0, 2, 1] : f32[N,3,M]
        %2 = graph.transpose %x [1, 0, 2] : f32[N,3,M])"},
    {"TransposeTypes", "%x: i8[5,7], %y: i64[5,7], %z: i1[5,7], %h: f16[5,7]",
     R"(%0 = graph.transpose %x [1, 0] : i8[5,7]
        %1 = graph.transpose %y [1, 0] : i64[5,7]
        %2 = graph.transpose %z [1, 0] : i1[5,7]
        %3 = graph.transpose %h [1, 0] : f16[5,7])"},
    {"Broadcast", "%x: f32[N,1,5], %s: f32[]",
     R"(%0 = graph.broadcast %x : f32[N,1,5] to f32[2,N,3,5]
        %1 = graph.broadcast %s : f32[] to f32[N,4]
        %c = graph.constant dense<[1.0, 2.0, 3.0]> : f32[3]
        %2 = graph.broadcast %c : f32[3] to f32[N,3])"},
    {"BroadcastShared", "%x: f32[N,1], %y: f32[N,5]",
     R"(%e = graph.exp %x : f32[N,1]
        %b = graph.broadcast %e : f32[N,1] to f32[N,5]
        %0 = graph.softmax %b axis 1 : f32[N,5]
        %1 = graph.mul %0, %y : f32[N,5], f32[N,5]
        %2 = graph.reduce sum %1 dims [1] : f32[N,5]
        %3 = graph.softmax %1 axis 1 : f32[N,5]
        %4 = graph.add %3, %b : f32[N,5], f32[N,5])"},
    {"BroadcastSharedLight", "%x: f32[N,1], %y: f32[N,5]",
     R"(%e = graph.neg %x : f32[N,1]
        %b = graph.broadcast %e : f32[N,1] to f32[N,5]
        %0 = graph.softmax %b axis 1 : f32[N,5]
        %1 = graph.mul %0, %y : f32[N,5], f32[N,5]
        %2 = graph.softmax %1 axis 1 : f32[N,5]
        %3 = graph.add %2, %b : f32[N,5], f32[N,5])"},
    {"Slice", "%x: f32[N,9,4]",
     R"(%0 = graph.slice %x starts <0, 2, 0> sizes <N, 5, 4> steps [1, 1, 1] : f32[N,9,4]
        %1 = graph.slice %x starts <0, 1, 3> sizes <N, 4, 1> steps [1, 2, 1] : f32[N,9,4]
        %2 = graph.slice %x starts <0, 8, 3> sizes <N, 9, 2> steps [1, -1, -2] : f32[N,9,4])"},
    {"SliceDynamic", "%x: f32[N,4]",
     R"(%0 = graph.slice %x starts <N - 1, 0> sizes <1, 4> steps [1, 1] : f32[N,4]
        %1 = graph.slice %x starts <N - 1, 0> sizes <N, 4> steps [-1, 1] : f32[N,4]
        %2 = graph.slice %x starts <(N - 1) floordiv 2, 1> sizes <(N + 1) floordiv 2, 2> steps [1, 1] : f32[N,4])"},
    {"SliceFused", "%x: f32[N,9]",
     R"(%0 = graph.tanh %x : f32[N,9]
        %1 = graph.slice %0 starts <0, 0> sizes <N, 4> steps [1, 1] : f32[N,9]
        %2 = graph.slice %0 starts <0, 5> sizes <N, 4> steps [1, 1] : f32[N,9]
        %3 = graph.mul %1, %2 : f32[N,4], f32[N,4])"},
    {"PadConstant", "%x: f32[N,5], %i: i64[N,5], %t: i1[N,5]",
     R"(%0 = graph.pad %x low [0, 2] high [1, 3] {mode = #graph<pad_mode constant>, value = 0.5} : f32[N,5]
        %1 = graph.pad %i low [1, 0] high [0, 1] {mode = #graph<pad_mode constant>, value = -3.0} : i64[N,5]
        %2 = graph.pad %t low [1, 0] high [0, 1] {mode = #graph<pad_mode constant>, value = 1.0} : i1[N,5])"},
    {"PadReflect", "%x: f32[N,5]",
     R"(%0 = graph.pad %x low [0, 2] high [0, 3] {mode = #graph<pad_mode reflect>, value = 0.0} : f32[N,5])"},
    {"PadEdge", "%x: f32[4,5]",
     R"(%0 = graph.pad %x low [1, 2] high [2, 3] {mode = #graph<pad_mode edge>, value = 0.0} : f32[4,5])"},
    {"PadWrap", "%x: f32[N,5]",
     R"(%0 = graph.pad %x low [0, 2] high [0, 3] {mode = #graph<pad_mode wrap>, value = 0.0} : f32[N,5])"},
    {"PadReflectTwoDims", "%x: f32[N,4,3]",
     R"(%0 = graph.pad %x low [0, 1, 2] high [0, 3, 1] {mode = #graph<pad_mode reflect>, value = 0.0} : f32[N,4,3])"},
    {"PadFused", "%x: f32[N,5]",
     R"(%0 = graph.exp %x : f32[N,5]
        %1 = graph.pad %0 low [0, 2] high [0, 3] {mode = #graph<pad_mode constant>, value = 0.5} : f32[N,5]
        %2 = graph.neg %1 : f32[N,10]
        %3 = graph.reduce sum %2 dims [1] : f32[N,10])"},
    {"Concat", "%x: f32[N,5], %y: f32[N,3]",
     R"(%0 = graph.tanh %x : f32[N,5]
        %1 = graph.exp %y : f32[N,3]
        %2 = graph.concat %0, %1 axis 1 : f32[N,5], f32[N,3]
        %3 = graph.neg %2 : f32[N,8])"},
    {"ConcatOfInputs", "%x: f32[N,5], %y: f32[M,5]",
     R"(%c = graph.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0]]> : f32[1,5]
        %0 = graph.concat %x, %y, %c axis 0 : f32[N,5], f32[M,5], f32[1,5])"},
    {"ConcatSameTwice", "%x: f32[N,5]",
     R"(%0 = graph.tanh %x : f32[N,5]
        %1 = graph.concat %0, %0 axis 1 : f32[N,5], f32[N,5]
        %2 = graph.concat %x, %x, %x axis 0 : f32[N,5], f32[N,5], f32[N,5])"},
    {"ConcatNested", "%x: f32[N,5], %y: f32[N,3]",
     R"(%0 = graph.tanh %x : f32[N,5]
        %1 = graph.concat %0, %y axis 1 : f32[N,5], f32[N,3]
        %2 = graph.exp %y : f32[N,3]
        %3 = graph.concat %1, %2 axis 1 : f32[N,8], f32[N,3]
        %4 = graph.sigmoid %1 : f32[N,8])"},
    {"ConcatOne", "%x: f32[N,5]",
     R"(%0 = graph.concat %x axis 1 : f32[N,5]
        %1 = graph.neg %0 : f32[N,5])"},
    {"ConcatOfReshape", "%x: f32[N,6], %y: f32[N,2,2]",
     R"(%0 = graph.tanh %x : f32[N,6]
        %1 = graph.reshape %0 : f32[N,6] to f32[N,3,2]
        %2 = graph.concat %1, %y axis 1 : f32[N,3,2], f32[N,2,2])"},
    {"ConcatOfReductions", "%x: f32[N,6], %y: f32[N,7]",
     R"(%0 = graph.softmax %x axis 1 : f32[N,6]
        %1 = graph.layer_norm %y axis 1 epsilon 1.0e-2 : f32[N,7]
        %2 = graph.reduce sum %x dims [1] keepdims : f32[N,6]
        %3 = graph.concat %0, %1, %2 axis 1 : f32[N,6], f32[N,7], f32[N,1])"},
    {"ConcatTypes",
     "%x: i8[N,5], %y: i8[N,3], %z: i1[2], %w: i1[3], %a: i64[N], %b: i64[M]",
     R"(%0 = graph.concat %x, %y axis 1 : i8[N,5], i8[N,3]
        %1 = graph.concat %z, %w axis 0 : i1[2], i1[3]
        %2 = graph.concat %a, %b axis 0 : i64[N], i64[M])"},
    {"GatherRows", "%x: f32[9,5], %i: i64[N,2]",
     R"(%0 = graph.gather %x, %i axis 0 : f32[9,5], i64[N,2])"},
    {"GatherColumns", "%x: f32[N,9], %i: i32[4], %s: i64[]",
     R"(%0 = graph.gather %x, %i axis 1 : f32[N,9], i32[4]
        %1 = graph.gather %x, %s axis 1 : f32[N,9], i64[]
        %2 = graph.gather %x, %s axis 0 : f32[N,9], i64[])"},
    {"GatherFused", "%x: f32[N,9], %i: i64[4]",
     R"(%0 = graph.tanh %x : f32[N,9]
        %one = graph.constant dense<1> : i64[]
        %j = graph.add %i, %one : i64[4], i64[]
        %1 = graph.gather %0, %j axis 1 : f32[N,9], i64[4]
        %2 = graph.neg %1 : f32[N,4]
        %3 = graph.reduce sum %2 dims [1] : f32[N,4])"},
    {"GatherConstants", "%x: f32[N,9]",
     R"(%i = graph.constant dense<[-1, 3, 0]> : i64[3]
        %0 = graph.gather %x, %i axis 1 : f32[N,9], i64[3]
        %t = graph.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : f32[3,2]
        %1 = graph.gather %t, %i axis 0 : f32[3,2], i64[3])"},
    {"GatherTypes", "%x: i64[9], %y: i1[9], %i: i64[N]",
     R"(%0 = graph.gather %x, %i axis 0 : i64[9], i64[N]
        %1 = graph.gather %y, %i axis 0 : i1[9], i64[N])"},
    {"Iota", "%x: f32[N,4]",
     R"(%0 = graph.iota axis 1 {start = 1.0, step = 2.0} : f32[N,4]
        %1 = graph.iota axis 0 {start = -1.0, step = 3.0} : i64[N]
        %2 = graph.iota axis 0 {start = 0.5, step = 0.25} : f32[7]
        %3 = graph.add %x, %0 : f32[N,4], f32[N,4])"},
    {"CausalMask", "%x: f32[N,N]",
     R"(%r = graph.iota axis 0 {start = 0.0, step = 1.0} : i32[N,N]
        %c = graph.iota axis 1 {start = 0.0, step = 1.0} : i32[N,N]
        %m = graph.compare le %c, %r : i32[N,N], i32[N,N]
        %low = graph.constant dense<-1.0e9> : f32[]
        %0 = graph.select %m, %x, %low : i1[N,N], f32[N,N], f32[]
        %1 = graph.softmax %0 axis 1 : f32[N,N])"},
    {"DimValue", "%x: f32[N,M]",
     R"(%0 = graph.dim_value <N, M * 2, 7> : i64[3]
        %1 = graph.dim_value <N> : i64[]
        %2 = graph.cast %1 : i64[] to f32[]
        %3 = graph.div %x, %2 : f32[N,M], f32[])"},
    {"Pack", "%x: f32[20,3], %y: f32[2,32]",
     R"(%0 = graph.pack %x axis 0 tile 16 : f32[20,3]
        %1 = graph.pack %y axis 1 tile 16 : f32[2,32])"},
    {"ChainOfMovement", "%x: f32[N,4,6]",
     R"(%0 = graph.transpose %x [0, 2, 1] : f32[N,4,6]
        %1 = graph.slice %0 starts <0, 1, 0> sizes <N, 3, 4> steps [1, 2, 1] : f32[N,6,4]
        %2 = graph.pad %1 low [0, 0, 1] high [0, 0, 0] {mode = #graph<pad_mode constant>, value = 2.0} : f32[N,3,4]
        %3 = graph.reshape %2 : f32[N,3,5] to f32[N,15]
        %4 = graph.tanh %3 : f32[N,15]
        %5 = graph.transpose %4 [1, 0] : f32[N,15])"},
};
INSTANTIATE_TEST_SUITE_P(Movement, Ops, ::testing::ValuesIn(movement), nameOf);

/// Whole functions: what a function may return.
class Functions : public ::testing::TestWithParam<Case> {};
TEST_P(Functions, ComputesWhatTheEvaluatorSays) {
  auto module = parseModule(GetParam().body);
  ASSERT_TRUE(module);
  check(*module, runs());
}
const Case functions[] = {
    {"ReturnsItsArgument", "",
     R"(func.func @main(%x: f32[N,3]) -> f32[N,3] { return %x : f32[N,3] })"},
    {"ReturnsArgumentsTwice", "",
     R"(func.func @main(%x: f32[N,3], %y: i64[M]) -> (f32[N,3], i64[M], f32[N,3]) {
          return %x, %y, %x : f32[N,3], i64[M], f32[N,3] })"},
    {"ReturnsAConstant", "",
     R"(func.func @main(%x: f32[N,3]) -> (f32[2], f32[2], f32[N,3]) {
          %c = graph.constant dense<[1.5, 2.5]> : f32[2]
          %y = graph.neg %x : f32[N,3]
          return %c, %c, %y : f32[2], f32[2], f32[N,3] })"},
    {"ReturnsAValueTwice", "",
     R"(func.func @main(%x: f32[N,3]) -> (f32[N,3], f32[N,3], f32[N * 3]) {
          %y = graph.tanh %x : f32[N,3]
          %z = graph.reshape %y : f32[N,3] to f32[N * 3]
          return %y, %y, %z : f32[N,3], f32[N,3], f32[N * 3] })"},
    {"ReturnsAReshapedArgument", "",
     R"(func.func @main(%x: f32[N,4]) -> (f32[N,2,2], f32[N,4]) {
          %y = graph.reshape %x : f32[N,4] to f32[N,2,2]
          %z = graph.neg %x : f32[N,4]
          return %y, %z : f32[N,2,2], f32[N,4] })"},
    {"ReturnsASlice", "",
     R"(func.func @main(%x: f32[N,4]) -> (f32[N,2], f32[N,4]) {
          %t = graph.tanh %x : f32[N,4]
          %y = graph.slice %t starts <0, 1> sizes <N, 2> steps [1, 1] : f32[N,4]
          return %y, %t : f32[N,2], f32[N,4] })"},
    {"ReturnsAConcatAndItsPart", "",
     R"(func.func @main(%x: f32[N,4]) -> (f32[N,8], f32[N,4]) {
          %t = graph.tanh %x : f32[N,4]
          %y = graph.concat %x, %t axis 1 : f32[N,4], f32[N,4]
          return %y, %t : f32[N,8], f32[N,4] })"},
};
INSTANTIATE_TEST_SUITE_P(Results, Functions, ::testing::ValuesIn(functions),
                         nameOf);

TEST(Errors, NameTheOperation) {
  auto module = makeModule(
      "%x: f32[N,5]",
      "%0 = graph.pad %x low [1, 0] high [0, 0] {mode = #graph<pad_mode edge>, "
      "value = 0.0} : f32[N,5]");
  EXPECT_EQ(
      compileError(*module),
      "'graph.pad' has no kernel in mode edge over a dim of dynamic extent");
}

} // namespace
