//===- Problems.h - memory problems for tests -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ACTNET_TEST_UNIT_MEMORY_PROBLEMS_H
#define ACTNET_TEST_UNIT_MEMORY_PROBLEMS_H

#include "actnet/Memory/Plan.h"

#include <random>

namespace actnet::mem {

/// A seeded problem with `count` buffers alive for up to `span` positions.
inline Problem randomProblem(uint64_t seed, size_t count, uint64_t span,
                             uint64_t positions) {
  std::mt19937_64 random(seed);
  Problem problem;
  for (size_t i = 0; i < count; ++i) {
    BufferSpec buffer;
    buffer.alignment = uint64_t(1) << (random() % 9);
    buffer.size = random() % 5000;
    buffer.first = random() % positions;
    buffer.last = buffer.first + random() % (span + 1);
    problem.buffers.push_back(buffer);
  }
  return problem;
}

} // namespace actnet::mem

#endif // ACTNET_TEST_UNIT_MEMORY_PROBLEMS_H
