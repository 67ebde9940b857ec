// RUN: actnet-opt %s --graph-simplify | FileCheck %s

// What torch writes for the transpose of keys: through three dims and back.
// CHECK-LABEL: @transpose_between_reshapes
// CHECK-SAME: (%[[X:.*]]: tensor<?x12x128x64xf32, #graph.dims<N, 12, 128, 64>>)
// CHECK-NEXT: %[[Y:.*]] = graph.transpose %[[X]] [0, 1, 3, 2]
// CHECK-NEXT: return %[[Y]]
func.func @transpose_between_reshapes(%x: tensor<?x12x128x64xf32, #graph.dims<N, 12, 128, 64>>)
    -> tensor<?x12x64x128xf32, #graph.dims<N, 12, 64, 128>> {
  %0 = graph.reshape %x : tensor<?x12x128x64xf32, #graph.dims<N, 12, 128, 64>> to tensor<?x128x64xf32, #graph.dims<N * 12, 128, 64>>
  %1 = graph.transpose %0 [0, 2, 1] : tensor<?x128x64xf32, #graph.dims<N * 12, 128, 64>>
  %2 = graph.reshape %1 : tensor<?x64x128xf32, #graph.dims<N * 12, 64, 128>> to tensor<?x12x64x128xf32, #graph.dims<N, 12, 64, 128>>
  return %2 : tensor<?x12x64x128xf32, #graph.dims<N, 12, 64, 128>>
}

// Reshapes that really mix dims stay.
// CHECK-LABEL: @mixing_reshapes
// CHECK: graph.reshape
// CHECK: graph.transpose
// CHECK: graph.reshape
func.func @mixing_reshapes(%x: tensor<6x4xf32>) -> tensor<3x8xf32> {
  %0 = graph.reshape %x : tensor<6x4xf32> to tensor<4x6xf32>
  %1 = graph.transpose %0 [1, 0] : tensor<4x6xf32>
  %2 = graph.reshape %1 : tensor<6x4xf32> to tensor<3x8xf32>
  return %2 : tensor<3x8xf32>
}

// The projection of query, key and value is cut, not what was made of it:
// index 1 of [3, 4] begins at 4.
// CHECK-LABEL: @gather_to_slice
// CHECK-SAME: (%[[X:.*]]: tensor<5x12xf32>)
// CHECK-NEXT: %[[Y:.*]] = graph.slice %[[X]] starts <0, 4> sizes <5, 4> steps [1, 1]
// CHECK-NEXT: return %[[Y]]
func.func @gather_to_slice(%x: tensor<5x12xf32>) -> tensor<5x4xf32> {
  %one = graph.constant dense<1> : tensor<i64>
  %0 = graph.reshape %x : tensor<5x12xf32> to tensor<5x3x4xf32>
  %1 = graph.transpose %0 [1, 0, 2] : tensor<5x3x4xf32>
  %2 = graph.gather %1, %one axis 0 : tensor<3x5x4xf32>, tensor<i64>
  return %2 : tensor<5x4xf32>
}

// CHECK-LABEL: @sink_broadcast
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT: %[[E:.*]] = graph.exp %[[X]] : tensor<4xf32>
// CHECK-NEXT: %[[Y:.*]] = graph.broadcast %[[E]] : tensor<4xf32> to tensor<?x4xf32, #graph.dims<N, 4>>
// CHECK-NEXT: return %[[Y]]
func.func @sink_broadcast(%x: tensor<4xf32>) -> tensor<?x4xf32, #graph.dims<N, 4>> {
  %0 = graph.broadcast %x : tensor<4xf32> to tensor<?x4xf32, #graph.dims<N, 4>>
  %1 = graph.exp %0 : tensor<?x4xf32, #graph.dims<N, 4>>
  return %1 : tensor<?x4xf32, #graph.dims<N, 4>>
}

// CHECK-LABEL: @drop_broadcast
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>, %[[Z:.*]]: tensor<2x4xf32>)
// CHECK-NEXT: graph.add %[[X]], %[[Z]] : tensor<4xf32>, tensor<2x4xf32>
func.func @drop_broadcast(%x: tensor<4xf32>, %z: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = graph.broadcast %x : tensor<4xf32> to tensor<2x4xf32>
  %1 = graph.add %0, %z : tensor<2x4xf32>, tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// CHECK-LABEL: @pow
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT: %[[SQUARE:.*]] = graph.mul %[[X]], %[[X]]
// CHECK-NEXT: %[[CUBE:.*]] = graph.mul %[[SQUARE]], %[[X]]
// CHECK-NEXT: return %[[SQUARE]], %[[CUBE]]
func.func @pow(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %two = graph.constant dense<2.0> : tensor<f32>
  %three = graph.constant dense<3.0> : tensor<f32>
  %0 = graph.pow %x, %two : tensor<4xf32>, tensor<f32>
  %1 = graph.pow %x, %three : tensor<4xf32>, tensor<f32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// Reshapes that only take dims of 1 away and bring them back stay as they are:
// rewritten, they would be the same again.
// CHECK-LABEL: @transpose_between_ones
// CHECK-NEXT: graph.reshape %{{.*}} to tensor<2x3xf32>
// CHECK-NEXT: graph.transpose
// CHECK-NEXT: graph.reshape %{{.*}} to tensor<1x3x2xf32>
func.func @transpose_between_ones(%x: tensor<1x2x3xf32>) -> tensor<1x3x2xf32> {
  %0 = graph.reshape %x : tensor<1x2x3xf32> to tensor<2x3xf32>
  %1 = graph.transpose %0 [1, 0] : tensor<2x3xf32>
  %2 = graph.reshape %1 : tensor<3x2xf32> to tensor<1x3x2xf32>
  return %2 : tensor<1x3x2xf32>
}
