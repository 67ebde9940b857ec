//===- VerifyMemory.cpp - check a function's memory plan ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The last word on a plan, made by whomever: this file shares no code with the
// planners nor with Lifetimes.cpp, so that a mistake of theirs is found here.
// Lifetimes.cpp thinks in intervals of positions; here the records are a graph
// of control flow, and bytes are needed after a record if some way from there
// reads them before they are written anew, and some way to it wrote them. Where
// that is so, no record may write bytes of another root over them.
//
//===----------------------------------------------------------------------===//

#include "actnet/Package/Lifetimes.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>

namespace actnet::pkg {

namespace {

std::string nameOf(const FunctionPlan &function, uint32_t id) {
  const std::string &name = function.buffers[id]->name;
  return name.empty() ? "buffer " + std::to_string(id)
                      : "buffer " + std::to_string(id) + " ('" + name + "')";
}

/// A root and the bytes that it takes in its region.
struct Place {
  uint32_t id;
  uint64_t begin, end;
};

/// No bytes meet nothing.
bool meet(const Place &a, const Place &b) {
  return std::max(a.begin, b.begin) < std::min(a.end, b.end);
}

std::string bytesOf(const Place &place) {
  return "bytes " + std::to_string(place.begin) + " to " +
         std::to_string(place.end);
}

Status overlap(const FunctionPlan &function, const char *region, const Place &a,
               const Place &b, const std::string &when) {
  const Place &first = a.id < b.id ? a : b, &second = a.id < b.id ? b : a;
  return internalError("memory plan: " + nameOf(function, first.id) + " (" +
                       region + ", " + bytesOf(first) + ") overlaps " +
                       nameOf(function, second.id) + " (" + bytesOf(second) +
                       ")" + when);
}

/// Where a root lies, checked by itself.
Expected<Place> placeOf(const FunctionPlan &function, uint32_t id,
                        const MemoryPlan &memory, std::span<const Range> exprs,
                        uint64_t regionBytes, const char *regionText) {
  const Buffer &buffer = *function.buffers[id];
  if (buffer.size >= exprs.size() || exprs[buffer.size].upper == unbounded)
    return failedPrecondition(nameOf(function, id) +
                              ": its size has no upper bound");
  if (exprs[buffer.size].upper < 0)
    return outOfRange(nameOf(function, id) + ": its size is negative");
  Place place{id, memory.offsets[id], 0};
  if (buffer.alignment == 0 || place.begin % buffer.alignment != 0)
    return internalError("memory plan: " + nameOf(function, id) + " at " +
                         std::to_string(place.begin) + " is not aligned to " +
                         std::to_string(buffer.alignment));
  uint64_t size = uint64_t(exprs[buffer.size].upper);
  if (__builtin_add_overflow(place.begin, size, &place.end) ||
      (size > 0 && place.end > regionBytes))
    return internalError("memory plan: " + nameOf(function, id) + " at " +
                         std::to_string(place.begin) + " with " +
                         std::to_string(size) + " bytes ends beyond the " +
                         std::to_string(regionBytes) + " bytes of " +
                         regionText);
  return place;
}

//===----------------------------------------------------------------------===//
// Records as control flow
//===----------------------------------------------------------------------===//

/// What one record does to one root.
struct Touch {
  uint32_t root;
  bool reads, writes;
  bool kills; // writes every byte
};

/// A record. A loop's record decides before each round.
struct Node {
  std::vector<Touch> touches;
  std::vector<uint32_t> next, before;
  uint32_t outerLoop; // record of the outermost loop around it, or itself
  uint16_t stream;
};

/// A root that the listing says to live through a loop.
struct Held {
  uint32_t root, first, last;
};

class Flow {
public:
  Flow(const Plan &plan, const FunctionPlan &function)
      : plan(plan), function(function) {
    if (function.body)
      addBlock(*function.body, {}, none);
    for (uint32_t node = 0; node < nodes.size(); ++node)
      for (uint32_t next : nodes[node].next)
        nodes[next].before.push_back(node);
  }

  std::vector<Node> nodes; // in the order of the listing
  std::vector<Held> held;

private:
  using Ends = std::vector<uint32_t>;

  Ends addBlock(const Block &block, Ends from, uint32_t outerLoop) {
    for (const auto &record : block.records)
      from = addRecord(*record, from, outerLoop);
    return from;
  }

  void touch(uint32_t node, uint32_t id, bool reads, bool writes, bool whole) {
    const Buffer &buffer = *function.buffers[id];
    uint32_t root = buffer.root == none ? id : buffer.root;
    // A view of as many bytes as the root has is the root.
    whole &= function.buffers[root]->size == buffer.size;
    for (Touch &known : nodes[node].touches)
      if (known.root == root) {
        known.reads |= reads;
        known.writes |= writes;
        known.kills = (known.kills || (writes && whole)) && !known.reads;
        return;
      }
    nodes[node].touches.push_back({root, reads, writes, writes && whole});
    nodes[node].touches.back().kills &= !reads;
  }

  void touchAll(uint32_t node, const std::vector<uint32_t> &operands,
                const std::vector<Access> &access) {
    for (size_t i = 0; i < operands.size(); ++i) {
      bool known = i < access.size();
      touch(node, operands[i], !known || access[i] != Access::Write,
            !known || access[i] != Access::Read, true);
    }
  }

  /// Adds a record behind `from`; returns the records that the next one
  /// follows.
  Ends addRecord(const Record &record, const Ends &from, uint32_t outerLoop);

  const Plan &plan;
  const FunctionPlan &function;
};

Flow::Ends Flow::addRecord(const Record &record, const Ends &from,
                           uint32_t outerLoop) {
  uint32_t node = uint32_t(nodes.size());
  bool outermost = outerLoop == none;
  nodes.push_back({{}, {}, {}, outermost ? node : outerLoop, record.stream});
  for (uint32_t end : from)
    nodes[end].next.push_back(node);
  if (const Launch *launch = record.body.AsLaunch()) {
    touchAll(node, launch->operands, plan.kernels[launch->kernel]->access);
  } else if (const Call *call = record.body.AsCall()) {
    touchAll(node, call->operands, call->access);
    if (call->workspace != none)
      touch(node, call->workspace, false, true, true);
  } else if (const Copy *copy = record.body.AsCopy()) {
    touch(node, copy->src, true, false, false);
    touch(node, copy->dst, false, true,
          function.buffers[copy->dst]->size == copy->bytes);
  } else if (const Fill *fill = record.body.AsFill()) {
    touch(node, fill->dst, false, true,
          function.buffers[fill->dst]->size == fill->bytes);
  } else if (const Branch *branch = record.body.AsBranch()) {
    touch(node, branch->condition, true, false, false);
    Ends ends;
    for (const auto &block : branch->blocks) {
      Ends own = addBlock(*block, {node}, outerLoop);
      ends.insert(ends.end(), own.begin(), own.end());
    }
    // A bool may choose a second block that isn't there.
    if (branch->blocks.empty() ||
        (branch->type == DType::Bool && branch->blocks.size() < 2))
      ends.push_back(node);
    std::sort(ends.begin(), ends.end());
    ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
    return ends;
  } else if (const Loop *loop = record.body.AsLoop()) {
    std::vector<uint32_t> through = loop->carried;
    // Its record neither reads nor writes what is carried, but needs its place.
    for (uint32_t id : loop->carried)
      touch(node, id, false, false, false);
    if (loop->condition != none) {
      touch(node, loop->condition, true, false, false);
      through.push_back(loop->condition);
    }
    if (loop->counter != none) {
      touch(node, loop->counter, true, true, false);
      through.push_back(loop->counter);
    }
    if (loop->body)
      for (uint32_t end :
           addBlock(*loop->body, {node}, outermost ? node : outerLoop))
        nodes[end].next.push_back(node);
    uint32_t last = uint32_t(nodes.size() - 1);
    for (uint32_t id : through) {
      uint32_t root = function.buffers[id]->root;
      held.push_back({root == none ? id : root, node, last});
    }
  }
  return {node};
}

//===----------------------------------------------------------------------===//
// One stream
//===----------------------------------------------------------------------===//

/// A stretch of records after each of which a root's bytes are needed.
struct Stretch {
  uint32_t root, first, last;
};

const Touch *findTouch(const Node &node, uint32_t root) {
  for (const Touch &touch : node.touches)
    if (touch.root == root)
      return &touch;
  return nullptr;
}

/// Finds after which records the bytes of a root are needed.
class Need {
public:
  explicit Need(const Flow &flow)
      : flow(flow), wanted(flow.nodes.size(), none),
        kept(flow.nodes.size(), none) {}

  /// `users` are the records that touch the root.
  void find(uint32_t root, std::span<const uint32_t> users,
            std::vector<Stretch> &stretches) {
    // No way leads from a write to before the outermost loop around it.
    uint32_t lowest = none;
    for (uint32_t user : users)
      if (findTouch(flow.nodes[user], root)->writes)
        lowest = std::min(lowest, flow.nodes[user].outerLoop);
    if (lowest == none)
      return;
    // Backwards from each read: after which records is it still to come?
    std::vector<uint32_t> work;
    for (uint32_t user : users)
      if (findTouch(flow.nodes[user], root)->reads)
        work.push_back(user);
    while (!work.empty()) {
      uint32_t node = work.back();
      work.pop_back();
      for (uint32_t before : flow.nodes[node].before) {
        if (before < lowest || wanted[before] == root)
          continue;
        wanted[before] = root;
        const Touch *touch = findTouch(flow.nodes[before], root);
        if (!touch || !touch->kills)
          work.push_back(before);
      }
    }
    // Forwards from each write, as long as it is.
    std::vector<uint32_t> found;
    auto keep = [&](uint32_t node) {
      if (wanted[node] != root || kept[node] == root)
        return;
      kept[node] = root;
      found.push_back(node);
      work.push_back(node);
    };
    for (uint32_t user : users)
      if (findTouch(flow.nodes[user], root)->writes)
        keep(user);
    while (!work.empty()) {
      uint32_t node = work.back();
      work.pop_back();
      for (uint32_t next : flow.nodes[node].next)
        keep(next);
    }
    std::sort(found.begin(), found.end());
    for (uint32_t node : found)
      if (!stretches.empty() && stretches.back().root == root &&
          stretches.back().last + 1 == node)
        ++stretches.back().last;
      else
        stretches.push_back({root, node, node});
  }

private:
  const Flow &flow;
  std::vector<uint32_t> wanted, kept; // by node: the root it is marked for
};

uint64_t addSizes(uint64_t a, uint64_t b) {
  uint64_t sum;
  return __builtin_add_overflow(a, b, &sum)
             ? std::numeric_limits<uint64_t>::max()
             : sum;
}

/// Walks the listing with the roots that are needed; `most` is the largest sum
/// of their bytes.
Status checkOneStream(const FunctionPlan &function, const Flow &flow,
                      const std::vector<Place> &places,
                      std::vector<Stretch> stretches, uint64_t &most) {
  auto byFirst = [](const Stretch &a, const Stretch &b) {
    return a.first < b.first;
  };
  std::sort(stretches.begin(), stretches.end(), byFirst);
  std::vector<Stretch> active;
  size_t begun = 0;
  std::vector<uint32_t> present, presentAt(places.size(), none);
  for (uint32_t at = 0; at < flow.nodes.size(); ++at) {
    std::erase_if(active, [&](const Stretch &s) { return s.last < at; });
    while (begun < stretches.size() && stretches[begun].first == at)
      active.push_back(stretches[begun++]);
    present.clear();
    uint64_t bytes = 0;
    auto add = [&](uint32_t root) {
      if (presentAt[root] == at)
        return;
      presentAt[root] = at;
      present.push_back(root);
      bytes = addSizes(bytes, places[root].end - places[root].begin);
    };
    for (const Stretch &stretch : active)
      add(stretch.root);
    const std::vector<Touch> &touches = flow.nodes[at].touches;
    for (const Touch &touch : touches)
      add(touch.root);
    most = std::max(most, bytes);
    for (const Touch &touch : touches)
      for (uint32_t other : present)
        if (touch.writes && other != touch.root &&
            meet(places[touch.root], places[other]))
          return overlap(function, "scratch", places[touch.root], places[other],
                         ", and record " + std::to_string(at) +
                             " writes the one while the other is needed");
  }
  return okStatus();
}

//===----------------------------------------------------------------------===//
// Several streams
//===----------------------------------------------------------------------===//

/// Which records are done, on each stream, before a record begins: all up to
/// and with a number. Signals say so; an await in a block that may be skipped
/// says nothing about what follows the block.
class Order {
public:
  Order(const FunctionPlan &function, const Flow &flow, size_t streams)
      : flow(flow), done(streams, Clock(streams, -1)) {
    knownAt.reserve(flow.nodes.size());
    if (function.body)
      walk(*function.body);
  }

  /// True if `a` has ended, every time, before `b` begins for the first time.
  bool precedes(uint32_t a, uint32_t b) const {
    const Node &first = flow.nodes[a];
    // In a loop around both, `a` of the next round comes behind `b` of this.
    return a < b && first.outerLoop != flow.nodes[b].outerLoop &&
           knownAt[b][first.stream] >= int64_t(a);
  }

private:
  using Clock = std::vector<int64_t>; // per stream: the last record done

  void walk(const Block &block) {
    for (const auto &record : block.records) {
      uint32_t at = uint32_t(knownAt.size());
      Clock &mine = done[record->stream];
      if (const Await *await = record->body.AsAwait())
        if (auto known = signals.find(await->signal); known != signals.end())
          for (size_t s = 0; s < mine.size(); ++s)
            mine[s] = std::max(mine[s], known->second[s]);
      knownAt.push_back(mine);
      mine[record->stream] = at;
      if (const Signal *signal = record->body.AsSignal())
        signals[signal->signal] = mine;
      auto nested = [&](const Block &inner) {
        std::vector<Clock> outside = done;
        auto signalsOutside = signals;
        walk(inner);
        signals = std::move(signalsOutside);
        // Streams keep their own order; all else may have been skipped.
        for (size_t s = 0; s < done.size(); ++s) {
          int64_t own = done[s][s];
          done[s] = outside[s];
          done[s][s] = own;
        }
      };
      if (const Branch *branch = record->body.AsBranch())
        for (const auto &inner : branch->blocks)
          nested(*inner);
      else if (const Loop *loop = record->body.AsLoop())
        nested(*loop->body);
    }
  }

  const Flow &flow;
  std::vector<Clock> done;    // by stream
  std::vector<Clock> knownAt; // by record
  std::map<uint32_t, Clock> signals;
};

/// Two roots may share bytes only if all uses of one end before any of the
/// other begins.
Status checkStreams(const FunctionPlan &function, const Flow &flow,
                    size_t streams, const std::vector<Place> &places,
                    const std::vector<std::vector<uint32_t>> &users) {
  Order order(function, flow, streams);
  auto before = [&](uint32_t a, uint32_t b) {
    for (uint32_t x : users[a])
      for (uint32_t y : users[b])
        if (!order.precedes(x, y))
          return false;
    return true;
  };
  for (uint32_t a = 0; a < places.size(); ++a)
    for (uint32_t b = a + 1; b < places.size(); ++b)
      if (meet(places[a], places[b]) && !users[a].empty() &&
          !users[b].empty() && !before(a, b) && !before(b, a))
        return overlap(function, "scratch", places[a], places[b],
                       ", and no signal orders their streams");
  return okStatus();
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

Status checkRing(const FunctionPlan &function, const MemoryPlan &memory,
                 std::span<const Range> exprs) {
  std::vector<Place> places;
  for (uint32_t id = 0; id < function.buffers.size(); ++id) {
    const Buffer &buffer = *function.buffers[id];
    if (buffer.root != none ||
        (buffer.region != Region::Input && buffer.region != Region::Output))
      continue;
    ACTNET_ASSIGN_OR_RETURN(Place place,
                            placeOf(function, id, memory, exprs,
                                    memory.slot_bytes, "a slot of the ring"));
    if (place.begin < place.end)
      places.push_back(place);
  }
  std::sort(places.begin(), places.end(),
            [](const Place &a, const Place &b) { return a.begin < b.begin; });
  for (size_t i = 1; i < places.size(); ++i)
    if (meet(places[i - 1], places[i]))
      return overlap(function, "ring", places[i - 1], places[i], "");
  return okStatus();
}

/// State has one layout, the same for every function and at every load: the
/// variables in their order, each at the next multiple of 64.
Status checkState(const Interface &interface, const FunctionPlan &function,
                  const MemoryPlan &memory, std::span<const Range> exprs,
                  std::span<const uint64_t> offsets, uint64_t stateBytes) {
  if (offsets.size() != interface.variables.size())
    return internalError("memory plan: " + std::to_string(offsets.size()) +
                         " state offsets for " +
                         std::to_string(interface.variables.size()) +
                         " variables");
  uint64_t end = 0;
  for (size_t i = 0; i < offsets.size(); ++i) {
    const Variable &variable = *interface.variables[i];
    uint64_t bytes = dtypeBytes(variable.dtype);
    for (uint32_t extent : variable.shape) {
      if (extent >= exprs.size() || exprs[extent].upper == unbounded)
        return failedPrecondition("variable '" + variable.name +
                                  "': its shape has no upper bound");
      if (__builtin_mul_overflow(
              bytes, uint64_t(std::max<int64_t>(exprs[extent].upper, 0)),
              &bytes))
        return outOfRange("variable '" + variable.name +
                          "': its size does not fit 64 bits");
    }
    uint64_t at = end + (64 - end % 64) % 64;
    if (at < end || __builtin_add_overflow(at, bytes, &end))
      return outOfRange("the variables do not fit 64 bits");
    if (offsets[i] != at)
      return internalError("memory plan: variable '" + variable.name +
                           "' lies at " + std::to_string(offsets[i]) +
                           " of the state, whose one layout has it at " +
                           std::to_string(at));
  }
  if (stateBytes != end)
    return internalError(
        "memory plan: the state has " + std::to_string(stateBytes) +
        " bytes, but its variables take " + std::to_string(end));
  for (uint32_t id = 0; id < function.buffers.size(); ++id) {
    const Buffer &buffer = *function.buffers[id];
    if (buffer.region != Region::State || buffer.root != none)
      continue;
    if (buffer.binding >= offsets.size() ||
        memory.offsets[id] != offsets[buffer.binding])
      return internalError("memory plan: " + nameOf(function, id) +
                           " does not lie on its variable");
  }
  return okStatus();
}

} // namespace

Status verifyScratch(const Plan &plan, const FunctionPlan &function,
                     const MemoryPlan &memory, std::span<const Range> exprs) {
  if (memory.offsets.size() != function.buffers.size())
    return internalError(
        "memory plan: " + std::to_string(memory.offsets.size()) +
        " offsets for " + std::to_string(function.buffers.size()) + " buffers");
  Flow flow(plan, function);
  std::vector<std::vector<uint32_t>> users(function.buffers.size());
  size_t streams = std::max<size_t>(function.streams, 1);
  for (uint32_t node = 0; node < flow.nodes.size(); ++node) {
    streams = std::max<size_t>(streams, flow.nodes[node].stream + 1);
    for (const Touch &touch : flow.nodes[node].touches)
      users[touch.root].push_back(node);
  }
  // What is not in scratch, or never used, takes no place.
  std::vector<Place> places(function.buffers.size());
  Need need(flow);
  std::vector<Stretch> stretches;
  for (uint32_t id = 0; id < places.size(); ++id) {
    const Buffer &buffer = *function.buffers[id];
    places[id] = {id, 0, 0};
    if (buffer.region != Region::Scratch || buffer.root != none ||
        users[id].empty())
      continue;
    ACTNET_ASSIGN_OR_RETURN(
        places[id],
        placeOf(function, id, memory, exprs, memory.scratch_bytes, "scratch"));
    if (streams == 1)
      need.find(id, users[id], stretches);
  }
  uint64_t most = 0;
  if (streams > 1) {
    ACTNET_RETURN_IF_ERROR(
        checkStreams(function, flow, streams, places, users));
  } else {
    for (const Held &held : flow.held)
      stretches.push_back({held.root, held.first, held.last});
    ACTNET_RETURN_IF_ERROR(
        checkOneStream(function, flow, places, std::move(stretches), most));
  }
  if (memory.scratch_lower_bound < most)
    return internalError("memory plan: its lower bound is " +
                         std::to_string(memory.scratch_lower_bound) + ", but " +
                         std::to_string(most) + " bytes are needed at once");
  if (memory.scratch_lower_bound > memory.scratch_bytes)
    return internalError("memory plan: its lower bound of " +
                         std::to_string(memory.scratch_lower_bound) +
                         " bytes is above its peak of " +
                         std::to_string(memory.scratch_bytes));
  return okStatus();
}

Status verifyMemory(const Interface &interface, const Plan &plan,
                    const FunctionPlan &function, const MemoryPlan &memory,
                    std::span<const Range> exprs,
                    std::span<const uint64_t> stateOffsets,
                    uint64_t stateBytes) {
  ACTNET_RETURN_IF_ERROR(verifyScratch(plan, function, memory, exprs));
  ACTNET_RETURN_IF_ERROR(checkRing(function, memory, exprs));
  return checkState(interface, function, memory, exprs, stateOffsets,
                    stateBytes);
}

} // namespace actnet::pkg
