//===- MapTest.cpp - elementwise kernels ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Runner.h"

#include <gtest/gtest.h>

using namespace actnet::testing;

static Compiler compiler;

static const char *kMaps = R"(
#id1 = affine_map<(i) -> (i)>
#id2 = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
#col = affine_map<(i, j) -> (j)>
#tr = affine_map<(i, j) -> (j, i)>

kernel.func @relu(%x: tensor<?x64xf32> {kernel.dims = #graph.dims<d0, 64>}, %d0: index)
    -> (tensor<?x64xf32> {kernel.dims = #graph.dims<d0, 64>}) attributes {family = #kernel.family<map>} {
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty(%d0) : tensor<?x64xf32>
  %y = linalg.generic {indexing_maps = [#id2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.maximumf %a, %c0 : f32
    linalg.yield %m : f32
  } -> tensor<?x64xf32>
  kernel.yield %y : tensor<?x64xf32>
}

// A bias for each column, a scale for each row, two results.
kernel.func @affine(%x: tensor<?x?xf32> {kernel.dims = #graph.dims<d0, d1>},
    %b: tensor<?xf32> {kernel.dims = #graph.dims<d1>}, %s: tensor<?xf32> {kernel.dims = #graph.dims<d0>},
    %d0: index, %d1: index)
    -> (tensor<?x?xf32> {kernel.dims = #graph.dims<d0, d1>}, tensor<?x?xi1> {kernel.dims = #graph.dims<d0, d1>})
    attributes {family = #kernel.family<map>} {
  %e = tensor.empty(%d0, %d1) : tensor<?x?xf32>
  %f = tensor.empty(%d0, %d1) : tensor<?x?xi1>
  %y:2 = linalg.generic {indexing_maps = [#id2, #col, #row, #id2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%x, %b, %s : tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>) outs(%e, %f : tensor<?x?xf32>, tensor<?x?xi1>) {
  ^bb0(%a: f32, %p: f32, %q: f32, %o: f32, %o2: i1):
    %m = arith.mulf %a, %q : f32
    %n = arith.addf %m, %p : f32
    %c = arith.cmpf ogt, %n, %a : f32
    linalg.yield %n, %c : f32, i1
  } -> (tensor<?x?xf32>, tensor<?x?xi1>)
  kernel.yield %y#0, %y#1 : tensor<?x?xf32>, tensor<?x?xi1>
}

kernel.func @transpose(%x: tensor<?x?xf32> {kernel.dims = #graph.dims<d1, d0>}, %d0: index, %d1: index)
    -> (tensor<?x?xf32> {kernel.dims = #graph.dims<d0, d1>}) attributes {family = #kernel.family<map>} {
  %e = tensor.empty(%d0, %d1) : tensor<?x?xf32>
  %y = linalg.generic {indexing_maps = [#tr, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<?x?xf32>
  kernel.yield %y : tensor<?x?xf32>
}

// Rows of a table, by loaded numbers; some are out of range.
kernel.func @gather(%t: tensor<11x20xf32>, %i: tensor<?xi64> {kernel.dims = #graph.dims<d0>}, %d0: index)
    -> (tensor<?x20xf32> {kernel.dims = #graph.dims<d0, 20>}) attributes {family = #kernel.family<map>} {
  %e = tensor.empty(%d0) : tensor<?x20xf32>
  %y = linalg.generic {indexing_maps = [#row, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%i : tensor<?xi64>) outs(%e : tensor<?x20xf32>) {
  ^bb0(%n: i64, %o: f32):
    %r = arith.index_cast %n : i64 to index
    %j = linalg.index 1 : index
    %v = tensor.extract %t[%r, %j] : tensor<11x20xf32>
    linalg.yield %v : f32
  } -> tensor<?x20xf32>
  kernel.yield %y : tensor<?x20xf32>
}

// Along the lanes the numbers are loaded.
kernel.func @pick(%t: tensor<37xf32>, %i: tensor<?xi32> {kernel.dims = #graph.dims<d0>}, %d0: index)
    -> (tensor<?xf32> {kernel.dims = #graph.dims<d0>}) attributes {family = #kernel.family<map>} {
  %e = tensor.empty(%d0) : tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]}
      ins(%i : tensor<?xi32>) outs(%e : tensor<?xf32>) {
  ^bb0(%n: i32, %o: f32):
    %r = arith.index_cast %n : i32 to index
    %v = tensor.extract %t[%r] : tensor<37xf32>
    linalg.yield %v : f32
  } -> tensor<?xf32>
  kernel.yield %y : tensor<?xf32>
}

// Rows repeated along two dims, one of which is padded: the operand moves along
// neither, and the bounds of one are checked.
kernel.func @repeatpad(%x: tensor<1x1x3xf32>) -> tensor<3x2x3xf32> attributes {family = #kernel.family<map>} {
  %c = arith.constant 7.0 : f32
  %e = tensor.empty() : tensor<2x2x3xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (0, 0, k)>, affine_map<(i, j, k) -> (i, j, k)>],
         iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<1x1x3xf32>) outs(%e : tensor<2x2x3xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<2x2x3xf32>
  %p = tensor.pad %y low[1, 0, 0] high[0, 0, 0] {
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %c : f32
  } : tensor<2x2x3xf32> to tensor<3x2x3xf32>
  kernel.yield %p : tensor<3x2x3xf32>
}

// Pads both dims, then slices; written into part of a wider buffer.
kernel.func @padslice(%x: tensor<?x13xf32> {kernel.dims = #graph.dims<d0, 13>}, %d0: index)
    -> (tensor<?x15xf32> {kernel.dims = #graph.dims<d0 + 1, 15>, kernel.strides = #graph.dims<40, 1>})
    attributes {family = #kernel.family<map>} {
  %c = arith.constant 7.0 : f32
  %c1 = arith.constant 1 : index
  %n = arith.addi %d0, %c1 : index
  %p = tensor.pad %x low[1, 2] high[1, 3] {
  ^bb0(%i: index, %j: index):
    tensor.yield %c : f32
  } : tensor<?x13xf32> to tensor<?x18xf32>
  %s = tensor.extract_slice %p[1, 2] [%n, 15] [1, 1] : tensor<?x18xf32> to tensor<?x15xf32>
  %e = tensor.empty(%n) : tensor<?x15xf32>
  %y = linalg.generic {indexing_maps = [#id2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%s : tensor<?x15xf32>) outs(%e : tensor<?x15xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.addf %a, %a : f32
    linalg.yield %m : f32
  } -> tensor<?x15xf32>
  kernel.yield %y : tensor<?x15xf32>
}

// Channels last of few channels, padded: lanes along the padded width.
kernel.func @image(%x: tensor<?x3x9x?xf32> {kernel.dims = #graph.dims<d0, 3, 9, d1>}, %d0: index, %d1: index)
    -> (tensor<?x13x?x3xf32> {kernel.dims = #graph.dims<d0, 13, d1 + 5, 3>}) attributes {family = #kernel.family<map>} {
  %c = arith.constant -1.0 : f32
  %e = tensor.empty(%d0, %d1) : tensor<?x9x?x3xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, h, w, c) -> (n, c, h, w)>, affine_map<(n, h, w, c) -> (n, h, w, c)>],
        iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x3x9x?xf32>) outs(%e : tensor<?x9x?x3xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<?x9x?x3xf32>
  %p = tensor.pad %y low[0, 2, 2, 0] high[0, 2, 3, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %c : f32
  } : tensor<?x9x?x3xf32> to tensor<?x13x?x3xf32>
  kernel.yield %p : tensor<?x13x?x3xf32>
}

// A gather below a pad along lanes: lanes that are outside read nothing.
kernel.func @padpick(%t: tensor<5x7xf32>, %i: tensor<?xi32> {kernel.dims = #graph.dims<d0>}, %d0: index)
    -> (tensor<?xf32> {kernel.dims = #graph.dims<d0 + 4>}) attributes {family = #kernel.family<map>} {
  %c = arith.constant 3.0 : f32
  %e = tensor.empty(%d0) : tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]}
      ins(%i : tensor<?xi32>) outs(%e : tensor<?xf32>) {
  ^bb0(%n: i32, %o: f32):
    %r = arith.index_cast %n : i32 to index
    %z = arith.constant 2 : index
    %v = tensor.extract %t[%r, %z] : tensor<5x7xf32>
    linalg.yield %v : f32
  } -> tensor<?xf32>
  %p = tensor.pad %y low[3] high[1] {
  ^bb0(%j: index):
    tensor.yield %c : f32
  } : tensor<?xf32> to tensor<?xf32>
  kernel.yield %p : tensor<?xf32>
}

kernel.func @narrow(%x: tensor<?xbf16> {kernel.dims = #graph.dims<d0>}, %h: tensor<?xf16> {kernel.dims = #graph.dims<d0>}, %d0: index)
    -> (tensor<?xbf16> {kernel.dims = #graph.dims<d0>}, tensor<?xf16> {kernel.dims = #graph.dims<d0>}, tensor<?xi8> {kernel.dims = #graph.dims<d0>})
    attributes {family = #kernel.family<map>} {
  %e = tensor.empty(%d0) : tensor<?xbf16>
  %f = tensor.empty(%d0) : tensor<?xf16>
  %g = tensor.empty(%d0) : tensor<?xi8>
  %y:3 = linalg.generic {indexing_maps = [#id1, #id1, #id1, #id1, #id1], iterator_types = ["parallel"]}
      ins(%x, %h : tensor<?xbf16>, tensor<?xf16>) outs(%e, %f, %g : tensor<?xbf16>, tensor<?xf16>, tensor<?xi8>) {
  ^bb0(%a: bf16, %b: f16, %o: bf16, %o2: f16, %o3: i8):
    %a32 = arith.extf %a : bf16 to f32
    %b32 = arith.extf %b : f16 to f32
    %s = arith.addf %a32, %b32 : f32
    %r = arith.truncf %s : f32 to bf16
    %t = arith.truncf %s : f32 to f16
    %i = arith.fptosi %s : f32 to i8
    linalg.yield %r, %t, %i : bf16, f16, i8
  } -> (tensor<?xbf16>, tensor<?xf16>, tensor<?xi8>)
  kernel.yield %y#0, %y#1, %y#2 : tensor<?xbf16>, tensor<?xf16>, tensor<?xi8>
}

kernel.func @integers(%x: tensor<?xi64> {kernel.dims = #graph.dims<d0>}, %z: tensor<?xi64> {kernel.dims = #graph.dims<d0>}, %d0: index)
    -> (tensor<?xi64> {kernel.dims = #graph.dims<d0>}, tensor<?xf32> {kernel.dims = #graph.dims<d0>})
    attributes {family = #kernel.family<map>} {
  %t = arith.constant dense<[3, -5, 8]> : tensor<3xi64>
  %e = tensor.empty(%d0) : tensor<?xi64>
  %f = tensor.empty(%d0) : tensor<?xf32>
  %y:2 = linalg.generic {indexing_maps = [#id1, #id1, #id1, #id1], iterator_types = ["parallel"]}
      ins(%x, %z : tensor<?xi64>, tensor<?xi64>) outs(%e, %f : tensor<?xi64>, tensor<?xf32>) {
  ^bb0(%a: i64, %b: i64, %o: i64, %o2: f32):
    %c1 = arith.constant 1 : i64
    %two = arith.constant 2 : index
    %v = tensor.extract %t[%two] : tensor<3xi64>
    %m = arith.maxsi %b, %c1 : i64
    %q = arith.divsi %a, %m : i64
    %r = arith.addi %q, %v : i64
    %s = arith.sitofp %r : i64 to f32
    linalg.yield %r, %s : i64, f32
  } -> (tensor<?xi64>, tensor<?xf32>)
  kernel.yield %y#0, %y#1 : tensor<?xi64>, tensor<?xf32>
}

kernel.func @scalar(%x: tensor<f32>) -> tensor<f32> attributes {family = #kernel.family<map>} {
  %e = tensor.empty() : tensor<f32>
  %y = linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>], iterator_types = []}
      ins(%x : tensor<f32>) outs(%e : tensor<f32>) {
  ^bb0(%a: f32, %o: f32):
    %m = math.exp %a : f32
    linalg.yield %m : f32
  } -> tensor<f32>
  kernel.yield %y : tensor<f32>
}
)";

static Kernels &maps() {
  static Kernels kernels(compiler, kMaps);
  return kernels;
}

TEST(Map, Compiles) { ASSERT_TRUE(maps().ok()) << maps().error; }

TEST(Map, DenseDimsAreOneLoop) {
  ASSERT_TRUE(maps().ok()) << maps().error;
  for (int64_t n : {1, 2, 127, 128, 129, 400})
    EXPECT_EQ(maps().checkRandom("relu", {n}, n), "");
}

TEST(Map, BroadcastsAndTwoResults) {
  ASSERT_TRUE(maps().ok()) << maps().error;
  for (int64_t m : {1, 3, 15, 16, 17})
    for (int64_t n : {1, 7, 8, 9, 31, 64, 8191, 8193})
      EXPECT_EQ(maps().checkRandom("affine", {m, n}, m * 100 + n), "");
}

TEST(Map, Transposes) {
  ASSERT_TRUE(maps().ok()) << maps().error;
  for (int64_t m : {1, 7, 8, 9, 16, 33})
    for (int64_t n : {1, 5, 8, 15, 16, 17, 63, 64, 65, 130})
      EXPECT_EQ(maps().checkRandom("transpose", {m, n}, m * 100 + n), "");
}

TEST(Map, GathersRowsAndElementsClamped) {
  ASSERT_TRUE(maps().ok()) << maps().error;
  for (int64_t n : {1, 4, 9, 500})
    EXPECT_EQ(maps().checkRandom("gather", {n}, n, -3, 15), "");
  for (int64_t n : {1, 7, 8, 9, 30})
    EXPECT_EQ(maps().checkRandom("pick", {n}, n, -10, 50), "");
}

TEST(Map, PadsSlicesAndWritesStrided) {
  ASSERT_TRUE(maps().ok()) << maps().error;
  for (int64_t n : {1, 2, 9, 100})
    EXPECT_EQ(maps().checkRandom("padslice", {n}, n), "");
  for (int64_t n : {1, 3})
    for (int64_t w : {1, 2, 3, 8, 11, 24, 30})
      EXPECT_EQ(maps().checkRandom("image", {n, w}, n + w), "");
  for (int64_t n : {1, 4, 5, 8, 12, 13, 40})
    EXPECT_EQ(maps().checkRandom("padpick", {n}, n, -2, 6), "");
}

TEST(Map, PadsWhatIsRepeatedAlongTwoDims) {
  ASSERT_TRUE(maps().ok()) << maps().error;
  EXPECT_EQ(maps().checkRandom("repeatpad", {}, 1), "");
}

TEST(Map, NarrowFloatsAndBytes) {
  ASSERT_TRUE(maps().ok()) << maps().error;
  for (int64_t n : {1, 7, 8, 9, 70})
    // The interpreter does not round: bf16 has eight bits.
    EXPECT_EQ(maps().checkRandom("narrow", {n}, n, -3, 3, 0.004, 1e-3), "");
}

TEST(Map, IntegersAndTables) {
  ASSERT_TRUE(maps().ok()) << maps().error;
  for (int64_t n : {1, 8, 11})
    EXPECT_EQ(maps().checkRandom("integers", {n}, n, -1000, 1000), "");
}

TEST(Map, RankZero) {
  ASSERT_TRUE(maps().ok()) << maps().error;
  EXPECT_EQ(maps().checkRandom("scalar", {}, 1), "");
}

TEST(Map, DividingByZeroDoesNotTrap) {
  Kernels kernels(compiler, R"(
    #id = affine_map<(i) -> (i)>
    kernel.func @k(%x: tensor<3xi32>, %y: tensor<3xi32>) -> tensor<3xi32> attributes {family = #kernel.family<map>} {
      %e = tensor.empty() : tensor<3xi32>
      %r = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
          ins(%x, %y : tensor<3xi32>, tensor<3xi32>) outs(%e : tensor<3xi32>) {
      ^bb0(%a: i32, %b: i32, %o: i32):
        %q = arith.divsi %a, %b : i32
        linalg.yield %q : i32
      } -> tensor<3xi32>
      kernel.yield %r : tensor<3xi32>
    })");
  ASSERT_TRUE(kernels.ok()) << kernels.error;
  Tensor x{{3}, {7, -2147483648.0, 9}}, y{{3}, {0, -1, 2}};
  std::vector<Tensor> z = kernels.run("k", {x, y}, {});
  EXPECT_EQ(z[0].data[2], 4);
}

TEST(Map, UnknownOpsAreOneError) {
  Kernels kernels(compiler, R"(
    #id = affine_map<(i) -> (i)>
    kernel.func @k(%x: tensor<3xf32>) -> tensor<3xf32> attributes {family = #kernel.family<map>} {
      %e = tensor.empty() : tensor<3xf32>
      %r = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
          ins(%x : tensor<3xf32>) outs(%e : tensor<3xf32>) {
      ^bb0(%a: f32, %o: f32):
        %q = math.acosh %a : f32
        linalg.yield %q : f32
      } -> tensor<3xf32>
      kernel.yield %r : tensor<3xf32>
    })");
  EXPECT_FALSE(kernels.ok());
  EXPECT_EQ(kernels.error,
            "the host code generator does not know this function");
}
