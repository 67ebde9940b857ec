//===- Toy.h - the software GPU as a device -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the kernels' CUDA text, compiled for the host, and is stricter than a
// GPU: ToyEngine.h says what it checks of kernels. As a device it takes its
// time: work begins late and is reported late, by chance from a seed, but only
// as the interface allows; and it breaks on demand.
//
// For tests. It is linked into actnet-run and into programs that were compiled
// with the target `toy`, and used only if it is asked for by name.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_DEVICE_TOY_H
#define ACTNET_RUNTIME_DEVICE_TOY_H

#include "actnet/Runtime/Device/Device.h"

#include <vector>

namespace actnet::rt {

/// Something that goes wrong, once.
struct ToyFault {
  enum class Kind : uint8_t {
    /// The allocation of device memory fails: resourceExhausted.
    allocation,
    /// The kernel, or the copy, breaks the device for good.
    launch,
    copy,
    /// The stream stops ahead of the completion and never gets there; only its
    /// destruction answers, with `cancelled`.
    lost,
    /// The completion comes a quarter of a second late.
    slow,
  };
  Kind kind;
  /// Which one of its kind, from 1, counted over the device.
  uint64_t at = 1;
};

struct ToyOptions {
  /// Chooses the order of blocks, warps and lanes, when asynchronous copies
  /// land, and how long work and its completion are delayed.
  uint64_t seed = 1;
  /// Threads that share the blocks of a launch; 0 for as many as the process
  /// may use.
  unsigned threads = 0;
  /// Delays work and completions by chance, up to a tenth of a millisecond.
  bool delays = true;
  /// Work is done, and its listener called, before `submit` returns.
  bool synchronous = false;
  /// The device has one queue: work of all streams runs in the order in which
  /// it was submitted.
  bool serial = false;
  /// Work of two streams that touches the same bytes, one of them writing, must
  /// be ordered by an event or by a completion that the host heard of; else the
  /// device breaks and says so. Looks at copies, fills, and launches that know
  /// the sizes of their operands.
  bool order = true;
  /// Bytes of device memory there are.
  uint64_t memoryBytes = uint64_t(64) << 30;
  std::vector<ToyFault> faults;
};

/// Reads options as they stand in the environment variable ACTNET_TOY: words
/// divided by commas, in any order,
///   seed=N  threads=N  delays=0|1  synchronous=0|1  serial=0|1  order=0|1
///   memory=BYTES
///   fault=allocation|launch|copy|lost|slow@N   (any number of them)
/// Errors: invalidArgument naming the word that is wrong and what is possible.
Expected<ToyOptions> parseToyOptions(std::string_view text);

/// Makes a software GPU. Errors: invalidArgument (more than 256 threads),
/// resourceExhausted.
Expected<std::unique_ptr<Device>> createToyDevice(const ToyOptions &options);

/// Makes one as ACTNET_TOY says; if it isn't set, as `ToyOptions` are.
Expected<std::unique_ptr<Device>> createToyDeviceFromEnvironment();

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_DEVICE_TOY_H
