//===- HostDevice.h - the parts of the host device ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ACTNET_LIB_RUNTIME_DEVICE_HOST_HOSTDEVICE_H
#define ACTNET_LIB_RUNTIME_DEVICE_HOST_HOSTDEVICE_H

#include "../Elf.h"
#include "Memory.h"
#include "Pool.h"
#include "actnet/Runtime/Device/Host.h"

namespace actnet::rt {

class HostExecutable final : public Executable {
public:
  struct Kernel {
    HostKernel function;
    uint64_t scratchBytes;
  };
  HostExecutable(HostMemory &memory, ElfImage image, std::string variant,
                 std::vector<Kernel> kernels);
  ~HostExecutable() override;
  std::string_view variant() const override { return features; }
  unsigned kernelCount() const override { return unsigned(kernels.size()); }
  const Kernel &kernel(uint32_t id) const { return kernels[id]; }

private:
  HostMemory &memory;
  ElfImage image;
  std::string features;
  std::vector<Kernel> kernels;
};

/// Counts its recordings: `submitted` when a stream takes one, `done` when it
/// is reached. Recordings of one stream come in order, so a count names one.
class HostEvent final : public Event {
public:
  ~HostEvent() override;
  bool query() const override;
  Status wait(int64_t timeoutNs) override;

  /// Called as a stream takes a recording; returns nothing to remember,
  /// because recordings are reached in the order taken.
  void taken() { submitted.fetch_add(1, std::memory_order_acq_rel); }
  /// The recording that a wait submitted now means.
  uint64_t target() const { return submitted.load(std::memory_order_acquire); }
  /// Called as the stream reaches a recording, or gives it up.
  void reached(bool isCancelled);
  /// Waits for a target; false after about `deadlineNs`.
  bool waitFor(uint64_t target, int64_t deadlineNs);
  bool wasCancelled(uint64_t target) const {
    return target && cancelledTarget.load(std::memory_order_acquire) == target;
  }

private:
  std::atomic<uint64_t> submitted{0};
  std::atomic<uint64_t> done{0};
  std::atomic<uint64_t> cancelledTarget{0};
  std::atomic<uint32_t> word{0};
  std::atomic<uint32_t> sleepers{0};
  /// Streams inside `reached`: who waited may destroy the event while the one
  /// that completed it still looks for sleepers.
  std::atomic<uint32_t> inside{0};
};

/// A record resolved to what the stream's thread does.
struct HostOp {
  enum class Kind : uint8_t { launch, copy, fill, signal, await };
  Kind kind = Kind::launch;
  /// launch: so quick when last run that sharing it would cost more. Only the
  /// stream's thread looks at it.
  mutable bool quick = false;
  uint8_t patternBytes = 1;
  TileWork work;
  void *dst = nullptr;
  const void *src = nullptr;
  uint64_t bytes = 0;
  uint64_t pattern = 0;
  HostEvent *event = nullptr;
};

class HostSegment final : public PreparedSegment {
public:
  /// Checks and resolves; see DeviceStream::prepare.
  static Expected<std::unique_ptr<HostSegment>> make(const Segment &segment);
  Status update(const Segment &segment) override;

  std::span<const HostOp> ops() const { return list; }
  uint64_t scratchBytes() const { return scratch; }

private:
  void fillIn(const Segment &segment);

  std::vector<HostOp> list;
  std::vector<void *> operands;
  std::vector<int64_t> dims;
  /// Per launch, to compare updates with: kernel, operands, dims.
  struct LaunchShape {
    uint32_t kernel;
    size_t operands, dims;
  };
  std::vector<LaunchShape> launches;
  const Executable *executable = nullptr;
  uint64_t scratch = 0;
};

/// Checks one record against its executable.
Status checkRecord(const Executable *executable, const Record &record);

/// Resolves a record that is not a launch.
HostOp makeOp(const Record &record);

class HostDevice final : public Device {
public:
  static Expected<std::unique_ptr<Device>> create(const HostOptions &options);
  ~HostDevice() override;

  const DeviceInfo &info() const override { return about; }
  Expected<DevicePtr> allocate(uint64_t bytes, MemoryKind kind) override;
  Status deallocate(DevicePtr pointer) override;
  Expected<DevicePtr> adopt(const void *pointer, uint64_t bytes) override;
  Status release(DevicePtr pointer) override;
  Expected<std::unique_ptr<DeviceStream>>
  createStream(StreamKind kind) override;
  Expected<std::unique_ptr<Event>> createEvent() override;
  Expected<std::unique_ptr<Executable>>
  load(const ExecutableDesc &desc) override;
  MemoryStats memoryStats() const override { return memory.stats(); }
  Expected<uint64_t> touchedBytes(DevicePtr pointer,
                                  uint64_t bytes) const override;
  Status status() const override { return {}; }

private:
  HostDevice() = default;
  Expected<const CodeImage *> choose(const ExecutableDesc &desc) const;

  HostMemory memory;
  DeviceInfo about;
  std::string forcedVariant;
  std::unique_ptr<Pool> pool;
};

/// Makes a stream with a thread of its own.
Expected<std::unique_ptr<DeviceStream>> createHostStream(HostMemory &memory,
                                                         Pool &pool);

} // namespace actnet::rt

#endif // ACTNET_LIB_RUNTIME_DEVICE_HOST_HOSTDEVICE_H
