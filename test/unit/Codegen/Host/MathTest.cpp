//===- MathTest.cpp - errors of the math functions ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every function against C's in double (long double for f64), over all
// magnitudes and the special values, in ulp of the result's type.
//
//===----------------------------------------------------------------------===//

#include "Runner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

using namespace actnet::testing;

static Compiler compiler;

namespace {

struct Case {
  const char *op;
  long double (*reference)(long double);
  double lo, hi;
  double ulp;   ///< f32
  double ulp64; ///< f64; 0: not tested
};

const Case kCases[] = {
    {"math.exp", std::exp, -110, 95, 2, 4},
    {"math.log", std::log, 0, 1e38, 2, 4},
    {"math.tanh", std::tanh, -12, 12, 6, 1000},
    {"math.erf", std::erf, -6, 6, 7, 0},
    {"math.sqrt", std::sqrt, 0, 1e38, 0.51, 0.51},
    {"math.sin", std::sin, -1e4, 1e4, 2, 4},
    {"math.cos", std::cos, -1e4, 1e4, 2, 4},
    {"math.sin", std::sin, -3e38, 3e38, 2, 0},
    {"math.cos", std::cos, -3e38, 3e38, 2, 0},
    {"math.exp2", std::exp2, -151, 129, 2, 0},
    {"math.expm1", std::expm1, -30, 80, 2, 0},
    {"math.log1p", std::log1p, -1, 1e6, 2, 0},
    {"math.log2", std::log2, 0, 1e38, 2, 0},
    {"math.log10", std::log10, 0, 1e38, 2, 0},
    {"math.floor", std::floor, -1e9, 1e9, 0, 0.1},
    {"math.ceil", std::ceil, -1e9, 1e9, 0, 0.1},
    {"math.trunc", std::trunc, -1e9, 1e9, 0, 0.1},
    {"math.round", std::round, -1e9, 1e9, 0, 0.1},
    {"math.roundeven", std::nearbyint, -1e9, 1e9, 0, 0.1},
    {"math.absf", std::fabs, -1e9, 1e9, 0, 0.1},
};

std::string unary(const std::string &op, const std::string &type) {
  std::string t = "tensor<?x" + type + ">",
              d = " {kernel.dims = #graph.dims<d0>}";
  return "kernel.func @k(%x: " + t + d + ", %d0: index) -> (" + t + d +
         ") attributes {family = #kernel.family<map>} {\n  %e = "
         "tensor.empty(%d0) : " +
         t +
         "\n  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, "
         "affine_map<(i) -> "
         "(i)>], iterator_types = [\"parallel\"]} ins(%x : " +
         t + ") outs(%e : " + t + ") {\n  ^bb0(%a: " + type + ", %o: " + type +
         "):\n    %m = " + op + " %a : " + type +
         "\n    linalg.yield %m : " + type + "\n  } -> " + t +
         "\n  kernel.yield %y : " + t + "\n}\n";
}

template <typename T> std::vector<double> inputs(double lo, double hi) {
  std::vector<double> out;
  constexpr int n = 20000;
  // Even steps, then every magnitude.
  for (int i = 0; i <= n; ++i)
    out.push_back(static_cast<T>(lo + (hi - lo) * i / n));
  double first = std::max<double>(std::numeric_limits<T>::denorm_min(), 1e-310);
  for (double x = first; x < hi; x *= 1.0137)
    out.push_back(static_cast<T>(x));
  for (double x = first; x < -lo; x *= 1.0137)
    out.push_back(-static_cast<T>(x));
  for (double x : {0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5})
    if (x >= lo && x <= hi)
      out.push_back(x);
  double inf = std::numeric_limits<double>::infinity();
  for (double x : {inf, -inf, static_cast<double>(NAN),
                   static_cast<double>(std::numeric_limits<T>::max())})
    out.push_back(x);
  return out;
}

template <typename T> void check(const Case &c, double limit) {
  const char *type = sizeof(T) == 4 ? "f32" : "f64";
  Kernels kernels(compiler, unary(c.op, type));
  ASSERT_TRUE(kernels.ok()) << kernels.error;
  Tensor x{{}, inputs<T>(c.lo, c.hi)};
  x.shape = {static_cast<int64_t>(x.data.size())};
  std::vector<Tensor> y = kernels.run("k", {x}, {x.shape[0]});
  double worst = 0, at = 0;
  for (size_t i = 0; i < x.data.size(); ++i) {
    long double want = c.reference(x.data[i]);
    // In f64, sines of huge numbers are numbers between -1 and 1, no more.
    bool sine = llvm::StringRef(c.op).ends_with("sin") ||
                llvm::StringRef(c.op).ends_with("cos");
    if (sine && sizeof(T) == 8 && std::fabs(x.data[i]) > 1e9 &&
        std::isfinite(x.data[i])) {
      EXPECT_LE(std::fabs(y[0].data[i]), 1.0);
      continue;
    }
    T rounded = static_cast<T>(want);
    double have = y[0].data[i];
    if (std::isnan(rounded)) {
      EXPECT_TRUE(std::isnan(have))
          << c.op << "(" << x.data[i] << ") = " << have;
      continue;
    }
    if (std::isinf(rounded) || std::isinf(have)) {
      EXPECT_EQ(have, rounded) << c.op << "(" << x.data[i] << ")";
      continue;
    }
    T next =
        std::nextafter(std::fabs(rounded), std::numeric_limits<T>::infinity());
    long double ulp = static_cast<long double>(next) - std::fabs(rounded);
    if (std::isinf(next))
      ulp = std::fabs(rounded) - std::nextafter(std::fabs(rounded), T(0));
    double error = static_cast<double>(std::fabs(have - want) / ulp);
    if (error > worst)
      worst = error, at = x.data[i];
  }
  EXPECT_LE(worst, limit) << c.op << " " << type << " at " << at;
  std::printf("  %-16s %s worst %.3f ulp at %g\n", c.op, type, worst, at);
}

} // namespace

TEST(Math, ErrorsOfF32) {
  for (const Case &c : kCases)
    check<float>(c, c.ulp);
}

TEST(Math, ErrorsOfF64) {
  for (const Case &c : kCases)
    if (c.ulp64 > 0)
      check<double>(c, c.ulp64);
}

TEST(Math, TanhAndErfEndAtExactlyOne) {
  // What is missing to 1 is multiplied by x in GELU.
  for (const char *op : {"math.tanh", "math.erf"}) {
    Kernels kernels(compiler, unary(op, "f32"));
    ASSERT_TRUE(kernels.ok()) << kernels.error;
    Tensor x{{}, {9.1, 20, 1e4, 1e9, 1e30, INFINITY}};
    for (double v : std::vector<double>(x.data))
      x.data.push_back(-v);
    x.shape = {static_cast<int64_t>(x.data.size())};
    std::vector<Tensor> y = kernels.run("k", {x}, {x.shape[0]});
    for (size_t i = 0; i < x.data.size(); ++i)
      EXPECT_EQ(y[0].data[i], x.data[i] > 0 ? 1.0 : -1.0)
          << op << "(" << x.data[i] << ")";
  }
}

TEST(Math, Pow) {
  std::string t = "tensor<?xf32>", d = " {kernel.dims = #graph.dims<d0>}";
  Kernels kernels(compiler, R"(
    #id = affine_map<(i) -> (i)>
    kernel.func @k(%x: tensor<?xf32> {kernel.dims = #graph.dims<d0>}, %y: tensor<?xf32> {kernel.dims = #graph.dims<d0>}, %d0: index)
        -> (tensor<?xf32> {kernel.dims = #graph.dims<d0>}, tensor<?xf32> {kernel.dims = #graph.dims<d0>}) attributes {family = #kernel.family<map>} {
      %e = tensor.empty(%d0) : tensor<?xf32>
      %r:2 = linalg.generic {indexing_maps = [#id, #id, #id, #id], iterator_types = ["parallel"]}
          ins(%x, %y : tensor<?xf32>, tensor<?xf32>) outs(%e, %e : tensor<?xf32>, tensor<?xf32>) {
      ^bb0(%a: f32, %b: f32, %o: f32, %o2: f32):
        %p = math.powf %a, %b : f32
        %q = arith.remf %a, %b : f32
        linalg.yield %p, %q : f32, f32
      } -> (tensor<?xf32>, tensor<?xf32>)
      kernel.yield %r#0, %r#1 : tensor<?xf32>, tensor<?xf32>
    })");
  ASSERT_TRUE(kernels.ok()) << kernels.error;
  std::vector<double> values{0.0,  -0.0,  1.0,      -1.0,      2.0,  -2.0,
                             0.5,  -0.5,  3.0,      -3.0,      2.5,  7.25,
                             1e-3, 10.0,  33.0,     -7.0,      1e10, 1e-20,
                             3e38, 1e-45, INFINITY, -INFINITY, NAN};
  Tensor x, y;
  for (double a : values)
    for (double b : values)
      x.data.push_back(static_cast<float>(a)),
          y.data.push_back(static_cast<float>(b));
  x.shape = y.shape = {static_cast<int64_t>(x.data.size())};
  std::vector<Tensor> z = kernels.run("k", {x, y}, {x.shape[0]});
  for (size_t i = 0; i < x.data.size(); ++i) {
    auto power = static_cast<float>(std::pow(x.data[i], y.data[i]));
    float rest =
        std::fmod(static_cast<float>(x.data[i]), static_cast<float>(y.data[i]));
    double have = z[0].data[i];
    if (std::isnan(power))
      EXPECT_TRUE(std::isnan(have))
          << x.data[i] << "^" << y.data[i] << " = " << have;
    else if (std::isinf(power) || power == 0)
      EXPECT_EQ(have, power) << x.data[i] << "^" << y.data[i];
    else
      EXPECT_NEAR(have / power, 1, 2e-7) << x.data[i] << "^" << y.data[i];
    if (std::isnan(rest))
      EXPECT_TRUE(std::isnan(z[1].data[i])) << x.data[i] << " % " << y.data[i];
    else
      EXPECT_EQ(z[1].data[i], rest) << x.data[i] << " % " << y.data[i];
  }
}
