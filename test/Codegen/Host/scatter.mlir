// RUN: actnet-opt %s -kernel-schedule-host | FileCheck %s --check-prefix=SCHEDULE
// RUN: actnet-opt %s -kernel-schedule-host -kernel-emit-host | FileCheck %s

// A tile is a part of the rows, with all columns: 64 Ki elements.
// SCHEDULE-LABEL: kernel.func @rows
// SCHEDULE-SAME: schedule = {columns = 0 : i64, outer = 1 : i64, rows = 1024 : i64}
// SCHEDULE-SAME: tiles = #graph.expr<30>
// The data's own memory is not copied; whole vectors of a row are combined.
// CHECK-LABEL: llvm.func internal @rows.body
// CHECK: %[[ELSEWHERE:.*]] = arith.cmpi ne
// CHECK: scf.if %[[ELSEWHERE]]
// CHECK: %[[INSIDE:.*]] = arith.cmpi ult
// CHECK: scf.if %[[INSIDE]]
// CHECK: arith.addf {{.*}} : vector<8xf32>
kernel.func @rows(%i: tensor<5xi64>, %u: tensor<1x5x64xf32>, %x: tensor<1x30000x64xf32>)
    -> tensor<1x30000x64xf32> attributes {family = #kernel.family<scatter>, inplace = array<i64: 2, 0>} {
  %y = kernel.scatter ins(%i, %u) outs(%x) {
  ^bb0(%old: f32, %new: f32):
    %s = arith.addf %old, %new : f32
    kernel.yield %s : f32
  } : tensor<5xi64>, tensor<1x5x64xf32>, tensor<1x30000x64xf32>
  kernel.yield %y : tensor<1x30000x64xf32>
}

// Small matrices: several a tile.
// SCHEDULE-LABEL: kernel.func @elements
// SCHEDULE-SAME: schedule = {columns = 0 : i64, outer = 455 : i64, rows = 0 : i64}
// SCHEDULE-SAME: tiles = #graph.expr<{{.*}}455{{.*}}>
// CHECK-LABEL: llvm.func internal @elements.body
// CHECK-NOT: llvm.ptrtoint
// CHECK: llvm.store {{.*}} : i32
kernel.func @elements(%i: tensor<?x7x4xi32> {kernel.dims = #graph.dims<d0, 7, 4>},
                      %u: tensor<?x7x4xi32> {kernel.dims = #graph.dims<d0, 7, 4>},
                      %x: tensor<?x9x4xi32> {kernel.dims = #graph.dims<d0, 9, 4>}, %d0: index)
    -> (tensor<?x9x4xi32> {kernel.dims = #graph.dims<d0, 9, 4>}) attributes {family = #kernel.family<scatter>} {
  %y = kernel.scatter ins(%i, %u) outs(%x) {
  ^bb0(%old: i32, %new: i32):
    kernel.yield %new : i32
  } : tensor<?x7x4xi32>, tensor<?x7x4xi32>, tensor<?x9x4xi32>
  kernel.yield %y : tensor<?x9x4xi32>
}
