//===- Allocator.h - blocks within one arena ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// These classes deal in offsets and never touch the memory: the same code
// serves the host's arena and a device's.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_MEMORY_ALLOCATOR_H
#define ACTNET_MEMORY_ALLOCATOR_H

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace actnet::mem {

/// Which bytes of an arena are free: disjoint ranges, none touching the next.
/// Every operation is O(log ranges) and what it removes. One thread at a time.
class FreeRanges {
public:
  /// All of [0, capacity) is free.
  explicit FreeRanges(uint64_t capacity);

  /// The smallest free range that has room for `size` bytes at a multiple of
  /// `alignment` (a power of two): where in it they would lie, or nothing.
  std::optional<uint64_t> bestFit(uint64_t size, uint64_t alignment) const;

  /// Takes what is still free of [begin, end).
  void take(uint64_t begin, uint64_t end);
  /// Frees [begin, end), of which any part may be free already; merges it with
  /// its neighbours.
  void give(uint64_t begin, uint64_t end);

  bool isFree(uint64_t begin, uint64_t end) const;
  /// Bytes free in all, and in the largest range.
  uint64_t bytes() const { return total; }
  uint64_t largest() const;
  size_t count() const { return byOffset.size(); }

  /// Calls `visit(begin, end)` for each free range, by rising offset, until it
  /// returns false.
  template <typename Visit> void forEach(Visit visit) const {
    for (auto [begin, end] : byOffset)
      if (!visit(begin, end))
        return;
  }

private:
  void insert(uint64_t begin, uint64_t end);
  void erase(std::map<uint64_t, uint64_t>::iterator range);

  std::map<uint64_t, uint64_t> byOffset;          // begin to end
  std::set<std::pair<uint64_t, uint64_t>> bySize; // size, begin
  uint64_t total = 0;
};

/// Gives out blocks of one arena: best fit, splitting blocks when it allocates
/// and merging free neighbours when it frees. One thread at a time.
class Allocator {
public:
  explicit Allocator(uint64_t capacity) : free(capacity), arena(capacity) {}

  /// Takes `size` bytes (at least one is taken) at a multiple of `alignment`, a
  /// power of two. Returns their offset, or nothing if no free range has room.
  std::optional<uint64_t> allocate(uint64_t size, uint64_t alignment = 64);
  /// Takes exactly these bytes; false if any of them is taken or outside.
  bool allocateAt(uint64_t offset, uint64_t size);
  /// Frees the block at `offset`; its size, or nothing if no block starts
  /// there.
  std::optional<uint64_t> release(uint64_t offset);

  uint64_t capacity() const { return arena; }
  uint64_t used() const { return arena - free.bytes(); }
  /// The largest number of bytes used at once so far.
  uint64_t peak() const { return most; }
  size_t blocks() const { return live.size(); }
  const FreeRanges &freeRanges() const { return free; }

private:
  FreeRanges free;
  std::map<uint64_t, uint64_t> live; // offset to size
  uint64_t arena;
  uint64_t most = 0;
};

} // namespace actnet::mem

#endif // ACTNET_MEMORY_ALLOCATOR_H
