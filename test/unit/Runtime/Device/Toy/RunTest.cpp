//===- RunTest.cpp - right kernels compute what they should ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Images.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

using namespace actnet;
using namespace actnet::rt::toy;
using namespace actnet::rt::toy::testing;

namespace {

uint16_t brainOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, 4);
  return uint16_t(bits >> 16);
}
uint16_t halfOf(float value) {
  auto half = static_cast<_Float16>(value);
  uint16_t bits;
  std::memcpy(&bits, &half, 2);
  return bits;
}

} // namespace

TEST(ToyRun, Map) {
  for (unsigned threads : {1u, 3u}) {
    Bench bench(7, threads);
    const int64_t n = 5000;
    std::vector<float> a(n), b(n);
    std::iota(a.begin(), a.end(), 0.0f);
    std::iota(b.begin(), b.end(), 100.0f);
    bench.in(a);
    bench.in(b);
    float *c = bench.out<float>(n);
    Status status = bench.run("addMap", (n + 1023) / 1024, 256, {n});
    ASSERT_TRUE(status) << status.str();
    for (int64_t i = 0; i < n; ++i)
      ASSERT_EQ(c[i], a[i] + b[i]);
    EXPECT_TRUE(bench.engine.checkReadable(c, n * 4));
  }
}

TEST(ToyRun, Rows) {
  for (uint64_t seed : {1, 2, 3, 4, 5}) {
    Bench bench(seed, 2);
    const int64_t rows = 7, columns = 300;
    std::vector<float> x(rows * columns);
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = float((i * 37) % 101) / 10;
    bench.in(x);
    float *y = bench.out<float>(x.size());
    Status status = bench.run("softmax", rows, 256, {columns});
    ASSERT_TRUE(status) << status.str();
    for (int64_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (int64_t c = 0; c < columns; ++c)
        sum += std::exp(double(x[r * columns + c]));
      for (int64_t c = 0; c < columns; ++c)
        ASSERT_NEAR(y[r * columns + c],
                    std::exp(double(x[r * columns + c])) / sum, 1e-6);
    }
  }
}

TEST(ToyRun, MatricesOfAWarp) {
  for (bool brain : {false, true}) {
    Bench bench;
    std::vector<uint16_t> a(256), b(128);
    std::vector<float> af(256), bf(128);
    for (int i = 0; i < 256; ++i)
      af[i] = float(i % 17) - 8, a[i] = brain ? brainOf(af[i]) : halfOf(af[i]);
    for (int i = 0; i < 128; ++i)
      bf[i] = float(i % 13) - 6, b[i] = brain ? brainOf(bf[i]) : halfOf(bf[i]);
    bench.in(a);
    bench.in(b);
    float *d = bench.out<float>(128);
    Status status = bench.run(brain ? "mmaBrain" : "mmaHalf", 1, 32);
    ASSERT_TRUE(status) << status.str();
    for (int m = 0; m < 16; ++m)
      for (int n = 0; n < 8; ++n) {
        float want = 0;
        for (int k = 0; k < 16; ++k)
          want += af[m * 16 + k] * bf[k * 8 + n];
        ASSERT_EQ(d[m * 8 + n], want) << m << " " << n;
      }
  }
}
