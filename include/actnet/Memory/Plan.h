//===- Plan.h - memory problems and their plans ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A problem is what must lie in one region: buffers with sizes, alignments and
// lifetimes. A plan says where. The two are plain data, so that planning,
// verifying and running are separate pieces: planners (Planner.h) and the
// verifier (Verifier.h) share nothing but these structs.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_MEMORY_PLAN_H
#define ACTNET_MEMORY_PLAN_H

#include <cstdint>
#include <vector>

namespace actnet::mem {

/// A buffer to be placed. It lives at the positions first … last, both
/// included; two buffers that share a position must not overlap.
struct BufferSpec {
  /// Bytes; a buffer of no bytes overlaps nothing.
  uint64_t size = 0;
  /// A power of two; its offset is a multiple of it.
  uint64_t alignment = 1;
  uint64_t first = 0;
  uint64_t last = 0;
};

struct Problem {
  std::vector<BufferSpec> buffers;
};

struct Plan {
  /// Bytes from the region's start, one per buffer of the problem.
  std::vector<uint64_t> offsets;
  /// Bytes of the region: no buffer reaches beyond.
  uint64_t peak = 0;
  /// The largest sum of bytes alive at one position: no plan has a smaller
  /// peak.
  uint64_t lowerBound = 0;
};

} // namespace actnet::mem

#endif // ACTNET_MEMORY_PLAN_H
