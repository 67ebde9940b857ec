//===- Memory.cpp - counted pages -----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Memory.h"

#include <algorithm>
#include <array>
#include <sys/mman.h>

namespace actnet::rt {

namespace {

/// Arenas from this size on begin at a multiple of it, so that the system can
/// back them with huge pages.
constexpr uint64_t hugePage = uint64_t(1) << 21;

void *mapPages(uint64_t bytes) {
  uint64_t align = bytes >= 2 * hugePage ? hugePage : hostPage;
  uint64_t reserve = bytes + align - hostPage;
  void *memory = mmap(nullptr, reserve, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return nullptr;
  auto begin = reinterpret_cast<uintptr_t>(memory);
  uintptr_t aligned = (begin + align - 1) / align * align;
  if (aligned > begin)
    munmap(memory, aligned - begin);
  if (uint64_t tail = begin + reserve - (aligned + bytes))
    munmap(reinterpret_cast<void *>(aligned + bytes), tail);
  void *result = reinterpret_cast<void *>(aligned);
  if (align == hugePage)
    madvise(result, bytes, MADV_HUGEPAGE);
  return result;
}

} // namespace

HostMemory::~HostMemory() {
  for (auto &[memory, block] : blocks)
    munmap(memory, block.bytes);
}

Expected<void *> HostMemory::allocate(uint64_t bytes, Use use) {
  if (bytes == 0)
    return invalidArgument("allocation of 0 bytes");
  // Above this, rounding would wrap around; no system has it.
  void *memory =
      bytes > (uint64_t(1) << 47) ? nullptr : mapPages(roundToPages(bytes));
  if (!memory)
    return resourceExhausted("cannot allocate " + std::to_string(bytes) +
                             " bytes of host memory");
  std::lock_guard lock(mutex);
  blocks.emplace(memory, Block{roundToPages(bytes), use});
  countLocked(use, int64_t(roundToPages(bytes)));
  ++counted.allocations;
  return memory;
}

Status HostMemory::deallocate(void *memory) {
  std::lock_guard lock(mutex);
  auto found = blocks.find(memory);
  if (found == blocks.end())
    return invalidArgument("memory to give back was not allocated here");
  munmap(memory, found->second.bytes);
  countLocked(found->second.use, -int64_t(found->second.bytes));
  blocks.erase(found);
  return {};
}

void HostMemory::count(Use use, int64_t bytes) {
  std::lock_guard lock(mutex);
  countLocked(use, bytes);
  if (bytes > 0)
    ++counted.allocations;
}

void HostMemory::countLocked(Use use, int64_t bytes) {
  switch (use) {
  case Use::device:
    counted.deviceBytes += uint64_t(bytes);
    break;
  case Use::staging:
    counted.stagingBytes += uint64_t(bytes);
    break;
  case Use::scratch:
    counted.scratchBytes += uint64_t(bytes);
    break;
  case Use::code:
    counted.codeBytes += uint64_t(bytes);
    break;
  case Use::stack:
    counted.stackBytes += uint64_t(bytes);
    break;
  }
  counted.peakBytes = std::max(counted.peakBytes, counted.total());
}

Status HostMemory::adopt(const void *memory, uint64_t bytes) {
  if (!memory || bytes == 0)
    return invalidArgument("no memory to adopt");
  std::lock_guard lock(mutex);
  if (!adopted.emplace(memory, bytes).second)
    return failedPrecondition("memory is adopted already");
  counted.adoptedBytes += bytes;
  return {};
}

Status HostMemory::release(void *memory) {
  std::lock_guard lock(mutex);
  auto found = adopted.find(memory);
  if (found == adopted.end())
    return invalidArgument("memory to release was not adopted");
  counted.adoptedBytes -= found->second;
  adopted.erase(found);
  return {};
}

MemoryStats HostMemory::stats() const {
  std::lock_guard lock(mutex);
  return counted;
}

Expected<uint64_t> touchedPages(void *memory, uint64_t bytes) {
  auto begin = reinterpret_cast<uintptr_t>(memory) / hostPage * hostPage;
  uintptr_t end = reinterpret_cast<uintptr_t>(memory) + bytes;
  std::array<unsigned char, 4096> present;
  uint64_t touched = 0;
  while (begin < end) {
    uint64_t part = std::min<uint64_t>(roundToPages(end - begin),
                                       present.size() * hostPage);
    if (mincore(reinterpret_cast<void *>(begin), part, present.data()))
      return invalidArgument("memory to look at is not mapped");
    for (uint64_t i = 0; i < part / hostPage; ++i)
      touched += present[i] & 1 ? hostPage : 0;
    begin += part;
  }
  return touched;
}

} // namespace actnet::rt
