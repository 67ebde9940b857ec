//===- Profile.h - times of records ---------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A device around a device: it submits the records of each segment one by one
// and notes when each is done. Nothing above it knows, so what is profiled is
// the program's own schedule; what it costs is the graph launches that a device
// would make of whole segments.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_RUNTIME_SESSION_PROFILE_H
#define ACTNET_LIB_RUNTIME_SESSION_PROFILE_H

#include "actnet/Runtime/Device/Device.h"

#include <mutex>
#include <string>
#include <vector>

namespace actnet::rt {

/// Collects the times of a session's records. Thread-safe; outlives the device
/// that `wrap` returns.
class Profile {
public:
  /// Wraps a device; everything passes through it.
  std::unique_ptr<Device> wrap(std::unique_ptr<Device> device);

  /// Adds a record that ran from `beginNs` to `endNs` of the steady clock.
  void add(std::string name, unsigned stream, int64_t beginNs, int64_t endNs);

  /// Writes all times as a Chrome trace (an array of complete events, "X",
  /// times in microseconds). Errors: unavailable, naming the file.
  Status write(const std::string &path) const;

  static int64_t nowNs();

private:
  struct Entry {
    std::string name;
    unsigned stream;
    int64_t beginNs, endNs;
  };
  mutable std::mutex mutex;
  std::vector<Entry> entries;
};

} // namespace actnet::rt

#endif // ACTNET_LIB_RUNTIME_SESSION_PROFILE_H
