//===- Kernels.cpp - kernel text that the CUDA tests share ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Kernels.h"

#include "../Host/Runner.h"
#include "actnet/Codegen/CUDA/CUDACodegen.h"

#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace actnet;

static const char *kText = R"(
#id1 = affine_map<(i) -> (i)>
#id2 = affine_map<(i, j) -> (i, j)>
#id3 = affine_map<(i, j, k) -> (i, j, k)>
#row = affine_map<(i, j) -> (i)>
#col = affine_map<(i, j) -> (j)>

// Broadcasts along the rows.
kernel.func @scale_relu(%x: tensor<?x50xf32> {kernel.dims = #graph.dims<d0, 50>}, %s: tensor<50xf32>,
                        %b: tensor<50xf32>, %d0: index)
    -> (tensor<?x50xf32> {kernel.dims = #graph.dims<d0, 50>})
    attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0>} {
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty(%d0) : tensor<?x50xf32>
  %y = linalg.generic {indexing_maps = [#id2, #col, #col, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s, %b : tensor<?x50xf32>, tensor<50xf32>, tensor<50xf32>) outs(%e : tensor<?x50xf32>) {
  ^bb0(%a: f32, %p: f32, %q: f32, %o: f32):
    %m = arith.mulf %a, %p : f32
    %n = arith.addf %m, %q : f32
    %r = arith.maximumf %n, %c0 : f32
    linalg.yield %r : f32
  } -> tensor<?x50xf32>
  kernel.yield %y : tensor<?x50xf32>
}

// Two generics, half precision, functions.
kernel.func @gelu_half(%x: tensor<2x3x37xf16>) -> tensor<2x3x37xf16> attributes {family = #kernel.family<map>} {
  %half = arith.constant 0.5 : f16
  %one = arith.constant 1.0 : f16
  %root = arith.constant 0.70710678 : f16
  %e = tensor.empty() : tensor<2x3x37xf16>
  %t = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<2x3x37xf16>) outs(%e : tensor<2x3x37xf16>) {
  ^bb0(%a: f16, %o: f16):
    %m = arith.mulf %a, %root : f16
    %f = math.erf %m : f16
    linalg.yield %f : f16
  } -> tensor<2x3x37xf16>
  %y = linalg.generic {indexing_maps = [#id3, #id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %t : tensor<2x3x37xf16>, tensor<2x3x37xf16>) outs(%e : tensor<2x3x37xf16>) {
  ^bb0(%a: f16, %f: f16, %o: f16):
    %p = arith.addf %f, %one : f16
    %h = arith.mulf %a, %half : f16
    %r = arith.mulf %h, %p : f16
    linalg.yield %r : f16
  } -> tensor<2x3x37xf16>
  kernel.yield %y : tensor<2x3x37xf16>
}

// A transposed operand, padding, two results, bool and bfloat16.
kernel.func @pad_choose(%x: tensor<9x?xbf16> {kernel.dims = #graph.dims<9, d0>},
                        %c: tensor<?x12xi1> {kernel.dims = #graph.dims<d0, 12>}, %d0: index)
    -> (tensor<?x12xbf16> {kernel.dims = #graph.dims<d0, 12>}, tensor<?x12xi1> {kernel.dims = #graph.dims<d0, 12>})
    attributes {family = #kernel.family<map>} {
  %zero = arith.constant 0.0 : bf16
  %minus = arith.constant -1.5 : bf16
  %p = tensor.pad %x low[1, 0] high[2, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %minus : bf16
  } : tensor<9x?xbf16> to tensor<12x?xbf16>
  %e = tensor.empty(%d0) : tensor<?x12xbf16>
  %f = tensor.empty(%d0) : tensor<?x12xi1>
  %y:2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, #id2, #id2, #id2],
                         iterator_types = ["parallel", "parallel"]}
      ins(%p, %c : tensor<12x?xbf16>, tensor<?x12xi1>) outs(%e, %f : tensor<?x12xbf16>, tensor<?x12xi1>) {
  ^bb0(%a: bf16, %b: i1, %o: bf16, %q: i1):
    %s = arith.select %b, %a, %zero : bf16
    %g = arith.cmpf oge, %a, %zero : bf16
    %h = arith.andi %g, %b : i1
    linalg.yield %s, %h : bf16, i1
  } -> (tensor<?x12xbf16>, tensor<?x12xi1>)
  kernel.yield %y#0, %y#1 : tensor<?x12xbf16>, tensor<?x12xi1>
}

// Integers: division by zero, shifts, signless comparison, a gather.
kernel.func @integers(%x: tensor<33xi32>, %y: tensor<33xi32>, %t: tensor<7xf32>)
    -> (tensor<33xi32>, tensor<33xi8>, tensor<33xf32>) attributes {family = #kernel.family<map>} {
  %c3 = arith.constant 3 : i32
  %k0 = arith.constant 0 : index
  %k7 = arith.constant 7 : index
  %e = tensor.empty() : tensor<33xi32>
  %f = tensor.empty() : tensor<33xi8>
  %g = tensor.empty() : tensor<33xf32>
  %z:3 = linalg.generic {indexing_maps = [#id1, #id1, #id1, #id1, #id1], iterator_types = ["parallel"]}
      ins(%x, %y : tensor<33xi32>, tensor<33xi32>) outs(%e, %f, %g : tensor<33xi32>, tensor<33xi8>, tensor<33xf32>) {
  ^bb0(%a: i32, %b: i32, %o: i32, %p: i8, %q: f32):
    %d = arith.floordivsi %a, %b : i32
    %r = arith.remsi %a, %b : i32
    %s = arith.shli %d, %c3 : i32
    %u = arith.addi %s, %r : i32
    %i8 = arith.trunci %u : i32 to i8
    %c = arith.cmpi ult, %a, %b : i32
    %cu = arith.extui %c : i1 to i32
    %sum = arith.addi %u, %cu : i32
    %given = arith.index_cast %a : i32 to index
    %isNegative = arith.cmpi slt, %given, %k0 : index
    %fromEnd = arith.addi %given, %k7 : index
    %at = arith.select %isNegative, %fromEnd, %given : index
    %v = tensor.extract %t[%at] : tensor<7xf32>
    linalg.yield %sum, %i8, %v : i32, i8, f32
  } -> (tensor<33xi32>, tensor<33xi8>, tensor<33xf32>)
  kernel.yield %z#0, %z#1, %z#2 : tensor<33xi32>, tensor<33xi8>, tensor<33xf32>
}

// Indices that are not affine: dims of which several are dynamic, reshaped.
kernel.func @reshaped(%x: tensor<?x?x5xf32> {kernel.dims = #graph.dims<d0, d1, 5>}, %d0: index, %d1: index)
    -> (tensor<?x?xf32> {kernel.dims = #graph.dims<d0, d1 * 5>}) attributes {family = #kernel.family<map>} {
  %c5 = arith.constant 5 : index
  %n = arith.muli %d1, %c5 : index
  %v = tensor.collapse_shape %x [[0], [1, 2]] : tensor<?x?x5xf32> into tensor<?x?xf32>
  %e = tensor.empty(%d0, %n) : tensor<?x?xf32>
  %y = linalg.generic {indexing_maps = [#id2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%v : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %i = linalg.index 1 : index
    %k = arith.index_cast %i : index to i32
    %f = arith.sitofp %k : i32 to f32
    %r = arith.addf %a, %f : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  kernel.yield %y : tensor<?x?xf32>
}

// One index a row of updates; the result may lie in the third operand.
kernel.func @scatter_rows(%i: tensor<?xi64> {kernel.dims = #graph.dims<d0>},
                          %u: tensor<2x?x50xf32> {kernel.dims = #graph.dims<2, d0, 50>},
                          %x: tensor<2x?x50xf32> {kernel.dims = #graph.dims<2, d1, 50>}, %d0: index, %d1: index)
    -> (tensor<2x?x50xf32> {kernel.dims = #graph.dims<2, d1, 50>})
    attributes {family = #kernel.family<scatter>, inplace = array<i64: 2, 0>} {
  %y = kernel.scatter ins(%i, %u) outs(%x) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    kernel.yield %s : f32
  } : tensor<?xi64>, tensor<2x?x50xf32>, tensor<2x?x50xf32>
  kernel.yield %y : tensor<2x?x50xf32>
}

// One index an element.
kernel.func @scatter_elements(%i: tensor<?x7x3xi32> {kernel.dims = #graph.dims<d0, 7, 3>},
                              %u: tensor<?x7x3xbf16> {kernel.dims = #graph.dims<d0, 7, 3>},
                              %x: tensor<?x4x3xbf16> {kernel.dims = #graph.dims<d0, 4, 3>}, %d0: index)
    -> (tensor<?x4x3xbf16> {kernel.dims = #graph.dims<d0, 4, 3>}) attributes {family = #kernel.family<scatter>} {
  %y = kernel.scatter ins(%i, %u) outs(%x) {
  ^bb0(%a: bf16, %b: bf16):
    %s = arith.maximumf %a, %b : bf16
    kernel.yield %s : bf16
  } : tensor<?x7x3xi32>, tensor<?x7x3xbf16>, tensor<?x4x3xbf16>
  kernel.yield %y : tensor<?x4x3xbf16>
}

kernel.func @scatter_long(%i: tensor<50xi64>, %u: tensor<1x50x1xi64>,
                          %x: tensor<1x?x1xi64> {kernel.dims = #graph.dims<1, d0, 1>}, %d0: index)
    -> (tensor<1x?x1xi64> {kernel.dims = #graph.dims<1, d0, 1>}) attributes {family = #kernel.family<scatter>} {
  %y = kernel.scatter ins(%i, %u) outs(%x) {
  ^bb0(%a: i64, %b: i64):
    kernel.yield %b : i64
  } : tensor<50xi64>, tensor<1x50x1xi64>, tensor<1x?x1xi64>
  kernel.yield %y : tensor<1x?x1xi64>
}

kernel.func @softmax(%x: tensor<?x100xf32> {kernel.dims = #graph.dims<d0, 100>}, %d0: index)
    -> (tensor<?x100xf32> {kernel.dims = #graph.dims<d0, 100>}) attributes {family = #kernel.family<row>} {
  %lowest = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0.0 : f32
  %r = tensor.empty(%d0) : tensor<?xf32>
  %e = tensor.empty(%d0) : tensor<?x100xf32>
  %f = linalg.fill ins(%lowest : f32) outs(%r : tensor<?xf32>) -> tensor<?xf32>
  %g = linalg.fill ins(%zero : f32) outs(%r : tensor<?xf32>) -> tensor<?xf32>
  %m = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x100xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.maximumf %o, %a : f32
    linalg.yield %n : f32
  } -> tensor<?xf32>
  %p = linalg.generic {indexing_maps = [#id2, #row, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m : tensor<?x100xf32>, tensor<?xf32>) outs(%e : tensor<?x100xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %d = arith.subf %a, %b : f32
    %n = math.exp %d : f32
    linalg.yield %n : f32
  } -> tensor<?x100xf32>
  %s = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%p : tensor<?x100xf32>) outs(%g : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.addf %o, %a : f32
    linalg.yield %n : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#id2, #row, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%p, %s : tensor<?x100xf32>, tensor<?xf32>) outs(%e : tensor<?x100xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %n = arith.divf %a, %b : f32
    linalg.yield %n : f32
  } -> tensor<?x100xf32>
  kernel.yield %y : tensor<?x100xf32>
}

// A layer norm in half precision with sums in f32, columns of any number, and
// the means as a second result.
kernel.func @layer_norm(%x: tensor<?x?xf16> {kernel.dims = #graph.dims<d0, d1>},
                        %w: tensor<?xf32> {kernel.dims = #graph.dims<d1>}, %d0: index, %d1: index)
    -> (tensor<?x?xf16> {kernel.dims = #graph.dims<d0, d1>}, tensor<?xf32> {kernel.dims = #graph.dims<d0>})
    attributes {family = #kernel.family<row>} {
  %zero = arith.constant 0.0 : f32
  %eps = arith.constant 1.0e-5 : f32
  %r = tensor.empty(%d0) : tensor<?xf32>
  %e = tensor.empty(%d0, %d1) : tensor<?x?xf16>
  %f = linalg.fill ins(%zero : f32) outs(%r : tensor<?xf32>) -> tensor<?xf32>
  %s = linalg.generic {indexing_maps = [#id2, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x?xf16>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f16, %o: f32):
    %n = arith.extf %a : f16 to f32
    %p = arith.addf %o, %n : f32
    linalg.yield %p : f32
  } -> tensor<?xf32>
  %mean = linalg.generic {indexing_maps = [#id1, #id1], iterator_types = ["parallel"]}
      ins(%s : tensor<?xf32>) outs(%r : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %i = arith.index_cast %d1 : index to i64
    %c = arith.sitofp %i : i64 to f32
    %n = arith.divf %a, %c : f32
    linalg.yield %n : f32
  } -> tensor<?xf32>
  %v = linalg.generic {indexing_maps = [#id2, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x, %mean : tensor<?x?xf16>, tensor<?xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f16, %b: f32, %o: f32):
    %n = arith.extf %a : f16 to f32
    %d = arith.subf %n, %b : f32
    %q = arith.mulf %d, %d : f32
    %p = arith.addf %o, %q : f32
    linalg.yield %p : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#id2, #row, #row, #col, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%x, %mean, %v, %w : tensor<?x?xf16>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) outs(%e : tensor<?x?xf16>) {
  ^bb0(%a: f16, %b: f32, %u: f32, %k: f32, %o: f16):
    %i = arith.index_cast %d1 : index to i64
    %c = arith.sitofp %i : i64 to f32
    %q = arith.divf %u, %c : f32
    %p = arith.addf %q, %eps : f32
    %rs = math.rsqrt %p : f32
    %n = arith.extf %a : f16 to f32
    %d = arith.subf %n, %b : f32
    %m = arith.mulf %d, %rs : f32
    %l = arith.mulf %m, %k : f32
    %t = arith.truncf %l : f32 to f16
    linalg.yield %t : f16
  } -> tensor<?x?xf16>
  kernel.yield %y, %mean : tensor<?x?xf16>, tensor<?xf32>
}

// Two trailing dims are the row; integers and bools are reduced, from an
// initial value that changes something.
kernel.func @ranges(%x: tensor<4x9x31xi32>, %b: tensor<4x9x31xi1>)
    -> (tensor<4xi32>, tensor<4xi1>) attributes {family = #kernel.family<row>} {
  %floor = arith.constant 5 : i32
  %no = arith.constant false
  %e = tensor.empty() : tensor<4xi32>
  %g = tensor.empty() : tensor<4xi1>
  %f = linalg.fill ins(%floor : i32) outs(%e : tensor<4xi32>) -> tensor<4xi32>
  %h = linalg.fill ins(%no : i1) outs(%g : tensor<4xi1>) -> tensor<4xi1>
  %m = linalg.generic {indexing_maps = [#id3, affine_map<(i, j, k) -> (i)>],
                       iterator_types = ["parallel", "reduction", "reduction"]}
      ins(%x : tensor<4x9x31xi32>) outs(%f : tensor<4xi32>) {
  ^bb0(%a: i32, %o: i32):
    %n = arith.maxsi %o, %a : i32
    linalg.yield %n : i32
  } -> tensor<4xi32>
  %a = linalg.generic {indexing_maps = [#id3, affine_map<(i, j, k) -> (i)>],
                       iterator_types = ["parallel", "reduction", "reduction"]}
      ins(%b : tensor<4x9x31xi1>) outs(%h : tensor<4xi1>) {
  ^bb0(%p: i1, %o: i1):
    %n = arith.ori %o, %p : i1
    linalg.yield %n : i1
  } -> tensor<4xi1>
  kernel.yield %m, %a : tensor<4xi32>, tensor<4xi1>
}
)";

ModuleOp actnet::testing::cudaKernels() {
  static Compiler compiler;
  static OwningOpRef<ModuleOp> module = [] {
    auto parsed = parseSourceString<ModuleOp>(kText, &compiler.context);
    if (parsed)
      for (auto kernel : parsed->getOps<kernel::FuncOp>())
        EXPECT_TRUE(succeeded(cuda::scheduleCuda(kernel)))
            << kernel.getSymName().str();
    return parsed;
  }();
  return module ? *module : ModuleOp();
}
