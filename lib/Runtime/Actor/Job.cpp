//===- Job.cpp - a planned job made ready for its streams -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "actnet/Runtime/Actor/Job.h"

#include <algorithm>

namespace actnet::rt {

namespace {

/// Apart from each other, so that devices may write them at once.
constexpr uint64_t cellStride = 64;

std::string place(size_t block, size_t step) {
  return "block " + std::to_string(block) + ", step " + std::to_string(step);
}

/// Checks what belongs to the job and not to its records.
Status checkSpec(const JobSpec &spec, size_t streams) {
  if (spec.blocks.empty())
    return invalidArgument("job: no block to begin in");
  std::vector<unsigned> uses(spec.blocks.size(), 0);
  auto use = [&](uint32_t block) -> Status {
    if (block == JobSpec::noBlock)
      return {};
    if (block >= spec.blocks.size())
      return invalidArgument("no block " + std::to_string(block));
    if (block == 0 || ++uses[block] > 1)
      return invalidArgument("block " + std::to_string(block) +
                             " is used twice");
    return {};
  };
  auto check = [&](const JobSpec::Step &step) -> Status {
    uint32_t stream = std::visit([](auto &s) { return s.stream; }, step);
    if (stream >= streams)
      return invalidArgument("no stream " + std::to_string(stream));
    if (auto *branch = std::get_if<JobSpec::Branch>(&step)) {
      if (!branch->condition)
        return invalidArgument("branch without a condition");
      ACTNET_RETURN_IF_ERROR(use(branch->then));
      return use(branch->otherwise);
    }
    if (auto *loop = std::get_if<JobSpec::Loop>(&step)) {
      if (!loop->condition)
        return invalidArgument("loop without a condition");
      return use(loop->body);
    }
    return {};
  };
  for (size_t b = 0; b < spec.blocks.size(); ++b)
    for (size_t s = 0; s < spec.blocks[b].size(); ++s)
      ACTNET_RETURN_IF_ERROR(
          check(spec.blocks[b][s]).addContext("job: " + place(b, s)));
  return {};
}

/// Greatest number of blocks open at once below `block`. Each block is used
/// once, so this ends; blocks that nobody reaches don't count.
uint32_t depthFrom(const JobSpec &spec, uint32_t block) {
  if (block == JobSpec::noBlock)
    return 0;
  uint32_t deepest = 0;
  for (const JobSpec::Step &step : spec.blocks[block]) {
    if (auto *branch = std::get_if<JobSpec::Branch>(&step))
      deepest = std::max({deepest, depthFrom(spec, branch->then),
                          depthFrom(spec, branch->otherwise)});
    else if (auto *loop = std::get_if<JobSpec::Loop>(&step))
      deepest = std::max(deepest, depthFrom(spec, loop->body));
  }
  return deepest + 1;
}

DevicePtr conditionOf(const JobSpec::Step &step) {
  if (auto *branch = std::get_if<JobSpec::Branch>(&step))
    return branch->condition;
  return std::get<JobSpec::Loop>(step).condition;
}

size_t countConditions(const JobSpec &spec) {
  size_t count = 0;
  for (const JobSpec::Block &block : spec.blocks)
    for (const JobSpec::Step &step : block)
      count += !std::holds_alternative<JobSpec::Line>(step);
  return count;
}

} // namespace

Expected<std::unique_ptr<PreparedJob>>
PreparedJob::prepare(Device &device, std::span<DeviceStream *const> streams,
                     const JobSpec &spec) {
  ACTNET_RETURN_IF_ERROR(checkSpec(spec, streams.size()));
  std::unique_ptr<PreparedJob> job(new PreparedJob());
  job->readList = spec.reads;
  job->writeList = spec.writes;
  job->nesting = depthFrom(spec, 0);
  if (size_t conditions = countConditions(spec)) {
    ACTNET_ASSIGN_OR_RETURN(
        job->cells, DeviceMemory::allocate(device, conditions * cellStride,
                                           MemoryKind::staging));
  }
  auto *cell = static_cast<uint8_t *>(job->cells.data());
  for (size_t b = 0; b < spec.blocks.size(); ++b) {
    Block block;
    for (size_t s = 0; s < spec.blocks[b].size(); ++s) {
      const JobSpec::Step &from = spec.blocks[b][s];
      Step step;
      auto prepareOn = [&](std::span<const Record> records) {
        return streams[step.stream]
            ->prepare({spec.executable, records})
            .addContext("job: " + place(b, s));
      };
      if (auto *line = std::get_if<JobSpec::Line>(&from)) {
        step.stream = line->stream;
        job->records += line->records.size();
        if (!line->records.empty()) {
          ACTNET_ASSIGN_OR_RETURN(step.segment, prepareOn(line->records));
        }
        for (size_t i = 0; spec.stepping && i < line->records.size(); ++i) {
          ACTNET_ASSIGN_OR_RETURN(auto single,
                                  prepareOn({&line->records[i], 1}));
          step.records.push_back(std::move(single));
        }
      } else {
        auto *branch = std::get_if<JobSpec::Branch>(&from);
        auto *loop = std::get_if<JobSpec::Loop>(&from);
        step.kind = branch ? StepKind::branch : StepKind::loop;
        step.stream = branch ? branch->stream : loop->stream;
        step.then = branch ? branch->then : loop->body;
        step.otherwise = branch ? branch->otherwise : JobSpec::noBlock;
        step.cell = cell;
        Record copy = CopyRecord{CopyKind::down, cell, conditionOf(from), 1};
        ACTNET_ASSIGN_OR_RETURN(step.readBack, prepareOn({&copy, 1}));
        cell += cellStride;
      }
      block.push_back(std::move(step));
    }
    job->blockList.push_back(std::move(block));
  }
  return Expected<std::unique_ptr<PreparedJob>>(std::move(job));
}

Status PreparedJob::update(const JobSpec &spec) {
  auto differs = [](size_t b, size_t s) {
    return invalidArgument("job: " + place(b, s) +
                           " is not of the kind that was prepared");
  };
  if (spec.blocks.size() != blockList.size())
    return invalidArgument("job: another number of blocks than prepared");
  for (size_t b = 0; b < blockList.size(); ++b) {
    if (spec.blocks[b].size() != blockList[b].size())
      return differs(b, 0);
    for (size_t s = 0; s < blockList[b].size(); ++s) {
      const JobSpec::Step &from = spec.blocks[b][s];
      Step &step = blockList[b][s];
      if (from.index() != size_t(step.kind))
        return differs(b, s);
      if (step.readBack) {
        Record copy =
            CopyRecord{CopyKind::down, const_cast<uint8_t *>(step.cell),
                       conditionOf(from), 1};
        ACTNET_RETURN_IF_ERROR(
            step.readBack->update({spec.executable, {&copy, 1}}));
        continue;
      }
      const auto &records = std::get<JobSpec::Line>(from).records;
      if (records.empty() != !step.segment)
        return differs(b, s);
      // The text of a context is made for an error only: it would allocate.
      if (step.segment)
        if (Status updated = step.segment->update({spec.executable, records});
            !updated)
          return std::move(updated).addContext("job: " + place(b, s));
      for (size_t i = 0; i < step.records.size(); ++i)
        ACTNET_RETURN_IF_ERROR(
            step.records[i]->update({spec.executable, {&records[i], 1}}));
    }
  }
  return {};
}

} // namespace actnet::rt
