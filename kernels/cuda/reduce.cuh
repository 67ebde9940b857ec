//===- reduce.cuh - reductions whose results lie side by side -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where neighbouring results come from neighbouring elements, each thread
// computes V neighbouring results, and several threads share the elements of
// one result, S stripes of them. (Where the elements of one result are
// neighbours, row.cuh reduces them.)
//
//   block    W V results in a row, W S threads: tile b has b * W V and on
//   warp     32 accesses side by side, where W is 32 or more
//   thread   V results and the elements s, s + S, s + 2 S … of each, combined
//            in that order
//
// The stripes of a result are combined in shared memory, one after the other,
// by the threads of stripe 0, which write. So the bits depend on nothing but
// the shape. With one stripe nothing is shared and nobody waits.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_KERNELS_CUDA_REDUCE_CUH
#define ACTNET_KERNELS_CUDA_REDUCE_CUH

#include "vector.h"

namespace actnet {

/// One thread's part of a tile of W vectors and S stripes. All threads of the
/// block must make the same calls, also those without results.
template <int W, int S> struct Stripe {
  static constexpr int kWidth = W, kStripes = S;
  int own, column;
  bool isInside;
  /// True for the one thread that writes these results.
  ACTNET_DEVICE bool writes() const { return isInside && own == 0; }
};

/// Calls element(r) for the elements r < count of a stripe.
template <class Stripe, class Element>
ACTNET_DEVICE void eachElement(const Stripe &stripe, i64 count,
                               const Element &element) {
  if (stripe.isInside)
    for (i64 r = stripe.own; r < count; r += Stripe::kStripes)
      element(r);
}

/// Combines the V values of all stripes; stripe 0 gets them.
template <class Combine, class Stripe, class T, int V>
ACTNET_DEVICE void combineStripes(const Stripe &stripe, T (&values)[V]) {
  if constexpr (Stripe::kStripes != 1) {
    ACTNET_SHARED(T, partial, Stripe::kStripes * Stripe::kWidth * V);
    ACTNET_UNROLL
    for (int k = 0; k < V; ++k)
      partial[(stripe.own * V + k) * Stripe::kWidth + stripe.column] =
          values[k];
    barrier();
    if (stripe.own == 0)
      for (int s = 1; s < Stripe::kStripes; ++s) {
        ACTNET_UNROLL
        for (int k = 0; k < V; ++k)
          values[k] = Combine::combine(
              values[k], partial[(s * V + k) * Stripe::kWidth + stripe.column]);
      }
    // The next call may use the same shared memory.
    barrier();
  }
}

/// Calls results.run<V>(stripe, i) for the V results from i on; one by one
/// where accesses must not be wide.
template <int V, int W, int S, class Results>
ACTNET_DEVICE void reduceTile(const Results &results, i64 count, bool isWide) {
  Stripe<W, S> stripe;
  stripe.own = threadIndex() / W;
  stripe.column = threadIndex() % W;
  const i64 first = blockIndex() * (W * V);
  if (V != 1 && isWide) {
    const i64 i = first + stripe.column * V;
    stripe.isInside = i < count;
    results.template run<V>(stripe, i);
  } else {
    for (int n = 0; n < V; ++n) {
      const i64 i = first + n * W + stripe.column;
      stripe.isInside = i < count;
      results.template run<1>(stripe, i);
    }
  }
}

} // namespace actnet

#endif // ACTNET_KERNELS_CUDA_REDUCE_CUH
