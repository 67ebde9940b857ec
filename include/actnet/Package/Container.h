//===- Container.h - how a package lies in a file -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Page 0 holds the Header. Sections follow, each at a multiple of 4096 bytes
// from the package's start, then the table of sections. All offsets count from
// the package's start and are 64-bit: FlatBuffers has 32-bit offsets, so each
// structured section is one FlatBuffer and weights lie outside of any.
// A package at the end of a program starts at a multiple of 4096 of the file,
// so that its sections can be mapped, and is followed by a Footer.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_PACKAGE_CONTAINER_H
#define ACTNET_PACKAGE_CONTAINER_H

#include "actnet/Package/Types.h"

#include <bit>
#include <cstddef>
#include <span>
#include <string>

namespace actnet::pkg {

static_assert(std::endian::native == std::endian::little,
              "packages are little-endian, and read in place");

inline constexpr uint64_t pageBytes = 4096;
/// Weights lie at multiples of this, counted from their section's start.
inline constexpr uint64_t weightAlignment = 64;
inline constexpr char packageMagic[8] = {'a', 'c', 't', 'n', 'e', 't', 'P', 1};
inline constexpr char footerMagic[8] = {'a', 'c', 't', 'n', 'e', 't', 'F', 1};

/// Names of sections. Plans and code add to theirs: `plan.host`,
/// `code.host.x86-64-v3`.
inline constexpr std::string_view interfaceSection = "interface";
inline constexpr std::string_view planPrefix = "plan.";
inline constexpr std::string_view codePrefix = "code.";
inline constexpr std::string_view weightsSection = "weights";

struct Header {
  char magic[8];
  uint32_t version;      // schemaVersion of the writer
  uint32_t sections;     // entries of the table
  uint64_t packageBytes; // with header and table, without the footer
  uint64_t tableOffset;
  uint64_t tableChecksum;
  uint64_t headerChecksum; // of the bytes before it
};
static_assert(sizeof(Header) == 48);

struct SectionEntry {
  char name[32]; // ends with 0
  uint64_t offset;
  uint64_t bytes;
  uint64_t checksum;
  uint64_t reserved; // 0
};
static_assert(sizeof(SectionEntry) == 64);

struct Footer {
  char magic[8];
  uint64_t packageOffset; // from the file's start
  uint64_t packageBytes;
  uint64_t checksum; // of the bytes before it
};
static_assert(sizeof(Footer) == 32);

/// A 64-bit checksum over a stream of bytes, independent of how the stream is
/// cut into pieces. Finds accidents, not attacks. Eight bytes a step.
class Checksum {
public:
  void update(std::span<const std::byte> bytes);
  uint64_t finish() const;

private:
  void mix(uint64_t word) {
    state = std::rotl(state ^ (word * 0x9E3779B97F4A7C15u), 29) *
            0xBF58476D1CE4E5B9u;
  }
  uint64_t state = 0x243F6A8885A308D3u;
  uint64_t total = 0;
  uint64_t pending = 0; // the last total % 8 bytes, low byte first
};

/// The Checksum of one piece.
uint64_t checksum(std::span<const std::byte> bytes);

} // namespace actnet::pkg

#endif // ACTNET_PACKAGE_CONTAINER_H
