// RUN: actnet-opt %s --graph-layout --graph-to-kernel | FileCheck %s

module attributes {graph.dims = {N = array<i64: 1, 64>, U = array<i64: 1, 64>}} {

// The dims before the scatter's own become one, and those behind it; the index
// that all columns share is one number a row. What makes the updates has a
// kernel of its own, what reads the result too.
// CHECK-LABEL: func.func @cache
// CHECK: %[[ROW:.*]] = kernel.dispatch @map_exp_{{.*}}
// CHECK: %[[CACHE:.*]] = kernel.view %{{.*}} to tensor<?x16x64xf32, #graph.dims<N * 12, 16, 64>>
// CHECK: kernel.dispatch @[[SCATTER:scatter_[0-9]+]](%[[CACHE]], %{{.*}}, %{{.*}}) dims [#graph.expr<N * 12>]
// CHECK: kernel.dispatch @map_
// CHECK: kernel.func @[[SCATTER]](%[[X:.*]]: tensor<?x16x64xf32> {kernel.dims = #graph.dims<d0, 16, 64>}, %[[I:.*]]: tensor<1xi64>, %[[U:.*]]: tensor<?x1x64xf32> {kernel.dims = #graph.dims<d0, 1, 64>},
// CHECK-SAME: family = #kernel.family<scatter>, inplace = array<i64: 0, 0>
// CHECK: scatter ins(%[[I]], %[[U]]) outs(%[[X]]) {
// CHECK-NEXT: ^bb0(%{{.*}}: f32, %[[NEW:.*]]: f32):
// CHECK-NEXT: kernel.yield %[[NEW]]
func.func @cache(%cache: tensor<?x12x16x64xf32, #graph.dims<N, 12, 16, 64>>, %at: tensor<1xi64>,
                 %row: tensor<?x12x1x64xf32, #graph.dims<N, 12, 1, 64>>)
    -> tensor<?x12x16x64xf32, #graph.dims<N, 12, 16, 64>> {
  %at4 = graph.reshape %at : tensor<1xi64> to tensor<1x1x1x1xi64>
  %i = graph.broadcast %at4 : tensor<1x1x1x1xi64> to tensor<?x12x1x64xi64, #graph.dims<N, 12, 1, 64>>
  %e = graph.exp %row : tensor<?x12x1x64xf32, #graph.dims<N, 12, 1, 64>>
  %y = graph.scatter set %cache, %i, %e axis 2 : tensor<?x12x16x64xf32, #graph.dims<N, 12, 16, 64>>,
    tensor<?x12x1x64xi64, #graph.dims<N, 12, 1, 64>>, tensor<?x12x1x64xf32, #graph.dims<N, 12, 1, 64>>
  %z = graph.neg %y : tensor<?x12x16x64xf32, #graph.dims<N, 12, 16, 64>>
  return %z : tensor<?x12x16x64xf32, #graph.dims<N, 12, 16, 64>>
}
}
