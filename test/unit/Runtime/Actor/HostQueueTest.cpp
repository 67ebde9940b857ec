//===- HostQueueTest.cpp - a queue on threads, with the host behind it ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "actnet/Runtime/Actor/StreamActor.h"
#include "actnet/Runtime/Device/Host.h"

#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>
#include <new>

using namespace actnet;
using namespace actnet::rt;

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define ACTNET_SANITIZED
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define ACTNET_SANITIZED
#endif

// Counts what the whole program takes from the heap. The sanitizers bring an
// operator new of their own; under them nothing is counted.
static std::atomic<uint64_t> heapAllocations{0};

#ifndef ACTNET_SANITIZED
void *operator new(size_t bytes) {
  heapAllocations.fetch_add(1, std::memory_order_relaxed);
  if (void *memory = std::malloc(bytes ? bytes : 1))
    return memory;
  std::abort();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, size_t) noexcept { std::free(memory); }
#endif

namespace {

constexpr int64_t longNs = int64_t(20) * 1000 * 1000 * 1000;

class HostQueue : public testing::Test {
protected:
  void SetUp() override {
    HostOptions options;
    options.threads = 2;
    device = *createHostDevice(options);
    memory = *DeviceMemory::allocate(*device, 4096, MemoryKind::device);
    stream = *device->createStream(StreamKind::compute);
    system = *ThreadedSystem::create(1);
    client = *system->createClient();
    QueueOptions queueOptions;
    queueOptions.capacity = 4;
    queueOptions.resources = 1;
    actor =
        *system->spawn(std::make_unique<StreamActor>(
                           *device, std::vector<DeviceStream *>{stream.get()},
                           tables, queueOptions),
                       queueOptions.capacity);
  }

  void TearDown() override {
    Message stop = Message::make(queue::stop, 1, queue::Stop{});
    ASSERT_EQ(send(stop, Delivery::always), Sent::yes);
    Message message;
    do
      ASSERT_TRUE(client->receive(message, longNs));
    while (message.kind != queue::stopped);
    stream.reset();
  }

  Sent send(Message message, Delivery delivery = Delivery::request) {
    message.from = client->id();
    return system->send(actor, message, delivery, true);
  }

  /// Sends a request and waits for its answer.
  queue::JobDone ask(const Message &message) {
    EXPECT_EQ(send(message), Sent::yes);
    Message reply;
    EXPECT_TRUE(client->receive(reply, longNs));
    EXPECT_EQ(reply.kind, MessageKind(queue::jobDone));
    EXPECT_EQ(reply.request, message.request);
    return reply.as<queue::JobDone>();
  }

  uint8_t *at(uint64_t offset) {
    return static_cast<uint8_t *>(memory.data()) + offset;
  }

  /// Fills [64, 72) with a, copies it on, then branches on the byte at 0:
  /// fills [192, 200) with b, or else with c; and, as the byte at 8 says, runs
  /// a loop that ends itself by clearing that byte.
  std::unique_ptr<PreparedJob> prepare(bool stepping) {
    JobSpec spec;
    spec.stepping = stepping;
    spec.reads = spec.writes = {0};
    JobSpec::Line first{0,
                        {FillRecord{at(64), 0xa, 1, 8},
                         CopyRecord{CopyKind::within, at(128), at(64), 8}}};
    JobSpec::Line left{0, {FillRecord{at(192), 0xb, 1, 8}}};
    JobSpec::Line right{0, {FillRecord{at(192), 0xc, 1, 8}}};
    JobSpec::Line body{
        0, {FillRecord{at(8), 0, 1, 1}, FillRecord{at(256), 0xd, 1, 8}}};
    spec.blocks = {
        {first, JobSpec::Branch{0, at(0), 1, 2}, JobSpec::Loop{0, at(8), 3}},
        {left},
        {right},
        {body}};
    DeviceStream *const streams[] = {stream.get()};
    auto job = PreparedJob::prepare(*device, streams, spec);
    EXPECT_TRUE(job) << job.status().str();
    return *std::move(job);
  }

  /// Walks a plan as `--step` does: one message per record.
  void stepThrough(const PreparedJob &job, uint32_t plan, uint32_t block) {
    const PreparedJob::Block &steps = job.blocks()[block];
    for (uint32_t s = 0; s < steps.size(); ++s) {
      for (uint32_t r = 0; r < steps[s].records.size(); ++r)
        ASSERT_EQ(ask(Message::make(queue::kernelLaunch, 5,
                                    queue::KernelLaunch{plan, block, s, r, 0}))
                      .code,
                  StatusCode::ok);
      auto condition = [&] {
        return ask(Message::make(queue::readBack, 6,
                                 queue::ReadBack{plan, block, s}))
            .value;
      };
      if (steps[s].kind == PreparedJob::StepKind::branch)
        stepThrough(job, plan,
                    condition() ? steps[s].then : steps[s].otherwise);
      else if (steps[s].kind == PreparedJob::StepKind::loop)
        while (condition())
          stepThrough(job, plan, steps[s].then);
    }
  }

  std::unique_ptr<Device> device;
  DeviceMemory memory;
  QueueTables tables;
  std::unique_ptr<DeviceStream> stream;
  std::unique_ptr<ThreadedSystem> system;
  std::unique_ptr<Client> client;
  ActorId actor = nobody;
};

TEST_F(HostQueue, stepsToTheSameBytesAsOneJob) {
  auto job = prepare(true);
  EXPECT_EQ(job->recordCount(), 6u);
  uint32_t plan = tables.addPlan(job.get());
  for (int given = 0; given < 4; ++given) {
    std::vector<uint8_t> results[2];
    for (int stepping = 0; stepping < 2; ++stepping) {
      std::memset(memory.data(), 0, 4096);
      *at(0) = given & 1;
      *at(8) = uint8_t(given >> 1);
      if (stepping)
        stepThrough(*job, plan, 0);
      else
        EXPECT_EQ(
            ask(Message::make(queue::runJob, 4, queue::RunJob{plan})).code,
            StatusCode::ok);
      results[stepping].assign(at(0), at(4096));
      EXPECT_EQ(*at(128), 0xa);
      EXPECT_EQ(*at(192), given & 1 ? 0xb : 0xc);
      EXPECT_EQ(*at(256), given >> 1 ? 0xd : 0);
    }
    EXPECT_EQ(results[0], results[1]);
  }
}

TEST_F(HostQueue, allocatesNothingFromTheSecondJobOn) {
  auto job = prepare(false);
  uint32_t plan = tables.addPlan(job.get());
  auto runMany = [&](unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      *at(8) = 1;
      // Without the macros of GoogleTest, which allocate.
      queue::JobDone done =
          ask(Message::make(queue::runJob, 3, queue::RunJob{plan}));
      if (done.code != StatusCode::ok)
        ADD_FAILURE() << tables.takeFailure(done.failure).str();
    }
  };
  runMany(1);
#ifndef ACTNET_SANITIZED
  EXPECT_GT(heapAllocations.load(), 0u);
#endif
  uint64_t before = heapAllocations.load();
  uint64_t deviceBefore = device->memoryStats().allocations;
  runMany(999);
  EXPECT_EQ(heapAllocations.load(), before);
  EXPECT_EQ(device->memoryStats().allocations, deviceBefore);
}

TEST_F(HostQueue, lendsARingSlotUntilItIsGivenBack) {
  auto job = prepare(false);
  uint32_t plan = tables.addPlan(job.get());
  queue::RunJob lending{plan};
  lending.lend = 1;
  for (uint64_t i = 1; i <= 4; ++i)
    EXPECT_EQ(ask(Message::make(queue::runJob, i, lending)).code,
              StatusCode::ok);
  Message another = Message::make(queue::runJob, 5, lending);
  EXPECT_EQ(send(another), Sent::busy);
  EXPECT_EQ(send(Message::make(queue::giveBack, 1), Delivery::always),
            Sent::yes);
  Message credit;
  ASSERT_TRUE(client->receive(credit, longNs));
  EXPECT_EQ(credit.kind, creditMessage);
  EXPECT_EQ(ask(another).code, StatusCode::ok);
}

TEST_F(HostQueue, refusesWhatItDoesNotKnow) {
  auto textOf = [&](const Message &message) {
    return tables.takeFailure(ask(message).failure).str();
  };
  EXPECT_EQ(textOf(Message::make(queue::runJob, 1, queue::RunJob{77})),
            "no plan 77");
  queue::MemoryOperation outside;
  outside.region = tables.addRegion({memory.data(), 4096});
  outside.other = tables.addHostBuffer({memory.data(), 4096});
  outside.offset = 4090;
  outside.bytes = 10;
  EXPECT_NE(textOf(Message::make(queue::memoryOperation, 2, outside))
                .find("outside region"),
            std::string::npos);
  outside.offset = ~uint64_t(0) - 4;
  EXPECT_NE(textOf(Message::make(queue::memoryOperation, 3, outside))
                .find("outside region"),
            std::string::npos);
  auto job = prepare(false); // not for stepping
  uint32_t plan = tables.addPlan(job.get());
  EXPECT_NE(textOf(Message::make(queue::kernelLaunch, 4,
                                 queue::KernelLaunch{plan, 0, 0, 0, 0}))
                .find("no record 0"),
            std::string::npos);
}

TEST(PreparedJob, refusesPlansThatPointNowhere) {
  HostOptions options;
  options.threads = 1;
  auto device = *createHostDevice(options);
  auto stream = *device->createStream(StreamKind::compute);
  DeviceStream *const streams[] = {stream.get()};
  uint8_t byte = 0;
  auto code = [&](std::vector<JobSpec::Block> blocks) {
    JobSpec spec;
    spec.blocks = std::move(blocks);
    return PreparedJob::prepare(*device, streams, spec).status().code();
  };
  StatusCode wrong = StatusCode::invalidArgument;
  EXPECT_EQ(code({}), wrong);
  EXPECT_EQ(code({{JobSpec::Line{1, {}}}}), wrong);
  EXPECT_EQ(code({{JobSpec::Branch{0, &byte, 5, 6}}}), wrong);
  EXPECT_EQ(code({{JobSpec::Branch{0, nullptr, 1}}, {}}), wrong);
  EXPECT_EQ(code({{JobSpec::Loop{0, &byte, 0}}}), wrong) << "itself";
  EXPECT_EQ(code({{JobSpec::Branch{0, &byte, 1, 1}}, {}}), wrong) << "twice";
  EXPECT_EQ(code({{JobSpec::Line{0, {FillRecord{nullptr, 1, 1, 1}}}}}), wrong);
  EXPECT_EQ(code({{JobSpec::Branch{0, &byte, 1}}, {}}), StatusCode::ok);
}

} // namespace
