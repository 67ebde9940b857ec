//===- Verifier.h - check a plan against its problem ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Written from the definition of a plan and without a line of the planners, so
// that a mistake there is found here. Every compile and every load runs it.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_MEMORY_VERIFIER_H
#define ACTNET_MEMORY_VERIFIER_H

#include "actnet/Memory/Plan.h"
#include "actnet/Runtime/Base/Status.h"

namespace actnet::mem {

/// Checks that offsets are aligned, that every buffer ends at or before the
/// peak, that no two buffers alive at the same position overlap, and that the
/// lower bound is the largest sum of live bytes and not above the peak.
/// O(n log n). Fails with internal, naming the buffers by their indices.
Status verify(const Problem &problem, const Plan &plan);

} // namespace actnet::mem

#endif // ACTNET_MEMORY_VERIFIER_H
