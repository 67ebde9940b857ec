//===- ShadowMem.cpp - what a device's memory holds -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Memory/ShadowMem.h"

#include <limits>

namespace actnet::mem {

//===----------------------------------------------------------------------===//
// Timeline
//===----------------------------------------------------------------------===//

Timeline::Timeline(uint32_t streams)
    : fastAt(streams), slowAt(streams),
      known(streams, std::vector<uint64_t>(streams)) {}

bool Timeline::confirm(uint32_t stream, uint64_t number) {
  if (number > fastAt[stream] || number < slowAt[stream])
    return false;
  slowAt[stream] = number;
  return true;
}

std::vector<uint64_t> Timeline::clock(uint32_t stream) const {
  std::vector<uint64_t> clock = known[stream];
  clock[stream] = fastAt[stream];
  return clock;
}

void Timeline::await(uint32_t stream, std::span<const uint64_t> clock) {
  for (size_t i = 0; i < clock.size() && i < known[stream].size(); ++i)
    known[stream][i] = std::max(known[stream][i], clock[i]);
}

bool Timeline::isOver(Use use, Taker taker) const {
  if (use.number <= slowAt[use.stream])
    return true;
  if (taker.stream == Taker::outside)
    return false;
  return taker.stream == use.stream ||
         use.number <= known[taker.stream][use.stream];
}

bool Timeline::mayTake(std::span<const Use> lastUses, Taker taker) const {
  return std::all_of(lastUses.begin(), lastUses.end(),
                     [&](Use use) { return isOver(use, taker); });
}

//===----------------------------------------------------------------------===//
// ShadowMem
//===----------------------------------------------------------------------===//

ShadowMem::ShadowMem(uint32_t streams, uint64_t capacity)
    : time(streams), fast(capacity), slow(capacity) {}

std::optional<uint64_t> ShadowMem::findAround(uint64_t size, uint64_t alignment,
                                              Taker taker) const {
  // The free ranges of the fast shadow without what is not over for the taker.
  FreeRanges open(0);
  fast.freeRanges().forEach([&](uint64_t begin, uint64_t end) {
    open.give(begin, end);
    return true;
  });
  for (const Pending &block : pending)
    if (!time.mayTake(block.uses, taker))
      open.take(block.begin, block.end);
  return open.bestFit(size, alignment);
}

std::optional<uint64_t> ShadowMem::allocate(uint64_t size, uint64_t alignment,
                                            Taker taker) {
  size = std::max<uint64_t>(size, 1);
  // The slow shadow holds for every taker, but what a stream has just let go of
  // is better for it: the arena stays small.
  std::optional<uint64_t> offset =
      taker.stream == Taker::outside ? slow.bestFit(size, alignment)
      : pending.empty() ? fast.freeRanges().bestFit(size, alignment)
                        : findAround(size, alignment, taker);
  if (!offset)
    return std::nullopt;
  fast.allocateAt(*offset, size);
  slow.take(*offset, *offset + size);
  live.emplace(*offset, std::vector<Use>());
  return offset;
}

bool ShadowMem::use(uint64_t offset, uint32_t stream) {
  auto block = live.find(offset);
  if (block == live.end())
    return false;
  for (Use &use : block->second)
    if (use.stream == stream) {
      use.number = time.fast(stream);
      return true;
    }
  block->second.push_back({stream, time.fast(stream)});
  return true;
}

bool ShadowMem::release(uint64_t offset) {
  auto block = live.find(offset);
  if (block == live.end())
    return false;
  uint64_t size = *fast.release(offset);
  Pending freed{offset, offset + size, std::move(block->second)};
  live.erase(block);
  if (time.mayTake(freed.uses, Taker{}))
    settle(freed);
  else
    pending.push_back(std::move(freed));
  return true;
}

void ShadowMem::settle(const Pending &block) {
  // A stream may have taken part of it by now, and released it again.
  fast.freeRanges().forEach([&](uint64_t begin, uint64_t end) {
    slow.give(std::max(begin, block.begin), std::min(end, block.end));
    return begin < block.end;
  });
  for (const Pending &other : pending)
    slow.take(std::max(other.begin, block.begin),
              std::min(other.end, block.end));
}

bool ShadowMem::confirm(uint32_t stream, uint64_t number) {
  if (!time.confirm(stream, number))
    return false;
  for (size_t i = 0; i < pending.size();) {
    if (!time.mayTake(pending[i].uses, Taker{})) {
      ++i;
      continue;
    }
    Pending over = std::move(pending[i]);
    pending.erase(pending.begin() + long(i));
    settle(over);
  }
  return true;
}

} // namespace actnet::mem
