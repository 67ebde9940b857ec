//===- ContractAttentionTest.cpp - attention on the software GPU ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random heads, lengths and masks from a seed, compared with the definition in
// float64. Probabilities and their sums are float, or rounded to the operands'
// type before they meet the values; a row without a key is NaN.
//
//===----------------------------------------------------------------------===//

#include "ContractRunner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

using namespace mlir;
using namespace actnet;
using namespace actnet::testing;

namespace {

enum class Mask { none, boolean, number };

/// q [B, S, H, D], k [B, T, H / G, D], v [B, T, H / G, E]; a bool mask is
/// [B, 1, T], one of numbers [H, S, T].
struct Attention {
  std::string type;
  int64_t b, h, group, s, t, d, e;
  Mask mask;
  bool isCausal, isDynamic;
  bool isGuarded = false; ///< A query that sees no key gets zeros.
};

std::string attentionText(const std::string &name, const Attention &a) {
  auto number = [](int64_t value) { return std::to_string(value); };
  std::string s = a.isDynamic ? "?" : number(a.s),
              t = a.isDynamic ? "?" : number(a.t),
              sDim = a.isDynamic ? "d0" : s, tDim = a.isDynamic ? "d1" : t;
  auto tensor = [&](const std::string &length, int64_t heads, int64_t width) {
    return "tensor<" + number(a.b) + "x" + length + "x" + number(heads) + "x" +
           number(width) + "x" + a.type + ">";
  };
  auto dims = [&](const std::string &length, int64_t heads, int64_t width) {
    return " {kernel.dims = #graph.dims<" + number(a.b) + ", " + length + ", " +
           number(heads) + ", " + number(width) + ">}";
  };
  int64_t few = a.h / a.group;
  std::string q = tensor(s, a.h, a.d), k = tensor(t, few, a.d),
              v = tensor(t, few, a.e), o = tensor(s, a.h, a.e);
  std::string h = a.group == 1 ? "h" : "h floordiv " + number(a.group);
  std::string maps = "affine_map<(b, h, s, t, d, e) -> (b, s, h, d)>, "
                     "affine_map<(b, h, s, t, d, e) -> (b, t, " +
                     h + ", d)>, affine_map<(b, h, s, t, d, e) -> (b, t, " + h +
                     ", e)>";
  std::string mask, maskDims;
  if (a.mask == Mask::boolean) {
    mask = "tensor<" + number(a.b) + "x1x" + t + "xi1>";
    maskDims = number(a.b) + ", 1, " + tDim;
    maps += ", affine_map<(b, h, s, t, d, e) -> (b, 0, t)>";
  } else if (a.mask == Mask::number) {
    mask = "tensor<" + number(a.h) + "x" + s + "x" + t + "x" + a.type + ">";
    maskDims = number(a.h) + ", " + sDim + ", " + tDim;
    maps += ", affine_map<(b, h, s, t, d, e) -> (h, s, t)>";
  }
  maps += ", affine_map<(b, h, s, t, d, e) -> (b, s, h, e)>";
  return "kernel.func @" + name + "(%q: " + q + dims(sDim, a.h, a.d) +
         ", %k: " + k + dims(tDim, few, a.d) + ", %v: " + v +
         dims(tDim, few, a.e) +
         (mask.empty() ? ""
                       : ", %m: " + mask + " {kernel.dims = #graph.dims<" +
                             maskDims + ">}") +
         (a.isDynamic ? ", %d0: index, %d1: index" : "") + ") -> (" + o +
         dims(sDim, a.h, a.e) +
         ") attributes {family = #kernel.family<attention>} {\n%e = "
         "tensor.empty(" +
         (a.isDynamic ? "%d0" : "") + ") : " + o +
         "\n%y = kernel.attention ins(%q, %k, %v" +
         (mask.empty() ? "" : ", %m") + ") outs(%e) {indexing_maps = [" + maps +
         "], scale = 0.25 : f64" + (a.isCausal ? ", causal" : "") +
         (a.isGuarded ? ", guarded" : "") + "} : " + q + ", " + k + ", " + v +
         (mask.empty() ? "" : ", " + mask) + ", " + o + " -> " + o +
         "\nkernel.yield %y : " + o + "\n}\n";
}

/// The definition, element by element. `largest` gets the largest score behind
/// each element: the larger, the less does a float say what it is above others.
std::vector<double> reference(const Attention &a,
                              const std::vector<std::vector<double>> &in,
                              std::vector<double> &largest) {
  largest.assign(a.b * a.s * a.h * a.e, 0);
  std::vector<double> out(a.b * a.s * a.h * a.e);
  std::vector<double> scores(a.t);
  int64_t few = a.h / a.group;
  double infinity = std::numeric_limits<double>::infinity();
  for (int64_t b = 0; b < a.b; ++b)
    for (int64_t h = 0; h < a.h; ++h)
      for (int64_t s = 0; s < a.s; ++s) {
        double most = -infinity, sum = 0;
        for (int64_t t = 0; t < a.t; ++t) {
          double x = 0;
          for (int64_t d = 0; d < a.d; ++d)
            x += in[0][((b * a.s + s) * a.h + h) * a.d + d] *
                 in[1][((b * a.t + t) * few + h / a.group) * a.d + d];
          x *= 0.25;
          if (a.mask == Mask::boolean && in[3][b * a.t + t] == 0)
            x = -infinity;
          if (a.mask == Mask::number)
            x += in[3][(h * a.s + s) * a.t + t];
          if (a.isCausal && t > s + a.t - a.s)
            x = -infinity;
          scores[t] = x;
          most = std::max(most, x);
        }
        for (double &x : scores)
          sum += x = std::exp(x - most);
        for (int64_t e = 0; e < a.e; ++e) {
          double y = 0;
          for (int64_t t = 0; t < a.t; ++t)
            y += scores[t] *
                 in[2][((b * a.t + t) * few + h / a.group) * a.e + e];
          // No key at all: zeros.
          bool isZero = a.isGuarded ? !(sum > 0) : a.t == 0;
          out[((b * a.s + s) * a.h + h) * a.e + e] = isZero ? 0 : y / sum;
          largest[((b * a.s + s) * a.h + h) * a.e + e] = most;
        }
      }
  return out;
}

void check(ToyRunner &runner, kernel::FuncOp kernel, const Attention &a,
           unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> any(-2, 2);
  std::vector<int64_t> dims;
  if (a.isDynamic)
    dims = {a.s, a.t};
  std::vector<Memory> operands;
  std::vector<std::vector<double>> values;
  for (unsigned i = 0; i < kernel.getNumOperandTensors(); ++i) {
    Type type = getElementTypeOrSelf(kernel.getArgumentTypes()[i]);
    int64_t size = 1;
    for (graph::DimExprAttr dim : kernel.getArgDims(i))
      size *= evaluateDim(dim, dims);
    std::vector<double> own(size);
    for (double &value : own) {
      value = any(random);
      if (type.isInteger(1))
        value = value > -1;
      else if (i == 3 && random() % 3 == 0)
        value = -1e4;
    }
    // Every third query finds all keys far away, and yet sees them; the others
    // those of all warps but the last, or of the first.
    if (i == 3 && !type.isInteger(1))
      for (int64_t at = 0; at < size; ++at) {
        int64_t s = at / a.t % a.s, part = at % a.t % 64 / 16;
        if (s % 3 == 1 || (s % 3 == 0 && part == 0) ||
            (s % 3 == 2 && s % 2 == 0 && part != 3))
          own[at] = -110;
        else if (s % 3 == 0 || s % 2 == 0)
          own[at] = 1;
      }
    // The first batch sees nothing where there are several.
    if (type.isInteger(1) && a.b > 1)
      std::fill_n(own.begin(), a.t, 0);
    operands.push_back(Memory::of(type, own));
    values.push_back(operands.back().values());
  }
  std::vector<double> largest, want = reference(a, values, largest);
  std::vector<Memory> results{
      Memory::of(operands[0].type, std::vector<double>(want.size()))};
  ASSERT_EQ(runner.run(kernel, operands, results, dims), "")
      << kernel.getSymName().str();
  std::vector<double> have = results[0].values();
  double bound = a.type == "f32" ? 1e-5 : a.type == "f16" ? 5e-3 : 4e-2;
  for (size_t i = 0; i < want.size(); ++i) {
    if (std::isnan(want[i]))
      ASSERT_TRUE(std::isnan(have[i])) << kernel.getSymName().str() << " " << i;
    else
      ASSERT_NEAR(have[i], want[i], bound + std::abs(largest[i]) * 0x1p-22)
          << kernel.getSymName().str() << " element " << i;
  }
}

} // namespace

/// Compiles, runs and checks each of these.
static void checkAll(const std::vector<Attention> &cases) {
  std::string text;
  for (auto [i, a] : llvm::enumerate(cases))
    text += attentionText("attention_" + std::to_string(i), a);
  ToyKernels kernels(text);
  ASSERT_EQ(kernels.error, "");
  int number = 0;
  for (auto kernel : kernels.module->getOps<kernel::FuncOp>()) {
    check(*kernels.runner, kernel, cases[number], number);
    ++number;
  }
}

// Three tiles of keys, of which the last is ragged, or none; warps that share
// queries, and several blocks of queries; rows whose scores are far apart.
TEST(Borders, Attention) {
  checkAll({
      {"f16", 1, 2, 2, 15, 150, 16, 56, Mask::none, false, false},
      {"f32", 2, 1, 1, 5, 131, 17, 33, Mask::boolean, true, false},
      {"f32", 1, 1, 1, 70, 150, 16, 16, Mask::number, true, false},
      {"bf16", 1, 1, 1, 65, 70, 24, 40, Mask::none, true, true},
      {"f32", 1, 1, 1, 15, 15, 16, 16, Mask::number, true, false},
      {"f32", 1, 1, 1, 15, 40, 16, 16, Mask::number, true, false},
      {"f32", 1, 1, 1, 7, 67, 16, 16, Mask::none, false, true},
      {"f16", 1, 1, 1, 4, 0, 16, 16, Mask::none, false, true},
      {"f32", 1, 1, 1, 15, 150, 16, 16, Mask::number, false, false},
      {"f32", 2, 1, 1, 5, 20, 16, 16, Mask::boolean, false, false, true},
      {"f32", 1, 1, 1, 5, 1, 16, 16, Mask::none, false, false, true},
      // No tile takes so wide a head: element by element.
      {"f32", 1, 1, 1, 5, 3, 257, 257, Mask::none, false, false},
  });
}

TEST(Contract, AttentionAgreesWithItsDefinition) {
  std::mt19937 random(21);
  auto from = [&](std::initializer_list<int64_t> values) {
    return values.begin()[random() % values.size()];
  };
  std::vector<Attention> cases;
  int count = numCases(12);
  for (int i = 0; i < count; ++i) {
    Attention a;
    a.type = i % 3 == 2 ? "bf16" : i % 3 == 1 ? "f16" : "f32";
    a.group = from({1, 1, 2});
    a.b = from({1, 2});
    a.h = a.group * from({1, 2});
    a.s = from({1, 3, 15, 16, 17, 63, 65});
    a.t = random() % 2 ? a.s : from({1, 15, 17, 64, 65, 130});
    a.d = from({3, 16, 17, 40, 64, 80});
    a.e = random() % 2 ? a.d : from({16, 33, 64});
    // The largest ones, which cut the tile another way; no tile for the next.
    if (i < 3)
      a.d = a.e = 256 - i;
    if (i == 3)
      a.d = a.e = 257;
    a.mask = static_cast<Mask>(random() % 3);
    a.isCausal = random() % 2;
    a.isDynamic = random() % 2;
    cases.push_back(a);
  }
  // No keys at all.
  cases.push_back({"f32", 1, 1, 1, 4, 0, 16, 16, Mask::none, false, true});
  checkAll(cases);
}
