// RUN: actnet-opt %s --graph-check-extents | FileCheck %s

// A window of 3 on a dim H needs H >= 3; the dim W, from 8 on, needs nothing.
// CHECK-LABEL: func.func @windows
// CHECK-SAME: graph.checks = [{extent = #graph.expr<H - 2>, least = 1 : i64,
// CHECK-SAME: message = "'graph.pool': windows of dim 2, H - 2"}]
module attributes {graph.dims = {H = array<i64: 1, 64>, W = array<i64: 8, 64>, N = array<i64: 1, 64>}} {
  func.func @windows(%x: tensor<1x4x?x?xf32, #graph.dims<1, 4, H, W>>)
      -> tensor<1x4x?x?xf32, #graph.dims<1, 4, H - 2, W - 2>> {
    %0 = graph.pool max %x {layout = "nchw", window = array<i64: 3, 3>,
           strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>,
           dilations = array<i64: 1, 1>} : tensor<1x4x?x?xf32, #graph.dims<1, 4, H, W>>
    return %0 : tensor<1x4x?x?xf32, #graph.dims<1, 4, H - 2, W - 2>>
  }

  // Rows 2 and 4 of N: four rows are too few.
  // CHECK-LABEL: func.func @slice
  // CHECK-SAME: extent = #graph.expr<N - 5>, least = 0
  func.func @slice(%x: tensor<?x4xf32, #graph.dims<N, 4>>) -> tensor<2x4xf32> {
    %0 = graph.slice %x starts <2, 0> sizes <2, 4> steps [2, 1] : tensor<?x4xf32, #graph.dims<N, 4>>
    return %0 : tensor<2x4xf32>
  }

  // CHECK-LABEL: func.func @nothing_to_check(
  // CHECK-NOT: graph.checks
  func.func @nothing_to_check(%x: tensor<?x4xf32, #graph.dims<N, 4>>, %i: tensor<2xi64>)
      -> tensor<2x4xf32> {
    %0 = graph.gather %x, %i axis 0 : tensor<?x4xf32, #graph.dims<N, 4>>, tensor<2xi64>
    return %0 : tensor<2x4xf32>
  }
}
