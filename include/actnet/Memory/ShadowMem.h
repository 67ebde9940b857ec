//===- ShadowMem.h - what a device's memory holds, sent and confirmed -----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A device works behind the back of whoever feeds it. So an arena has two
// shadows: the fast one is its layout as of everything that was sent, the slow
// one as of everything that the device has confirmed. Planned jobs need no
// allocator: both shadows are positions in the streams, and moving one is O(1).
// Eager work needs two: what was freed by its last use is free at once in the
// fast shadow, and in the slow one when that use is confirmed.
//
// Memory may be taken when every last use happens before the taker: by the
// order of its own stream, by a signal it awaited, or, for the host and other
// queues, by the slow shadow.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_MEMORY_SHADOWMEM_H
#define ACTNET_MEMORY_SHADOWMEM_H

#include "actnet/Memory/Allocator.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace actnet::mem {

/// The record with that number on a stream: 1 is the first that was ever sent
/// there, 0 is before all. Numbers are never reset.
struct Use {
  uint32_t stream = 0;
  uint64_t number = 0;
};

/// Who wants memory: the next record of a stream, or someone outside of the
/// queue, such as the host.
struct Taker {
  static constexpr uint32_t outside = 0xFFFFFFFFu;
  uint32_t stream = outside;
};

/// Both positions of each stream of a queue, and what streams know of each
/// other by signals. One thread at a time.
class Timeline {
public:
  explicit Timeline(uint32_t streams);

  uint32_t streams() const { return uint32_t(fastAt.size()); }
  /// `count` more records were sent; returns the number of the last. O(1).
  uint64_t send(uint32_t stream, uint64_t count = 1) {
    return fastAt[stream] += count;
  }
  /// The device has finished the stream up to that record. False, and nothing
  /// changes, if it was not sent or more is confirmed already. O(1).
  bool confirm(uint32_t stream, uint64_t number);
  uint64_t fast(uint32_t stream) const { return fastAt[stream]; }
  uint64_t slow(uint32_t stream) const { return slowAt[stream]; }

  /// What the stream's last record knows: the numbers per stream that have
  /// happened before it, its own included. What a signal carries.
  std::vector<uint64_t> clock(uint32_t stream) const;
  /// The stream's next records happen after all that `clock` says.
  void await(uint32_t stream, std::span<const uint64_t> clock);

  /// True if the use is over for whoever takes its memory. O(1).
  bool isOver(Use use, Taker taker) const;
  /// True if all are.
  bool mayTake(std::span<const Use> lastUses, Taker taker) const;

private:
  std::vector<uint64_t> fastAt, slowAt;
  std::vector<std::vector<uint64_t>> known; // per stream: of each stream
};

/// The pair of shadows of an eager arena, with the timeline of its queue. One
/// thread at a time.
class ShadowMem {
public:
  ShadowMem(uint32_t streams, uint64_t capacity);

  /// The positions: all that planned jobs need. Confirm through `confirm`
  /// below, which also frees in the slow shadow.
  Timeline &timeline() { return time; }
  const Timeline &timeline() const { return time; }

  /// Takes memory that is free for the taker, best fit. Returns its offset, or
  /// nothing if there is none now (see fitsLater).
  std::optional<uint64_t> allocate(uint64_t size, uint64_t alignment,
                                   Taker taker);
  /// True if the allocation would succeed once all that was sent is confirmed.
  bool fitsLater(uint64_t size, uint64_t alignment) const {
    return fast.freeRanges()
        .bestFit(std::max<uint64_t>(size, 1), alignment)
        .has_value();
  }
  /// The last record sent on the stream uses the block at `offset`. False if no
  /// block starts there.
  bool use(uint64_t offset, uint32_t stream);
  /// Frees the block after its uses so far. False if no block starts there.
  bool release(uint64_t offset);
  /// The device has finished the stream up to that record; see
  /// Timeline::confirm. O(1) while nothing was released.
  bool confirm(uint32_t stream, uint64_t number);

  const Allocator &fastShadow() const { return fast; }
  /// Bytes that nobody can be using any more.
  const FreeRanges &slowShadow() const { return slow; }

private:
  /// A released block that the device may still use.
  struct Pending {
    uint64_t begin, end;
    std::vector<Use> uses;
  };

  std::optional<uint64_t> findAround(uint64_t size, uint64_t alignment,
                                     Taker taker) const;
  void settle(const Pending &block);

  Timeline time;
  Allocator fast;
  FreeRanges slow;
  std::map<uint64_t, std::vector<Use>> live; // offset to last uses by stream
  std::vector<Pending> pending;
};

} // namespace actnet::mem

#endif // ACTNET_MEMORY_SHADOWMEM_H
