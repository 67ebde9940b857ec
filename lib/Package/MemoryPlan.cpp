//===- MemoryPlan.cpp - regions, their plans and their checks -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Memory/Planner.h"
#include "actnet/Memory/Verifier.h"
#include "actnet/Package/Lifetimes.h"

#include <algorithm>

namespace actnet::pkg {

namespace {

/// Alignment of variables, inputs and outputs: a cache line, and what kernels
/// may assume of an operand.
constexpr uint64_t regionAlignment = 64;

std::string bufferText(const FunctionPlan &function, uint32_t id) {
  const std::string &name = function.buffers[id]->name;
  return "buffer " + std::to_string(id) +
         (name.empty() ? "" : " ('" + name + "')");
}

/// The largest size of a buffer.
Expected<uint64_t> upperSize(const FunctionPlan &function, uint32_t id,
                             std::span<const Range> exprs) {
  uint32_t size = function.buffers[id]->size;
  if (size >= exprs.size() || exprs[size].upper == unbounded)
    return failedPrecondition(bufferText(function, id) +
                              ": its size has no upper bound");
  if (exprs[size].upper < 0)
    return outOfRange(bufferText(function, id) + ": its size is negative");
  return uint64_t(exprs[size].upper);
}

bool isRoot(const Buffer &buffer) { return buffer.root == none; }

/// Places a block of `size` bytes behind `end`; false on overflow.
bool append(uint64_t &end, uint64_t size, uint64_t alignment, uint64_t &at) {
  return !__builtin_add_overflow(end, alignment - 1, &at) &&
         (at &= ~(alignment - 1), true) &&
         !__builtin_add_overflow(at, size, &end);
}

} // namespace

Expected<ScratchProblem> planProblem(const Plan &plan,
                                     const FunctionPlan &function,
                                     std::span<const Range> exprs) {
  std::vector<Lifetime> lives = computeLifetimes(plan, function);
  ScratchProblem result;
  for (uint32_t id = 0; id < function.buffers.size(); ++id) {
    const Buffer &buffer = *function.buffers[id];
    if (buffer.region != Region::Scratch || !isRoot(buffer) || !lives[id].used)
      continue;
    ACTNET_ASSIGN_OR_RETURN(uint64_t size, upperSize(function, id, exprs));
    result.problem.buffers.push_back(
        {size, buffer.alignment, lives[id].first, lives[id].last});
    result.buffers.push_back(id);
  }
  return result;
}

Expected<StateLayout> layoutState(const Interface &interface,
                                  std::span<const Range> exprs) {
  StateLayout layout;
  for (const auto &variable : interface.variables) {
    uint64_t bytes = dtypeBytes(variable->dtype);
    for (uint32_t extent : variable->shape) {
      if (extent >= exprs.size() || exprs[extent].upper == unbounded)
        return failedPrecondition("variable '" + variable->name +
                                  "': its shape has no upper bound");
      uint64_t upper = uint64_t(std::max<int64_t>(exprs[extent].upper, 0));
      if (__builtin_mul_overflow(bytes, upper, &bytes))
        return outOfRange("variable '" + variable->name +
                          "': its size does not fit 64 bits");
    }
    uint64_t at;
    if (!append(layout.bytes, bytes, regionAlignment, at))
      return outOfRange("the variables do not fit 64 bits");
    layout.offsets.push_back(at);
  }
  return layout;
}

Expected<std::unique_ptr<MemoryPlan>>
planMemory(const Plan &plan, const FunctionPlan &function,
           std::span<const Range> exprs,
           std::span<const uint64_t> stateOffsets) {
  auto memory = std::make_unique<MemoryPlan>();
  memory->offsets.assign(function.buffers.size(), 0);

  ACTNET_ASSIGN_OR_RETURN(ScratchProblem scratch,
                          planProblem(plan, function, exprs));
  ACTNET_ASSIGN_OR_RETURN(mem::Plan found, mem::planGreedy(scratch.problem));
  ACTNET_RETURN_IF_ERROR(mem::verify(scratch.problem, found));
  for (size_t i = 0; i < scratch.buffers.size(); ++i)
    memory->offsets[scratch.buffers[i]] = found.offsets[i];
  memory->scratch_bytes = found.peak;
  memory->scratch_lower_bound = found.lowerBound;

  for (uint32_t id = 0; id < function.buffers.size(); ++id) {
    const Buffer &buffer = *function.buffers[id];
    if (!isRoot(buffer))
      continue;
    if (buffer.region == Region::Input || buffer.region == Region::Output) {
      ACTNET_ASSIGN_OR_RETURN(uint64_t size, upperSize(function, id, exprs));
      if (!append(memory->slot_bytes, size,
                  std::max<uint64_t>(regionAlignment, buffer.alignment),
                  memory->offsets[id]))
        return outOfRange("inputs and outputs do not fit 64 bits");
    } else if (buffer.region == Region::State &&
               buffer.binding < stateOffsets.size())
      memory->offsets[id] = stateOffsets[buffer.binding];
  }
  // mem::verify has the lifetimes from the same hand as the planner.
  ACTNET_RETURN_IF_ERROR(verifyScratch(plan, function, *memory, exprs));
  return memory;
}

Status planAll(const Interface &interface, Plan &plan) {
  std::vector<Range> exprs = exprRanges(interface.exprs, dimRanges(interface));
  Expected<StateLayout> state = layoutState(interface, exprs);
  plan.state_offsets.clear();
  plan.state_bytes = 0;
  if (!state)
    return state.status().code() == StatusCode::failedPrecondition
               ? okStatus()
               : state.takeStatus();
  plan.state_offsets = state->offsets;
  plan.state_bytes = state->bytes;
  for (auto &function : plan.functions) {
    if (function->memory)
      continue;
    Expected<std::unique_ptr<MemoryPlan>> memory =
        planMemory(plan, *function, exprs, plan.state_offsets);
    if (memory)
      function->memory = *std::move(memory);
    else if (memory.status().code() != StatusCode::failedPrecondition)
      return memory.takeStatus();
  }
  return okStatus();
}

} // namespace actnet::pkg
