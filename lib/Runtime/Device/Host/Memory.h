//===- Memory.h - counted pages -------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All memory of the host device comes from here, in whole pages straight from
// the system, so that what is counted is what is there. A program allocates a
// handful of times, at load; there is nothing to pool.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_RUNTIME_DEVICE_HOST_MEMORY_H
#define ACTNET_LIB_RUNTIME_DEVICE_HOST_MEMORY_H

#include "actnet/Runtime/Device/Device.h"

#include <map>
#include <mutex>

namespace actnet::rt {

inline constexpr uint64_t hostPage = 4096;

inline uint64_t roundToPages(uint64_t bytes) {
  return (bytes + hostPage - 1) / hostPage * hostPage;
}

/// Counts and gives pages. Thread-safe.
class HostMemory {
public:
  enum class Use : uint8_t { device, staging, scratch, code, stack };

  ~HostMemory();
  /// Zeroed pages; resourceExhausted if the system has none, invalidArgument
  /// for 0 bytes.
  Expected<void *> allocate(uint64_t bytes, Use use);
  /// invalidArgument for what `allocate` did not return.
  Status deallocate(void *memory);
  /// Counts bytes that somebody else mapped, or takes them off again.
  void count(Use use, int64_t bytes);

  Status adopt(const void *memory, uint64_t bytes);
  Status release(void *memory);

  MemoryStats stats() const;

private:
  struct Block {
    uint64_t bytes;
    Use use;
  };
  void countLocked(Use use, int64_t bytes);

  mutable std::mutex mutex;
  std::map<void *, Block> blocks;
  std::map<const void *, uint64_t> adopted;
  MemoryStats counted;
};

/// Bytes of the touched pages of a range.
Expected<uint64_t> touchedPages(void *memory, uint64_t bytes);

} // namespace actnet::rt

#endif // ACTNET_LIB_RUNTIME_DEVICE_HOST_MEMORY_H
