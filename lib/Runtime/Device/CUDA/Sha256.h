//===- Sha256.h - a hash of bytes -----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ACTNET_LIB_RUNTIME_DEVICE_CUDA_SHA256_H
#define ACTNET_LIB_RUNTIME_DEVICE_CUDA_SHA256_H

#include <array>
#include <cstdint>
#include <string_view>

namespace actnet::rt {

/// SHA-256 (FIPS 180-4) of what is given in pieces.
class Sha256 {
public:
  void update(std::string_view bytes);
  /// The hash of everything so far; nothing may follow.
  std::array<uint8_t, 32> finish();

private:
  void block(const uint8_t *bytes);

  std::array<uint32_t, 8> state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                   0xa54ff53a, 0x510e527f, 0x9b05688c,
                                   0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> buffer{};
  uint64_t total = 0; ///< bytes
};

} // namespace actnet::rt

#endif // ACTNET_LIB_RUNTIME_DEVICE_CUDA_SHA256_H
