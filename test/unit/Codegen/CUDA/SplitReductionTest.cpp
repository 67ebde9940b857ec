//===- SplitReductionTest.cpp - reductions in two kernels compute the same ===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Both halves run on the software GPU and agree with the interpreter; and one
// after the other, in float64, they give what the whole kernel gives.
//
//===----------------------------------------------------------------------===//

#include "../Host/Runner.h"
#include "ToyRunner.h"

#include "actnet/Codegen/CUDA/CUDACodegen.h"
#include "actnet/Codegen/CUDA/Passes.h"
#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace mlir;
using namespace actnet;
using namespace actnet::testing;

static Tensor randomTensor(kernel::FuncOp kernel, unsigned i,
                           const std::vector<int64_t> &dims, unsigned seed) {
  Tensor tensor;
  for (graph::DimExprAttr dim : kernel.getArgDims(i))
    tensor.shape.push_back(*graph::dimEvaluate(
        dim, [&](llvm::StringRef name) -> std::optional<int64_t> {
          return dims[std::stoi(name.drop_front().str())];
        }));
  Type type = getElementTypeOrSelf(kernel.getArgumentTypes()[i]);
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> any(-2, 2);
  tensor.data.resize(tensor.size());
  for (double &value : tensor.data) {
    value = any(random);
    if (isa<IntegerType>(type))
      value = type.isInteger(1) ? value > 1.99 : std::round(value * 50);
  }
  return tensor;
}

/// Splits the kernel @whole and checks its halves for each of `sizes`.
static void check(const std::string &text,
                  const std::vector<std::vector<int64_t>> &sizes,
                  double tolerance) {
  Compiler compiler;
  auto whole = parseSourceString<ModuleOp>(text, &compiler.context),
       split = parseSourceString<ModuleOp>(text, &compiler.context);
  ASSERT_TRUE(whole && split) << text;
  PassManager manager(&compiler.context);
  manager.addPass(cuda::createKernelSplitReduction());
  ASSERT_TRUE(succeeded(manager.run(*split)));
  auto slices = split->lookupSymbol<kernel::FuncOp>("whole_slices"),
       join = split->lookupSymbol<kernel::FuncOp>("whole_join");
  ASSERT_TRUE(slices && join);
  EXPECT_FALSE(split->lookupSymbol("whole"));

  auto kernel = whole->lookupSymbol<kernel::FuncOp>("whole");
  for (const std::vector<int64_t> &dims : sizes) {
    std::vector<Tensor> operands;
    for (unsigned i = 0; i < kernel.getNumOperandTensors(); ++i)
      operands.push_back(randomTensor(kernel, i, dims, i + 1));
    std::vector<Tensor> want = interpret(kernel, operands, dims, false);
    // The first half takes operand 0 here, the second what is left of them.
    std::vector<Tensor> parts = interpret(slices, {operands[0]}, dims, false);
    std::vector<Tensor> rest(operands.begin() + 1, operands.end());
    rest.insert(rest.end(), parts.begin(), parts.end());
    std::vector<Tensor> have = interpret(join, rest, dims, false);
    ASSERT_EQ(have.size(), want.size());
    for (size_t i = 0; i < want.size(); ++i) {
      ASSERT_EQ(have[i].shape, want[i].shape);
      for (int64_t e = 0; e < want[i].size(); ++e)
        ASSERT_NEAR(have[i].data[e], want[i].data[e],
                    1e-9 * (1 + std::abs(want[i].data[e])))
            << ::testing::PrintToString(dims) << " result " << i << " element "
            << e;
    }
  }

  ToyKernels kernels(*split);
  ASSERT_EQ(kernels.error, "");
  for (kernel::FuncOp half : {slices, join}) {
    auto reference = [&](const std::vector<int64_t> &dims) {
      return [&, dims](const std::vector<Tensor> &operands) {
        return interpret(half, operands, dims, false);
      };
    };
    for (const std::vector<int64_t> &dims : sizes)
      for (bool isUnaligned : {false, true})
        EXPECT_EQ(kernels.check(half.getSymName(),
                                {dims, 7, -2, 2, tolerance, isUnaligned},
                                reference(dims)),
                  "")
            << half.getSymName().str() << ::testing::PrintToString(dims)
            << (isUnaligned ? " unaligned" : "");
  }
}

TEST(SplitReduction, OfAWholeTensorWithWhatStandsBeforeAndBehind) {
  // relu in front, a beginning that counts, an operand behind; 41600 elements
  // are 20 slices of 2080.
  check(R"(
#id = affine_map<(i, j) -> (i, j)>
#zero = affine_map<() -> ()>
kernel.func @whole(%x: tensor<2x20800xf32>, %b: tensor<f32>) -> tensor<f32> attributes {family = #kernel.family<reduce>} {
  %c0 = arith.constant 0.0 : f32
  %c1 = arith.constant 1.5 : f32
  %u = tensor.empty() : tensor<2x20800xf32>
  %p = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x20800xf32>) outs(%u : tensor<2x20800xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.maximumf %a, %c0 : f32
    linalg.yield %m : f32
  } -> tensor<2x20800xf32>
  %e = tensor.empty() : tensor<f32>
  %f = linalg.fill ins(%c1 : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %y = linalg.generic {indexing_maps = [#id, affine_map<(i, j) -> ()>], iterator_types = ["reduction", "reduction"]}
      ins(%p : tensor<2x20800xf32>) outs(%f : tensor<f32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  %z = linalg.generic {indexing_maps = [#zero, #zero, #zero], iterator_types = []}
      ins(%y, %b : tensor<f32>, tensor<f32>) outs(%e : tensor<f32>) {
  ^bb0(%a: f32, %q: f32, %o: f32):
    %s = arith.mulf %a, %q : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  kernel.yield %z : tensor<f32>
})",
        {{}}, 1e-5);
}

TEST(SplitReduction, OfADynamicBatchInHalfPrecision) {
  // A norm: sums are float, the last slice is ragged, or there is none.
  check(R"(
kernel.func @whole(%x: tensor<?x1300xf16> {kernel.dims = #graph.dims<d0, 1300>}, %d0: index) -> tensor<f16>
    attributes {family = #kernel.family<reduce>} {
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<f32>
  %f = linalg.fill ins(%c0 : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>], iterator_types = ["reduction", "reduction"]}
      ins(%x : tensor<?x1300xf16>) outs(%f : tensor<f32>) {
  ^bb0(%a: f16, %o: f32):
    %w = arith.extf %a : f16 to f32
    %q = arith.mulf %w, %w : f32
    %s = arith.addf %o, %q : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  %g = tensor.empty() : tensor<f16>
  %z = linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>], iterator_types = []}
      ins(%y : tensor<f32>) outs(%g : tensor<f16>) {
  ^bb0(%a: f32, %o: f16):
    %r = math.sqrt %a : f32
    %t = arith.truncf %r : f32 to f16
    linalg.yield %t : f16
  } -> tensor<f16>
  kernel.yield %z : tensor<f16>
})",
        {{1}, {7}, {26}, {0}}, 2e-3);
}

TEST(SplitReduction, OfLeadingDimsToTwoResultsOfIntegers) {
  // Columns: the largest and whether any is, from a beginning that is met.
  check(R"(
#x = affine_map<(i, j) -> (i, j)>
#y = affine_map<(i, j) -> (j)>
kernel.func @whole(%x: tensor<?x12xi32> {kernel.dims = #graph.dims<d0, 12>}, %d0: index) -> (tensor<12xi32>, tensor<12xi1>)
    attributes {family = #kernel.family<reduce>} {
  %low = arith.constant -90 : i32
  %no = arith.constant false
  %c99 = arith.constant 99 : i32
  %e = tensor.empty() : tensor<12xi32>
  %f = tensor.empty() : tensor<12xi1>
  %g = linalg.fill ins(%low : i32) outs(%e : tensor<12xi32>) -> tensor<12xi32>
  %h = linalg.fill ins(%no : i1) outs(%f : tensor<12xi1>) -> tensor<12xi1>
  %y:2 = linalg.generic {indexing_maps = [#x, #y, #y], iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<?x12xi32>) outs(%g, %h : tensor<12xi32>, tensor<12xi1>) {
  ^bb0(%a: i32, %o: i32, %p: i1):
    %m = arith.maxsi %a, %o : i32
    %c = arith.cmpi sgt, %a, %c99 : i32
    %n = arith.ori %p, %c : i1
    linalg.yield %m, %n : i32, i1
  } -> (tensor<12xi32>, tensor<12xi1>)
  kernel.yield %y#0, %y#1 : tensor<12xi32>, tensor<12xi1>
})",
        {{1}, {5}, {8192}, {8195}}, 0);
}

TEST(SplitReduction, OfMiddleDimsToSomeResults) {
  // Batch statistics of [N, H, W, C]; 33 is no multiple of a vector.
  check(R"(
#x = affine_map<(n, h, w, c) -> (n, h, w, c)>
#y = affine_map<(n, h, w, c) -> (c)>
kernel.func @whole(%x: tensor<3x37x331x3xf32>) -> tensor<3xf32> attributes {family = #kernel.family<reduce>} {
  %c0 = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<3xf32>
  %f = linalg.fill ins(%c0 : f32) outs(%e : tensor<3xf32>) -> tensor<3xf32>
  %y = linalg.generic {indexing_maps = [#x, #y], iterator_types = ["reduction", "reduction", "reduction", "parallel"]}
      ins(%x : tensor<3x37x331x3xf32>) outs(%f : tensor<3xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.maximumf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<3xf32>
  kernel.yield %y : tensor<3xf32>
})",
        {{}}, 1e-6);
}

TEST(SplitReduction, OfDimsOnBothSidesOfTheKeptOnes) {
  check(R"(
#x = affine_map<(n, c, w) -> (n, c, w)>
#y = affine_map<(n, c, w) -> (c)>
kernel.func @whole(%x: tensor<?x3x5000xf32> {kernel.dims = #graph.dims<d0, 3, 5000>}, %d0: index) -> tensor<3xf32>
    attributes {family = #kernel.family<reduce>} {
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<3xf32>
  %f = linalg.fill ins(%c0 : f32) outs(%e : tensor<3xf32>) -> tensor<3xf32>
  %y = linalg.generic {indexing_maps = [#x, #y], iterator_types = ["reduction", "parallel", "reduction"]}
      ins(%x : tensor<?x3x5000xf32>) outs(%f : tensor<3xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<3xf32>
  kernel.yield %y : tensor<3xf32>
})",
        {{1}, {4}}, 1e-5);
}
