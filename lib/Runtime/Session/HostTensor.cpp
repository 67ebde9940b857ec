//===- HostTensor.cpp - element types and dense host tensors --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Runtime/Session/HostTensor.h"

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <sys/mman.h>

using namespace actnet;
using namespace actnet::rt;

namespace {
struct TypeRow {
  const char *name;
  size_t bytes;
  bool isFloat;
};

constexpr TypeRow typeRows[] = {
    {"f32", 4, true},  {"f64", 8, true},  {"f16", 2, true},  {"bf16", 2, true},
    {"i8", 1, false},  {"i16", 2, false}, {"i32", 4, false}, {"i64", 8, false},
    {"u8", 1, false},  {"u16", 2, false}, {"u32", 4, false}, {"u64", 8, false},
    {"bool", 1, false}};

const TypeRow *row(actnet_dtype dtype) {
  auto index = size_t(dtype);
  return index < std::size(typeRows) ? &typeRows[index] : nullptr;
}

double halfToDouble(uint16_t bits) {
  int exponent = (bits >> 10) & 31;
  double mantissa = bits & 1023;
  double value;
  if (exponent == 31)
    value = mantissa != 0 ? std::numeric_limits<double>::quiet_NaN()
                          : std::numeric_limits<double>::infinity();
  else if (exponent == 0)
    value = std::ldexp(mantissa, -24);
  else
    value = std::ldexp(mantissa + 1024, exponent - 25);
  return (bits & 0x8000) ? -value : value;
}

/// Rounds to a binary float of `fraction` stored bits and exponents down to
/// `minExponent`; the default rounding mode makes nearbyint ties-to-even.
uint16_t doubleToNarrow(double value, int fraction, int exponentBits) {
  int bias = (1 << (exponentBits - 1)) - 1;
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  auto infinity = uint16_t(((1 << exponentBits) - 1) << fraction);
  if (std::isnan(value))
    return sign | infinity | uint16_t(1 << (fraction - 1));
  double magnitude = std::fabs(value);
  if (magnitude == 0)
    return sign;
  int exponent = std::isinf(magnitude) ? bias + 1 : std::ilogb(magnitude);
  exponent = std::max(exponent, 1 - bias);
  if (exponent > bias)
    return sign | infinity;
  double units = std::nearbyint(std::ldexp(magnitude, fraction - exponent));
  // The carry of a round-up into the next power of two runs into the exponent
  // field by itself, up to infinity.
  auto bits = int64_t(units) + (int64_t(exponent + bias - 1) << fraction);
  return sign | uint16_t(std::min<int64_t>(bits, infinity));
}

template <typename T> T load(const std::byte *data, int64_t index) {
  T value;
  std::memcpy(&value, data + index * int64_t(sizeof(T)), sizeof(T));
  return value;
}

template <typename T> void store(std::byte *data, int64_t index, T value) {
  std::memcpy(data + index * int64_t(sizeof(T)), &value, sizeof(T));
}

template <typename T>
void storeInteger(std::byte *data, int64_t index, double value) {
  constexpr auto lowest = std::numeric_limits<T>::min();
  constexpr auto highest = std::numeric_limits<T>::max();
  T result;
  if (std::isnan(value))
    result = 0;
  else if (value <= double(lowest))
    result = lowest;
  else if (value >= double(highest))
    result = highest;
  else
    result = T(std::trunc(value));
  store<T>(data, index, result);
}
} // namespace

const char *rt::dtypeName(actnet_dtype dtype) {
  const TypeRow *r = row(dtype);
  return r ? r->name : "?";
}

size_t rt::dtypeBytes(actnet_dtype dtype) {
  const TypeRow *r = row(dtype);
  return r ? r->bytes : 0;
}

bool rt::isFloat(actnet_dtype dtype) {
  const TypeRow *r = row(dtype);
  return r && r->isFloat;
}

std::string rt::shapeText(const int64_t *shape, size_t rank) {
  std::string text = "[";
  for (size_t i = 0; i < rank; ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

void FreeTensor::operator()(std::byte *data) const {
  if (file)
    munmap(file, fileBytes);
  else
    std::free(data);
}

Expected<HostTensor> HostTensor::allocate(actnet_dtype dtype,
                                          std::vector<int64_t> shape) {
  auto size = int64_t(dtypeBytes(dtype));
  if (size == 0)
    return invalidArgument("no element type has the number " +
                           std::to_string(int(dtype)));
  bool empty = false;
  for (int64_t extent : shape) {
    if (extent < 0)
      return outOfRange("shape " + shapeText(shape.data(), shape.size()) +
                        " has a negative extent");
    empty |= extent == 0;
  }
  constexpr int64_t most = int64_t(1) << 62;
  for (int64_t extent : shape) {
    if (empty)
      size = 0;
    else if (size > most / extent)
      return outOfRange("shape " + shapeText(shape.data(), shape.size()) +
                        " is larger than any memory");
    else
      size *= extent;
  }
  HostTensor tensor;
  tensor.dtype = dtype;
  tensor.shape = std::move(shape);
  tensor.bytes = size_t(size);
  size_t room = (tensor.bytes + 63) / 64 * 64 + (tensor.bytes == 0 ? 64 : 0);
  tensor.data.reset(static_cast<std::byte *>(std::aligned_alloc(64, room)));
  if (!tensor.data)
    return resourceExhausted("no memory for a tensor of " +
                             std::to_string(tensor.bytes) + " bytes");
  return tensor;
}

double rt::loadAsDouble(actnet_dtype dtype, const std::byte *data,
                        int64_t index) {
  switch (dtype) {
  case ACTNET_F32:
    return load<float>(data, index);
  case ACTNET_F64:
    return load<double>(data, index);
  case ACTNET_F16:
    return halfToDouble(load<uint16_t>(data, index));
  case ACTNET_BF16:
    return std::bit_cast<float>(uint32_t(load<uint16_t>(data, index)) << 16);
  case ACTNET_I8:
    return load<int8_t>(data, index);
  case ACTNET_I16:
    return load<int16_t>(data, index);
  case ACTNET_I32:
    return load<int32_t>(data, index);
  case ACTNET_I64:
    return double(load<int64_t>(data, index));
  case ACTNET_U8:
  case ACTNET_BOOL:
    return load<uint8_t>(data, index);
  case ACTNET_U16:
    return load<uint16_t>(data, index);
  case ACTNET_U32:
    return load<uint32_t>(data, index);
  case ACTNET_U64:
    return double(load<uint64_t>(data, index));
  }
  return 0;
}

void rt::storeFromDouble(actnet_dtype dtype, std::byte *data, int64_t index,
                         double value) {
  switch (dtype) {
  case ACTNET_F32:
    return store<float>(data, index, float(value));
  case ACTNET_F64:
    return store<double>(data, index, value);
  case ACTNET_F16:
    return store<uint16_t>(data, index, doubleToNarrow(value, 10, 5));
  case ACTNET_BF16:
    return store<uint16_t>(data, index, doubleToNarrow(value, 7, 8));
  case ACTNET_I8:
    return storeInteger<int8_t>(data, index, value);
  case ACTNET_I16:
    return storeInteger<int16_t>(data, index, value);
  case ACTNET_I32:
    return storeInteger<int32_t>(data, index, value);
  case ACTNET_I64:
    return storeInteger<int64_t>(data, index, value);
  case ACTNET_U8:
    return storeInteger<uint8_t>(data, index, value);
  case ACTNET_U16:
    return storeInteger<uint16_t>(data, index, value);
  case ACTNET_U32:
    return storeInteger<uint32_t>(data, index, value);
  case ACTNET_U64:
    return storeInteger<uint64_t>(data, index, value);
  case ACTNET_BOOL:
    return store<uint8_t>(data, index, value != 0);
  }
}
