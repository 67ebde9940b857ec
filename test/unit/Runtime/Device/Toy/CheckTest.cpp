//===- CheckTest.cpp - what a GPU leaves undefined is noticed -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Images.h"

#include <gtest/gtest.h>

using namespace actnet;
using namespace actnet::rt::toy;
using namespace actnet::rt::toy::testing;

namespace {

constexpr uint64_t seeds[] = {1, 2, 3, 4, 5, 6, 7, 8};

/// Runs `forms` on two operands of 64 words, the first of which is read.
Status runForm(int64_t form, int64_t index, bool written = true,
               Access first = Access::read, Access second = Access::readWrite) {
  Bench bench;
  std::vector<uint32_t> words(64, 5);
  if (written) {
    bench.in(words);
    bench.inout(words);
  } else {
    bench.out<uint32_t>(64);
    bench.out<uint32_t>(64);
  }
  bench.operands[0].access = first;
  bench.operands[1].access = second;
  return bench.run("forms", 1, 32, {form, index});
}

Status runOrder(int64_t form, int64_t tiles, uint64_t seed) {
  Bench bench(seed);
  bench.inout(std::vector<uint32_t>(256, 5));
  return bench.run("orders", tiles, 64, {form});
}

Status runCopies(int64_t form, uint64_t seed, std::vector<uint32_t> *got) {
  Bench bench(seed);
  std::vector<uint32_t> words(256);
  for (size_t i = 0; i < words.size(); ++i)
    words[i] = uint32_t(i);
  bench.in(words);
  uint32_t *to = bench.out<uint32_t>(64);
  Status status = bench.run("copies", 1, 64, {form});
  if (got)
    got->assign(to, to + 64);
  return status;
}

::testing::AssertionResult says(const Status &status,
                                std::vector<std::string> parts) {
  if (status)
    return ::testing::AssertionFailure() << "no violation was found";
  if (status.str().find('\n') != std::string::npos)
    return ::testing::AssertionFailure() << "several lines: " << status.str();
  for (const std::string &part : parts)
    if (status.str().find(part) == std::string::npos)
      return ::testing::AssertionFailure()
             << "'" << part << "' is not in: " << status.str();
  return ::testing::AssertionSuccess();
}

constexpr int64_t readForms[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
constexpr int64_t writeForms[] = {20, 21, 22, 23, 24, 25, 26, 27, 28, 29};
constexpr int64_t bothForms[] = {40, 41, 42, 43, 44, 45};

} // namespace

TEST(ToyChecks, EveryFormOfAccessMayTouchItsOperand) {
  for (auto forms : {std::span<const int64_t>(readForms),
                     std::span<const int64_t>(writeForms),
                     std::span<const int64_t>(bothForms)})
    for (int64_t form : forms) {
      Status status = runForm(form, 8);
      EXPECT_TRUE(status) << form << ": " << status.str();
    }
  for (int64_t form : {60, 61, 63}) {
    Status status = runForm(form, 8);
    EXPECT_TRUE(status) << form << ": " << status.str();
  }
}

TEST(ToyChecks, EveryFormOfAccessIsSeenBehindItsOperand) {
  for (int64_t form : readForms)
    EXPECT_TRUE(says(runForm(form, 64),
                     {"kernel 'forms', block 0, thread 0: ", "read of ",
                      " bytes behind the end of operand 0 (256 bytes)"}))
        << form;
  for (int64_t form : writeForms)
    EXPECT_TRUE(says(runForm(form, 64), {"write of ", "behind the end of",
                                         "operand 1 (256 bytes)"}))
        << form;
  for (int64_t form : bothForms)
    EXPECT_TRUE(says(runForm(form, 64), {"operand 1 (256 bytes)"})) << form;
  // The last elements of wide ones.
  for (int64_t form : {3, 5, 6, 7, 23, 25, 26, 27, 28})
    EXPECT_TRUE(says(runForm(form, form == 5 || form == 25 ? 64 : 63), {}))
        << form;
  for (int64_t form : {0, 20})
    EXPECT_TRUE(
        says(runForm(form, -2), {"8 bytes before the beginning of operand "}))
        << form;
}

TEST(ToyChecks, EveryFormOfAccessIsSeenInSharedMemory) {
  for (int64_t form : {60, 61, 62, 63, 64, 65})
    EXPECT_TRUE(says(runForm(form, 64),
                     {"0 bytes behind the end of shared array 'tile' (256"}))
        << form;
}

TEST(ToyChecks, EveryFormOfReadIsSeenWhereNobodyWrote) {
  for (int64_t form : readForms)
    EXPECT_TRUE(
        says(runForm(form, 8, false),
             {"read of ", " of operand 0 (256 bytes) that nobody wrote"}))
        << form;
  for (int64_t form : bothForms)
    EXPECT_TRUE(says(runForm(form, 8, false), {"operand 1", "nobody wrote"}))
        << form;
  for (int64_t form : {62, 64, 65})
    EXPECT_TRUE(says(runForm(form, 8), {"shared array 'tile'", "nobody wrote"}))
        << form;
}

TEST(ToyChecks, RightsOfOperandsHold) {
  for (int64_t form : writeForms)
    EXPECT_TRUE(says(runForm(form, 8, true, Access::read, Access::read),
                     {"write of ", "operand 1", "declared to be only read"}))
        << form;
  for (int64_t form : readForms)
    EXPECT_TRUE(says(runForm(form, 8, true, Access::write),
                     {"read of ", "operand 0", "declared to be only written"}))
        << form;
  for (int64_t form : bothForms)
    EXPECT_TRUE(says(runForm(form, 8, true, Access::read, Access::write),
                     {"operand 1", "declared to be only written"}))
        << form;
}

TEST(ToyChecks, OrderedAccessesAreNoRace) {
  for (uint64_t seed : seeds)
    for (int64_t form : {0, 3, 6, 9, 11, 15, 16, 18, 19}) {
      Status status = runOrder(form, 2, seed);
      EXPECT_TRUE(status) << form << ": " << status.str();
    }
}

TEST(ToyChecks, RacesWithinABlockAreSeenInEveryOrder) {
  for (uint64_t seed : seeds) {
    for (int64_t form : {1, 2, 4, 5, 17})
      EXPECT_TRUE(says(runOrder(form, 1, seed),
                       {"race: ", "shared array 'tile'", "barrier"}))
          << form;
    for (int64_t form : {12, 13, 14})
      EXPECT_TRUE(says(runOrder(form, 1, seed), {"race: ", "operand 0"}))
          << form;
  }
}

TEST(ToyChecks, RacesBetweenBlocksAreSeenInEveryOrder) {
  for (uint64_t seed : seeds)
    for (int64_t form : {7, 8, 10})
      EXPECT_TRUE(says(runOrder(form, 2, seed),
                       {"race: ", "operand 0", "nothing orders the blocks"}))
          << form;
}

TEST(ToyChecks, MeetingsNeedEverybodyAtOnePlace) {
  auto run = [](int64_t form, uint64_t seed) {
    Bench bench(seed);
    bench.inout(std::vector<uint32_t>(64, 5));
    return bench.run("meetings", 1, 64, {form});
  };
  for (uint64_t seed : seeds) {
    EXPECT_TRUE(says(run(0, seed), {"waits in barrier at WrongKernels.cu:",
                                    "but thread 7 has ended"}));
    EXPECT_TRUE(
        says(run(1, seed), {"barrier at WrongKernels.cu:", "waits in"}));
    EXPECT_TRUE(says(run(2, seed), {"a shuffle at ", "for all lanes, but"}));
    EXPECT_TRUE(says(run(3, seed), {"warpBarrier at ", "has ended"}));
    EXPECT_TRUE(run(4, seed));
    EXPECT_TRUE(says(run(5, seed), {"a shuffle at ", "a vote at "}));
    EXPECT_TRUE(says(run(6, seed), {"barrier at ", "warpBarrier at "}));
  }
}

TEST(ToyChecks, AsynchronousCopiesArriveBetweenIssueAndWait) {
  for (uint64_t seed : seeds) {
    std::vector<uint32_t> got;
    Status status = runCopies(0, seed, &got);
    ASSERT_TRUE(status) << status.str();
    for (uint32_t t = 0; t < 64; ++t)
      EXPECT_EQ(got[t], 4 * (63 - t));
    status = runCopies(7, seed, &got);
    ASSERT_TRUE(status) << status.str();
    EXPECT_EQ(got[3], 0u);
    EXPECT_TRUE(says(runCopies(1, seed, nullptr),
                     {"read of ", "asynchronous copy may still write"}));
    EXPECT_TRUE(says(runCopies(2, seed, nullptr),
                     {"write of ", "asynchronous copy may still write"}));
    EXPECT_TRUE(says(runCopies(3, seed, nullptr), {"asynchronous copy"}));
    EXPECT_TRUE(says(runCopies(4, seed, nullptr), {"asynchronous copy"}));
    // Seen as a race, or as bytes that are not there, by who comes first.
    EXPECT_TRUE(says(runCopies(5, seed, nullptr), {"read of ", "'tile'"}));
  }
}

TEST(ToyChecks, MisalignedVectorsAreSeen) {
  for (int64_t form : {3, 4, 5, 23, 24, 25})
    EXPECT_TRUE(says(runForm(form, 7), {"not aligned to its size"})) << form;
  EXPECT_TRUE(says(runForm(9, 7), {"no 16-byte aligned global memory"}));
  EXPECT_TRUE(says(runForm(63, 7), {"no 16-byte aligned shared memory"}));
}

TEST(ToyChecks, DynamicSharedMemoryIsAsLargeAsTheLaunchSays) {
  auto run = [](int64_t words, uint32_t bytes) {
    Bench bench;
    bench.out<uint32_t>(1);
    return bench.run("dynamic", 1, 32, {words}, bytes);
  };
  EXPECT_TRUE(run(100, 400));
  EXPECT_TRUE(says(run(101, 400), {"behind the end of dynamic shared memory"}));
  EXPECT_TRUE(says(run(1, 0), {"dynamic shared memory"}));
  EXPECT_TRUE(says(run(1, 300000), {"300000 bytes of shared memory"}));
}

TEST(ToyChecks, TheSeedChoosesTheOrder) {
  auto run = [](uint64_t seed) {
    Bench bench(seed);
    bench.inout(std::vector<uint32_t>{0});
    uint32_t *tickets = bench.out<uint32_t>(256);
    EXPECT_TRUE(bench.run("tickets", 4, 64));
    return std::vector<uint32_t>(tickets, tickets + 256);
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST(ToyChecks, WithoutOperandsAllocationsBound) {
  Bench bench;
  bench.inout(std::vector<uint32_t>(256, 5));
  auto entry = image().find("orders");
  ASSERT_TRUE(entry);
  const void *at = bench.operands[0].base;
  for (int64_t form : {16, 7}) {
    void *arguments[] = {&at, &form};
    Status status = bench.engine.run({*entry, 2, 64, 0, arguments, {}});
    if (form == 16)
      EXPECT_TRUE(status) << status.str();
    else
      EXPECT_TRUE(says(status, {"race: write of 4 bytes at offset 0 of an "
                                "allocation (1024 bytes)"}));
  }
}

TEST(ToyChecks, OverlappingOperandsShareTheirRights) {
  // The second half of what is read is also written, in place.
  Bench bench;
  auto *words = bench.in(std::vector<uint32_t>(64, 5));
  bench.operands.push_back({words + 32, 128, Access::write, false});
  EXPECT_TRUE(bench.run("forms", 1, 32, {6, 28})); // across the cut
  EXPECT_TRUE(bench.run("forms", 1, 32, {26, 20}));
  EXPECT_TRUE(says(bench.run("forms", 1, 32, {20, 32}), {"write of 1 byte"}));
}

TEST(ToyChecks, FreshOperandsHoldNothing) {
  Bench bench;
  bench.in(std::vector<uint32_t>(64, 5));
  auto *out = bench.inout(std::vector<uint32_t>(64, 5));
  bench.operands[1].fresh = true;
  bench.operands[1].access = Access::write;
  EXPECT_TRUE(bench.run("forms", 1, 32, {22, 8}));
  EXPECT_TRUE(bench.engine.checkReadable(out + 8, 4));
  EXPECT_EQ(bench.engine.checkReadable(out, 256).code(), StatusCode::dataLoss);
}

TEST(ToyChecks, ImpossibleLaunchesAreRefused) {
  auto run = [](int64_t tiles, unsigned threads) {
    Bench bench;
    bench.inout(std::vector<uint32_t>(256, 5));
    return bench.run("orders", tiles, threads, {16}).code();
  };
  EXPECT_EQ(run(-1, 64), StatusCode::invalidArgument);
  EXPECT_EQ(run(int64_t(1) << 31, 64), StatusCode::invalidArgument);
  for (unsigned threads : {0u, 33u, 1056u})
    EXPECT_EQ(run(1, threads), StatusCode::invalidArgument);
  EXPECT_EQ(run(0, 64), StatusCode::ok);
  Bench bench;
  EXPECT_EQ(bench.run("noSuch", 1, 32).code(), StatusCode::notFound);
  uint32_t word = 0;
  bench.operands.push_back({&word, 4, Access::readWrite, false});
  EXPECT_TRUE(says(bench.run("orders", 1, 64, {16}),
                   {"operand 0: 4 bytes that are not device memory"}));
}

TEST(ToyChecks, AnIndexOutsideOfAnArrayInRegistersIsNoticed) {
  auto run = [](int64_t index) {
    Bench bench;
    bench.inout(std::vector<uint32_t>(1, 0));
    return bench.run("registers", 1, 32, {index});
  };
  EXPECT_TRUE(run(0));
  EXPECT_TRUE(run(2 * 8 + 3));
  // Outside of a row, though not of all rows.
  EXPECT_TRUE(says(run(4), {"kernel 'registers'", "block 0", "index 4",
                            "'u32[4]'", "WrongKernels.cu:"}));
  EXPECT_TRUE(says(run(3 * 8), {"index 3", "'u32[3][4]'"}));
}
