//===- SimulatedDevice.h - a device that is late, faulty and legal --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For tests of what stands above devices: it executes submitted records one at
// a time, in any order that streams and events allow, tells of completions
// later still, and fails records when asked to. All choices come from outside,
// so one seed is one run.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_TEST_UNIT_RUNTIME_ACTOR_SIMULATEDDEVICE_H
#define ACTNET_TEST_UNIT_RUNTIME_ACTOR_SIMULATEDDEVICE_H

#include "actnet/Runtime/Actor/SimulatedSystem.h"
#include "actnet/Runtime/Device/Device.h"

#include <deque>
#include <functional>
#include <map>
#include <vector>

namespace actnet::rt::test {

/// A kernel is any function of its operands and dims.
using SimulatedKernel =
    std::function<void(std::span<const DevicePtr>, std::span<const int64_t>)>;

class SimulatedExecutable final : public Executable {
public:
  explicit SimulatedExecutable(std::vector<SimulatedKernel> kernels)
      : kernels(std::move(kernels)) {}
  std::string_view variant() const override { return "simulated"; }
  unsigned kernelCount() const override { return unsigned(kernels.size()); }
  const std::vector<SimulatedKernel> kernels;
};

class SimulatedEvent final : public Event {
public:
  bool query() const override { return done >= submitted; }
  Status wait(int64_t) override {
    return query() ? Status() : deadlineExceeded("not complete");
  }
  uint64_t submitted = 0, done = 0;
};

/// Owns copies of the lists that its records span.
class SimulatedSegment final : public PreparedSegment {
public:
  explicit SimulatedSegment(const Segment &segment) { assign(segment); }
  Status update(const Segment &segment) override {
    assign(segment);
    return {};
  }
  const SimulatedExecutable *executable = nullptr;
  std::vector<Record> records;

private:
  void assign(const Segment &segment);
  std::vector<std::vector<DevicePtr>> operands;
  std::vector<std::vector<int64_t>> dims;
};

class SimulatedDevice;

class SimulatedStream final : public DeviceStream {
public:
  explicit SimulatedStream(SimulatedDevice &device) : device(device) {}
  ~SimulatedStream() override;
  Expected<std::unique_ptr<PreparedSegment>>
  prepare(const Segment &segment) override;
  Status submit(const PreparedSegment &segment, CompletionListener *listener,
                uint64_t token) override;
  Status submitRecord(const Executable *executable, const Record &record,
                      CompletionListener *listener, uint64_t token) override;
  Status notify(CompletionListener *listener, uint64_t token) override;
  Status synchronize(int64_t) override {
    return internalError("a simulated stream can't be waited for");
  }

  bool canExecute() const;
  void execute(uint64_t random);
  bool canNotify() const { return !notifications.empty(); }
  void deliver();
  /// Executes nothing any more, as a device that hangs.
  bool hangs = false;

private:
  struct Submission {
    const SimulatedSegment *segment = nullptr;
    std::unique_ptr<SimulatedSegment> owned;
    std::vector<uint64_t> targets; // one per await, in order
    size_t next = 0, nextAwait = 0;
    Status status;
    CompletionListener *listener = nullptr;
    uint64_t token = 0;
  };
  struct Notification {
    CompletionListener *listener;
    uint64_t token;
    Status status;
  };
  Status enqueue(Submission submission);
  void finishHead();

  SimulatedDevice &device;
  std::deque<Submission> submissions;
  std::deque<Notification> notifications;
};

class SimulatedDevice final : public Device, public SimulatedSource {
public:
  SimulatedDevice();
  ~SimulatedDevice() override;

  // Device.
  const DeviceInfo &info() const override { return about; }
  Expected<DevicePtr> allocate(uint64_t bytes, MemoryKind) override;
  Status deallocate(DevicePtr memory) override;
  Expected<DevicePtr> adopt(const void *, uint64_t) override {
    return unavailable("no adopted memory here");
  }
  Status release(DevicePtr) override {
    return unavailable("no adopted memory here");
  }
  Expected<std::unique_ptr<DeviceStream>> createStream(StreamKind) override;
  Expected<std::unique_ptr<Event>> createEvent() override;
  Expected<std::unique_ptr<Executable>> load(const ExecutableDesc &) override {
    return unavailable("kernels are functions here");
  }
  MemoryStats memoryStats() const override { return {}; }
  Expected<uint64_t> touchedBytes(DevicePtr, uint64_t bytes) const override {
    return bytes;
  }
  Status status() const override { return sticky; }

  // Source.
  bool ready() const override;
  void step(uint64_t random) override;

  /// One record in so many fails; 0 means none.
  uint64_t faultEvery = 0;
  /// One fault in so many is sticky; 0 means none.
  uint64_t stickyEvery = 0;
  uint64_t faults = 0;
  Status sticky;
  /// Told of each record that failed, by the token of its submission.
  std::function<void(uint64_t token)> onFault;

private:
  friend class SimulatedStream;
  DeviceInfo about;
  std::map<void *, std::unique_ptr<std::byte[]>> blocks;
  std::vector<SimulatedStream *> streams;
};

} // namespace actnet::rt::test

#endif // ACTNET_TEST_UNIT_RUNTIME_ACTOR_SIMULATEDDEVICE_H
