//===- StreamOrder.h - finds streams that race with each other ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What orders work of two streams is an event, or the host, which heard that
// the one was done before it submitted the other. So each stream has a clock,
// up to which record it is ordered behind each other stream, and work that
// touches bytes of unordered work, where one of them writes, is a race,
// whoever really came first. All of it is known as work is submitted.
//
// Not thread-safe: used under the device's lock.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_RUNTIME_DEVICE_TOY_STREAMORDER_H
#define ACTNET_LIB_RUNTIME_DEVICE_TOY_STREAMORDER_H

#include "actnet/Runtime/Base/Status.h"

#include <map>
#include <string>
#include <vector>

namespace actnet::rt {

class StreamOrder {
public:
  /// By stream the number of its last record that is ordered before.
  using Clock = std::map<uint64_t, uint64_t>;

  /// A stream takes work: behind all that the host knows to be done.
  void begin(uint64_t stream) { merge(clocks[stream], host); }
  /// It takes one more record.
  void record(uint64_t stream) { ++clocks[stream][stream]; }
  /// That record touches bytes. `isExact`: every one of them; else it may leave
  /// some out, as kernels do that fill every other column.
  /// Errors: internal, if another stream's work is in the way.
  Status touch(uint64_t stream, const void *at, uint64_t bytes, bool isWrite,
               bool isExact, const std::string &what);
  const Clock &signal(uint64_t stream) { return clocks[stream]; }
  void await(uint64_t stream, const Clock &clock) {
    merge(clocks[stream], clock);
  }
  uint64_t last(uint64_t stream) { return clocks[stream][stream]; }
  /// The host hears that a stream has come so far, or what a clock says.
  void heard(uint64_t stream, uint64_t record) {
    heard(Clock{{stream, record}});
  }
  void heard(const Clock &clock);

private:
  struct Touch {
    uint64_t stream, record;
    uintptr_t begin, end;
    bool isWrite, isExact;
    std::string what;
  };
  static void merge(Clock &into, const Clock &from);

  std::map<uint64_t, Clock> clocks;
  Clock host;
  std::vector<Touch> touches;
};

} // namespace actnet::rt

#endif // ACTNET_LIB_RUNTIME_DEVICE_TOY_STREAMORDER_H
