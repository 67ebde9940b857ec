//===- AllocatorTest.cpp - SlotVec and Allocator --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Memory/Allocator.h"
#include "actnet/Memory/SlotVec.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <memory>
#include <vector>

using namespace actnet::mem;

namespace {

TEST(SlotVec, IdsStayWhileOthersComeAndGo) {
  SlotVec<int> slots;
  uint32_t a = slots.insert(10), b = slots.insert(20), c = slots.insert(30);
  EXPECT_TRUE(slots.erase(b));
  EXPECT_EQ(slots[a], 10);
  EXPECT_EQ(slots[c], 30);
  EXPECT_EQ(slots.find(b), nullptr);
  EXPECT_EQ(slots.insert(40), b);
  EXPECT_EQ(slots.size(), 3u);
}

TEST(SlotVec, IdsAreAsSmallAsTheMostValuesHeldAtOnce) {
  SlotVec<int> slots;
  for (int round = 0; round < 100; ++round) {
    uint32_t a = slots.insert(1), b = slots.insert(2);
    EXPECT_LT(std::max(a, b), 2u);
    slots.erase(a);
    slots.erase(b);
  }
  EXPECT_TRUE(slots.empty());
}

TEST(SlotVec, AnIdWithoutValueIsNotFound) {
  SlotVec<std::unique_ptr<int>> slots;
  EXPECT_FALSE(slots.erase(0));
  uint32_t id = slots.insert(std::make_unique<int>(5));
  EXPECT_EQ(**slots.take(id), 5);
  EXPECT_FALSE(slots.take(id));
  EXPECT_EQ(slots.find(99), nullptr);
  int visited = 0;
  slots.insert(std::make_unique<int>(6));
  slots.forEach(
      [&](uint32_t, std::unique_ptr<int> &value) { visited += *value; });
  EXPECT_EQ(visited, 6);
}

TEST(Allocator, SplitsAndMerges) {
  Allocator arena(1024);
  uint64_t a = *arena.allocate(256), b = *arena.allocate(256),
           c = *arena.allocate(512);
  EXPECT_FALSE(arena.allocate(1));
  EXPECT_EQ(arena.release(a), 256u);
  EXPECT_EQ(arena.release(c), 512u);
  EXPECT_EQ(arena.freeRanges().count(), 2u);
  EXPECT_FALSE(arena.allocate(768));
  EXPECT_EQ(arena.release(b), 256u);
  EXPECT_EQ(arena.freeRanges().count(), 1u);
  EXPECT_EQ(arena.freeRanges().largest(), 1024u);
  EXPECT_EQ(arena.allocate(1024), 0u);
  EXPECT_EQ(arena.peak(), 1024u);
}

TEST(Allocator, TakesTheTightestFit) {
  Allocator arena(1000);
  ASSERT_TRUE(arena.allocateAt(300, 100)); // leaves 300 before
  ASSERT_TRUE(arena.allocateAt(500, 500)); // and 100 between
  EXPECT_EQ(arena.allocate(90, 1), 400u);
  EXPECT_EQ(arena.allocate(200, 64), 0u);
}

TEST(Allocator, AlignmentMayCostARangeItsPlace) {
  Allocator arena(256);
  ASSERT_TRUE(arena.allocateAt(0, 1));
  ASSERT_TRUE(arena.allocateAt(65, 63)); // free: 1..65, 128..256
  // 64 bytes fit the tight range only without alignment.
  EXPECT_EQ(arena.allocate(64, 64), 128u);
  EXPECT_EQ(arena.allocate(64, 1), 1u);
}

TEST(Allocator, RefusesWhatIsTakenOrOutside) {
  Allocator arena(100);
  EXPECT_TRUE(arena.allocateAt(10, 20));
  EXPECT_FALSE(arena.allocateAt(29, 5));
  EXPECT_FALSE(arena.allocateAt(90, 11));
  EXPECT_FALSE(arena.allocateAt(~uint64_t(0), 2));
  EXPECT_FALSE(arena.allocate(~uint64_t(0), 64));
  EXPECT_FALSE(arena.release(11));
  EXPECT_FALSE(Allocator(0).allocate(0));
}

TEST(Allocator, BlocksWithoutBytesHaveOffsetsOfTheirOwn) {
  Allocator arena(128);
  uint64_t a = *arena.allocate(0), b = *arena.allocate(0);
  EXPECT_NE(a, b);
  EXPECT_TRUE(arena.release(a));
  EXPECT_TRUE(arena.release(b));
}

RC_GTEST_PROP(AllocatorProperty, BlocksNeverOverlapAndAllCanBeFreed, ()) {
  Allocator arena(4096);
  std::map<uint64_t, uint64_t> live;
  for (auto [size, shift, pick] :
       *rc::gen::container<std::vector<std::tuple<uint64_t, int, uint64_t>>>(
           rc::gen::tuple(rc::gen::inRange<uint64_t>(0, 700),
                          rc::gen::inRange(0, 8),
                          rc::gen::inRange<uint64_t>(0, 5000)))) {
    if (pick % 3 == 0 && !live.empty()) {
      auto it = live.lower_bound(pick);
      if (it == live.end())
        it = live.begin();
      RC_ASSERT(arena.release(it->first) == it->second);
      live.erase(it);
      continue;
    }
    uint64_t alignment = uint64_t(1) << shift;
    std::optional<uint64_t> at = arena.allocate(size, alignment);
    if (!at)
      continue;
    uint64_t taken = std::max<uint64_t>(size, 1);
    RC_ASSERT(*at % alignment == 0u);
    RC_ASSERT(*at + taken <= 4096u);
    auto next = live.lower_bound(*at);
    // In parentheses: RC_ASSERT takes expressions apart and evaluates all of
    // them.
    RC_ASSERT((next == live.end() || *at + taken <= next->first));
    RC_ASSERT((next == live.begin() ||
               std::prev(next)->first + std::prev(next)->second <= *at));
    live.emplace(*at, taken);
  }
  uint64_t used = 0;
  for (auto [at, size] : live)
    used += size;
  RC_ASSERT(arena.used() == used);
  for (auto [at, size] : live)
    RC_ASSERT(arena.release(at) == size);
  RC_ASSERT(arena.freeRanges().count() == 1u);
  RC_ASSERT(arena.freeRanges().largest() == 4096u);
}

} // namespace
