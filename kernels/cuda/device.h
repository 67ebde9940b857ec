//===- device.h - the GPU as kernels see it -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel is started as a grid of blocks; a block is a fixed number of threads
// that share memory and can wait for each other; 32 threads with neighbouring
// indices are a warp, whose lanes can read each other's registers.
//
//   grid     all tiles of a launch: blocks never wait for each other
//   block    one tile: shared memory, barrier()
//   warp     32 lanes: shuffles, votes, warpBarrier(), mma and loadMatrix4
//   thread   registers
//
// Shuffles, votes, mma and loadMatrix4 need all 32 lanes of a warp and order no
// memory; barrier() needs all threads of the block, warpBarrier() all lanes of
// the warp, and what was written before either is seen after it.
//
// Everything that a kernel asks of the GPU stands here and nowhere else: what
// runs kernels without a GPU replaces this one file. It includes nothing, so
// that NVRTC needs no headers but ours; what C++ lacks is therefore PTX, one
// instruction a function.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_DEVICE_H
#define ACTNET_KERNELS_CUDA_DEVICE_H

/// A function that runs on the device.
#define ACTNET_DEVICE __device__ __forceinline__
/// A kernel of the given threads a block, as C would name it.
#define ACTNET_KERNEL(threads)                                                 \
  extern "C" __global__ void __launch_bounds__(threads)
/// Stands after each kernel: nothing here; a software GPU makes its way in.
#define ACTNET_ENTRY(NAME)
/// The loop that follows is laid out in full.
#define ACTNET_UNROLL _Pragma("unroll")
/// Declares `T name[count]` that all threads of a block have in common, within
/// a function; 16-byte aligned, of no value at first.
#define ACTNET_SHARED(T, name, count) __shared__ __align__(16) T name[count]

namespace actnet {

using i8 = signed char;
using i16 = short;
using i32 = int;
using i64 = long long;
using u8 = unsigned char;
using u16 = unsigned short;
using u32 = unsigned int;
using u64 = unsigned long long;

inline constexpr int kWarpSize = 32;

/// IEEE half precision and bfloat16 as they lie in memory; they are computed
/// with as float.
struct f16 {
  u16 bits;
};
struct bf16 {
  u16 bits;
};

//===----------------------------------------------------------------------===//
// Who am I
//===----------------------------------------------------------------------===//

/// The tile of this block, in [0, gridSize()).
ACTNET_DEVICE i64 blockIndex() { return blockIdx.x; }
/// The tiles of the launch.
ACTNET_DEVICE i64 gridSize() { return gridDim.x; }
/// This thread within its block; threads 32 w to 32 w + 31 are warp w.
ACTNET_DEVICE int threadIndex() { return static_cast<int>(threadIdx.x); }

//===----------------------------------------------------------------------===//
// Together
//===----------------------------------------------------------------------===//

/// Waits for all threads of the block; what they wrote before is seen after.
ACTNET_DEVICE void barrier() { __syncthreads(); }
/// Waits for all lanes of the warp; what they wrote before is seen after.
ACTNET_DEVICE void warpBarrier() { __syncwarp(); }

/// The launch's dynamic shared memory, 128-byte aligned; as many bytes as the
/// launch asked for.
template <class T> ACTNET_DEVICE T *dynamicShared() {
  extern __shared__ __align__(128) u8 dynamicSharedBytes[];
  return reinterpret_cast<T *>(dynamicSharedBytes);
}

/// A value of 1 to 8 bytes as the bits that shuffles move, and back.
template <class T> ACTNET_DEVICE auto shuffledBits(T value) {
  static_assert(sizeof(T) <= 8);
  if constexpr (sizeof(T) == 8) {
    u64 bits;
    memcpy(&bits, &value, 8);
    return bits;
  } else {
    u32 bits = 0;
    memcpy(&bits, &value, sizeof(T));
    return bits;
  }
}
template <class T, class Bits> ACTNET_DEVICE T shuffledValue(Bits bits) {
  T value;
  memcpy(&value, &bits, sizeof(T));
  return value;
}

/// The value of the lane whose number differs in the bits of `mask`.
template <class T> ACTNET_DEVICE T shuffleXor(T value, int mask) {
  return shuffledValue<T>(
      __shfl_xor_sync(0xffffffffu, shuffledBits(value), mask));
}
/// The value of the lane `delta` further; its own for the last `delta` lanes.
template <class T> ACTNET_DEVICE T shuffleDown(T value, int delta) {
  return shuffledValue<T>(
      __shfl_down_sync(0xffffffffu, shuffledBits(value), delta));
}
/// The value of the given lane.
template <class T> ACTNET_DEVICE T shuffle(T value, int lane) {
  return shuffledValue<T>(__shfl_sync(0xffffffffu, shuffledBits(value), lane));
}

ACTNET_DEVICE bool anyInWarp(bool value) {
  return __any_sync(0xffffffffu, value);
}
ACTNET_DEVICE bool allInWarp(bool value) {
  return __all_sync(0xffffffffu, value);
}
/// Bit l is what lane l says.
ACTNET_DEVICE u32 ballot(bool value) {
  return __ballot_sync(0xffffffffu, value);
}

// Atomics give what was there before. Integers only: their results do not
// depend on who comes first.
ACTNET_DEVICE i32 atomicAdd(i32 *to, i32 value) {
  return ::atomicAdd(to, value);
}
ACTNET_DEVICE u32 atomicAdd(u32 *to, u32 value) {
  return ::atomicAdd(to, value);
}
ACTNET_DEVICE u64 atomicAdd(u64 *to, u64 value) {
  return ::atomicAdd(to, value);
}
ACTNET_DEVICE i64 atomicAdd(i64 *to, i64 value) {
  return static_cast<i64>(
      ::atomicAdd(reinterpret_cast<u64 *>(to), static_cast<u64>(value)));
}
ACTNET_DEVICE i32 atomicMax(i32 *to, i32 value) {
  return ::atomicMax(to, value);
}
ACTNET_DEVICE u32 atomicMax(u32 *to, u32 value) {
  return ::atomicMax(to, value);
}
ACTNET_DEVICE i64 atomicMax(i64 *to, i64 value) {
  return ::atomicMax(to, value);
}
ACTNET_DEVICE u64 atomicMax(u64 *to, u64 value) {
  return ::atomicMax(to, value);
}
ACTNET_DEVICE i32 atomicMin(i32 *to, i32 value) {
  return ::atomicMin(to, value);
}
ACTNET_DEVICE u32 atomicMin(u32 *to, u32 value) {
  return ::atomicMin(to, value);
}
ACTNET_DEVICE i64 atomicMin(i64 *to, i64 value) {
  return ::atomicMin(to, value);
}
ACTNET_DEVICE u64 atomicMin(u64 *to, u64 value) {
  return ::atomicMin(to, value);
}
ACTNET_DEVICE i32 atomicOr(i32 *to, i32 value) { return ::atomicOr(to, value); }
ACTNET_DEVICE u32 atomicOr(u32 *to, u32 value) { return ::atomicOr(to, value); }
ACTNET_DEVICE u64 atomicOr(u64 *to, u64 value) { return ::atomicOr(to, value); }
ACTNET_DEVICE i64 atomicOr(i64 *to, i64 value) {
  return static_cast<i64>(
      ::atomicOr(reinterpret_cast<u64 *>(to), static_cast<u64>(value)));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

/// What one access moves.
struct alignas(16) Bytes16 {
  u32 v[4];
};
struct alignas(8) Bytes8 {
  u32 v[2];
};

/// Loads a Bytes16, a Bytes8 or an integer from an address that is aligned to
/// its size.
template <class V> ACTNET_DEVICE V loadVector(const void *from) {
  V value;
  if constexpr (sizeof(V) == 16)
    *reinterpret_cast<uint4 *>(&value) = *static_cast<const uint4 *>(from);
  else if constexpr (sizeof(V) == 8)
    *reinterpret_cast<uint2 *>(&value) = *static_cast<const uint2 *>(from);
  else
    value = *static_cast<const V *>(from);
  return value;
}
/// Stores one to an address that is aligned to its size.
template <class V> ACTNET_DEVICE void storeVector(void *to, V value) {
  *static_cast<V *>(to) = value;
}
ACTNET_DEVICE void storeVector(void *to, Bytes16 value) {
  *static_cast<uint4 *>(to) = *reinterpret_cast<uint4 *>(&value);
}
ACTNET_DEVICE void storeVector(void *to, Bytes8 value) {
  *static_cast<uint2 *>(to) = *reinterpret_cast<uint2 *>(&value);
}

/// An address of shared memory as PTX wants it.
ACTNET_DEVICE u32 sharedAddress(const void *shared) {
  return static_cast<u32>(__cvta_generic_to_shared(shared));
}

/// Starts copying 16 bytes to shared memory, both addresses 16-byte aligned;
/// only the first `validBytes` of 0 to 16 are read, the others become zero.
/// The bytes are there once waitCopies was called and a barrier followed.
ACTNET_DEVICE void copyAsync16(void *shared, const void *global,
                               int validBytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                   sharedAddress(shared)),
               "l"(__cvta_generic_to_global(global)), "r"(validBytes)
               : "memory");
}
/// Makes a group of this thread's copies since the last call.
ACTNET_DEVICE void commitCopies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
/// Waits until at most the last N groups of this thread are under way.
template <int N> ACTNET_DEVICE void waitCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

//===----------------------------------------------------------------------===//
// Matrices of a warp
//===----------------------------------------------------------------------===//
//
// Fragments as the PTX manual lays them out; g = lane / 4, t = lane % 4:
//
//   16x16 A, two halves a register   a0 [g][2t]  a1 [g+8][2t]
//                                    a2 [g][2t+8]  a3 [g+8][2t+8]
//   16x8 B                           b0 [2t][g]  b1 [2t+8][g]   (and row + 1)
//   16x8 A of tf32                   a0 [g][t]  a1 [g+8][t]
//                                    a2 [g][t+4]  a3 [g+8][t+4]
//   8x8 B of tf32                    b0 [t][g]  b1 [t+4][g]
//   16x8 D                           d0 [g][2t]  d1 [g][2t+1]
//                                    d2 [g+8][2t]  d3 [g+8][2t+1]

/// d += a b for 16x16 times 16x8 of half precision.
ACTNET_DEVICE void mma16816(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2],
                            f16) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
               "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]),
                 "r"(b[1]));
}
/// The same for bfloat16.
ACTNET_DEVICE void mma16816(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2],
                            bf16) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
               "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]),
                 "r"(b[1]));
}
/// d += a b for 16x8 times 8x8 of numbers that toTf32 made.
ACTNET_DEVICE void mma1688Tf32(float (&d)[4], const u32 (&a)[4],
                               const u32 (&b)[2]) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
               "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]),
                 "r"(b[1]));
}

/// Loads four 8x8 matrices of halves from shared memory. Lane 8 i + r names the
/// 16 aligned bytes of row r of matrix i; r[i] of lane l is elements
/// 2 (l % 4) and 2 (l % 4) + 1 of row l / 4 of matrix i.
ACTNET_DEVICE void loadMatrix4(u32 (&r)[4], const void *sharedRow) {
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
      : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
      : "r"(sharedAddress(sharedRow))
      : "memory");
}
/// The same with each matrix transposed: elements 2 (l % 4) and 2 (l % 4) + 1
/// of column l / 4.
ACTNET_DEVICE void loadMatrix4Transposed(u32 (&r)[4], const void *sharedRow) {
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
      : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
      : "r"(sharedAddress(sharedRow))
      : "memory");
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

ACTNET_DEVICE float toFloat(float value) { return value; }
ACTNET_DEVICE float toFloat(f16 value) {
  float result;
  asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(value.bits));
  return result;
}
ACTNET_DEVICE float toFloat(bf16 value) {
  return __uint_as_float(static_cast<u32>(value.bits) << 16);
}

/// Converts to nearest, ties to even.
template <class T> ACTNET_DEVICE T fromFloat(float value);
template <> ACTNET_DEVICE float fromFloat<float>(float value) { return value; }
template <> ACTNET_DEVICE f16 fromFloat<f16>(float value) {
  f16 result;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
  return result;
}
template <> ACTNET_DEVICE bf16 fromFloat<bf16>(float value) {
  bf16 result;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(result.bits) : "f"(value));
  return result;
}
/// The bits of a float with 10 bits of mantissa, rounded to nearest.
ACTNET_DEVICE u32 toTf32(float value) {
  u32 result;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(result) : "f"(value));
  return result;
}

ACTNET_DEVICE float floatFromBits(i32 bits) { return __int_as_float(bits); }
ACTNET_DEVICE i32 bitsFromFloat(float value) { return __float_as_int(value); }
/// 1 / sqrt(x), within 2 ulp.
ACTNET_DEVICE float reciprocalSqrt(float value) { return rsqrtf(value); }
/// x y + z, rounded once.
ACTNET_DEVICE float fma(float x, float y, float z) { return fmaf(x, y, z); }

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_DEVICE_H
