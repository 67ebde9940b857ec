//===- MailboxTest.cpp - many writers, one reader -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "actnet/Runtime/Actor/Mailbox.h"

#include <gtest/gtest.h>
#include <thread>
#include <vector>

using namespace actnet::rt;

namespace {

TEST(Mailbox, givesMessagesInTheOrderOfOneWriter) {
  Mailbox mailbox(0);
  Message message;
  EXPECT_FALSE(mailbox.pop(message));
  for (uint64_t round = 0; round < 3; ++round) {
    for (uint64_t i = 0; i < 1000; ++i)
      mailbox.push(Message::make(5, i));
    for (uint64_t i = 0; i < 1000; ++i) {
      ASSERT_TRUE(mailbox.pop(message));
      ASSERT_EQ(message.request, i);
    }
    EXPECT_FALSE(mailbox.pop(message));
  }
}

TEST(Mailbox, boundsRequestsUntilTheyAreAnsweredAndNothingElse) {
  Mailbox mailbox(2);
  EXPECT_TRUE(mailbox.reserveRequest());
  mailbox.push(Message::make(1));
  EXPECT_TRUE(mailbox.reserveRequest());
  mailbox.push(Message::make(2));
  EXPECT_FALSE(mailbox.reserveRequest());
  mailbox.push(Message::make(3)); // a reply always gets in
  Message message;
  ASSERT_TRUE(mailbox.pop(message));
  EXPECT_FALSE(mailbox.reserveRequest()) << "read, but not answered";
  mailbox.releaseRequest();
  EXPECT_TRUE(mailbox.reserveRequest());
}

TEST(Mailbox, losesNothingAndKeepsEachWritersOrderBetweenThreads) {
  constexpr uint64_t writers = 4, each = 20000;
  Mailbox mailbox(0);
  std::vector<std::thread> threads;
  for (uint64_t w = 0; w < writers; ++w)
    threads.emplace_back([&, w] {
      for (uint64_t i = 0; i < each; ++i)
        mailbox.push(Message::make(MessageKind(w), i));
    });
  std::vector<uint64_t> next(writers, 0);
  Message message;
  for (uint64_t got = 0; got < writers * each;) {
    if (!mailbox.pop(message)) {
      std::this_thread::yield();
      continue;
    }
    ++got;
    ASSERT_EQ(message.request, next[message.kind]++);
  }
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_FALSE(mailbox.pop(message));
}

} // namespace
