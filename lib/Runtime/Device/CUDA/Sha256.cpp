//===- Sha256.cpp - a hash of bytes ---------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Sha256.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace actnet::rt {

namespace {

// Section 4.2.2: fractions of the cube roots of the first 64 primes.
constexpr uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

uint32_t bigEndian(const uint8_t *at) {
  return uint32_t(at[0]) << 24 | uint32_t(at[1]) << 16 | uint32_t(at[2]) << 8 |
         at[3];
}

} // namespace

void Sha256::block(const uint8_t *bytes) {
  uint32_t schedule[64];
  for (int i = 0; i < 16; ++i)
    schedule[i] = bigEndian(bytes + 4 * i);
  for (int i = 16; i < 64; ++i) {
    uint32_t early = schedule[i - 15], late = schedule[i - 2];
    schedule[i] = schedule[i - 16] + schedule[i - 7] +
                  (std::rotr(early, 7) ^ std::rotr(early, 18) ^ (early >> 3)) +
                  (std::rotr(late, 17) ^ std::rotr(late, 19) ^ (late >> 10));
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (int i = 0; i < 64; ++i) {
    uint32_t first = h +
                     (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
                     ((e & f) ^ (~e & g)) + constants[i] + schedule[i];
    uint32_t second = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) +
                      ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  const uint32_t next[8] = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; ++i)
    state[i] += next[i];
}

void Sha256::update(std::string_view bytes) {
  while (!bytes.empty()) {
    size_t at = total % 64;
    size_t count = std::min(bytes.size(), 64 - at);
    std::memcpy(buffer.data() + at, bytes.data(), count);
    bytes.remove_prefix(count);
    total += count;
    if (total % 64 == 0)
      block(buffer.data());
  }
}

std::array<uint8_t, 32> Sha256::finish() {
  uint64_t bits = total * 8;
  update(std::string_view("\x80", 1));
  while (total % 64 != 56)
    update(std::string_view("\0", 1));
  char size[8];
  for (int i = 0; i < 8; ++i)
    size[i] = char(bits >> (56 - 8 * i));
  update({size, 8});
  std::array<uint8_t, 32> hash;
  for (int i = 0; i < 32; ++i)
    hash[i] = uint8_t(state[i / 4] >> (24 - 8 * (i % 4)));
  return hash;
}

} // namespace actnet::rt
