//===- device.h - kernels/cuda/device.h for the software GPU --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Takes the place of kernels/cuda/device.h (same names, same include guard)
// where the kernels' text is compiled for the toy device. It is included ahead
// of the text (clang's -include), because a quoted include looks beside the
// file that asks first. kernels/toy/flags.txt has the other flags.
//
// Whatever needs other threads, or is undefined when misused, is a function of
// the engine (actnet_toy_…), which knows the block that runs. Plain accesses
// need no name: clang's -fsanitize=thread puts a call in front of each, and
// the engine takes those calls. So the image imports __tsan_… and actnet_toy_…
// and nothing else.
//
// Calls that wait for others carry the place they stand at in the text, since
// waiting together at different places is undefined on a GPU.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_DEVICE_H
#define ACTNET_KERNELS_CUDA_DEVICE_H

#define ACTNET_DEVICE inline __attribute__((always_inline))
#define ACTNET_KERNEL(threads) extern "C" __attribute__((noinline)) void
/// The engine's way into kernel NAME: reads the parameters as cuLaunchKernel's
/// kernelParams, each by its address.
#define ACTNET_ENTRY(NAME)                                                     \
  extern "C" __attribute__((visibility("default"), used,                       \
                            disable_sanitizer_instrumentation)) void           \
  actnet_run_##NAME(void *const *arguments) {                                  \
    ::actnet::toy::call(&NAME, arguments);                                     \
  }
#define ACTNET_UNROLL
/// The storage is found by the place of the declaration, once a block.
#define ACTNET_SHARED(T, name, count)                                          \
  static const char name##Place = 0;                                           \
  ::actnet::toy::Array<T, (count)> &name =                                     \
      *reinterpret_cast<::actnet::toy::Array<T, (count)> *>(                   \
          actnet_toy_shared(&name##Place, sizeof(T) * (count), #name))

// Where a call stands in the text.
#define ACTNET_TOY_PLACE                                                       \
  const char *file = __builtin_FILE_NAME(), int line = __builtin_LINE()

extern "C" {
// Who am I: constant over a thread's life, so the compiler may keep them.
long long actnet_toy_block_index() __attribute__((const));
long long actnet_toy_grid_size() __attribute__((const));
int actnet_toy_thread_index() __attribute__((const));

void *actnet_toy_shared(const void *place, unsigned long long bytes,
                        const char *name);
void *actnet_toy_dynamic_shared();

void actnet_toy_barrier(const char *file, int line);
void actnet_toy_warp_barrier(const char *file, int line);
/// kind: 0 lane `by`, 1 lane xor `by`, 2 lane + `by`.
unsigned long long actnet_toy_shuffle(unsigned long long bits, int by, int kind,
                                      const char *file, int line);
unsigned actnet_toy_ballot(bool value, const char *file, int line);
/// op: 0 add, 1 max, 2 min, 3 or; returns what was there.
unsigned long long actnet_toy_atomic(void *to, unsigned long long value, int op,
                                     int bytes, bool isSigned);

void actnet_toy_copy_async(void *shared, const void *global, int validBytes);
void actnet_toy_commit_copies();
void actnet_toy_wait_copies(int groups);
void actnet_toy_misaligned(const void *address, int bytes);

/// kind: 0 f16, 1 bf16, 2 tf32.
void actnet_toy_mma(float *d, const unsigned *a, const unsigned *b, int kind,
                    const char *file, int line);
void actnet_toy_load_matrix(unsigned *r, const void *row, bool transposed,
                            const char *file, int line);
}

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

struct f16 {
  u16 bits;
};
struct bf16 {
  u16 bits;
};

namespace toy {

template <class T, u64 N> using Array = T[N];

template <u64... I> struct Indices {};
template <class T, T... I> struct MakeIndices {
  using Type = Indices<static_cast<u64>(I)...>;
};

template <class... P, u64... I>
__attribute__((disable_sanitizer_instrumentation)) inline void
callWith(void (*kernel)(P...), void *const *arguments, Indices<I...>) {
  kernel(*static_cast<P *>(arguments[I])...);
}
template <class... P>
__attribute__((disable_sanitizer_instrumentation)) inline void
call(void (*kernel)(P...), void *const *arguments) {
  callWith(kernel, arguments,
           typename __make_integer_seq<MakeIndices, u64, sizeof...(P)>::Type());
}

template <class To, class From> inline To bitsOf(From from) {
  return __builtin_bit_cast(To, from);
}
inline float floatOfHalf(u16 half) {
  const u32 sign = static_cast<u32>(half & 0x8000) << 16, rest = half & 0x7fff;
  u32 magnitude;
  if (rest >= 0x7c00)
    magnitude = 0x7f800000 | (rest & 0x3ff) << 13;
  else if (rest >= 0x400)
    magnitude = (rest << 13) + 0x38000000;
  else
    magnitude = bitsOf<u32>(static_cast<float>(rest) * 0x1p-24f);
  return bitsOf<float>(sign | magnitude);
}
/// To nearest, ties to even; every NaN is 0x7fff, as PTX has it.
inline u16 halfOfFloat(float value) {
  const u32 bits = bitsOf<u32>(value), magnitude = bits & 0x7fffffff;
  const u32 sign = bits >> 16 & 0x8000;
  if (magnitude > 0x7f800000)
    return 0x7fff;
  if (magnitude >= 0x477ff000)
    return static_cast<u16>(sign | 0x7c00);
  if (magnitude < 0x38800000) // its last place is that of 0.5f
    return static_cast<u16>(
        sign | (bitsOf<u32>(bitsOf<float>(magnitude) + 0.5f) - 0x3f000000));
  const u32 moved = magnitude - 0x38000000;
  return static_cast<u16>(sign | (moved + 0xfff + (moved >> 13 & 1)) >> 13);
}

/// A value of 1 to 8 bytes as the bits that shuffles move, and back.
template <class T> inline u64 bitsToShuffle(T value) {
  static_assert(sizeof(T) <= 8);
  u64 bits = 0;
  __builtin_memcpy(&bits, &value, sizeof(T));
  return bits;
}
template <class T> inline T shuffledValue(u64 bits) {
  T value;
  __builtin_memcpy(&value, &bits, sizeof(T));
  return value;
}

inline void checkAligned(const void *address, int bytes) {
  if (reinterpret_cast<u64>(address) % static_cast<u64>(bytes))
    actnet_toy_misaligned(address, bytes);
}

} // namespace toy

//===----------------------------------------------------------------------===//
// Who am I
//===----------------------------------------------------------------------===//

ACTNET_DEVICE i64 blockIndex() { return actnet_toy_block_index(); }
ACTNET_DEVICE i64 gridSize() { return actnet_toy_grid_size(); }
ACTNET_DEVICE int threadIndex() { return actnet_toy_thread_index(); }

//===----------------------------------------------------------------------===//
// Together
//===----------------------------------------------------------------------===//

ACTNET_DEVICE void barrier(ACTNET_TOY_PLACE) { actnet_toy_barrier(file, line); }
ACTNET_DEVICE void warpBarrier(ACTNET_TOY_PLACE) {
  actnet_toy_warp_barrier(file, line);
}

template <class T> ACTNET_DEVICE T *dynamicShared() {
  return static_cast<T *>(actnet_toy_dynamic_shared());
}

template <class T>
ACTNET_DEVICE T shuffleXor(T value, int mask, ACTNET_TOY_PLACE) {
  return toy::shuffledValue<T>(
      actnet_toy_shuffle(toy::bitsToShuffle(value), mask, 1, file, line));
}
template <class T>
ACTNET_DEVICE T shuffleDown(T value, int delta, ACTNET_TOY_PLACE) {
  return toy::shuffledValue<T>(
      actnet_toy_shuffle(toy::bitsToShuffle(value), delta, 2, file, line));
}
template <class T>
ACTNET_DEVICE T shuffle(T value, int lane, ACTNET_TOY_PLACE) {
  return toy::shuffledValue<T>(
      actnet_toy_shuffle(toy::bitsToShuffle(value), lane, 0, file, line));
}

ACTNET_DEVICE bool anyInWarp(bool value, ACTNET_TOY_PLACE) {
  return actnet_toy_ballot(value, file, line) != 0;
}
ACTNET_DEVICE bool allInWarp(bool value, ACTNET_TOY_PLACE) {
  return actnet_toy_ballot(value, file, line) == 0xffffffffu;
}
ACTNET_DEVICE u32 ballot(bool value, ACTNET_TOY_PLACE) {
  return actnet_toy_ballot(value, file, line);
}

#define ACTNET_TOY_ATOMIC(NAME, OP)                                            \
  ACTNET_DEVICE i32 NAME(i32 *to, i32 value) {                                 \
    return static_cast<i32>(actnet_toy_atomic(                                 \
        to, static_cast<u64>(static_cast<i64>(value)), OP, 4, true));          \
  }                                                                            \
  ACTNET_DEVICE u32 NAME(u32 *to, u32 value) {                                 \
    return static_cast<u32>(actnet_toy_atomic(to, value, OP, 4, false));       \
  }                                                                            \
  ACTNET_DEVICE i64 NAME(i64 *to, i64 value) {                                 \
    return static_cast<i64>(                                                   \
        actnet_toy_atomic(to, static_cast<u64>(value), OP, 8, true));          \
  }                                                                            \
  ACTNET_DEVICE u64 NAME(u64 *to, u64 value) {                                 \
    return actnet_toy_atomic(to, value, OP, 8, false);                         \
  }
ACTNET_TOY_ATOMIC(atomicAdd, 0)
ACTNET_TOY_ATOMIC(atomicMax, 1)
ACTNET_TOY_ATOMIC(atomicMin, 2)
ACTNET_TOY_ATOMIC(atomicOr, 3)
#undef ACTNET_TOY_ATOMIC

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

struct alignas(16) Bytes16 {
  u32 v[4];
};
struct alignas(8) Bytes8 {
  u32 v[2];
};

template <class V> ACTNET_DEVICE V loadVector(const void *from) {
  toy::checkAligned(from, sizeof(V));
  return *static_cast<const V *>(from);
}
template <class V> ACTNET_DEVICE void storeVector(void *to, V value) {
  toy::checkAligned(to, sizeof(V));
  *static_cast<V *>(to) = value;
}

ACTNET_DEVICE void copyAsync16(void *shared, const void *global,
                               int validBytes) {
  actnet_toy_copy_async(shared, global, validBytes);
}
ACTNET_DEVICE void commitCopies() { actnet_toy_commit_copies(); }
template <int N> ACTNET_DEVICE void waitCopies() { actnet_toy_wait_copies(N); }

//===----------------------------------------------------------------------===//
// Matrices of a warp
//===----------------------------------------------------------------------===//

ACTNET_DEVICE void mma16816(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2],
                            f16, ACTNET_TOY_PLACE) {
  actnet_toy_mma(d, a, b, 0, file, line);
}
ACTNET_DEVICE void mma16816(float (&d)[4], const u32 (&a)[4], const u32 (&b)[2],
                            bf16, ACTNET_TOY_PLACE) {
  actnet_toy_mma(d, a, b, 1, file, line);
}
ACTNET_DEVICE void mma1688Tf32(float (&d)[4], const u32 (&a)[4],
                               const u32 (&b)[2], ACTNET_TOY_PLACE) {
  actnet_toy_mma(d, a, b, 2, file, line);
}
ACTNET_DEVICE void loadMatrix4(u32 (&r)[4], const void *sharedRow,
                               ACTNET_TOY_PLACE) {
  actnet_toy_load_matrix(r, sharedRow, false, file, line);
}
ACTNET_DEVICE void loadMatrix4Transposed(u32 (&r)[4], const void *sharedRow,
                                         ACTNET_TOY_PLACE) {
  actnet_toy_load_matrix(r, sharedRow, true, file, line);
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

ACTNET_DEVICE float toFloat(float value) { return value; }
ACTNET_DEVICE float toFloat(f16 value) { return toy::floatOfHalf(value.bits); }
ACTNET_DEVICE float toFloat(bf16 value) {
  return toy::bitsOf<float>(static_cast<u32>(value.bits) << 16);
}

template <class T> ACTNET_DEVICE T fromFloat(float value);
template <> ACTNET_DEVICE float fromFloat<float>(float value) { return value; }
template <> ACTNET_DEVICE f16 fromFloat<f16>(float value) {
  return {toy::halfOfFloat(value)};
}
template <> ACTNET_DEVICE bf16 fromFloat<bf16>(float value) {
  if (value != value)
    return {0x7fff};
  const u32 bits = toy::bitsOf<u32>(value);
  return {static_cast<u16>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}
ACTNET_DEVICE u32 toTf32(float value) {
  const u32 bits = toy::bitsOf<u32>(value);
  if ((bits & 0x7f800000) == 0x7f800000)
    return bits;
  return (bits + 0x1000) & 0xffffe000; // ties away from zero
}

ACTNET_DEVICE float floatFromBits(i32 bits) { return toy::bitsOf<float>(bits); }
ACTNET_DEVICE i32 bitsFromFloat(float value) { return toy::bitsOf<i32>(value); }
ACTNET_DEVICE float reciprocalSqrt(float value) {
  return 1.0f / __builtin_sqrtf(value);
}

// The math functions that CUDA has without a header, from the host's library.
#define ACTNET_TOY_MATH1(X)                                                    \
  X(acosf)                                                                     \
  X(acoshf)                                                                    \
  X(asinf)                                                                     \
  X(asinhf)                                                                    \
  X(atanf)                                                                     \
  X(atanhf)                                                                    \
  X(cbrtf)                                                                     \
  X(ceilf)                                                                     \
  X(cosf)                                                                      \
  X(coshf)                                                                     \
  X(erfcf)                                                                     \
  X(erff)                                                                      \
  X(exp2f)                                                                     \
  X(expf)                                                                      \
  X(expm1f)                                                                    \
  X(floorf)                                                                    \
  X(log10f)                                                                    \
  X(log1pf)                                                                    \
  X(log2f)                                                                     \
  X(logf)                                                                      \
  X(rintf)                                                                     \
  X(roundf)                                                                    \
  X(sinf)                                                                      \
  X(sinhf)                                                                     \
  X(tanf)                                                                      \
  X(tanhf)                                                                     \
  X(truncf)
#define ACTNET_TOY_MATH2(X)                                                    \
  X(atan2f)                                                                    \
  X(fmodf)                                                                     \
  X(powf)
#define X(NAME)                                                                \
  extern "C" float actnet_toy_##NAME(float) __attribute__((const));            \
  ACTNET_DEVICE float NAME(float x) { return actnet_toy_##NAME(x); }
ACTNET_TOY_MATH1(X)
#undef X
#define X(NAME)                                                                \
  extern "C" float actnet_toy_##NAME(float, float) __attribute__((const));     \
  ACTNET_DEVICE float NAME(float x, float y) { return actnet_toy_##NAME(x, y); }
ACTNET_TOY_MATH2(X)
#undef X
#define ACTNET_TOY_DOUBLE1(X)                                                  \
  X(acos)                                                                      \
  X(acosh)                                                                     \
  X(asin)                                                                      \
  X(asinh)                                                                     \
  X(atan)                                                                      \
  X(atanh)                                                                     \
  X(cbrt)                                                                      \
  X(ceil)                                                                      \
  X(cos)                                                                       \
  X(cosh)                                                                      \
  X(erfc)                                                                      \
  X(erf)                                                                       \
  X(exp2)                                                                      \
  X(exp)                                                                       \
  X(expm1)                                                                     \
  X(floor)                                                                     \
  X(log10)                                                                     \
  X(log1p)                                                                     \
  X(log2)                                                                      \
  X(log)                                                                       \
  X(rint)                                                                      \
  X(round)                                                                     \
  X(sin)                                                                       \
  X(sinh)                                                                      \
  X(tan)                                                                       \
  X(tanh)                                                                      \
  X(trunc)
#define ACTNET_TOY_DOUBLE2(X)                                                  \
  X(atan2)                                                                     \
  X(fmod)                                                                      \
  X(pow)
#define X(NAME)                                                                \
  extern "C" double actnet_toy_##NAME(double) __attribute__((const));          \
  ACTNET_DEVICE double NAME(double x) { return actnet_toy_##NAME(x); }
ACTNET_TOY_DOUBLE1(X)
#undef X
#define X(NAME)                                                                \
  extern "C" double actnet_toy_##NAME(double, double) __attribute__((const));  \
  ACTNET_DEVICE double NAME(double x, double y) {                              \
    return actnet_toy_##NAME(x, y);                                            \
  }
ACTNET_TOY_DOUBLE2(X)
#undef X
extern "C" float actnet_toy_fmaf(float, float, float) __attribute__((const));
ACTNET_DEVICE float fmaf(float x, float y, float z) {
  return actnet_toy_fmaf(x, y, z);
}
ACTNET_DEVICE float fma(float x, float y, float z) { return fmaf(x, y, z); }
ACTNET_DEVICE float sqrtf(float x) { return __builtin_sqrtf(x); }
ACTNET_DEVICE double sqrt(double x) { return __builtin_sqrt(x); }
ACTNET_DEVICE double fabs(double x) {
  return toy::bitsOf<double>(toy::bitsOf<u64>(x) & 0x7fffffffffffffff);
}
ACTNET_DEVICE double copysign(double x, double sign) {
  return toy::bitsOf<double>((toy::bitsOf<u64>(x) & 0x7fffffffffffffff) |
                             (toy::bitsOf<u64>(sign) & 0x8000000000000000));
}
ACTNET_DEVICE float rsqrtf(float x) { return reciprocalSqrt(x); }
ACTNET_DEVICE float fabsf(float x) {
  return toy::bitsOf<float>(toy::bitsOf<u32>(x) & 0x7fffffff);
}
ACTNET_DEVICE float copysignf(float x, float sign) {
  return toy::bitsOf<float>((toy::bitsOf<u32>(x) & 0x7fffffff) |
                            (toy::bitsOf<u32>(sign) & 0x80000000));
}
/// The other one where one is NaN.
ACTNET_DEVICE float fmaxf(float x, float y) {
  return x != x ? y : y != y || x > y ? x : y;
}
ACTNET_DEVICE double fmax(double x, double y) {
  return x != x ? y : y != y || x > y ? x : y;
}
ACTNET_DEVICE float fminf(float x, float y) {
  return x != x ? y : y != y || x < y ? x : y;
}
ACTNET_DEVICE double fmin(double x, double y) {
  return x != x ? y : y != y || x < y ? x : y;
}

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_DEVICE_H
