//===- Memory.h - counted memory of a GPU ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ACTNET_LIB_RUNTIME_DEVICE_CUDA_MEMORY_H
#define ACTNET_LIB_RUNTIME_DEVICE_CUDA_MEMORY_H

#include "Driver.h"

#include <map>

namespace actnet::rt::cuda {

/// What the driver's allocator guarantees.
inline constexpr uint64_t deviceAlignment = 256;

/// Gives memory of the device and pinned memory, and counts it. Any thread.
class CudaMemory {
public:
  explicit CudaMemory(ContextState &context) : context(context) {}
  ~CudaMemory();
  Status start();

  Expected<DevicePtr> allocate(uint64_t bytes, MemoryKind kind);
  Status deallocate(DevicePtr memory);
  void countCode(int64_t bytes);
  void countStack(int64_t bytes);
  MemoryStats stats() const;

private:
  struct Block {
    uint64_t bytes;
    MemoryKind kind;
  };
  void notePeak();
  /// Bytes of the device in use that are not ours; -1 where the driver does not
  /// say.
  int64_t driverBytes(uint64_t ours) const;

  ContextState &context;
  Stream zeroing = nullptr;
  mutable std::mutex mutex;
  std::map<DevicePtr, Block> blocks;
  MemoryStats counted;
  /// What was in use before we took anything.
  int64_t driverAtStart = -1;
};

} // namespace actnet::rt::cuda

#endif // ACTNET_LIB_RUNTIME_DEVICE_CUDA_MEMORY_H
