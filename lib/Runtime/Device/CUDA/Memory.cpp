//===- Memory.cpp - counted memory of a GPU -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Memory.h"

#include <algorithm>
#include <cstring>

namespace actnet::rt::cuda {

namespace {

Pointer toPointer(DevicePtr memory) {
  return reinterpret_cast<Pointer>(memory);
}

/// More than any machine has; keeps sums from wrapping.
constexpr uint64_t mostBytes = uint64_t(1) << 48;

} // namespace

Status CudaMemory::start() {
  context.enter();
  driverAtStart = driverBytes(0);
  return context.check(
      context.api().cuStreamCreate(&zeroing, streamNonBlocking),
      "making a stream");
}

CudaMemory::~CudaMemory() {
  if (!zeroing || context.isLost())
    return;
  context.enter();
  context.api().cuStreamDestroy(zeroing);
}

Expected<DevicePtr> CudaMemory::allocate(uint64_t bytes, MemoryKind kind) {
  if (bytes == 0)
    return invalidArgument("cuda: an allocation of 0 bytes");
  bool onDevice = kind == MemoryKind::device;
  auto none = [&](const std::string &detail) -> Status {
    return resourceExhausted("cuda: out of memory: " + std::to_string(bytes) +
                             (onDevice ? " bytes of the GPU asked for"
                                       : " bytes of pinned memory asked for") +
                             detail);
  };
  if (bytes > mostBytes)
    return none("");
  if (context.isBroken())
    return context.status();
  context.enter();
  const Api &api = context.api();
  uint64_t rounded =
      (bytes + deviceAlignment - 1) / deviceAlignment * deviceAlignment;
  DevicePtr memory = nullptr;
  if (onDevice) {
    Pointer pointer = 0;
    Result result = api.cuMemAlloc(&pointer, rounded);
    if (result == outOfMemory) {
      size_t free = 0, total = 0;
      if (api.cuMemGetInfo(&free, &total) != success)
        return none("");
      return none(", " + std::to_string(free) + " of " + std::to_string(total) +
                  " are free");
    }
    ACTNET_RETURN_IF_ERROR(context.check(result, "allocating memory"));
    memory = reinterpret_cast<DevicePtr>(pointer);
    Status zeroed = context.check(
        api.cuMemsetD8Async(pointer, 0, rounded, zeroing), "clearing memory");
    if (zeroed)
      zeroed =
          context.check(api.cuStreamSynchronize(zeroing), "clearing memory");
    if (!zeroed) {
      api.cuMemFree(pointer);
      return zeroed;
    }
  } else {
    Result result = api.cuMemHostAlloc(&memory, rounded, 0);
    if (result == outOfMemory)
      return none("");
    ACTNET_RETURN_IF_ERROR(context.check(result, "allocating pinned memory"));
    std::memset(memory, 0, rounded);
  }
  std::lock_guard lock(mutex);
  blocks[memory] = {rounded, kind};
  (onDevice ? counted.deviceBytes : counted.stagingBytes) += rounded;
  ++counted.allocations;
  notePeak();
  return memory;
}

Status CudaMemory::deallocate(DevicePtr memory) {
  Block block;
  {
    std::lock_guard lock(mutex);
    auto found = blocks.find(memory);
    if (found == blocks.end())
      return invalidArgument("cuda: memory given back that was not allocated");
    block = found->second;
    blocks.erase(found);
    (block.kind == MemoryKind::device ? counted.deviceBytes
                                      : counted.stagingBytes) -= block.bytes;
  }
  // The driver would wait for work that never ends.
  if (context.isLost())
    return {};
  context.enter();
  const Api &api = context.api();
  Result result = block.kind == MemoryKind::device
                      ? api.cuMemFree(toPointer(memory))
                      : api.cuMemFreeHost(memory);
  // In a broken context everything fails, and the memory goes with it.
  if (context.isBroken())
    return {};
  return context.check(result, "giving memory back");
}

void CudaMemory::notePeak() {
  counted.peakBytes = std::max(counted.peakBytes, counted.total());
}

void CudaMemory::countCode(int64_t bytes) {
  std::lock_guard lock(mutex);
  counted.codeBytes += uint64_t(bytes);
  notePeak();
}

void CudaMemory::countStack(int64_t bytes) {
  std::lock_guard lock(mutex);
  counted.stackBytes += uint64_t(bytes);
  notePeak();
}

int64_t CudaMemory::driverBytes(uint64_t ours) const {
  size_t free = 0, total = 0;
  if (context.isBroken())
    return -1;
  context.enter();
  if (context.api().cuMemGetInfo(&free, &total) != success || free > total)
    return -1;
  // Allocations are served from larger blocks, so that freed ones may still be
  // in use.
  return std::max<int64_t>(0, int64_t(total - free) - int64_t(ours));
}

MemoryStats CudaMemory::stats() const {
  std::unique_lock lock(mutex);
  MemoryStats now = counted;
  lock.unlock();
  now.driverBytes = driverBytes(now.deviceBytes);
  if (now.driverBytes >= 0 && driverAtStart >= 0)
    now.driverGrownBytes =
        std::max<int64_t>(0, now.driverBytes - driverAtStart);
  return now;
}

} // namespace actnet::rt::cuda
