// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernels of the test packages, as CUDA text: kernels.c, a block for a tile.
#include "device.h"

namespace actnet {

constexpr i64 tileElements = 64;

/// The element that this thread owns.
ACTNET_DEVICE i64 element() {
  return blockIndex() * tileElements + threadIndex();
}

// y[i] = 2 * x[i].
ACTNET_KERNEL(64) scale(const float *__restrict__ x, float *__restrict__ y,
                        i64 n) {
  if (element() < n)
    y[element()] = 2 * x[element()];
}
ACTNET_ENTRY(scale)

// y[r, c] = x[r, c] + b[c].
ACTNET_KERNEL(64) addRow(const float *__restrict__ x,
                         const float *__restrict__ b, float *__restrict__ y,
                         i64 n, i64 columns) {
  if (element() < n)
    y[element()] = x[element()] + b[element() % columns];
}
ACTNET_ENTRY(addRow)

// z[i] = x[i] + y[i], which may be one of them.
ACTNET_KERNEL(64) add(const float *x, const float *y, float *z, i64 n) {
  if (element() < n)
    z[element()] = x[element()] + y[element()];
}
ACTNET_ENTRY(add)

// y[i] += (float)*counter.
ACTNET_KERNEL(64) addCounter(const i64 *counter, float *y, i64 n) {
  if (element() < n)
    y[element()] += float(*counter);
}
ACTNET_ENTRY(addCounter)

// flag = y[0] < 100.
ACTNET_KERNEL(64) below100(const float *y, u8 *flag) {
  if (threadIndex() == 0)
    *flag = y[0] < 100;
}
ACTNET_ENTRY(below100)

// y[n, m] = sum of x[n, k] w[k, m].
ACTNET_KERNEL(64) dense(const float *__restrict__ x,
                        const float *__restrict__ w, float *__restrict__ y,
                        i64 n, i64 inner, i64 m) {
  if (element() < n * m) {
    float sum = 0;
    for (i64 k = 0; k < inner; ++k)
      sum += x[element() / m * inner + k] * w[k * m + element() % m];
    y[element()] = sum;
  }
}
ACTNET_ENTRY(dense)

// Writes as many bytes as it is told, whatever the plan says.
ACTNET_KERNEL(64) touch(const float *, char *y, i64 n) {
  if (threadIndex() == 0)
    for (i64 i = 0; i < n; i += 4096)
      y[i] = 1;
}
ACTNET_ENTRY(touch)

} // namespace actnet
