//===- StreamActorTest.cpp - a queue under every order of things ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One seed makes a world: plans with lines, branches and loops over a few
// variables, senders that upload, run and download, a device that is late and
// may fail, deadlines, and a stop somewhere. When all is quiet, the answers are
// held against a machine that runs one job after the other.
//
//===----------------------------------------------------------------------===//
#include "actnet/Runtime/Actor/StreamActor.h"
#include "SimulatedDevice.h"
#include "actnet/Runtime/Actor/SimulatedSystem.h"

#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>

using namespace actnet;
using namespace actnet::rt;
using namespace actnet::rt::queue;
using namespace actnet::rt::test;

namespace {

constexpr uint32_t variables = 5;

uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t z = (a ^ (b + 0x9e3779b97f4a7c15u)) * 0xbf58476d1ce4e5b9u;
  return z ^ (z >> 29);
}

/// dims: salt, reads, writes. Every write becomes a hash of salt and reads.
void hashKernel(std::span<const DevicePtr> operands,
                std::span<const int64_t> dims) {
  uint64_t hash = uint64_t(dims[0]);
  auto reads = size_t(dims[1]), writes = size_t(dims[2]);
  for (size_t i = 0; i < reads; ++i)
    hash = mix(hash, *static_cast<uint64_t *>(operands[i]));
  for (size_t i = 0; i < writes; ++i)
    *static_cast<uint64_t *>(operands[reads + i]) = mix(hash, i);
}

/// operands: a variable and a byte, which becomes one of its bits.
void bitKernel(std::span<const DevicePtr> operands, std::span<const int64_t>) {
  *static_cast<uint8_t *>(operands[1]) =
      *static_cast<uint64_t *>(operands[0]) & 1;
}

/// operands: a byte, which becomes one less.
void downKernel(std::span<const DevicePtr> operands, std::span<const int64_t>) {
  --*static_cast<uint8_t *>(operands[0]);
}

/// A JobSpec with the lists that its records span.
struct Plan {
  JobSpec spec;
  std::deque<std::vector<DevicePtr>> operands;
  std::deque<std::vector<int64_t>> dims;
  std::unique_ptr<PreparedJob> prepared;
  uint32_t id = 0;

  Record launch(uint32_t kernel, std::vector<DevicePtr> ops,
                std::vector<int64_t> ds = {}) {
    operands.push_back(std::move(ops));
    dims.push_back(std::move(ds));
    return LaunchRecord{kernel, operands.back(), dims.back(), 1};
  }
};

struct Request {
  Message message;
  const Plan *plan = nullptr; // of a run
  std::vector<uint32_t> reads, writes;
  uint64_t *host = nullptr; // of an upload or download
  uint64_t uploaded = 0;
  unsigned answers = 0;
  JobDone done;
  Status outcome;
};

class World;

/// Sends requests of its own, a few at a time, and counts the answers.
class Sender final : public Actor {
public:
  Sender(World &world, unsigned count) : world(world), left(count) {}
  void handle(const Message &message) override;

private:
  void sendMore();
  World &world;
  unsigned left;
  uint64_t retry = 0;
  uint64_t lastNumber = 0, lastRequest = 0;
};

/// Counts what all seeds together have seen, so that no case is missing.
std::map<std::string, uint64_t> seen;

class World {
public:
  explicit World(uint64_t seed) : system(seed) {
    if (draw(2))
      device.faultEvery = 3 + draw(40);
    if (draw(4) == 0)
      device.stickyEvery = 1 + draw(4);
    deadlines = draw(4) == 0;
    system.addSource(device);
    for (int i = 0; i < 2; ++i)
      streams.push_back(*device.createStream(StreamKind::compute));
    memory =
        static_cast<std::byte *>(*device.allocate(bytes, MemoryKind::device));
    model.assign(bytes, std::byte(0));
    region = tables.addRegion({memory, bytes});
    for (int i = 0; i < 6; ++i)
      makePlan();
    QueueOptions options;
    options.capacity = 1 + uint32_t(draw(6));
    options.resources = variables;
    auto actor = std::make_unique<StreamActor>(
        device, std::vector<DeviceStream *>{streams[0].get(), streams[1].get()},
        tables, options);
    queue = *system.spawn(std::move(actor), options.capacity);
    for (unsigned i = 0, n = 1 + unsigned(draw(3)); i < n; ++i) {
      ActorId id = *system.spawn(
          std::make_unique<Sender>(*this, 3 + unsigned(draw(12))), 0);
      system.send(id, Message::make(0), Delivery::always);
    }
    stopper = *system.spawn(std::make_unique<Sender>(*this, 0), 0);
  }

  uint64_t draw(uint64_t below) { return system.random() % below; }

  /// Runs to the end and checks everything.
  void run() {
    uint64_t teardown = draw(3) == 0 ? 5 + draw(150) : UINT64_MAX;
    bool hangs = teardown != UINT64_MAX && draw(2);
    for (uint64_t i = 0; i < teardown; ++i)
      if (!system.step())
        break;
    if (teardown != UINT64_MAX) {
      if (hangs)
        dynamic_cast<SimulatedStream &>(*streams[draw(2)]).hangs = true;
      sendStop(draw(2));
    }
    ASSERT_TRUE(system.run(200000)) << "it never ends";
    if (hangs) {
      sendStop(true);
      ASSERT_TRUE(system.run(200000)) << "it never ends after the stop";
      streams.clear();
      ASSERT_TRUE(system.run(200000)) << "it never ends after teardown";
    }
    EXPECT_EQ(stops, stopsSent);
    check();
  }

  Request &newRequest() {
    auto id = uint64_t(requests.size() + 1);
    Request request;
    switch (draw(6)) {
    case 0:
      request = memoryRequest(MemoryOp::upload);
      break;
    case 1:
      request = memoryRequest(MemoryOp::download);
      break;
    case 2:
      request = memoryRequest(MemoryOp::fill);
      break;
    default: {
      request.plan = plans[draw(plans.size())].get();
      request.reads = request.plan->spec.reads;
      request.writes = request.plan->spec.writes;
      RunJob run;
      run.plan = request.plan->id;
      if (deadlines && draw(3) == 0)
        run.deadlineNs = system.nowNs() + int64_t(draw(30000));
      request.message = Message::make(runJob, id, run);
    }
    }
    request.message.request = id;
    return requests.emplace_back(std::move(request));
  }

  const Message &message(uint64_t request) const {
    return requests[request - 1].message;
  }

  void answered(const Message &message) {
    Request &request = requests[message.request - 1];
    ++request.answers;
    request.done = message.as<JobDone>();
    request.outcome = tables.takeFailure(request.done.failure);
  }

  std::string log() const {
    std::string text;
    for (const Request &r : requests)
      text += std::to_string(r.done.number) + ":" + toString(r.done.code) + " ";
    return text;
  }

  SimulatedSystem system;
  SimulatedDevice device;
  ActorId queue = nobody;
  unsigned stops = 0;

private:
  static constexpr uint64_t bytes = 4096;
  uint64_t *variable(uint64_t v) {
    return reinterpret_cast<uint64_t *>(memory + 64 * v);
  }
  DevicePtr temporary(uint64_t i) { return memory + 2048 + 64 * i; }

  Request memoryRequest(MemoryOp op) {
    Request request;
    MemoryOperation m;
    m.op = op;
    m.resource = uint32_t(draw(variables));
    m.region = region;
    m.offset = 64 * m.resource;
    m.bytes = 8;
    if (op == MemoryOp::fill) {
      m.patternBytes = 8;
      request.uploaded = m.otherOffset = system.random();
    } else {
      request.host = &hostWords.emplace_back(system.random());
      request.uploaded = *request.host;
      m.other = tables.addHostBuffer({request.host, 8});
    }
    (op == MemoryOp::download ? request.reads : request.writes) = {m.resource};
    request.message = Message::make(memoryOperation, 0, m);
    return request;
  }

  void sendStop(bool abort) {
    Stop stop;
    stop.abort = abort;
    Message message = Message::make(queue::stop, 7, stop);
    message.from = stopper;
    system.send(queue, message, Delivery::always);
    ++stopsSent;
  }

  Event *newEvent() {
    events.push_back(*device.createEvent());
    return events.back().get();
  }

  /// A launch that hashes the plan's reads into its writes.
  Record hashLaunch(Plan &plan) {
    std::vector<DevicePtr> operands;
    for (uint32_t v : plan.spec.reads)
      operands.push_back(variable(v));
    for (uint32_t v : plan.spec.writes)
      operands.push_back(variable(v));
    return plan.launch(0, operands,
                       {int64_t(system.random()),
                        int64_t(plan.spec.reads.size()),
                        int64_t(plan.spec.writes.size())});
  }

  void makePlan() {
    auto plan = std::make_unique<Plan>();
    for (uint32_t v = 0; v < variables; ++v) {
      uint64_t use = draw(5);
      if (use <= 1)
        plan->spec.reads.push_back(v);
      if (use >= 1 && use <= 2)
        plan->spec.writes.push_back(v);
    }
    JobSpec::Line first{0, {hashLaunch(*plan)}};
    plan->spec.blocks.resize(1);
    switch (draw(4)) {
    case 0: // one line
      plan->spec.blocks[0] = {first};
      break;
    case 1: { // over to the other stream and back
      Event *there = newEvent(), *back = newEvent();
      first.records.push_back(SignalRecord{there});
      JobSpec::Line second{
          1, {AwaitRecord{there}, hashLaunch(*plan), SignalRecord{back}}};
      JobSpec::Line third{0, {AwaitRecord{back}, hashLaunch(*plan)}};
      plan->spec.blocks[0] = {first, second, third};
      break;
    }
    case 2: { // a branch on what was computed
      DevicePtr value = temporary(0), bit = temporary(1);
      first.records.insert(
          first.records.begin(),
          plan->launch(0, {value}, {int64_t(system.random()), 0, 1}));
      first.records.push_back(plan->launch(1, {value, bit}));
      plan->spec.blocks = {
          {first, JobSpec::Branch{0, bit, 1, 2}},
          {JobSpec::Line{0, {hashLaunch(*plan)}}},
          {JobSpec::Line{0, {hashLaunch(*plan)}}, JobSpec::Line{0, {}}}};
      break;
    }
    case 3: { // a loop that counts down
      DevicePtr count = temporary(2);
      first.records.insert(first.records.begin(),
                           FillRecord{count, draw(4), 1, 1});
      plan->spec.blocks = {
          {first, JobSpec::Loop{0, count, 1}},
          {JobSpec::Line{0, {hashLaunch(*plan), plan->launch(2, {count})}}}};
      break;
    }
    }
    plan->spec.executable = &executable;
    DeviceStream *const both[] = {streams[0].get(), streams[1].get()};
    plan->prepared = *PreparedJob::prepare(device, both, plan->spec);
    plan->id = tables.addPlan(plan->prepared.get());
    plans.push_back(std::move(plan));
  }

  //===-- the machine that runs one job after the other -------------------===//

  template <typename T> T *inModel(T *pointer) {
    auto offset = reinterpret_cast<std::byte *>(pointer) - memory;
    return reinterpret_cast<T *>(model.data() + offset);
  }

  void runModel(const JobSpec &spec, uint32_t block) {
    for (const JobSpec::Step &step : spec.blocks[block]) {
      if (auto *branch = std::get_if<JobSpec::Branch>(&step)) {
        bool taken = *inModel(static_cast<uint8_t *>(branch->condition));
        runModel(spec, taken ? branch->then : branch->otherwise);
      } else if (auto *loop = std::get_if<JobSpec::Loop>(&step)) {
        while (*inModel(static_cast<uint8_t *>(loop->condition)))
          runModel(spec, loop->body);
      } else {
        for (const Record &record : std::get<JobSpec::Line>(step).records)
          runModel(record);
      }
    }
  }

  void runModel(const Record &record) {
    if (auto *launch = std::get_if<LaunchRecord>(&record)) {
      std::vector<DevicePtr> operands;
      for (DevicePtr p : launch->operands)
        operands.push_back(inModel(static_cast<std::byte *>(p)));
      executable.kernels[launch->kernel](operands, launch->dims);
    } else if (auto *fill = std::get_if<FillRecord>(&record)) {
      *inModel(static_cast<uint8_t *>(fill->dst)) = uint8_t(fill->pattern);
    }
  }

  void check() {
    std::map<uint64_t, const Request *> inOrder;
    for (const Request &request : requests) {
      ASSERT_EQ(request.answers, 1u) << "request " << request.message.request;
      // Late ones, after the queue had stopped, have no number.
      if (request.done.number == 0)
        EXPECT_EQ(request.outcome.code(), StatusCode::cancelled);
      else
        EXPECT_TRUE(inOrder.emplace(request.done.number, &request).second);
    }
    uint64_t number = 0;
    std::set<uint32_t> mayBeTorn, isTorn;
    for (auto &[given, request] : inOrder) {
      ASSERT_EQ(given, ++number);
      checkOne(*request, mayBeTorn, isTorn);
    }
  }

  void checkOne(const Request &request, std::set<uint32_t> &mayBeTorn,
                std::set<uint32_t> &isTorn) {
    std::string text(request.outcome.message());
    auto says = [&](const char *part) {
      return text.find(part) != std::string::npos;
    };
    if (request.outcome) {
      ++seen["ok"];
      for (uint32_t v : request.reads)
        EXPECT_FALSE(isTorn.count(v)) << "job " << request.done.number;
      if (request.plan)
        runModel(request.plan->spec, 0);
      else if (request.reads.empty())
        *inModel(variable(request.writes[0])) = request.uploaded;
      else
        EXPECT_EQ(*request.host, *inModel(variable(request.reads[0])))
            << "job " << request.done.number << " downloads something else";
      for (uint32_t v : request.writes) {
        mayBeTorn.erase(v);
        isTorn.erase(v);
      }
      return;
    }
    // For sure it reached the device; for sure it did not.
    bool ran = false, neverRan = false;
    if (says("torn")) {
      ++seen["torn"];
      bool possible = false;
      for (uint32_t v : request.reads)
        possible |= mayBeTorn.count(v) != 0;
      EXPECT_TRUE(possible) << text;
    } else if (says("injected fault")) {
      ++seen["fault"];
      ran = true;
    } else if (says("while it ran")) {
      ++seen[says("closed") ? "closed" : "deadline"];
      ran = !says("closed");
      neverRan = !ran;
    } else if (says("before it began")) {
      ++seen["late"];
      neverRan = true;
    } else if (says("sticky")) {
      ++seen["sticky"];
      EXPECT_FALSE(device.sticky);
    } else if (says("was stopped")) {
      ran = says("while");
      neverRan = !ran;
      ++seen[ran ? "aborted" : "stopped"];
    } else {
      ADD_FAILURE() << "unexpected failure: " << text;
    }
    for (uint32_t v : request.writes) {
      if (!neverRan)
        mayBeTorn.insert(v);
      if (ran)
        isTorn.insert(v);
    }
  }

  SimulatedExecutable executable{{hashKernel, bitKernel, downKernel}};
  QueueTables tables;
  std::deque<uint64_t> hostWords;
  std::vector<std::unique_ptr<Event>> events;
  std::vector<std::unique_ptr<DeviceStream>> streams;
  std::vector<std::unique_ptr<Plan>> plans;
  std::deque<Request> requests;
  std::byte *memory = nullptr;
  std::vector<std::byte> model;
  uint32_t region = 0;
  bool deadlines = false;
  ActorId stopper = nobody;
  unsigned stopsSent = 0;
};

void Sender::handle(const Message &message) {
  if (message.kind == jobDone) {
    auto done = message.as<JobDone>();
    // Answers come in the order of this sender's requests.
    EXPECT_GT(message.request, lastRequest);
    lastRequest = message.request;
    if (done.number) {
      EXPECT_GT(done.number, lastNumber);
      lastNumber = done.number;
    }
    world.answered(message);
  } else if (message.kind == stopped) {
    EXPECT_EQ(message.request, 7u);
    ++world.stops;
  }
  sendMore();
}

void Sender::sendMore() {
  while (left) {
    // What was refused is sent again before anything new, or it would be
    // overtaken.
    if (!retry)
      retry = world.newRequest().message.request;
    Message message = world.message(retry);
    message.from = self();
    Sent sent = system().send(world.queue, message, Delivery::request);
    if (sent == Sent::busy) {
      ++seen["busy"];
      return;
    }
    retry = 0;
    --left;
    if (world.draw(3) == 0) {
      system().sendAt(system().nowNs() + int64_t(world.draw(20000)), self(),
                      Message::make(0));
      return;
    }
  }
}

TEST(StreamActor, answersEachRequestOnceInOrderUnderTenThousandSeeds) {
  for (uint64_t seed = 0; seed < 10000 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World(seed).run();
  }
  for (const char *which : {"ok", "busy", "torn", "fault", "sticky", "deadline",
                            "closed", "late", "stopped", "aborted"})
    EXPECT_GT(seen[which], 10u) << which << " was hardly ever tried";
}

TEST(StreamActor, doesTheSameAgainForTheSameSeed) {
  std::set<std::string> different;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    World first(seed), second(seed);
    first.run();
    second.run();
    EXPECT_EQ(first.log(), second.log()) << "seed " << seed;
    different.insert(first.log());
  }
  EXPECT_GT(different.size(), 10u);
}

} // namespace
