//===- PlacedIndex.h - which placed buffers live at a time ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A balanced tree over all buffers of a problem, sorted by the start of their
// lives. Each node knows the last end among the placed buffers below it, so the
// placed ones that overlap a lifetime are found without looking at the others.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_MEMORY_PLACEDINDEX_H
#define ACTNET_LIB_MEMORY_PLACEDINDEX_H

#include "actnet/Memory/Plan.h"

#include <algorithm>
#include <numeric>

namespace actnet::mem {

class PlacedIndex {
public:
  explicit PlacedIndex(const Problem &problem)
      : buffers(problem.buffers), byStart(buffers.size()),
        rank(buffers.size()) {
    std::iota(byStart.begin(), byStart.end(), 0);
    std::sort(byStart.begin(), byStart.end(), [&](uint32_t a, uint32_t b) {
      return buffers[a].first != buffers[b].first
                 ? buffers[a].first < buffers[b].first
                 : a < b;
    });
    for (uint32_t i = 0; i < byStart.size(); ++i)
      rank[byStart[i]] = i;
    clear();
  }

  /// Forgets all placed buffers.
  void clear() {
    ends.assign(buffers.size(), 0);
    placed.assign(buffers.size(), 0);
  }

  /// Marks a buffer as placed. O(log n).
  void add(uint32_t id) {
    uint32_t target = rank[id];
    placed[target] = 1;
    size_t low = 0, high = byStart.size();
    while (true) {
      size_t middle = low + (high - low) / 2;
      ends[middle] = std::max(ends[middle], endOf(id));
      if (middle == target)
        return;
      (target < middle ? high : low) = target < middle ? middle : middle + 1;
    }
  }

  /// Calls `visit` with each placed buffer that lives within [first, last];
  /// returns the number of nodes looked at.
  template <typename Visit>
  uint64_t overlapping(uint64_t first, uint64_t last, Visit visit) const {
    uint64_t looked = 0;
    search(0, byStart.size(), first, last, visit, looked);
    return looked;
  }

private:
  /// One past the last position, so that 0 can mean "none placed"; a life up to
  /// the very last position is cut by one, where no other can begin later.
  uint64_t endOf(uint32_t id) const {
    uint64_t last = buffers[id].last;
    return last + 1 == 0 ? last : last + 1;
  }

  template <typename Visit>
  void search(size_t low, size_t high, uint64_t first, uint64_t last,
              Visit &visit, uint64_t &looked) const {
    while (low < high) {
      size_t middle = low + (high - low) / 2;
      ++looked;
      // No placed buffer of this subtree lives as long as `first`.
      if (ends[middle] == 0 || ends[middle] - 1 < first)
        return;
      search(low, middle, first, last, visit, looked);
      uint32_t id = byStart[middle];
      if (buffers[id].first > last)
        return;
      if (placed[middle] && buffers[id].last >= first)
        visit(id);
      low = middle + 1;
    }
  }

  const std::vector<BufferSpec> &buffers;
  std::vector<uint32_t> byStart; // buffers in the tree's order
  std::vector<uint32_t> rank;    // where a buffer stands in it
  std::vector<uint64_t> ends;    // per node: last end among the placed below
  std::vector<uint8_t> placed;
};

} // namespace actnet::mem

#endif // ACTNET_LIB_MEMORY_PLACEDINDEX_H
