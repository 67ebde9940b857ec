//===- TGraphTest.cpp - readiness and the cost of bringing back -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Memory/TGraph.h"

#include <gtest/gtest.h>

using namespace actnet::mem;

namespace {

using Ids = std::vector<uint32_t>;
using Step = TGraph::Step;

/// in -> A -> a; a -> B -> b; a, b -> C -> c
struct Diamond {
  TGraph graph;
  uint32_t in = graph.addBuffer(), a = graph.addBuffer(), b = graph.addBuffer(),
           c = graph.addBuffer();
  uint32_t opA = add({in}, {a}, 5), opB = add({a}, {b}, 7),
           opC = add({a, b}, {c}, 11);

  uint32_t add(Ids operands, Ids results, uint64_t cost) {
    return *graph.addOp(operands, results, cost);
  }
  Ids ready() {
    Ids out;
    graph.takeReady(out);
    return out;
  }
};

TEST(TGraph, AnOperationIsReadyWhenAllOperandsAreThere) {
  Diamond d;
  EXPECT_EQ(d.ready(), Ids{});
  d.graph.markPresent(d.in);
  EXPECT_EQ(d.ready(), Ids{d.opA});
  EXPECT_EQ(d.ready(), Ids{});
  d.graph.finish(d.opA);
  EXPECT_EQ(d.ready(), Ids{d.opB});
  d.graph.finish(d.opB);
  EXPECT_EQ(d.ready(), Ids{d.opC});
}

TEST(TGraph, AnOperationWithoutOperandsIsReadyAtOnce) {
  TGraph graph;
  uint32_t b = graph.addBuffer();
  uint32_t op = *graph.addOp({}, Ids{b}, 1);
  Ids out;
  graph.takeReady(out);
  EXPECT_EQ(out, Ids{op});
}

TEST(TGraph, ADroppedOperandMakesItWait) {
  Diamond d;
  d.graph.markPresent(d.in);
  d.graph.finish(d.opA);
  d.graph.finish(d.opB);
  d.graph.drop(d.a);
  EXPECT_FALSE(d.graph.isReady(d.opC));
  EXPECT_EQ(d.ready(), Ids{});
  d.graph.markPresent(d.a);
  // C again, but neither A nor B, which have run.
  EXPECT_EQ(d.ready(), Ids{d.opC});
  d.graph.finish(d.opC);
  d.graph.drop(d.a);
  d.graph.markPresent(d.a);
  EXPECT_EQ(d.ready(), Ids{});
}

TEST(TGraph, BringingBackCountsSharedWorkOnce) {
  Diamond d;
  d.graph.markPresent(d.in);
  // c needs a twice, directly and through b: 5 + 7 + 11.
  EXPECT_EQ(d.graph.restoreCost(d.c), 23u);
  EXPECT_EQ(*d.graph.restoreSteps(d.c),
            (std::vector<Step>{
                {Step::run, d.opA}, {Step::run, d.opB}, {Step::run, d.opC}}));
  d.graph.markPresent(d.a);
  EXPECT_EQ(d.graph.restoreCost(d.c), 18u);
  EXPECT_EQ(d.graph.restoreCost(d.a), 0u);
  EXPECT_TRUE(d.graph.restoreSteps(d.a)->empty());
}

TEST(TGraph, ACopyIsTakenWhereItIsCheaper) {
  Diamond d;
  d.graph.markPresent(d.in);
  d.graph.setCopyCost(d.b, 3);
  EXPECT_EQ(d.graph.restoreCost(d.b), 3u);
  EXPECT_EQ(d.graph.restoreCost(d.c), 5u + 3u + 11u);
  d.graph.setCopyCost(d.b, 100);
  EXPECT_EQ(d.graph.restoreCost(d.b), 12u);
  // An input comes back only from a copy.
  d.graph.drop(d.in);
  EXPECT_FALSE(d.graph.restoreCost(d.a));
  EXPECT_FALSE(d.graph.restoreSteps(d.a));
  d.graph.setCopyCost(d.in, 2);
  EXPECT_EQ(*d.graph.restoreSteps(d.a),
            (std::vector<Step>{{Step::copy, d.in}, {Step::run, d.opA}}));
}

TEST(TGraph, OneRunBringsBackAllResults) {
  TGraph graph;
  uint32_t x = graph.addBuffer(), y = graph.addBuffer(), z = graph.addBuffer();
  uint32_t split = *graph.addOp({}, Ids{x, y}, 4);
  uint32_t join = *graph.addOp(Ids{x, y}, Ids{z}, 1);
  EXPECT_EQ(graph.restoreCost(z), 5u);
  EXPECT_EQ(*graph.restoreSteps(z),
            (std::vector<Step>{{Step::run, split}, {Step::run, join}}));
}

TEST(TGraph, AChainOfAHundredThousandIsNoStackOverflow) {
  TGraph graph;
  uint32_t at = graph.addBuffer();
  graph.markPresent(at);
  for (int i = 0; i < 100000; ++i) {
    uint32_t next = graph.addBuffer();
    ASSERT_TRUE(graph.addOp(Ids{at}, Ids{next}, 1));
    at = next;
  }
  EXPECT_EQ(graph.restoreCost(at), 100000u);
}

TEST(TGraph, RefusesCyclesAndSecondMakers) {
  Diamond d;
  EXPECT_FALSE(d.graph.addOp({}, Ids{d.a}, 1));
  EXPECT_FALSE(d.graph.addOp(Ids{d.c}, Ids{d.in}, 1)); // in is read by A
  uint32_t fresh = d.graph.addBuffer();
  EXPECT_FALSE(d.graph.addOp(Ids{fresh}, Ids{fresh}, 1));
  EXPECT_FALSE(d.graph.addOp(Ids{99}, Ids{fresh}, 1));
  EXPECT_TRUE(d.graph.addOp(Ids{d.c}, Ids{fresh}, 1));
}

} // namespace
