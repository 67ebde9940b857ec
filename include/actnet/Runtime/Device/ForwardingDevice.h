//===- ForwardingDevice.h - a device in front of another --------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bases of devices and streams that change a little of what others do: each
// call goes to the one behind, until a derived class overrides it.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_DEVICE_FORWARDINGDEVICE_H
#define ACTNET_RUNTIME_DEVICE_FORWARDINGDEVICE_H

#include "actnet/Runtime/Device/Device.h"

#include <memory>
#include <string>
#include <utility>

namespace actnet::rt {

/// Owns the stream behind; threads, errors and lifetimes are that stream's.
class ForwardingStream : public DeviceStream {
public:
  explicit ForwardingStream(std::unique_ptr<DeviceStream> inner)
      : inner(std::move(inner)) {}

  Expected<std::unique_ptr<PreparedSegment>>
  prepare(const Segment &segment) override {
    return inner->prepare(segment);
  }
  Status submit(const PreparedSegment &segment, CompletionListener *listener,
                uint64_t token) override {
    return inner->submit(segment, listener, token);
  }
  Status submitRecord(const Executable *executable, const Record &record,
                      CompletionListener *listener, uint64_t token) override {
    return inner->submitRecord(executable, record, listener, token);
  }
  Status notify(CompletionListener *listener, uint64_t token) override {
    return inner->notify(listener, token);
  }
  Status synchronize(int64_t timeoutNs) override {
    return inner->synchronize(timeoutNs);
  }

protected:
  std::unique_ptr<DeviceStream> inner;
};

/// Owns the device behind, alone or with others; threads, errors and lifetimes
/// are that device's.
class ForwardingDevice : public Device {
public:
  explicit ForwardingDevice(std::shared_ptr<Device> inner)
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
  std::shared_ptr<Device> inner;
};

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_DEVICE_FORWARDINGDEVICE_H
