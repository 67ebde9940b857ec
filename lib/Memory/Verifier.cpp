//===- Verifier.cpp - check a plan against its problem --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Memory/Verifier.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

namespace actnet::mem {

namespace {

std::string bufferText(const Problem &problem, const Plan &plan, size_t id) {
  const BufferSpec &b = problem.buffers[id];
  return "buffer " + std::to_string(id) + " (bytes " +
         std::to_string(plan.offsets[id]) + " to " +
         std::to_string(plan.offsets[id] + b.size) + ", alive " +
         std::to_string(b.first) + " to " + std::to_string(b.last) + ")";
}

} // namespace

Status verify(const Problem &problem, const Plan &plan) {
  if (plan.offsets.size() != problem.buffers.size())
    return internalError("memory plan: " + std::to_string(plan.offsets.size()) +
                         " offsets for " +
                         std::to_string(problem.buffers.size()) + " buffers");

  // (position, 0 for birth and 1 for death, buffer): at one position all are
  // born before any dies, since lifetimes include both ends.
  std::vector<std::tuple<uint64_t, int, size_t>> events;
  for (size_t id = 0; id < problem.buffers.size(); ++id) {
    const BufferSpec &b = problem.buffers[id];
    uint64_t end;
    if (b.first > b.last)
      return internalError("memory plan: buffer " + std::to_string(id) +
                           " dies before it is born");
    if (b.alignment == 0 || plan.offsets[id] % b.alignment != 0)
      return internalError("memory plan: buffer " + std::to_string(id) +
                           " at " + std::to_string(plan.offsets[id]) +
                           " is not aligned to " + std::to_string(b.alignment));
    if (__builtin_add_overflow(plan.offsets[id], b.size, &end) ||
        (b.size > 0 && end > plan.peak))
      return internalError("memory plan: buffer " + std::to_string(id) +
                           " ends beyond the peak of " +
                           std::to_string(plan.peak) + " bytes");
    if (b.size == 0)
      continue;
    events.emplace_back(b.first, 0, id);
    events.emplace_back(b.last, 1, id);
  }
  std::sort(events.begin(), events.end());

  std::map<uint64_t, size_t> live; // offset to buffer; disjoint
  uint64_t bytes = 0, most = 0;
  for (auto [position, death, id] : events) {
    uint64_t begin = plan.offsets[id], end = begin + problem.buffers[id].size;
    if (death) {
      live.erase(begin);
      bytes -= problem.buffers[id].size;
      continue;
    }
    auto next = live.lower_bound(begin);
    size_t other = id;
    if (next != live.end() && next->first < end)
      other = next->second;
    if (next != live.begin()) {
      auto before = std::prev(next);
      if (before->first + problem.buffers[before->second].size > begin)
        other = before->second;
    }
    if (other != id)
      return internalError("memory plan: " + bufferText(problem, plan, id) +
                           " overlaps " + bufferText(problem, plan, other));
    live.emplace(begin, id);
    bytes += problem.buffers[id].size;
    most = std::max(most, bytes);
  }
  if (plan.lowerBound != most)
    return internalError("memory plan: its lower bound is " +
                         std::to_string(plan.lowerBound) + ", but " +
                         std::to_string(most) + " bytes live at once");
  return okStatus();
}

} // namespace actnet::mem
