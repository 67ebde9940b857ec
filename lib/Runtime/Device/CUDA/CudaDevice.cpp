//===- CudaDevice.cpp - an NVIDIA GPU as a device -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Stream.h"

namespace actnet::rt {

namespace {

using namespace cuda;

/// Fills in what the driver says of a device.
Status describe(const Driver &driver, DeviceId device, DeviceInfo &about) {
  const Api &api = driver.api;
  char name[256] = "";
  int major = 0, minor = 0;
  size_t bytes = 0;
  if (api.cuDeviceGetName(name, int(sizeof name) - 1, device) != success ||
      api.cuDeviceGetAttribute(&major, attributeComputeMajor, device) !=
          success ||
      api.cuDeviceGetAttribute(&minor, attributeComputeMinor, device) !=
          success ||
      api.cuDeviceTotalMem(&bytes, device) != success)
    return unavailable("cuda: the driver says nothing of device " +
                       std::to_string(device));
  about.kind = "cuda";
  about.name = name;
  about.variant = "sm_" + std::to_string(major * 10 + minor);
  about.alignment = deviceAlignment;
  about.totalMemoryBytes = bytes;
  return {};
}

class CudaDevice final : public Device {
public:
  static Expected<std::unique_ptr<Device>> create(const CudaOptions &options) {
    ACTNET_ASSIGN_OR_RETURN(const Driver *driver, Driver::open(options.driver));
    std::unique_ptr<CudaDevice> made(new CudaDevice);
    ACTNET_ASSIGN_OR_RETURN(made->context,
                            ContextState::create(*driver, options));
    made->context->library = std::make_shared<Library>(*made->context);
    made->memory = std::make_unique<CudaMemory>(*made->context);
    ACTNET_RETURN_IF_ERROR(made->memory->start());
    made->checker = std::make_unique<Checker>(*made->context);
    ACTNET_RETURN_IF_ERROR(made->checker->start(*made->memory));
    ACTNET_RETURN_IF_ERROR(
        describe(*driver, made->context->device, made->about));
    made->about.graphs = options.graphs;
    made->about.async = !options.synchronous;
    made->about.callbacksMaySubmit = !options.synchronous;
    made->about.reportsFaults = true;
    made->about.libraries = true;
    return Expected<std::unique_ptr<Device>>(std::move(made));
  }

  const DeviceInfo &info() const override { return about; }

  Expected<DevicePtr> allocate(uint64_t bytes, MemoryKind kind) override {
    return memory->allocate(bytes, kind);
  }
  Status deallocate(DevicePtr pointer) override {
    return memory->deallocate(pointer);
  }
  Expected<DevicePtr> adopt(const void *, uint64_t) override {
    return unavailable("cuda: kernels can't read the host's memory in place");
  }
  Status release(DevicePtr) override {
    return invalidArgument("cuda: nothing was adopted");
  }
  Expected<std::unique_ptr<DeviceStream>> createStream(StreamKind) override {
    return CudaStream::create(*context, *checker);
  }
  Expected<std::unique_ptr<Event>> createEvent() override {
    return CudaEvent::create(*context);
  }
  Expected<std::unique_ptr<Executable>>
  load(const ExecutableDesc &desc) override {
    return CudaExecutable::load(*context, *memory, desc);
  }
  MemoryStats memoryStats() const override {
    MemoryStats stats = memory->stats();
    stats.refusedGraphs = context->refusedGraphs();
    return stats;
  }
  Expected<uint64_t> touchedBytes(DevicePtr, uint64_t bytes) const override {
    return bytes;
  }
  Status status() const override { return context->status(); }
  std::string libraryNote() const override {
    std::string note = context->library->note(), graphs = context->graphNote();
    return note + (note.empty() || graphs.empty() ? "" : "; ") + graphs;
  }

private:
  CudaDevice() = default;

  // What is below goes before what is above it.
  std::unique_ptr<ContextState> context;
  std::unique_ptr<CudaMemory> memory;
  std::unique_ptr<Checker> checker;
  DeviceInfo about;
};

} // namespace

Expected<std::unique_ptr<Device>> createCudaDevice(const CudaOptions &options) {
  return CudaDevice::create(options);
}

Expected<std::vector<DeviceInfo>> listCudaDevices(const std::string &library) {
  ACTNET_ASSIGN_OR_RETURN(const Driver *driver, Driver::open(library));
  int count = 0;
  if (Result result = driver->api.cuDeviceGetCount(&count); result != success)
    return unavailable("cuda: the driver counts no devices: " +
                       driver->text(result));
  std::vector<DeviceInfo> list;
  for (int i = 0; i < count; ++i) {
    DeviceId device = 0;
    if (driver->api.cuDeviceGet(&device, i) != success)
      continue;
    ACTNET_RETURN_IF_ERROR(describe(*driver, device, list.emplace_back()));
  }
  return list;
}

} // namespace actnet::rt
