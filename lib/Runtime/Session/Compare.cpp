//===- Compare.cpp - differences of host tensors --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Runtime/Session/HostTensor.h"

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
} // namespace

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
