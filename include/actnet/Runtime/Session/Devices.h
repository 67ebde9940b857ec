//===- Devices.h - the devices that a session can name --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// "host", "cuda", "cuda:1", "toy": what stands behind each name, which clone of
// the program it runs, and which images. The software GPU is not in every
// program: whoever links it registers it.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_SESSION_DEVICES_H
#define ACTNET_RUNTIME_SESSION_DEVICES_H

#include "actnet/Runtime/Device/Device.h"
#include "actnet/Runtime/Session/Program.h"

#include <memory>
#include <string>
#include <vector>

namespace actnet::rt {

/// A device's name, taken apart.
struct DeviceName {
  enum class Kind : uint8_t { host, cuda, toy };
  Kind kind = Kind::host;
  unsigned ordinal = 0; ///< of cuda

  /// Reads "host", "cuda", "cuda:1" or "toy". Errors: notFound, with the names
  /// there are ("auto" is not one of them).
  static Expected<DeviceName> parse(const std::string &text);
  std::string str() const;
};

/// What a device is made with; not every kind reads all.
struct DeviceSettings {
  unsigned threads = 0;
  std::string isa;
};

/// Makes a device.
/// Errors: those of its maker; unavailable for a software GPU that is not in
/// this program.
Expected<std::unique_ptr<Device>> makeDevice(const DeviceName &name,
                                             const DeviceSettings &settings);

/// The stack of each thread that the runtime starts, in bytes.
inline constexpr uint64_t threadStackBytes = uint64_t(1) << 20;

/// Bytes of stacks that a device takes for itself and for `streams` streams, as
/// follows from what it is; its allocator counts what it took.
uint64_t stackBytes(const DeviceInfo &info, unsigned streams);

/// What a device runs of a program.
struct DeviceCode {
  const pkg::Plan *plan = nullptr;
  std::vector<CodeImage> images;
};

/// Finds the clone and the images for a device. Errors: notFound, if the
/// program has none, with what it has and how to compile it.
Expected<DeviceCode> findCode(const Program &program, const DeviceName &name);

/// All devices of this machine: the host, each GPU that the driver shows, and
/// the software GPU where it is linked. The names are "host", "cuda:0", "toy".
struct ListedDevice {
  std::string name;
  DeviceInfo info;
};
Expected<std::vector<ListedDevice>> listDevices();

/// Puts the software GPU where sessions find it; `make` is called for each.
/// Called before any session is made, by programs that link it.
using DeviceMaker = Expected<std::unique_ptr<Device>> (*)();
void registerToyDevice(DeviceMaker make);

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_SESSION_DEVICES_H
