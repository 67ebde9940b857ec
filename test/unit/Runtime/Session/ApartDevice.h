//===- ApartDevice.h - a device whose memory the host can't touch ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The host device behind a curtain: it says that its memory is its own, adopts
// nothing, and refuses transfers whose host side is not staging memory, so that
// sessions are tested as they run on a GPU.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_TEST_UNIT_RUNTIME_SESSION_APARTDEVICE_H
#define ACTNET_TEST_UNIT_RUNTIME_SESSION_APARTDEVICE_H

#include "actnet/Runtime/Device/ForwardingDevice.h"

#include <map>
#include <mutex>

namespace actnet::rt::test {

/// Where the staging memory lies.
class StagingRanges {
public:
  void add(const void *base, uint64_t bytes) {
    std::lock_guard lock(mutex);
    ranges[reinterpret_cast<uintptr_t>(base)] = bytes;
  }
  void remove(const void *base) {
    std::lock_guard lock(mutex);
    ranges.erase(reinterpret_cast<uintptr_t>(base));
  }
  bool holds(const void *from, uint64_t bytes) const {
    std::lock_guard lock(mutex);
    auto at = reinterpret_cast<uintptr_t>(from);
    auto found = ranges.upper_bound(at);
    if (found == ranges.begin())
      return false;
    --found;
    return at + bytes <= found->first + found->second;
  }

private:
  mutable std::mutex mutex;
  std::map<uintptr_t, uint64_t> ranges;
};

class ApartStream final : public ForwardingStream {
public:
  ApartStream(std::unique_ptr<DeviceStream> inner, const StagingRanges &staging)
      : ForwardingStream(std::move(inner)), staging(staging) {}
  Expected<std::unique_ptr<PreparedSegment>>
  prepare(const Segment &segment) override {
    for (const Record &record : segment.records) {
      const auto *copy = std::get_if<CopyRecord>(&record);
      if (!copy || copy->kind == CopyKind::within || copy->bytes == 0)
        continue;
      const void *host = copy->kind == CopyKind::up ? copy->src : copy->dst;
      if (!staging.holds(host, copy->bytes))
        return invalidArgument("a transfer that is not staged");
    }
    return inner->prepare(segment);
  }

private:
  const StagingRanges &staging;
};

class ApartDevice final : public ForwardingDevice {
public:
  explicit ApartDevice(std::unique_ptr<Device> device)
      : ForwardingDevice(std::move(device)), about(inner->info()) {
    about.hostAddressable = false;
  }
  const DeviceInfo &info() const override { return about; }
  Expected<DevicePtr> allocate(uint64_t bytes, MemoryKind kind) override {
    auto memory = inner->allocate(bytes, kind);
    if (memory && kind == MemoryKind::staging)
      staging.add(*memory, bytes);
    return memory;
  }
  Status deallocate(DevicePtr memory) override {
    staging.remove(memory);
    return inner->deallocate(memory);
  }
  Expected<DevicePtr> adopt(const void *, uint64_t) override {
    return unavailable("nothing of the host's is adopted");
  }
  Expected<std::unique_ptr<DeviceStream>>
  createStream(StreamKind kind) override {
    ACTNET_ASSIGN_OR_RETURN(auto stream, inner->createStream(kind));
    return Expected<std::unique_ptr<DeviceStream>>(
        std::make_unique<ApartStream>(std::move(stream), staging));
  }

private:
  DeviceInfo about;
  StagingRanges staging;
};

} // namespace actnet::rt::test

#endif // ACTNET_TEST_UNIT_RUNTIME_SESSION_APARTDEVICE_H
