//===- HostDevice.cpp - the machine's own processor as a device -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "HostDevice.h"
#include "Cpu.h"

#include <algorithm>
#include <sched.h>
#include <unistd.h>

namespace actnet::rt {

namespace {

/// Processors that this process may run on.
unsigned allowedThreads() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    return std::max(1, CPU_COUNT(&set));
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? unsigned(online) : 1;
}

constexpr unsigned mostThreads = 1024;

} // namespace

//===----------------------------------------------------------------------===//
// Executable
//===----------------------------------------------------------------------===//

HostExecutable::HostExecutable(HostMemory &memory, ElfImage image,
                               std::string variant, std::vector<Kernel> kernels)
    : memory(memory), image(std::move(image)), features(std::move(variant)),
      kernels(std::move(kernels)) {
  memory.count(HostMemory::Use::code, int64_t(this->image.mappedBytes()));
}

HostExecutable::~HostExecutable() {
  memory.count(HostMemory::Use::code, -int64_t(image.mappedBytes()));
}

//===----------------------------------------------------------------------===//
// Device
//===----------------------------------------------------------------------===//

Expected<std::unique_ptr<Device>>
HostDevice::create(const HostOptions &options) {
  if (options.threads > mostThreads)
    return invalidArgument("host device: " + std::to_string(options.threads) +
                           " threads, at most " + std::to_string(mostThreads) +
                           " are possible");
  if (!options.isa.empty()) {
    if (!hostVariantLevel(options.isa))
      return invalidArgument(
          "host device: unknown isa '" + options.isa +
          "', known are x86-64, x86-64-v2, x86-64-v3 and x86-64-v4");
    if (!hostSupports(options.isa))
      return unavailable("host device: this processor can't run " +
                         options.isa + " code, at best " +
                         std::string(hostBestVariant()));
  }
  std::unique_ptr<HostDevice> device(new HostDevice());
  device->forcedVariant = options.isa;
  DeviceInfo &about = device->about;
  about.kind = "host";
  about.name = hostCpuName();
  about.variant =
      options.isa.empty() ? std::string(hostBestVariant()) : options.isa;
  about.async = true;
  about.callbacksMaySubmit = true;
  about.hostAddressable = true;
  about.threads = options.threads ? options.threads
                                  : std::min(allowedThreads(), mostThreads);
  about.alignment = hostPage;
  about.totalMemoryBytes =
      uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGESIZE));
  ACTNET_ASSIGN_OR_RETURN(device->pool,
                          Pool::create(device->memory, about.threads - 1));
  return Expected<std::unique_ptr<Device>>(std::move(device));
}

HostDevice::~HostDevice() = default;

Expected<std::unique_ptr<Device>> createHostDevice(const HostOptions &options) {
  return HostDevice::create(options);
}

Expected<DevicePtr> HostDevice::allocate(uint64_t bytes, MemoryKind kind) {
  return memory.allocate(bytes, kind == MemoryKind::device
                                    ? HostMemory::Use::device
                                    : HostMemory::Use::staging);
}

Status HostDevice::deallocate(DevicePtr pointer) {
  return memory.deallocate(pointer);
}

Expected<DevicePtr> HostDevice::adopt(const void *pointer, uint64_t bytes) {
  ACTNET_RETURN_IF_ERROR(memory.adopt(pointer, bytes));
  return const_cast<DevicePtr>(pointer);
}

Status HostDevice::release(DevicePtr pointer) {
  return memory.release(pointer);
}

Expected<uint64_t> HostDevice::touchedBytes(DevicePtr pointer,
                                            uint64_t bytes) const {
  return touchedPages(pointer, bytes);
}

Expected<std::unique_ptr<DeviceStream>> HostDevice::createStream(StreamKind) {
  return createHostStream(memory, *pool);
}

Expected<std::unique_ptr<Event>> HostDevice::createEvent() {
  return Expected<std::unique_ptr<Event>>(std::make_unique<HostEvent>());
}

Expected<const CodeImage *>
HostDevice::choose(const ExecutableDesc &desc) const {
  std::string forced(desc.variant.empty() ? std::string_view(forcedVariant)
                                          : desc.variant);
  const CodeImage *best = nullptr;
  std::string present;
  for (const CodeImage &image : desc.images) {
    if (image.format != "elf")
      continue;
    present += (present.empty() ? "" : ", ") + std::string(image.features);
    bool wanted = forced.empty() ? hostSupports(image.features)
                                 : image.features == forced;
    if (wanted && (!best || hostVariantLevel(image.features) >
                                hostVariantLevel(best->features)))
      best = &image;
  }
  std::string has = present.empty() ? "there is no host code"
                                    : "there is code for " + present;
  if (!best)
    return notFound(forced.empty()
                        ? "host device: no code that this processor can run; " +
                              has
                        : "host device: no code for " + forced + "; " + has);
  if (!hostSupports(best->features))
    return unavailable("host device: this processor can't run " + forced +
                       " code, at best " + std::string(hostBestVariant()));
  return best;
}

Expected<std::unique_ptr<Executable>>
HostDevice::load(const ExecutableDesc &desc) {
  ACTNET_ASSIGN_OR_RETURN(const CodeImage *chosen, choose(desc));
  std::string variant(chosen->features);
  Expected<ElfImage> image = ElfImage::map(chosen->bytes);
  if (!image)
    return image.takeStatus().addContext(variant);
  std::vector<HostExecutable::Kernel> kernels;
  kernels.reserve(desc.kernels.size());
  uint64_t scratch = 0;
  for (const KernelDesc &kernel : desc.kernels) {
    Expected<void *> function = image->function(kernel.symbol);
    if (!function)
      return function.takeStatus().addContext(variant);
    kernels.push_back(
        {reinterpret_cast<HostKernel>(*function), kernel.scratchBytes});
    scratch = std::max(scratch, kernel.scratchBytes);
  }
  ACTNET_RETURN_IF_ERROR(
      pool->growScratch(scratch).addContext("scratch of the kernels"));
  return Expected<std::unique_ptr<Executable>>(std::make_unique<HostExecutable>(
      memory, *std::move(image), std::move(variant), std::move(kernels)));
}

} // namespace actnet::rt
