//===- LoadedProgram.h - a program's code and weights on a device ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights are one allocation per program and device. Where a device reads them
// in the package they are mapped once already, and each session has a device of
// its own, with its own threads. A device with memory of its own gets them by
// upload: its sessions share the device, the code and the weights, and the last
// of them takes all three away.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_SESSION_LOADEDPROGRAM_H
#define ACTNET_RUNTIME_SESSION_LOADEDPROGRAM_H

#include "actnet/Runtime/Device/ForwardingDevice.h"
#include "actnet/Runtime/Session/Devices.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace actnet::rt {

/// A device with the code and the weights of one program. Immutable, so any
/// thread may use it; the program must outlive it.
class LoadedProgram {
public:
  /// Loads the code onto the device, and adopts or uploads the weights that its
  /// clone reads, in at most `patienceNs`. `isa` forces a variant unless empty.
  /// Errors: those of Device::load and Device::allocate; deadlineExceeded.
  static Expected<std::shared_ptr<LoadedProgram>>
  load(const Program &program, const DeviceCode &code,
       std::unique_ptr<Device> device, const std::string &isa,
       int64_t patienceNs);
  ~LoadedProgram();

  Device &device() const { return *base; }
  /// Null if there is nothing to run.
  const Executable *executable() const { return code.get(); }
  /// Where the weights begin, for kernels; null if there are none.
  std::byte *weights() const { return first; }
  /// Bytes of weights: of the package where they are read there, else uploaded.
  uint64_t weightBytes() const { return bytes; }
  /// By weight, from `weights()`.
  const std::vector<uint64_t> &weightOffsets() const { return offsets; }
  /// What the device's allocator counted for the stacks of its own threads and
  /// for those of one stream, when nobody shared it yet.
  uint64_t ownStackBytes() const { return ownStacks; }
  uint64_t streamStackBytes() const { return streamStacks; }

private:
  LoadedProgram() = default;
  Status loadCode(const DeviceCode &from, const std::string &isa);
  Status adoptWeights(const Program &program);
  Status uploadWeights(const Program &program, const pkg::Plan &plan,
                       int64_t patienceNs);

  // What is below goes before what is above it.
  std::unique_ptr<Device> base;
  std::unique_ptr<Executable> code;
  DeviceMemory uploaded;
  std::byte *first = nullptr;
  uint64_t bytes = 0;
  std::vector<uint64_t> offsets;
  uint64_t ownStacks = 0, streamStacks = 0;
};

/// What the sessions of one program share now. Any thread.
class LoadedPrograms {
public:
  using Loader = std::function<Expected<std::shared_ptr<LoadedProgram>>()>;

  /// Returns what is loaded under the key, as long as a session holds it and
  /// its device is not broken; else has `load` load it. Who asks for the same
  /// meanwhile waits. Errors: those of `load`.
  Expected<std::shared_ptr<LoadedProgram>> get(const std::string &key,
                                               const Loader &load);

private:
  struct Place {
    std::mutex mutex;
    std::weak_ptr<LoadedProgram> loaded;
  };
  std::mutex mutex;
  std::map<std::string, Place> places;
};

/// A shared device as one of its sessions sees it: everything passes through,
/// and memory is counted for this session alone, with the weights.
class SharedDevice final : public ForwardingDevice {
public:
  explicit SharedDevice(std::shared_ptr<LoadedProgram> loaded);

  Expected<DevicePtr> allocate(uint64_t bytes, MemoryKind kind) override;
  Status deallocate(DevicePtr memory) override;
  Expected<std::unique_ptr<DeviceStream>>
  createStream(StreamKind kind) override;
  MemoryStats memoryStats() const override;

private:
  struct Block {
    uint64_t bytes;
    MemoryKind kind;
  };
  std::shared_ptr<LoadedProgram> loaded;
  std::atomic<uint64_t> streams{0};
  mutable std::mutex mutex;
  std::map<DevicePtr, Block> blocks;
  MemoryStats counted;
};

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_SESSION_LOADEDPROGRAM_H
