//===- Regions.h - device memory, and what a launch may touch of it -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ACTNET_LIB_RUNTIME_DEVICE_TOY_REGIONS_H
#define ACTNET_LIB_RUNTIME_DEVICE_TOY_REGIONS_H

#include "Shadow.h"

#include <map>
#include <mutex>

namespace actnet::rt::toy {

/// Device memory and the state of its bytes. Thread-safe.
class DeviceSpace {
public:
  Expected<void *> allocate(uint64_t bytes, uint64_t alignment);
  Status deallocate(void *memory);
  Status add(const void *base, uint64_t bytes, bool isWritten);
  Status remove(const void *base);

  Status setStates(const void *at, uint64_t bytes, uint8_t state,
                   const char *what);
  Status copyStates(const void *to, const void *from, uint64_t bytes);
  Status checkReadable(const void *from, uint64_t bytes) const;

  /// The regions of a launch, with fresh cells; marks fresh operands.
  Expected<std::unique_ptr<RegionTable>>
  tableOf(std::span<const OperandBounds> operands);

private:
  struct Allocation {
    uint64_t bytes = 0;
    /// What was mapped, if `allocate` did.
    Pages memory;
    /// States, with the base's offset in its page in front.
    Pages stateBytes;
    uint8_t *states = nullptr;
  };
  using Map = std::map<uintptr_t, Allocation>;
  Status insert(uintptr_t base, uint64_t bytes, Pages memory, bool isWritten);
  /// The allocation that holds a range.
  Expected<Map::const_iterator> find(uintptr_t at, uint64_t bytes,
                                     const char *what) const;

  mutable std::mutex mutex;
  Map allocations;
};

} // namespace actnet::rt::toy

#endif // ACTNET_LIB_RUNTIME_DEVICE_TOY_REGIONS_H
