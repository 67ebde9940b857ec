//===- Lifetimes.cpp - when buffers live ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Package/Lifetimes.h"

#include "Walk.h"

#include <algorithm>

namespace actnet::pkg {

uint64_t countRecords(const Block &block) {
  uint64_t count = 0;
  walkRecords(block, [&](const Record &, uint64_t) { ++count; });
  return count;
}

namespace {

/// One record's use of one root.
struct Use {
  uint64_t position;
  uint32_t root;
  bool reads;
  bool writesAll;
  uint64_t blockEnd; // one past the last position of the block it stands in
};

struct LoopSpan {
  uint64_t begin, end;         // positions of the loop and its last record
  size_t firstUse, uses;       // of the body, in the list of uses
  std::vector<uint32_t> alive; // roots that live through it in any case
};

/// Collects uses and loops in pre-order.
class Collector {
public:
  Collector(const Plan &plan, const FunctionPlan &function)
      : plan(plan), buffers(function.buffers) {
    if (function.body)
      walkBlock(*function.body);
  }

  std::vector<Use> uses;
  std::vector<LoopSpan> loops; // inner before outer

private:
  uint32_t rootOf(uint32_t id) const {
    return buffers[id]->root == none ? id : buffers[id]->root;
  }

  /// True if a write to all of `id` writes all of its root.
  bool isWhole(uint32_t id) const {
    return buffers[id]->root == none ||
           buffers[id]->size == buffers[buffers[id]->root]->size;
  }

  void use(uint32_t id, Access access, bool whole) {
    uint32_t root = rootOf(id);
    bool reads = access != Access::Write;
    // Two operands on one root are one use, which reads if either does.
    for (size_t i = uses.size(); i > recordBegin; --i)
      if (Use &other = uses[i - 1]; other.root == root) {
        other.reads |= reads;
        other.writesAll |= !reads && whole;
        return;
      }
    uses.push_back({position, root, reads, !reads && whole, blockEnd});
  }

  void useOperands(const std::vector<uint32_t> &operands,
                   const std::vector<Access> &access) {
    for (size_t i = 0; i < operands.size(); ++i) {
      Access how = i < access.size() ? access[i] : Access::ReadWrite;
      use(operands[i], how, isWhole(operands[i]));
    }
  }

  void walkBlock(const Block &block) {
    // Counting each nested block again costs no more than depth times records.
    uint64_t outerEnd = blockEnd;
    blockEnd = position + countRecords(block);
    for (const auto &record : block.records)
      walkRecord(*record);
    blockEnd = outerEnd;
  }

  void walkRecord(const Record &record) {
    recordBegin = uses.size();
    uint64_t at = position;
    switch (record.body.type) {
    case BodyKind::Launch: {
      const Launch &launch = *record.body.AsLaunch();
      useOperands(launch.operands, plan.kernels[launch.kernel]->access);
      break;
    }
    case BodyKind::Copy: {
      const Copy &copy = *record.body.AsCopy();
      use(copy.src, Access::Read, false);
      use(copy.dst, Access::Write, writesWhole(copy.dst, copy.bytes));
      break;
    }
    case BodyKind::Fill: {
      const Fill &fill = *record.body.AsFill();
      use(fill.dst, Access::Write, writesWhole(fill.dst, fill.bytes));
      break;
    }
    case BodyKind::Call: {
      const Call &call = *record.body.AsCall();
      useOperands(call.operands, call.access);
      if (call.workspace != none)
        use(call.workspace, Access::Write, isWhole(call.workspace));
      break;
    }
    case BodyKind::Branch: {
      const Branch &branch = *record.body.AsBranch();
      use(branch.condition, Access::Read, false);
      ++position;
      for (const auto &block : branch.blocks)
        walkBlock(*block);
      return;
    }
    case BodyKind::Loop:
      walkLoop(*record.body.AsLoop(), at);
      return;
    case BodyKind::Signal:
    case BodyKind::Await:
    case BodyKind::Reply:
    case BodyKind::NONE:
      break;
    }
    ++position;
  }

  bool writesWhole(uint32_t id, uint32_t bytes) const {
    return isWhole(id) && buffers[id]->size == bytes;
  }

  void walkLoop(const Loop &loop, uint64_t at) {
    LoopSpan span{at, at, 0, 0, {}};
    // The condition is read before every round and the counter written.
    for (uint32_t id : {loop.condition, loop.counter})
      if (id != none) {
        use(id, Access::ReadWrite, false);
        span.alive.push_back(rootOf(id));
      }
    for (uint32_t id : loop.carried)
      span.alive.push_back(rootOf(id));
    ++position;
    span.firstUse = uses.size();
    walkBlock(*loop.body);
    span.uses = uses.size() - span.firstUse;
    span.end = position - 1;
    loops.push_back(std::move(span));
  }

  const Plan &plan;
  const std::vector<std::unique_ptr<Buffer>> &buffers;
  uint64_t position = 0;
  uint64_t blockEnd = 0;
  size_t recordBegin = 0; // first use of the record at hand
};

/// What one loop sees of a root.
struct Seen {
  size_t count = 0;
  const Use *first = nullptr;
  uint64_t last = 0;
};

} // namespace

std::vector<Lifetime> computeLifetimes(const Plan &plan,
                                       const FunctionPlan &function) {
  Collector collected(plan, function);
  std::vector<Lifetime> lives(function.buffers.size());
  std::vector<size_t> total(lives.size());
  auto extend = [&](uint32_t root, uint64_t first, uint64_t last) {
    Lifetime &life = lives[root];
    life.first = life.used ? std::min(life.first, first) : first;
    life.last = life.used ? std::max(life.last, last) : last;
    life.used = true;
  };
  for (const Use &use : collected.uses) {
    extend(use.root, use.position, use.position);
    ++total[use.root];
  }

  std::vector<Seen> seen(lives.size());
  for (const LoopSpan &loop : collected.loops) {
    std::span<const Use> inside(collected.uses.data() + loop.firstUse,
                                loop.uses);
    for (const Use &use : inside) {
      Seen &s = seen[use.root];
      if (!s.first)
        s.first = &use;
      ++s.count;
      s.last = use.position;
    }
    for (const Use &use : inside) {
      Seen &s = seen[use.root];
      if (!s.first)
        continue; // done with this root
      bool leaves = s.count != total[use.root];
      bool fresh =
          s.first->writesAll && !s.first->reads && s.last < s.first->blockEnd;
      if (leaves || !fresh)
        extend(use.root, loop.begin, loop.end);
      s = Seen();
    }
    for (uint32_t root : loop.alive)
      extend(root, loop.begin, loop.end);
  }

  if (function.streams > 1) {
    // The order of records is the order of time on one stream only.
    uint64_t end = std::max<uint64_t>(countRecords(*function.body), 1) - 1;
    for (const Use &use : collected.uses)
      extend(use.root, 0, end);
  }

  for (size_t id = 0; id < lives.size(); ++id)
    if (uint32_t root = function.buffers[id]->root; root != none)
      lives[id] = lives[root];
  return lives;
}

} // namespace actnet::pkg
