//===- Fill.cpp - scalar and random contents of host tensors --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Runtime/Session/HostTensor.h"

#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>

using namespace actnet;
using namespace actnet::rt;

namespace {
/// Ten rounds of Philox 4x32: a bijection of the counter under the key.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter,
                               std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t(0xD2511F53) * counter[0];
    uint64_t b = uint64_t(0xCD9E8D57) * counter[2];
    counter = {uint32_t(b >> 32) ^ counter[1] ^ key[0], uint32_t(b),
               uint32_t(a >> 32) ^ counter[3] ^ key[1], uint32_t(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

/// FNV-1a: inputs of different names get different streams.
uint64_t hashName(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (unsigned char c : name)
    hash = (hash ^ c) * 0x100000001b3;
  return hash;
}
} // namespace

Status rt::fillScalar(HostTensor &tensor, std::string_view text) {
  std::string copy(text);
  char *end = nullptr;
  int64_t count = tensor.elements();
  auto fill = [&](const void *pattern, size_t size) {
    for (int64_t i = 0; i < count; ++i)
      std::memcpy(tensor.data.get() + size_t(i) * size, pattern, size);
  };
  // 64-bit integers do not pass through a double: all of their values count.
  if (tensor.dtype == ACTNET_I64 || tensor.dtype == ACTNET_U64) {
    errno = 0;
    bool isSigned = tensor.dtype == ACTNET_I64;
    int64_t s = isSigned ? std::strtoll(copy.c_str(), &end, 10) : 0;
    uint64_t u = isSigned ? 0 : std::strtoull(copy.c_str(), &end, 10);
    bool negative = !isSigned && copy.find('-') != std::string::npos;
    if (end == copy.c_str() || *end || errno == ERANGE || negative)
      return invalidArgument("expected a value of type " +
                             std::string(dtypeName(tensor.dtype)) +
                             ", found '" + copy + "'");
    if (isSigned)
      fill(&s, sizeof s);
    else
      fill(&u, sizeof u);
    return okStatus();
  }
  double value = std::strtod(copy.c_str(), &end);
  if (end == copy.c_str() || *end)
    return invalidArgument("expected a number, found '" + copy + "'");
  std::byte pattern[8] = {};
  storeFromDouble(tensor.dtype, pattern, 0, value);
  // Floats round; what is finite must stay so.
  double stored = loadAsDouble(tensor.dtype, pattern, 0);
  if (isFloat(tensor.dtype) ? std::isfinite(value) && !std::isfinite(stored)
                            : stored != value)
    return invalidArgument("expected a value of type " +
                           std::string(dtypeName(tensor.dtype)) + ", found '" +
                           copy + "'");
  fill(pattern, dtypeBytes(tensor.dtype));
  return okStatus();
}

void rt::fillRandom(HostTensor &tensor, uint64_t seed, std::string_view name) {
  uint64_t stream = hashName(name);
  int64_t count = tensor.elements();
  for (int64_t i = 0; i < count; i += 4) {
    auto block = uint64_t(i) / 4;
    std::array<uint32_t, 4> words =
        philox({uint32_t(block), uint32_t(block >> 32), uint32_t(stream),
                uint32_t(stream >> 32)},
               {uint32_t(seed), uint32_t(seed >> 32)});
    for (int64_t j = 0; j < 4 && i + j < count; ++j) {
      // 24 bits are exact in f32 and leave the same value in f64.
      double value = isFloat(tensor.dtype)
                         ? double(words[size_t(j)] >> 8) * 0x1p-23 - 1
                         : double(words[size_t(j)] >> 31);
      storeFromDouble(tensor.dtype, tensor.data.get(), i + j, value);
    }
  }
}
