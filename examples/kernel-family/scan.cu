//===- scan.cu - one kernel of the family ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the compiler would print for running sums of x * x: a functor that reads
// an element, one that writes it, and the entry.
//
//===----------------------------------------------------------------------===//

#include "scan.cuh"

namespace actnet {

ACTNET_KERNEL(kScanThreads)
runningSquares(const float *__restrict__ in0, float *__restrict__ out0,
               i64 d0) {
  const float *row = in0 + blockIndex() * d0;
  float *result = out0 + blockIndex() * d0;
  scanRow(
      d0, [&](i64 c) { return row[c] * row[c]; },
      [&](i64 c, float sum) { result[c] = sum; });
}
ACTNET_ENTRY(runningSquares)

} // namespace actnet
