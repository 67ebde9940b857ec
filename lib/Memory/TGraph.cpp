//===- TGraph.cpp - what is ready, and what it costs to bring back --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Memory/TGraph.h"

#include <algorithm>
#include <utility>

namespace actnet::mem {

namespace {

uint64_t addSaturating(uint64_t a, uint64_t b) {
  uint64_t sum;
  return __builtin_add_overflow(a, b, &sum)
             ? std::numeric_limits<uint64_t>::max()
             : sum;
}

} // namespace

TGraph::BufferId TGraph::addBuffer() {
  buffers.emplace_back();
  return BufferId(buffers.size() - 1);
}

std::optional<TGraph::OpId> TGraph::addOp(std::span<const BufferId> operands,
                                          std::span<const BufferId> results,
                                          uint64_t cost) {
  for (BufferId id : operands)
    if (id >= buffers.size())
      return std::nullopt;
  for (BufferId id : results) {
    // A result that someone reads already would make a cycle possible.
    if (id >= buffers.size() || buffers[id].maker ||
        !buffers[id].users.empty() ||
        std::count(results.begin(), results.end(), id) != 1 ||
        std::count(operands.begin(), operands.end(), id) != 0)
      return std::nullopt;
  }
  OpId op = OpId(ops.size());
  Op &added = ops.emplace_back();
  added.operands.assign(operands.begin(), operands.end());
  std::sort(added.operands.begin(), added.operands.end());
  added.operands.erase(
      std::unique(added.operands.begin(), added.operands.end()),
      added.operands.end());
  added.results.assign(results.begin(), results.end());
  added.cost = cost;
  for (BufferId id : added.operands) {
    buffers[id].users.push_back(op);
    added.missing += !buffers[id].present;
  }
  for (BufferId id : added.results)
    buffers[id].maker = op;
  becomeReady(op);
  return op;
}

void TGraph::becomeReady(OpId op) {
  if (isReady(op))
    pending.push_back(op);
}

void TGraph::markPresent(BufferId buffer) {
  if (std::exchange(buffers[buffer].present, true))
    return;
  for (OpId user : buffers[buffer].users)
    if (--ops[user].missing == 0)
      becomeReady(user);
}

void TGraph::drop(BufferId buffer) {
  if (!std::exchange(buffers[buffer].present, false))
    return;
  for (OpId user : buffers[buffer].users)
    ++ops[user].missing;
}

void TGraph::finish(OpId op) {
  ops[op].finished = true;
  for (BufferId id : ops[op].results)
    markPresent(id);
}

void TGraph::takeReady(std::vector<OpId> &out) {
  // An operation may have become ready, lost an operand and become ready again.
  std::sort(pending.begin(), pending.end());
  pending.erase(std::unique(pending.begin(), pending.end()), pending.end());
  for (OpId op : pending)
    if (isReady(op))
      out.push_back(op);
  pending.clear();
}

void TGraph::choose(BufferId buffer, std::vector<uint64_t> &costs) const {
  // Depth first without recursion: a chain may be as long as the model is deep.
  // Makers come before users, so there are no cycles.
  costs.assign(buffers.size(), never);
  std::vector<uint8_t> state(buffers.size()); // 0 new, 1 open, 2 done
  std::vector<BufferId> stack = {buffer};
  while (!stack.empty()) {
    BufferId id = stack.back();
    const Buffer &at = buffers[id];
    if (state[id] == 2 || at.present || !at.maker) {
      costs[id] = at.present ? 0 : state[id] == 2 ? costs[id] : at.copyCost;
      state[id] = 2;
      stack.pop_back();
      continue;
    }
    const Op &maker = ops[*at.maker];
    if (state[id] == 0) {
      state[id] = 1;
      for (BufferId operand : maker.operands)
        if (state[operand] == 0)
          stack.push_back(operand);
      continue;
    }
    uint64_t again = maker.cost;
    for (BufferId operand : maker.operands)
      again = addSaturating(again, costs[operand]);
    costs[id] = std::min(at.copyCost, again);
    state[id] = 2;
    stack.pop_back();
  }
}

std::optional<std::vector<TGraph::Step>>
TGraph::restoreSteps(BufferId buffer) const {
  std::vector<uint64_t> costs;
  choose(buffer, costs);
  if (costs[buffer] == never)
    return std::nullopt;
  // Again depth first, now only along what was chosen.
  std::vector<Step> steps;
  std::vector<uint8_t> done(buffers.size()), open(buffers.size());
  std::vector<BufferId> stack = {buffer};
  while (!stack.empty()) {
    BufferId id = stack.back();
    const Buffer &at = buffers[id];
    if (done[id] || at.present) {
      stack.pop_back();
      continue;
    }
    if (!at.maker || costs[id] == at.copyCost) {
      steps.push_back({Step::copy, id});
      done[id] = 1;
      stack.pop_back();
      continue;
    }
    const Op &maker = ops[*at.maker];
    if (!std::exchange(open[id], 1)) {
      for (BufferId operand : maker.operands)
        if (!done[operand])
          stack.push_back(operand);
      continue;
    }
    steps.push_back({Step::run, *at.maker});
    // A run brings back all results of the operation.
    for (BufferId result : maker.results)
      done[result] = 1;
    stack.pop_back();
  }
  return steps;
}

std::optional<uint64_t> TGraph::restoreCost(BufferId buffer) const {
  std::optional<std::vector<Step>> steps = restoreSteps(buffer);
  if (!steps)
    return std::nullopt;
  uint64_t cost = 0;
  for (const Step &step : *steps)
    cost =
        addSaturating(cost, step.kind == Step::run ? ops[step.id].cost
                                                   : buffers[step.id].copyCost);
  return cost;
}

} // namespace actnet::mem
