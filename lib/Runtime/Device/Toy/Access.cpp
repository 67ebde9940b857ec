//===- Access.cpp - every access of a kernel is checked -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Fast.h"

#include <algorithm>
#include <cstring>

namespace actnet::rt::toy {

namespace {

template <typename T> bool isOnes(const uint8_t *states) {
  constexpr T ones = T(0x0101010101010101ull);
  return loadRelaxed(reinterpret_cast<const T *>(states)) == ones;
}
template <typename T> void setOnes(uint8_t *states) {
  storeRelaxed(reinterpret_cast<T *>(states), T(0x0101010101010101ull));
}

// Below: `states` is aligned as the piece is.
bool allWritten(const uint8_t *states, uint64_t size) {
  switch (size) {
  case 1:
    return isOnes<uint8_t>(states);
  case 2:
    return isOnes<uint16_t>(states);
  case 4:
    return isOnes<uint32_t>(states);
  }
  for (uint64_t i = 0; i < size; i += 4)
    if (!isOnes<uint32_t>(states + i))
      return false;
  return true;
}
void setWritten(uint8_t *states, uint64_t size) {
  switch (size) {
  case 1:
    return setOnes<uint8_t>(states);
  case 2:
    return setOnes<uint16_t>(states);
  case 4:
    return setOnes<uint32_t>(states);
  }
  for (uint64_t i = 0; i < size; i += 4)
    setOnes<uint32_t>(states + i);
}

std::string bytesText(uint64_t bytes) {
  return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
}

std::string regionName(const Region &region) {
  if (region.operand >= 0)
    return "operand " + std::to_string(region.operand);
  if (region.name)
    return region.place ? "shared array '" + std::string(region.name) + "'"
                        : std::string(region.name);
  return "an allocation";
}

} // namespace

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

inline Stamp Block::join(Stamp s) const {
  Level level = Level::grid;
  if (blockOf(s) == uint64_t(index) && levelOf(s) != Level::grid)
    level = levelOf(s) != Level::block &&
                    threadOf(s) / warpSize == threadIndex / warpSize
                ? Level::warp
                : Level::block;
  return makeStamp(uint64_t(index), threadIndex, level, time);
}

template <Block::Kind kind>
inline bool Block::meet(Cell &cell, Conflict &conflict, bool keep) {
  Stamp write = loadRelaxed(&cell.write);
  bool joins = kind == Kind::atomic && (write & atomicBit);
  if (write && write != stamp && !joins && !ordered(write)) {
    conflict = {write, true};
    return false;
  }
  Stamp reads = loadRelaxed(&cell.reads);
  if constexpr (kind == Kind::read) {
    if (keep && reads != stamp && !covers(reads))
      storeRelaxed(&cell.reads, reads && !ordered(reads) ? join(reads) : stamp);
    return true;
  }
  if (reads && reads != stamp && !ordered(reads)) {
    conflict = {reads, false};
    return false;
  }
  if (!keep)
    return true;
  Stamp mine = stamp;
  if constexpr (kind == Kind::atomic)
    mine = (joins && !ordered(write) ? join(write) : stamp) | atomicBit;
  storeRelaxed(&cell.write, mine);
  return true;
}

template <Block::Kind kind>
inline void Block::track(const Region &region, uintptr_t at, uint64_t size) {
  Conflict conflict;
  uint64_t offset = at - region.cellBase;
  if (size >= 4) {
    for (uint64_t word = offset / 4; word < (offset + size) / 4; ++word) {
      if (!meet<kind>(region.words[word], conflict, true))
        race(conflict, kind, at, size);
      if (loadRelaxed(region.hasSmall))
        for (uint64_t byte = word * 4; byte < word * 4 + 4; ++byte)
          if (!meet<kind>(region.small[byte], conflict, false))
            race(conflict, kind, at, size);
    }
    return;
  }
  if (!loadRelaxed(region.hasSmall))
    storeRelaxed(region.hasSmall, uint8_t(1));
  if (!meet<kind>(region.words[offset / 4], conflict, false))
    race(conflict, kind, at, size);
  for (uint64_t byte = offset; byte < offset + size; ++byte)
    if (!meet<kind>(region.small[byte], conflict, true))
      race(conflict, kind, at, size);
}

void Block::race(const Conflict &conflict, Kind kind, uintptr_t at,
                 uint64_t size) {
  violate([&] {
    Stamp other = conflict.other;
    const char *did = !conflict.otherWrites ? "read"
                      : other & atomicBit   ? "an atomic"
                                            : "write";
    std::string who = "thread " + std::to_string(threadOf(other));
    if (blockOf(other) != uint64_t(index))
      who += " of block " + std::to_string(blockOf(other));
    else if (levelOf(other) != Level::thread)
      who += " and others";
    bool acrossBlocks =
        blockOf(other) != uint64_t(index) || levelOf(other) == Level::grid;
    return std::string("race: ") +
           (kind == Kind::read    ? "read of "
            : kind == Kind::write ? "write of "
                                  : "atomic on ") +
           describe(at, size) + " is not ordered after " + did + " by " + who +
           (acrossBlocks ? "; nothing orders the blocks of a launch"
                         : "; a barrier must stand between");
  });
}

//===----------------------------------------------------------------------===//
// Where
//===----------------------------------------------------------------------===//

const Region *Block::find(uintptr_t at) const {
  for (const Region &region : sharedRegions)
    if (at - region.base < region.bytes)
      return &region;
  const std::vector<Region> &all = launch->table.regions;
  auto after = std::upper_bound(
      all.begin(), all.end(), at,
      [](uintptr_t a, const Region &region) { return a < region.base; });
  if (after == all.begin())
    return nullptr;
  const Region &region = *std::prev(after);
  return at - region.base < region.bytes ? &region : nullptr;
}

bool Block::isPrivateOrConstant(uintptr_t at, uint64_t size,
                                bool isWrite) const {
  uint64_t offset = at - reinterpret_cast<uintptr_t>(current->stack);
  if (offset < current->stackBytes && size <= current->stackBytes - offset)
    return true;
  return !isWrite && launch->launch->entry.image->contains(at, size);
}

std::string Block::describe(uintptr_t at, uint64_t size) const {
  std::string text = bytesText(size) + " at ";
  // An operand that holds all of it says more than a piece of it.
  std::span<const OperandBounds> operands = launch->launch->operands;
  for (size_t i = 0; i < operands.size(); ++i) {
    uint64_t offset = at - reinterpret_cast<uintptr_t>(operands[i].base);
    if (offset < operands[i].bytes && size <= operands[i].bytes - offset)
      return text + "offset " + std::to_string(offset) + " of operand " +
             std::to_string(i) + " (" + bytesText(operands[i].bytes) + ")";
  }
  if (const Region *region = find(at))
    return text + "offset " + std::to_string(at - region->base) + " of " +
           regionName(*region) + " (" + bytesText(region->bytes) + ")";
  const Region *nearest = nullptr;
  uint64_t distance = uint64_t(1) << 40;
  bool behind = false;
  auto consider = [&](const Region &region) {
    uint64_t after = at - region.base - region.bytes, before = region.base - at;
    if (after < distance)
      nearest = &region, distance = after, behind = true;
    if (before < distance)
      nearest = &region, distance = before, behind = false;
  };
  for (const Region &region : sharedRegions)
    consider(region);
  for (const Region &region : launch->table.regions)
    consider(region);
  if (!nearest)
    return bytesText(size) + " far from all operands";
  return text + bytesText(distance) +
         (behind ? " behind the end of " : " before the beginning of ") +
         regionName(*nearest) + " (" + bytesText(nearest->bytes) + ")";
}

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

void Block::withoutValue(const Region &region, uintptr_t at, uint64_t size) {
  const uint8_t *states = region.states + (at - region.base);
  for (uint64_t i = 0; i < size; ++i)
    if (states[i] == inFlight)
      violate([&] {
        return "read of " + describe(at, size) +
               " that an asynchronous copy may still write; waitCopies must "
               "come before";
      });
  violate(
      [&] { return "read of " + describe(at, size) + " that nobody wrote"; });
}

/// True if this launch wrote all of a piece.
bool Block::wroteIt(const Region &region, uintptr_t at, uint64_t size) const {
  uint64_t offset = at - region.cellBase;
  for (uint64_t byte = offset; byte < offset + size; ++byte)
    if (!loadRelaxed(&region.words[byte / 4].write) &&
        !loadRelaxed(&region.small[byte].write))
      return false;
  return true;
}

template <Block::Kind kind>
inline void Block::checkPiece(const Region &region, uintptr_t at,
                              uint64_t size) {
  if constexpr (kind != Kind::read)
    if (region.access == Access::read) [[unlikely]]
      violate([&] {
        return "write of " + describe(at, size) +
               ", which is declared to be only read";
      });
  if constexpr (kind != Kind::write)
    if (region.access == Access::write && !wroteIt(region, at, size))
        [[unlikely]]
      violate([&] {
        return "read of " + describe(at, size) +
               ", which is declared to be only written and was not written by "
               "this launch";
      });
  uint8_t *states = region.states + (at - region.base);
  if constexpr (kind != Kind::write)
    if (!allWritten(states, size)) [[unlikely]]
      withoutValue(region, at, size);
  if (region.words)
    track<kind>(region, at, size);
  if constexpr (kind != Kind::read) {
    if (flying)
      for (uint64_t i = 0; i < size; ++i)
        if (states[i] == inFlight)
          violate([&] {
            return "write of " + describe(at, size) +
                   " that an asynchronous copy may still write";
          });
    setWritten(states, size);
  }
}

template <Block::Kind kind>
void Block::checkPieces(uintptr_t at, uint64_t size) {
  constexpr bool isWrite = kind != Kind::read;
  const Region *region = find(at);
  if (!region || !region->holds(at, size)) {
    // Operands that overlap cut each other into several regions.
    bool whole = false;
    for (const OperandBounds &operand : launch->launch->operands) {
      uint64_t offset = at - reinterpret_cast<uintptr_t>(operand.base);
      whole |= offset < operand.bytes && size <= operand.bytes - offset;
    }
    if (!whole) {
      if (isPrivateOrConstant(at, size, isWrite))
        return;
      violate([&] {
        return std::string(isWrite ? "write of " : "read of ") +
               describe(at, size) + ", outside of everything it may touch";
      });
    }
  }
  while (size) {
    if (at - region->base >= region->bytes)
      region = find(at);
    uint64_t piece = at % 4 == 0 && size >= 4 ? 4 : 1;
    piece = std::min(piece, region->base + region->bytes - at);
    if (piece != 4)
      piece = 1;
    checkPiece<kind>(*region, at, piece);
    at += piece;
    size -= piece;
  }
}

void Block::checkRange(uintptr_t at, uint64_t size, bool isWrite,
                       bool isAtomic) {
  if (size == 0)
    return;
  if (isAtomic)
    checkPieces<Kind::atomic>(at, size);
  else if (isWrite)
    checkPieces<Kind::write>(at, size);
  else
    checkPieces<Kind::read>(at, size);
}

template <bool isWrite>
void Block::access(uintptr_t at, uint64_t size, const void *caller) {
  const Region *&hint = hints[reinterpret_cast<uintptr_t>(caller) >> 2 & 63];
  const Region *region = hint;
  if (!region || !region->holds(at, size)) [[unlikely]] {
    if (at - reinterpret_cast<uintptr_t>(current->stack) < current->stackBytes)
      return;
    region = find(at);
    if (!region || !region->holds(at, size))
      return checkRange(at, size, isWrite);
    hint = region;
  }
  if (at % (size < 4 ? size : 4)) [[unlikely]]
    return checkRange(at, size, isWrite);
  checkPiece<isWrite ? Kind::write : Kind::read>(*region, at, size);
}

template void Block::access<false>(uintptr_t, uint64_t, const void *);
template void Block::access<true>(uintptr_t, uint64_t, const void *);

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

const Region &Block::addShared(const void *place, uint64_t bytes,
                               const char *name) {
  constexpr uint64_t gap = 128;
  uint64_t offset = (sharedUsed + gap - 1) / gap * gap;
  if (bytes > mostSharedBytes || offset + bytes > SharedSpace::capacity - gap ||
      sharedRegions.size() == sharedRegions.capacity())
    violate([&] {
      return "has more shared memory than any GPU, with " + bytesText(bytes) +
             " of '" + name + "'";
    });
  sharedUsed = offset + bytes + gap;
  auto *memory = static_cast<std::byte *>(space.memory.data()) + offset;
  Region region;
  region.base = reinterpret_cast<uintptr_t>(memory);
  region.bytes = bytes;
  region.access = Access::readWrite;
  region.states = static_cast<uint8_t *>(space.states.data()) + offset;
  region.words = static_cast<Cell *>(space.words.data()) + offset / 4;
  region.small = static_cast<Cell *>(space.small.data()) + offset;
  region.hasSmall = &sharedSmall;
  region.cellBase = region.base;
  region.name = name;
  region.place = place;
  std::memset(region.states, neverWritten, bytes);
  std::memset(static_cast<void *>(region.words), 0,
              (bytes + 3) / 4 * sizeof(Cell));
  sharedRegions.push_back(region);
  return sharedRegions.back();
}

void *Block::shared(const void *place, uint64_t bytes, const char *name) {
  for (const Region &region : sharedRegions)
    if (region.place == place)
      return reinterpret_cast<void *>(region.base);
  return reinterpret_cast<void *>(addShared(place, bytes, name).base);
}

void *Block::dynamicShared() {
  for (const Region &region : sharedRegions)
    if (!region.place)
      return reinterpret_cast<void *>(region.base);
  return reinterpret_cast<void *>(
      addShared(nullptr, launch->launch->sharedBytes, "dynamic shared memory")
          .base);
}

bool Block::isShared(uintptr_t at) const {
  return at - reinterpret_cast<uintptr_t>(space.memory.data()) <
         SharedSpace::capacity;
}

void Block::setStates(uintptr_t at, uint64_t size, uint8_t state) {
  const Region *region = find(at);
  std::memset(region->states + (at - region->base), state, size);
}

} // namespace actnet::rt::toy
