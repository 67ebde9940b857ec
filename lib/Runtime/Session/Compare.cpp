//===- Compare.cpp - summaries and differences of host tensors ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Runtime/Session/HostTensor.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

using namespace actnet;
using namespace actnet::rt;

namespace {
std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string typeText(const HostTensor &tensor) {
  return std::string(dtypeName(tensor.dtype)) + " " +
         shapeText(tensor.shape.data(), tensor.shape.size());
}

/// Writes a flat index as the coordinates of the shape.
std::string coordinates(const HostTensor &tensor, int64_t index) {
  std::vector<int64_t> at(tensor.shape.size());
  for (size_t i = at.size(); i-- > 0;) {
    at[i] = index % tensor.shape[i];
    index /= tensor.shape[i];
  }
  return shapeText(at.data(), at.size());
}

constexpr int64_t shownElements = 6;

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
  std::string text = typeText(t);
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

Difference rt::compare(const HostTensor &got, const HostTensor &expected,
                       double rtol, double atol) {
  Difference result;
  if (got.dtype != expected.dtype || got.shape != expected.shape) {
    result.text = "expected " + typeText(expected) + ", found " + typeText(got);
    result.largest = INFINITY;
    return result;
  }
  if (got.bytes == 0 ||
      std::memcmp(got.data.get(), expected.data.get(), got.bytes) == 0)
    return result;
  int64_t count = got.elements(), differing = 0, first = -1;
  int64_t foundNaN = 0, expectedNaN = 0;
  for (int64_t i = 0; i < count; ++i) {
    double g = loadAsDouble(got.dtype, got.data.get(), i);
    double e = loadAsDouble(expected.dtype, expected.data.get(), i);
    if (g == e || (std::isnan(g) && std::isnan(e))) {
      // 64-bit integers that round to one double are still compared bit by
      // bit; they have no tolerance below their own step.
      bool wide = got.dtype == ACTNET_I64 || got.dtype == ACTNET_U64;
      if (!wide || rtol > 0 || atol > 0 ||
          std::memcmp(got.data.get() + i * 8, expected.data.get() + i * 8, 8) ==
              0)
        continue;
    }
    foundNaN += std::isnan(g) && !std::isnan(e);
    expectedNaN += std::isnan(e) && !std::isnan(g);
    double distance = std::fabs(g - e);
    double allowed = atol + rtol * std::fabs(e);
    if (!std::isnan(distance))
      result.largest = std::max(result.largest, distance);
    if (distance > 0 && distance <= allowed && std::isfinite(e))
      continue;
    if (first < 0)
      first = i;
    ++differing;
  }
  if (first < 0)
    return result;
  result.text =
      std::to_string(differing) + " of " + std::to_string(count) +
      " elements differ by more than " + number(atol) + " + " + number(rtol) +
      " * |expected|; first at " + coordinates(got, first) + ": expected " +
      number(loadAsDouble(expected.dtype, expected.data.get(), first)) +
      ", found " + number(loadAsDouble(got.dtype, got.data.get(), first));
  if (foundNaN)
    result.text += "; " + std::to_string(foundNaN) +
                   " are NaN where a number was expected";
  if (expectedNaN)
    result.text += "; " + std::to_string(expectedNaN) +
                   " are a number where NaN was expected";
  if (foundNaN + expectedNaN < differing)
    result.text += "; largest difference " + number(result.largest);
  return result;
}
