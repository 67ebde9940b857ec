//===- BordersTest.cpp - few kernels at the borders of their tiles --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For each family the shapes at which a moved bound, a missing barrier or a
// moved index shows: several blocks, the last of which is ragged, shared memory
// that is used twice, wide accesses and not. utils/fuzz/mutate_kernels.py
// breaks the families and looks whether these notice; what they miss, the
// kernels by chance are asked about.
//
//===----------------------------------------------------------------------===//

#include "../Host/Runner.h"
#include "ToyRunner.h"

#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace actnet;
using namespace actnet::testing;

/// Runs every kernel of a text for each of `dims`, aligned and not.
static void check(const std::string &text,
                  const std::vector<std::vector<int64_t>> &dims,
                  double tolerance) {
  Compiler compiler;
  auto module = parseSourceString<ModuleOp>(text, &compiler.context);
  ASSERT_TRUE(module) << text;
  ToyKernels kernels(*module);
  ASSERT_EQ(kernels.error, "");
  unsigned seed = 0;
  for (auto kernel : module->getOps<kernel::FuncOp>())
    for (const std::vector<int64_t> &size : dims)
      for (bool isUnaligned : {false, true})
        EXPECT_EQ(kernels.check(kernel.getSymName(),
                                {size, ++seed, -2, 2, tolerance, isUnaligned}),
                  "")
            << kernel.getSymName().str() << ::testing::PrintToString(size)
            << (isUnaligned ? " unaligned" : "");
}

TEST(Borders, Map) {
  // Three tiles; of the last one vector is whole, and one ragged.
  check(R"(
#id = affine_map<(i) -> (i)>
kernel.func @twice(%x: tensor<?xf32> {kernel.dims = #graph.dims<d0>}, %d0: index)
    -> (tensor<?xf32> {kernel.dims = #graph.dims<d0>}) attributes {family = #kernel.family<map>} {
  %e = tensor.empty(%d0) : tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  kernel.yield %y : tensor<?xf32>
}
kernel.func @halves(%x: tensor<?xf16> {kernel.dims = #graph.dims<d0>}, %d0: index)
    -> (tensor<?xf32> {kernel.dims = #graph.dims<d0>}, tensor<?xi8> {kernel.dims = #graph.dims<d0>})
    attributes {family = #kernel.family<map>} {
  %e = tensor.empty(%d0) : tensor<?xf32>
  %f = tensor.empty(%d0) : tensor<?xi8>
  %y:2 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf16>) outs(%e, %f : tensor<?xf32>, tensor<?xi8>) {
  ^bb0(%a: f16, %o: f32, %p: i8):
    %s = arith.extf %a : f16 to f32
    %t = arith.fptosi %s : f32 to i8
    linalg.yield %s, %t : f32, i8
  } -> (tensor<?xf32>, tensor<?xi8>)
  kernel.yield %y#0, %y#1 : tensor<?xf32>, tensor<?xi8>
}
)",
        {{1}, {3}, {8192}, {8197}, {16389}}, 1e-6);
}

TEST(Borders, Transpose) {
  // Tiles in both directions, ragged in both, for two outer indices.
  check(R"(
#id = affine_map<(o, a, c) -> (o, a, c)>
kernel.func @turn(%x: tensor<2x?x70xf32> {kernel.dims = #graph.dims<2, d0, 70>}, %d0: index)
    -> (tensor<2x70x?xf32> {kernel.dims = #graph.dims<2, 70, d0>}) attributes {family = #kernel.family<map>} {
  %e = tensor.empty(%d0) : tensor<2x70x?xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(o, a, c) -> (o, c, a)>, #id],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<2x?x70xf32>) outs(%e : tensor<2x70x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.negf %a : f32
    linalg.yield %s : f32
  } -> tensor<2x70x?xf32>
  kernel.yield %y : tensor<2x70x?xf32>
}
kernel.func @turnHalf(%x: tensor<2x?x64xf16> {kernel.dims = #graph.dims<2, d0, 64>}, %d0: index)
    -> (tensor<2x64x?xf16> {kernel.dims = #graph.dims<2, 64, d0>}) attributes {family = #kernel.family<map>} {
  %e = tensor.empty(%d0) : tensor<2x64x?xf16>
  %y = linalg.generic {indexing_maps = [affine_map<(o, a, c) -> (o, c, a)>, #id],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<2x?x64xf16>) outs(%e : tensor<2x64x?xf16>) {
  ^bb0(%a: f16, %o: f16):
    linalg.yield %a : f16
  } -> tensor<2x64x?xf16>
  kernel.yield %y : tensor<2x64x?xf16>
}
)",
        {{1}, {32}, {33}, {95}}, 1e-6);
}

/// Sums and sums of squares over the first dim of x [rows, columns].
static std::string columns(const std::string &name, const std::string &rows,
                           const std::string &width) {
  std::string x = "tensor<" + rows + "x" + width + "xf32>",
              y = "tensor<" + width + "xf32>";
  return R"(
kernel.func @)" +
         name + "(%x: " + x + ") -> (" + y + ", " + y +
         R"() attributes {family = #kernel.family<reduce>} {
  %c = arith.constant 0.0 : f32
  %e = tensor.empty() : )" +
         y + "\n  %f = linalg.fill ins(%c : f32) outs(%e : " + y + ") -> " + y +
         R"(
  %y:2 = linalg.generic {indexing_maps = [affine_map<(c, r) -> (r, c)>, affine_map<(c, r) -> (c)>,
                         affine_map<(c, r) -> (c)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : )" +
         x + ") outs(%f, %f : " + y + ", " + y + R"() {
  ^bb0(%a: f32, %o: f32, %p: f32):
    %s = arith.addf %o, %a : f32
    %q = arith.mulf %a, %a : f32
    %t = arith.addf %p, %q : f32
    linalg.yield %s, %t : f32, f32
  } -> ()" +
         y + ", " + y + ")\n  kernel.yield %y#0, %y#1 : " + y + ", " + y +
         "\n}\n";
}

TEST(Borders, Reduce) {
  // Stripes and vectors, two blocks or more, the last of them ragged; one
  // element more than stripes; no stripes.
  check(columns("many", "70", "388") + columns("odd", "33", "301") +
            columns("tall", "1030", "20") + columns("flat", "5", "1100"),
        {{}}, 1e-4);
}

/// A norm of rows: two reductions that use the same shared memory, then all
/// columns, and a result of the row.
static std::string rows(const std::string &name, const std::string &width) {
  bool isDynamic = width == "?";
  std::string x = "tensor<?x" + width + "xf32>",
              dims = " {kernel.dims = #graph.dims<d0, " +
                     (isDynamic ? "d1" : width) + ">}",
              sizes = isDynamic ? "%d0, %d1" : "%d0";
  return R"(
#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
kernel.func @)" +
         name + "(%x: " + x + dims + ", %d0: index" +
         (isDynamic ? ", %d1: index" : "") + ") -> (" + x + dims +
         ", tensor<?xf32> {kernel.dims = #graph.dims<d0>})" +
         R"( attributes {family = #kernel.family<row>} {
  %c = arith.constant 0.0 : f32
  %r = tensor.empty(%d0) : tensor<?xf32>
  %e = tensor.empty()" +
         sizes + ") : " + x + R"(
  %f = linalg.fill ins(%c : f32) outs(%r : tensor<?xf32>) -> tensor<?xf32>
  %s = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : )" +
         x + R"() outs(%f : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.addf %o, %a : f32
    linalg.yield %n : f32
  } -> tensor<?xf32>
  %q = linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x, %s : )" +
         x + R"(, tensor<?xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %a, %b : f32
    %m = arith.maximumf %a, %d : f32
    %n = arith.addf %o, %m : f32
    linalg.yield %n : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %q : )" +
         x + R"(, tensor<?xf32>) outs(%e : )" + x + R"() {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %n = arith.addf %a, %b : f32
    linalg.yield %n : f32
  } -> )" +
         x + "\n  kernel.yield %y, %s : " + x + ", tensor<?xf32>\n}\n";
}

TEST(Borders, Row) {
  // A warp's row, of which the last block has too few; a block's.
  check(rows("warp", "100"), {{1}, {5}}, 1e-3);
  check(rows("block", "1300"), {{2}}, 1e-3);
  // What does not fit in registers is read again, or kept in shared memory.
  check(rows("any", "?"), {{1, 3}, {2, 1025}, {2, 9001}}, 2e-2);
  check(rows("shared", "17000"), {{2}}, 2e-2);
}
