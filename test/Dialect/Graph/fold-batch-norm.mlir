// RUN: actnet-opt %s --graph-fold-batch-norm | FileCheck %s

// With variance 4, epsilon 0 and scale 6 the factor is 3; the rest is
// bias - mean * factor = 1 - 2 * 3 = -5.
// CHECK-LABEL: @conv
// CHECK-SAME: (%[[X:.*]]: tensor<1x1x4xf32>)
// CHECK-DAG: %[[F:.*]] = graph.constant dense<3.000000e+00> : tensor<2x1x1xf32>
// CHECK-DAG: %[[T:.*]] = graph.constant dense<-5.000000e+00> : tensor<2x1xf32>
// CHECK: %[[C:.*]] = graph.conv %[[X]], %[[F]]
// CHECK: %[[Y:.*]] = graph.add %[[C]], %[[T]]
// CHECK: return %[[Y]]
func.func @conv(%x: tensor<1x1x4xf32>) -> tensor<1x2x4xf32> {
  %f = graph.constant dense<1.0> : tensor<2x1x1xf32>
  %s = graph.constant dense<6.0> : tensor<2xf32>
  %b = graph.constant dense<1.0> : tensor<2xf32>
  %m = graph.constant dense<2.0> : tensor<2xf32>
  %v = graph.constant dense<4.0> : tensor<2xf32>
  %0 = graph.conv %x, %f {input_layout = "ncw", filter_layout = "oiw", output_layout = "ncw", strides = array<i64: 1>,
    padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : tensor<1x1x4xf32>, tensor<2x1x1xf32>
  %1 = graph.batch_norm %0, %s, %b, %m, %v axis 1 epsilon 0.0 : tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
  return %1 : tensor<1x2x4xf32>
}

// A bias of 10 before it: 10 * 3 - 5 = 25.
// CHECK-LABEL: @einsum_with_bias
// CHECK-SAME: (%[[X:.*]]: tensor<4x8xf32>)
// CHECK-DAG: %[[W:.*]] = graph.constant dense<3.000000e+00> : tensor<2x8xf32>
// CHECK-DAG: %[[T:.*]] = graph.constant dense<2.500000e+01> : tensor<2xf32>
// CHECK: %[[C:.*]] = graph.einsum "mk,nk->mn" %[[X]], %[[W]]
// CHECK: graph.add %[[C]], %[[T]]
func.func @einsum_with_bias(%x: tensor<4x8xf32>) -> tensor<4x2xf32> {
  %w = graph.constant dense<1.0> : tensor<2x8xf32>
  %bias = graph.constant dense<10.0> : tensor<2xf32>
  %s = graph.constant dense<6.0> : tensor<2xf32>
  %b = graph.constant dense<1.0> : tensor<2xf32>
  %m = graph.constant dense<2.0> : tensor<2xf32>
  %v = graph.constant dense<4.0> : tensor<2xf32>
  %0 = graph.einsum "mk,nk->mn" %x, %w : tensor<4x8xf32>, tensor<2x8xf32>
  %1 = graph.add %0, %bias : tensor<4x2xf32>, tensor<2xf32>
  %2 = graph.batch_norm %1, %s, %b, %m, %v axis 1 epsilon 0.0 : tensor<4x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
  return %2 : tensor<4x2xf32>
}

// A large filter stays an operation on a weight, which becomes a recipe.
// CHECK-LABEL: @recipe
// CHECK-DAG: %[[W:.*]] = graph.constant weight<"none.onnx", 0, 8192>
// CHECK-DAG: %[[S:.*]] = graph.constant dense<3.000000e+00> : tensor<2x1x1xf32>
// CHECK: %[[F:.*]] = graph.mul %[[W]], %[[S]] : tensor<2x1024x1xf32>, tensor<2x1x1xf32>
// CHECK: graph.conv %{{.*}}, %[[F]]
func.func @recipe(%x: tensor<1x1024x4xf32>) -> tensor<1x2x4xf32> {
  %f = graph.constant weight<"none.onnx", 0, 8192> : tensor<2x1024x1xf32>
  %s = graph.constant dense<6.0> : tensor<2xf32>
  %m = graph.constant dense<2.0> : tensor<2xf32>
  %v = graph.constant dense<4.0> : tensor<2xf32>
  %0 = graph.conv %x, %f {input_layout = "ncw", filter_layout = "oiw", output_layout = "ncw", strides = array<i64: 1>,
    padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : tensor<1x1024x4xf32>, tensor<2x1024x1xf32>
  %1 = graph.batch_norm %0, %s, %m, %m, %v axis 1 epsilon 0.0 : tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
  return %1 : tensor<1x2x4xf32>
}

// The convolution has another reader, so the norm stands alone.
// CHECK-LABEL: @alone
// CHECK: %[[C:.*]] = graph.conv
// CHECK: %[[P:.*]] = graph.mul %[[C]], %{{.*}} : tensor<1x2x4xf32>, tensor<2x1xf32>
// CHECK: %[[Y:.*]] = graph.add %[[P]]
// CHECK: return %[[C]], %[[Y]]
func.func @alone(%x: tensor<1x1x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %f = graph.constant dense<1.0> : tensor<2x1x1xf32>
  %s = graph.constant dense<6.0> : tensor<2xf32>
  %v = graph.constant dense<4.0> : tensor<2xf32>
  %0 = graph.conv %x, %f {input_layout = "ncw", filter_layout = "oiw", output_layout = "ncw", strides = array<i64: 1>,
    padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : tensor<1x1x4xf32>, tensor<2x1x1xf32>
  %1 = graph.batch_norm %0, %s, %s, %s, %v axis 1 epsilon 0.0 : tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
  return %0, %1 : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}

// Parameters that are not constant: nothing to precompute.
// CHECK-LABEL: @variable
// CHECK: graph.batch_norm
func.func @variable(%x: tensor<4x2xf32>, %s: tensor<2xf32>) -> tensor<4x2xf32> {
  %0 = graph.batch_norm %x, %s, %s, %s, %s axis 1 epsilon 0.0 : tensor<4x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
  return %0 : tensor<4x2xf32>
}
