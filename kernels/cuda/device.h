//===- device.h - the GPU as kernels see it -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel is started as a grid of blocks; a block is kThreads threads that
// share memory and can wait for each other; 32 threads with neighbouring
// indices are a warp, whose lanes can read each other's registers.
//
//   grid     all tiles of a launch: blocks never wait for each other
//   block    one tile: shared memory, barrier()
//   warp     32 lanes: shuffleXor()
//   thread   registers
//
// Everything that a kernel asks of the GPU stands here and nowhere else: what
// runs kernels without a GPU replaces this one file. It includes nothing, so
// that NVRTC needs no headers but ours; the two conversions of narrow floats
// are therefore single PTX instructions.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_DEVICE_H
#define ACTNET_KERNELS_CUDA_DEVICE_H

/// A function that runs on the device.
#define ACTNET_DEVICE __device__ __forceinline__
/// A kernel of the given threads a block, as C would name it.
#define ACTNET_KERNEL(threads)                                                 \
  extern "C" __global__ void __launch_bounds__(threads)
/// A variable that all threads of a block have in common.
#define ACTNET_SHARED __shared__

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

//===----------------------------------------------------------------------===//
// Who am I
//===----------------------------------------------------------------------===//

/// The tile of this block, in [0, tiles).
ACTNET_DEVICE i64 blockIndex() { return blockIdx.x; }
/// This thread within its block; threads 32 w to 32 w + 31 are warp w.
ACTNET_DEVICE int threadIndex() { return static_cast<int>(threadIdx.x); }

//===----------------------------------------------------------------------===//
// Together
//===----------------------------------------------------------------------===//

/// Waits for all threads of the block; what they wrote before is seen after.
ACTNET_DEVICE void barrier() { __syncthreads(); }

/// The value of the lane whose number differs in the bits of `mask`. All lanes
/// of the warp must take part. It orders no memory.
template <class T> ACTNET_DEVICE T shuffleXor(T value, int mask) {
  if constexpr (sizeof(T) < 4)
    return static_cast<T>(
        __shfl_xor_sync(0xffffffffu, static_cast<int>(value), mask));
  else
    return __shfl_xor_sync(0xffffffffu, value, mask);
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

/// IEEE half precision and bfloat16 as they lie in memory; they are computed
/// with as float.
struct f16 {
  u16 bits;
};
struct bf16 {
  u16 bits;
};

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

ACTNET_DEVICE float floatFromBits(i32 bits) { return __int_as_float(bits); }
ACTNET_DEVICE i32 bitsFromFloat(float value) { return __float_as_int(value); }
/// 1 / sqrt(x), within 2 ulp.
ACTNET_DEVICE float reciprocalSqrt(float value) { return rsqrtf(value); }

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_DEVICE_H
