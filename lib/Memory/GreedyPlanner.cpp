//===- GreedyPlanner.cpp - a portfolio of greedy orders -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "PlacedIndex.h"
#include "actnet/Memory/Allocator.h"
#include "actnet/Memory/Planner.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <utility>

namespace actnet::mem {

namespace {

using Order = std::vector<uint32_t>;

uint64_t alignUp(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

/// Refuses what cannot be planned, and sums that could overflow later.
Status check(const Problem &problem) {
  if (problem.buffers.size() >= std::numeric_limits<uint32_t>::max())
    return outOfRange("more than 4294967294 buffers");
  uint64_t total = 0;
  for (size_t i = 0; i < problem.buffers.size(); ++i) {
    const BufferSpec &buffer = problem.buffers[i];
    std::string where = "buffer " + std::to_string(i) + ": ";
    if (buffer.last < buffer.first)
      return invalidArgument(where + "its lifetime ends before it begins");
    if (buffer.alignment == 0 ||
        (buffer.alignment & (buffer.alignment - 1)) != 0)
      return invalidArgument(where + "alignment " +
                             std::to_string(buffer.alignment) +
                             " is no power of two");
    // Alignment can cost each buffer up to its alignment once.
    uint64_t most;
    if (__builtin_add_overflow(buffer.size, buffer.alignment, &most) ||
        __builtin_add_overflow(total, most, &total) ||
        total > uint64_t(std::numeric_limits<int64_t>::max()))
      return outOfRange("the sizes of all buffers do not fit 63 bits");
  }
  return okStatus();
}

/// One run over the problem: places buffers in an order, with shared scratch
/// memory and one budget for all runs.
class Runner {
public:
  Runner(const Problem &problem, uint64_t work)
      : problem(problem), index(problem), offsets(problem.buffers.size()),
        budget(work) {}

  /// Places all buffers; returns the peak, or nothing if it would reach
  /// `limit` or the budget ran out.
  std::optional<uint64_t> run(const Order &order, uint64_t limit) {
    index.clear();
    uint64_t peak = 0;
    for (uint32_t id : order) {
      uint64_t end = place(id);
      peak = std::max(peak, end);
      if (peak >= limit || spent > budget)
        return std::nullopt;
    }
    return peak;
  }

  bool exhausted() const { return spent > budget; }
  const std::vector<uint64_t> &result() const { return offsets; }

private:
  /// Puts a buffer into the tightest gap; returns where it ends.
  uint64_t place(uint32_t id) {
    const BufferSpec &buffer = problem.buffers[id];
    if (buffer.size == 0) {
      offsets[id] = 0;
      return 0;
    }
    neighbours.clear();
    spent += 1 + index.overlapping(buffer.first, buffer.last, [&](uint32_t n) {
      neighbours.emplace_back(offsets[n], offsets[n] + problem.buffers[n].size);
    });
    std::sort(neighbours.begin(), neighbours.end());
    uint64_t best = 0, bestGap = std::numeric_limits<uint64_t>::max();
    bool found = false;
    uint64_t free = 0; // everything below is looked at
    for (auto [begin, end] : neighbours) {
      uint64_t at = alignUp(free, buffer.alignment);
      if (begin >= at + buffer.size && begin - free < bestGap) {
        found = true;
        best = at;
        bestGap = begin - free;
      }
      free = std::max(free, end);
    }
    offsets[id] = found ? best : alignUp(free, buffer.alignment);
    index.add(id);
    return offsets[id] + buffer.size;
  }

  const Problem &problem;
  PlacedIndex index;
  std::vector<uint64_t> offsets;
  std::vector<std::pair<uint64_t, uint64_t>> neighbours;
  uint64_t budget;
  uint64_t spent = 0;
};

/// Best fit by start: blocks come and go as in an allocator that knows when
/// each is freed. O(n log n) however many live at once, so there is always a
/// plan.
uint64_t sweep(const Problem &problem, const Order &byStart,
               std::vector<uint64_t> &offsets) {
  FreeRanges open{uint64_t(std::numeric_limits<int64_t>::max())};
  using Death = std::pair<uint64_t, uint32_t>; // last position, buffer
  std::priority_queue<Death, std::vector<Death>, std::greater<>> deaths;
  uint64_t peak = 0;
  for (uint32_t id : byStart) {
    const BufferSpec &buffer = problem.buffers[id];
    offsets[id] = 0;
    if (buffer.size == 0)
      continue;
    while (!deaths.empty() && deaths.top().first < buffer.first) {
      uint32_t dead = deaths.top().second;
      deaths.pop();
      open.give(offsets[dead], offsets[dead] + problem.buffers[dead].size);
    }
    // The end grows by at most a size and its alignment, and check() made sure
    // that all of those together fit.
    offsets[id] = *open.bestFit(buffer.size, buffer.alignment);
    open.take(offsets[id], offsets[id] + buffer.size);
    peak = std::max(peak, offsets[id] + buffer.size);
    deaths.emplace(buffer.last, id);
  }
  return peak;
}

/// The largest sum of live bytes met in each buffer's life: buffers that live
/// where memory is tight are placed before those that have room.
std::vector<uint64_t> contention(const Problem &problem) {
  size_t n = problem.buffers.size();
  std::vector<uint64_t> starts(n);
  for (size_t i = 0; i < n; ++i)
    starts[i] = problem.buffers[i].first;
  std::sort(starts.begin(), starts.end());
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  auto slotAtOrAfter = [&](uint64_t position) {
    return size_t(std::lower_bound(starts.begin(), starts.end(), position) -
                  starts.begin());
  };
  // The sum can rise only where a buffer starts, so those positions suffice.
  std::vector<int64_t> change(starts.size() + 1);
  for (const BufferSpec &buffer : problem.buffers) {
    change[slotAtOrAfter(buffer.first)] += int64_t(buffer.size);
    change[size_t(std::upper_bound(starts.begin(), starts.end(), buffer.last) -
                  starts.begin())] -= int64_t(buffer.size);
  }
  // A sparse table answers the maximum over a lifetime in O(1).
  std::vector<std::vector<uint64_t>> table(1);
  int64_t live = 0;
  for (size_t i = 0; i < starts.size(); ++i)
    table[0].push_back(uint64_t(live += change[i]));
  for (size_t width = 1; 2 * width <= starts.size(); width *= 2) {
    const std::vector<uint64_t> &below = table.back();
    std::vector<uint64_t> row(starts.size() - 2 * width + 1);
    for (size_t i = 0; i < row.size(); ++i)
      row[i] = std::max(below[i], below[i + width]);
    table.push_back(std::move(row));
  }
  std::vector<uint64_t> result(n);
  for (size_t i = 0; i < n; ++i) {
    const BufferSpec &buffer = problem.buffers[i];
    size_t begin = slotAtOrAfter(buffer.first);
    size_t end =
        size_t(std::upper_bound(starts.begin(), starts.end(), buffer.last) -
               starts.begin());
    size_t level = 0;
    while ((size_t(2) << level) <= end - begin)
      ++level;
    result[i] =
        std::max(table[level][begin], table[level][end - (size_t(1) << level)]);
  }
  return result;
}

template <typename Less> Order sorted(size_t n, Less less) {
  Order order(n);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](uint32_t x, uint32_t y) {
    return less(x, y) || (!less(y, x) && x < y);
  });
  return order;
}

Order byStart(const Problem &problem) {
  const std::vector<BufferSpec> &b = problem.buffers;
  return sorted(b.size(), [&](uint32_t x, uint32_t y) {
    return b[x].first != b[y].first ? b[x].first < b[y].first
                                    : b[x].size > b[y].size;
  });
}

std::vector<Order> portfolio(const Problem &problem) {
  const std::vector<BufferSpec> &b = problem.buffers;
  size_t n = b.size();
  std::vector<uint64_t> tight = contention(problem);
  auto length = [&](uint32_t i) { return b[i].last - b[i].first; };
  auto area = [&](uint32_t i) { return double(b[i].size) * (length(i) + 1); };
  auto bySize = [&](uint32_t x, uint32_t y) {
    return b[x].size != b[y].size ? b[x].size > b[y].size
                                  : length(x) > length(y);
  };
  return {
      sorted(n, bySize),
      sorted(n, [&](uint32_t x, uint32_t y) { return area(x) > area(y); }),
      sorted(n,
             [&](uint32_t x, uint32_t y) {
               return tight[x] != tight[y] ? tight[x] > tight[y] : bySize(x, y);
             }),
      sorted(n,
             [&](uint32_t x, uint32_t y) {
               return tight[x] != tight[y] ? tight[x] > tight[y]
                                           : area(x) > area(y);
             }),
      sorted(n,
             [&](uint32_t x, uint32_t y) {
               return length(x) != length(y) ? length(x) > length(y)
                                             : b[x].size > b[y].size;
             }),
      sorted(n,
             [&](uint32_t x, uint32_t y) {
               return b[x].last != b[y].last ? b[x].last > b[y].last
                                             : b[x].size > b[y].size;
             }),
  };
}

class GreedyPlanner final : public Planner {
public:
  explicit GreedyPlanner(GreedyOptions options) : options(options) {}

  std::string_view name() const override { return "greedy"; }

  Expected<Plan> plan(const Problem &problem) const override {
    ACTNET_RETURN_IF_ERROR(check(problem));
    Plan best;
    best.lowerBound = lowerBound(problem);
    best.offsets.assign(problem.buffers.size(), 0);
    if (best.lowerBound == 0)
      return best;
    Order bestOrder = byStart(problem);
    best.peak = sweep(problem, bestOrder, best.offsets);
    Runner runner(problem, options.work);
    auto done = [&] {
      return best.peak == best.lowerBound || runner.exhausted();
    };
    // Keeps a plan with a peak below `limit`.
    auto attempt = [&](const Order &order, uint64_t limit) {
      if (std::optional<uint64_t> peak = runner.run(order, limit)) {
        best.peak = *peak;
        best.offsets = runner.result();
        bestOrder = order;
      }
    };
    if (done())
      return best;
    for (const Order &order : portfolio(problem)) {
      attempt(order, best.peak);
      if (done())
        return best;
    }
    // The generator's sequence is part of the standard, so the same problem
    // gets the same plan everywhere.
    std::mt19937 random(1);
    for (unsigned round = 0; round < options.rounds && !done(); ++round)
      attempt(shuffled(problem, best, bestOrder, random), best.peak + 1);
    return best;
  }

private:
  /// Moves one of the buffers that end at the peak to a place before, so that
  /// it gets a better one; sometimes also any other.
  static Order shuffled(const Problem &problem, const Plan &plan, Order order,
                        std::mt19937 &random) {
    std::vector<size_t> atPeak;
    for (size_t i = 0; i < order.size(); ++i) {
      uint32_t id = order[i];
      if (problem.buffers[id].size > 0 &&
          plan.offsets[id] + problem.buffers[id].size == plan.peak)
        atPeak.push_back(i);
    }
    auto moveForward = [&](size_t from) {
      size_t to = random() % (from + 1);
      std::rotate(order.begin() + long(to), order.begin() + long(from),
                  order.begin() + long(from) + 1);
    };
    if (random() % 2)
      moveForward(random() % order.size());
    moveForward(atPeak[random() % atPeak.size()]);
    return order;
  }

  GreedyOptions options;
};

} // namespace

uint64_t lowerBound(const Problem &problem) {
  // Position, then change of live bytes; a buffer still lives at its last
  // position, so ends count from the next.
  std::vector<std::pair<uint64_t, int64_t>> events;
  events.reserve(2 * problem.buffers.size());
  for (const BufferSpec &buffer : problem.buffers) {
    events.emplace_back(buffer.first, int64_t(buffer.size));
    if (buffer.last != std::numeric_limits<uint64_t>::max())
      events.emplace_back(buffer.last + 1, -int64_t(buffer.size));
  }
  std::sort(events.begin(), events.end());
  int64_t live = 0, most = 0;
  for (auto [position, change] : events)
    most = std::max(most, live += change);
  return uint64_t(most);
}

std::unique_ptr<Planner> makeGreedyPlanner(GreedyOptions options) {
  return std::make_unique<GreedyPlanner>(options);
}

Expected<Plan> planGreedy(const Problem &problem) {
  return GreedyPlanner({}).plan(problem);
}

} // namespace actnet::mem
