//===- Host.h - the machine's own processor as a device -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The default device, embedded in every program: it maps the package's ELF
// image itself, picks the variant that the processor can run, and shares the
// tiles of each kernel among its threads.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_DEVICE_HOST_H
#define ACTNET_RUNTIME_DEVICE_HOST_H

#include "actnet/Runtime/Device/Device.h"

namespace actnet::rt {

struct HostOptions {
  /// Threads that run the tiles of a launch, the stream's own included; 0
  /// takes as many as this process may run on.
  unsigned threads = 0;
  /// Forces a code variant ("x86-64-v3"); empty takes the best.
  std::string isa;
};

/// Makes the host device.
/// Errors: invalidArgument (more than 1024 threads, an isa that has no name
/// here), unavailable (the processor can't run the forced isa),
/// resourceExhausted (threads can't be started).
Expected<std::unique_ptr<Device>> createHostDevice(const HostOptions &options);

/// True if this processor and its operating system can run code built for
/// `features`: "x86-64", "x86-64-v2", "x86-64-v3" or "x86-64-v4". False for
/// anything it does not know.
bool hostSupports(std::string_view features);

/// The best of those names that this processor runs.
std::string_view hostBestVariant();

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_DEVICE_HOST_H
