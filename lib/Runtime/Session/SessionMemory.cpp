//===- SessionMemory.cpp - what a session promises and what it takes ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Promised figures come from the package, the options and the layout. Observed
// ones come from the device's allocator and the system's page tables, and from
// no plan. Code is in neither; what a driver owns is a figure of its own.

#include "Profile.h"
#include "actnet/Runtime/Session/Session.h"

#include <algorithm>

using namespace actnet;
using namespace actnet::rt;

actnet_memory_info Session::memory() const {
  actnet_memory_info info = {};
  uint64_t kernelScratch = 0;
  for (const auto &kernel : plan->kernels)
    kernelScratch = std::max(kernelScratch, kernel->scratch_bytes);
  // The thread of the first stream counts among the device's threads. On a GPU
  // kernels have no scratch of their own: it is in the plan.
  uint64_t threads = device->info().threads + computeStreams - 1;
  MemoryStats stats = device->memoryStats();
  uint64_t weightBytes = loaded->weightBytes();
  std::byte *weights = loaded->weights();
  // Read where they lie; they need not begin with a page.
  uint64_t before = isApart() ? 0 : uintptr_t(weights) % regionAlignment;
  info.weights = weightBytes ? int64_t(wholePages(before + weightBytes)) : 0;
  info.state = int64_t(layout.stateBytes);
  info.thread_scratch = int64_t(wholePages(kernelScratch) * threads);
  // The queue's actor has a thread too.
  info.stacks =
      int64_t(stackBytes(device->info(), computeStreams + (isApart() ? 2 : 0)) +
              threadStackBytes);
  info.staging = int64_t(
      cellBytes() + (layout.complete && isApart() ? layout.ringBytes() : 0));
  if (layout.complete) {
    info.ring = int64_t(layout.ringBytes());
    info.scratch = int64_t(layout.scratchBytes);
    info.scratch_peak = int64_t(layout.scratchPeak);
    info.scratch_bound = int64_t(layout.scratchLowerBound);
    info.promised = info.weights + info.state + info.ring + info.scratch +
                    info.thread_scratch + info.stacks + info.staging;
  } else {
    info.ring = info.scratch = info.scratch_peak = info.scratch_bound = -1;
    info.promised = -1;
  }

  uint64_t observed = stats.scratchBytes + stats.stackBytes +
                      stats.stagingBytes + queue->stackBytes();
  auto touched = [&](DevicePtr memory, uint64_t bytes) {
    Expected<uint64_t> pages = device->touchedBytes(memory, bytes);
    observed += pages ? *pages : bytes;
  };
  if (arena.data())
    touched(arena.data(), arena.size());
  if (weights)
    touched(weights, weightBytes);
  info.observed = int64_t(observed);
  info.driver = stats.driverBytes;
  info.driver_grown = stats.driverGrownBytes;
  return info;
}

/// Bytes that branches and loops read back through: a page for each job that is
/// kept ready and has one.
uint64_t Session::cellBytes() const {
  uint64_t bytes = 0;
  for (const auto &function : plan->functions) {
    uint64_t cells = 0;
    auto count = [&](auto &self, const pkg::Block &block) -> void {
      for (const auto &record : block.records) {
        if (const auto *branch = record->body.AsBranch()) {
          ++cells;
          for (const auto &nested : branch->blocks)
            self(self, *nested);
        } else if (const auto *loop = record->body.AsLoop()) {
          // With a limit, each round has a condition of its own.
          uint64_t rounds = 1;
          if (loop->trips != pkg::none && loop->trips < exprs.size())
            rounds = uint64_t(
                std::clamp<int64_t>(exprs[loop->trips].upper, 1, 1000));
          uint64_t outside = std::exchange(cells, 0);
          self(self, *loop->body);
          cells = outside + rounds * (cells + (loop->condition != pkg::none));
        }
      }
    };
    count(count, *function->body);
    if (cells > 0)
      bytes += wholePages(cells * 64) * slotCount * 2 *
               keptJobs(uint32_t(function->function));
  }
  return bytes;
}
