//===- ReduceTest.cpp - reductions, pooling, rows -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Runner.h"

#include <gtest/gtest.h>

using namespace actnet::testing;

static Compiler compiler;

static const char *kText = R"(
#id2 = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#col = affine_map<(i, j) -> (j)>

kernel.func @rowsum(%x: tensor<?x?xf32> {kernel.dims = #graph.dims<d0, d1>}, %d0: index, %d1: index)
    -> (tensor<?xf32> {kernel.dims = #graph.dims<d0>}) attributes {family = #kernel.family<reduce>} {
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty(%d0) : tensor<?xf32>
  %f = linalg.fill ins(%c0 : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x?xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.mulf %a, %a : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  kernel.yield %y : tensor<?xf32>
}

// Lanes are the results; the epilogue divides by a dynamic count.
kernel.func @colmean(%x: tensor<?x?xf32> {kernel.dims = #graph.dims<d0, d1>}, %d0: index, %d1: index)
    -> (tensor<?xf32> {kernel.dims = #graph.dims<d1>}) attributes {family = #kernel.family<reduce>} {
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty(%d1) : tensor<?xf32>
  %f = linalg.fill ins(%c0 : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(j, i) -> (i, j)>, affine_map<(j, i) -> (j)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x?xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %z = linalg.generic {indexing_maps = [affine_map<(j) -> (j)>, affine_map<(j) -> (j)>], iterator_types = ["parallel"]}
      ins(%y : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.index_cast %d0 : index to i64
    %c = arith.sitofp %n : i64 to f32
    %s = arith.divf %a, %c : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  kernel.yield %z : tensor<?xf32>
}

// Two results at once: any body, element by element.
kernel.func @argmax(%x: tensor<?x9xf32> {kernel.dims = #graph.dims<d0, 9>}, %d0: index)
    -> (tensor<?xi64> {kernel.dims = #graph.dims<d0>}, tensor<?xf32> {kernel.dims = #graph.dims<d0>})
    attributes {family = #kernel.family<reduce>} {
  %low = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0 : i64
  %e = tensor.empty(%d0) : tensor<?xf32>
  %f = linalg.fill ins(%low : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
  %g = tensor.empty(%d0) : tensor<?xi64>
  %h = linalg.fill ins(%zero : i64) outs(%g : tensor<?xi64>) -> tensor<?xi64>
  %y:2 = linalg.generic {indexing_maps = [#id2, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x9xf32>) outs(%f, %h : tensor<?xf32>, tensor<?xi64>) {
  ^bb0(%a: f32, %m: f32, %n: i64):
    %j = linalg.index 1 : index
    %k = arith.index_cast %j : index to i64
    %c = arith.cmpf ogt, %a, %m : f32
    %v = arith.select %c, %a, %m : f32
    %w = arith.select %c, %k, %n : i64
    linalg.yield %v, %w : f32, i64
  } -> (tensor<?xf32>, tensor<?xi64>)
  kernel.yield %y#1, %y#0 : tensor<?xi64>, tensor<?xf32>
}

kernel.func @maxpool(%x: tensor<?x11x11x?xf32> {kernel.dims = #graph.dims<d0, 11, 11, d1>}, %d0: index, %d1: index)
    -> (tensor<?x6x6x?xf32> {kernel.dims = #graph.dims<d0, 6, 6, d1>}) attributes {family = #kernel.family<pool>} {
  %low = arith.constant 0xFF800000 : f32
  %p = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %low : f32
  } : tensor<?x11x11x?xf32> to tensor<?x13x13x?xf32>
  %w = tensor.empty() : tensor<3x3xf32>
  %e = tensor.empty(%d0, %d1) : tensor<?x6x6x?xf32>
  %f = linalg.fill ins(%low : f32) outs(%e : tensor<?x6x6x?xf32>) -> tensor<?x6x6x?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, h, w, c, p, q) -> (n, h * 2 + p, w * 2 + q, c)>,
        affine_map<(n, h, w, c, p, q) -> (p, q)>, affine_map<(n, h, w, c, p, q) -> (n, h, w, c)>],
        iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%p, %w : tensor<?x13x13x?xf32>, tensor<3x3xf32>) outs(%f : tensor<?x6x6x?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.maximumf %o, %a : f32
    linalg.yield %m : f32
  } -> tensor<?x6x6x?xf32>
  kernel.yield %y : tensor<?x6x6x?xf32>
}

kernel.func @softmax(%x: tensor<?x197xf32> {kernel.dims = #graph.dims<d0, 197>}, %d0: index)
    -> (tensor<?x197xf32> {kernel.dims = #graph.dims<d0, 197>}) attributes {family = #kernel.family<row>} {
  %low = arith.constant 0xFF800000 : f32
  %c0 = arith.constant 0.0 : f32
  %r = tensor.empty(%d0) : tensor<?xf32>
  %e = tensor.empty(%d0) : tensor<?x197xf32>
  %f = linalg.fill ins(%low : f32) outs(%r : tensor<?xf32>) -> tensor<?xf32>
  %g = linalg.fill ins(%c0 : f32) outs(%r : tensor<?xf32>) -> tensor<?xf32>
  %m = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x197xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.maximumf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %p = linalg.generic {indexing_maps = [#id2, #row, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m : tensor<?x197xf32>, tensor<?xf32>) outs(%e : tensor<?x197xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %a, %b : f32
    %s = math.exp %d : f32
    linalg.yield %s : f32
  } -> tensor<?x197xf32>
  %t = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%p : tensor<?x197xf32>) outs(%g : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#id2, #row, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%p, %t : tensor<?x197xf32>, tensor<?xf32>) outs(%e : tensor<?x197xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.divf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x197xf32>
  kernel.yield %y : tensor<?x197xf32>
}

// Adds two inputs, normalises the sum, returns sum, normed and the mean.
kernel.func @norm(%x: tensor<?x?xf32> {kernel.dims = #graph.dims<d0, d1>}, %z: tensor<?x?xf32> {kernel.dims = #graph.dims<d0, d1>},
    %w: tensor<?xf32> {kernel.dims = #graph.dims<d1>}, %d0: index, %d1: index)
    -> (tensor<?x?xf32> {kernel.dims = #graph.dims<d0, d1>}, tensor<?x?xf32> {kernel.dims = #graph.dims<d0, d1>},
        tensor<?xf32> {kernel.dims = #graph.dims<d0>}) attributes {family = #kernel.family<row>} {
  %c0 = arith.constant 0.0 : f32
  %eps = arith.constant 1.0e-5 : f32
  %r = tensor.empty(%d0) : tensor<?xf32>
  %e = tensor.empty(%d0, %d1) : tensor<?x?xf32>
  %f = linalg.fill ins(%c0 : f32) outs(%r : tensor<?xf32>) -> tensor<?xf32>
  %a = linalg.generic {indexing_maps = [#id2, #id2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%x, %z : tensor<?x?xf32>, tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %s = arith.addf %p, %q : f32
    linalg.yield %s : f32
  } -> tensor<?x?xf32>
  %m = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%a : tensor<?x?xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%p: f32, %o: f32):
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %n = arith.index_cast %d1 : index to i64
  %mean = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%m : tensor<?xf32>) outs(%r : tensor<?xf32>) {
  ^bb0(%p: f32, %o: f32):
    %i = arith.index_cast %d1 : index to i64
    %c = arith.sitofp %i : i64 to f32
    %s = arith.divf %p, %c : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %v = linalg.generic {indexing_maps = [#id2, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%a, %mean : tensor<?x?xf32>, tensor<?xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %d = arith.subf %p, %q : f32
    %s2 = arith.mulf %d, %d : f32
    %s = arith.addf %o, %s2 : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#id2, #row, #row, #col, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%a, %mean, %v, %w : tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%p: f32, %q: f32, %u: f32, %k: f32, %o: f32):
    %i = arith.index_cast %d1 : index to i64
    %c = arith.sitofp %i : i64 to f32
    %var = arith.divf %u, %c : f32
    %ve = arith.addf %var, %eps : f32
    %sd = math.sqrt %ve : f32
    %d = arith.subf %p, %q : f32
    %t = arith.divf %d, %sd : f32
    %s = arith.mulf %t, %k : f32
    linalg.yield %s : f32
  } -> tensor<?x?xf32>
  kernel.yield %a, %y, %mean : tensor<?x?xf32>, tensor<?x?xf32>, tensor<?xf32>
}

kernel.func @any(%x: tensor<?x?xi1> {kernel.dims = #graph.dims<d0, d1>}, %d0: index, %d1: index)
    -> (tensor<?xi1> {kernel.dims = #graph.dims<d0>}) attributes {family = #kernel.family<reduce>} {
  %c0 = arith.constant false
  %e = tensor.empty(%d0) : tensor<?xi1>
  %f = linalg.fill ins(%c0 : i1) outs(%e : tensor<?xi1>) -> tensor<?xi1>
  %y = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x?xi1>) outs(%f : tensor<?xi1>) {
  ^bb0(%a: i1, %o: i1):
    %s = arith.ori %o, %a : i1
    linalg.yield %s : i1
  } -> tensor<?xi1>
  kernel.yield %y : tensor<?xi1>
}
)";

static Kernels &kernels() {
  static Kernels all(compiler, kText);
  return all;
}

TEST(Reduce, AlongLanes) {
  ASSERT_TRUE(kernels().ok()) << kernels().error;
  for (int64_t m : {1, 5, 64})
    for (int64_t n : {1, 7, 8, 9, 31, 32, 33, 65, 1000})
      EXPECT_EQ(kernels().checkRandom("rowsum", {m, n}, m + n, -1, 1, 1e-5),
                "");
}

TEST(Reduce, AcrossLanes) {
  ASSERT_TRUE(kernels().ok()) << kernels().error;
  for (int64_t m : {1, 5, 49})
    for (int64_t n : {1, 7, 8, 9, 31, 32, 33, 65, 1000})
      EXPECT_EQ(kernels().checkRandom("colmean", {m, n}, m + n, -1, 1, 1e-5),
                "");
}

TEST(Reduce, SeveralResults) {
  ASSERT_TRUE(kernels().ok()) << kernels().error;
  for (int64_t m : {1, 8, 21})
    EXPECT_EQ(kernels().checkRandom("argmax", {m}, m), "");
}

TEST(Reduce, Bools) {
  ASSERT_TRUE(kernels().ok()) << kernels().error;
  for (int64_t n : {1, 2, 8, 19})
    EXPECT_EQ(kernels().checkRandom("any", {17, n}, n, -9, 1), "");
}

TEST(Pool, WindowsAndPadding) {
  ASSERT_TRUE(kernels().ok()) << kernels().error;
  for (int64_t n : {1, 2})
    for (int64_t c : {1, 3, 8, 20, 40, 64})
      EXPECT_EQ(kernels().checkRandom("maxpool", {n, c}, c), "");
}

TEST(Row, SoftmaxKeepsItsExponentials) {
  ASSERT_TRUE(kernels().ok()) << kernels().error;
  EXPECT_EQ(*kernels().kernel("softmax").getScratch(), 832);
  for (int64_t n : {1, 3, 100, 130})
    EXPECT_EQ(kernels().checkRandom("softmax", {n}, n, -20, 20, 1e-5, 1e-7),
              "");
}

TEST(Row, NormWithThreeResults) {
  ASSERT_TRUE(kernels().ok()) << kernels().error;
  for (int64_t m : {1, 3, 40})
    for (int64_t n : {2, 8, 9, 33, 768})
      EXPECT_EQ(kernels().checkRandom("norm", {m, n}, m + n, -2, 2, 1e-5, 1e-5),
                "");
}
