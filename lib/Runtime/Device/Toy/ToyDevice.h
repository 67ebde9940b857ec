//===- ToyDevice.h - the parts of the toy device --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Speed does not matter here, being right does: one lock and one condition
// variable for all streams and events of a device. Kernels and copies run
// outside the lock.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_RUNTIME_DEVICE_TOY_TOYDEVICE_H
#define ACTNET_LIB_RUNTIME_DEVICE_TOY_TOYDEVICE_H

#include "../Host/Memory.h"
#include "StreamOrder.h"
#include "actnet/Runtime/Device/Toy.h"
#include "actnet/Runtime/Device/ToyEngine.h"

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>

namespace actnet::rt {

/// What the parts of one device share.
struct ToyState {
  explicit ToyState(const ToyOptions &options);

  ToyOptions options;
  toy::Engine engine;
  HostMemory memory;

  std::mutex mutex;
  std::condition_variable changed;
  /// The error that broke the device; under the mutex.
  Status sticky;
  uint64_t streams = 0;
  /// With one queue: whose turn it is, of the tickets given.
  uint64_t tickets = 0, turn = 0;
  StreamOrder order;

  /// True for the one occurrence that a fault names.
  bool strikes(ToyFault::Kind kind);
  /// Breaks the device, unless it is broken.
  void breakDown(const Status &cause);
  Status status() {
    std::lock_guard lock(mutex);
    return sticky;
  }

private:
  std::atomic<uint64_t> counts[5] = {};
};

class ToyExecutable final : public Executable {
public:
  struct Kernel {
    toy::Entry entry;
    unsigned threads = 0;
    uint32_t sharedBytes = 0;
    std::vector<OperandAccess> access;
  };
  ToyExecutable(ToyState &state, std::unique_ptr<toy::Image> image,
                std::string variant, std::vector<Kernel> kernels);
  ~ToyExecutable() override;
  std::string_view variant() const override { return features; }
  unsigned kernelCount() const override { return unsigned(kernels.size()); }
  const Kernel &kernel(uint32_t id) const { return kernels[id]; }
  const ToyState &owner() const { return state; }

private:
  ToyState &state;
  std::unique_ptr<toy::Image> image;
  std::string features;
  std::vector<Kernel> kernels;
};

/// Counts its recordings, as HostEvent does; all under the device's lock.
class ToyEvent final : public Event {
public:
  explicit ToyEvent(ToyState &state) : state(state) {}
  bool query() const override;
  Status wait(int64_t timeoutNs) override;

  ToyState &state;
  uint64_t submitted = 0, done = 0, cancelledTarget = 0;
  /// What the latest recording is ordered behind.
  StreamOrder::Clock clock;
};

/// A record with all it points to.
struct ToyOp {
  Record record;
  std::vector<DevicePtr> operands;
  std::vector<int64_t> dims;
  std::vector<uint64_t> sizes;
  // Of a launch, for the engine.
  std::vector<void *> arguments;
  std::vector<toy::OperandBounds> bounds;
};

class ToySegment final : public PreparedSegment {
public:
  static Expected<std::unique_ptr<ToySegment>> make(ToyState &state,
                                                    const Segment &segment);
  Status update(const Segment &segment) override;

  const ToyExecutable *executable = nullptr;
  std::vector<ToyOp> ops;

private:
  explicit ToySegment(ToyState &state) : state(state) {}
  void fillIn(const Segment &segment);
  ToyState &state;
};

/// Makes a stream with a thread of its own, or none if it is synchronous.
Expected<std::unique_ptr<DeviceStream>> createToyStream(ToyState &state);

} // namespace actnet::rt

#endif // ACTNET_LIB_RUNTIME_DEVICE_TOY_TOYDEVICE_H
