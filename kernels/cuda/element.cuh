//===- element.cuh - results that are computed one by one -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What products and attention become where no tile fits them: results that are
// no rearrangement of the product, heads that are too large or not known.
//
//   block    256 elements in a row, counted through all results
//   warp     32 of them: neighbouring lanes write neighbouring elements
//   thread   one element, with all that it is made of
//
// Nothing is shared and nobody waits; what several elements have in common is
// computed for each of them again.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_ELEMENT_CUH
#define ACTNET_KERNELS_CUDA_ELEMENT_CUH

#include "scalar.h"

namespace actnet {

inline constexpr int kElementThreads = 256;

/// Calls element(i) for this thread's element. Behind the last one it must do
/// nothing.
template <class Element>
ACTNET_DEVICE void elementTile(const Element &element) {
  element(blockIndex() * kElementThreads + threadIndex());
}

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_ELEMENT_CUH
