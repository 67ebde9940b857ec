//===- VerifyMemoryTest.cpp - the verifier against brute force ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random listings with nested blocks and random places in a small arena. A
// simulator visits every state that an execution can reach, and must come to
// the verifier's verdict. Then the same with falsified lifetimes.
//
//===----------------------------------------------------------------------===//

#include "Sample.h"
#include "actnet/Memory/Planner.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <random>
#include <set>

using namespace actnet;
using namespace actnet::pkg;
using namespace actnet::pkg::test;

namespace {

constexpr uint32_t roots = 5, halves = 5; // half i is a view of root i
const std::vector<Range> exprs = {{64, 64}, {32, 32}, {0, 0}, {16, 16}};
enum Kernels { move, update, make, look };

Plan kernels() {
  Plan plan;
  plan.kernels.push_back(makeKernel("move", {Access::Read, Access::Write}));
  plan.kernels.push_back(makeKernel("update", {Access::ReadWrite}));
  plan.kernels.push_back(makeKernel("make", {Access::Write}));
  plan.kernels.push_back(makeKernel("look", {Access::Read}));
  return plan;
}

/// Roots of 64 bytes, 'a' to 'e', and the first half of each as a view.
FunctionPlan emptyFunction() {
  FunctionPlan function;
  for (const char *name : {"a", "b", "c", "d", "e"}) {
    function.buffers.push_back(makeBuffer(name, Region::Scratch, 0));
    function.buffers.back()->alignment = 16;
  }
  for (uint32_t root = 0; root < halves; ++root)
    function.buffers.push_back(makeView("half", Region::Scratch, root, 1, 2));
  function.body = std::make_unique<Block>();
  return function;
}

using Random = std::mt19937_64;
uint32_t below(Random &random, uint32_t n) { return uint32_t(random() % n); }

/// A random block of at most `budget` records, which it takes from it.
std::unique_ptr<Block> randomBlock(Random &random, int &budget, int depth) {
  auto block = std::make_unique<Block>();
  auto any = [&] {
    return below(random, roots + (below(random, 4) ? 0 : halves));
  };
  for (uint32_t n = 1 + below(random, 6); n > 0 && budget > 0; --n) {
    --budget;
    uint32_t kind = below(random, depth < 3 ? 10 : 7);
    if (kind < 5) {
      uint32_t kernel = below(random, 4);
      std::vector<uint32_t> operands = {any()};
      if (kernel == move)
        operands.push_back(any());
      block->records.push_back(launch(kernel, std::move(operands)));
    } else if (kind == 5) {
      Copy copy;
      copy.src = any();
      copy.dst = any();
      copy.bytes = below(random, 2);
      block->records.push_back(makeRecord(std::move(copy)));
    } else if (kind == 6) {
      Fill fill;
      fill.dst = any();
      fill.bytes = below(random, 2);
      block->records.push_back(makeRecord(std::move(fill)));
    } else if (kind < 9) {
      Branch branch;
      branch.condition = below(random, roots);
      branch.type = below(random, 2) ? DType::Bool : DType::I32;
      for (uint32_t b = 1 + below(random, 2); b > 0; --b)
        branch.blocks.push_back(randomBlock(random, budget, depth + 1));
      block->records.push_back(makeRecord(std::move(branch)));
    } else {
      Loop loop;
      loop.trips = 0;
      if (below(random, 4) == 0)
        loop.carried.push_back(below(random, roots));
      if (below(random, 4) == 0)
        loop.condition = below(random, roots);
      if (below(random, 8) == 0)
        loop.counter = below(random, roots);
      loop.body = randomBlock(random, budget, depth + 1);
      block->records.push_back(makeRecord(std::move(loop)));
    }
  }
  return block;
}

FunctionPlan randomFunction(Random &random) {
  FunctionPlan function = emptyFunction();
  int budget = 12;
  function.body = randomBlock(random, budget, 0);
  return function;
}

/// Places in an arena that holds two or three of the roots side by side.
MemoryPlan randomPlaces(Random &random, const FunctionPlan &function) {
  MemoryPlan memory;
  memory.offsets.assign(function.buffers.size(), 0);
  uint32_t places = 4 + below(random, 12);
  for (uint32_t id = 0; id < roots; ++id)
    memory.offsets[id] = 16 * below(random, places);
  memory.scratch_bytes = memory.scratch_lower_bound = 16 * places + 512;
  return memory;
}

//===----------------------------------------------------------------------===//
// The simulator
//===----------------------------------------------------------------------===//

/// What the bytes of a root are worth on one execution.
enum class Content : char { undefined, good, clobbered };

struct Effect {
  uint32_t root;
  bool reads, writes, all;
};

class Simulator {
public:
  Simulator(const Plan &plan, const FunctionPlan &function,
            const MemoryPlan &memory)
      : plan(plan), function(function), memory(memory) {}

  /// True if an execution reads bytes that another root has been written over.
  bool findsDamage() {
    State start;
    start.stack = {{function.body.get(), 0}};
    start.content.assign(roots, Content::undefined);
    std::vector<State> work = {start};
    std::set<std::pair<std::vector<Frame>, std::vector<Content>>> seen;
    while (!work.empty()) {
      State state = std::move(work.back());
      work.pop_back();
      if (!seen.insert({state.stack, state.content}).second)
        continue;
      if (!step(std::move(state), work))
        return true;
    }
    return false;
  }

  /// Records of several streams in one block, in any order that streams and
  /// signals allow.
  bool findsDamageOnStreams() {
    const auto &records = function.body->records;
    // Done records as bits.
    std::vector<std::pair<uint32_t, std::vector<Content>>> work = {
        {0, std::vector<Content>(roots, Content::undefined)}};
    std::set<std::pair<uint32_t, std::vector<Content>>> seen;
    while (!work.empty()) {
      auto [done, content] = std::move(work.back());
      work.pop_back();
      if (!seen.insert({done, content}).second)
        continue;
      for (uint32_t i = 0; i < records.size(); ++i) {
        if (done >> i & 1)
          continue;
        bool ready = true;
        for (uint32_t j = 0; j < i; ++j)
          ready &= records[j]->stream != records[i]->stream || (done >> j & 1);
        if (const Await *await = records[i]->body.AsAwait())
          for (uint32_t j = 0; j < i; ++j)
            if (const Signal *signal = records[j]->body.AsSignal())
              ready &= signal->signal != await->signal || (done >> j & 1);
        if (!ready)
          continue;
        std::vector<Content> next = content;
        if (!apply(effectsOf(*records[i]), next))
          return true;
        work.push_back({done | 1u << i, std::move(next)});
      }
    }
    return false;
  }

private:
  using Frame = std::pair<const Block *, size_t>;
  struct State {
    std::vector<Frame> stack;
    std::vector<Content> content;
  };

  static uint32_t rootOf(uint32_t id) { return id < roots ? id : id - roots; }

  bool meet(uint32_t a, uint32_t b) const {
    uint64_t x = memory.offsets[a], y = memory.offsets[b];
    return a != b && x < y + 64 && y < x + 64;
  }

  std::vector<Effect> effectsOf(const Record &record) const {
    std::vector<Effect> effects;
    if (const Launch *l = record.body.AsLaunch())
      for (size_t i = 0; i < l->operands.size(); ++i) {
        Access access = plan.kernels[l->kernel]->access[i];
        effects.push_back({rootOf(l->operands[i]), access != Access::Write,
                           access != Access::Read, l->operands[i] < roots});
      }
    if (const Copy *c = record.body.AsCopy()) {
      effects.push_back({rootOf(c->src), true, false, false});
      effects.push_back(
          {rootOf(c->dst), false, true, c->dst < roots && c->bytes == 0});
    }
    if (const Fill *f = record.body.AsFill())
      effects.push_back(
          {rootOf(f->dst), false, true, f->dst < roots && f->bytes == 0});
    if (const Branch *b = record.body.AsBranch())
      effects.push_back({b->condition, true, false, false});
    if (const Loop *l = record.body.AsLoop()) {
      if (l->condition != none)
        effects.push_back({l->condition, true, false, false});
      if (l->counter != none)
        effects.push_back({l->counter, true, true, false});
    }
    return effects;
  }

  bool apply(const std::vector<Effect> &effects,
             std::vector<Content> &content) const {
    for (const Effect &e : effects)
      if (e.reads && content[e.root] == Content::clobbered)
        return false;
    // Tiles come in any order: what a record writes, it may neither read nor
    // write through another root.
    for (const Effect &e : effects)
      for (const Effect &other : effects)
        if (e.writes && meet(e.root, other.root))
          return false;
    for (const Effect &e : effects) {
      if (!e.writes)
        continue;
      if (e.all || content[e.root] == Content::undefined)
        content[e.root] = Content::good;
      for (uint32_t other = 0; other < roots; ++other)
        if (meet(e.root, other) && content[other] == Content::good)
          content[other] = Content::clobbered;
    }
    return true;
  }

  /// What is carried round a loop is needed all the way.
  bool keepsCarried(const std::vector<Frame> &stack,
                    const std::vector<Effect> &effects) const {
    for (const Frame &frame : stack) {
      if (frame.second == frame.first->records.size())
        continue;
      const Loop *loop = frame.first->records[frame.second]->body.AsLoop();
      if (!loop)
        continue;
      std::vector<uint32_t> held = loop->carried;
      held.push_back(loop->condition);
      held.push_back(loop->counter);
      for (uint32_t id : held)
        for (const Effect &e : effects)
          if (id != none && e.writes && meet(e.root, id))
            return false;
    }
    return true;
  }

  /// Adds the states behind one; false if it does damage.
  bool step(State state, std::vector<State> &work) const {
    auto [block, at] = state.stack.back();
    if (at == block->records.size()) {
      state.stack.pop_back();
      if (state.stack.empty())
        return true;
      // Behind a loop's body stands the loop again.
      auto &[outer, parent] = state.stack.back();
      if (outer->records[parent]->body.AsBranch())
        ++parent;
      work.push_back(std::move(state));
      return true;
    }
    const Record &record = *block->records[at];
    std::vector<Effect> effects = effectsOf(record);
    if (!apply(effects, state.content) || !keepsCarried(state.stack, effects))
      return false;
    State next = state;
    ++next.stack.back().second;
    if (const Branch *branch = record.body.AsBranch()) {
      for (const auto &inner : branch->blocks) {
        State entered = state;
        entered.stack.push_back({inner.get(), 0});
        work.push_back(std::move(entered));
      }
      if (branch->type == DType::Bool && branch->blocks.size() == 1)
        work.push_back(std::move(next));
      return true;
    }
    if (const Loop *loop = record.body.AsLoop()) {
      State entered = state;
      entered.stack.push_back({loop->body.get(), 0});
      work.push_back(std::move(entered));
    }
    work.push_back(std::move(next));
    return true;
  }

  const Plan &plan;
  const FunctionPlan &function;
  const MemoryPlan &memory;
};

//===----------------------------------------------------------------------===//
// Properties
//===----------------------------------------------------------------------===//

TEST(VerifyScratch, AgreesWithEveryExecutionOfRandomListings) {
  Plan plan = kernels();
  int accepted = 0, refused = 0;
  EXPECT_TRUE(rc::check([&](uint64_t seed) {
    for (int i = 0; i < 40; ++i) {
      Random random(seed * 40 + uint64_t(i));
      FunctionPlan function = randomFunction(random);
      MemoryPlan memory = randomPlaces(random, function);
      Status verdict = verifyScratch(plan, function, memory, exprs);
      bool damage = Simulator(plan, function, memory).findsDamage();
      if (verdict.isOk() == damage)
        RC_FAIL("seed " + std::to_string(seed) + ", listing " +
                std::to_string(i) + ": the verifier says " + verdict.str());
      ++(damage ? refused : accepted);
    }
  }));
  EXPECT_GT(accepted, 200);
  EXPECT_GT(refused, 200);
}

TEST(VerifyScratch, AcceptsWhatThePlannerMakesOfTrueLifetimes) {
  Plan plan = kernels();
  EXPECT_TRUE(rc::check([&](uint64_t seed) {
    Random random(seed);
    FunctionPlan function = randomFunction(random);
    auto memory = planMemory(plan, function, exprs, {});
    RC_ASSERT(memory.isOk());
    RC_ASSERT(verifyScratch(plan, function, **memory, exprs).isOk());
    RC_ASSERT(!Simulator(plan, function, **memory).findsDamage());
  }));
}

/// Plans with one lifetime cut short, as a planner would whose liveness had
/// lost a use.
Expected<MemoryPlan> planFalsely(const Plan &plan, const FunctionPlan &function,
                                 size_t which, bool cutFirst, uint64_t by) {
  ACTNET_ASSIGN_OR_RETURN(ScratchProblem scratch,
                          planProblem(plan, function, exprs));
  mem::BufferSpec &buffer =
      scratch.problem.buffers[which % scratch.problem.buffers.size()];
  by = std::min(by, buffer.last - buffer.first);
  (cutFirst ? buffer.first : buffer.last) += cutFirst ? by : -by;
  ACTNET_ASSIGN_OR_RETURN(mem::Plan found, mem::planGreedy(scratch.problem));
  MemoryPlan memory;
  memory.offsets.assign(function.buffers.size(), 0);
  for (size_t i = 0; i < scratch.buffers.size(); ++i)
    memory.offsets[scratch.buffers[i]] = found.offsets[i];
  memory.scratch_bytes = memory.scratch_lower_bound = 64 * roots;
  return memory;
}

TEST(VerifyScratch, NoticesLifetimesThatAreCutShort) {
  Plan plan = kernels();
  int noticed = 0;
  EXPECT_TRUE(rc::check([&](uint64_t seed) {
    for (int i = 0; i < 20; ++i) {
      Random random(seed * 20 + uint64_t(i));
      FunctionPlan function = randomFunction(random);
      auto problem = planProblem(plan, function, exprs);
      RC_ASSERT(problem.isOk());
      if (problem->buffers.empty())
        continue;
      auto memory = planFalsely(plan, function, below(random, roots),
                                below(random, 2), 1 + below(random, 6));
      RC_ASSERT(memory.isOk());
      bool damage = Simulator(plan, function, *memory).findsDamage();
      RC_ASSERT(verifyScratch(plan, function, *memory, exprs).isOk() ==
                !damage);
      noticed += damage;
    }
  }));
  EXPECT_GT(noticed, 20);
}

TEST(VerifyScratch, AcceptsOnStreamsOnlyWhatNoOrderDamages) {
  Plan plan = kernels();
  int accepted = 0, refused = 0;
  EXPECT_TRUE(rc::check([&](uint64_t seed) {
    for (int i = 0; i < 20; ++i) {
      Random random(seed * 20 + uint64_t(i));
      FunctionPlan function = emptyFunction();
      function.streams = 3;
      for (uint32_t r = 0; r < 9; ++r) {
        auto stream = uint16_t(below(random, 3));
        uint32_t kind = below(random, 5);
        auto &records = function.body->records;
        if (kind == 0) {
          Signal signal;
          signal.signal = function.signals++;
          records.push_back(makeRecord(std::move(signal), stream));
        } else if (kind == 1 && function.signals > 0) {
          Await await;
          await.signal = below(random, function.signals);
          records.push_back(makeRecord(std::move(await), stream));
        } else {
          uint32_t kernel = below(random, 4);
          std::vector<uint32_t> operands = {below(random, roots)};
          if (kernel == move)
            operands.push_back(below(random, roots));
          records.push_back(launch(kernel, std::move(operands)));
          records.back()->stream = stream;
        }
      }
      MemoryPlan memory = randomPlaces(random, function);
      bool ok = verifyScratch(plan, function, memory, exprs).isOk();
      RC_ASSERT(!ok ||
                !Simulator(plan, function, memory).findsDamageOnStreams());
      ++(ok ? accepted : refused);
    }
  }));
  EXPECT_GT(accepted, 30);
  EXPECT_GT(refused, 30);
}

//===----------------------------------------------------------------------===//
// Cases by hand
//===----------------------------------------------------------------------===//

struct Listing {
  Plan plan = kernels();
  FunctionPlan function = emptyFunction();
  MemoryPlan memory;

  Listing() {
    memory.offsets.assign(function.buffers.size(), 0);
    for (uint32_t id = 0; id < roots; ++id)
      memory.offsets[id] = 64 * id;
    memory.scratch_bytes = memory.scratch_lower_bound = 64 * roots;
  }
  void add(uint32_t kernel, std::vector<uint32_t> operands,
           uint16_t stream = 0) {
    function.body->records.push_back(launch(kernel, std::move(operands)));
    function.body->records.back()->stream = stream;
  }
  std::string verdict() const {
    return std::string(verifyScratch(plan, function, memory, exprs).message());
  }
};

TEST(VerifyScratch, NamesBothBuffers) {
  Listing l;
  l.add(make, {0});
  l.add(make, {1});
  l.add(look, {0});
  EXPECT_EQ(l.verdict(), "");
  l.memory.offsets[1] = 48;
  EXPECT_EQ(l.verdict(),
            "memory plan: buffer 0 ('a') (scratch, bytes 0 to 64) overlaps "
            "buffer 1 ('b') (bytes 48 to 112), and record 1 writes the one "
            "while the other is needed");
}

TEST(VerifyScratch, KnowsThatNothingIsNeededBehindTheLastRead) {
  Listing l;
  l.add(make, {0});
  l.add(look, {0});
  l.add(make, {1});
  l.memory.offsets[1] = 0;
  EXPECT_EQ(l.verdict(), "");
}

TEST(VerifyScratch, HoldsTheBoundBetweenNeedAndPeak) {
  Listing l;
  l.add(make, {0});
  l.add(move, {0, 1});
  l.memory.scratch_lower_bound = 127;
  EXPECT_EQ(l.verdict(), "memory plan: its lower bound is 127, but 128 bytes "
                         "are needed at once");
  l.memory.scratch_lower_bound = 128;
  l.memory.scratch_bytes = 128;
  EXPECT_EQ(l.verdict(), "");
  l.memory.scratch_lower_bound = 129;
  EXPECT_EQ(l.verdict(),
            "memory plan: its lower bound of 129 bytes is above its peak of "
            "128");
}

TEST(VerifyScratch, GivesWhatIsCarriedAPlaceThoughNoRecordUsesIt) {
  Listing l;
  Loop loop;
  loop.trips = 0;
  loop.carried = {0};
  loop.body = std::make_unique<Block>();
  loop.body->records.push_back(launch(make, {1}));
  l.function.body->records.push_back(makeRecord(std::move(loop)));
  EXPECT_EQ(l.verdict(), "");
  l.memory.offsets[1] = 0;
  EXPECT_NE(l.verdict(), "");
}

TEST(VerifyScratch, AsksSignalsForTheOrderOfStreams) {
  Listing l;
  l.function.streams = 2;
  l.memory.offsets[1] = 0;
  l.add(make, {0}, 0);
  l.add(look, {0}, 0);
  Signal signal;
  l.function.body->records.push_back(makeRecord(signal, 0));
  l.add(make, {1}, 1);
  EXPECT_NE(l.verdict().find("no signal orders their streams"),
            std::string::npos);
  auto &records = l.function.body->records;
  records.insert(records.begin() + 3, makeRecord(Await{}, 1));
  EXPECT_EQ(l.verdict(), "");
}

TEST(VerifyScratch, DoesNotTrustAnAwaitThatMayBeSkipped) {
  Listing l;
  l.function.streams = 2;
  l.memory.offsets[1] = 0;
  l.add(make, {2}, 1);
  l.add(make, {0}, 0);
  l.add(look, {0}, 0);
  auto &records = l.function.body->records;
  records.push_back(makeRecord(Signal{}, 0));
  Branch branch;
  branch.condition = 2;
  branch.blocks.push_back(std::make_unique<Block>());
  auto &inner = branch.blocks[0]->records;
  inner.push_back(makeRecord(Await{}, 1));
  inner.push_back(launch(make, {1}));
  inner.back()->stream = 1;
  records.push_back(makeRecord(std::move(branch), 1));
  EXPECT_EQ(l.verdict(), "");
  l.add(make, {1}, 1);
  EXPECT_NE(l.verdict(), "");
}

} // namespace
