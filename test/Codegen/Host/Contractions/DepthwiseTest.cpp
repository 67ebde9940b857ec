//===- DepthwiseTest.cpp - depthwise against a double reference -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KernelRunner.h"
#include "Texts.h"

#include <gtest/gtest.h>

#include <cmath>

namespace {

void check(KernelRunner &runner, const std::string &name,
           const DepthwiseText &t, int64_t n) {
  SCOPED_TRACE(name + " n=" + std::to_string(n) + " " + runner.schedule(name));
  int64_t oh = t.outH(), ow = t.outW(), size = n * oh * ow * t.c;
  Floats x(n * t.h * t.w * t.c, 1), w(t.k * t.k * t.c, 2), bias(t.c, 3),
      y(size + 64, 5);
  for (int64_t i = 0; i < y.count; ++i)
    y[i] = 12345;
  runner.run(name, {x.data, w.data, bias.data, y.data}, {n});
  double worst = 0;
  for (int64_t i = 0; i < size; ++i) {
    int64_t c = i % t.c, xx = i / t.c % ow, yy = i / t.c / ow % oh,
            b = i / t.c / ow / oh;
    double sum = 0;
    for (int64_t ky = 0; ky < t.k; ++ky)
      for (int64_t kx = 0; kx < t.k; ++kx) {
        int64_t iy = yy * t.stride + ky - t.pad,
                ix = xx * t.stride + kx - t.pad;
        if (iy >= 0 && iy < t.h && ix >= 0 && ix < t.w)
          sum += double(x[((b * t.h + iy) * t.w + ix) * t.c + c]) *
                 w[(ky * t.k + kx) * t.c + c];
      }
    double error = std::abs(std::max(0.0, sum + bias[c]) - y[i]);
    worst = std::isnan(error) ? 1e30 : std::max(worst, error);
  }
  EXPECT_LT(worst, 1e-5);
  for (int64_t i = 0; i < 64; ++i)
    ASSERT_EQ(y[size + i], 12345) << "written past the end";
}

void checkAll(const std::string &variant) {
  if (!KernelRunner::supports(variant))
    GTEST_SKIP() << "this machine has no " << variant;
  std::vector<DepthwiseText> texts = {
      {.h = 7, .w = 7, .c = 16},
      {.h = 14, .w = 13, .c = 48, .stride = 2},
      {.h = 9, .w = 11, .c = 24},
      {.h = 9, .w = 11, .c = 3},
      {.h = 9, .w = 11, .c = 37, .k = 5, .pad = 2},
      {.h = 12, .w = 15, .c = 40, .k = 5, .stride = 2, .pad = 2},
      {.h = 2, .w = 2, .c = 32, .k = 5, .pad = 2},
      {.h = 1, .w = 40, .c = 32, .k = 3},
      {.h = 9, .w = 9, .c = 16, .pad = 0},
      {.h = 33, .w = 8, .c = 96, .stride = 2, .pad = 0},
  };
  std::string all;
  for (std::size_t i = 0; i < texts.size(); ++i)
    all += depthwiseText("dw" + std::to_string(i), texts[i]);
  KernelRunner runner(all, variant);
  ASSERT_TRUE(runner.ok()) << runner.error();
  for (std::size_t i = 0; i < texts.size(); ++i)
    for (int64_t n : {1, 2, 3})
      check(runner, "dw" + std::to_string(i), texts[i], n);
}

} // namespace

TEST(HostDepthwise, MatchesDoubleOnAvx2) { checkAll("x86-64-v3"); }
TEST(HostDepthwise, MatchesDoubleOnAvx512) { checkAll("x86-64-v4"); }
TEST(HostDepthwise, MatchesDoubleOnWideTiles) { checkAll("wide"); }
