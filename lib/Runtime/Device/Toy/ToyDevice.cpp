//===- ToyDevice.cpp - the software GPU as a device -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "ToyDevice.h"
#include "actnet/Runtime/Base/Futex.h"

#include <algorithm>
#include <chrono>

namespace actnet::rt {

namespace {

constexpr uint64_t allocationUnit = 512;

class ToyDevice final : public Device {
public:
  explicit ToyDevice(const ToyOptions &options) : state(options) {
    about.kind = "toy";
    about.name = "software GPU, seed " + std::to_string(options.seed);
    about.variant = "toy";
    about.async = !options.synchronous;
    about.reportsFaults = true;
    about.alignment = allocationUnit;
    about.totalMemoryBytes = options.memoryBytes;
  }
  ~ToyDevice() override {
    for (auto &[memory, bytes] : blocks)
      state.engine.deallocate(memory).ignore();
  }

  const DeviceInfo &info() const override { return about; }
  Expected<DevicePtr> allocate(uint64_t bytes, MemoryKind kind) override;
  Status deallocate(DevicePtr pointer) override;
  Expected<DevicePtr> adopt(const void *, uint64_t) override {
    return unavailable("toy device: kernels can't read host memory in place; "
                       "upload it");
  }
  Status release(DevicePtr) override {
    return invalidArgument("memory to release was not adopted");
  }
  Expected<std::unique_ptr<DeviceStream>> createStream(StreamKind) override {
    return createToyStream(state);
  }
  Expected<std::unique_ptr<Event>> createEvent() override {
    return Expected<std::unique_ptr<Event>>(std::make_unique<ToyEvent>(state));
  }
  Expected<std::unique_ptr<Executable>>
  load(const ExecutableDesc &desc) override;
  MemoryStats memoryStats() const override { return state.memory.stats(); }
  Expected<uint64_t> touchedBytes(DevicePtr, uint64_t bytes) const override {
    return bytes;
  }
  Status status() const override { return state.status(); }

private:
  mutable ToyState state;
  DeviceInfo about;
  std::mutex mutex;
  std::map<void *, uint64_t> blocks; // device memory only
  uint64_t usedBytes = 0;
};

uint64_t rounded(uint64_t bytes) {
  return (bytes + allocationUnit - 1) / allocationUnit * allocationUnit;
}

Expected<DevicePtr> ToyDevice::allocate(uint64_t bytes, MemoryKind kind) {
  if (kind == MemoryKind::staging)
    return state.memory.allocate(bytes, HostMemory::Use::staging);
  if (bytes == 0)
    return invalidArgument("allocation of 0 bytes");
  ACTNET_RETURN_IF_ERROR(state.status());
  std::lock_guard lock(mutex);
  if (state.strikes(ToyFault::Kind::allocation))
    return resourceExhausted("cannot allocate " + std::to_string(bytes) +
                             " bytes of toy device memory, as ACTNET_TOY asks");
  if (bytes > about.totalMemoryBytes ||
      rounded(bytes) > about.totalMemoryBytes - usedBytes)
    return resourceExhausted(
        "cannot allocate " + std::to_string(bytes) +
        " bytes of toy device memory: " + std::to_string(usedBytes) + " of " +
        std::to_string(about.totalMemoryBytes) + " are in use");
  ACTNET_ASSIGN_OR_RETURN(
      void *memory, state.engine.allocate(rounded(bytes), allocationUnit));
  blocks.emplace(memory, rounded(bytes));
  usedBytes += rounded(bytes);
  state.memory.count(HostMemory::Use::device, int64_t(rounded(bytes)));
  return memory;
}

Status ToyDevice::deallocate(DevicePtr pointer) {
  std::lock_guard lock(mutex);
  auto found = blocks.find(pointer);
  if (found == blocks.end())
    return state.memory.deallocate(pointer);
  ACTNET_RETURN_IF_ERROR(state.engine.deallocate(pointer));
  state.memory.count(HostMemory::Use::device, -int64_t(found->second));
  usedBytes -= found->second;
  blocks.erase(found);
  return {};
}

Expected<std::unique_ptr<Executable>>
ToyDevice::load(const ExecutableDesc &desc) {
  const CodeImage *chosen = nullptr;
  std::string present;
  for (const CodeImage &image : desc.images) {
    present += (present.empty() ? "" : ", ") + std::string(image.features);
    if (image.format == "toy" &&
        (desc.variant.empty() || desc.variant == image.features))
      chosen = &image;
  }
  if (!chosen) {
    std::string wanted(desc.variant.empty() ? "toy" : desc.variant);
    return notFound("toy device: no code for " + wanted +
                    (present.empty() ? "" : "; there is code for " + present));
  }
  std::string features(chosen->features);
  ACTNET_ASSIGN_OR_RETURN(auto image, toy::Image::load(chosen->bytes));
  std::vector<ToyExecutable::Kernel> kernels;
  for (const KernelDesc &desc : desc.kernels) {
    ToyExecutable::Kernel kernel;
    ACTNET_ASSIGN_OR_RETURN(kernel.entry, image->find(desc.symbol));
    if (desc.threads == 0 || desc.threads % 32 || desc.threads > 1024)
      return invalidArgument("toy: kernel '" + std::string(desc.symbol) +
                             "' has " + std::to_string(desc.threads) +
                             " threads a block, possible are multiples of 32 "
                             "up to 1024");
    kernel.threads = desc.threads;
    kernel.sharedBytes = desc.sharedBytes;
    kernel.access.assign(desc.access.begin(), desc.access.end());
    kernels.push_back(std::move(kernel));
  }
  return Expected<std::unique_ptr<Executable>>(std::make_unique<ToyExecutable>(
      state, std::move(image), std::move(features), std::move(kernels)));
}

} // namespace

//===----------------------------------------------------------------------===//
// Shared state
//===----------------------------------------------------------------------===//

ToyState::ToyState(const ToyOptions &options)
    : options(options), engine({options.seed, options.threads}) {}

bool ToyState::strikes(ToyFault::Kind kind) {
  uint64_t now = counts[unsigned(kind)].fetch_add(1) + 1;
  return std::any_of(
      options.faults.begin(), options.faults.end(),
      [&](const ToyFault &f) { return f.kind == kind && f.at == now; });
}

void ToyState::breakDown(const Status &cause) {
  std::lock_guard lock(mutex);
  if (!sticky)
    return;
  sticky = cause;
  changed.notify_all();
}

ToyExecutable::ToyExecutable(ToyState &state, std::unique_ptr<toy::Image> image,
                             std::string variant, std::vector<Kernel> kernels)
    : state(state), image(std::move(image)), features(std::move(variant)),
      kernels(std::move(kernels)) {
  state.memory.count(HostMemory::Use::code,
                     int64_t(this->image->mappedBytes()));
}

ToyExecutable::~ToyExecutable() {
  state.memory.count(HostMemory::Use::code, -int64_t(image->mappedBytes()));
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

bool ToyEvent::query() const {
  std::lock_guard lock(state.mutex);
  if (done >= submitted)
    state.order.heard(clock);
  return done >= submitted;
}

Status ToyEvent::wait(int64_t timeoutNs) {
  std::unique_lock lock(state.mutex);
  uint64_t target = submitted;
  auto isOver = [&] { return done >= target || !state.sticky; };
  if (timeoutNs == waitForever)
    state.changed.wait(lock, isOver);
  else if (!state.changed.wait_for(lock,
                                   std::chrono::nanoseconds(std::min<int64_t>(
                                       timeoutNs, int64_t(1) << 60)),
                                   isOver))
    return deadlineExceeded("event is not complete in time");
  if (!state.sticky)
    return state.sticky;
  if (target && cancelledTarget == target)
    return cancelled("the work before the event was cancelled");
  if (target == submitted)
    state.order.heard(clock);
  return {};
}

Expected<std::unique_ptr<Device>> createToyDevice(const ToyOptions &options) {
  if (options.threads > 256)
    return invalidArgument("toy device: " + std::to_string(options.threads) +
                           " threads, at most 256 are possible");
  return Expected<std::unique_ptr<Device>>(
      std::make_unique<ToyDevice>(options));
}

} // namespace actnet::rt
