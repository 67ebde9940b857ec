//===- PlannerTest.cpp - planners, lower bound, verifier ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Memory/Planner.h"
#include "Problems.h"
#include "actnet/Memory/Verifier.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

using namespace actnet;
using namespace actnet::mem;

namespace {

/// Every pair and every position, straight from the definitions.
bool isRight(const Problem &problem, const Plan &plan) {
  uint64_t last = 0, bound = 0;
  for (const BufferSpec &b : problem.buffers)
    last = std::max(last, b.last);
  for (uint64_t at = 0; at <= last; ++at) {
    uint64_t live = 0;
    for (const BufferSpec &b : problem.buffers)
      live += b.first <= at && at <= b.last ? b.size : 0;
    bound = std::max(bound, live);
  }
  if (bound != plan.lowerBound || plan.peak < bound)
    return false;
  for (size_t i = 0; i < problem.buffers.size(); ++i) {
    const BufferSpec &x = problem.buffers[i];
    if (plan.offsets[i] % x.alignment != 0 ||
        (x.size > 0 && plan.offsets[i] + x.size > plan.peak))
      return false;
    for (size_t j = 0; j < i; ++j) {
      const BufferSpec &y = problem.buffers[j];
      bool sameTime = x.first <= y.last && y.first <= x.last;
      bool sameBytes = plan.offsets[i] < plan.offsets[j] + y.size &&
                       plan.offsets[j] < plan.offsets[i] + x.size;
      if (sameTime && sameBytes && x.size > 0 && y.size > 0)
        return false;
    }
  }
  return true;
}

rc::Gen<Problem> anyProblem() {
  auto buffer = rc::gen::map(
      rc::gen::tuple(
          rc::gen::inRange<uint64_t>(0, 300), rc::gen::inRange<unsigned>(0, 7),
          rc::gen::inRange<uint64_t>(0, 30), rc::gen::inRange<uint64_t>(0, 12)),
      [](std::tuple<uint64_t, unsigned, uint64_t, uint64_t> t) {
        auto [size, shift, first, length] = t;
        return BufferSpec{size, uint64_t(1) << shift, first, first + length};
      });
  return rc::gen::map(rc::gen::container<std::vector<BufferSpec>>(buffer),
                      [](std::vector<BufferSpec> buffers) {
                        return Problem{std::move(buffers)};
                      });
}

TEST(Planner, ReachesTheLowerBoundOfAChain) {
  // a -> b -> c -> d: two neighbours live at once, at most 300 + 200 bytes.
  Problem problem{{{100, 1, 0, 1}, {300, 1, 1, 2}, {200, 1, 2, 3}}};
  Expected<Plan> plan = planGreedy(problem);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->lowerBound, 500u);
  EXPECT_EQ(plan->peak, 500u);
  EXPECT_TRUE(verify(problem, *plan));
}

TEST(Planner, FillsTheGapThatFitsBest) {
  // By start, buffers 1 and 3 leave gaps of 64 and 32 bytes; 5 fits the second.
  Problem problem{{{64, 1, 0, 9},
                   {64, 1, 0, 3},
                   {64, 1, 0, 9},
                   {32, 1, 0, 3},
                   {64, 1, 0, 9},
                   {32, 1, 4, 9},
                   {64, 1, 4, 9}}};
  Expected<Plan> plan = planGreedy(problem);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->peak, 288u);
  EXPECT_EQ(plan->lowerBound, 288u);
}

TEST(Planner, KeepsAlignment) {
  Problem problem{{{1, 1, 0, 0}, {64, 64, 0, 0}, {1, 1, 0, 0}}};
  Expected<Plan> plan = planGreedy(problem);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->offsets[1] % 64, 0u);
  EXPECT_EQ(plan->peak, 66u);
}

TEST(Planner, AcceptsNothingAndBuffersWithoutBytes) {
  Expected<Plan> empty = planGreedy({});
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->peak, 0u);
  Problem problem{{{0, 64, 0, 5}, {0, 64, 0, 5}}};
  Expected<Plan> plan = planGreedy(problem);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->peak, 0u);
  EXPECT_TRUE(verify(problem, *plan));
}

TEST(Planner, RefusesWhatCannotBePlanned) {
  EXPECT_FALSE(planGreedy({{{8, 1, 3, 2}}}));
  EXPECT_FALSE(planGreedy({{{8, 0, 0, 1}}}));
  EXPECT_FALSE(planGreedy({{{8, 48, 0, 1}}}));
  Expected<Plan> plan = planGreedy({{{~uint64_t(0), 1, 0, 1}}});
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.status().code(), StatusCode::outOfRange);
  uint64_t half = uint64_t(1) << 62;
  EXPECT_FALSE(planGreedy({{{half, 1, 0, 0}, {half, 1, 5, 5}}}));
}

TEST(Planner, GivesTheSamePlanTwice) {
  Problem problem = randomProblem(7, 400, 20, 300);
  Expected<Plan> one = planGreedy(problem), two = planGreedy(problem);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->offsets, two->offsets);
}

TEST(Planner, PlansTwentyThousandBuffersWithinItsWork) {
  // A budget of nothing still gives a right plan, from the pass by start.
  Problem problem = randomProblem(3, 20000, 40, 20000);
  for (uint64_t work : {uint64_t(0), GreedyOptions().work}) {
    Expected<Plan> plan = makeGreedyPlanner({work, 12})->plan(problem);
    ASSERT_TRUE(plan);
    EXPECT_TRUE(verify(problem, *plan));
  }
}

TEST(Planner, ManyBuffersAtOnceDoNotExhaustIt) {
  // 10 000 live at a time on average: 10^8 pairs of neighbours.
  Problem problem = randomProblem(5, 20000, 20000, 20000);
  Expected<Plan> plan = planGreedy(problem);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(verify(problem, *plan));
}

RC_GTEST_PROP(PlannerProperty, EveryPlanIsRightAndVerified, ()) {
  Problem problem = *anyProblem();
  Expected<Plan> plan = planGreedy(problem);
  RC_ASSERT(plan.isOk());
  RC_ASSERT(isRight(problem, *plan));
  RC_ASSERT(verify(problem, *plan).isOk());
  RC_ASSERT(plan->peak >= plan->lowerBound);
  RC_ASSERT(lowerBound(problem) == plan->lowerBound);
}

RC_GTEST_PROP(PlannerProperty, TheVerifierAgreesWithTheDefinition, ()) {
  Problem problem = *anyProblem();
  Expected<Plan> plan = planGreedy(problem);
  RC_ASSERT(plan.isOk());
  RC_PRE(!problem.buffers.empty());
  // Move one buffer anywhere, often onto another.
  size_t moved = *rc::gen::inRange<size_t>(0, problem.buffers.size());
  plan->offsets[moved] = *rc::gen::inRange<uint64_t>(0, plan->peak + 2);
  RC_CLASSIFY(!isRight(problem, *plan), "broken");
  RC_ASSERT(verify(problem, *plan).isOk() == isRight(problem, *plan));
}

TEST(Verifier, NamesBothBuffersOfAnOverlap) {
  Problem problem{{{10, 1, 0, 4}, {10, 1, 4, 8}}};
  Plan plan{{0, 5}, 20, 20};
  Status status = verify(problem, plan);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.message(),
            "memory plan: buffer 1 (bytes 5 to 15, alive 4 to 8) overlaps "
            "buffer 0 (bytes 0 to 10, alive 0 to 4)");
}

TEST(Verifier, FindsAnOverlapOfOneByte) {
  Problem problem{{{10, 1, 0, 4}, {10, 1, 0, 4}}};
  EXPECT_TRUE(verify(problem, {{0, 10}, 20, 20}));
  EXPECT_TRUE(verify(problem, {{10, 0}, 20, 20}));
  EXPECT_FALSE(verify(problem, {{0, 9}, 20, 20}));
  EXPECT_FALSE(verify(problem, {{9, 0}, 20, 20}));
}

TEST(Verifier, AcceptsSharedBytesAtDifferentTimes) {
  Problem problem{{{10, 1, 0, 3}, {10, 1, 4, 8}}};
  EXPECT_TRUE(verify(problem, {{0, 0}, 10, 10}));
}

TEST(Verifier, FindsEveryKindOfMistake) {
  Problem problem{{{10, 8, 0, 3}, {10, 8, 2, 8}}};
  EXPECT_TRUE(verify(problem, {{0, 16}, 26, 20}));
  EXPECT_FALSE(verify(problem, {{0}, 26, 20}));     // an offset missing
  EXPECT_FALSE(verify(problem, {{0, 12}, 26, 20})); // not aligned
  EXPECT_FALSE(verify(problem, {{0, 16}, 25, 20})); // beyond the peak
  EXPECT_FALSE(verify(problem, {{0, 16}, 26, 19})); // bound too low
  EXPECT_FALSE(verify(problem, {{0, 16}, 26, 26})); // bound too high
  EXPECT_FALSE(verify(problem, {{0, ~uint64_t(7)}, 26, 20})); // wraps around
  EXPECT_FALSE(verify(problem, {{8, 0}, 26, 20})); // overlap from below
  EXPECT_FALSE(verify(problem, {{0, 0}, 26, 20})); // same place
}

} // namespace
