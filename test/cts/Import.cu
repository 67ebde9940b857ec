//===- Import.cu - an image that must be refused: it imports a function ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "device.h"

extern "C" __attribute__((visibility("default"))) void elsewhere();

namespace actnet {
ACTNET_KERNEL(32) add(float *sum) {
  elsewhere();
  *sum = 0;
}
ACTNET_ENTRY(add)
} // namespace actnet
