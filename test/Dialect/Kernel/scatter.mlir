// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: actnet-opt %s | actnet-opt | FileCheck %s
// RUN: actnet-opt %s -mlir-print-op-generic | actnet-opt | FileCheck %s

// CHECK-LABEL: kernel.func @rows(
// CHECK-SAME: family = #kernel.family<scatter>
// CHECK: %[[Y:.*]] = {{(kernel.)?}}scatter ins(%{{.*}}, %{{.*}}) outs(%{{.*}}) {
// CHECK-NEXT: ^bb0(%[[OLD:.*]]: f32, %[[NEW:.*]]: f32):
// CHECK-NEXT: %[[S:.*]] = arith.addf %[[OLD]], %[[NEW]] : f32
// CHECK-NEXT: kernel.yield %[[S]] : f32
// CHECK-NEXT: } : tensor<?xi64>, tensor<1x?x8xf32>, tensor<1x100x8xf32>
// CHECK-NEXT: yield %[[Y]] : tensor<1x100x8xf32>
kernel.func @rows(%i: tensor<?xi64> {kernel.dims = #graph.dims<d0>},
                  %u: tensor<1x?x8xf32> {kernel.dims = #graph.dims<1, d0, 8>}, %x: tensor<1x100x8xf32>, %d0: index)
    -> tensor<1x100x8xf32> attributes {family = #kernel.family<scatter>, inplace = array<i64: 2, 0>} {
  %y = kernel.scatter ins(%i, %u) outs(%x) {
  ^bb0(%old: f32, %new: f32):
    %s = arith.addf %old, %new : f32
    kernel.yield %s : f32
  } : tensor<?xi64>, tensor<1x?x8xf32>, tensor<1x100x8xf32>
  kernel.yield %y : tensor<1x100x8xf32>
}
