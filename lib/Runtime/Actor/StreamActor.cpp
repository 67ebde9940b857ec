//===- StreamActor.cpp - order, answers and failures of a queue -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What becomes of jobs once they are received; how they are sent to the device
// is in StreamActorRun.cpp.
//
//===----------------------------------------------------------------------===//
#include "actnet/Runtime/Actor/StreamActor.h"

#include <algorithm>

namespace actnet::rt {

using namespace queue;

/// Blocks that are open at once in most jobs; more make room themselves.
static constexpr size_t usualDepth = 64;

StreamActor::StreamActor(Device &device, std::vector<DeviceStream *> streams,
                         QueueTables &tables, const QueueOptions &options)
    : device(device), streams(std::move(streams)), tables(tables),
      options(options), runsInCallback(device.info().callbacksMaySubmit),
      shadows(uint32_t(this->streams.size())),
      order(std::max(1u, options.capacity)), slowTorn(options.resources, 0),
      fastTorn(options.resources, 0) {
  // Room for what jobs take, so that none of them has to make it.
  freeSlots.reserve(order.size());
  for (size_t slot = order.size(); slot-- > 0;) {
    jobs.emplace_back().frames.reserve(usualDepth);
    freeSlots.push_back(uint32_t(slot));
  }
}

StreamActor::~StreamActor() = default;

void StreamActor::handle(const Message &message) {
  switch (message.kind) {
  case runJob:
  case memoryOperation:
  case kernelLaunch:
  case readBack:
    receive(message);
    break;
  case completion:
    complete(message.as<Completion>());
    break;
  case timerCheck:
    checkTimer(message.as<TimerCheck>());
    break;
  case queue::giveUp:
    giveUpRequest(message);
    break;
  case giveBack:
    if (lent) {
      --lent;
      system().answered(self());
    }
    break;
  case queue::stop:
    stop(message);
    break;
  default:
    // Not of this protocol, and so nothing that waits for an answer.
    break;
  }
}

void StreamActor::handleLate(const Message &message) {
  switch (message.kind) {
  case runJob:
  case memoryOperation:
  case kernelLaunch:
  case readBack: {
    JobDone done;
    done.code = StatusCode::cancelled;
    done.failure = tables.addFailure(cancelled("the queue was stopped"));
    Message reply = Message::make(jobDone, message.request, done);
    reply.from = self();
    system().send(message.from, reply, Delivery::always);
    system().answered(self());
    break;
  }
  case queue::stop: {
    Message reply = Message::make(stopped, message.request);
    reply.from = self();
    system().send(message.from, reply, Delivery::always);
    break;
  }
  default:
    break;
  }
}

//===----------------------------------------------------------------------===//
// Requests
//===----------------------------------------------------------------------===//

uint32_t StreamActor::takeSlot() {
  if (freeSlots.empty()) {
    jobs.emplace_back();
    return uint32_t(jobs.size() - 1);
  }
  uint32_t slot = freeSlots.back();
  freeSlots.pop_back();
  return slot;
}

void StreamActor::receive(const Message &message) {
  uint32_t slot = takeSlot();
  Job &job = jobs[slot];
  uint32_t generation = job.generation + 1;
  std::vector<Frame> frames = std::move(job.frames);
  frames.clear();
  job = Job();
  job.frames = std::move(frames);
  job.generation = generation;
  job.inUse = true;
  job.request = message;
  job.number = ++jobsReceived;
  if (receivedTo - answeredTo == order.size()) {
    // Only if requests came without credit; they are answered all the same.
    std::vector<uint32_t> larger(order.size() * 2);
    for (uint64_t at = answeredTo; at < receivedTo; ++at)
      larger[at % larger.size()] = slotAt(at);
    order = std::move(larger);
  }
  order[receivedTo++ % order.size()] = slot;
  if (message.kind == runJob) {
    auto run = message.as<RunJob>();
    if (run.deadlineNs != never)
      system().sendAt(
          run.deadlineNs, self(),
          Message::make(timerCheck, 0, TimerCheck{slot, generation}));
  }
  pump();
}

void StreamActor::pump() {
  while (begunTo < receivedTo) {
    uint32_t slot = slotAt(begunTo);
    Job &job = jobs[slot];
    if (job.phase == Phase::waiting)
      begin(slot);
    if (job.phase == Phase::running)
      advance(slot);
    if (job.phase != Phase::sentAll)
      break;
    bool failed = !job.failure || !tornBy(job, fastTorn);
    applyOutcome(job, failed, fastTorn);
    ++begunTo;
  }
  answerInOrder();
}

//===----------------------------------------------------------------------===//
// Completions, deadlines, stop
//===----------------------------------------------------------------------===//

uint64_t StreamActor::token(uint32_t slot, uint32_t stream) const {
  return uint64_t(jobs[slot].generation) << 32 | uint64_t(stream) << 24 | slot;
}

void StreamActor::completed(uint64_t token, const Status &status) {
  Completion done;
  done.slot = uint32_t(token) & 0xffffff;
  done.stream = uint32_t(token) >> 24;
  done.generation = uint32_t(token >> 32);
  if (!status)
    done.failure = tables.addFailure(status);
  Message message = Message::make(completion, 0, done);
  message.from = self();
  system().send(self(), message, Delivery::always, runsInCallback);
}

void StreamActor::complete(const Completion &done) {
  // A slot is not used again before its last completion, so the generation
  // always fits.
  Job &job = jobs[done.slot];
  shadows.confirm(done.stream, shadows.slow(done.stream) + 1);
  --job.outstanding;
  if (done.failure) {
    fail(job, tables.takeFailure(done.failure));
    replayFast();
  }
  if (job.awaitsCondition &&
      shadows.isOver({job.conditionStream, job.conditionPosition}, {})) {
    job.awaitsCondition = false;
    job.conditionKnown = true;
    job.value = *job.cell;
  }
  if (job.answered)
    freeIfDone(done.slot);
  pump();
  tellStopped();
}

void StreamActor::giveUp(Job &job, Status why) {
  job.givenUp = true;
  fail(job, std::move(why));
}

void StreamActor::checkTimer(const TimerCheck &check) {
  Job &job = jobs[check.slot];
  if (job.generation != check.generation || !job.inUse || answerable(job) ||
      job.answered)
    return;
  if (!job.started) {
    fail(job, deadlineExceeded("job " + std::to_string(job.number) +
                               " passed its deadline before it began"));
  } else {
    std::string name = "job " + std::to_string(job.number);
    giveUp(job, deadlineExceeded(name + " passed its deadline while it ran"));
    close(failedPrecondition("the queue is closed, because " + name +
                             " passed its deadline while it ran"));
    replayFast();
  }
  pump();
}

void StreamActor::giveUpRequest(const Message &message) {
  for (uint64_t at = answeredTo; at < receivedTo; ++at) {
    const Job &job = jobs[slotAt(at)];
    if (job.request.from != message.from ||
        job.request.request != message.request)
      continue;
    checkTimer({slotAt(at), job.generation});
    return;
  }
}

void StreamActor::close(Status why) {
  if (closed)
    closed = std::move(why);
}

void StreamActor::stop(const Message &message) {
  stopRequests.push_back(message);
  close(cancelled("the queue was stopped"));
  if (message.as<Stop>().abort) {
    for (uint64_t at = answeredTo; at < receivedTo; ++at) {
      Job &job = jobs[slotAt(at)];
      if (job.started && !answerable(job))
        giveUp(job, cancelled("the queue was stopped while job " +
                              std::to_string(job.number) + " ran"));
    }
    replayFast();
  }
  pump();
  tellStopped();
}

void StreamActor::tellStopped() {
  if (stopRequests.empty())
    return;
  for (const Job &job : jobs)
    if (job.inUse)
      return;
  for (const Message &request : stopRequests) {
    Message reply = Message::make(stopped, request.request);
    reply.from = self();
    system().send(request.from, reply, Delivery::always);
  }
  stopRequests.clear();
  quit();
}

//===----------------------------------------------------------------------===//
// Answers
//===----------------------------------------------------------------------===//

bool StreamActor::answerable(const Job &job) const {
  return job.givenUp || (job.phase == Phase::sentAll && job.outstanding == 0);
}

void StreamActor::answerInOrder() {
  while (answeredTo < begunTo && answerable(jobs[slotAt(answeredTo)])) {
    uint32_t slot = slotAt(answeredTo++);
    answer(jobs[slot]);
    freeIfDone(slot);
  }
}

void StreamActor::answer(Job &job) {
  Status outcome = job.failure;
  if (outcome)
    outcome = tornBy(job, slowTorn);
  applyOutcome(job, !outcome, slowTorn);
  JobDone done;
  done.code = outcome.code();
  done.number = job.number;
  done.value = job.value;
  if (!outcome)
    done.failure = tables.addFailure(std::move(outcome));
  Message reply = Message::make(jobDone, job.request.request, done);
  reply.from = self();
  job.answered = true;
  if (job.request.kind == runJob && job.request.as<RunJob>().lend &&
      done.code == StatusCode::ok)
    ++lent;
  else
    job.request.kind = 0; // its credit goes with the slot
  system().send(job.request.from, reply, Delivery::always);
}

void StreamActor::freeIfDone(uint32_t slot) {
  Job &job = jobs[slot];
  if (!job.answered || job.outstanding || !job.inUse)
    return;
  job.inUse = false;
  freeSlots.push_back(slot);
  if (job.request.kind == 0)
    system().answered(self());
}

//===----------------------------------------------------------------------===//
// Torn state
//===----------------------------------------------------------------------===//

std::span<const uint32_t> StreamActor::reads(const Job &job) const {
  if (job.plan)
    return job.plan->reads();
  bool readsIt = job.request.kind == memoryOperation &&
                 job.request.as<MemoryOperation>().op == MemoryOp::download;
  return {&job.resource, readsIt && job.resource != none ? 1u : 0u};
}

std::span<const uint32_t> StreamActor::writes(const Job &job) const {
  if (job.plan)
    return job.plan->writes();
  return {&job.resource, job.resource != none && reads(job).empty() ? 1u : 0u};
}

bool StreamActor::completesWrites(const Job &job) const {
  if (job.request.kind == readBack)
    return false;
  return job.request.kind != kernelLaunch ||
         job.request.as<KernelLaunch>().last;
}

Status StreamActor::tornBy(const Job &job,
                           const std::vector<uint64_t> &torn) const {
  for (uint32_t resource : reads(job))
    if (resource < torn.size() && torn[resource])
      return failedPrecondition("resource " + std::to_string(resource) +
                                " is torn since job " +
                                std::to_string(torn[resource]) + " failed");
  return {};
}

void StreamActor::applyOutcome(const Job &job, bool failed,
                               std::vector<uint64_t> &torn) {
  // What never reached the device tore nothing.
  if (failed && !job.started)
    return;
  if (!failed && !completesWrites(job))
    return;
  for (uint32_t resource : writes(job))
    if (resource < torn.size())
      torn[resource] = failed ? job.number : 0;
}

void StreamActor::replayFast() {
  fastTorn = slowTorn;
  for (uint64_t at = answeredTo; at < begunTo; ++at) {
    const Job &job = jobs[slotAt(at)];
    applyOutcome(job, !job.failure || !tornBy(job, fastTorn), fastTorn);
  }
}

} // namespace actnet::rt
