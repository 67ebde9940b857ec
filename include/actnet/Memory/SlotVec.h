//===- SlotVec.h - values under stable small integer ids ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ACTNET_MEMORY_SLOTVEC_H
#define ACTNET_MEMORY_SLOTVEC_H

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace actnet::mem {

/// Holds values under ids that stay valid until the value is erased, and are
/// then given out again: the last one freed first, so ids stay as small as the
/// largest number of values held at once. Insert, find and erase are O(1); once
/// `reserve` made room, nothing is allocated. One thread at a time.
template <typename T> class SlotVec {
public:
  using Id = uint32_t;

  /// Makes room for `count` values.
  void reserve(size_t count) {
    slots.reserve(count);
    freeIds.reserve(count);
  }

  /// Adds a value and returns its id.
  Id insert(T value) {
    ++held;
    if (freeIds.empty()) {
      slots.emplace_back(std::move(value));
      // Room to free every slot, so that erase never allocates.
      if (freeIds.capacity() < slots.capacity())
        freeIds.reserve(slots.capacity());
      return Id(slots.size() - 1);
    }
    Id id = freeIds.back();
    freeIds.pop_back();
    slots[id].emplace(std::move(value));
    return id;
  }

  /// The value, or null if the id holds none.
  T *find(Id id) {
    return id < slots.size() && slots[id] ? &*slots[id] : nullptr;
  }
  const T *find(Id id) const {
    return id < slots.size() && slots[id] ? &*slots[id] : nullptr;
  }

  T &operator[](Id id) {
    assert(find(id) && "no value under this id");
    return *slots[id];
  }
  const T &operator[](Id id) const {
    assert(find(id) && "no value under this id");
    return *slots[id];
  }

  /// Removes and returns the value; nothing if the id holds none.
  std::optional<T> take(Id id) {
    if (!find(id))
      return std::nullopt;
    std::optional<T> value = std::move(slots[id]);
    slots[id].reset();
    freeIds.push_back(id);
    --held;
    return value;
  }

  /// Removes the value; false if the id holds none.
  bool erase(Id id) { return take(id).has_value(); }

  /// Number of values held.
  size_t size() const { return held; }
  bool empty() const { return held == 0; }

  /// Calls `visit(id, value)` for every value, by rising id.
  template <typename Visit> void forEach(Visit visit) {
    for (Id id = 0; id < slots.size(); ++id)
      if (slots[id])
        visit(id, *slots[id]);
  }

private:
  std::vector<std::optional<T>> slots;
  std::vector<Id> freeIds;
  size_t held = 0;
};

} // namespace actnet::mem

#endif // ACTNET_MEMORY_SLOTVEC_H
