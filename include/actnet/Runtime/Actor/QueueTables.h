//===- QueueTables.h - what the ids in a queue's messages mean ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Messages carry ids; here a session says what they stand for before it sends
// them. All functions may be called from any thread.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_ACTOR_QUEUETABLES_H
#define ACTNET_RUNTIME_ACTOR_QUEUETABLES_H

#include "actnet/Runtime/Actor/Job.h"

#include <mutex>
#include <optional>
#include <vector>

namespace actnet::rt {

/// Small stable ids, from 1, for values; freed ids are used again.
template <typename T> class IdTable {
public:
  /// Makes room for `count` values.
  void reserve(size_t count) {
    slots.reserve(count);
    freeIds.reserve(count);
  }
  uint32_t add(T value) {
    std::lock_guard lock(mutex);
    if (freeIds.empty()) {
      slots.push_back(std::move(value));
      return uint32_t(slots.size());
    }
    uint32_t id = freeIds.back();
    freeIds.pop_back();
    slots[id - 1] = std::move(value);
    return id;
  }
  /// Nothing if there is no such id.
  std::optional<T> get(uint32_t id) const {
    std::lock_guard lock(mutex);
    return id == 0 || id > slots.size() ? std::nullopt : slots[id - 1];
  }
  std::optional<T> take(uint32_t id) {
    std::lock_guard lock(mutex);
    if (id == 0 || id > slots.size() || !slots[id - 1])
      return std::nullopt;
    std::optional<T> value = std::move(slots[id - 1]);
    slots[id - 1].reset();
    freeIds.push_back(id);
    return value;
  }

private:
  mutable std::mutex mutex;
  std::vector<std::optional<T>> slots;
  std::vector<uint32_t> freeIds;
};

/// A stretch of memory; owned by whoever registered it.
struct MemoryRange {
  void *base = nullptr;
  uint64_t bytes = 0;
};

class QueueTables {
public:
  /// Registers a plan; it must live until removed, and must not be in flight
  /// then.
  /// Makes room for as many plans at a time.
  void reservePlans(size_t count) { plans.reserve(count); }
  uint32_t addPlan(const PreparedJob *plan) { return plans.add(plan); }
  void removePlan(uint32_t id) { plans.take(id); }
  const PreparedJob *plan(uint32_t id) const {
    return plans.get(id).value_or(nullptr);
  }

  /// Registers device memory, or host memory that is read and written by
  /// memory operations.
  uint32_t addRegion(MemoryRange range) { return regions.add(range); }
  void removeRegion(uint32_t id) { regions.take(id); }
  std::optional<MemoryRange> region(uint32_t id) const {
    return regions.get(id);
  }
  uint32_t addHostBuffer(MemoryRange range) { return hostBuffers.add(range); }
  void removeHostBuffer(uint32_t id) { hostBuffers.take(id); }
  std::optional<MemoryRange> hostBuffer(uint32_t id) const {
    return hostBuffers.get(id);
  }

  /// Keeps a failure's text until it is taken.
  uint32_t addFailure(Status status) { return failures.add(std::move(status)); }
  /// The failure of a reply; ok for id 0.
  Status takeFailure(uint32_t id) {
    if (id == 0)
      return {};
    std::optional<Status> status = failures.take(id);
    return status ? *std::move(status)
                  : internalError("a failure's text was taken before");
  }

private:
  IdTable<const PreparedJob *> plans;
  IdTable<MemoryRange> regions;
  IdTable<MemoryRange> hostBuffers;
  IdTable<Status> failures;
};

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_ACTOR_QUEUETABLES_H
