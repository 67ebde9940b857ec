//===- PlainTest.cpp - contractions of other types and forms --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the fast code does not take is computed by plain loops; narrow floats
// are stored narrow and computed in f32.
//
//===----------------------------------------------------------------------===//

#include "KernelRunner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace {

/// A product [m, k] x [k, n] of any types, unpacked.
std::string product(const std::string &name, const std::string &in,
                    const std::string &out, const std::string &body) {
  return "kernel.func @" + name + "(%x: tensor<5x19x" + in +
         ">, %w: tensor<19x21x" + in + ">) -> tensor<5x21x" + out +
         "> attributes {family = #kernel.family<contract>} {\n"
         "  %zero = arith.constant " +
         (out[0] == 'i' ? "0" : "0.0") + " : " + out +
         "\n"
         "  %e = tensor.empty() : tensor<5x21x" +
         out +
         ">\n"
         "  %init = linalg.fill ins(%zero : " +
         out + ") outs(%e : tensor<5x21x" + out + ">) -> tensor<5x21x" + out +
         ">\n"
         "  %y = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, "
         "k)>,"
         " affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],"
         " iterator_types = [\"parallel\", \"parallel\", \"reduction\"]}"
         " ins(%x, %w : tensor<5x19x" +
         in + ">, tensor<19x21x" + in + ">) outs(%init : tensor<5x21x" + out +
         ">) {\n  ^bb0(%a: " + in + ", %b: " + in + ", %o: " + out + "):\n" +
         body + "    linalg.yield %s : " + out + "\n  } -> tensor<5x21x" + out +
         ">\n"
         "  kernel.yield %y : tensor<5x21x" +
         out + ">\n}\n";
}

const char *direct =
    "    %p = arith.mulf %a, %b : f64\n    %s = arith.addf %o, %p : f64\n";
const char *integers =
    "    %p = arith.muli %a, %b : i32\n    %s = arith.addi %o, %p : i32\n";
std::string widened(const std::string &type) {
  return "    %aw = arith.extf %a : " + type +
         " to f32\n    %bw = arith.extf %b : " + type +
         " to f32\n    %p = arith.mulf %aw, %bw : f32\n    %s = arith.addf %o, "
         "%p : f32\n";
}
const char *bytes =
    "    %aw = arith.extsi %a : i8 to i32\n    %bw = arith.extsi %b : i8 to "
    "i32\n"
    "    %p = arith.muli %aw, %bw : i32\n    %s = arith.addi %o, %p : i32\n";

template <typename In, typename Out>
void check(KernelRunner &runner, const std::string &name, double (*decode)(In),
           double tolerance) {
  SCOPED_TRACE(name);
  std::vector<In> x(5 * 19), w(19 * 21);
  std::vector<Out> y(5 * 21);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<In>(decode ? 0x3c00 + i * 37 % 512 : i % 13 - 6);
  for (std::size_t i = 0; i < w.size(); ++i)
    w[i] = static_cast<In>(decode ? 0x3c00 + i * 53 % 512 : i % 11 - 5);
  auto value = [&](In v) {
    return decode ? decode(v) : static_cast<double>(v);
  };
  runner.run(name, {x.data(), w.data(), y.data()}, {});
  for (int m = 0; m < 5; ++m)
    for (int n = 0; n < 21; ++n) {
      double sum = 0;
      for (int k = 0; k < 19; ++k)
        sum += value(x[m * 19 + k]) * value(w[k * 21 + n]);
      ASSERT_NEAR(static_cast<double>(y[m * 21 + n]), sum, tolerance)
          << m << ", " << n;
    }
}

double half(uint16_t bits) { // positive and normal
  return std::ldexp(1 + (bits & 1023) / 1024.0, (bits >> 10) - 15);
}
double bfloat(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}

} // namespace

TEST(HostPlain, TypesOfContractions) {
  KernelRunner runner(product("f64", "f64", "f64", direct) +
                      product("i32", "i32", "i32", integers) +
                      product("i8", "i8", "i32", bytes) +
                      product("f16", "f16", "f32", widened("f16")) +
                      product("bf16", "bf16", "f32", widened("bf16")));
  ASSERT_TRUE(runner.ok()) << runner.error();
  check<double, double>(runner, "f64", nullptr, 1e-12);
  check<int32_t, int32_t>(runner, "i32", nullptr, 0);
  check<int8_t, int32_t>(runner, "i8", nullptr, 0);
  check<uint16_t, float>(runner, "f16", half, 1e-4);
  check<uint16_t, float>(runner, "bf16", bfloat, 1e-6);
}

TEST(HostPlain, AttentionOfDoubles) {
  KernelRunner runner(R"(
kernel.func @a(%q: tensor<2x3x4xf64>, %k: tensor<2x5x4xf64>, %v: tensor<2x5x6xf64>)
    -> tensor<2x3x6xf64> attributes {family = #kernel.family<attention>} {
  %e = tensor.empty() : tensor<2x3x6xf64>
  %y = kernel.attention ins(%q, %k, %v) outs(%e) {indexing_maps = [
      affine_map<(b, h, s, t, d, e) -> (b, s, d)>, affine_map<(b, h, s, t, d, e) -> (b, t, d)>,
      affine_map<(b, h, s, t, d, e) -> (b, t, e)>, affine_map<(b, h, s, t, d, e) -> (b, s, e)>],
      scale = 0.5 : f64, causal}
    : tensor<2x3x4xf64>, tensor<2x5x4xf64>, tensor<2x5x6xf64>, tensor<2x3x6xf64>
    -> tensor<2x3x6xf64>
  kernel.yield %y : tensor<2x3x6xf64>
})");
  ASSERT_TRUE(runner.ok()) << runner.error();
  std::vector<double> q(24), k(40), v(60), y(36);
  for (std::size_t i = 0; i < q.size(); ++i)
    q[i] = std::sin(i);
  for (std::size_t i = 0; i < k.size(); ++i)
    k[i] = std::cos(i * 0.7);
  for (std::size_t i = 0; i < v.size(); ++i)
    v[i] = std::sin(i * 0.3);
  runner.run("a", {q.data(), k.data(), v.data(), y.data()}, {});
  for (int b = 0; b < 2; ++b)
    for (int s = 0; s < 3; ++s) {
      double sum = 0, p[5];
      for (int t = 0; t < 5; ++t) {
        double dot = 0;
        for (int d = 0; d < 4; ++d)
          dot += q[(b * 3 + s) * 4 + d] * k[(b * 5 + t) * 4 + d];
        p[t] = t <= s + 2 ? std::exp(dot * 0.5) : 0;
        sum += p[t];
      }
      for (int e = 0; e < 6; ++e) {
        double out = 0;
        for (int t = 0; t < 5; ++t)
          out += p[t] * v[(b * 5 + t) * 6 + e];
        EXPECT_NEAR(y[(b * 3 + s) * 6 + e], out / sum, 1e-12);
      }
    }
}
