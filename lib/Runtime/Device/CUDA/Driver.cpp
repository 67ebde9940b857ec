//===- Driver.cpp - the driver's library and a device's context -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Driver.h"

#include <dlfcn.h>
#include <map>
#include <memory>

namespace actnet::rt::cuda {

namespace {

/// The toolkit that makes our code; a driver runs what toolkits up to its own
/// major version made.
constexpr int oldestVersion = 13000;
constexpr const char *oldestDriver = "580";

Expected<std::unique_ptr<Driver>> load(const std::string &library) {
  // Never closed: the driver has threads and exit handlers of its own.
  void *handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char *why = dlerror();
    return notFound("cuda: there is no NVIDIA driver on this machine (" +
                    std::string(why ? why : library) + ")");
  }
  auto driver = std::make_unique<Driver>();
  // The version first: an old driver lacks functions, and that is not what its
  // user needs to hear.
  auto getVersion = reinterpret_cast<decltype(Api::cuDriverGetVersion)>(
      dlsym(handle, "cuDriverGetVersion"));
  if (!getVersion || getVersion(&driver->version) != success)
    return unavailable("cuda: " + library + " is no driver: it has no version");
  if (driver->version < oldestVersion)
    return unavailable(
        "cuda: the NVIDIA driver is too old: it supports CUDA " +
        versionText(driver->version) + ", this program needs CUDA " +
        versionText(oldestVersion) + " (driver " + oldestDriver + " or newer)");
  const char *missing = nullptr;
#define ACTNET_CUDA_FIND(name, symbol, parameters)                             \
  driver->api.name =                                                           \
      reinterpret_cast<decltype(Api::name)>(dlsym(handle, #symbol));           \
  if (!driver->api.name && !missing)                                           \
    missing = #symbol;
  ACTNET_CUDA_ENTRIES(ACTNET_CUDA_FIND)
#undef ACTNET_CUDA_FIND
  if (missing)
    return unavailable("cuda: the NVIDIA driver for CUDA " +
                       versionText(driver->version) + " lacks " + missing);
  Result result = driver->api.cuInit(0);
  if (result == noDevice)
    return notFound("cuda: the NVIDIA driver shows no GPU");
  if (result != success)
    return unavailable("cuda: the NVIDIA driver does not start: " +
                       driver->text(result));
  return driver;
}

/// Who holds the primary context of each device, and which one it is.
class Holders {
public:
  static Holders &get() {
    // Never destroyed: devices may be released by destructors of the exit.
    static Holders *holders = new Holders;
    return *holders;
  }
  /// Takes the context; a new one where nobody held it.
  Result retain(const Driver &driver, DeviceId device, Context &context,
                uint64_t &generation) {
    std::lock_guard lock(mutex);
    Result result = driver.api.cuDevicePrimaryCtxRetain(&context, device);
    if (result != success)
      return result;
    Held &held = all[{&driver, device}];
    if (held.count++ == 0)
      held.generation = ++last;
    generation = held.generation;
    return result;
  }
  void release(const Driver &driver, DeviceId device) {
    std::lock_guard lock(mutex);
    driver.api.cuDevicePrimaryCtxRelease(device);
    --all[{&driver, device}].count;
  }

private:
  struct Held {
    unsigned count = 0;
    uint64_t generation = 0;
  };
  std::mutex mutex;
  std::map<std::pair<const Driver *, DeviceId>, Held> all;
  uint64_t last = 0;
};

} // namespace

std::string versionText(int version) {
  return std::to_string(version / 1000) + "." +
         std::to_string(version % 1000 / 10);
}

Expected<const Driver *> Driver::open(const std::string &library) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<Driver>> opened;
  std::lock_guard lock(mutex);
  std::unique_ptr<Driver> &driver = opened[library];
  if (!driver) {
    ACTNET_ASSIGN_OR_RETURN(driver, load(library));
  }
  return static_cast<const Driver *>(driver.get());
}

std::string Driver::text(Result result) const {
  const char *name = nullptr, *meaning = nullptr;
  api.cuGetErrorName(result, &name);
  api.cuGetErrorString(result, &meaning);
  std::string text =
      name ? std::string(name) : "CUDA error " + std::to_string(result);
  return meaning ? text + " (" + meaning + ")" : text;
}

bool isSticky(Result result) {
  switch (result) {
  case deinitialized:
  case eccUncorrectable:
  case nvlinkUncorrectable:
  case contained:
  case illegalAddress:
  case launchTimeout:
  case contextIsDestroyed:
  case deviceAssert:
  case hardwareStackError:
  case illegalInstruction:
  case misalignedAddress:
  case invalidAddressSpace:
  case invalidPc:
  case launchFailed:
  case unknownError:
    return true;
  default:
    return false;
  }
}

//===----------------------------------------------------------------------===//
// Contexts
//===----------------------------------------------------------------------===//

Expected<std::unique_ptr<ContextState>>
ContextState::create(const Driver &driver, const CudaOptions &options) {
  const Api &api = driver.api;
  std::unique_ptr<ContextState> state(new ContextState(driver, options));
  int count = 0;
  ACTNET_RETURN_IF_ERROR(
      state->check(api.cuDeviceGetCount(&count), "counting devices"));
  if (count == 0)
    return notFound("cuda: the NVIDIA driver shows no GPU");
  if (options.ordinal >= unsigned(count))
    return notFound("cuda: there is no device " +
                    std::to_string(options.ordinal) + ", the driver shows " +
                    std::to_string(count));
  ACTNET_RETURN_IF_ERROR(state->check(
      api.cuDeviceGet(&state->device, int(options.ordinal)), "a device"));
  for (auto [value, attribute] :
       {std::pair(&state->major, int(attributeComputeMajor)),
        std::pair(&state->minor, int(attributeComputeMinor)),
        std::pair(&state->mostShared, int(attributeSharedOptin)),
        std::pair(&state->mostPitch, int(attributeMaxPitch))})
    ACTNET_RETURN_IF_ERROR(
        state->check(api.cuDeviceGetAttribute(value, attribute, state->device),
                     "an attribute of the device"));
  Result result = Holders::get().retain(driver, state->device, state->context,
                                        state->generation);
  if (result != success) {
    state->context = nullptr;
    Status failed = state->check(result, "making the context");
    return Status(result == outOfMemory ? StatusCode::resourceExhausted
                                        : StatusCode::unavailable,
                  failed.str());
  }
  state->enter();
  if (options.oneStream)
    ACTNET_RETURN_IF_ERROR(state->check(
        api.cuStreamCreate(&state->sharedStream, streamNonBlocking),
        "making a stream"));
  return state;
}

ContextState::~ContextState() {
  if (!context || isLost())
    return;
  enter();
  library.reset();
  if (sharedStream)
    api().cuStreamDestroy(sharedStream);
  Holders::get().release(driver, device);
}

void ContextState::enter() const {
  static thread_local uint64_t current = 0;
  if (current == generation)
    return;
  api().cuCtxSetCurrent(context);
  current = generation;
}

Status ContextState::status() const {
  if (!isBroken())
    return {};
  std::lock_guard lock(mutex);
  return why;
}

void ContextState::setBroken(Status status) {
  std::lock_guard lock(mutex);
  if (why)
    why = std::move(status);
  broken.store(true, std::memory_order_release);
}

Status ContextState::check(Result result, const char *what) {
  if (result == success)
    return {};
  if (isSticky(result))
    return breakWith(result, what);
  std::string text = "cuda: " + std::string(what) + ": " + driver.text(result);
  if (result == outOfMemory)
    return resourceExhausted(std::move(text));
  return internalError(std::move(text));
}

Status ContextState::breakWith(Result result, const char *what) {
  setBroken(internalError("cuda: the GPU failed: " + driver.text(result) +
                          ", found while " + what +
                          "; nothing more runs on it in this process"));
  return status();
}

void ContextState::giveUp(Status status) {
  lost.store(true, std::memory_order_release);
  setBroken(std::move(status));
}

void ContextState::countRefusedGraph(const Status &status) {
  std::lock_guard lock(mutex);
  if (!refused++)
    firstRefusal = status.message();
}

uint64_t ContextState::refusedGraphs() const {
  std::lock_guard lock(mutex);
  return refused;
}

std::string ContextState::graphNote() const {
  std::lock_guard lock(mutex);
  return refused ? "some graphs run as single calls, because the driver "
                   "refuses them; the first: " +
                       firstRefusal
                 : "";
}

} // namespace actnet::rt::cuda
