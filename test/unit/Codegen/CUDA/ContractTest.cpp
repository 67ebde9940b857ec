//===- ContractTest.cpp - matrix products on the software GPU -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One kernel for each kind of arithmetic and cut of the tile, with dims that
// are arguments; shapes from a seed, around the borders of tiles. The bound for
// a sum of K products, |x y| summed up to `size`: K roundings of float, and
// those of the operands and results in their types.
//
//===----------------------------------------------------------------------===//

#include "ContractRunner.h"
#include "Contraction.h"

#include "actnet/Codegen/CUDA/CUDACodegen.h"
#include "actnet/Codegen/CUDA/KernelHeaders.h"
#include "actnet/Runtime/Device/Nvrtc.h"

#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace mlir;
using namespace actnet;
using namespace actnet::testing;
using actnet::cuda::MatmulCut;

namespace {

constexpr MatmulCut kCuts[] = {
    {128, 128, 4, 2, 1, 3}, {128, 64, 4, 2, 1, 3}, {64, 64, 2, 2, 1, 3},
    {128, 32, 4, 1, 1, 2},  {32, 64, 2, 2, 1, 3},  {32, 32, 1, 1, 4, 2},
    {16, 32, 1, 1, 4, 3},
};

struct Kind {
  const char *type;
  bool isTf32;
  double sum;    ///< Error of a sum, as a part of it.
  double inner;  ///< Error of a product, as a part of it.
  double result; ///< Of what is written, as a part of it.
};
constexpr Kind kKinds[] = {
    {"f32", false, 0x1p-24, 0, 0x1p-24},
    {"f32", true, 0x1p-24, 0x1p-10, 0x1p-24},
    {"f16", false, 0x1p-24, 0, 0x1p-10},
    {"bf16", false, 0x1p-24, 0, 0x1p-7},
    {"f64", false, 0x1p-53, 0, 0x1p-53},
    {"i32", false, 0, 0, 0},
    {"i64", false, 0, 0, 0},
};

/// x [2, M, K] times w [2, K, N], packed by 16 columns or not, plus a bias; the
/// `computed` one negates x on the way. Transposed, w is [2, N, K].
std::string productText(const std::string &name, const Kind &kind,
                        bool isComputed, bool isTransposed = false) {
  std::string t = kind.type;
  bool isFloat = t.find('f') != std::string::npos;
  bool isNarrow = t == "f16" || t == "bf16";
  std::string acc = isNarrow ? "f32" : t, f = isFloat ? "f" : "i";
  std::string x = "tensor<2x?x?x" + t + ">", b = "tensor<?x" + t + ">";
  std::string w =
      isComputed ? "tensor<2x?x?x16x" + t + ">" : "tensor<2x?x?x" + t + ">";
  std::string y = "tensor<2x?x?x" + acc + ">", r = "tensor<2x?x?x" + t + ">";
  std::string wDims = isComputed     ? "2, (d1 + 15) floordiv 16, d2, 16"
                      : isTransposed ? "2, d1, d2"
                                     : "2, d2, d1";
  std::string wMap = isComputed     ? "(b, n floordiv 16, k, n mod 16)"
                     : isTransposed ? "(b, n, k)"
                                    : "(b, k, n)";
  std::string text =
      "kernel.func @" + name + "(%x: " + x +
      " {kernel.dims = #graph.dims<2, d0, d2>}, %w: " + w +
      " {kernel.dims = #graph.dims<" + wDims + ">}, %b: " + b +
      " {kernel.dims = #graph.dims<d1>}, %d0: index, %d1: index, %d2: index) "
      "-> (" +
      r +
      " {kernel.dims = #graph.dims<2, d0, d1>}) attributes "
      "{family = #kernel.family<contract>} {\n";
  std::string left = "%x";
  if (isComputed) {
    left = "%n";
    text += "%xe = tensor.empty(%d0, %d2) : " + x +
            "\n%n = linalg.generic {indexing_maps = [#id, #id], iterator_types "
            "= [\"parallel\", \"parallel\", \"parallel\"]} ins(%x : " +
            x + ") outs(%xe : " + x + ") {\n^bb0(%p: " + t + ", %q: " + t +
            "):\n";
    text += isFloat ? "%s = arith.negf %p : " + t + "\n"
                    : "%z0 = arith.constant 0 : " + t +
                          "\n%s = arith.subi %z0, %p : " + t + "\n";
    text += "linalg.yield %s : " + t + "\n} -> " + x + "\n";
  }
  text += "%z = arith.constant " + std::string(isFloat ? "0.0" : "0") + " : " +
          acc + "\n%e = tensor.empty(%d0, %d1) : " + y +
          "\n%f = linalg.fill ins(%z : " + acc + ") outs(%e : " + y + ") -> " +
          y +
          "\n%y = linalg.generic {indexing_maps = [affine_map<(b, m, n, k) "
          "-> (b, m, k)>, affine_map<(b, m, n, k) -> " +
          wMap +
          ">, affine_map<(b, m, n, k) -> (b, m, n)>], iterator_types = "
          "[\"parallel\", \"parallel\", \"parallel\", \"reduction\"]} ins(" +
          left + ", %w : " + x + ", " + w + ") outs(%f : " + y +
          ") {\n^bb0(%p: " + t + ", %q: " + t + ", %s: " + acc + "):\n";
  std::string p = "%p", q = "%q";
  if (isNarrow) {
    text += "%pe = arith.extf %p : " + t +
            " to f32\n%qe = arith.extf %q : " + t + " to f32\n";
    p = "%pe";
    q = "%qe";
  }
  text += "%m = arith.mul" + f + " " + p + ", " + q + " : " + acc +
          "\n%u = arith.add" + f + " %s, %m : " + acc +
          "\nlinalg.yield %u : " + acc + "\n} -> " + y + "\n";
  text += "%re = tensor.empty(%d0, %d1) : " + r +
          "\n%r = linalg.generic {indexing_maps = [#id, affine_map<(i, j, k) "
          "-> (k)>, #id], iterator_types = [\"parallel\", \"parallel\", "
          "\"parallel\"]} ins(%y, %b : " +
          y + ", " + b + ") outs(%re : " + r + ") {\n^bb0(%p: " + acc +
          ", %q: " + t + ", %s: " + t + "):\n";
  if (isNarrow)
    text += "%c = arith.truncf %p : f32 to " + t + "\n";
  text += "%d = arith.add" + f + (isNarrow ? " %c" : " %p") + ", %q : " + t +
          "\nlinalg.yield %d : " + t + "\n} -> " + r +
          "\nkernel.yield %r : " + r + "\n}\n";
  return text;
}

/// Cuts a kernel as `cut` says, whatever its shape.
void schedule(kernel::FuncOp kernel, MatmulCut cut, bool isTf32,
              StringRef math) {
  MLIRContext *context = kernel.getContext();
  Builder b(context);
  NamedAttrList entries;
  entries.set("tile", b.getDenseI64ArrayAttr({cut.rows, cut.columns}));
  entries.set("warps", b.getDenseI64ArrayAttr(
                           {cut.warpsDown, cut.warpsAcross, cut.slices}));
  entries.set("stages", b.getI64IntegerAttr(cut.stages));
  entries.set("threads", b.getI64IntegerAttr(cut.threads()));
  entries.set("shared", b.getI64IntegerAttr(cut.shared(math)));
  if (isTf32)
    entries.set("tf32", b.getUnitAttr());
  kernel.setScheduleAttr(entries.getDictionary(context));
  auto count = [&](StringRef dim, int64_t by) {
    return graph::dimCeilDiv(graph::dimSymbol(context, dim),
                             graph::dimConstant(context, by));
  };
  kernel.setTilesAttr(graph::dimMul(
      graph::dimConstant(context, 2),
      graph::dimMul(count("d0", cut.rows), count("d1", cut.columns))));
}

using Random = std::mt19937;

int64_t near(Random &random, int64_t border, int64_t least = 1) {
  int64_t base = border * std::uniform_int_distribution<>(0, 2)(random);
  return std::max<int64_t>(
      least, base + std::uniform_int_distribution<>(-2, 2)(random));
}

/// The part of k that one piece has.
int64_t depthOf(kernel::FuncOp kernel, const MatmulCut &cut) {
  Type type = getElementTypeOrSelf(kernel.getArgumentTypes()[0]);
  return 512 / type.getIntOrFloatBitWidth() * cut.slices;
}

/// Runs one shape, by chance unless it is given, and compares with float64.
void check(ToyRunner &runner, kernel::FuncOp kernel, const Kind &kind,
           const MatmulCut &cut, bool isComputed, unsigned seed,
           ArrayRef<int64_t> shape = {}, bool isTransposed = false) {
  Random random(seed);
  Type type = getElementTypeOrSelf(kernel.getArgumentTypes()[0]);
  int64_t m = near(random, cut.rows), n = near(random, cut.columns),
          k = near(random, depthOf(kernel, cut), 0);
  if (!shape.empty())
    m = shape[0], n = shape[1], k = shape[2];
  bool isFloat = isa<FloatType>(type);
  std::uniform_real_distribution<double> any(-2, 2);
  auto fill = [&](int64_t count) {
    std::vector<double> values(count);
    for (double &value : values)
      value = isFloat ? any(random) : std::round(any(random) * 1000);
    return Memory::of(type, values);
  };
  Memory x = fill(2 * m * k), w = fill(2 * k * n), b = fill(n);
  // Views begin anywhere.
  x.skew = random() % 2 * (type.getIntOrFloatBitWidth() / 8);
  std::vector<double> xs = x.values(), ws = w.values(), bs = b.values();
  Memory given = w;
  if (isComputed) {
    int64_t panels = (n + 15) / 16;
    std::vector<double> packed(2 * panels * 16 * k);
    for (int64_t i = 0; i < 2 * k; ++i)
      for (int64_t j = 0; j < n; ++j)
        packed[((i / k * panels + j / 16) * k + i % k) * 16 + j % 16] =
            ws[i * n + j];
    given = Memory::of(type, packed);
  } else if (isTransposed) {
    std::vector<double> turned(2 * k * n);
    for (int64_t i = 0; i < 2 * k; ++i)
      for (int64_t j = 0; j < n; ++j)
        turned[(i / k * n + j) * k + i % k] = ws[i * n + j];
    given = Memory::of(type, turned);
  }
  std::vector<Memory> results{Memory::of(type, std::vector<double>(2 * m * n))};
  std::string what = kernel.getSymName().str() + " [2, " + std::to_string(m) +
                     ", " + std::to_string(n) + ", " + std::to_string(k) + "]";
  ASSERT_EQ(runner.run(kernel, {x, given, b}, results, {m, n, k}), "") << what;
  std::vector<double> have = results[0].values();
  double sign = isComputed ? -1 : 1;
  for (int64_t i = 0; i < 2 * m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double want = bs[j], size = std::abs(bs[j]);
      for (int64_t l = 0; l < k; ++l) {
        double product = sign * xs[i * k + l] * ws[(i / m * k + l) * n + j];
        want += product;
        size += std::abs(product);
      }
      double bound = isFloat ? (kind.inner + 2 * (k + 2) * kind.sum) * size +
                                   2 * kind.result * (size + 1)
                             : 0;
      // Integers wrap around.
      if (type.isInteger(32))
        want = static_cast<int32_t>(static_cast<int64_t>(want));
      ASSERT_LE(std::abs(have[i * n + j] - want), bound)
          << what << " row " << i << " column " << j << ": " << have[i * n + j]
          << " instead of " << want;
    }
}

struct Made {
  kernel::FuncOp kernel;
  const Kind *kind;
  MatmulCut cut;
  bool isComputed;
};

/// Kernels of all kinds; of each one every third cut, or all.
OwningOpRef<ModuleOp> products(Compiler &compiler, bool isAll,
                               std::vector<Made> &made) {
  std::string text = "#id = affine_map<(i, j, k) -> (i, j, k)>\n";
  int number = 0;
  for (const Kind &kind : kKinds)
    for (const MatmulCut &cut : kCuts)
      for (bool isComputed : {false, true}) {
        bool isLarge = StringRef(kind.type).ends_with("64") &&
                       cut.rows * cut.columns > 4096;
        if (isLarge || (number++ % 6 && !isAll))
          continue;
        made.push_back({nullptr, &kind, cut, isComputed});
        text += productText("product_" + std::to_string(made.size() - 1), kind,
                            isComputed);
      }
  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(text, &compiler.context);
  if (!module)
    return module;
  for (size_t i = 0; i < made.size(); ++i) {
    Made &each = made[i];
    each.kernel =
        module->lookupSymbol<kernel::FuncOp>("product_" + std::to_string(i));
    if (each.isComputed)
      each.cut.stages = 2;
    schedule(each.kernel, each.cut, each.kind->isTf32, each.kind->type);
  }
  return module;
}

} // namespace

TEST(Contract, ProductsAgreeWithFloat64AtTheBordersOfTiles) {
  Compiler compiler;
  std::vector<Made> made;
  int cases = numCases(2);
  OwningOpRef<ModuleOp> module = products(compiler, cases > 10, made);
  ASSERT_TRUE(module);
  ToyRunner runner(*module);
  ASSERT_EQ(runner.error, "");
  for (auto [i, each] : llvm::enumerate(made))
    for (int c = 0; c < cases; ++c)
      check(runner, each.kernel, *each.kind, each.cut, each.isComputed,
            1000 * i + c);
}

// Tiles in both directions and pieces of k more than there are stages, ragged
// in all three; one row and column more than a tile; no k.
TEST(Borders, Products) {
  const MatmulCut wide{64, 64, 2, 2, 1, 3}, sliced{32, 32, 1, 1, 4, 2},
      low{16, 32, 1, 1, 4, 3}, tall{32, 64, 2, 2, 1, 3};
  std::vector<Made> made{
      {nullptr, &kKinds[0], wide, false},  {nullptr, &kKinds[0], sliced, true},
      {nullptr, &kKinds[1], low, false},   {nullptr, &kKinds[2], wide, false},
      {nullptr, &kKinds[3], sliced, true}, {nullptr, &kKinds[5], tall, false}};
  // Of the last one, a run along n is no run in memory.
  made.back().cut.stages = 2;
  std::string text = "#id = affine_map<(i, j, k) -> (i, j, k)>\n";
  for (auto [i, each] : llvm::enumerate(made))
    text += productText("product_" + std::to_string(i), *each.kind,
                        each.isComputed, i + 1 == made.size());
  Compiler compiler;
  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(text, &compiler.context);
  ASSERT_TRUE(module);
  for (auto [i, each] : llvm::enumerate(made)) {
    each.kernel =
        module->lookupSymbol<kernel::FuncOp>("product_" + std::to_string(i));
    schedule(each.kernel, each.cut, each.kind->isTf32, each.kind->type);
  }
  ToyRunner runner(*module);
  ASSERT_EQ(runner.error, "");
  for (auto [i, each] : llvm::enumerate(made)) {
    const MatmulCut &cut = each.cut;
    int64_t depth = depthOf(each.kernel, cut);
    const std::vector<std::vector<int64_t>> shapes = {
        {cut.rows + 1, 2 * cut.columns - 1, 4 * depth + 3},
        {2 * cut.rows - 1, cut.columns + 1, depth},
        {cut.rows, cut.columns, 1},
        {3, 5, 0}};
    for (const std::vector<int64_t> &shape : shapes)
      for (unsigned seed : {2, 3})
        check(runner, each.kernel, *each.kind, cut, each.isComputed, seed,
              shape, i + 1 == made.size());
  }
}

TEST(Contract, SchedulesByShapeAlone) {
  Compiler compiler;
  std::vector<Made> made;
  OwningOpRef<ModuleOp> module = products(compiler, false, made);
  ASSERT_TRUE(module);
  kernel::FuncOp kernel = made[0].kernel;
  ASSERT_TRUE(succeeded(cuda::scheduleCuda(kernel)));
  Attribute first = kernel.getScheduleAttr();
  EXPECT_EQ(kernel.getScratch(), 0);
  ASSERT_TRUE(succeeded(cuda::scheduleCuda(kernel)));
  EXPECT_EQ(kernel.getScheduleAttr(), first);
  // tf32 is asked for before, and stays.
  ASSERT_TRUE(made[0].kind->type == std::string("f32"));
  NamedAttrList entries(kernel.getScheduleAttr());
  entries.set("tf32", UnitAttr::get(kernel.getContext()));
  kernel.setScheduleAttr(entries.getDictionary(kernel.getContext()));
  ASSERT_TRUE(succeeded(cuda::scheduleCuda(kernel)));
  EXPECT_TRUE(kernel.getScheduleAttr().get("tf32"));
  // A schedule of another family is refused.
  kernel.setScheduleAttr(DictionaryAttr::get(kernel.getContext()));
  ScopedDiagnosticHandler quiet(kernel.getContext(),
                                [](Diagnostic &) { return success(); });
  EXPECT_TRUE(failed(cuda::emitCuda(kernel)));
}

TEST(Contract, ResultsThatAreNoRearrangementAreComputedOneByOne) {
  // A column times what every column needs, and the column itself.
  const char *text = R"(
kernel.func @spread(%x: tensor<5x40xf32>, %w: tensor<40x1xf32>, %y: tensor<5x9xf32>)
    -> (tensor<5x9xf32>, tensor<5x1xf32>) attributes {family = #kernel.family<contract>} {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5x1xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<5x1xf32>) -> tensor<5x1xf32>
  %p = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
                       affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<5x40xf32>, tensor<40x1xf32>) outs(%f : tensor<5x1xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %m = arith.mulf %a, %b : f32
    %u = arith.addf %s, %m : f32
    linalg.yield %u : f32
  } -> tensor<5x1xf32>
  %g = tensor.empty() : tensor<5x9xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, 0)>, affine_map<(m, n) -> (m, n)>,
                       affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
      ins(%p, %y : tensor<5x1xf32>, tensor<5x9xf32>) outs(%g : tensor<5x9xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %m = arith.mulf %a, %b : f32
    linalg.yield %m : f32
  } -> tensor<5x9xf32>
  kernel.yield %r, %p : tensor<5x9xf32>, tensor<5x1xf32>
})";
  ToyKernels kernels(text);
  ASSERT_EQ(kernels.error, "");
  auto kernel = kernels.module->lookupSymbol<kernel::FuncOp>("spread");
  EXPECT_TRUE(kernel.getScheduleAttr().get("plain"));
  Random random(1);
  std::uniform_real_distribution<double> any(-2, 2);
  std::vector<Memory> operands;
  Type type = Float32Type::get(kernel.getContext());
  for (int64_t count : {200, 40, 45}) {
    std::vector<double> values(count);
    for (double &value : values)
      value = any(random);
    operands.push_back(Memory::of(type, values));
  }
  std::vector<double> x = operands[0].values(), w = operands[1].values(),
                      y = operands[2].values();
  std::vector<Memory> results{Memory::of(type, std::vector<double>(45)),
                              Memory::of(type, std::vector<double>(5))};
  ASSERT_EQ(kernels.runner->run(kernel, operands, results, {}), "");
  for (int64_t i = 0; i < 5; ++i) {
    double sum = 0;
    for (int64_t k = 0; k < 40; ++k)
      sum += x[i * 40 + k] * w[k];
    EXPECT_NEAR(results[1].values()[i], sum, 1e-5);
    for (int64_t j = 0; j < 9; ++j)
      EXPECT_NEAR(results[0].values()[i * 9 + j], sum * y[i * 9 + j], 2e-5);
  }
}

#ifdef ACTNET_TEST_NVRTC
TEST(Contract, ProductsCompileForAllArchitectures) {
  auto nvrtc = rt::Nvrtc::get();
  ASSERT_TRUE(nvrtc) << nvrtc.status().message();
  std::vector<rt::SourceText> headers;
  for (const cuda::KernelHeader &header : cuda::kernelHeaders())
    headers.push_back({header.name, header.text});
  Compiler compiler;
  std::vector<Made> made;
  int cases = numCases(2);
  OwningOpRef<ModuleOp> module = products(compiler, cases > 10, made);
  ASSERT_TRUE(module);
  const char *architectures[] = {"sm_80", "sm_90a", "sm_100"};
  for (auto [i, each] : llvm::enumerate(made)) {
    FailureOr<std::string> text = cuda::emitCuda(each.kernel);
    ASSERT_TRUE(succeeded(text));
    for (size_t a = 0; a < 3; ++a) {
      if (cases <= 10 && a != i % 3)
        continue;
      std::string warnings;
      auto cubin = (*nvrtc)->compile(*text, "kernel.cu", architectures[a],
                                     headers, &warnings);
      ASSERT_TRUE(cubin) << *text << "\n" << cubin.status().message();
      EXPECT_EQ(warnings, "") << *text;
    }
  }
}
#endif
