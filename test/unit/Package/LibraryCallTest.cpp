//===- LibraryCallTest.cpp - what a record says to a library --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Package/LibraryCall.h"
#include "Sample.h"
#include "actnet/Package/Lifetimes.h"
#include "actnet/Package/Reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace actnet;
using namespace actnet::pkg;
using namespace actnet::pkg::test;
using ::testing::HasSubstr;

namespace {

MatmulConfig simple() {
  return *parseMatmulConfig("d=2:f32 a=1:f32 b=0:f32", 3);
}

TEST(MatmulConfig, IsTheSameAfterPrintingAndParsing) {
  for (const char *text :
       {"d=2:f32 a=1:f32 b=0:f32", "d=3:f32 a=1:f16 b=0:f16:t bias=2:f32 relu",
        "d=3:bf16 a=1:bf16:t b=0:bf16 bias=2:bf16 alpha=0.125 gelu",
        "d=2:f16 a=0:f16 b=0:f16 alpha=-1e-07"}) {
    auto config = parseMatmulConfig(text, 4);
    ASSERT_TRUE(config) << config.status().str();
    EXPECT_EQ(toText(*config), text);
  }
}

std::string wrong(const char *text) {
  auto config = parseMatmulConfig(text, 4);
  EXPECT_FALSE(config) << text;
  return config ? "" : config.status().str();
}

TEST(MatmulConfig, SaysWhatItDoesNotUnderstand) {
  EXPECT_THAT(wrong("d=2:f32 a=1:f32"), HasSubstr("lacks matrix b"));
  EXPECT_THAT(wrong("d=2:f32 a=1:f32 a=1:f32 b=0:f32"), HasSubstr("twice"));
  EXPECT_THAT(wrong("d=9:f32 a=1:f32 b=0:f32"), HasSubstr("4 operands"));
  EXPECT_THAT(wrong("d=2:f32 a=1:f32 b=0:f32 tanh"), HasSubstr("'tanh'"));
  EXPECT_THAT(wrong("d=2:f32 a=1:f32 b=0:f32:x"), HasSubstr("'b=0:f32:x'"));
  EXPECT_THAT(wrong("d=2:f32 a=1:f32 b=:f32"), HasSubstr("'b=:f32'"));
  EXPECT_THAT(wrong("d=2:f32 a=1:f32 b=0:f31"), HasSubstr("'b=0:f31'"));
  EXPECT_THAT(wrong("d=2:f32 a=1:f32 b=0:f32 alpha=nan"), HasSubstr("alpha"));
  EXPECT_THAT(wrong("d=2:f32 a=1:f32 b=0:f32 relu gelu"),
              HasSubstr("two activations"));
  EXPECT_THAT(wrong("d=2:f32  a=1:f32 b=0:f32"), HasSubstr("''"));
}

TEST(MatmulConfig, TakesTheTypesThatTheLibraryCombines) {
  EXPECT_TRUE(parseMatmulConfig("d=2:f32 a=1:bf16 b=0:bf16", 3));
  EXPECT_THAT(wrong("d=2:f16 a=1:f32 b=0:f32"), HasSubstr("combines"));
  EXPECT_THAT(wrong("d=2:f32 a=1:f16 b=0:f32"), HasSubstr("combines"));
  EXPECT_THAT(wrong("d=2:bf16 a=1:f16 b=0:f16"), HasSubstr("combines"));
  EXPECT_THAT(wrong("d=2:i32 a=1:i32 b=0:i32"), HasSubstr("combines"));
  EXPECT_THAT(wrong("d=3:f32 a=1:f16 b=0:f16 bias=2:f16"),
              HasSubstr("combines"));
  EXPECT_THAT(wrong("d=2:f32:t a=1:f32 b=0:f32"), HasSubstr("combines"));
}

/// What is said of 5 matrices 4x6 = 4x8 8x6, of f32, after a change.
std::string check(MatmulDim which, int64_t value, uint64_t lessRoom = 0) {
  //             rows columns inner batch ldA ldB ldD  strides
  int64_t dims[] = {4, 6, 8, 5, 4, 8, 4, 32, 48, 24};
  dims[size_t(which)] = value;
  const uint64_t bytes[] = {5 * 48 * 4, 5 * 32 * 4, 5 * 24 * 4 - lessRoom};
  return checkMatmul(simple(), dims, bytes).str();
}

TEST(CheckMatmul, HoldsEveryElementAgainstItsBuffer) {
  EXPECT_EQ(check(MatmulDim::rows, 4), "ok");
  EXPECT_THAT(check(MatmulDim::rows, 4, 1), HasSubstr("matrix D"));
  EXPECT_THAT(check(MatmulDim::rows, 5), HasSubstr("matrix A"));
  EXPECT_THAT(check(MatmulDim::columns, 7), HasSubstr("matrix B"));
  EXPECT_THAT(check(MatmulDim::inner, 9), HasSubstr("matrix A"));
  EXPECT_THAT(check(MatmulDim::batch, 6), HasSubstr("matrix A"));
  EXPECT_THAT(check(MatmulDim::ldB, 7), HasSubstr("matrix B"));
  EXPECT_THAT(check(MatmulDim::strideA, 33), HasSubstr("matrix A"));
  EXPECT_THAT(check(MatmulDim::strideB, INT64_MAX), HasSubstr("matrix B"));
  EXPECT_THAT(check(MatmulDim::ldD, -4), HasSubstr("negative"));
  EXPECT_THAT(check(MatmulDim::strideD, 20), HasSubstr("overlap"));
  EXPECT_EQ(check(MatmulDim::strideA, 0), "ok") << "one matrix for all";
  EXPECT_EQ(check(MatmulDim::columns, 0), "ok") << "nothing to do";
}

TEST(CheckMatmul, TakesResultsWhoseColumnsLieBetweenEachOther) {
  const int64_t dims[] = {4, 6, 8, 5, 4, 8, 20, 32, 48, 4};
  const uint64_t bytes[] = {5 * 48 * 4, 5 * 32 * 4, 5 * 24 * 4};
  EXPECT_EQ(checkMatmul(simple(), dims, bytes).str(), "ok");
}

/// Replaces the sample's first launch, of two operands, by a call.
Call &makeCall(Sample &s) {
  auto &records = s.function().body->records;
  for (auto &record : records)
    if (const Launch *launch = record->body.AsLaunch()) {
      Call call;
      call.library = "someLibrary";
      call.entry = "some";
      call.operands = launch->operands;
      call.access = s.plan.kernels[launch->kernel]->access;
      call.fallback = std::make_unique<Launch>(*launch);
      record = makeRecord(std::move(call));
      return *record->body.AsCall();
    }
  std::abort();
}

template <typename Damage> std::string verdict(Damage damage) {
  Sample sample;
  damage(sample, makeCall(sample));
  std::vector<std::byte> bytes = sample.bytes();
  Expected<Reader> reader = Reader::openMemory(bytes, "p");
  return reader ? "ok" : std::string(reader.status().message());
}

uint32_t addScratch(Sample &s) {
  auto buffer = std::make_unique<Buffer>();
  buffer->region = Region::Scratch;
  s.function().buffers.push_back(std::move(buffer));
  s.function().memory.reset();
  return uint32_t(s.function().buffers.size() - 1);
}

TEST(ValidateCall, TakesACallWithAKernelInItsPlace) {
  EXPECT_EQ(verdict([](Sample &, Call &) {}), "ok");
  EXPECT_EQ(
      verdict([](Sample &s, Call &call) { call.workspace = addScratch(s); }),
      "ok");
}

TEST(ValidateCall, RefusesWhatDoesNotFitTogether) {
  EXPECT_THAT(verdict([](Sample &, Call &c) { c.fallback->kernel = 99; }),
              HasSubstr("kernel 99 does not exist"));
  EXPECT_THAT(verdict([](Sample &, Call &c) { c.fallback->tiles = 9999; }),
              HasSubstr("expression 9999"));
  EXPECT_THAT(verdict([](Sample &, Call &c) {
                c.fallback->operands[0] = c.operands[1];
              }),
              HasSubstr("other operands"));
  EXPECT_THAT(verdict([](Sample &, Call &c) { c.workspace = 9999; }),
              HasSubstr("buffer 9999 does not exist"));
  EXPECT_THAT(verdict([](Sample &, Call &c) { c.workspace = c.operands[0]; }),
              HasSubstr("workspace"));
  EXPECT_THAT(verdict([](Sample &, Call &c) {
                c.library = "cublasLt";
                c.entry = "matmul";
                c.config = "?";
              }),
              HasSubstr("'?', which is not understood"));
  EXPECT_THAT(verdict([](Sample &, Call &c) {
                c.library = "cublasLt";
                c.entry = "matmul";
                c.config = "d=0:f32 a=0:f32 b=0:f32";
              }),
              HasSubstr("of 0 numbers instead of 10"));
}

TEST(Lifetimes, AWorkspaceLivesFromTheFirstCallToTheLast) {
  Sample s;
  uint32_t workspace = addScratch(s);
  makeCall(s).workspace = workspace;
  auto lives = computeLifetimes(s.plan, s.function());
  EXPECT_TRUE(lives[workspace].used);
  EXPECT_EQ(lives[workspace].first, lives[workspace].last);
  auto &records = s.function().body->records;
  auto again = std::make_unique<Record>(*records[lives[workspace].first]);
  records.insert(records.end() - 1, std::move(again));
  lives = computeLifetimes(s.plan, s.function());
  EXPECT_EQ(lives[workspace].last, countRecords(*s.function().body) - 2);
}

} // namespace
