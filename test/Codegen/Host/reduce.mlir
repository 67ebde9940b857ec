// RUN: actnet-opt %s -kernel-schedule-host | FileCheck %s --check-prefix=SCHEDULE
// RUN: actnet-opt %s -kernel-schedule-host -kernel-emit-host | FileCheck %s

// Contiguous along the reduced dim: lanes are reduced elements, with several
// accumulators that are joined in a fixed order.
// SCHEDULE-LABEL: kernel.func @rows
// SCHEDULE-SAME: reduce_lanes = true
// SCHEDULE-SAME: reduced = [array<i64: 1>]
// CHECK-LABEL: llvm.func internal @rows.body
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
// CHECK: vector.shuffle {{.*}} : vector<8xf32>, vector<8xf32>
// CHECK: vector.shuffle {{.*}} : vector<4xf32>, vector<4xf32>
kernel.func @rows(%x: tensor<32x256xf32>) -> tensor<32xf32> attributes {family = #kernel.family<reduce>} {
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<32xf32>
  %f = linalg.fill ins(%c0 : f32) outs(%e : tensor<32xf32>) -> tensor<32xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
         iterator_types = ["parallel", "reduction"]} ins(%x : tensor<32x256xf32>) outs(%f : tensor<32xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<32xf32>
  kernel.yield %y : tensor<32xf32>
}

// Contiguous along the results: lanes are neighbouring results.
// SCHEDULE-LABEL: kernel.func @columns
// SCHEDULE-SAME: reduce_lanes = false
// CHECK-LABEL: llvm.func internal @columns.body
// CHECK: scf.for {{.*}} iter_args
// CHECK: arith.addf {{.*}} : vector<8xf32>
kernel.func @columns(%x: tensor<32x256xf32>) -> tensor<256xf32> attributes {family = #kernel.family<reduce>} {
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<256xf32>
  %f = linalg.fill ins(%c0 : f32) outs(%e : tensor<256xf32>) -> tensor<256xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(j, i) -> (i, j)>, affine_map<(j, i) -> (j)>],
         iterator_types = ["parallel", "reduction"]} ins(%x : tensor<32x256xf32>) outs(%f : tensor<256xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<256xf32>
  kernel.yield %y : tensor<256xf32>
}
