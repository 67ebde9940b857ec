//===- Driver.h - the driver's library and a device's context -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ACTNET_LIB_RUNTIME_DEVICE_CUDA_DRIVER_H
#define ACTNET_LIB_RUNTIME_DEVICE_CUDA_DRIVER_H

#include "DriverApi.h"
#include "actnet/Runtime/Base/Status.h"
#include "actnet/Runtime/Device/CUDA.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace actnet::rt::cuda {

/// The driver, opened and initialised once per library for the process's life.
/// Any thread.
class Driver {
public:
  /// Errors: notFound (there is none, or it shows no GPU), unavailable (it is
  /// too old, or does not start).
  static Expected<const Driver *> open(const std::string &library);

  Api api;
  int version = 0; ///< of CUDA, as 1000 * major + 10 * minor

  /// "CUDA_ERROR_X (what it means)".
  std::string text(Result result) const;
};

class Library;

/// True for an error after which the context is of no use.
bool isSticky(Result result);

/// "13.0" for 13000.
std::string versionText(int version);

/// A device's primary context and what has become of it. Any thread.
class ContextState {
public:
  ~ContextState();
  /// Takes the primary context of a device.
  static Expected<std::unique_ptr<ContextState>>
  create(const Driver &driver, const CudaOptions &options);

  const Api &api() const { return driver.api; }
  const Driver &driverOf() const { return driver; }

  /// Makes the context current in this thread; once per thread, so that the
  /// hot path holds no such call. Whoever mixes contexts in a thread that uses
  /// a session sets his own again afterwards.
  void enter() const;

  /// Ok, or the error after which nothing works.
  Status status() const;
  bool isBroken() const { return broken.load(std::memory_order_acquire); }
  /// Work of the device never ended: its resources are left alone.
  bool isLost() const { return lost.load(std::memory_order_acquire); }

  /// Turns a result into a status; a sticky one breaks the context.
  Status check(Result result, const char *what);
  /// The same for what a finished event says: any error is the context's.
  Status breakWith(Result result, const char *what);
  void giveUp(Status why);

  /// Counts a part of a segment that runs as single calls, because the driver
  /// refused to make or change its graph.
  void countRefusedGraph(const Status &why);
  uint64_t refusedGraphs() const;
  /// Says why the first one was refused; empty where none was.
  std::string graphNote() const;

  DeviceId device = 0;
  Context context = nullptr;
  /// Which of the contexts that ever were: a new one may have the address of
  /// one that is gone. Equal for all who share one.
  uint64_t generation = 0;
  int major = 0, minor = 0; ///< compute capability
  int mostShared = 0;       ///< bytes of dynamic shared memory of a block
  int mostPitch = 0;        ///< bytes of a row of a copy in a graph
  const CudaOptions options;
  /// Of all streams, where they are one.
  Stream sharedStream = nullptr;
  /// Library calls; null where there are none.
  std::shared_ptr<Library> library;

private:
  ContextState(const Driver &driver, const CudaOptions &options)
      : options(options), driver(driver) {}
  void setBroken(Status why);

  const Driver &driver;
  mutable std::mutex mutex;
  Status why;
  uint64_t refused = 0;
  std::string firstRefusal;
  std::atomic<bool> broken{false}, lost{false};
};

} // namespace actnet::rt::cuda

#endif // ACTNET_LIB_RUNTIME_DEVICE_CUDA_DRIVER_H
