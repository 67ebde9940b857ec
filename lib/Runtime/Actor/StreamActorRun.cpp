//===- StreamActorRun.cpp - how a queue sends its jobs to the device ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "actnet/Runtime/Actor/StreamActor.h"

#include <algorithm>

namespace actnet::rt {

using namespace queue;

namespace {

/// True if [offset, offset + bytes) lies in the range.
bool inside(const MemoryRange &range, uint64_t offset, uint64_t bytes) {
  return offset <= range.bytes && bytes <= range.bytes - offset;
}

void *at(const MemoryRange &range, uint64_t offset) {
  return static_cast<char *>(range.base) + offset;
}

} // namespace

void StreamActor::fail(Job &job, Status status) {
  if (job.failure)
    job.failure = std::move(status);
  job.phase = Phase::sentAll;
  job.awaitsCondition = false;
}

void StreamActor::noteSubmitted(Job &job, uint32_t stream, Status status) {
  if (!status) {
    // A device that runs beside us may have taken a part of it: what the job
    // writes counts as torn.
    job.started |= device.info().reportsFaults;
    fail(job, std::move(status));
    return;
  }
  shadows.send(stream);
  ++job.outstanding;
  job.started = true;
}

void StreamActor::submit(Job &job, uint32_t slot, uint32_t stream,
                         const PreparedSegment &segment) {
  noteSubmitted(job, stream,
                streams[stream]->submit(segment, this, token(slot, stream)));
}

void StreamActor::begin(uint32_t slot) {
  Job &job = jobs[slot];
  if (!closed)
    return fail(job, closed);
  if (Status broken = device.status(); !broken)
    return fail(job, std::move(broken));
  job.phase = Phase::running;
  switch (job.request.kind) {
  case runJob:
    return beginPlan(job);
  case memoryOperation:
    return beginMemoryOperation(job, slot);
  case kernelLaunch:
    return beginLaunch(job, slot);
  default:
    return beginReadBack(job, slot);
  }
}

void StreamActor::beginPlan(Job &job) {
  auto run = job.request.as<RunJob>();
  job.plan = tables.plan(run.plan);
  if (!job.plan)
    return fail(job, notFound("no plan " + std::to_string(run.plan)));
  if (Status torn = tornBy(job, fastTorn); !torn)
    return fail(job, std::move(torn));
  job.frames.reserve(job.plan->depth());
  job.frames.push_back({0, 0});
}

void StreamActor::advance(uint32_t slot) {
  Job &job = jobs[slot];
  if (job.request.kind != runJob)
    return;
  while (job.phase == Phase::running && !job.awaitsCondition) {
    if (job.frames.empty()) {
      job.phase = Phase::sentAll;
      return;
    }
    Frame &frame = job.frames.back();
    const PreparedJob::Block &block = job.plan->blocks()[frame.block];
    if (frame.step == block.size()) {
      job.frames.pop_back();
      continue;
    }
    const PreparedJob::Step &step = block[frame.step];
    if (step.kind == PreparedJob::StepKind::line) {
      ++frame.step;
      if (step.segment)
        submit(job, slot, step.stream, *step.segment);
    } else if (!job.conditionKnown) {
      submitCondition(job, slot, step);
    } else {
      job.conditionKnown = false;
      uint32_t next = job.value ? step.then : step.otherwise;
      // A loop comes back to its condition as long as that isn't 0.
      if (step.kind == PreparedJob::StepKind::branch || !job.value)
        ++frame.step;
      if (next != JobSpec::noBlock)
        job.frames.push_back({next, 0});
    }
  }
}

void StreamActor::submitCondition(Job &job, uint32_t slot,
                                  const PreparedJob::Step &step) {
  submit(job, slot, step.stream, *step.readBack);
  if (job.phase != Phase::running)
    return;
  job.awaitsCondition = true;
  job.conditionStream = step.stream;
  job.conditionPosition = shadows.fast(step.stream);
  job.cell = step.cell;
}

void StreamActor::beginMemoryOperation(Job &job, uint32_t slot) {
  auto request = job.request.as<MemoryOperation>();
  if (request.resource != none && request.resource >= options.resources)
    return fail(job, outOfRange("memory operation: no resource " +
                                std::to_string(request.resource)));
  job.resource = request.resource;
  if (request.stream >= streams.size())
    return fail(job, outOfRange("memory operation: no stream " +
                                std::to_string(request.stream)));
  std::optional<MemoryRange> region = tables.region(request.region);
  if (!region || !inside(*region, request.offset, request.bytes))
    return fail(job, outOfRange("memory operation: outside region " +
                                std::to_string(request.region)));
  void *here = at(*region, request.offset);
  Record record;
  if (request.op == MemoryOp::fill) {
    record = FillRecord{here, request.otherOffset, request.patternBytes,
                        request.bytes};
  } else {
    bool within = request.op == MemoryOp::copy;
    std::optional<MemoryRange> other = within
                                           ? tables.region(request.other)
                                           : tables.hostBuffer(request.other);
    if (!other || !inside(*other, request.otherOffset, request.bytes))
      return fail(job, outOfRange(std::string("memory operation: outside ") +
                                  (within ? "region " : "host buffer ") +
                                  std::to_string(request.other)));
    void *there = at(*other, request.otherOffset);
    if (request.op == MemoryOp::download)
      record = CopyRecord{CopyKind::down, there, here, request.bytes};
    else
      record = CopyRecord{within ? CopyKind::within : CopyKind::up, here, there,
                          request.bytes};
  }
  if (Status torn = tornBy(job, fastTorn); !torn)
    return fail(job, std::move(torn));
  noteSubmitted(job, request.stream,
                streams[request.stream]->submitRecord(
                    nullptr, record, this, token(slot, request.stream)));
  job.phase = Phase::sentAll;
}

const PreparedJob::Step *StreamActor::stepOf(Job &job, uint32_t plan,
                                             uint32_t block, uint32_t step) {
  job.plan = tables.plan(plan);
  if (!job.plan) {
    fail(job, notFound("no plan " + std::to_string(plan)));
    return nullptr;
  }
  const auto &blocks = job.plan->blocks();
  if (block >= blocks.size() || step >= blocks[block].size()) {
    fail(job, outOfRange("plan " + std::to_string(plan) + " has no block " +
                         std::to_string(block) + " with a step " +
                         std::to_string(step)));
    return nullptr;
  }
  if (Status torn = tornBy(job, fastTorn); !torn) {
    fail(job, std::move(torn));
    return nullptr;
  }
  return &blocks[block][step];
}

void StreamActor::beginLaunch(Job &job, uint32_t slot) {
  auto request = job.request.as<KernelLaunch>();
  if (request.record == none && request.last) {
    job.plan = tables.plan(request.plan);
    if (!job.plan)
      return fail(job, notFound("no plan " + std::to_string(request.plan)));
    if (Status torn = tornBy(job, fastTorn); !torn)
      return fail(job, std::move(torn));
    job.phase = Phase::sentAll;
    return;
  }
  const PreparedJob::Step *step =
      stepOf(job, request.plan, request.block, request.step);
  if (!step)
    return;
  if (request.record >= step->records.size())
    return fail(job, outOfRange("no record " + std::to_string(request.record) +
                                " prepared for stepping"));
  submit(job, slot, step->stream, *step->records[request.record]);
  job.phase = Phase::sentAll;
}

void StreamActor::beginReadBack(Job &job, uint32_t slot) {
  auto request = job.request.as<ReadBack>();
  const PreparedJob::Step *step =
      stepOf(job, request.plan, request.block, request.step);
  if (!step)
    return;
  if (!step->readBack)
    return fail(job, invalidArgument("only a branch or loop is read back"));
  submitCondition(job, slot, *step);
  job.phase = Phase::sentAll;
}

} // namespace actnet::rt
