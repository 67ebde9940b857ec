//===- CUDA.h - an NVIDIA GPU as a device ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver is opened when the first device is made, by the name that its
// installer gives it, so that everything else works where there is none.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_DEVICE_CUDA_H
#define ACTNET_RUNTIME_DEVICE_CUDA_H

#include "actnet/Runtime/Device/Device.h"

#include <vector>

namespace actnet::rt {

struct CudaOptions {
  /// Which of the driver's devices.
  unsigned ordinal = 0;
  /// The driver's library; a test names another.
  std::string driver = "libcuda.so.1";
  /// A prepared line with launches is one graph; else plain launches.
  bool graphs = true;
  /// All streams of the device are one stream of the driver.
  bool oneStream = false;
  /// Every call returns when its work is done.
  bool synchronous = false;
  /// How long the destructor of a stream waits for work that makes no progress,
  /// before it gives the device up: from then on nothing of it is freed, nor
  /// used again by this process. Nanoseconds.
  int64_t teardownNs = int64_t(5) * 1000 * 1000 * 1000;
};

/// Makes a device on the GPU's primary context. Where a program has no code
/// that the GPU runs, loading it compiles its text with NVRTC, if that is there
/// (see Nvrtc.h). Errors, one sentence each: notFound (no driver, no device of
/// that number), unavailable (a driver older than the toolkit that makes our
/// code, a device that the driver refuses), resourceExhausted (no memory for
/// the context).
Expected<std::unique_ptr<Device>> createCudaDevice(const CudaOptions &options);

/// What the driver shows, in its order, without making a context.
/// Errors: notFound, unavailable, as above.
Expected<std::vector<DeviceInfo>>
listCudaDevices(const std::string &driver = "libcuda.so.1");

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_DEVICE_CUDA_H
