//===- ShadowMemTest.cpp - when memory may be taken -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Memory/ShadowMem.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

using namespace actnet::mem;

namespace {

constexpr Taker host = {};
constexpr Taker compute = {0}, upload = {1}, download = {2};

TEST(Timeline, CountsWhatWasSentAndWhatIsConfirmed) {
  Timeline time(2);
  EXPECT_EQ(time.send(0), 1u);
  EXPECT_EQ(time.send(0, 10), 11u);
  EXPECT_TRUE(time.confirm(0, 4));
  EXPECT_EQ(time.fast(0), 11u);
  EXPECT_EQ(time.slow(0), 4u);
  EXPECT_EQ(time.fast(1), 0u);
  // Neither the future nor backwards.
  EXPECT_FALSE(time.confirm(0, 12));
  EXPECT_FALSE(time.confirm(0, 3));
  EXPECT_EQ(time.slow(0), 4u);
}

TEST(Timeline, AStreamMayTakeByItsOwnOrder) {
  Timeline time(3);
  Use last = {0, time.send(0)};
  EXPECT_TRUE(time.isOver(last, compute));
  EXPECT_FALSE(time.isOver(last, upload));
  EXPECT_FALSE(time.isOver(last, host));
}

TEST(Timeline, AStreamMayTakeAfterASignalItAwaited) {
  Timeline time(3);
  Use last = {0, time.send(0)};
  std::vector<uint64_t> signal = time.clock(0);
  Use later = {0, time.send(0)};
  time.await(1, signal);
  EXPECT_TRUE(time.isOver(last, upload));
  EXPECT_FALSE(time.isOver(later, upload)); // sent after the signal
  EXPECT_FALSE(time.isOver(last, download));
  // What the second stream knows, its own signals carry on.
  time.send(1);
  time.await(2, time.clock(1));
  EXPECT_TRUE(time.isOver(last, download));
}

TEST(Timeline, TheHostMayTakeWhatIsConfirmed) {
  Timeline time(2);
  Use uses[] = {{0, time.send(0)}, {1, time.send(1)}};
  time.confirm(0, 1);
  EXPECT_FALSE(time.mayTake(uses, host));
  EXPECT_FALSE(time.mayTake(uses, compute));
  EXPECT_TRUE(time.mayTake(uses, upload));
  time.confirm(1, 1);
  EXPECT_TRUE(time.mayTake(uses, host));
  EXPECT_TRUE(time.mayTake({}, host));
}

TEST(ShadowMem, WhatIsReleasedIsFreeAtOnceForItsOwnStream) {
  ShadowMem memory(2, 256);
  uint64_t a = *memory.allocate(256, 64, compute);
  uint64_t last = memory.timeline().send(0);
  EXPECT_TRUE(memory.use(a, 0));
  EXPECT_TRUE(memory.release(a));
  EXPECT_FALSE(memory.allocate(64, 64, host));
  EXPECT_FALSE(memory.allocate(64, 64, upload));
  EXPECT_TRUE(memory.fitsLater(256, 64));
  EXPECT_FALSE(memory.fitsLater(257, 64));
  uint64_t b = *memory.allocate(64, 64, compute);
  EXPECT_EQ(b, a);
  // The rest comes free for the others with the confirmation.
  EXPECT_TRUE(memory.confirm(0, last));
  EXPECT_EQ(memory.slowShadow().bytes(), 192u);
  EXPECT_EQ(memory.allocate(192, 64, host), 64u);
  EXPECT_FALSE(memory.allocate(1, 1, host));
}

TEST(ShadowMem, AnotherStreamTakesAfterASignal) {
  ShadowMem memory(2, 256);
  uint64_t a = *memory.allocate(256, 64, compute);
  memory.timeline().send(0);
  memory.use(a, 0);
  memory.release(a);
  EXPECT_FALSE(memory.allocate(256, 64, upload));
  memory.timeline().await(1, memory.timeline().clock(0));
  EXPECT_EQ(memory.allocate(256, 64, upload), 0u);
  EXPECT_FALSE(memory.fitsLater(1, 1));
}

TEST(ShadowMem, ABlockNobodyUsedIsFreeForAll) {
  ShadowMem memory(1, 128);
  uint64_t a = *memory.allocate(128, 64, host);
  EXPECT_TRUE(memory.release(a));
  EXPECT_EQ(memory.slowShadow().bytes(), 128u);
  EXPECT_FALSE(memory.release(a));
  EXPECT_FALSE(memory.use(a, 0));
}

TEST(ShadowMem, TwoUsersInTurnKeepTheSlowShadowTaken) {
  ShadowMem memory(1, 128);
  uint64_t a = *memory.allocate(128, 64, compute);
  uint64_t first = memory.timeline().send(0);
  memory.use(a, 0);
  memory.release(a);
  uint64_t b = *memory.allocate(128, 64, compute);
  uint64_t second = memory.timeline().send(0);
  memory.use(b, 0);
  memory.release(b);
  memory.confirm(0, first);
  EXPECT_EQ(memory.slowShadow().bytes(), 0u); // the second may still write
  memory.confirm(0, second);
  EXPECT_EQ(memory.slowShadow().bytes(), 128u);
}

TEST(ShadowMem, AStreamFindsRoomAroundWhatIsNotOver) {
  ShadowMem memory(2, 512);
  uint64_t a = *memory.allocate(128, 64, compute);
  memory.timeline().send(0);
  memory.use(a, 0);
  memory.release(a);
  EXPECT_EQ(memory.allocate(128, 64, upload), 128u);
  EXPECT_EQ(memory.allocate(256, 64, upload), 256u);
  EXPECT_FALSE(memory.allocate(64, 64, upload));
}

/// A model that remembers, for every byte, every use not yet over for someone.
RC_GTEST_PROP(ShadowMemProperty, NobodyTakesBytesThatAreInUse, ()) {
  constexpr uint64_t capacity = 64;
  ShadowMem memory(2, capacity);
  struct Block {
    uint64_t at, size;
    std::vector<Use> uses;
  };
  std::vector<Block> live, released;
  for (auto [what, who, size] :
       *rc::gen::container<std::vector<std::tuple<int, uint32_t, uint64_t>>>(
           rc::gen::tuple(rc::gen::inRange(0, 6),
                          rc::gen::inRange<uint32_t>(0, 3),
                          rc::gen::inRange<uint64_t>(1, 24)))) {
    uint32_t stream = who % 2;
    if (what <= 1) {
      Taker taker = {who == 2 ? Taker::outside : stream};
      std::optional<uint64_t> at = memory.allocate(size, 4, taker);
      if (!at)
        continue;
      RC_ASSERT(*at + size <= capacity);
      for (const Block &b : live)
        RC_ASSERT((*at + size <= b.at || b.at + b.size <= *at));
      for (const Block &b : released)
        if (*at < b.at + b.size && b.at < *at + size)
          RC_ASSERT(memory.timeline().mayTake(b.uses, taker));
      live.push_back({*at, size, {}});
    } else if (what == 2 && !live.empty()) {
      Block &block = live[size % live.size()];
      block.uses.push_back({stream, memory.timeline().send(stream)});
      RC_ASSERT(memory.use(block.at, stream));
    } else if (what == 3 && !live.empty()) {
      size_t i = size % live.size();
      RC_ASSERT(memory.release(live[i].at));
      released.push_back(live[i]);
      live.erase(live.begin() + long(i));
    } else if (what == 4) {
      Timeline &time = memory.timeline();
      uint64_t more = (time.fast(stream) - time.slow(stream) + 1) / 2;
      RC_ASSERT(memory.confirm(stream, time.slow(stream) + more));
    } else if (what == 5) {
      memory.timeline().await(stream, memory.timeline().clock(1 - stream));
    }
  }
  // Once all is confirmed, the slow shadow has all that is not live.
  for (uint32_t stream : {0u, 1u})
    RC_ASSERT(memory.confirm(stream, memory.timeline().fast(stream)));
  uint64_t used = 0;
  for (const Block &b : live)
    used += b.size;
  RC_ASSERT(memory.slowShadow().bytes() == capacity - used);
  RC_ASSERT(memory.fastShadow().used() == used);
}

} // namespace
