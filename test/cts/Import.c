/*===- Import.c - an image that must be refused: it imports a function ------===
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *===----------------------------------------------------------------------===*/
#include <stdint.h>

extern void elsewhere(void);
void add(void *const *operands, const int64_t *dims, void *scratch,
         int64_t tile);
void add(void *const *operands, const int64_t *dims, void *scratch,
         int64_t tile) {
  (void)operands, (void)dims, (void)scratch, (void)tile;
  elsewhere();
}
