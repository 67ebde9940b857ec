//===- FamiliesTest.cpp - chosen kernels on the software GPU --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Kernels.h"
#include "ToyRunner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

using namespace actnet;
using namespace actnet::testing;

static ToyKernels &kernels() {
  static ToyKernels all(cudaKernels());
  return all;
}

/// Runs a kernel for several dims, aligned and not.
static void check(llvm::StringRef name,
                  const std::vector<std::vector<int64_t>> &sizes, double lo,
                  double hi, double tolerance,
                  const Reference &reference = {}) {
  ASSERT_EQ(kernels().error, "");
  unsigned seed = 1;
  for (const std::vector<int64_t> &dims : sizes)
    for (bool isUnaligned : {false, true})
      EXPECT_EQ(kernels().check(name,
                                {dims, ++seed, lo, hi, tolerance, isUnaligned},
                                reference),
                "")
          << name.str() << " " << ::testing::PrintToString(dims)
          << (isUnaligned ? " unaligned" : "");
}

TEST(Families, Maps) {
  check("scale_relu", {{1}, {20}, {21}, {100}}, -2, 2, 1e-6);
  check("gelu_half", {{}}, -4, 4, 2e-3);
  check("pad_choose", {{1}, {85}, {86}, {300}}, -3, 3, 1e-2);
  check("reshaped", {{1, 1}, {3, 70}}, -2, 2, 1e-6);
}

TEST(Families, Integers) {
  // x / 0 is x and leaves 0; comparisons without a sign; a gather is clamped.
  auto reference = [](const std::vector<Tensor> &operands) {
    std::vector<Tensor> results(3, operands[0]);
    bool hasZero = false, hasCarry = false;
    for (int64_t e = 0; e < operands[0].size(); ++e) {
      auto a = static_cast<int32_t>(operands[0].data[e]);
      auto b = static_cast<int32_t>(operands[1].data[e]);
      hasZero |= b == 0;
      int32_t quotient = b ? std::floor(double(a) / b) : a;
      int32_t sum = quotient * 8 + (b ? a % b : 0);
      bool less = static_cast<uint32_t>(a) < static_cast<uint32_t>(b);
      hasCarry |= less;
      results[0].data[e] = sum + less;
      results[1].data[e] = static_cast<int8_t>(sum);
      results[2].data[e] =
          operands[2].data[std::clamp(a < 0 ? a + 7 : a, 0, 6)];
    }
    EXPECT_TRUE(hasZero && hasCarry);
    return results;
  };
  check("integers", {{}}, -9, 9, 0, reference);
}

TEST(Families, Scatters) {
  check("scatter_rows", {{0, 9}, {1, 1}, {7, 33}, {40, 300}}, -40, 40, 1e-5);
  check("scatter_elements", {{1}, {3}, {65}}, -5, 5, 1e-2);
  // Several blocks share the rows.
  check("scatter_long", {{1}, {4096}, {9000}}, -9999, 9999, 0);
}

TEST(Families, Rows) {
  check("softmax", {{1}, {3}}, -20, 20, 1e-6);
  check("layer_norm", {{1, 2}, {2, 31}, {3, 256}, {2, 257}, {2, 9000}}, -2, 2,
        2e-3);
  check("ranges", {{}}, -1000, 1000, 0);
}
