// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Kernels of the test packages, in the host's ABI. Compiled without a library.
#include <stdint.h>

enum { tileElements = 64 };

static int64_t tileEnd(int64_t tile, int64_t n) {
  int64_t end = (tile + 1) * tileElements;
  return end < n ? end : n;
}

// y[i] = 2 * x[i]; dims: n.
void scale(void *const *operands, const int64_t *dims, void *scratch,
           int64_t tile) {
  const float *x = operands[0];
  float *y = operands[1];
  for (int64_t i = tile * tileElements; i < tileEnd(tile, dims[0]); ++i)
    y[i] = 2 * x[i];
}

// y[r, c] = x[r, c] + b[c], through the thread's scratch; dims: n, columns.
void addRow(void *const *operands, const int64_t *dims, void *scratch,
            int64_t tile) {
  const float *x = operands[0];
  const float *b = operands[1];
  float *y = operands[2];
  volatile float *temporary = scratch;
  int64_t begin = tile * tileElements;
  for (int64_t i = begin; i < tileEnd(tile, dims[0]); ++i)
    temporary[i - begin] = b[i % dims[1]];
  for (int64_t i = begin; i < tileEnd(tile, dims[0]); ++i)
    y[i] = x[i] + temporary[i - begin];
}

// z[i] = x[i] + y[i], which may be one of them; dims: n.
void add(void *const *operands, const int64_t *dims, void *scratch,
         int64_t tile) {
  const float *x = operands[0];
  const float *y = operands[1];
  float *z = operands[2];
  for (int64_t i = tile * tileElements; i < tileEnd(tile, dims[0]); ++i)
    z[i] = x[i] + y[i];
}

// y[i] += (float)*counter; dims: n.
void addCounter(void *const *operands, const int64_t *dims, void *scratch,
                int64_t tile) {
  const int64_t *counter = operands[0];
  float *y = operands[1];
  for (int64_t i = tile * tileElements; i < tileEnd(tile, dims[0]); ++i)
    y[i] += (float)*counter;
}

// flag = y[0] < 100.
void below100(void *const *operands, const int64_t *dims, void *scratch,
              int64_t tile) {
  *(uint8_t *)operands[1] = *(const float *)operands[0] < 100;
}

// y[n, m] = sum of x[n, k] w[k, m]; dims: n, k, m.
void dense(void *const *operands, const int64_t *dims, void *scratch,
           int64_t tile) {
  const float *x = operands[0];
  const float *w = operands[1];
  float *y = operands[2];
  for (int64_t i = tile * tileElements; i < tileEnd(tile, dims[0] * dims[2]);
       ++i) {
    float sum = 0;
    for (int64_t k = 0; k < dims[1]; ++k)
      sum += x[i / dims[2] * dims[1] + k] * w[k * dims[2] + i % dims[2]];
    y[i] = sum;
  }
}

// Writes as many bytes as dims[0] says, whatever the plan says.
void touch(void *const *operands, const int64_t *dims, void *scratch,
           int64_t tile) {
  volatile char *y = operands[1];
  for (int64_t i = 0; i < dims[0]; i += 4096)
    y[i] = 1;
}
