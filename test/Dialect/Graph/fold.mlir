// RUN: actnet-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: @constants
// 2 * 3 + 1 = 7 in every element; sqrt(9) = 3.
// CHECK-DAG: %[[SEVEN:.*]] = graph.constant dense<7.000000e+00> : tensor<2xf32>
// CHECK-DAG: %[[THREE:.*]] = graph.constant dense<3.000000e+00> : tensor<f32>
// CHECK-DAG: %[[SHAPE:.*]] = graph.constant dense<[4, 768]> : tensor<2xi64>
// CHECK: return %[[SEVEN]], %[[THREE]], %[[SHAPE]]
func.func @constants() -> (tensor<2xf32>, tensor<f32>, tensor<2xi64>) {
  %two = graph.constant dense<2.0> : tensor<2xf32>
  %three = graph.constant dense<3.0> : tensor<f32>
  %one = graph.constant dense<1.0> : tensor<f32>
  %0 = graph.mul %two, %three : tensor<2xf32>, tensor<f32>
  %1 = graph.add %0, %one : tensor<2xf32>, tensor<f32>
  %2 = graph.mul %three, %three : tensor<f32>, tensor<f32>
  %3 = graph.sqrt %2 : tensor<f32>
  %4 = graph.dim_value <4, 768> : tensor<2xi64>
  return %1, %3, %4 : tensor<2xf32>, tensor<f32>, tensor<2xi64>
}

// The limit is 4 KiB: 1024 numbers fold, 1025 stay a computation.
// CHECK-LABEL: @limit
// CHECK-DAG: graph.constant dense<2.000000e+00> : tensor<1024xf32>
// CHECK-DAG: %[[BIG:.*]] = graph.constant dense<1.000000e+00> : tensor<1025xf32>
// CHECK: graph.add %[[BIG]], %[[BIG]]
func.func @limit() -> (tensor<1024xf32>, tensor<1025xf32>) {
  %a = graph.constant dense<1.0> : tensor<1024xf32>
  %b = graph.constant dense<1.0> : tensor<1025xf32>
  %0 = graph.add %a, %a : tensor<1024xf32>, tensor<1024xf32>
  %1 = graph.add %b, %b : tensor<1025xf32>, tensor<1025xf32>
  return %0, %1 : tensor<1024xf32>, tensor<1025xf32>
}

// CHECK-LABEL: @neutral
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT: return %[[X]], %[[X]], %[[X]], %[[X]], %[[X]]
func.func @neutral(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %zero = graph.constant dense<0.0> : tensor<f32>
  %one = graph.constant dense<1.0> : tensor<4xf32>
  %0 = graph.add %zero, %x : tensor<f32>, tensor<4xf32>
  %1 = graph.sub %x, %zero : tensor<4xf32>, tensor<f32>
  %2 = graph.mul %one, %x : tensor<4xf32>, tensor<4xf32>
  %3 = graph.div %x, %one : tensor<4xf32>, tensor<4xf32>
  %4 = graph.pow %x, %one : tensor<4xf32>, tensor<4xf32>
  return %0, %1, %2, %3, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// A neutral operand that widens the shape has to stay.
// CHECK-LABEL: @neutral_widens
// CHECK: graph.mul
func.func @neutral_widens(%x: tensor<f32>) -> tensor<4xf32> {
  %one = graph.constant dense<1.0> : tensor<4xf32>
  %0 = graph.mul %one, %x : tensor<4xf32>, tensor<f32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @no_ops
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32, #graph.dims<N, 4>>)
// CHECK-NEXT: return %[[X]], %[[X]], %[[X]], %[[X]]
func.func @no_ops(%x: tensor<?x4xf32, #graph.dims<N, 4>>)
    -> (tensor<?x4xf32, #graph.dims<N, 4>>, tensor<?x4xf32, #graph.dims<N, 4>>,
        tensor<?x4xf32, #graph.dims<N, 4>>, tensor<?x4xf32, #graph.dims<N, 4>>) {
  %0 = graph.reshape %x : tensor<?x4xf32, #graph.dims<N, 4>> to tensor<?x4xf32, #graph.dims<N, 4>>
  %1 = graph.transpose %0 [0, 1] : tensor<?x4xf32, #graph.dims<N, 4>>
  %2 = graph.broadcast %1 : tensor<?x4xf32, #graph.dims<N, 4>> to tensor<?x4xf32, #graph.dims<N, 4>>
  %3 = graph.slice %2 starts <0, 0> sizes <N, 4> steps [1, 1] : tensor<?x4xf32, #graph.dims<N, 4>>
  %4 = graph.pad %3 low [0, 0] high [0, 0] {mode = #graph<pad_mode edge>, value = 0.0} : tensor<?x4xf32, #graph.dims<N, 4>>
  %5 = graph.cast %4 : tensor<?x4xf32, #graph.dims<N, 4>> to tensor<?x4xf32, #graph.dims<N, 4>>
  %6 = graph.concat %5 axis 0 : tensor<?x4xf32, #graph.dims<N, 4>>
  %7 = graph.clamp %6 {lo = 0xFFF0000000000000 : f64, hi = 0x7FF0000000000000 : f64} : tensor<?x4xf32, #graph.dims<N, 4>>
  return %7, %3, %1, %0 : tensor<?x4xf32, #graph.dims<N, 4>>, tensor<?x4xf32, #graph.dims<N, 4>>,
      tensor<?x4xf32, #graph.dims<N, 4>>, tensor<?x4xf32, #graph.dims<N, 4>>
}

// CHECK-LABEL: @clamp_of_clamp
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
// The inner bounds -1 and 9 within [0, 6]: 0 and 6.
// CHECK-NEXT: %[[Y:.*]] = graph.clamp %[[X]] {hi = 6.000000e+00 : f64, lo = 0.000000e+00 : f64}
// CHECK-NEXT: return %[[Y]]
func.func @clamp_of_clamp(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = graph.clamp %x {lo = -1.0, hi = 9.0} : tensor<4xf32>
  %1 = graph.clamp %0 {lo = 0.0, hi = 6.0} : tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: @transposes
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4xf32>, %[[U:.*]]: tensor<1x5x1xf32>)
// perm2 after perm1: [1, 2, 0] then [1, 2, 0] is [2, 0, 1].
// CHECK-DAG: %[[Y:.*]] = graph.transpose %[[X]] [2, 0, 1]
// CHECK-DAG: %[[V:.*]] = graph.reshape %[[U]] : tensor<1x5x1xf32> to tensor<5x1x1xf32>
// CHECK: return %[[Y]], %[[X]], %[[V]]
func.func @transposes(%x: tensor<2x3x4xf32>, %u: tensor<1x5x1xf32>)
    -> (tensor<4x2x3xf32>, tensor<2x3x4xf32>, tensor<5x1x1xf32>) {
  %0 = graph.transpose %x [1, 2, 0] : tensor<2x3x4xf32>
  %1 = graph.transpose %0 [1, 2, 0] : tensor<3x4x2xf32>
  %2 = graph.transpose %1 [1, 2, 0] : tensor<4x2x3xf32>
  %3 = graph.transpose %u [1, 0, 2] : tensor<1x5x1xf32>
  return %1, %2, %3 : tensor<4x2x3xf32>, tensor<2x3x4xf32>, tensor<5x1x1xf32>
}

// A reshape of a weight is the same bytes in another shape.
// CHECK-LABEL: @weights
// CHECK: %[[W:.*]] = graph.constant weight<"none.onnx", 64, 8192> : tensor<32x64xf32>
// CHECK: return %[[W]]
func.func @weights() -> tensor<32x64xf32> {
  %w = graph.constant weight<"none.onnx", 64, 8192> : tensor<2048xf32>
  %0 = graph.reshape %w : tensor<2048xf32> to tensor<64x32xf32>
  %1 = graph.reshape %0 : tensor<64x32xf32> to tensor<32x64xf32>
  return %1 : tensor<32x64xf32>
}

// No elements, under any name: a constant has a fixed shape.
// CHECK-LABEL: @nothing
// CHECK: graph.reshape %{{.*}} : tensor<0xf32> to tensor<?x0xf32, #graph.dims<N, 0>>
func.func @nothing(%x: tensor<?xf32, #graph.dims<N>>) -> tensor<?x0xf32, #graph.dims<N, 0>> {
  %c = graph.constant dense<> : tensor<0xf32>
  %y = graph.reshape %c : tensor<0xf32> to tensor<?x0xf32, #graph.dims<N, 0>>
  return %y : tensor<?x0xf32, #graph.dims<N, 0>>
}
