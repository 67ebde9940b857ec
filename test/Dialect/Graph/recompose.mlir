// RUN: actnet-opt %s --graph-simplify --graph-recompose --canonicalize | FileCheck %s

// As torch exports it: the scale is split between q and k, the keys are
// transposed, the guard against rows of NaN stands behind the softmax, and the
// attention keeps it.
// CHECK-LABEL: @attention
// CHECK-SAME: (%[[Q:.*]]: tensor<2x8x4x16xf32>, %[[K:.*]]: tensor<2x8x4x16xf32>, %[[V:.*]]: tensor<2x8x4x16xf32>)
// 0.5 * 0.5 = 0.25
// CHECK-NEXT: %[[Y:.*]] = graph.attention %[[Q]], %[[K]], %[[V]] {guarded, k_layout = "btgd", q_layout = "bshd", scale = 2.500000e-01 : f64, v_layout = "btge", y_layout = "bshe"}
// CHECK-NEXT: return %[[Y]]
func.func @attention(%q: tensor<2x8x4x16xf32>, %k: tensor<2x8x4x16xf32>, %v: tensor<2x8x4x16xf32>) -> tensor<2x8x4x16xf32> {
  %half = graph.constant dense<0.5> : tensor<f32>
  %zero = graph.constant dense<0.0> : tensor<f32>
  %0 = graph.transpose %q [0, 2, 1, 3] : tensor<2x8x4x16xf32>
  %1 = graph.mul %0, %half : tensor<2x4x8x16xf32>, tensor<f32>
  %2 = graph.transpose %k [0, 2, 3, 1] : tensor<2x8x4x16xf32>
  %3 = graph.mul %2, %half : tensor<2x4x16x8xf32>, tensor<f32>
  %4 = graph.einsum "yzmk,yzkn->yzmn" %1, %3 : tensor<2x4x8x16xf32>, tensor<2x4x16x8xf32>
  %5 = graph.softmax %4 axis 3 : tensor<2x4x8x8xf32>
  %6 = graph.compare ne %5, %5 : tensor<2x4x8x8xf32>, tensor<2x4x8x8xf32>
  %7 = graph.select %6, %zero, %5 : tensor<2x4x8x8xi1>, tensor<f32>, tensor<2x4x8x8xf32>
  %8 = graph.transpose %v [0, 2, 1, 3] : tensor<2x8x4x16xf32>
  %9 = graph.einsum "yzmk,yzkn->yzmn" %7, %8 : tensor<2x4x8x8xf32>, tensor<2x4x8x16xf32>
  %10 = graph.transpose %9 [0, 2, 1, 3] : tensor<2x4x8x16xf32>
  return %10 : tensor<2x8x4x16xf32>
}

// CHECK-LABEL: @added_mask
// CHECK-SAME: %[[M:[a-z0-9]+]]: tensor<4x4xf32>)
// CHECK: graph.attention %{{.*}}, %{{.*}}, %{{.*}} mask %[[M]] {{{.*}}scale = 1.250000e-01
func.func @added_mask(%q: tensor<4x8xf32>, %m: tensor<4x4xf32>) -> tensor<4x8xf32> {
  %eight = graph.constant dense<8.0> : tensor<f32>
  %0 = graph.einsum "md,nd->mn" %q, %q : tensor<4x8xf32>, tensor<4x8xf32>
  %1 = graph.div %0, %eight : tensor<4x4xf32>, tensor<f32>
  %2 = graph.add %1, %m : tensor<4x4xf32>, tensor<4x4xf32>
  %3 = graph.softmax %2 axis 1 : tensor<4x4xf32>
  %4 = graph.einsum "mn,ne->me" %3, %q : tensor<4x4xf32>, tensor<4x8xf32>
  return %4 : tensor<4x8xf32>
}

// Another number than 0 in place of NaN is no guard that attention knows.
// CHECK-LABEL: @other_guard
// CHECK-NOT: graph.attention
// CHECK: return
func.func @other_guard(%q: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %one = graph.constant dense<1.0> : tensor<f32>
  %0 = graph.einsum "md,nd->mn" %q, %q : tensor<3x8xf32>, tensor<3x8xf32>
  %1 = graph.softmax %0 axis 1 : tensor<3x3xf32>
  %2 = graph.compare ne %1, %1 : tensor<3x3xf32>, tensor<3x3xf32>
  %3 = graph.select %2, %one, %1 : tensor<3x3xi1>, tensor<f32>, tensor<3x3xf32>
  %4 = graph.einsum "mn,ne->me" %3, %q : tensor<3x3xf32>, tensor<3x8xf32>
  return %4 : tensor<3x8xf32>
}

// A constant mask that hides the future.
// CHECK-LABEL: @causal
// CHECK-SAME: (%[[Q:.*]]: tensor<3x8xf32>)
// CHECK-NEXT: graph.attention %[[Q]], %[[Q]], %[[Q]] {causal, {{.*}}scale = 1.000000e+00
func.func @causal(%q: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %c = graph.constant dense<[[1, 0, 0], [1, 1, 0], [1, 1, 1]]> : tensor<3x3xi1>
  %zero = graph.constant dense<0.0> : tensor<f32>
  %low = graph.constant dense<-3.4028234663852886e+38> : tensor<f32>
  %m = graph.select %c, %zero, %low : tensor<3x3xi1>, tensor<f32>, tensor<f32>
  %keep = graph.constant dense<0> : tensor<i64>
  %0 = graph.einsum "md,nd->mn" %q, %q : tensor<3x8xf32>, tensor<3x8xf32>
  %1 = graph.add %0, %m : tensor<3x3xf32>, tensor<3x3xf32>
  %2 = graph.softmax %1 axis 1 : tensor<3x3xf32>
  %3 = graph.einsum "mn,ne->me" %2, %q : tensor<3x3xf32>, tensor<3x8xf32>
  return %3 : tensor<3x8xf32>
}

// More queries than keys: the first sees nothing, which is no number under
// `causal` and an even mean under the mask.
// CHECK-LABEL: @causal_with_an_empty_row
// CHECK: graph.attention {{.*}} mask
// CHECK-NOT: causal
// CHECK: return
func.func @causal_with_an_empty_row(%q: tensor<3x8xf32>, %k: tensor<2x8xf32>) -> tensor<3x8xf32> {
  %m = graph.constant dense<[[-3.0e38, -3.0e38], [0.0, -3.0e38], [0.0, 0.0]]> : tensor<3x2xf32>
  %0 = graph.einsum "md,nd->mn" %q, %k : tensor<3x8xf32>, tensor<2x8xf32>
  %1 = graph.add %0, %m : tensor<3x2xf32>, tensor<3x2xf32>
  %2 = graph.softmax %1 axis 1 : tensor<3x2xf32>
  %3 = graph.einsum "mn,ne->me" %2, %k : tensor<3x2xf32>, tensor<2x8xf32>
  return %3 : tensor<3x8xf32>
}

// Scores can come near -1e4: it stays a number that is added.
// CHECK-LABEL: @ten_thousand
// CHECK: graph.attention {{.*}} mask
// CHECK-NOT: causal
// CHECK: return
func.func @ten_thousand(%q: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %m = graph.constant dense<[[0.0, -1.0e4], [0.0, 0.0]]> : tensor<2x2xf32>
  %0 = graph.einsum "md,nd->mn" %q, %q : tensor<2x8xf32>, tensor<2x8xf32>
  %1 = graph.add %0, %m : tensor<2x2xf32>, tensor<2x2xf32>
  %2 = graph.softmax %1 axis 1 : tensor<2x2xf32>
  %3 = graph.einsum "mn,ne->me" %2, %q : tensor<2x2xf32>, tensor<2x8xf32>
  return %3 : tensor<2x8xf32>
}

// Everything is seen: no mask is left.
// CHECK-LABEL: @no_mask
// CHECK: graph.attention %{{[^m]*}} {k_layout
func.func @no_mask(%q: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %m = graph.constant dense<0.0> : tensor<3x3xf32>
  %one = graph.constant dense<2.0> : tensor<f32>
  %0 = graph.einsum "md,nd->mn" %q, %q : tensor<3x8xf32>, tensor<3x8xf32>
  %1 = graph.add %0, %m : tensor<3x3xf32>, tensor<3x3xf32>
  %2 = graph.softmax %1 axis 1 : tensor<3x3xf32>
  %3 = graph.einsum "mn,ne->me" %2, %q : tensor<3x3xf32>, tensor<3x8xf32>
  return %3 : tensor<3x8xf32>
}

// The softmax runs along the queries: no attention.
// CHECK-LABEL: @wrong_axis
// CHECK-NOT: graph.attention
// CHECK: return
func.func @wrong_axis(%q: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %0 = graph.einsum "md,nd->mn" %q, %q : tensor<3x8xf32>, tensor<3x8xf32>
  %1 = graph.softmax %0 axis 0 : tensor<3x3xf32>
  %2 = graph.einsum "mn,ne->me" %1, %q : tensor<3x3xf32>, tensor<3x8xf32>
  return %2 : tensor<3x8xf32>
}

// CHECK-LABEL: @gelu_erf
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT: %[[Y:.*]] = graph.gelu %[[X]] : tensor<4xf32>
// CHECK-NEXT: return %[[Y]]
func.func @gelu_erf(%x: tensor<4xf32>) -> tensor<4xf32> {
  %root = graph.constant dense<1.41421354> : tensor<f32>
  %one = graph.constant dense<1.0> : tensor<f32>
  %half = graph.constant dense<0.5> : tensor<f32>
  %0 = graph.div %x, %root : tensor<4xf32>, tensor<f32>
  %1 = graph.erf %0 : tensor<4xf32>
  %2 = graph.add %one, %1 : tensor<f32>, tensor<4xf32>
  %3 = graph.mul %x, %2 : tensor<4xf32>, tensor<4xf32>
  %4 = graph.mul %3, %half : tensor<4xf32>, tensor<f32>
  return %4 : tensor<4xf32>
}

// CHECK-LABEL: @gelu_tanh
// CHECK-SAME: (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT: %[[Y:.*]] = graph.gelu %[[X]] tanh : tensor<4xf32>
// CHECK-NEXT: return %[[Y]]
func.func @gelu_tanh(%x: tensor<4xf32>) -> tensor<4xf32> {
  %three = graph.constant dense<3.0> : tensor<f32>
  %c = graph.constant dense<0.044714998453855515> : tensor<f32>
  %root = graph.constant dense<0.7978845834732056> : tensor<f32>
  %one = graph.constant dense<1.0> : tensor<f32>
  %half = graph.constant dense<0.5> : tensor<f32>
  %0 = graph.mul %x, %half : tensor<4xf32>, tensor<f32>
  %1 = graph.pow %x, %three : tensor<4xf32>, tensor<f32>
  %2 = graph.mul %1, %c : tensor<4xf32>, tensor<f32>
  %3 = graph.add %x, %2 : tensor<4xf32>, tensor<4xf32>
  %4 = graph.mul %3, %root : tensor<4xf32>, tensor<f32>
  %5 = graph.tanh %4 : tensor<4xf32>
  %6 = graph.add %5, %one : tensor<4xf32>, tensor<f32>
  %7 = graph.mul %0, %6 : tensor<4xf32>, tensor<4xf32>
  return %7 : tensor<4xf32>
}

// Another constant is another function.
// CHECK-LABEL: @not_gelu
// CHECK-NOT: graph.gelu
// CHECK: return
func.func @not_gelu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %one = graph.constant dense<1.0> : tensor<f32>
  %half = graph.constant dense<0.5> : tensor<f32>
  %0 = graph.erf %x : tensor<4xf32>
  %1 = graph.add %0, %one : tensor<4xf32>, tensor<f32>
  %2 = graph.mul %x, %1 : tensor<4xf32>, tensor<4xf32>
  %3 = graph.mul %2, %half : tensor<4xf32>, tensor<f32>
  return %3 : tensor<4xf32>
}

// x * sigmoid(x) has no op of its own.
// CHECK-LABEL: @silu
// CHECK: graph.sigmoid
// CHECK: graph.mul
func.func @silu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = graph.sigmoid %x : tensor<4xf32>
  %1 = graph.mul %x, %0 : tensor<4xf32>, tensor<4xf32>
  return %1 : tensor<4xf32>
}

// CHECK-LABEL: @layer_norm
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32, #graph.dims<N, 8>>, %[[S:.*]]: tensor<8xf32>, %[[B:.*]]: tensor<8xf32>)
// CHECK-NEXT: %[[Y:.*]] = graph.layer_norm %[[X]] scale %[[S]] bias %[[B]] axis 1 epsilon
// CHECK-NEXT: return %[[Y]]
func.func @layer_norm(%x: tensor<?x8xf32, #graph.dims<N, 8>>, %s: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32, #graph.dims<N, 8>> {
  %two = graph.constant dense<2.0> : tensor<f32>
  %eps = graph.constant dense<1.0e-5> : tensor<f32>
  %0 = graph.reduce mean %x dims [1] keepdims : tensor<?x8xf32, #graph.dims<N, 8>>
  %1 = graph.sub %x, %0 : tensor<?x8xf32, #graph.dims<N, 8>>, tensor<?x1xf32, #graph.dims<N, 1>>
  %2 = graph.pow %1, %two : tensor<?x8xf32, #graph.dims<N, 8>>, tensor<f32>
  %3 = graph.reduce mean %2 dims [1] keepdims : tensor<?x8xf32, #graph.dims<N, 8>>
  %4 = graph.add %3, %eps : tensor<?x1xf32, #graph.dims<N, 1>>, tensor<f32>
  %5 = graph.sqrt %4 : tensor<?x1xf32, #graph.dims<N, 1>>
  %6 = graph.div %1, %5 : tensor<?x8xf32, #graph.dims<N, 8>>, tensor<?x1xf32, #graph.dims<N, 1>>
  %7 = graph.mul %6, %s : tensor<?x8xf32, #graph.dims<N, 8>>, tensor<8xf32>
  %8 = graph.add %7, %b : tensor<?x8xf32, #graph.dims<N, 8>>, tensor<8xf32>
  return %8 : tensor<?x8xf32, #graph.dims<N, 8>>
}
