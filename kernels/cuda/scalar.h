//===- scalar.h - arithmetic of kernel bodies that C++ lacks --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The integers of kernel bodies have no sign of their own and wrap around;
// divisions never trap; maximum and minimum pass NaN on. Each function is what
// one op of the arith dialect means.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_SCALAR_H
#define ACTNET_KERNELS_CUDA_SCALAR_H

#include "device.h"

namespace actnet {

template <class T> struct UnsignedOf;
template <> struct UnsignedOf<bool> {
  using Type = bool;
};
template <> struct UnsignedOf<i8> {
  using Type = u8;
};
template <> struct UnsignedOf<i16> {
  using Type = u16;
};
template <> struct UnsignedOf<i32> {
  using Type = u32;
};
template <> struct UnsignedOf<i64> {
  using Type = u64;
};
/// The unsigned type of the same width.
template <class T> using Unsigned = typename UnsignedOf<T>::Type;

template <class T> ACTNET_DEVICE Unsigned<T> asUnsigned(T value) {
  return static_cast<Unsigned<T>>(value);
}

//===----------------------------------------------------------------------===//
// Floats
//===----------------------------------------------------------------------===//

ACTNET_DEVICE float infinity() { return floatFromBits(0x7f800000); }
ACTNET_DEVICE float notANumber() { return floatFromBits(0x7fc00000); }
ACTNET_DEVICE bool isNaN(float x) { return x != x; }

ACTNET_DEVICE bool isNaN(double x) { return x != x; }

/// The same bits as another type.
template <class To, class From> ACTNET_DEVICE To bitsAs(From from) {
  static_assert(sizeof(To) == sizeof(From));
  union {
    From from;
    To to;
  } both;
  both.from = from;
  return both.to;
}

/// A float rounded to the precision of a narrower type.
template <class T> ACTNET_DEVICE float rounded(float value) {
  return toFloat(fromFloat<T>(value));
}

/// A double on its way to 16 bits: of the two floats beside it that whose last
/// bit is 1, unless it is one. Rounding that is rounding the double.
ACTNET_DEVICE float roundToOdd(double value) {
  const float nearest = float(value);
  const double back = double(nearest);
  // NaN is neither above nor below.
  if (!(back < value) && !(back > value))
    return nearest;
  const bool isFar = value < 0 ? back < value : back > value;
  return floatFromBits((bitsFromFloat(nearest) - (isFar ? 1 : 0)) | 1);
}

ACTNET_DEVICE float add(float x, float y) { return x + y; }
ACTNET_DEVICE double add(double x, double y) { return x + y; }
ACTNET_DEVICE float multiply(float x, float y) { return x * y; }
ACTNET_DEVICE double multiply(double x, double y) { return x * y; }
/// The larger, or NaN where either is.
ACTNET_DEVICE float maximum(float x, float y) {
  return x > y || isNaN(x) ? x : y;
}
ACTNET_DEVICE double maximum(double x, double y) {
  return x > y || isNaN(x) ? x : y;
}
ACTNET_DEVICE float minimum(float x, float y) {
  return x < y || isNaN(x) ? x : y;
}
ACTNET_DEVICE double minimum(double x, double y) {
  return x < y || isNaN(x) ? x : y;
}
ACTNET_DEVICE double reciprocalSqrt(double x) { return 1.0 / sqrt(x); }

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

// In 64 bits without a sign, so that nothing overflows; the compiler narrows.
template <class T> ACTNET_DEVICE T add(T x, T y) {
  return static_cast<T>(static_cast<u64>(x) + static_cast<u64>(y));
}
template <class T> ACTNET_DEVICE T subtract(T x, T y) {
  return static_cast<T>(static_cast<u64>(x) - static_cast<u64>(y));
}
template <class T> ACTNET_DEVICE T multiply(T x, T y) {
  return static_cast<T>(static_cast<u64>(x) * static_cast<u64>(y));
}
// One bit: bool is no integer modulo 2 in C++.
template <> ACTNET_DEVICE bool add(bool x, bool y) { return x != y; }
template <> ACTNET_DEVICE bool subtract(bool x, bool y) { return x != y; }
template <> ACTNET_DEVICE bool multiply(bool x, bool y) { return x && y; }

template <class T> ACTNET_DEVICE T maximum(T x, T y) { return x > y ? x : y; }
template <class T> ACTNET_DEVICE T minimum(T x, T y) { return x < y ? x : y; }
/// The larger of two sizes that are known when this is compiled.
ACTNET_DEVICE constexpr int larger(int x, int y) { return x > y ? x : y; }

template <class T> ACTNET_DEVICE T shiftLeft(T x, T by) {
  return static_cast<T>(asUnsigned(x) << by);
}
template <class T> ACTNET_DEVICE T shiftRight(T x, T by) {
  return static_cast<T>(x >> by);
}
template <class T> ACTNET_DEVICE T shiftRightUnsigned(T x, T by) {
  return static_cast<T>(asUnsigned(x) >> by);
}

/// x / 0 is x and the smallest integer over -1 itself: as on the host.
template <class T> ACTNET_DEVICE T divide(T x, T y) {
  return y == 0 ? x : y == T(-1) ? subtract(T(0), x) : static_cast<T>(x / y);
}
template <class T> ACTNET_DEVICE T remainder(T x, T y) {
  return y == 0 || y == T(-1) ? T(0) : static_cast<T>(x % y);
}
template <class T> ACTNET_DEVICE T divideUnsigned(T x, T y) {
  return y == 0 ? x : static_cast<T>(asUnsigned(x) / asUnsigned(y));
}
template <class T> ACTNET_DEVICE T remainderUnsigned(T x, T y) {
  return y == 0 ? T(0) : static_cast<T>(asUnsigned(x) % asUnsigned(y));
}
/// Towards minus and towards plus infinity.
template <class T> ACTNET_DEVICE T divideFloor(T x, T y) {
  return subtract(divide(x, y), T(remainder(x, y) != 0 && (x < 0) != (y < 0)));
}
template <class T> ACTNET_DEVICE T divideCeil(T x, T y) {
  return add(divide(x, y), T(remainder(x, y) != 0 && (x < 0) == (y < 0)));
}
template <class T> ACTNET_DEVICE T absolute(T x) {
  return x < 0 ? subtract(T(0), x) : x;
}

//===----------------------------------------------------------------------===//
// Indices
//===----------------------------------------------------------------------===//

/// An index that came from data, held inside [0, size).
ACTNET_DEVICE i64 clampIndex(i64 index, i64 size) {
  return maximum(i64(0), minimum(index, size - 1));
}

//===----------------------------------------------------------------------===//
// What reductions combine with
//===----------------------------------------------------------------------===//

template <class T> struct Limits {
  static ACTNET_DEVICE T lowest() {
    return static_cast<T>(Unsigned<T>(1) << (8 * sizeof(T) - 1));
  }
  static ACTNET_DEVICE T highest() { return static_cast<T>(~lowest()); }
};
template <> struct Limits<float> {
  static ACTNET_DEVICE float lowest() { return -infinity(); }
  static ACTNET_DEVICE float highest() { return infinity(); }
};

template <> struct Limits<double> {
  static ACTNET_DEVICE double lowest() { return -infinity(); }
  static ACTNET_DEVICE double highest() { return infinity(); }
};

struct Add {
  template <class T> static ACTNET_DEVICE T identity() { return T(0); }
  template <class T> static ACTNET_DEVICE T combine(T x, T y) {
    return add(x, y);
  }
};
struct Multiply {
  template <class T> static ACTNET_DEVICE T identity() { return T(1); }
  template <class T> static ACTNET_DEVICE T combine(T x, T y) {
    return multiply(x, y);
  }
};
struct Maximum {
  template <class T> static ACTNET_DEVICE T identity() {
    return Limits<T>::lowest();
  }
  template <class T> static ACTNET_DEVICE T combine(T x, T y) {
    return maximum(x, y);
  }
};
struct Minimum {
  template <class T> static ACTNET_DEVICE T identity() {
    return Limits<T>::highest();
  }
  template <class T> static ACTNET_DEVICE T combine(T x, T y) {
    return minimum(x, y);
  }
};
struct MaximumUnsigned {
  template <class T> static ACTNET_DEVICE T identity() { return T(0); }
  template <class T> static ACTNET_DEVICE T combine(T x, T y) {
    return asUnsigned(x) > asUnsigned(y) ? x : y;
  }
};
struct MinimumUnsigned {
  template <class T> static ACTNET_DEVICE T identity() {
    return static_cast<T>(-1);
  }
  template <class T> static ACTNET_DEVICE T combine(T x, T y) {
    return asUnsigned(x) < asUnsigned(y) ? x : y;
  }
};
struct And {
  template <class T> static ACTNET_DEVICE T identity() {
    return static_cast<T>(-1);
  }
  template <class T> static ACTNET_DEVICE T combine(T x, T y) {
    return static_cast<T>(x & y);
  }
};
struct Or {
  template <class T> static ACTNET_DEVICE T identity() { return T(0); }
  template <class T> static ACTNET_DEVICE T combine(T x, T y) {
    return static_cast<T>(x | y);
  }
};
struct Xor {
  template <class T> static ACTNET_DEVICE T identity() { return T(0); }
  template <class T> static ACTNET_DEVICE T combine(T x, T y) {
    return static_cast<T>(x ^ y);
  }
};

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_SCALAR_H
