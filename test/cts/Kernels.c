/*===- Kernels.c - the kernels that the conformance suite launches ----------===
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Compiled by themselves into an image of the agreed form: no imports, only
 * relative relocations. LEVEL says for which processors, so that a test sees
 * which image was taken.
 *===----------------------------------------------------------------------===*/
#include <stdint.h>

#define KERNEL(name)                                                           \
  void name(void *const *operands, const int64_t *dims, void *scratch,         \
            int64_t tile);                                                     \
  void name(void *const *operands, const int64_t *dims, void *scratch,         \
            int64_t tile)
#define UNUSED(x) ((void)(x))

/* a + b -> c over dims[0] floats, dims[1] a tile. */
KERNEL(add) {
  const float *a = operands[0], *b = operands[1];
  float *c = operands[2];
  int64_t end = (tile + 1) * dims[1];
  UNUSED(scratch);
  for (int64_t i = tile * dims[1]; i < end && i < dims[0]; ++i)
    c[i] = a[i] + b[i];
}

/* Counts each tile in a word of its own. */
KERNEL(count) {
  uint32_t *counts = operands[0];
  UNUSED(dims);
  UNUSED(scratch);
  counts[tile] += 1;
}

/* Fills dims[0] bytes of scratch with the tile's number, dims[1] times over,
 * and writes how many it finds changed by somebody else. */
KERNEL(useScratch) {
  volatile unsigned char *mine = scratch;
  uint32_t *changed = operands[0], found = 0;
  for (int64_t round = 0; round < dims[1]; ++round) {
    for (int64_t i = 0; i < dims[0]; ++i)
      mine[i] = (unsigned char)(tile + round);
    for (int64_t i = 0; i < dims[0]; ++i)
      found += mine[i] != (unsigned char)(tile + round);
  }
  changed[tile] = found + (((uintptr_t)scratch % 64) != 0);
}

static int64_t increment(int64_t x) { return x + 1; }
static int64_t twice(int64_t x) { return x * 2; }
static int64_t (*const table[])(int64_t) = {increment, twice};

/* Applies function dims[0] of a table, which takes a relocation, dims[1]
 * times to one word. */
KERNEL(apply) {
  volatile int64_t *word = operands[0];
  UNUSED(scratch);
  UNUSED(tile);
  for (int64_t i = 0; i < dims[1]; ++i)
    *word = table[dims[0] & 1](*word);
}

/* word = word * dims[0] + dims[1]; order matters. */
KERNEL(step) {
  uint64_t *word = operands[0];
  UNUSED(scratch);
  UNUSED(tile);
  *word = *word * (uint64_t)dims[0] + (uint64_t)dims[1];
}

/* Writes the level it was compiled for. */
KERNEL(level) {
  UNUSED(dims);
  UNUSED(scratch);
  UNUSED(tile);
  *(uint32_t *)operands[0] = LEVEL;
}

/* Never launched on a device where it would do harm. */
KERNEL(stray) {
  UNUSED(scratch);
  UNUSED(tile);
  ((volatile uint32_t *)operands[0])[dims[0]] = 1;
}
