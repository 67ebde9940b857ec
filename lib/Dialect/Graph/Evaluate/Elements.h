//===- Elements.h - loading and storing elements of any type --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element types are handled at the border only: rows are loaded into buffers
// of double, int64_t or uint64_t, computed there, and stored with one rounding.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_DIALECT_GRAPH_EVALUATE_ELEMENTS_H
#define ACTNET_LIB_DIALECT_GRAPH_EVALUATE_ELEMENTS_H

#include "actnet/Dialect/Graph/IR/Evaluate.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace actnet::graph::eval {

/// What an element type is computed in.
enum class Domain { Float, Signed, Unsigned };
Domain domainOf(mlir::Type elementType);

struct BFloat16 {
  uint16_t bits;
};
struct Bool {
  uint8_t byte;
};

/// Calls `visit` with a null pointer of the C++ type of an element type.
template <typename Visit> auto dispatch(mlir::Type type, Visit visit) {
  if (type.isF32())
    return visit(static_cast<float *>(nullptr));
  if (type.isF64())
    return visit(static_cast<double *>(nullptr));
  if (type.isF16())
    return visit(static_cast<_Float16 *>(nullptr));
  if (type.isBF16())
    return visit(static_cast<BFloat16 *>(nullptr));
  bool isUnsigned = type.isUnsignedInteger();
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
    return visit(static_cast<Bool *>(nullptr));
  case 8:
    return isUnsigned ? visit(static_cast<uint8_t *>(nullptr))
                      : visit(static_cast<int8_t *>(nullptr));
  case 16:
    return isUnsigned ? visit(static_cast<uint16_t *>(nullptr))
                      : visit(static_cast<int16_t *>(nullptr));
  case 32:
    return isUnsigned ? visit(static_cast<uint32_t *>(nullptr))
                      : visit(static_cast<int32_t *>(nullptr));
  default:
    return isUnsigned ? visit(static_cast<uint64_t *>(nullptr))
                      : visit(static_cast<int64_t *>(nullptr));
  }
}

/// The bfloat16 nearest to a double, ties to even, rounded once.
inline BFloat16 toBFloat16(double value) {
  float f = static_cast<float>(value);
  if (std::isnan(value))
    return {static_cast<uint16_t>((std::bit_cast<uint32_t>(f) >> 16) | 0x40)};
  uint32_t bits = std::bit_cast<uint32_t>(f);
  // Rounding to odd first keeps the second rounding right.
  if (std::isfinite(f) && static_cast<double>(f) != value) {
    if (std::fabs(static_cast<double>(f)) > std::fabs(value))
      --bits;
    bits |= 1;
  }
  uint32_t rounded = bits + 0x7fff + ((bits >> 16) & 1);
  return {static_cast<uint16_t>(rounded >> 16)};
}

template <typename Acc, typename T> Acc loadOne(T value) {
  return static_cast<Acc>(value);
}
template <typename Acc> Acc loadOne(BFloat16 value) {
  return static_cast<Acc>(
      std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16));
}
template <typename Acc> Acc loadOne(Bool value) {
  return static_cast<Acc>(value.byte != 0);
}

/// Towards zero; what does not fit becomes the nearest that does, NaN zero.
template <typename Int> Int toInteger(double value) {
  if (std::isnan(value))
    return 0;
  constexpr double low = static_cast<double>(std::numeric_limits<Int>::min());
  constexpr double high = static_cast<double>(std::numeric_limits<Int>::max());
  if (value <= low)
    return std::numeric_limits<Int>::min();
  if (value >= high)
    return std::numeric_limits<Int>::max();
  return static_cast<Int>(value);
}

template <typename T, typename Acc> T storeOne(Acc value) {
  if constexpr (std::is_same_v<T, BFloat16>)
    return toBFloat16(static_cast<double>(value));
  else if constexpr (std::is_same_v<T, Bool>)
    return {static_cast<uint8_t>(value != Acc(0))};
  else if constexpr (std::is_floating_point_v<Acc> && std::is_integral_v<T>)
    return static_cast<T>(
        toInteger<std::conditional_t<std::is_unsigned_v<T>, uint64_t, int64_t>>(
            value));
  else
    return static_cast<T>(value);
}

/// Loads `count` elements, `stride` elements apart, from element `offset` on.
template <typename Acc>
void load(const HostTensor &tensor, int64_t offset, int64_t stride,
          int64_t count, Acc *out) {
  dispatch(tensor.elementType, [&](auto *tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    // Weights in a file need not be aligned: memcpy, never a typed load.
    auto at = [from = tensor.data + offset * int64_t(sizeof(T))](int64_t i) {
      T value;
      std::memcpy(&value, from + i * int64_t(sizeof(T)), sizeof(T));
      return loadOne<Acc>(value);
    };
    if (stride == 1) {
      for (int64_t i = 0; i < count; ++i)
        out[i] = at(i);
      return;
    }
    for (int64_t i = 0; i < count; ++i)
      out[i] = at(i * stride);
  });
}

/// Stores `count` elements in a row from element `offset` on.
template <typename Acc>
void store(HostTensor &tensor, int64_t offset, int64_t count,
           const Acc *values) {
  dispatch(tensor.elementType, [&](auto *tag) {
    using T = std::remove_pointer_t<decltype(tag)>;
    T *to = reinterpret_cast<T *>(tensor.mutableData()) + offset;
    for (int64_t i = 0; i < count; ++i)
      to[i] = storeOne<T>(values[i]);
  });
}

/// All elements as doubles.
std::vector<double> toDoubles(const HostTensor &tensor);
HostTensor fromDoubles(mlir::Type elementType, llvm::ArrayRef<int64_t> shape,
                       llvm::ArrayRef<double> values);

} // namespace actnet::graph::eval

#endif // ACTNET_LIB_DIALECT_GRAPH_EVALUATE_ELEMENTS_H
