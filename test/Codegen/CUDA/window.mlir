// RUN: actnet-opt %s -kernel-emit-cuda -o /dev/null | FileCheck %s

// Channels side by side; what the padding adds is not read.
// CHECK: #include "window.cuh"
// CHECK: // largest: pool
// CHECK: template <int V> ACTNET_DEVICE void run(i64 i) const {
// CHECK: float total0[V];
// CHECK: for (i64 r4 = 0; r4 < 3; ++r4) {
// CHECK-NEXT: for (i64 r5 = 0; r5 < 3; ++r5) {
// CHECK-NEXT: = loadIf<V>({{.*}} >= 0 && {{.*}} < 11 && {{.*}} >= 0 && {{.*}} < 11, in0 +
// CHECK: total0[k] = Maximum::combine(total0[k], {{.*}});
// CHECK: windowTile<4>(largest_results{in0, out0, d0, d1}, d0 * d1 * 36,
// CHECK-NEXT: areAligned<4>(in0, out0) && d1 % 4 == 0);
kernel.func @largest(%x: tensor<?x11x11x?xf32> {kernel.dims = #graph.dims<d0, 11, 11, d1>}, %d0: index, %d1: index)
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

// A depthwise convolution: its filter is as wide as its channels.
// CHECK: // depthwise: depthwise
// CHECK: load<V>(in1 + {{.*}} + r4 * 16{{.*}});
// CHECK: windowTile<4>(
kernel.func @depthwise(%x: tensor<2x5x1x16xf32>, %w: tensor<3x1x16xf32>) -> tensor<2x3x1x16xf32>
    attributes {family = #kernel.family<depthwise>} {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x3x1x16xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x1x16xf32>) -> tensor<2x3x1x16xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, h, w, c, p, q) -> (n, h + p, w + q, c)>,
        affine_map<(n, h, w, c, p, q) -> (p, q, c)>, affine_map<(n, h, w, c, p, q) -> (n, h, w, c)>],
        iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<2x5x1x16xf32>, tensor<3x1x16xf32>) outs(%f : tensor<2x3x1x16xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %m = arith.mulf %a, %b : f32
    %s = arith.addf %o, %m : f32
    linalg.yield %s : f32
  } -> tensor<2x3x1x16xf32>
  kernel.yield %y : tensor<2x3x1x16xf32>
}
