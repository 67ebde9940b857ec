//===- vector.h - several neighbouring elements at once -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread that moves V neighbouring elements in accesses of up to 16 bytes
// needs a quarter or an eighth of the instructions. Addresses must be aligned
// to min(16, V elements) bytes: `areAligned` asks that of base pointers, the
// printed text takes care of the offsets.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_VECTOR_H
#define ACTNET_KERNELS_CUDA_VECTOR_H

#include "scalar.h"

namespace actnet {

/// What one access of so many bytes moves.
template <int bytes> struct AccessOf {
  using Type = Bytes16;
};
template <> struct AccessOf<8> {
  using Type = Bytes8;
};
template <> struct AccessOf<4> {
  using Type = u32;
};
template <> struct AccessOf<2> {
  using Type = u16;
};
template <> struct AccessOf<1> {
  using Type = u8;
};

/// V neighbouring elements in registers, and the accesses that move them.
template <class T, int V> union Vector {
  static constexpr int kBytes = V * static_cast<int>(sizeof(T));
  using Access = typename AccessOf<kBytes>::Type;
  static constexpr int kAccesses = kBytes / static_cast<int>(sizeof(Access));

  T v[V];
  Access accesses[kAccesses];
  ACTNET_DEVICE T &operator[](int k) { return v[k]; }
  ACTNET_DEVICE T operator[](int k) const { return v[k]; }
};

/// Loads V elements from an aligned address.
template <int V, class T> ACTNET_DEVICE Vector<T, V> load(const T *from) {
  Vector<T, V> x;
  using Access = typename Vector<T, V>::Access;
  if constexpr (V == 1) {
    x.v[0] = *from;
  } else {
    const Access *at =
        static_cast<const Access *>(static_cast<const void *>(from));
    ACTNET_UNROLL
    for (int a = 0; a < Vector<T, V>::kAccesses; ++a)
      x.accesses[a] = loadVector<Access>(at + a);
  }
  return x;
}

/// The same, or zeros where they must not be read.
template <int V, class T>
ACTNET_DEVICE Vector<T, V> loadIf(bool condition, const T *from) {
  Vector<T, V> x{};
  if (condition)
    x = load<V>(from);
  return x;
}

/// Stores V elements to an aligned address.
template <class T, int V>
ACTNET_DEVICE void store(T *to, const Vector<T, V> &x) {
  using Access = typename Vector<T, V>::Access;
  if constexpr (V == 1) {
    *to = x.v[0];
  } else {
    Access *at = static_cast<Access *>(static_cast<void *>(to));
    ACTNET_UNROLL
    for (int a = 0; a < Vector<T, V>::kAccesses; ++a)
      storeVector(at + a, x.accesses[a]);
  }
}

/// Whether V elements at each of these addresses can be one access.
template <int V> ACTNET_DEVICE bool areAligned() { return true; }
template <int V, class T, class... More>
ACTNET_DEVICE bool areAligned(const T *first, const More *...more) {
  using Access = typename Vector<T, V>::Access;
  return reinterpret_cast<u64>(first) % sizeof(Access) == 0 &&
         areAligned<V>(more...);
}

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_VECTOR_H
