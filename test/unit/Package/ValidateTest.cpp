//===- ValidateTest.cpp - packages that must be refused -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each test breaks one thing in a valid package and expects one line that says
// what. The bytes are well formed, so only the reader's own checks stand there.
//
//===----------------------------------------------------------------------===//

#include "Sample.h"
#include "actnet/Package/Reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace actnet;
using namespace actnet::pkg;
using namespace actnet::pkg::test;
using ::testing::HasSubstr;

namespace {

/// What the reader says after `damage` (of a Sample) was done; "ok" if nothing.
template <typename Damage> std::string verdict(Damage damage) {
  Sample sample;
  damage(sample);
  std::vector<std::byte> bytes = sample.bytes();
  Expected<Reader> reader = Reader::openMemory(bytes, "p");
  if (reader)
    return "ok";
  std::string message(reader.status().message());
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_EQ(message.rfind("'p': ", 0), 0u) << message;
  return message;
}

Block &body(Sample &sample) { return *sample.function().body; }

TEST(Validate, AcceptsTheSample) {
  EXPECT_EQ(verdict([](Sample &) {}), "ok");
}

TEST(Validate, Dims) {
  EXPECT_THAT(verdict([](Sample &s) { s.interface.dims[0]->lower = 9; }),
              HasSubstr("dim 'N' has bounds 9 to 8"));
  EXPECT_THAT(verdict([](Sample &s) { s.interface.dims[0]->name = ""; }),
              HasSubstr("dim without a name"));
  EXPECT_THAT(verdict([](Sample &s) { s.interface.dims[0]->name = "a\nb"; }),
              HasSubstr("control character"));
}

TEST(Validate, Expressions) {
  EXPECT_THAT(verdict([](Sample &s) {
                s.interface.exprs.emplace_back(0, 500, 0, ExprOp::Add);
              }),
              HasSubstr("reads an expression that is not before it"));
  EXPECT_THAT(verdict([](Sample &s) {
                s.interface.exprs.emplace_back(0, 1, 0, ExprOp::Sym);
              }),
              HasSubstr("dim 1 does not exist; there are 1"));
  EXPECT_THAT(verdict([](Sample &s) {
                s.interface.functions[0]->inputs[0]->shape[0] = 99;
              }),
              HasSubstr("function 'main': input 'x': its shape names "
                        "expression 99"));
}

TEST(Validate, Weights) {
  EXPECT_THAT(verdict([](Sample &s) { s.interface.weights[1]->bytes = 101; }),
              HasSubstr("weight 1 ('w.b'): ends at byte 64 + 101 of a section "
                        "of 164"));
  EXPECT_THAT(verdict([](Sample &s) {
                s.interface.weights[1]->offset = ~uint64_t(63);
              }),
              HasSubstr("ends at byte"));
  EXPECT_THAT(verdict([](Sample &s) { s.interface.weights[1]->offset = 8; }),
              HasSubstr("not aligned"));
  EXPECT_THAT(verdict([](Sample &s) { s.interface.variables[0]->initial = 2; }),
              HasSubstr("its initial weight does not exist"));
}

TEST(Validate, Functions) {
  EXPECT_THAT(verdict([](Sample &s) { s.plan.functions.clear(); }),
              HasSubstr("function 'main' has no plan"));
  EXPECT_THAT(verdict([](Sample &s) { s.function().function = 1; }),
              HasSubstr("function 1 does not exist"));
  EXPECT_THAT(verdict([](Sample &s) { s.function().streams = 0; }),
              HasSubstr("0 streams"));
  EXPECT_THAT(
      verdict([](Sample &s) { s.interface.functions[0]->variables = {7}; }),
      HasSubstr("variable 7 does not exist"));
  EXPECT_THAT(verdict([](Sample &s) { s.plan.target = "cuda:0/nonsense"; }),
              "ok");
  EXPECT_THAT(verdict([](Sample &s) { s.plan.images[0]->section = "code.x"; }),
              HasSubstr("the code for x86-64-v3 is missing"));
}

TEST(Validate, Buffers) {
  auto with = [](auto damage) {
    return verdict([&](Sample &s) { damage(s.function().buffers); });
  };
  EXPECT_THAT(with([](auto &b) { b[4]->size = 99; }),
              HasSubstr("buffer 4: its size is expression 99"));
  EXPECT_THAT(with([](auto &b) { b[4]->alignment = 48; }),
              HasSubstr("alignment 48"));
  EXPECT_THAT(with([](auto &b) { b[6]->root = 6; }),
              HasSubstr("buffer 6: its root does not exist"));
  EXPECT_THAT(with([](auto &b) {
                b[5]->root = 6; // and 6 is a view of 5: a circle
                b[5]->offset = 0;
              }),
              HasSubstr("buffer 5: its root is itself a view"));
  EXPECT_THAT(with([](auto &b) { b[6]->root = 0; }),
              HasSubstr("in another region"));
  EXPECT_THAT(with([](auto &b) { b[6]->offset = none; }),
              HasSubstr("its offset is expression"));
  EXPECT_THAT(with([](auto &b) { b[2]->binding = 2; }),
              HasSubstr("it is bound to 2"));
  EXPECT_THAT(with([](auto &b) { b[4]->binding = 0; }),
              HasSubstr("a buffer in scratch is not bound"));
  EXPECT_THAT(with([](auto &b) { b[1]->region = Region::Scratch; }),
              HasSubstr("a buffer in scratch is not bound"));
  EXPECT_THAT(with([](auto &b) {
                b[1]->region = Region::Scratch;
                b[1]->binding = none;
              }),
              HasSubstr("output 'y' has 0 buffers instead of one"));
  EXPECT_THAT(with([](auto &b) { b[4]->region = Region(9); }),
              HasSubstr("unknown region"));
}

TEST(Validate, Records) {
  auto with = [](auto damage) {
    return verdict([&](Sample &s) { damage(body(s).records); });
  };
  EXPECT_THAT(with([](auto &r) { r[0]->body.AsLaunch()->kernel = 3; }),
              HasSubstr("function 'main': record 0: kernel 3 does not exist"));
  EXPECT_THAT(with([](auto &r) { r[0]->body.AsLaunch()->operands[0] = 9; }),
              HasSubstr("buffer 9 does not exist"));
  EXPECT_THAT(with([](auto &r) { r[0]->body.AsLaunch()->operands[2] = 2; }),
              HasSubstr("buffer 2 is a weight and cannot be written"));
  EXPECT_THAT(with([](auto &r) { r[0]->body.AsLaunch()->operands.pop_back(); }),
              HasSubstr("2 operands instead of 3"));
  EXPECT_THAT(with([](auto &r) { r[0]->body.AsLaunch()->tiles = 99; }),
              HasSubstr("its number of tiles"));
  EXPECT_THAT(with([](auto &r) { r[0]->stream = 1; }),
              HasSubstr("stream 1 of 1"));
  EXPECT_THAT(with([](auto &r) { std::swap(r[1], r[2]); }),
              HasSubstr("record 1: awaits signal 0, which is not given"));
  EXPECT_THAT(with([](auto &r) { r[3]->body.AsFill()->width = 3; }),
              HasSubstr("fills with 3 bytes"));
  EXPECT_THAT(with([](auto &r) {
                r[4]->body.AsBranch()->blocks[1]->records[0]->stream = 5;
              }),
              HasSubstr("record 6: stream 5 of 1"));
  EXPECT_THAT(with([](auto &r) { r[4]->body.AsBranch()->type = DType::F32; }),
              HasSubstr("neither bool nor integer"));
  EXPECT_THAT(with([](auto &r) { r[4]->body.AsBranch()->blocks.clear(); }),
              HasSubstr("a branch with 0 blocks"));
  EXPECT_THAT(with([](auto &r) { r[5]->body.AsLoop()->trips = none; }),
              HasSubstr("neither rounds nor condition"));
  EXPECT_THAT(with([](auto &r) { r[5]->body.AsLoop()->carried[0] = 50; }),
              HasSubstr("buffer 50 does not exist"));
  EXPECT_THAT(with([](auto &r) { r.pop_back(); }),
              HasSubstr("its last record is not a reply"));
  EXPECT_THAT(with([](auto &r) { std::swap(r[0], r[7]); }),
              HasSubstr("behind the reply"));
  EXPECT_THAT(with([](auto &r) {
                r[5]->body.AsLoop()->body->records.push_back(
                    makeRecord(Reply{}));
              }),
              HasSubstr("a reply inside a nested block"));
}

TEST(Validate, ASignalInsideABlockIsUnknownOutside) {
  EXPECT_THAT(verdict([](Sample &s) {
                auto &records = body(s).records;
                records[4]->body.AsBranch()->blocks[0]->records.push_back(
                    std::move(records[1]));
                records[1] = makeRecord(Reply{});
                records[1]->body = {};
                records[1]->body.Set(Await{});
                std::swap(records[1], records[6]);
                records.erase(records.begin() + 1, records.begin() + 3);
              }),
              HasSubstr("which is not given before"));
}

TEST(Validate, BlocksNestToALimit) {
  auto nested = [](unsigned depth) {
    return verdict([&](Sample &s) {
      Block *at = &body(s);
      for (unsigned i = 0; i < depth; ++i) {
        Loop loop;
        loop.trips = 0;
        loop.body = std::make_unique<Block>();
        Block *inner = loop.body.get();
        at->records.insert(at->records.begin(), makeRecord(std::move(loop)));
        at = inner;
      }
    });
  };
  EXPECT_EQ(nested(30), "ok");
  EXPECT_NE(nested(33), "ok");
  EXPECT_NE(nested(2000), "ok");
}

TEST(Validate, NamesThatAreOnlyShownBecomeOneLine) {
  Sample sample;
  sample.interface.weights[0]->name = "layer\n0";
  sample.function().buffers[4]->name = "t\t0";
  std::vector<std::byte> bytes = sample.bytes();
  Expected<Reader> reader = Reader::openMemory(bytes, "p");
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->interface().weights[0]->name, "layer?0");
  EXPECT_EQ(reader->plans()[0]->functions[0]->buffers[4]->name, "t?0");
  EXPECT_THAT(verdict([](Sample &s) { s.plan.kernels[0]->symbol = "k\n"; }),
              HasSubstr("not one line"));
}

TEST(Validate, MemoryPlans) {
  auto with = [](auto damage) {
    return verdict([&](Sample &s) {
      ASSERT_TRUE(planAll(s.interface, s.plan));
      damage(s.plan, *s.function().memory);
    });
  };
  EXPECT_EQ(with([](Plan &, MemoryPlan &) {}), "ok");
  EXPECT_THAT(with([](Plan &, MemoryPlan &m) { m.offsets[4] = m.offsets[5]; }),
              HasSubstr("function 'main': memory plan: buffer"));
  EXPECT_THAT(with([](Plan &, MemoryPlan &m) { m.scratch_bytes = 0; }),
              HasSubstr("ends beyond the 0 bytes of scratch"));
  EXPECT_THAT(with([](Plan &p, MemoryPlan &) { p.state_offsets[0] = 64; }),
              HasSubstr("variable 'state' lies at 64 of the state"));
  EXPECT_THAT(with([](Plan &p, MemoryPlan &) { p.state_bytes = 0; }),
              HasSubstr("the state has 0 bytes"));
}

} // namespace
