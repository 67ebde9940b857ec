//===- Generate.h - kernels by chance -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Texts of kernels of each family, from a seed: element types, which dims are
// dynamic, how operands are read, what is computed. The same seed gives the
// same text.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_TEST_UNIT_CODEGEN_CUDA_GENERATE_H
#define ACTNET_TEST_UNIT_CODEGEN_CUDA_GENERATE_H

#include <cstdint>
#include <string>
#include <vector>

namespace actnet::testing {

/// A kernel and how to run it.
struct Generated {
  std::string name, text;
  /// Values for d0, d1 …, several times.
  std::vector<std::vector<int64_t>> dims;
  double lo = -2, hi = 2, tolerance = 1e-5;
};

Generated generateMap(unsigned seed);
Generated generateReduce(unsigned seed);
Generated generateRow(unsigned seed);
Generated generateWindow(unsigned seed);
Generated generateScatter(unsigned seed);

} // namespace actnet::testing

#endif // ACTNET_TEST_UNIT_CODEGEN_CUDA_GENERATE_H
