// RUN: actnet-opt %s -kernel-schedule-host | FileCheck %s --check-prefix=SCHEDULE
// RUN: actnet-opt %s -kernel-schedule-host -kernel-emit-host | FileCheck %s
// RUN: actnet-opt %s -kernel-schedule-host -kernel-emit-host=variant=x86-64-v4 | FileCheck %s --check-prefix=V4
// RUN: actnet-opt %s -kernel-schedule-host -kernel-emit-host=ir=true -o %t | FileCheck %s --check-prefix=IR

// Both dims are dense in both operands: one group, cut into chunks.
// SCHEDULE-LABEL: kernel.func @relu
// SCHEDULE-SAME: chunk = 8192
// SCHEDULE-SAME: groups = [array<i64: 0, 1>]
// SCHEDULE-SAME: scratch = 0
// SCHEDULE-SAME: tiles = #graph.expr<(d0 * 64 + 8191) floordiv 8192>

// The pointers are arguments of the body, so that they can be noalias.
// CHECK-LABEL: llvm.func internal @relu.body
// CHECK-SAME: !llvm.ptr {llvm.noalias}
// CHECK: scf.for
// CHECK: llvm.load {{.*}} -> vector<8xf32>
// CHECK: arith.cmpf ogt
// CHECK: arith.select
// CHECK: llvm.store {{.*}} : vector<8xf32>
// The rest of the vector is masked: nothing outside is touched.
// CHECK: scf.if
// CHECK: llvm.intr.masked.load
// CHECK: llvm.intr.masked.store
// CHECK-LABEL: llvm.func protected @relu(

// V4: llvm.load {{.*}} -> vector<16xf32>

// IR: define protected void @relu(
// IR-NOT: call {{.*}} @fmaxf
kernel.func @relu(%x: tensor<?x64xf32> {kernel.dims = #graph.dims<d0, 64>}, %d0: index)
    -> (tensor<?x64xf32> {kernel.dims = #graph.dims<d0, 64>}) attributes {family = #kernel.family<map>} {
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty(%d0) : tensor<?x64xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
         iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.maximumf %a, %c0 : f32
    linalg.yield %m : f32
  } -> tensor<?x64xf32>
  kernel.yield %y : tensor<?x64xf32>
}

// The operand is contiguous along the other dim: blocks go through registers.
// SCHEDULE-LABEL: kernel.func @transpose
// SCHEDULE-SAME: groups = [array<i64: 0>, array<i64: 1>]
// SCHEDULE-SAME: transpose = 0
// CHECK-LABEL: llvm.func internal @transpose.body
// CHECK-COUNT-8: llvm.load {{.*}} -> vector<8xf32>
// CHECK-COUNT-24: vector.shuffle
// CHECK-COUNT-8: llvm.store {{.*}} : vector<8xf32>
kernel.func @transpose(%x: tensor<64x128xf32>) -> tensor<128x64xf32> attributes {family = #kernel.family<map>} {
  %e = tensor.empty() : tensor<128x64xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>],
         iterator_types = ["parallel", "parallel"]} ins(%x : tensor<64x128xf32>) outs(%e : tensor<128x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<128x64xf32>
  kernel.yield %y : tensor<128x64xf32>
}
