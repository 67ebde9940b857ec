//===- SystemTest.cpp - actors on threads and from a seed -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "actnet/Runtime/Actor/System.h"
#include "actnet/Runtime/Actor/SimulatedSystem.h"

#include <gtest/gtest.h>
#include <thread>
#include <vector>

using namespace actnet;
using namespace actnet::rt;

namespace {

constexpr int64_t longNs = int64_t(20) * 1000 * 1000 * 1000;
enum : MessageKind { ask = 10, answer, hold, letGo, laterPlease, quitNow };

/// Answers `ask` with the same payload; keeps `hold` until `letGo`.
class Echo final : public Actor {
public:
  void handle(const Message &message) override {
    switch (message.kind) {
    case ask:
      reply(message);
      break;
    case hold:
      held.push_back(message);
      break;
    case letGo:
      for (const Message &each : held)
        reply(each);
      held.clear();
      break;
    case laterPlease:
      system().sendAt(system().nowNs() + message.as<int64_t>(), message.from,
                      Message::make(answer, message.request));
      break;
    case quitNow:
      quit();
      break;
    }
  }
  void handleLate(const Message &message) override {
    if (message.kind == ask)
      reply(message, 1);
  }

private:
  void reply(const Message &message, uint64_t late = 0) {
    Message back = Message::make(answer, message.request, late);
    back.from = self();
    system().send(message.from, back, Delivery::always);
    system().answered(self());
  }
  std::vector<Message> held;
};

Message from(const Client &client, MessageKind kind, uint64_t request = 0) {
  Message message = Message::make(kind, request);
  message.from = client.id();
  return message;
}

class ThreadedSystemTest : public testing::TestWithParam<bool> {
protected:
  void SetUp() override {
    system = *ThreadedSystem::create(2);
    client = *system->createClient();
    echo = *system->spawn(std::make_unique<Echo>(), 2);
  }
  bool here() const { return GetParam(); }
  std::unique_ptr<ThreadedSystem> system;
  std::unique_ptr<Client> client;
  ActorId echo = nobody;
};

TEST_P(ThreadedSystemTest, answersManyRequestsInOrder) {
  Message message;
  for (uint64_t i = 1; i <= 5000; ++i) {
    ASSERT_EQ(
        system->send(echo, from(*client, ask, i), Delivery::request, here()),
        Sent::yes);
    ASSERT_TRUE(client->receive(message, longNs));
    ASSERT_EQ(message.request, i);
  }
}

TEST_P(ThreadedSystemTest, refusesWhatIsTooMuchAndTellsWhenThereIsRoom) {
  auto send = [&](MessageKind kind, uint64_t request) {
    return system->send(echo, from(*client, kind, request), Delivery::request,
                        here());
  };
  EXPECT_EQ(send(hold, 1), Sent::yes);
  EXPECT_EQ(send(hold, 2), Sent::yes);
  EXPECT_EQ(send(hold, 3), Sent::busy);
  system->send(echo, from(*client, letGo), Delivery::always, here());
  unsigned credits = 0, answers = 0;
  Message message;
  while (credits < 1 || answers < 2) {
    ASSERT_TRUE(client->receive(message, longNs));
    (message.kind == creditMessage ? credits : answers) += 1;
  }
  EXPECT_EQ(send(ask, 4), Sent::yes);
}

TEST_P(ThreadedSystemTest, answersWhatComesAfterAnActorHasQuit) {
  system->send(echo, from(*client, quitNow), Delivery::always, here());
  ASSERT_EQ(
      system->send(echo, from(*client, ask, 9), Delivery::request, here()),
      Sent::yes);
  Message message;
  ASSERT_TRUE(client->receive(message, longNs));
  EXPECT_EQ(message.request, 9u);
  EXPECT_EQ(message.as<uint64_t>(), 1u);
}

TEST_P(ThreadedSystemTest, firesTimersNotBeforeTheirTime) {
  int64_t begin = system->nowNs(), wait = 2 * 1000 * 1000;
  Message message = Message::make(laterPlease, 3, wait);
  message.from = client->id();
  system->send(echo, message, Delivery::always, here());
  ASSERT_TRUE(client->receive(message, longNs));
  EXPECT_EQ(message.request, 3u);
  EXPECT_GE(system->nowNs(), begin + wait);
}

TEST_P(ThreadedSystemTest, servesSeveralThreadsAtOnce) {
  ActorId shared = *system->spawn(std::make_unique<Echo>(), 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      auto own = *system->createClient();
      Message message;
      for (uint64_t i = 1; i <= 2000; ++i) {
        system->send(shared, from(*own, ask, i), Delivery::request, here());
        ASSERT_TRUE(own->receive(message, longNs));
        ASSERT_EQ(message.request, i);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
}

INSTANTIATE_TEST_SUITE_P(Delivery, ThreadedSystemTest, testing::Bool(),
                         [](const auto &info) {
                           return info.param ? "here" : "byWorker";
                         });

TEST(ThreadedSystem, saysThatNobodyIsThere) {
  auto system = *ThreadedSystem::create(1);
  EXPECT_EQ(system->send(17, Message::make(ask), Delivery::always), Sent::gone);
  EXPECT_EQ(system->send(nobody, Message::make(ask), Delivery::always),
            Sent::gone);
}

TEST(SimulatedSystem, jumpsToTheNextTimerWhenNothingElseHappens) {
  SimulatedSystem system(1);
  ActorId echo = *system.spawn(std::make_unique<Echo>(), 0);
  int64_t hour = int64_t(3600) * 1000 * 1000 * 1000;
  system.sendAt(hour, echo, Message::make(letGo));
  EXPECT_TRUE(system.run(10));
  EXPECT_GE(system.nowNs(), hour);
}

} // namespace
