//===- LifetimesTest.cpp - lifetimes over nested blocks -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Sample.h"
#include "actnet/Memory/Planner.h"
#include "actnet/Memory/Verifier.h"

#include <gtest/gtest.h>

using namespace actnet;
using namespace actnet::pkg;
using namespace actnet::pkg::test;

namespace {

/// A plan under construction: five buffers of 64 bytes in scratch and kernels
/// that move one into another.
struct Builder {
  Plan plan;
  FunctionPlan function;
  Block *block;
  std::vector<Range> exprs = {{64, 64}, {0, 0}, {32, 32}};
  enum { move, update, make };

  Builder() {
    plan.kernels.push_back(makeKernel("move", {Access::Read, Access::Write}));
    plan.kernels.push_back(makeKernel("update", {Access::ReadWrite}));
    plan.kernels.push_back(makeKernel("make", {Access::Write}));
    for (const char *name : {"a", "b", "c", "d", "e"})
      function.buffers.push_back(makeBuffer(name, Region::Scratch, 0));
    function.body = std::make_unique<Block>();
    block = function.body.get();
  }

  void add(uint32_t kernel, std::vector<uint32_t> operands) {
    block->records.push_back(launch(kernel, std::move(operands)));
  }

  /// Adds a loop, in which `fill` adds records.
  template <typename Fill>
  void loop(Fill fill, std::vector<uint32_t> carried = {}) {
    Loop body;
    body.trips = 0;
    body.carried = std::move(carried);
    body.body = std::make_unique<Block>();
    Block *outer = block;
    block = body.body.get();
    fill();
    block = outer;
    block->records.push_back(makeRecord(std::move(body)));
  }

  template <typename Then, typename Else>
  void branch(uint32_t condition, Then then, Else otherwise) {
    Branch body;
    body.condition = condition;
    Block *outer = block;
    body.blocks.push_back(std::make_unique<Block>());
    block = body.blocks.back().get();
    then();
    body.blocks.push_back(std::make_unique<Block>());
    block = body.blocks.back().get();
    otherwise();
    block = outer;
    block->records.push_back(makeRecord(std::move(body)));
  }

  std::pair<uint64_t, uint64_t> life(uint32_t id) const {
    Lifetime life = computeLifetimes(plan, function)[id];
    EXPECT_TRUE(life.used);
    return {life.first, life.last};
  }
};

using Span = std::pair<uint64_t, uint64_t>;

TEST(Lifetimes, RunFromFirstToLastUse) {
  Builder b;
  b.add(Builder::make, {0});    // 0
  b.add(Builder::move, {0, 1}); // 1
  b.add(Builder::move, {1, 2}); // 2
  EXPECT_EQ(b.life(0), Span(0, 1));
  EXPECT_EQ(b.life(1), Span(1, 2));
  EXPECT_EQ(b.life(2), Span(2, 2));
  EXPECT_FALSE(computeLifetimes(b.plan, b.function)[3].used);
}

TEST(Lifetimes, AViewKeepsItsRootAlive) {
  Builder b;
  b.function.buffers.push_back(makeView("v", Region::Scratch, 0, 2, 2)); // 5
  b.add(Builder::make, {0});
  b.add(Builder::make, {1});
  b.add(Builder::move, {5, 2});
  EXPECT_EQ(b.life(0), Span(0, 2));
  EXPECT_EQ(b.life(5), Span(0, 2));
}

TEST(Lifetimes, BlocksOfABranchFollowEachOther) {
  Builder b;
  b.add(Builder::make, {0}); // 0
  b.branch(
      0,                                      // 1
      [&] { b.add(Builder::move, {0, 1}); },  // 2
      [&] { b.add(Builder::move, {0, 1}); }); // 3
  b.add(Builder::move, {1, 2});               // 4
  EXPECT_EQ(b.life(0), Span(0, 3));
  EXPECT_EQ(b.life(1), Span(2, 4));
}

TEST(Lifetimes, AValueFromOutsideLivesThroughTheLoop) {
  Builder b;
  b.add(Builder::make, {0});      // 0
  b.loop([&] {                    // 1
    b.add(Builder::move, {0, 1}); // 2: reads the outer value first of all
    b.add(Builder::move, {1, 2}); // 3
    b.add(Builder::make, {3});    // 4
  });
  EXPECT_EQ(b.life(0), Span(0, 4));
  // Values of one round stay within it.
  EXPECT_EQ(b.life(1), Span(2, 3));
  EXPECT_EQ(b.life(3), Span(4, 4));
}

TEST(Lifetimes, AValueForOutsideLivesThroughTheLoop) {
  Builder b;
  b.loop([&] {                    // 0
    b.add(Builder::make, {0});    // 1
    b.add(Builder::move, {0, 1}); // 2
  });
  b.add(Builder::move, {1, 2}); // 3
  EXPECT_EQ(b.life(0), Span(1, 1 + 1));
  EXPECT_EQ(b.life(1), Span(0, 3));
}

TEST(Lifetimes, AValueReadBeforeItIsWrittenIsCarried) {
  Builder b;
  b.loop([&] {                    // 0
    b.add(Builder::make, {4});    // 1
    b.add(Builder::move, {0, 1}); // 2: what the last round wrote
    b.add(Builder::move, {1, 0}); // 3
    b.add(Builder::make, {3});    // 4
  });
  EXPECT_EQ(b.life(0), Span(0, 4));
  EXPECT_EQ(b.life(1), Span(2, 3));
}

TEST(Lifetimes, AnUpdateInPlaceIsCarried) {
  Builder b;
  b.loop([&] {                   // 0
    b.add(Builder::make, {3});   // 1
    b.add(Builder::update, {0}); // 2
    b.add(Builder::make, {4});   // 3
  });
  EXPECT_EQ(b.life(0), Span(0, 3));
}

TEST(Lifetimes, AWriteOfAPartMayCarryTheRest) {
  Builder b;
  b.function.buffers.push_back(makeView("v", Region::Scratch, 0, 2, 1)); // 5
  b.function.buffers.push_back(makeView("w", Region::Scratch, 1, 0, 1)); // 6
  b.loop([&] {                                                           // 0
    b.add(Builder::make, {3});                                           // 1
    b.add(Builder::make, {5});    // 2: half of buffer 0
    b.add(Builder::make, {6});    // 3: all of buffer 1
    b.add(Builder::move, {0, 2}); // 4
    b.add(Builder::move, {1, 2}); // 5
    b.add(Builder::make, {4});    // 6
  });
  EXPECT_EQ(b.life(0), Span(0, 6));
  EXPECT_EQ(b.life(1), Span(3, 5));
}

TEST(Lifetimes, AWriteInOneBlockOfABranchMayBeSkipped) {
  Builder b;
  b.loop([&] {                 // 0
    b.add(Builder::make, {4}); // 1
    b.branch(
        4, // 2
        [&] {
          b.add(Builder::make, {0});   // 3
          b.add(Builder::make, {1});   // 4: used in this block only
          b.add(Builder::update, {1}); // 5
        },
        [&] {});
    b.add(Builder::move, {0, 2}); // 6: may read what an older round wrote
    b.add(Builder::make, {3});    // 7
  });
  EXPECT_EQ(b.life(0), Span(0, 7));
  EXPECT_EQ(b.life(1), Span(4, 5));
}

TEST(Lifetimes, CarriedBuffersAndTheConditionLiveThroughTheLoop) {
  Builder b;
  b.loop(
      [&] {                        // 0
        b.add(Builder::make, {0}); // 1
        b.add(Builder::make, {1}); // 2
        b.add(Builder::make, {2}); // 3
      },
      {0});
  Loop &loop = *b.function.body->records[0]->body.AsLoop();
  loop.condition = 1;
  EXPECT_EQ(b.life(0), Span(0, 3));
  EXPECT_EQ(b.life(1), Span(0, 3));
  EXPECT_EQ(b.life(2), Span(3, 3));
}

TEST(Lifetimes, InnerLoopsExtendWithinOuterOnes) {
  Builder b;
  b.loop([&] {                      // 0
    b.add(Builder::make, {0});      // 1
    b.loop([&] {                    // 2
      b.add(Builder::move, {0, 1}); // 3
      b.add(Builder::make, {4});    // 4
    });
    b.add(Builder::make, {3}); // 5
  });
  // Written anew in each outer round, so it lives through the inner loop only.
  EXPECT_EQ(b.life(0), Span(1, 4));
  EXPECT_EQ(b.life(1), Span(3, 3));
}

TEST(Lifetimes, OnSeveralStreamsTheOrderOfRecordsSaysNothing) {
  Builder b;
  b.function.streams = 2;
  b.add(Builder::make, {0});
  b.add(Builder::move, {0, 1});
  b.add(Builder::make, {2});
  EXPECT_EQ(b.life(0), Span(0, 2));
  EXPECT_EQ(b.life(2), Span(0, 2));
}

TEST(PlanProblem, HoldsScratchRootsOnly) {
  Builder b;
  b.function.buffers.push_back(makeView("v", Region::Scratch, 0, 2, 2)); // 5
  b.function.buffers.push_back(makeBuffer("w", Region::Weight, 0, 0));   // 6
  b.add(Builder::make, {5});
  b.add(Builder::move, {6, 1});
  Expected<ScratchProblem> problem = planProblem(b.plan, b.function, b.exprs);
  ASSERT_TRUE(problem);
  // Buffers 2 to 4 are not used at all.
  EXPECT_EQ(problem->buffers, (std::vector<uint32_t>{0, 1}));
  EXPECT_EQ(problem->problem.buffers[0].size, 64u);
  EXPECT_EQ(problem->problem.buffers[0].alignment, 64u);
}

TEST(PlanProblem, RefusesASizeWithoutBound) {
  Builder b;
  b.add(Builder::make, {0});
  b.exprs[0] = {0, unbounded};
  Expected<ScratchProblem> problem = planProblem(b.plan, b.function, b.exprs);
  ASSERT_FALSE(problem);
  EXPECT_EQ(problem.status().code(), StatusCode::failedPrecondition);
  EXPECT_EQ(problem.status().message(),
            "buffer 0 ('a'): its size has no upper bound");
}

TEST(PlanMemory, SharesBytesBetweenRoundsButNotAcrossThem) {
  Builder b;
  b.loop([&] {                    // 0
    b.add(Builder::make, {1});    // 1
    b.add(Builder::move, {1, 2}); // 2
    b.add(Builder::make, {3});    // 3: may lie where 1 or 2 lay
    b.add(Builder::update, {0});  // 4: carried, shares with nothing
  });
  Expected<std::unique_ptr<MemoryPlan>> memory =
      planMemory(b.plan, b.function, b.exprs, {});
  ASSERT_TRUE(memory);
  EXPECT_EQ((*memory)->scratch_bytes, 192u);
  EXPECT_EQ((*memory)->scratch_lower_bound, 192u);
  for (int id : {1, 2, 3})
    EXPECT_NE((*memory)->offsets[0], (*memory)->offsets[id]);
}

TEST(PlanMemory, PlansAWholeFunctionAndVerifiesIt) {
  Sample sample;
  ASSERT_TRUE(planAll(sample.interface, sample.plan));
  const FunctionPlan &function = sample.function();
  ASSERT_TRUE(function.memory);
  const MemoryPlan &memory = *function.memory;
  // N is at most 8: x and y are 512 bytes each, side by side in the ring.
  EXPECT_EQ(memory.slot_bytes, 1024u);
  EXPECT_EQ(sample.plan.state_bytes, 64u);
  // t0 and t1 (512 each) meet in the branch, which has read the flag by then.
  EXPECT_EQ(memory.scratch_lower_bound, 1024u);
  std::vector<Range> exprs =
      exprRanges(sample.interface.exprs, dimRanges(sample.interface));
  auto verdict = [&](const MemoryPlan &m) {
    return verifyMemory(sample.interface, sample.plan, function, m, exprs,
                        sample.plan.state_offsets, sample.plan.state_bytes)
        .isOk();
  };
  EXPECT_TRUE(verdict(memory));
  // Every kind of damage is found.
  MemoryPlan broken = memory;
  broken.offsets[4] = broken.offsets[5]; // t0 on t1
  EXPECT_FALSE(verdict(broken));
  broken = memory;
  broken.offsets[1] = broken.offsets[0]; // output on input
  EXPECT_FALSE(verdict(broken));
  broken = memory;
  broken.offsets[3] += 64; // off its variable
  EXPECT_FALSE(verdict(broken));
  broken = memory;
  broken.scratch_bytes -= 1;
  EXPECT_FALSE(verdict(broken));
  broken = memory;
  broken.slot_bytes -= 1;
  EXPECT_FALSE(verdict(broken));
  broken = memory;
  broken.offsets.pop_back();
  EXPECT_FALSE(verdict(broken));
}

TEST(PlanMemory, StaysAwayWithoutBound) {
  Sample sample;
  sample.interface.dims[0]->upper = -1;
  ASSERT_TRUE(planAll(sample.interface, sample.plan));
  EXPECT_FALSE(sample.function().memory);
  // State does not depend on N.
  EXPECT_EQ(sample.plan.state_bytes, 64u);
  // Once N is known the runtime plans for itself.
  std::vector<Range> dims = {{3, 3}};
  std::vector<Range> exprs = exprRanges(sample.interface.exprs, dims);
  Expected<std::unique_ptr<MemoryPlan>> memory = planMemory(
      sample.plan, sample.function(), exprs, sample.plan.state_offsets);
  ASSERT_TRUE(memory);
  EXPECT_EQ((*memory)->slot_bytes, 384u);
}

TEST(CheckSizes, AcceptsTheBoundsAndRefusesWhatReachesBeyond) {
  Sample sample;
  auto check = [&](int64_t n) {
    std::vector<int64_t> dims = {n};
    return checkSizes(sample.interface, sample.function(),
                      ExprValues(sample.interface.exprs, dims));
  };
  EXPECT_TRUE(check(1));
  EXPECT_TRUE(check(8));
  EXPECT_TRUE(check(0));
  EXPECT_EQ(check(-1).message(), "buffer 0 ('x'): its size is -64");
  EXPECT_FALSE(check(int64_t(1) << 62));
  // The view of the upper half is made to start at the end.
  sample.function().buffers[6]->offset = sample.function().buffers[5]->size;
  Status status = check(8);
  EXPECT_EQ(status.message(),
            "buffer 6 ('t1.hi'): the view of bytes 512 and 256 more reaches "
            "beyond its root's 512 bytes");
}

TEST(CheckSizes, RefusesWeightsAndCopiesThatAreTooSmall) {
  Sample sample;
  std::vector<int64_t> dims = {8};
  auto check = [&] {
    return checkSizes(sample.interface, sample.function(),
                      ExprValues(sample.interface.exprs, dims));
  };
  sample.function().buffers[2]->size = sample.function().buffers[0]->size;
  EXPECT_FALSE(check());
  Sample copies;
  copies.function().body->records[6]->body.AsCopy()->src = 8;
  Status status = checkSizes(copies.interface, copies.function(),
                             ExprValues(copies.interface.exprs, dims));
  EXPECT_EQ(status.message(), "record 11: moves 512 bytes of buffer 8 ('t2'), "
                              "which has 256");
}

} // namespace
