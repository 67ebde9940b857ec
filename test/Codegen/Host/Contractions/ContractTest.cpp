//===- ContractTest.cpp - products against a double reference -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KernelRunner.h"
#include "Texts.h"

#include <gtest/gtest.h>

#include <cmath>

namespace {

/// [k, n] in panels of 16 columns.
void pack(const Floats &w, int64_t k, int64_t n, Floats &panels) {
  for (int64_t i = 0; i < panels.count; ++i)
    panels[i] = 0;
  for (int64_t c = 0; c < n; ++c)
    for (int64_t r = 0; r < k; ++r)
      panels[((c / 16) * k + r) * 16 + c % 16] = w[r * n + c];
}

void check(KernelRunner &runner, const std::string &name, const MatmulText &t,
           int64_t m) {
  SCOPED_TRACE(name + " m=" + std::to_string(m) + " " + runner.schedule(name));
  constexpr int64_t kGuard = 64;
  Floats x(m * t.k, 1), w(t.k * t.n, 2), bias(t.n, 3), scale(t.k, 4),
      y(m * t.n + kGuard, 5);
  Floats panels((t.n + 15) / 16 * 16 * t.k);
  pack(w, t.k, t.n, panels);
  for (int64_t i = 0; i < y.count; ++i)
    y[i] = 12345;
  std::vector<void *> operands{x.data, t.packed ? panels.data : w.data};
  if (t.bias)
    operands.push_back(bias.data);
  if (t.prologue)
    operands.push_back(scale.data);
  operands.push_back(y.data);
  runner.run(name, operands, {m});
  double worst = 0;
  for (int64_t r = 0; r < m; ++r)
    for (int64_t c = 0; c < t.n; ++c) {
      double sum = 0, size = 1;
      for (int64_t k = 0; k < t.k; ++k) {
        double product = double(x[r * t.k + k]) * (t.prologue ? scale[k] : 1) *
                         w[k * t.n + c];
        sum += product;
        size += std::abs(product);
      }
      if (t.bias)
        sum = std::max(0.0, sum + bias[c]);
      double error = std::abs(sum - y[r * t.n + c]) / size;
      worst = std::isnan(error) ? 1e30 : std::max(worst, error);
    }
  EXPECT_LT(worst, 1e-6);
  for (int64_t i = 0; i < kGuard; ++i)
    ASSERT_EQ(y[m * t.n + i], 12345) << "written past the end";
}

void checkAll(const std::string &variant) {
  if (!KernelRunner::supports(variant))
    GTEST_SKIP() << "this machine has no " << variant;
  std::vector<MatmulText> texts = {
      {16, 8},
      {64, 64},
      {1, 5, -1, true, true},
      {17, 33, -1, true, true},
      {1000, 100, -1, true, true},
      {8, 16, -1, true, true},
      {24, 40, -1, true, true},
      {100, 700, -1, true, true},
      {48, 1024, -1, true, false},
      {264, 300, -1, true, true},
      {32, 129, -1, true, true, true},
      {40, 513, -1, false, true},
      {31, 20, -1, false, true},
      {64, 64, 49, true, true},
      {128, 256, 196, true, false},
      {16, 768, 1, true, true},
  };
  std::string all;
  for (std::size_t i = 0; i < texts.size(); ++i)
    all += matmulText("mm" + std::to_string(i), texts[i]);
  KernelRunner runner(all, variant);
  ASSERT_TRUE(runner.ok()) << runner.error();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::string name = "mm" + std::to_string(i);
    if (texts[i].m > 0) {
      check(runner, name, texts[i], texts[i].m);
      continue;
    }
    for (int64_t m : {1, 2, 3, 5, 6, 7, 14, 15, 83, 84, 85, 171})
      check(runner, name, texts[i], m);
  }
}

} // namespace

TEST(HostContract, MatchesDoubleOnAvx2) { checkAll("x86-64-v3"); }
TEST(HostContract, MatchesDoubleOnAvx512) { checkAll("x86-64-v4"); }
TEST(HostContract, MatchesDoubleOnWideTiles) { checkAll("wide"); }
