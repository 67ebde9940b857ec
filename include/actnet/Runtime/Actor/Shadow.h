//===- Shadow.h - how far a queue's streams are ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The two shadows of an arena, for planned work: since the plan fixes every
// offset, a shadow is no more than a position on each stream's timeline. The
// fast one counts what was sent to the device, the slow one what the device
// has confirmed. Positions are never reset.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_ACTOR_SHADOW_H
#define ACTNET_RUNTIME_ACTOR_SHADOW_H

#include <cassert>
#include <cstdint>
#include <vector>

namespace actnet::rt {

class StreamShadows {
public:
  explicit StreamShadows(size_t streams) : fast(streams, 0), slow(streams, 0) {}

  /// Notes a submission and returns its position, from 1.
  uint64_t sent(uint32_t stream) { return ++fast[stream]; }
  /// Notes that the device confirmed the next submission of the stream.
  void confirmed(uint32_t stream) {
    assert(slow[stream] < fast[stream] && "confirmed before it was sent");
    ++slow[stream];
  }
  uint64_t fastPosition(uint32_t stream) const { return fast[stream]; }
  uint64_t slowPosition(uint32_t stream) const { return slow[stream]; }
  /// True if the host, or another queue, may take what was last used by the
  /// submission at `position` of `stream`.
  bool free(uint32_t stream, uint64_t position) const {
    return slow[stream] >= position;
  }

private:
  std::vector<uint64_t> fast, slow;
};

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_ACTOR_SHADOW_H
