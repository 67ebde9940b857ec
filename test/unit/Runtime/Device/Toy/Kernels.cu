//===- Kernels.cu - right and wrong kernels for the software GPU ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "device.h"

namespace actnet {

//===----------------------------------------------------------------------===//
// Right
//===----------------------------------------------------------------------===//

ACTNET_KERNEL(256)
addMap(const float *__restrict__ a, const float *__restrict__ b,
       float *__restrict__ c, i64 n) {
  for (int k = 0; k < 4; ++k)
    if (const i64 i = blockIndex() * 1024 + k * 256 + threadIndex(); i < n)
      c[i] = a[i] + b[i];
}
ACTNET_ENTRY(addMap)

/// Combines a value of each of 256 threads: lanes by shuffles, warps through
/// shared memory.
template <class Combine>
ACTNET_DEVICE float reduceBlock(float value, const Combine &combine) {
  ACTNET_SHARED(float, partial, 8);
  for (int mask = 16; mask > 0; mask /= 2)
    value = combine(value, shuffleXor(value, mask));
  if (threadIndex() % 32 == 0)
    partial[threadIndex() / 32] = value;
  barrier();
  float all = partial[0];
  for (int warp = 1; warp < 8; ++warp)
    all = combine(all, partial[warp]);
  barrier();
  return all;
}

ACTNET_KERNEL(256)
softmax(const float *__restrict__ in, float *__restrict__ out, i64 columns) {
  const float *row = in + blockIndex() * columns;
  float *result = out + blockIndex() * columns;
  float top = -1e30f, sum = 0;
  for (i64 c = threadIndex(); c < columns; c += 256)
    top = fmaxf(top, row[c]);
  top = reduceBlock(top, [](float x, float y) { return fmaxf(x, y); });
  for (i64 c = threadIndex(); c < columns; c += 256)
    sum += expf(row[c] - top);
  sum = reduceBlock(sum, [](float x, float y) { return x + y; });
  for (i64 c = threadIndex(); c < columns; c += 256)
    result[c] = expf(row[c] - top) / sum;
}
ACTNET_ENTRY(softmax)

/// 16x16 times 16x8 by one warp: A row-major, B as 8 rows of columns.
template <class T>
ACTNET_DEVICE void oneMma(const T *a, const T *b, float *d) {
  ACTNET_SHARED(T, tileA, 256);
  ACTNET_SHARED(T, tileB, 256);
  const int lane = threadIndex();
  copyAsync16(tileA + 8 * lane, a + 8 * lane, 16);
  copyAsync16(tileB + 8 * lane, lane < 16 ? b + 8 * lane : b, lane < 16 ? 16 : 0);
  commitCopies();
  waitCopies<0>();
  warpBarrier();
  u32 fragmentA[4], fragmentB[4];
  loadMatrix4(fragmentA, tileA + lane % 16 * 16 + lane / 16 * 8);
  loadMatrix4Transposed(fragmentB, tileB + lane % 16 * 8);
  float sums[4] = {};
  const u32 b0[2] = {fragmentB[0], fragmentB[1]};
  mma16816(sums, fragmentA, b0, T());
  for (int i = 0; i < 4; ++i)
    d[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = sums[i];
}
ACTNET_KERNEL(32)
mmaHalf(const f16 *__restrict__ a, const f16 *__restrict__ b,
        float *__restrict__ d) {
  oneMma(a, b, d);
}
ACTNET_ENTRY(mmaHalf)
ACTNET_KERNEL(32)
mmaBrain(const bf16 *__restrict__ a, const bf16 *__restrict__ b,
         float *__restrict__ d) {
  oneMma(a, b, d);
}
ACTNET_ENTRY(mmaBrain)

} // namespace actnet
