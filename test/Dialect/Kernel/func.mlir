// RUN: actnet-opt %s | actnet-opt | FileCheck %s
// RUN: actnet-opt %s -mlir-print-op-generic | actnet-opt | FileCheck %s

// CHECK-LABEL: kernel.func @scale(
// CHECK-SAME: %{{.*}}: tensor<?x64xf32> {kernel.dims = #graph.dims<d0, 64>}, %{{.*}}: index)
// CHECK-SAME: -> (tensor<?x64xf32> {kernel.dims = #graph.dims<d0, 64>, kernel.strides = #graph.dims<128, 1>})
// CHECK-SAME: family = #kernel.family<map>
// CHECK-SAME: inplace = array<i64: 0, 0>
// CHECK: yield %{{.*}} : tensor<?x64xf32>
kernel.func @scale(%x: tensor<?x64xf32> {kernel.dims = #graph.dims<d0, 64>}, %d0: index)
    -> (tensor<?x64xf32> {kernel.dims = #graph.dims<d0, 64>, kernel.strides = #graph.dims<128, 1>})
    attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0>} {
  %c2 = arith.constant 2.0 : f32
  %e = tensor.empty(%d0) : tensor<?x64xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
         iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %m = arith.mulf %a, %c2 : f32
    linalg.yield %m : f32
  } -> tensor<?x64xf32>
  kernel.yield %y : tensor<?x64xf32>
}

// CHECK-LABEL: func.func @main
// CHECK: kernel.dispatch @scale(%{{.*}}) dims [#graph.expr<N * 2>] {layer = "scale_1"}
// CHECK: kernel.view
func.func @main(%x: tensor<?x64xf32, #graph.dims<N * 2, 64>>) -> tensor<?x2x64xf32, #graph.dims<N, 2, 64>> {
  %y = kernel.dispatch @scale(%x) dims [#graph.expr<N * 2>] {layer = "scale_1"}
     : (tensor<?x64xf32, #graph.dims<N * 2, 64>>) -> tensor<?x64xf32, #graph.dims<N * 2, 64>>
  %z = kernel.view %y : tensor<?x64xf32, #graph.dims<N * 2, 64>> to tensor<?x2x64xf32, #graph.dims<N, 2, 64>>
  return %z : tensor<?x2x64xf32, #graph.dims<N, 2, 64>>
}
