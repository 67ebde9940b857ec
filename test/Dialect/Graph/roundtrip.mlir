// RUN: actnet-opt %s | FileCheck %s
// RUN: actnet-opt %s | actnet-opt | FileCheck %s
// RUN: actnet-opt %s --mlir-print-op-generic | actnet-opt | FileCheck %s

// Dims print in normal form: highest degree first, the constant last.
// CHECK: a = #graph.expr<N * 768 + 1>
// CHECK-SAME: b = #graph.expr<(N + 1) floordiv 2>
// CHECK-SAME: c = #graph.expr<N>
// CHECK-SAME: d = #graph.expr<N - "batch size">
// CHECK-SAME: e = #graph.expr<N mod 3 + min(8, N)>
func.func private @dims() attributes {
  a = #graph.expr<1 + 768 * N>, b = #graph.expr<N ceildiv 2>,
  c = #graph.expr<max(1, N * S * 768 floordiv (768 * S))>, d = #graph.expr<N - "batch size">,
  e = #graph.expr<(N + 3) mod 3 + min(N, min(8, N))>}

// CHECK-LABEL: @constants
func.func @constants() {
  // CHECK: graph.constant dense<1.000000e+00> : tensor<4xf32>
  %0 = graph.constant dense<1.0> : tensor<4xf32>
  // CHECK: graph.constant weight<"m.onnx", 64, 16> : tensor<4xf32>
  %1 = graph.constant weight<"m.onnx", 64, 16> : tensor<4xf32>
  // CHECK: graph.dim_value <N, 768> : tensor<2xi64>
  %2 = graph.dim_value <N, 768> : tensor<2xi64>
  // CHECK: graph.dim_value <N * S> : tensor<i64>
  %3 = graph.dim_value <N * S> : tensor<i64>
  return
}

// CHECK-LABEL: @reduce
func.func @reduce(%x: tensor<?x8x4xf32, #graph.dims<N, 8, 4>>) -> (tensor<?xf32, #graph.dims<N>>, tensor<1x8x4xf32>) {
  // CHECK: graph.reduce sum %{{.*}} dims [1, 2] : tensor<?x8x4xf32, #graph.dims<N, 8, 4>>
  %0 = graph.reduce sum %x dims [1, 2] : tensor<?x8x4xf32, #graph.dims<N, 8, 4>>
  // CHECK: graph.reduce logsumexp %{{.*}} dims [0] keepdims : tensor<?x8x4xf32, #graph.dims<N, 8, 4>>
  %1 = graph.reduce logsumexp %x dims [0] keepdims : tensor<?x8x4xf32, #graph.dims<N, 8, 4>>
  return %0, %1 : tensor<?xf32, #graph.dims<N>>, tensor<1x8x4xf32>
}

// CHECK-LABEL: @contract
func.func @contract(%a: tensor<?x8xf32, #graph.dims<N, 8>>, %b: tensor<8x2xf32>,
                    %x: tensor<1x?x7x3xf32, #graph.dims<1, H, 7, 3>>, %f: tensor<4x3x3x3xf32>)
    -> (tensor<?x2xf32, #graph.dims<N, 2>>, tensor<1x4x?x3xf32, #graph.dims<1, 4, (H + 1) floordiv 2, 3>>) {
  // CHECK: graph.einsum "mk,kn->mn" %{{.*}}, %{{.*}} : tensor<?x8xf32, #graph.dims<N, 8>>, tensor<8x2xf32>
  %0 = graph.einsum "mk,kn->mn" %a, %b : tensor<?x8xf32, #graph.dims<N, 8>>, tensor<8x2xf32>
  // (H + 1 + 1 - 3) floordiv 2 + 1 = (H + 1) floordiv 2; (7 - 5 - 1 + 1 ...) = (7 - 3) / 2 + 1 = 3
  // CHECK: %[[CONV:.*]] = graph.conv %{{.*}}, %{{.*}} {{{.*}}} : tensor<1x?x7x3xf32, #graph.dims<1, H, 7, 3>>, tensor<4x3x3x3xf32>
  %1 = graph.conv %x, %f {input_layout = "nhwc", filter_layout = "oihw", output_layout = "nchw",
         strides = array<i64: 2, 2>, padding = array<i64: 1, 1, 0, 0>, dilations = array<i64: 1, 1>,
         groups = 1 : i64} : tensor<1x?x7x3xf32, #graph.dims<1, H, 7, 3>>, tensor<4x3x3x3xf32>
  // CHECK: graph.pool max %[[CONV]] {ceil_mode, {{.*}}} : tensor<1x4x?x3xf32, #graph.dims<1, 4, (H + 1) floordiv 2, 3>>
  %2 = graph.pool max %1 {layout = "nchw", window = array<i64: 2, 2>, strides = array<i64: 2, 2>,
         padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, ceil_mode}
       : tensor<1x4x?x3xf32, #graph.dims<1, 4, (H + 1) floordiv 2, 3>>
  return %0, %1 : tensor<?x2xf32, #graph.dims<N, 2>>, tensor<1x4x?x3xf32, #graph.dims<1, 4, (H + 1) floordiv 2, 3>>
}

// CHECK-LABEL: @movement
func.func @movement(%x: tensor<?x8xf32, #graph.dims<N, 8>>, %i: tensor<3xi64>)
    -> (tensor<?xf32, #graph.dims<N * 8>>, tensor<8x?xf32, #graph.dims<8, N>>,
        tensor<?x4xf32, #graph.dims<N, 4>>, tensor<?x16xf32, #graph.dims<N + 1, 16>>,
        tensor<?x3xf32, #graph.dims<N, 3>>, tensor<?x8x16xf32, #graph.dims<(N + 15) floordiv 16, 8, 16>>) {
  // CHECK: graph.reshape %{{.*}} : tensor<?x8xf32, #graph.dims<N, 8>> to tensor<?xf32, #graph.dims<N * 8>>
  %0 = graph.reshape %x : tensor<?x8xf32, #graph.dims<N, 8>> to tensor<?xf32, #graph.dims<N * 8>>
  // CHECK: graph.transpose %{{.*}} [1, 0] : tensor<?x8xf32, #graph.dims<N, 8>>
  %1 = graph.transpose %x [1, 0] : tensor<?x8xf32, #graph.dims<N, 8>>
  // CHECK: graph.broadcast %{{.*}} : tensor<?x8xf32, #graph.dims<N, 8>> to tensor<2x?x8xf32, #graph.dims<2, N, 8>>
  %2 = graph.broadcast %x : tensor<?x8xf32, #graph.dims<N, 8>> to tensor<2x?x8xf32, #graph.dims<2, N, 8>>
  // CHECK: graph.slice %{{.*}} starts <0, 1> sizes <N, 4> steps [1, 2] : tensor<?x8xf32, #graph.dims<N, 8>>
  %3 = graph.slice %x starts <0, 1> sizes <N, 4> steps [1, 2] : tensor<?x8xf32, #graph.dims<N, 8>>
  // CHECK: %[[PAD:.*]] = graph.pad %{{.*}} low [0, 0] high [1, 0] {mode = #graph<pad_mode constant>, value = 0.000000e+00 : f64}
  %4 = graph.pad %x low [0, 0] high [1, 0] {mode = #graph<pad_mode constant>, value = 0.0} : tensor<?x8xf32, #graph.dims<N, 8>>
  // CHECK: graph.concat %[[PAD]], %[[PAD]] axis 1 : tensor<?x8xf32, #graph.dims<N + 1, 8>>, tensor<?x8xf32, #graph.dims<N + 1, 8>>
  %5 = graph.concat %4, %4 axis 1 : tensor<?x8xf32, #graph.dims<N + 1, 8>>, tensor<?x8xf32, #graph.dims<N + 1, 8>>
  // CHECK: graph.gather %{{.*}}, %{{.*}} axis 1 : tensor<?x8xf32, #graph.dims<N, 8>>, tensor<3xi64>
  %6 = graph.gather %x, %i axis 1 : tensor<?x8xf32, #graph.dims<N, 8>>, tensor<3xi64>
  // CHECK: graph.iota axis 0 {start = 0.000000e+00 : f64, step = 1.000000e+00 : f64} : tensor<?xi64, #graph.dims<N>>
  %7 = graph.iota axis 0 {start = 0.0, step = 1.0} : tensor<?xi64, #graph.dims<N>>
  // CHECK: graph.pack %{{.*}} axis 0 tile 16 : tensor<?x8xf32, #graph.dims<N, 8>>
  %8 = graph.pack %x axis 0 tile 16 : tensor<?x8xf32, #graph.dims<N, 8>>
  return %0, %1, %3, %5, %6, %8 : tensor<?xf32, #graph.dims<N * 8>>, tensor<8x?xf32, #graph.dims<8, N>>,
      tensor<?x4xf32, #graph.dims<N, 4>>, tensor<?x16xf32, #graph.dims<N + 1, 16>>,
      tensor<?x3xf32, #graph.dims<N, 3>>, tensor<?x8x16xf32, #graph.dims<(N + 15) floordiv 16, 8, 16>>
}

// CHECK-LABEL: @composite
func.func @composite(%x: tensor<?x8x4xf32, #graph.dims<N, 8, 4>>, %c: tensor<8xf32>, %s: tensor<4xf32>,
                     %q: tensor<?x128x12x64xf32, #graph.dims<N, 128, 12, 64>>,
                     %k: tensor<?x128x4x64xf32, #graph.dims<N, 128, 4, 64>>, %m: tensor<128x128xi1>)
    -> tensor<?x12x128x64xf32, #graph.dims<N, 12, 128, 64>> {
  // CHECK: graph.softmax %{{.*}} axis 2 : tensor<?x8x4xf32, #graph.dims<N, 8, 4>>
  %0 = graph.softmax %x axis 2 : tensor<?x8x4xf32, #graph.dims<N, 8, 4>>
  // CHECK: graph.log_softmax %{{.*}} axis 1
  %1 = graph.log_softmax %x axis 1 : tensor<?x8x4xf32, #graph.dims<N, 8, 4>>
  // CHECK: graph.layer_norm %{{.*}} bias %{{.*}} axis 2 epsilon 1.000000e-05 : tensor<?x8x4xf32, #graph.dims<N, 8, 4>>, tensor<4xf32>
  %2 = graph.layer_norm %x bias %s axis 2 epsilon 1.0e-5 : tensor<?x8x4xf32, #graph.dims<N, 8, 4>>, tensor<4xf32>
  // CHECK: graph.rms_norm %{{.*}} scale %{{.*}} axis 2 epsilon 1.000000e-05
  %3 = graph.rms_norm %x scale %s axis 2 epsilon 1.0e-5 : tensor<?x8x4xf32, #graph.dims<N, 8, 4>>, tensor<4xf32>
  // CHECK: graph.batch_norm %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} axis 1 epsilon 1.000000e-05
  %4 = graph.batch_norm %x, %c, %c, %c, %c axis 1 epsilon 1.0e-5 : tensor<?x8x4xf32, #graph.dims<N, 8, 4>>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
  // CHECK: graph.group_norm %{{.*}}, %{{.*}}, %{{.*}} groups 4 epsilon 1.000000e-05
  %5 = graph.group_norm %x, %c, %c groups 4 epsilon 1.0e-5 : tensor<?x8x4xf32, #graph.dims<N, 8, 4>>, tensor<8xf32>, tensor<8xf32>
  // CHECK: graph.gelu %{{.*}} tanh : tensor<?x8x4xf32, #graph.dims<N, 8, 4>>
  %6 = graph.gelu %x tanh : tensor<?x8x4xf32, #graph.dims<N, 8, 4>>
  // CHECK: graph.attention %{{.*}}, %{{.*}}, %{{.*}} mask %{{.*}} {causal, k_layout = "btgd", q_layout = "bshd", scale = 1.250000e-01 : f64, v_layout = "btge", y_layout = "bhse"}
  %7 = graph.attention %q, %k, %k mask %m {q_layout = "bshd", k_layout = "btgd", v_layout = "btge", y_layout = "bhse", scale = 0.125, causal}
     : tensor<?x128x12x64xf32, #graph.dims<N, 128, 12, 64>>, tensor<?x128x4x64xf32, #graph.dims<N, 128, 4, 64>>,
       tensor<?x128x4x64xf32, #graph.dims<N, 128, 4, 64>>, tensor<128x128xi1>
  return %7 : tensor<?x12x128x64xf32, #graph.dims<N, 12, 128, 64>>
}
