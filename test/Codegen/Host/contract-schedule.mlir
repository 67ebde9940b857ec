// RUN: actnet-opt %s -kernel-schedule-host | FileCheck %s
//
// Tiles are cut by shape: 784 rows a sample in blocks of 84, 32 panels in
// blocks of 16; 128 of k in one pass. (784 is 9 * 84 + 28.)

// CHECK-LABEL: kernel.func @product
// CHECK-SAME: schedule = {kc = 128 : i64, mb = 84 : i64, nb = 16 : i64, tp = 1 : i64}
// CHECK-SAME: tiles = #graph.expr<d0 * 18 + ((d0 * 28 + 83) floordiv 84) * 2>
kernel.func @product(%x: tensor<?x784x128xf32> {kernel.dims = #graph.dims<d0, 784, 128>},
                     %w: tensor<32x128x16xf32>, %d0: index)
    -> (tensor<?x784x512xf32> {kernel.dims = #graph.dims<d0, 784, 512>})
    attributes {family = #kernel.family<contract>} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%d0) : tensor<?x784x512xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<?x784x512xf32>) -> tensor<?x784x512xf32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>,
                       affine_map<(b, m, n, k) -> (n floordiv 16, k, n mod 16)>,
                       affine_map<(b, m, n, k) -> (b, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x784x128xf32>, tensor<32x128x16xf32>)
      outs(%init : tensor<?x784x512xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x784x512xf32>
  kernel.yield %y : tensor<?x784x512xf32>
}

// Integers take the plain loops, a tile a row.
// CHECK-LABEL: kernel.func @integers
// CHECK-SAME: schedule = {plain}
// CHECK-SAME: scratch = 0
// CHECK-SAME: tiles = #graph.expr<5>
kernel.func @integers(%x: tensor<5x8xi32>, %w: tensor<8x9xi32>) -> tensor<5x9xi32>
    attributes {family = #kernel.family<contract>} {
  %zero = arith.constant 0 : i32
  %e = tensor.empty() : tensor<5x9xi32>
  %init = linalg.fill ins(%zero : i32) outs(%e : tensor<5x9xi32>) -> tensor<5x9xi32>
  %y = linalg.generic {
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
                       affine_map<(m, n, k) -> (m, n)>],
      iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<5x8xi32>, tensor<8x9xi32>) outs(%init : tensor<5x9xi32>) {
  ^bb0(%a: i32, %b: i32, %o: i32):
    %p = arith.muli %a, %b : i32
    %s = arith.addi %o, %p : i32
    linalg.yield %s : i32
  } -> tensor<5x9xi32>
  kernel.yield %y : tensor<5x9xi32>
}
