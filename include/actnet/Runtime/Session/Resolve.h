//===- Resolve.h - from a function's plan to a job ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The package says buffers and expressions; the device wants addresses and
// numbers. Resolving happens once for each function, ring slot and set of dim
// values, and the result is what every such job runs.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_SESSION_RESOLVE_H
#define ACTNET_RUNTIME_SESSION_RESOLVE_H

#include "actnet/Runtime/Actor/Job.h"
#include "actnet/Runtime/Session/Layout.h"

#include <deque>
#include <string>

namespace actnet::rt {

/// A job with the lists that its records point to. Movable: lists stay where
/// they are. Resolving it again, for other dims, reuses all of it.
struct ResolvedJob {
  JobSpec spec;
  /// Per input the copy up, per output the copy down; they are the first and
  /// the last line of block 0, where there are any and they were asked for.
  /// Where transfers have streams of their own, a signal follows the uploads
  /// and an await stands before the downloads.
  std::vector<Record> uploads, downloads;
  size_t firstDownload = 0; ///< index in `downloads` of the first output
  std::deque<std::vector<DevicePtr>> operandLists;
  std::deque<std::vector<int64_t>> dimLists;
  std::deque<std::vector<uint64_t>> sizeLists;

  /// While it is resolved: steps of each block so far, tensors with a buffer.
  std::vector<size_t> stepCounts;
  std::vector<uint8_t> placed;
  bool hasResources = false; ///< reads and writes stand in `spec`
};

/// What a job is resolved for.
struct ResolveInput {
  const Program *program = nullptr;
  const pkg::Plan *plan = nullptr;
  uint32_t function = 0;
  const Layout *layout = nullptr;
  const pkg::ExprValues *values = nullptr;
  const Executable *executable = nullptr;
  bool libraries = false; ///< the device takes library calls
  std::span<const std::unique_ptr<Event>> signals; ///< by signal id
  /// One event per stream, for functions with several: stream 0 opens a job
  /// for the others and closes it after them.
  std::span<const std::unique_ptr<Event>> barriers;
  std::byte *arena = nullptr;   ///< never null; the layout's regions
  std::byte *weights = nullptr; ///< start of the weights on the device
  std::span<const uint64_t> weightOffsets; ///< by weight id, from `weights`
  uint64_t slot = 0;                       ///< of the ring
  bool transfers = true;                   ///< with the copies up and down
  /// The caller's buffers; null means that nothing is copied.
  std::span<const void *const> inputs;
  std::span<void *const> outputs;
  bool stepping = false;
  /// The ring's image in host memory, which the copies use instead of the
  /// caller's buffers; they then have the streams below. Null: stream 0 copies
  /// from and to the caller's buffers.
  std::byte *staging = nullptr;
  uint32_t uploadStream = 0, downloadStream = 0;
  Event *uploaded = nullptr, *computed = nullptr;
};

/// Resolves one job into `job`, over what it was resolved for before, for the
/// same function; nothing is allocated where its steps and records are as many
/// as they were. After an error the job must be resolved again before it is
/// used. Sizes must have passed pkg::checkSizes for these values.
/// Errors: failedPrecondition (a record that this runtime does not run yet: a
/// library call with no kernel in its place, a branch on an integer, a loop
/// with a counter and no limit), outOfRange (an expression without a value, or
/// more than 2^20 records after loops are written out).
Status resolveJob(const ResolveInput &input, ResolvedJob &job);

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_SESSION_RESOLVE_H
