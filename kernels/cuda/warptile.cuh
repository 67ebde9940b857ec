//===- warptile.cuh - a warp's part of a matrix product -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the 32 lanes of a warp multiply two pieces that lie in shared memory: the
// left one row by row, the right one with its columns side by side.
//
//   warp     kRows x kColumns sums, multiples of 16 and of 32, in registers
//   thread   by plain arithmetic: rows l / 8 + 4 i and columns
//            4 (l % 8) + 32 j to + 3 of lane l, an outer product a step of k;
//            by mma: what the fragments in device.h say
//
// Each kind of arithmetic says which elements lie in shared memory and how much
// of k one piece has. The sums leave in slabs of 16 rows through shared memory,
// where every lane finds whole runs of columns.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_WARPTILE_CUH
#define ACTNET_KERNELS_CUDA_WARPTILE_CUH

#include "scalar.h"

namespace actnet {

inline constexpr int kSlabRows = 16;

/// 16 bytes as they are moved, and the elements that they are.
template <class T> union Run {
  static constexpr int kCount = 16 / sizeof(T);
  Bytes16 bytes;
  T values[kCount];
};

template <class T> ACTNET_DEVICE Run<T> loadRun(const T *from) {
  Run<T> run;
  run.bytes = loadVector<Bytes16>(from);
  return run;
}

template <int kBytes> ACTNET_DEVICE bool isAligned(const void *address) {
  return reinterpret_cast<u64>(address) % kBytes == 0;
}

/// How many of at most `most` elements are left.
ACTNET_DEVICE int atMost(i64 left, int most) {
  return static_cast<int>(maximum(i64(0), minimum(left, i64(most))));
}

/// Waits for the warps that share a part of a tile.
template <int kSharing> ACTNET_DEVICE void barrierOfPart() {
  if constexpr (kSharing == 1)
    warpBarrier();
  else
    barrier();
}

/// Starts bringing a run, of which `valid` elements are there, from `from`,
/// which is not read from if there are none.
template <class T>
ACTNET_DEVICE void bringRun(T *shared, const T *from, int valid) {
  constexpr int kRun = Run<T>::kCount;
  if (!from || valid == 0) {
    storeVector(shared, Bytes16{});
  } else if (isAligned<16>(from)) {
    copyAsync16(shared, from, valid * static_cast<int>(sizeof(T)));
  } else {
    ACTNET_UNROLL
    for (int i = 0; i < kRun; ++i)
      shared[i] = i < valid ? from[i] : T{};
  }
}

template <bool isWide> struct RunVector {
  using Type = Bytes8;
};
template <> struct RunVector<true> {
  using Type = Bytes16;
};

/// Writes the first `count` of some values side by side, at once where they are
/// all there and the address allows it.
template <class T, int kCount>
ACTNET_DEVICE void storeRun(T *to, const T (&values)[kCount], int count) {
  constexpr int kBytes = kCount * sizeof(T);
  if constexpr (kBytes % 8 == 0) {
    using Vector = typename RunVector<kBytes % 16 == 0>::Type;
    if (count == kCount && isAligned<sizeof(Vector)>(to)) {
      ACTNET_UNROLL
      for (int i = 0; i < kBytes / int(sizeof(Vector)); ++i) {
        constexpr int kEach = sizeof(Vector) / sizeof(T);
        union {
          Vector vector;
          T elements[kEach];
        } part;
        ACTNET_UNROLL
        for (int e = 0; e < kEach; ++e)
          part.elements[e] = values[i * kEach + e];
        storeVector(to + i * kEach, part.vector);
      }
      return;
    }
  }
  ACTNET_UNROLL
  for (int i = 0; i < kCount; ++i)
    if (i < count)
      to[i] = values[i];
}

//===----------------------------------------------------------------------===//
// Plain arithmetic
//===----------------------------------------------------------------------===//

ACTNET_DEVICE float multiplyAdd(float x, float y, float sum) {
  return fma(x, y, sum);
}
template <class T> ACTNET_DEVICE T multiplyAdd(T x, T y, T sum) {
  return add(sum, multiply(x, y));
}

/// Products and sums of T: float, i32, i64.
template <class T> struct Plain {
  using Element = T;
  using Sum = T;
  /// The part of k in one piece: 64 bytes.
  static constexpr int kDepth = 64 / sizeof(T);

  template <int kRows, int kColumns> struct Sums {
    static constexpr int kOwnRows = kRows / 4, kOwnColumns = kColumns / 8;
    T values[kOwnRows][kOwnColumns];

    ACTNET_DEVICE void clear() {
      ACTNET_UNROLL
      for (int i = 0; i < kOwnRows; ++i)
        ACTNET_UNROLL
      for (int j = 0; j < kOwnColumns; ++j)
        values[i][j] = T(0);
    }

    static constexpr int kLanesOfRow = 8;
    static constexpr int kRowCount = kOwnRows, kColumnCount = kOwnColumns;
    ACTNET_DEVICE T &at(int row, int column) { return values[row][column]; }
    /// The row of the piece that own row `row` is.
    static ACTNET_DEVICE int rowOf(int row) {
      return threadIndex() % kWarpSize / 8 + 4 * row;
    }
    /// The column that own column `column` is after addTransposed.
    static ACTNET_DEVICE int columnOf(int column) {
      return threadIndex() % 8 + 8 * column;
    }

    /// Adds the product of kRows x kSteps and kSteps x kColumns elements.
    template <int kSteps, int kLeftStride, int kRightStride>
    ACTNET_DEVICE void add(const T *left, const T *right) {
      constexpr int kRun = Run<T>::kCount;
      const int lane = threadIndex() % kWarpSize;
      left += lane / 8 * kLeftStride;
      right += lane % 8 * 4;
      ACTNET_UNROLL
      for (int k = 0; k < kSteps; k += kRun) {
        Run<T> a[kOwnRows];
        ACTNET_UNROLL
        for (int i = 0; i < kOwnRows; ++i)
          a[i] = loadRun(left + 4 * i * kLeftStride + k);
        ACTNET_UNROLL
        for (int r = 0; r < kRun; ++r) {
          T b[kOwnColumns];
          ACTNET_UNROLL
          for (int j = 0; j < kOwnColumns; j += kRun) {
            const Run<T> run =
                loadRun(right + (k + r) * kRightStride + j / 4 * 32 + j % 4);
            ACTNET_UNROLL
            for (int c = 0; c < kRun; ++c)
              b[j + c] = run.values[c];
          }
          ACTNET_UNROLL
          for (int i = 0; i < kOwnRows; ++i)
            ACTNET_UNROLL
          for (int j = 0; j < kOwnColumns; ++j)
            values[i][j] = multiplyAdd(a[i].values[r], b[j], values[i][j]);
        }
      }
    }

    /// The same for a right piece that lies there transposed, kColumns rows of
    /// kSteps; columns are then those of columnOf.
    template <int kSteps, int kLeftStride, int kRightStride>
    ACTNET_DEVICE void addTransposed(const T *left, const T *right) {
      constexpr int kRun = Run<T>::kCount;
      const int lane = threadIndex() % kWarpSize;
      left += lane / 8 * kLeftStride;
      right += lane % 8 * kRightStride;
      ACTNET_UNROLL
      for (int k = 0; k < kSteps; k += kRun) {
        Run<T> a[kOwnRows];
        ACTNET_UNROLL
        for (int i = 0; i < kOwnRows; ++i)
          a[i] = loadRun(left + 4 * i * kLeftStride + k);
        ACTNET_UNROLL
        for (int j = 0; j < kOwnColumns; ++j) {
          const Run<T> b = loadRun(right + 8 * j * kRightStride + k);
          ACTNET_UNROLL
          for (int i = 0; i < kOwnRows; ++i)
            ACTNET_UNROLL
          for (int r = 0; r < kRun; ++r)
            values[i][j] =
                multiplyAdd(a[i].values[r], b.values[r], values[i][j]);
        }
      }
    }

    /// Writes rows 16 s to 16 s + 15.
    template <int kStride> ACTNET_DEVICE void store(T *slab, int s) const {
      const int lane = threadIndex() % kWarpSize;
      ACTNET_UNROLL
      for (int i = 0; i < 4; ++i)
        ACTNET_UNROLL
      for (int j = 0; j < kOwnColumns; ++j)
        slab[(lane / 8 + 4 * i) * kStride + lane % 8 * 4 + j / 4 * 32 + j % 4] =
            values[4 * s + i][j];
    }
  };
};

//===----------------------------------------------------------------------===//
// Tensor cores
//===----------------------------------------------------------------------===//

/// The sums of an mma: kRows / 16 x kColumns / 8 fragments.
template <int kRows, int kColumns> struct FragmentSums {
  static constexpr int kOwnRows = kRows / 16, kOwnColumns = kColumns / 8;
  float values[kOwnRows][kOwnColumns][4];

  ACTNET_DEVICE void clear() {
    ACTNET_UNROLL
    for (int i = 0; i < kOwnRows; ++i)
      ACTNET_UNROLL
    for (int j = 0; j < kOwnColumns; ++j)
      ACTNET_UNROLL
    for (int e = 0; e < 4; ++e)
      values[i][j][e] = 0;
  }

  static constexpr int kLanesOfRow = 4;
  static constexpr int kRowCount = 2 * kOwnRows, kColumnCount = 2 * kOwnColumns;
  ACTNET_DEVICE float &at(int row, int column) {
    return values[row / 2][column / 2][row % 2 * 2 + column % 2];
  }
  static ACTNET_DEVICE int rowOf(int row) {
    return threadIndex() % kWarpSize / 4 + 8 * row;
  }
  static ACTNET_DEVICE int columnOf(int column) {
    return column / 2 * 8 + threadIndex() % 4 * 2 + column % 2;
  }

  template <int kStride> ACTNET_DEVICE void store(float *slab, int s) const {
    const int lane = threadIndex() % kWarpSize;
    ACTNET_UNROLL
    for (int j = 0; j < kOwnColumns; ++j)
      ACTNET_UNROLL
    for (int e = 0; e < 4; ++e)
      slab[(lane / 4 + e / 2 * 8) * kStride + 8 * j + lane % 4 * 2 + e % 2] =
          values[s][j][e];
  }
};

/// f16 or bf16, summed up in float.
template <class T> struct Halves {
  using Element = T;
  using Sum = float;
  static constexpr int kDepth = 32;

  template <int kRows, int kColumns>
  struct Sums : FragmentSums<kRows, kColumns> {
    template <int kSteps, int kLeftStride, int kRightStride>
    ACTNET_DEVICE void add(const T *left, const T *right) {
      using Base = FragmentSums<kRows, kColumns>;
      const int lane = threadIndex() % kWarpSize;
      // Lane 8 i + r names row r of matrix i; matrices go down, then right.
      left += lane % 16 * kLeftStride + lane / 16 * 8;
      right += lane % 16 * kRightStride + lane / 16 * 8;
      ACTNET_UNROLL
      for (int k = 0; k < kSteps; k += 16) {
        u32 a[Base::kOwnRows][4];
        loadLeft<kLeftStride>(a, left + k);
        ACTNET_UNROLL
        for (int j = 0; j < Base::kOwnColumns; j += 2) {
          u32 b[4];
          loadMatrix4Transposed(b, right + k * kRightStride + 8 * j);
          multiply(a, b, j);
        }
      }
    }

    template <int kSteps, int kLeftStride, int kRightStride>
    ACTNET_DEVICE void addTransposed(const T *left, const T *right) {
      using Base = FragmentSums<kRows, kColumns>;
      const int lane = threadIndex() % kWarpSize;
      left += lane % 16 * kLeftStride + lane / 16 * 8;
      right += (lane % 8 + lane / 16 * 8) * kRightStride + lane / 8 % 2 * 8;
      ACTNET_UNROLL
      for (int k = 0; k < kSteps; k += 16) {
        u32 a[Base::kOwnRows][4];
        loadLeft<kLeftStride>(a, left + k);
        ACTNET_UNROLL
        for (int j = 0; j < Base::kOwnColumns; j += 2) {
          u32 b[4];
          loadMatrix4(b, right + 8 * j * kRightStride + k);
          multiply(a, b, j);
        }
      }
    }

  private:
    template <int kLeftStride>
    ACTNET_DEVICE void loadLeft(u32 (&a)[kRows / 16][4], const T *left) {
      ACTNET_UNROLL
      for (int i = 0; i < kRows / 16; ++i)
        loadMatrix4(a[i], left + 16 * i * kLeftStride);
    }
    /// Adds the product with columns 8 j to 8 j + 15.
    ACTNET_DEVICE void multiply(const u32 (&a)[kRows / 16][4],
                                const u32 (&b)[4], int j) {
      using Base = FragmentSums<kRows, kColumns>;
      const u32 first[2] = {b[0], b[1]}, second[2] = {b[2], b[3]};
      ACTNET_UNROLL
      for (int i = 0; i < kRows / 16; ++i) {
        mma16816(Base::values[i][j], a[i], first, T());
        mma16816(Base::values[i][j + 1], a[i], second, T());
      }
    }
  };
};

/// Floats of which 10 bits of mantissa are multiplied.
struct Tf32 {
  using Element = float;
  using Sum = float;
  static constexpr int kDepth = 16;

  template <int kRows, int kColumns>
  struct Sums : FragmentSums<kRows, kColumns> {
    template <int kSteps, int kLeftStride, int kRightStride>
    ACTNET_DEVICE void add(const float *left, const float *right) {
      using Base = FragmentSums<kRows, kColumns>;
      const int lane = threadIndex() % kWarpSize;
      left += lane / 4 * kLeftStride + lane % 4;
      right += lane % 4 * kRightStride + lane / 4;
      ACTNET_UNROLL
      for (int k = 0; k < kSteps; k += 8) {
        u32 a[Base::kOwnRows][4];
        ACTNET_UNROLL
        for (int i = 0; i < Base::kOwnRows; ++i)
          ACTNET_UNROLL
        for (int e = 0; e < 4; ++e)
          a[i][e] =
              toTf32(left[(16 * i + e % 2 * 8) * kLeftStride + k + e / 2 * 4]);
        ACTNET_UNROLL
        for (int j = 0; j < Base::kOwnColumns; ++j) {
          const u32 b[2] = {toTf32(right[k * kRightStride + 8 * j]),
                            toTf32(right[(k + 4) * kRightStride + 8 * j])};
          ACTNET_UNROLL
          for (int i = 0; i < Base::kOwnRows; ++i)
            mma1688Tf32(Base::values[i][j], a[i], b);
        }
      }
    }
  };
};

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_WARPTILE_CUH
