//===- Regions.cpp - device memory, and what a launch may touch of it -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Regions.h"

#include <algorithm>
#include <cstring>

namespace actnet::rt::toy {

namespace {

constexpr uint64_t page = 4096;

uintptr_t addressOf(const void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

std::string bytesText(uint64_t bytes) {
  return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
}

} // namespace

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

Status DeviceSpace::insert(uintptr_t base, uint64_t bytes, Pages memory,
                           bool isWritten) {
  Allocation allocation;
  allocation.bytes = bytes;
  allocation.memory = std::move(memory);
  allocation.stateBytes = Pages(bytes + page);
  if (!allocation.stateBytes)
    return resourceExhausted("toy device: no memory for the states of " +
                             bytesText(bytes));
  allocation.states =
      static_cast<uint8_t *>(allocation.stateBytes.data()) + base % page;
  if (isWritten)
    std::memset(allocation.states, written, bytes);
  std::lock_guard lock(mutex);
  auto after = allocations.lower_bound(base);
  bool overlaps = after != allocations.end() && after->first - base < bytes;
  if (after != allocations.begin()) {
    auto before = std::prev(after);
    overlaps |= base - before->first < before->second.bytes;
  }
  if (overlaps)
    return invalidArgument("toy device: memory overlaps other device memory");
  allocations.emplace(base, std::move(allocation));
  return {};
}

Expected<void *> DeviceSpace::allocate(uint64_t bytes, uint64_t alignment) {
  if (bytes == 0 || alignment == 0 || (alignment & (alignment - 1)))
    return invalidArgument("toy device: allocation of " + bytesText(bytes) +
                           " aligned to " + std::to_string(alignment));
  // Unmapped pages on both sides would be cheap but are not needed: every
  // access is compared with the allocation's bounds.
  Pages memory;
  if (bytes < (uint64_t(1) << 46) && alignment < (uint64_t(1) << 30))
    memory = Pages(bytes + std::max(alignment, page));
  if (!memory)
    return resourceExhausted("cannot allocate " + bytesText(bytes) +
                             " of toy device memory");
  uintptr_t base =
      (addressOf(memory.data()) + alignment - 1) / alignment * alignment;
  ACTNET_RETURN_IF_ERROR(insert(base, bytes, std::move(memory), false));
  return reinterpret_cast<void *>(base);
}

Status DeviceSpace::deallocate(void *memory) {
  std::lock_guard lock(mutex);
  auto found = allocations.find(addressOf(memory));
  if (found == allocations.end() || !found->second.memory)
    return invalidArgument("memory to give back was not allocated here");
  allocations.erase(found);
  return {};
}

Status DeviceSpace::add(const void *base, uint64_t bytes, bool isWritten) {
  if (!base || bytes == 0)
    return invalidArgument("toy device: no memory to register");
  return insert(addressOf(base), bytes, {}, isWritten);
}

Status DeviceSpace::remove(const void *base) {
  std::lock_guard lock(mutex);
  auto found = allocations.find(addressOf(base));
  if (found == allocations.end() || found->second.memory)
    return invalidArgument("memory to unregister was not registered here");
  allocations.erase(found);
  return {};
}

Expected<DeviceSpace::Map::const_iterator>
DeviceSpace::find(uintptr_t at, uint64_t bytes, const char *what) const {
  auto after = allocations.upper_bound(at);
  if (after != allocations.begin()) {
    auto found = std::prev(after);
    uint64_t offset = at - found->first;
    if (offset <= found->second.bytes && bytes <= found->second.bytes - offset)
      return found;
    if (offset < found->second.bytes)
      return outOfRange(std::string(what) + ": " + bytesText(bytes) +
                        " at offset " + std::to_string(offset) +
                        " of an allocation of " +
                        bytesText(found->second.bytes));
  }
  return outOfRange(std::string(what) + ": " + bytesText(bytes) +
                    " that are not device memory");
}

Status DeviceSpace::setStates(const void *at, uint64_t bytes, uint8_t state,
                              const char *what) {
  if (bytes == 0)
    return {};
  std::lock_guard lock(mutex);
  ACTNET_ASSIGN_OR_RETURN(auto found, find(addressOf(at), bytes, what));
  std::memset(found->second.states + (addressOf(at) - found->first), state,
              bytes);
  return {};
}

Status DeviceSpace::copyStates(const void *to, const void *from,
                               uint64_t bytes) {
  if (bytes == 0)
    return {};
  std::lock_guard lock(mutex);
  ACTNET_ASSIGN_OR_RETURN(auto target,
                          find(addressOf(to), bytes, "copy within, target"));
  ACTNET_ASSIGN_OR_RETURN(auto source,
                          find(addressOf(from), bytes, "copy within, source"));
  std::memmove(target->second.states + (addressOf(to) - target->first),
               source->second.states + (addressOf(from) - source->first),
               bytes);
  return {};
}

Status DeviceSpace::checkReadable(const void *from, uint64_t bytes) const {
  if (bytes == 0)
    return {};
  std::lock_guard lock(mutex);
  ACTNET_ASSIGN_OR_RETURN(auto found,
                          find(addressOf(from), bytes, "copy down"));
  uint64_t offset = addressOf(from) - found->first;
  const uint8_t *states = found->second.states + offset;
  const uint8_t *end = states + bytes;
  const uint8_t *bad =
      std::find_if(states, end, [](uint8_t s) { return s != written; });
  if (bad == end)
    return {};
  return dataLoss("copy down: byte " + std::to_string(bad - states) + " of " +
                  bytesText(bytes) + " was never written (offset " +
                  std::to_string(offset + uint64_t(bad - states)) +
                  " of an allocation of " + bytesText(found->second.bytes) +
                  ")");
}

//===----------------------------------------------------------------------===//
// Regions of a launch
//===----------------------------------------------------------------------===//

namespace {

/// Gives cells to the regions [begin, end), which follow each other closely.
Status addCells(RegionTable &table, size_t begin, size_t end) {
  uintptr_t first = table.regions[begin].base / 4 * 4;
  const Region &last = table.regions[end - 1];
  uint64_t span = (last.base + last.bytes - first + 3) / 4 * 4;
  Pages words(span / 4 * sizeof(Cell)), small(span * sizeof(Cell));
  if (!words || !small)
    return resourceExhausted("toy device: no memory to track " +
                             bytesText(span));
  table.flags.push_back(std::make_unique<uint8_t>(uint8_t(0)));
  for (size_t i = begin; i < end; ++i) {
    Region &region = table.regions[i];
    region.words =
        static_cast<Cell *>(words.data()) + (region.base / 4 * 4 - first) / 4;
    region.small =
        static_cast<Cell *>(small.data()) + (region.base / 4 * 4 - first);
    region.cellBase = region.base / 4 * 4;
    region.hasSmall = table.flags.back().get();
  }
  table.cells.push_back(std::move(words));
  table.cells.push_back(std::move(small));
  return {};
}

bool isWritable(const Region &region) {
  return unsigned(region.access) & unsigned(Access::write);
}

/// Regions that share a word of four bytes must share its cell.
Status addAllCells(RegionTable &table) {
  std::vector<Region> &all = table.regions;
  for (size_t begin = 0; begin < all.size();) {
    size_t end = begin + 1;
    if (!isWritable(all[begin])) {
      begin = end;
      continue;
    }
    while (end < all.size() && isWritable(all[end]) &&
           all[end].base / 4 <= (all[end - 1].base + all[end - 1].bytes) / 4)
      ++end;
    ACTNET_RETURN_IF_ERROR(addCells(table, begin, end));
    begin = end;
  }
  return {};
}

} // namespace

Expected<std::unique_ptr<RegionTable>>
DeviceSpace::tableOf(std::span<const OperandBounds> operands) {
  auto table = std::make_unique<RegionTable>();
  std::lock_guard lock(mutex);
  if (operands.empty()) {
    for (auto &[base, allocation] : allocations) {
      Region region;
      region.base = base;
      region.bytes = allocation.bytes;
      region.access = Access::readWrite;
      region.states = allocation.states;
      table->regions.push_back(region);
    }
    ACTNET_RETURN_IF_ERROR(addAllCells(*table));
    return Expected<std::unique_ptr<RegionTable>>(std::move(table));
  }
  // Operands may overlap (results in place, views): cut them where one begins
  // or ends, so that every piece has one set of rights.
  std::vector<uintptr_t> cuts;
  for (size_t i = 0; i < operands.size(); ++i) {
    const OperandBounds &operand = operands[i];
    if (operand.bytes == 0)
      continue;
    std::string name = "operand " + std::to_string(i);
    auto found = find(addressOf(operand.base), operand.bytes, name.c_str());
    if (!found)
      return found.takeStatus();
    if (operand.fresh)
      std::memset((*found)->second.states +
                      (addressOf(operand.base) - (*found)->first),
                  neverWritten, operand.bytes);
    cuts.push_back(addressOf(operand.base));
    cuts.push_back(addressOf(operand.base) + operand.bytes);
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  for (size_t c = 0; c + 1 < cuts.size(); ++c) {
    Region region;
    region.base = cuts[c];
    region.bytes = cuts[c + 1] - cuts[c];
    unsigned rights = 0;
    for (size_t i = 0; i < operands.size(); ++i) {
      uintptr_t base = addressOf(operands[i].base);
      if (region.base - base >= operands[i].bytes)
        continue;
      rights |= unsigned(operands[i].access);
      if (region.operand < 0)
        region.operand = int(i);
    }
    if (region.operand < 0)
      continue;
    region.access = Access(rights);
    auto found = *find(region.base, region.bytes, "operand");
    region.states = found->second.states + (region.base - found->first);
    table->regions.push_back(region);
  }
  ACTNET_RETURN_IF_ERROR(addAllCells(*table));
  return Expected<std::unique_ptr<RegionTable>>(std::move(table));
}

} // namespace actnet::rt::toy
