//===- Summary.cpp - one line of a tensor ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Integers are printed as they are, all 64 bits of them; other numbers with six
// digits.
//
//===----------------------------------------------------------------------===//

#include "actnet/Runtime/Session/HostTensor.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

using namespace actnet;
using namespace actnet::rt;

namespace {
constexpr int64_t shownElements = 6;

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

/// The elements of an integer type: exact, where a double would round.
template <typename T> std::string summarizeIntegers(const HostTensor &t) {
  auto load = [&](int64_t i) {
    T value;
    std::memcpy(&value, t.data.get() + size_t(i) * sizeof(T), sizeof(T));
    return value;
  };
  int64_t count = t.elements();
  T least = load(0), most = least;
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    least = std::min(least, load(i));
    most = std::max(most, load(i));
    sum += double(load(i));
  }
  std::string text = ", min " + std::to_string(least) + ", max " +
                     std::to_string(most) + ", mean " +
                     number(sum / double(count)) + ", first";
  for (int64_t i = 0; i < std::min(count, shownElements); ++i)
    text += " " + std::to_string(load(i));
  return text;
}

std::string summarizeFloats(const HostTensor &t) {
  double least = INFINITY, most = -INFINITY, sum = 0;
  int64_t count = t.elements(), nans = 0;
  for (int64_t i = 0; i < count; ++i) {
    double value = loadAsDouble(t.dtype, t.data.get(), i);
    if (std::isnan(value)) {
      ++nans;
      continue;
    }
    least = std::min(least, value);
    most = std::max(most, value);
    sum += value;
  }
  std::string text;
  if (nans < count)
    text += ", min " + number(least) + ", max " + number(most) + ", mean " +
            number(sum / double(count - nans));
  if (nans)
    text += ", " + std::to_string(nans) + " NaN";
  text += ", first";
  for (int64_t i = 0; i < std::min(count, shownElements); ++i)
    text += " " + number(loadAsDouble(t.dtype, t.data.get(), i));
  return text;
}
} // namespace

std::string rt::summarize(const HostTensor &t) {
  std::string text = std::string(dtypeName(t.dtype)) + " " +
                     shapeText(t.shape.data(), t.shape.size());
  if (t.elements() == 0)
    return text + ", empty";
  switch (t.dtype) {
  case ACTNET_I8:
    return text + summarizeIntegers<int8_t>(t);
  case ACTNET_I16:
    return text + summarizeIntegers<int16_t>(t);
  case ACTNET_I32:
    return text + summarizeIntegers<int32_t>(t);
  case ACTNET_I64:
    return text + summarizeIntegers<int64_t>(t);
  case ACTNET_U8:
  case ACTNET_BOOL:
    return text + summarizeIntegers<uint8_t>(t);
  case ACTNET_U16:
    return text + summarizeIntegers<uint16_t>(t);
  case ACTNET_U32:
    return text + summarizeIntegers<uint32_t>(t);
  case ACTNET_U64:
    return text + summarizeIntegers<uint64_t>(t);
  default:
    return text + summarizeFloats(t);
  }
}
