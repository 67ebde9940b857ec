// RUN: actnet-opt %s -kernel-emit-cuda -o /dev/null | FileCheck %s

// The operand runs along another dim than the result: it is read along its own
// and goes through shared memory.
// CHECK: #include "transpose.cuh"
// CHECK: // turned: map, a grid of d0 * 4 blocks of 256 threads.
// CHECK: struct turned_tile {
// CHECK: ACTNET_DEVICE f16 load(i64 o, i64 a, i64 c) const {
// CHECK-NEXT: return in0[o * 3200 + a + c * 50];
// CHECK: ACTNET_DEVICE void write(i64 o, i64 a, i64 c, f16 x) const {
// CHECK-NEXT: const float [[X:.*]] = toFloat(x);
// CHECK-NEXT: const float [[B:.*]] = in1[c];
// CHECK-NEXT: const float [[S:.*]] = [[X]] + [[B]];
// CHECK-NEXT: out0[o * 3200 + a * 64 + c] = [[S]];
// CHECK: transposeTile<f16>(turned_tile{in0, in1, out0, d0}, 50, 64);
kernel.func @turned(%x: tensor<?x64x50xf16> {kernel.dims = #graph.dims<d0, 64, 50>}, %b: tensor<64xf32>, %d0: index)
    -> (tensor<?x50x64xf32> {kernel.dims = #graph.dims<d0, 50, 64>}) attributes {family = #kernel.family<map>} {
  %e = tensor.empty(%d0) : tensor<?x50x64xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(n, a, c) -> (n, c, a)>, affine_map<(n, a, c) -> (c)>,
         affine_map<(n, a, c) -> (n, a, c)>], iterator_types = ["parallel", "parallel", "parallel"]}
         ins(%x, %b : tensor<?x64x50xf16>, tensor<64xf32>) outs(%e : tensor<?x50x64xf32>) {
  ^bb0(%a: f16, %p: f32, %o: f32):
    %w = arith.extf %a : f16 to f32
    %s = arith.addf %w, %p : f32
    linalg.yield %s : f32
  } -> tensor<?x50x64xf32>
  kernel.yield %y : tensor<?x50x64xf32>
}

// Three channels: not worth a tile.
// CHECK: #include "map.cuh"
// CHECK: // thin: map
kernel.func @thin(%x: tensor<3x64xf32>) -> tensor<64x3xf32> attributes {family = #kernel.family<map>} {
  %e = tensor.empty() : tensor<64x3xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(a, c) -> (c, a)>, affine_map<(a, c) -> (a, c)>],
         iterator_types = ["parallel", "parallel"]} ins(%x : tensor<3x64xf32>) outs(%e : tensor<64x3xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<64x3xf32>
  kernel.yield %y : tensor<64x3xf32>
}
