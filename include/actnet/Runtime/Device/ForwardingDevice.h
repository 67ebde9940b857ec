//===- ForwardingDevice.h - a device in front of another --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The base of devices that change a little of what another device does: each
// call goes to the device behind, until a derived class overrides it.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_DEVICE_FORWARDINGDEVICE_H
#define ACTNET_RUNTIME_DEVICE_FORWARDINGDEVICE_H

#include "actnet/Runtime/Device/Device.h"

#include <memory>
#include <string>
#include <utility>

namespace actnet::rt {

/// Owns the device behind; threads, errors and lifetimes are that device's.
class ForwardingDevice : public Device {
public:
  explicit ForwardingDevice(std::unique_ptr<Device> inner)
      : inner(std::move(inner)) {}

  const DeviceInfo &info() const override { return inner->info(); }
  Expected<DevicePtr> allocate(uint64_t bytes, MemoryKind kind) override {
    return inner->allocate(bytes, kind);
  }
  Status deallocate(DevicePtr memory) override {
    return inner->deallocate(memory);
  }
  Expected<DevicePtr> adopt(const void *memory, uint64_t bytes) override {
    return inner->adopt(memory, bytes);
  }
  Status release(DevicePtr memory) override { return inner->release(memory); }
  Expected<std::unique_ptr<DeviceStream>>
  createStream(StreamKind kind) override {
    return inner->createStream(kind);
  }
  Expected<std::unique_ptr<Event>> createEvent() override {
    return inner->createEvent();
  }
  Expected<std::unique_ptr<Executable>>
  load(const ExecutableDesc &desc) override {
    return inner->load(desc);
  }
  MemoryStats memoryStats() const override { return inner->memoryStats(); }
  Expected<uint64_t> touchedBytes(DevicePtr memory,
                                  uint64_t bytes) const override {
    return inner->touchedBytes(memory, bytes);
  }
  Status status() const override { return inner->status(); }
  std::string libraryNote() const override { return inner->libraryNote(); }

protected:
  std::unique_ptr<Device> inner;
};

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_DEVICE_FORWARDINGDEVICE_H
