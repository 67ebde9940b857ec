//===- AttentionTest.cpp - attention against a double reference -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KernelRunner.h"
#include "Texts.h"

#include <gtest/gtest.h>

#include <cmath>

namespace {

struct Case {
  AttentionText text;
  int64_t s, t; ///< Where dynamic.
};

void check(KernelRunner &runner, const std::string &name, const Case &c,
           int64_t n) {
  const AttentionText &t = c.text;
  SCOPED_TRACE(name + " n=" + std::to_string(n) + " " + runner.schedule(name));
  int64_t s = t.s < 0 ? c.s : t.s, keys = t.t < 0 ? c.t : t.t;
  int64_t kv = t.kvHeads ? t.kvHeads : t.heads, group = t.heads / kv,
          size = n * s * t.heads * t.e;
  Floats q(n * s * t.heads * t.d, 1), k(n * keys * kv * t.d, 2),
      v(n * keys * kv * t.e, 3);
  Floats mask(n * keys, 4), y(size + 64, 5);
  for (int64_t i = 0; i < q.count; ++i)
    q[i] *= 4;
  for (int64_t i = 0; i < mask.count; ++i)
    mask[i] = i % 5 == 0 ? -INFINITY : mask[i] * 3;
  for (int64_t i = 0; i < y.count; ++i)
    y[i] = 12345;
  std::vector<void *> operands{q.data, k.data, v.data};
  if (t.mask)
    operands.push_back(mask.data);
  operands.push_back(y.data);
  std::vector<int64_t> dims{n};
  if (t.s < 0)
    dims.push_back(s);
  if (t.t < 0)
    dims.push_back(keys);
  runner.run(name, operands, dims);
  double worst = 0;
  std::vector<double> p(keys);
  for (int64_t b = 0; b < n; ++b)
    for (int64_t h = 0; h < t.heads; ++h)
      for (int64_t i = 0; i < s; ++i) {
        double biggest = -INFINITY, sum = 0;
        int64_t end = t.causal ? std::min(keys, i + keys - s + 1) : keys;
        for (int64_t j = 0; j < end; ++j) {
          double dot = 0;
          for (int64_t d = 0; d < t.d; ++d)
            dot += double(q[((b * s + i) * t.heads + h) * t.d + d]) *
                   k[((b * keys + j) * kv + h / group) * t.d + d];
          p[j] = dot * 0.125 + (t.mask ? mask[b * keys + j] : 0);
          biggest = std::max(biggest, p[j]);
        }
        for (int64_t j = 0; j < end; ++j)
          sum += p[j] = std::exp(p[j] - biggest);
        for (int64_t x = 0; x < t.e; ++x) {
          double out = 0;
          for (int64_t j = 0; j < end; ++j)
            out += p[j] * v[((b * keys + j) * kv + h / group) * t.e + x];
          double error =
              std::abs(out / sum - y[((b * s + i) * t.heads + h) * t.e + x]);
          worst = std::isnan(error) ? 1e30 : std::max(worst, error);
        }
      }
  EXPECT_LT(worst, 3e-6);
  for (int64_t i = 0; i < 64; ++i)
    ASSERT_EQ(y[size + i], 12345) << "written past the end";
}

void checkAll(const std::string &variant) {
  if (!KernelRunner::supports(variant))
    GTEST_SKIP() << "this machine has no " << variant;
  std::vector<Case> cases = {
      {{.heads = 2, .d = 64, .e = 64, .s = 16, .t = 16}, 0, 0},
      {{.heads = 3, .d = 64, .e = 64, .s = 19, .t = 37}, 0, 0},
      {{.heads = 2, .d = 20, .e = 36, .s = 7, .t = 13, .mask = true}, 0, 0},
      {{.heads = 4,
        .d = 32,
        .e = 16,
        .s = 33,
        .t = 33,
        .kvHeads = 2,
        .causal = true},
       0,
       0},
      {{.heads = 1,
        .d = 5,
        .e = 3,
        .s = 9,
        .t = 11,
        .mask = true,
        .causal = true},
       0,
       0},
      {{.heads = 1, .d = 64, .e = 64, .s = 300, .t = 700, .causal = true},
       0,
       0},
      {{.heads = 2, .d = 16, .e = 48, .mask = true}, 1, 600},
      {{.heads = 2, .d = 16, .e = 24, .causal = true}, 270, 270},
      {{.heads = 2, .d = 16, .e = 16, .causal = true}, 1, 65},
  };
  std::string all;
  for (std::size_t i = 0; i < cases.size(); ++i)
    all += attentionText("at" + std::to_string(i), cases[i].text);
  KernelRunner runner(all, variant);
  ASSERT_TRUE(runner.ok()) << runner.error();
  for (std::size_t i = 0; i < cases.size(); ++i)
    for (int64_t n : {1, 2})
      check(runner, "at" + std::to_string(i), cases[i], n);
}

} // namespace

TEST(HostAttention, MatchesDoubleOnAvx2) { checkAll("x86-64-v3"); }
TEST(HostAttention, MatchesDoubleOnAvx512) { checkAll("x86-64-v4"); }
TEST(HostAttention, MatchesDoubleOnWideTiles) { checkAll("wide"); }
