// RUN: actnet-opt %s --split-input-file --graph-to-kernel | FileCheck %s

// What only a concat reads is written into its place: rows of 8 elements.
// CHECK-LABEL: func.func @inPlace
// CHECK-NEXT:    %[[A:.*]] = kernel.dispatch @[[F:[a-z_0-9]+]](%{{.*}})
// CHECK-NEXT:    %[[B:.*]] = kernel.dispatch @[[G:[a-z_0-9]+]](%{{.*}})
// CHECK-NEXT:    %[[C:.*]] = kernel.concat %[[A]], %[[B]] axis 1
// CHECK-NEXT:    return %[[C]]
// CHECK:       kernel.func @[[F]]({{.*}}-> (tensor<?x5xf32> {kernel.dims = #graph.dims<d0, 5>, kernel.strides = #graph.dims<8, 1>})
// CHECK:       kernel.func @[[G]]({{.*}}-> (tensor<?x3xf32> {kernel.dims = #graph.dims<d0, 3>, kernel.strides = #graph.dims<8, 1>})
// CHECK-NOT:   kernel.func
func.func @inPlace(%x: tensor<?x5xf32, #graph.dims<N, 5>>, %y: tensor<?x3xf32, #graph.dims<N, 3>>) -> tensor<?x8xf32, #graph.dims<N, 8>> {
  %0 = graph.tanh %x : tensor<?x5xf32, #graph.dims<N, 5>>
  %1 = graph.exp %y : tensor<?x3xf32, #graph.dims<N, 3>>
  %2 = graph.concat %0, %1 axis 1 : tensor<?x5xf32, #graph.dims<N, 5>>, tensor<?x3xf32, #graph.dims<N, 3>>
  return %2 : tensor<?x8xf32, #graph.dims<N, 8>>
}

// -----

// Arguments, values with other users and values that come twice are copied.
// CHECK-LABEL: func.func @copies
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>)
// CHECK-NEXT:    %[[T:.*]] = kernel.dispatch @map{{.*}}(%[[X]])
// CHECK-NEXT:    %[[A:.*]] = kernel.dispatch @[[COPY:copy[_0-9]+]](%[[X]])
// CHECK-NEXT:    %[[B:.*]] = kernel.dispatch @[[COPY]](%[[T]])
// CHECK-NEXT:    %[[C:.*]] = kernel.dispatch @[[COPY]](%[[T]])
// A copy is the concat's work, and named as that is.
// CHECK-SAME:    layer = "joined"
// CHECK-NEXT:    kernel.concat %[[A]], %[[B]], %[[C]] axis 1
func.func @copies(%x: tensor<2x4xf32>) -> (tensor<2x12xf32>, tensor<2x4xf32>) {
  %0 = graph.tanh %x : tensor<2x4xf32>
  %1 = graph.concat %x, %0, %0 axis 1 : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32> loc("joined")
  return %1, %0 : tensor<2x12xf32>, tensor<2x4xf32>
}

// -----

// Along a named dim the strides are those of the whole.
// CHECK-LABEL: func.func @named
// CHECK:         kernel.dispatch @[[F:[a-z_0-9]+]](%{{.*}}) dims [
// CHECK:       kernel.func @[[F]]({{.*}}kernel.strides = #graph.dims<d{{[0-9]}}, 1>
func.func @named(%x: tensor<4x?xf32, #graph.dims<4, N>>, %y: tensor<4x?xf32, #graph.dims<4, M>>) -> tensor<4x?xf32, #graph.dims<4, M + N>> {
  %0 = graph.tanh %x : tensor<4x?xf32, #graph.dims<4, N>>
  %1 = graph.exp %y : tensor<4x?xf32, #graph.dims<4, M>>
  %2 = graph.concat %0, %1 axis 1 : tensor<4x?xf32, #graph.dims<4, N>>, tensor<4x?xf32, #graph.dims<4, M>>
  return %2 : tensor<4x?xf32, #graph.dims<4, M + N>>
}
