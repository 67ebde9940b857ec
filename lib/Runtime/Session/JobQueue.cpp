//===- JobQueue.cpp - a session's way to its stream actor -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Runtime/Session/JobQueue.h"
#include "actnet/Runtime/Actor/StreamActor.h"
#include "actnet/Runtime/Base/Futex.h"

#include <algorithm>

using namespace actnet;
using namespace actnet::rt;

/// How long to wait until a point of the steady clock.
static int64_t timeUntil(int64_t deadlineNs) {
  return deadlineNs == INT64_MAX
             ? waitForever
             : std::max<int64_t>(0, deadlineNs - monotonicNs());
}

Expected<std::unique_ptr<JobQueue>>
JobQueue::create(Device &device, std::span<const StreamKind> kinds,
                 unsigned slots, unsigned resources, bool stepping) {
  std::unique_ptr<JobQueue> result(new JobQueue(slots, stepping));
  for (StreamKind kind : kinds) {
    ACTNET_ASSIGN_OR_RETURN(auto stream, device.createStream(kind));
    result->streamPointers.push_back(stream.get());
    result->streamList.push_back(std::move(stream));
  }
  result->tables.reservePlans(slots + 1);
  ACTNET_ASSIGN_OR_RETURN(result->system, ThreadedSystem::create(1));
  ACTNET_ASSIGN_OR_RETURN(result->client, result->system->createClient());
  QueueOptions options;
  options.capacity = slots + 1;
  options.resources = resources;
  ACTNET_ASSIGN_OR_RETURN(
      result->actor, result->system->spawn(std::make_unique<StreamActor>(
                                               device, result->streamPointers,
                                               result->tables, options),
                                           options.capacity));
  return Expected<std::unique_ptr<JobQueue>>(std::move(result));
}

JobQueue::~JobQueue() {
  // Nothing to stop where creation failed half-way.
  if (actor == nobody)
    return;
  sendStop(/*abort=*/false);
  while (!gone && closed && receiveOne(timeUntil(earliestDeadline())))
    ;
  if (!gone) {
    // The device hangs. The actor answers what is open; after that it touches
    // no stream any more, and only then do they go, cancelling what they hold.
    sendStop(/*abort=*/true);
    while (!gone && !allAnswered())
      receiveOne(waitForever);
    streamPointers.clear();
    streamList.clear();
    while (!gone)
      receiveOne(waitForever);
  }
  client.reset();
  system.reset();
}

void JobQueue::sendStop(bool abort) {
  queue::Stop how;
  how.abort = abort;
  Message stop = Message::make(queue::stop, 0, how);
  stop.from = client->id();
  if (system->send(actor, stop, Delivery::always) != Sent::yes)
    gone = true;
}

/// Of the jobs in flight.
int64_t JobQueue::earliestDeadline() const {
  int64_t earliest = INT64_MAX;
  for (const Slot &slot : slots)
    if (!slot.answered)
      earliest = std::min(earliest, slot.deadlineNs);
  return earliest;
}

bool JobQueue::allAnswered() const {
  return std::all_of(slots.begin(), slots.end(),
                     [](const Slot &slot) { return slot.answered; });
}

/// Takes one message and puts it where it belongs; false if none came in time.
bool JobQueue::receiveOne(int64_t timeoutNs) {
  Message message;
  if (!client->receive(message, timeoutNs))
    return false;
  if (message.kind == queue::stopped)
    gone = true;
  if (message.kind != queue::jobDone || message.request >= slots.size())
    return true;
  auto done = message.as<queue::JobDone>();
  Slot &slot = slots[message.request];
  slot.answered = true;
  slot.value = done.value;
  slot.outcome = tables.takeFailure(done.failure);
  if (slot.outcome && done.code != StatusCode::ok)
    slot.outcome = Status(done.code, "the queue gave no reason");
  if (done.code == StatusCode::deadlineExceeded && closed)
    closed = failedPrecondition("the queue is closed, because " +
                                std::string(slot.outcome.message()));
  return true;
}

Status JobQueue::request(const Message &message, unsigned slot) {
  slots[slot].answered = false;
  Message sent = message;
  sent.from = client->id();
  sent.request = slot;
  for (;;) {
    switch (system->send(actor, sent, Delivery::request, /*here=*/true)) {
    case Sent::yes:
      return okStatus();
    case Sent::gone:
      slots[slot].answered = true;
      return failedPrecondition("the queue is closed");
    case Sent::busy:
      // As many requests as slots fit, so a credit is on its way.
      receiveOne(waitForever);
    }
  }
}

Status JobQueue::send(const PreparedJob &job, unsigned slot,
                      int64_t deadlineNs) {
  uint32_t plan = tables.addPlan(&job);
  slots[slot].plan = plan;
  if (stepping) {
    slots.back().deadlineNs = deadlineNs;
    slots[slot].outcome = stepThrough(job, plan);
    slots[slot].answered = true;
    return okStatus();
  }
  queue::RunJob run;
  run.plan = plan;
  slots[slot].deadlineNs = deadlineNs;
  Status status = request(Message::make(queue::runJob, slot, run), slot);
  if (!status)
    free(slot);
  return status;
}

Status JobQueue::await(unsigned slot) {
  while (!slots[slot].answered) {
    if (receiveOne(timeUntil(slots[slot].deadlineNs)) || slots[slot].answered)
      continue;
    // Answered at once, as failed or as what it became meanwhile.
    slots[slot].deadlineNs = INT64_MAX;
    Message late = Message::make(queue::giveUp, slot);
    late.from = client->id();
    system->send(actor, late, Delivery::always);
  }
  return slots[slot].outcome;
}

void JobQueue::free(unsigned slot) {
  tables.removePlan(slots[slot].plan);
  slots[slot].plan = 0;
  slots[slot].deadlineNs = INT64_MAX;
  slots[slot].outcome = Status();
}

//===----------------------------------------------------------------------===//
// Record by record
//===----------------------------------------------------------------------===//

Status JobQueue::stepThrough(const PreparedJob &job, uint32_t plan) {
  ACTNET_RETURN_IF_ERROR(stepBlock(job, plan, 0));
  // Says that what the job writes is whole now.
  auto slot = unsigned(slots.size() - 1);
  queue::KernelLaunch last;
  last.plan = plan;
  last.record = queue::none;
  last.last = 1;
  ACTNET_RETURN_IF_ERROR(
      request(Message::make(queue::kernelLaunch, slot, last), slot));
  return await(slot);
}

Status JobQueue::stepBlock(const PreparedJob &job, uint32_t plan,
                           uint32_t block) {
  if (block == JobSpec::noBlock)
    return okStatus();
  const PreparedJob::Block &steps = job.blocks()[block];
  for (uint32_t i = 0; i < steps.size(); ++i) {
    const PreparedJob::Step &step = steps[i];
    switch (step.kind) {
    case PreparedJob::StepKind::line:
      ACTNET_RETURN_IF_ERROR(stepLine(step, plan, block, i));
      break;
    case PreparedJob::StepKind::branch: {
      ACTNET_ASSIGN_OR_RETURN(bool taken, stepCondition(plan, block, i));
      ACTNET_RETURN_IF_ERROR(
          stepBlock(job, plan, taken ? step.then : step.otherwise));
      break;
    }
    case PreparedJob::StepKind::loop:
      for (;;) {
        ACTNET_ASSIGN_OR_RETURN(bool again, stepCondition(plan, block, i));
        if (!again)
          break;
        ACTNET_RETURN_IF_ERROR(stepBlock(job, plan, step.then));
      }
      break;
    }
  }
  return okStatus();
}

Status JobQueue::stepLine(const PreparedJob::Step &step, uint32_t plan,
                          uint32_t block, uint32_t index) {
  auto slot = unsigned(slots.size() - 1);
  for (uint32_t i = 0; i < step.records.size(); ++i) {
    queue::KernelLaunch launch;
    launch.plan = plan;
    launch.block = block;
    launch.step = index;
    launch.record = i;
    ACTNET_RETURN_IF_ERROR(
        request(Message::make(queue::kernelLaunch, slot, launch), slot));
    ACTNET_RETURN_IF_ERROR(await(slot));
  }
  return okStatus();
}

Expected<bool> JobQueue::stepCondition(uint32_t plan, uint32_t block,
                                       uint32_t index) {
  auto slot = unsigned(slots.size() - 1);
  queue::ReadBack read;
  read.plan = plan;
  read.block = block;
  read.step = index;
  ACTNET_RETURN_IF_ERROR(
      request(Message::make(queue::readBack, slot, read), slot));
  ACTNET_RETURN_IF_ERROR(await(slot));
  return slots[slot].value != 0;
}
