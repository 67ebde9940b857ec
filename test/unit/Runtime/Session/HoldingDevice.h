//===- HoldingDevice.h - a device whose work may never end ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The host device behind a gate: while it holds, what is submitted stays open
// until its stream goes, as with a GPU that hangs. It notes whoever takes away
// what open work still uses.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_TEST_UNIT_RUNTIME_SESSION_HOLDINGDEVICE_H
#define ACTNET_TEST_UNIT_RUNTIME_SESSION_HOLDINGDEVICE_H

#include "actnet/Runtime/Device/ForwardingDevice.h"

#include <atomic>
#include <vector>

namespace actnet::rt::test {

/// What a holding device shares with its test.
struct Held {
  std::atomic<bool> isHolding{false};
  /// Submissions that were neither done nor given back.
  std::atomic<int> open{0};
  /// A prepared segment, or any memory, went while work was open.
  std::atomic<bool> segmentWent{false}, memoryWent{false};
  /// Open work got new pointers.
  std::atomic<bool> segmentChanged{false};

  bool isIntact() const {
    return !segmentWent && !memoryWent && !segmentChanged;
  }
};

class HoldingSegment final : public PreparedSegment {
public:
  HoldingSegment(std::unique_ptr<PreparedSegment> inner, Held &held)
      : inner(std::move(inner)), held(held) {}
  ~HoldingSegment() override {
    if (*isOpen)
      held.segmentWent = true;
  }
  Status update(const Segment &segment) override {
    if (*isOpen)
      held.segmentChanged = true;
    return inner->update(segment);
  }

  std::unique_ptr<PreparedSegment> inner;
  Held &held;
  std::shared_ptr<std::atomic<bool>> isOpen =
      std::make_shared<std::atomic<bool>>(false);
};

class HoldingStream final : public ForwardingStream {
public:
  HoldingStream(std::unique_ptr<DeviceStream> inner, Held &held)
      : ForwardingStream(std::move(inner)), held(held) {}
  ~HoldingStream() override {
    for (const Open &work : open) {
      if (work.isOpen)
        *work.isOpen = false;
      --held.open;
      if (work.listener)
        work.listener->completed(work.token, cancelled("the stream went"));
    }
  }
  Expected<std::unique_ptr<PreparedSegment>>
  prepare(const Segment &segment) override {
    ACTNET_ASSIGN_OR_RETURN(auto prepared, inner->prepare(segment));
    return Expected<std::unique_ptr<PreparedSegment>>(
        std::make_unique<HoldingSegment>(std::move(prepared), held));
  }
  Status submit(const PreparedSegment &segment, CompletionListener *listener,
                uint64_t token) override {
    const auto &ours = static_cast<const HoldingSegment &>(segment);
    if (!held.isHolding)
      return inner->submit(*ours.inner, listener, token);
    *ours.isOpen = true;
    return hold(listener, token, ours.isOpen);
  }
  Status submitRecord(const Executable *executable, const Record &record,
                      CompletionListener *listener, uint64_t token) override {
    return held.isHolding
               ? hold(listener, token, nullptr)
               : inner->submitRecord(executable, record, listener, token);
  }
  Status notify(CompletionListener *listener, uint64_t token) override {
    return held.isHolding ? hold(listener, token, nullptr)
                          : inner->notify(listener, token);
  }
  Status synchronize(int64_t timeoutNs) override {
    return open.empty() ? inner->synchronize(timeoutNs)
                        : deadlineExceeded("work is held");
  }

private:
  struct Open {
    CompletionListener *listener;
    uint64_t token;
    std::shared_ptr<std::atomic<bool>> isOpen;
  };
  Status hold(CompletionListener *listener, uint64_t token,
              std::shared_ptr<std::atomic<bool>> isOpen) {
    ++held.open;
    open.push_back({listener, token, std::move(isOpen)});
    return okStatus();
  }

  Held &held;
  std::vector<Open> open;
};

class HoldingDevice final : public ForwardingDevice {
public:
  HoldingDevice(std::unique_ptr<Device> inner, Held &held)
      : ForwardingDevice(std::move(inner)), held(held) {}
  Status deallocate(DevicePtr memory) override {
    if (held.open > 0)
      held.memoryWent = true;
    return inner->deallocate(memory);
  }
  Expected<std::unique_ptr<DeviceStream>>
  createStream(StreamKind kind) override {
    ACTNET_ASSIGN_OR_RETURN(auto stream, inner->createStream(kind));
    return Expected<std::unique_ptr<DeviceStream>>(
        std::make_unique<HoldingStream>(std::move(stream), held));
  }

private:
  Held &held;
};

} // namespace actnet::rt::test

#endif // ACTNET_TEST_UNIT_RUNTIME_SESSION_HOLDINGDEVICE_H
