//===- Container.cpp - the container's checksum ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Package/Container.h"

#include <cstring>

namespace actnet::pkg {

void Checksum::update(std::span<const std::byte> bytes) {
  size_t i = 0;
  auto one = [&] {
    pending |= uint64_t(bytes[i++]) << (8 * (total % 8));
    if (++total % 8 == 0) {
      mix(pending);
      pending = 0;
    }
  };
  while (i < bytes.size() && total % 8 != 0)
    one();
  for (; i + 8 <= bytes.size(); i += 8, total += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    mix(word);
  }
  while (i < bytes.size())
    one();
}

uint64_t Checksum::finish() const {
  Checksum end = *this;
  end.mix(pending);
  end.mix(total);
  return end.state ^ (end.state >> 31);
}

uint64_t checksum(std::span<const std::byte> bytes) {
  Checksum sum;
  sum.update(bytes);
  return sum.finish();
}

} // namespace actnet::pkg
