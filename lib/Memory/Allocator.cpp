//===- Allocator.cpp - blocks within one arena ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Memory/Allocator.h"

#include <algorithm>
#include <iterator>

namespace actnet::mem {

FreeRanges::FreeRanges(uint64_t capacity) {
  if (capacity > 0)
    insert(0, capacity);
}

void FreeRanges::insert(uint64_t begin, uint64_t end) {
  byOffset.emplace(begin, end);
  bySize.emplace(end - begin, begin);
  total += end - begin;
}

void FreeRanges::erase(std::map<uint64_t, uint64_t>::iterator range) {
  auto [begin, end] = *range;
  bySize.erase({end - begin, begin});
  byOffset.erase(range);
  total -= end - begin;
}

std::optional<uint64_t> FreeRanges::bestFit(uint64_t size,
                                            uint64_t alignment) const {
  // Alignment can cost a range its place, so the first that is large enough
  // need not do; one larger by the alignment always does.
  for (auto it = bySize.lower_bound({size, 0}); it != bySize.end(); ++it) {
    auto [length, begin] = *it;
    uint64_t skipped = (alignment - begin % alignment) % alignment;
    if (skipped <= length && length - skipped >= size)
      return begin + skipped;
  }
  return std::nullopt;
}

void FreeRanges::take(uint64_t begin, uint64_t end) {
  auto it = byOffset.upper_bound(begin);
  if (it != byOffset.begin())
    --it;
  while (it != byOffset.end() && it->first < end) {
    auto [first, last] = *it;
    auto next = std::next(it);
    if (last > begin) {
      erase(it);
      if (first < begin)
        insert(first, begin);
      if (last > end)
        insert(end, last);
    }
    it = next;
  }
}

void FreeRanges::give(uint64_t begin, uint64_t end) {
  if (begin >= end)
    return;
  // Swallow everything that overlaps or touches.
  auto it = byOffset.upper_bound(begin);
  if (it != byOffset.begin() && std::prev(it)->second >= begin)
    --it;
  while (it != byOffset.end() && it->first <= end) {
    begin = std::min(begin, it->first);
    end = std::max(end, it->second);
    auto next = std::next(it);
    erase(it);
    it = next;
  }
  insert(begin, end);
}

bool FreeRanges::isFree(uint64_t begin, uint64_t end) const {
  if (begin >= end)
    return true;
  auto it = byOffset.upper_bound(begin);
  return it != byOffset.begin() && std::prev(it)->second >= end;
}

uint64_t FreeRanges::largest() const {
  return bySize.empty() ? 0 : bySize.rbegin()->first;
}

std::optional<uint64_t> Allocator::allocate(uint64_t size, uint64_t alignment) {
  // Two empty blocks must not share an offset, which is their name.
  size = std::max<uint64_t>(size, 1);
  std::optional<uint64_t> offset = free.bestFit(size, alignment);
  if (offset)
    allocateAt(*offset, size);
  return offset;
}

bool Allocator::allocateAt(uint64_t offset, uint64_t size) {
  size = std::max<uint64_t>(size, 1);
  if (size > arena || offset > arena - size ||
      !free.isFree(offset, offset + size))
    return false;
  free.take(offset, offset + size);
  live.emplace(offset, size);
  most = std::max(most, used());
  return true;
}

std::optional<uint64_t> Allocator::release(uint64_t offset) {
  auto block = live.find(offset);
  if (block == live.end())
    return std::nullopt;
  uint64_t size = block->second;
  live.erase(block);
  free.give(offset, offset + size);
  return size;
}

} // namespace actnet::mem
