//===- ConvTest.cpp - convolutions against a double reference -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KernelRunner.h"
#include "Texts.h"

#include <gtest/gtest.h>

#include <cmath>

namespace {

void check(KernelRunner &runner, const std::string &name, const ConvText &t,
           int64_t n) {
  SCOPED_TRACE(name + " n=" + std::to_string(n) + " " + runner.schedule(name));
  int64_t g = t.groups, oh = t.outH(), ow = t.outW(), panels = (t.o + 15) / 16;
  Floats x(n * t.h * t.w * g * t.i, 1),
      w(g * panels * t.kh * t.kw * t.i * 16, 2);
  Floats bias(g * t.o, 3), res(n * oh * ow * g * t.o, 4),
      y(n * oh * ow * g * t.o + 64, 5);
  for (int64_t i = 0; i < y.count; ++i)
    y[i] = 12345;
  // Panels are zero-filled at the end.
  for (int64_t gi = 0; gi < g; ++gi)
    for (int64_t o = t.o; o < panels * 16; ++o)
      for (int64_t k = 0; k < t.kh * t.kw * t.i; ++k)
        w[((gi * panels + o / 16) * t.kh * t.kw * t.i + k) * 16 + o % 16] = 0;
  std::vector<void *> operands{x.data, w.data};
  if (t.bias)
    operands.insert(operands.end(), {bias.data, res.data});
  operands.push_back(y.data);
  runner.run(name, operands, {n});
  double worst = 0;
  for (int64_t b = 0; b < n; ++b)
    for (int64_t yy = 0; yy < oh; ++yy)
      for (int64_t xx = 0; xx < ow; ++xx)
        for (int64_t gi = 0; gi < g; ++gi)
          for (int64_t o = 0; o < t.o; ++o) {
            double sum = 0, size = 1;
            for (int64_t a = 0; a < t.kh; ++a)
              for (int64_t c = 0; c < t.kw; ++c) {
                int64_t iy = yy * t.stride + a * t.dilation - t.pad;
                int64_t ix = xx * t.stride + c * t.dilation - t.pad;
                if (iy < 0 || iy >= t.h || ix < 0 || ix >= t.w)
                  continue;
                for (int64_t i = 0; i < t.i; ++i) {
                  double p =
                      double(
                          x[(((b * t.h + iy) * t.w + ix) * g + gi) * t.i + i]) *
                      w[((((gi * panels + o / 16) * t.kh + a) * t.kw + c) *
                             t.i +
                         i) *
                            16 +
                        o % 16];
                  sum += p;
                  size += std::abs(p);
                }
              }
            int64_t at = (((b * oh + yy) * ow + xx) * g + gi) * t.o + o;
            if (t.bias)
              sum = std::max(0.0, sum + bias[gi * t.o + o] + res[at]);
            double error = std::abs(sum - y[at]) / size;
            worst = std::isnan(error) ? 1e30 : std::max(worst, error);
          }
  EXPECT_LT(worst, 1e-6);
  for (int64_t i = 0; i < 64; ++i)
    ASSERT_EQ(y[n * oh * ow * g * t.o + i], 12345) << "written past the end";
}

void checkAll(const std::string &variant) {
  if (!KernelRunner::supports(variant))
    GTEST_SKIP() << "this machine has no " << variant;
  std::vector<ConvText> texts = {
      {.h = 7, .w = 7, .i = 16, .o = 16},
      {.h = 9, .w = 11, .i = 40, .o = 24},
      {.h = 14, .w = 14, .i = 64, .o = 64, .stride = 2},
      {.h = 7, .w = 9, .i = 300, .o = 33},
      {.h = 13, .w = 13, .i = 8, .o = 17, .kh = 5, .kw = 3, .pad = 2},
      {.h = 21,
       .w = 19,
       .i = 3,
       .o = 64,
       .kh = 7,
       .kw = 7,
       .stride = 2,
       .pad = 0},
      {.h = 21,
       .w = 19,
       .i = 3,
       .o = 64,
       .kh = 7,
       .kw = 7,
       .stride = 2,
       .pad = 3},
      {.h = 12, .w = 12, .i = 64, .o = 100, .kh = 1, .kw = 1, .pad = 0},
      {.h = 12,
       .w = 12,
       .i = 64,
       .o = 48,
       .kh = 1,
       .kw = 1,
       .stride = 2,
       .pad = 0},
      {.h = 12, .w = 12, .i = 24, .o = 20, .pad = 2, .dilation = 2},
      {.h = 8, .w = 8, .i = 12, .o = 20, .groups = 3},
      {.h = 8, .w = 8, .i = 16, .o = 16, .bias = false},
      {.h = 8, .w = 8, .i = 1, .o = 16},
  };
  std::string all;
  for (std::size_t i = 0; i < texts.size(); ++i)
    all += convText("conv" + std::to_string(i), texts[i]);
  KernelRunner runner(all, variant);
  ASSERT_TRUE(runner.ok()) << runner.error();
  for (std::size_t i = 0; i < texts.size(); ++i)
    for (int64_t n : {1, 2})
      check(runner, "conv" + std::to_string(i), texts[i], n);
}

} // namespace

TEST(HostConv, MatchesDoubleOnAvx2) { checkAll("x86-64-v3"); }
TEST(HostConv, MatchesDoubleOnAvx512) { checkAll("x86-64-v4"); }
TEST(HostConv, MatchesDoubleOnWideTiles) { checkAll("wide"); }
