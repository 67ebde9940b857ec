//===- Layout.h - where the regions of a session's arena lie --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arena holds three regions: state, then the ring of D slots, then scratch.
// Offsets inside the regions come from the package where its plan is for these
// bounds, and else from lib/Memory, here, with the verifier's blessing.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_SESSION_LAYOUT_H
#define ACTNET_RUNTIME_SESSION_LAYOUT_H

#include "actnet/Runtime/Session/Program.h"

#include <span>
#include <vector>

namespace actnet::rt {

/// Regions start at multiples of this, and their sizes are too: pages are what
/// can be seen to have been touched.
inline constexpr uint64_t regionAlignment = 4096;

/// Rounds up to whole pages.
constexpr uint64_t wholePages(uint64_t bytes) {
  return (bytes + regionAlignment - 1) / regionAlignment * regionAlignment;
}

/// Where the buffers of one function lie in their regions.
struct FunctionLayout {
  bool known = false; ///< false while a dim that matters has no upper bound
  std::vector<uint64_t> offsets; ///< per buffer; views and weights: 0
  uint64_t scratchBytes = 0;
  uint64_t scratchLowerBound = 0;
  uint64_t slotBytes = 0;
};

/// The layout of an arena for given bounds of the dims; sizes in bytes.
struct Layout {
  std::vector<pkg::Range> dims;
  std::vector<FunctionLayout> functions; ///< by the interface's index
  std::vector<uint64_t> stateOffsets;    ///< per variable
  uint64_t stateBytes = 0;               ///< whole pages
  uint64_t slotBytes = 0;                ///< whole pages, of the largest slot
  uint64_t slots = 0;
  uint64_t scratchBytes = 0;      ///< whole pages
  uint64_t scratchPeak = 0;       ///< of the function with the largest
  uint64_t scratchLowerBound = 0; ///< of that function
  bool complete = false;          ///< all functions are known

  uint64_t ringBytes() const { return slots * slotBytes; }
  uint64_t arenaBytes() const {
    return stateBytes + ringBytes() + scratchBytes;
  }
  uint64_t ringOffset(uint64_t slot) const {
    return stateBytes + slot * slotBytes;
  }
  uint64_t scratchOffset() const { return stateBytes + ringBytes(); }
};

/// Lays out an arena for a clone with `slots` ring slots for dims within
/// `dims`. Functions
/// whose memory the bounds do not determine stay unknown.
/// Errors: failedPrecondition (a variable without an upper bound), internal (a
/// plan that the verifier refuses).
Expected<Layout> makeLayout(const Program &program, const pkg::Plan &plan,
                            std::span<const pkg::Range> dims, uint64_t slots);

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_SESSION_LAYOUT_H
