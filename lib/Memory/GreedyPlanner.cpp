//===- GreedyPlanner.cpp - a portfolio of greedy orders
//--------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "PlacedIndex.h"
#include "actnet/Memory/Planner.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <numeric>
#include <optional>
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
  /// `limit` or the budget ran out (and `bounded`).
  std::optional<uint64_t> run(const Order &order, uint64_t limit,
                              bool bounded) {
    index.clear();
    uint64_t peak = 0;
    for (uint32_t id : order) {
      uint64_t end = place(id);
      peak = std::max(peak, end);
      if (peak >= limit)
        return std::nullopt;
      if (bounded && spent > budget)
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
      // By start costs least and is good for chains: it always runs.
      sorted(n,
             [&](uint32_t x, uint32_t y) {
               return b[x].first != b[y].first ? b[x].first < b[y].first
                                               : b[x].size > b[y].size;
             }),
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
    best.peak = std::numeric_limits<uint64_t>::max();
    Runner runner(problem, options.work);
    Order bestOrder;
    auto attempt = [&](const Order &order, bool bounded) {
      std::optional<uint64_t> peak = runner.run(order, best.peak, bounded);
      if (!peak)
        return false;
      best.peak = *peak;
      best.offsets = runner.result();
      bestOrder = order;
      return true;
    };
    bool first = true;
    for (const Order &order : portfolio(problem)) {
      attempt(order, /*bounded=*/!std::exchange(first, false));
      if (best.peak == best.lowerBound || runner.exhausted())
        return best;
    }
    for (unsigned round = 0; round < options.rounds; ++round) {
      if (!attempt(peakFirst(problem, best, bestOrder), true) ||
          best.peak == best.lowerBound || runner.exhausted())
        break;
    }
    return best;
  }

private:
  /// Moves the buffers that end at the peak to the front.
  static Order peakFirst(const Problem &problem, const Plan &plan,
                         const Order &order) {
    auto atPeak = [&](uint32_t id) {
      return problem.buffers[id].size > 0 &&
             plan.offsets[id] + problem.buffers[id].size == plan.peak;
    };
    Order moved;
    moved.reserve(order.size());
    std::copy_if(order.begin(), order.end(), std::back_inserter(moved), atPeak);
    std::copy_if(order.begin(), order.end(), std::back_inserter(moved),
                 [&](uint32_t id) { return !atPeak(id); });
    return moved;
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
