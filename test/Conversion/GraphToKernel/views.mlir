// RUN: actnet-opt %s --split-input-file --graph-layout --graph-to-kernel --kernel-verify | FileCheck %s

// Parts of one product are read where they lie: heads are dims of the strides.
// CHECK-LABEL: func.func @slices
// CHECK:         %[[P:.*]] = kernel.dispatch @contract
// CHECK-NEXT:    %[[Q:.*]] = kernel.slice %[[P]] starts <0, 0, 0>
// CHECK-NEXT:    %[[K:.*]] = kernel.slice %[[P]] starts <0, 0, 8>
// CHECK-NEXT:    %[[V:.*]] = kernel.slice %[[P]] starts <0, 0, 16>
// CHECK:         %[[A:.*]] = kernel.dispatch @[[ATTENTION:attention[_0-9]+]]
// CHECK-NOT:     kernel.dispatch
// CHECK:       kernel.func @[[ATTENTION]]({{.*}}kernel.strides = #graph.dims<72, 24, 4, 1>}
func.func @slices(%x: tensor<?x3x8xf32, #graph.dims<N, 3, 8>>, %w: tensor<8x24xf32>) -> tensor<?x3x2x4xf32, #graph.dims<N, 3, 2, 4>> {
  %p = graph.einsum "zmk,kn->zmn" %x, %w : tensor<?x3x8xf32, #graph.dims<N, 3, 8>>, tensor<8x24xf32>
  %0 = graph.slice %p starts <0, 0, 0> sizes <N, 3, 8> steps [1, 1, 1] : tensor<?x3x24xf32, #graph.dims<N, 3, 24>>
  %1 = graph.slice %p starts <0, 0, 8> sizes <N, 3, 8> steps [1, 1, 1] : tensor<?x3x24xf32, #graph.dims<N, 3, 24>>
  %2 = graph.slice %p starts <0, 0, 16> sizes <N, 3, 8> steps [1, 1, 1] : tensor<?x3x24xf32, #graph.dims<N, 3, 24>>
  %q = graph.reshape %0 : tensor<?x3x8xf32, #graph.dims<N, 3, 8>> to tensor<?x3x2x4xf32, #graph.dims<N, 3, 2, 4>>
  %k = graph.reshape %1 : tensor<?x3x8xf32, #graph.dims<N, 3, 8>> to tensor<?x3x2x4xf32, #graph.dims<N, 3, 2, 4>>
  %v = graph.reshape %2 : tensor<?x3x8xf32, #graph.dims<N, 3, 8>> to tensor<?x3x2x4xf32, #graph.dims<N, 3, 2, 4>>
  %a = graph.attention %q, %k, %v {k_layout = "btgd", q_layout = "bshd", scale = 0.5 : f64, v_layout = "btge", y_layout = "bshe"} : tensor<?x3x2x4xf32, #graph.dims<N, 3, 2, 4>>, tensor<?x3x2x4xf32, #graph.dims<N, 3, 2, 4>>, tensor<?x3x2x4xf32, #graph.dims<N, 3, 2, 4>>
  return %a : tensor<?x3x2x4xf32, #graph.dims<N, 3, 2, 4>>
}

// -----

// A slice that is a result, or that a reshape would have to gather, is copied.
// CHECK-LABEL: func.func @copied
// CHECK-NOT:     kernel.slice
// CHECK:         kernel.dispatch @map_slice
// CHECK:         kernel.dispatch @map_slice
func.func @copied(%x: tensor<4x8xf32>, %w: tensor<16x4xf32>) -> (tensor<4x4xf32>, tensor<1x4xf32>) {
  %0 = graph.slice %x starts <0, 4> sizes <4, 4> steps [1, 1] : tensor<4x8xf32>
  %1 = graph.reshape %0 : tensor<4x4xf32> to tensor<1x16xf32>
  %2 = graph.einsum "mk,kn->mn" %1, %w : tensor<1x16xf32>, tensor<16x4xf32>
  %3 = graph.slice %x starts <0, 0> sizes <4, 4> steps [1, 1] : tensor<4x8xf32>
  return %3, %2 : tensor<4x4xf32>, tensor<1x4xf32>
}

// -----

// A concat whose operands begin a longer one lies at its beginning, and the
// kernels in between read it with the longer one's strides.
// CHECK-LABEL: func.func @prefix
// CHECK-NOT:     @copy
// CHECK:         %[[A:.*]] = kernel.concat %{{.*}}, %{{.*}} axis 1
// CHECK-NEXT:    %[[F:.*]] = kernel.dispatch @[[TANH:map_tanh[_0-9]+]](%[[A]])
// CHECK-NEXT:    kernel.concat %[[A]], %[[F]] axis 1 : tensor<4x5xf32>, tensor<4x5xf32>
// CHECK:       kernel.func @[[TANH]](%{{.*}}: tensor<4x5xf32> {kernel.strides = #graph.dims<10, 1>}) -> (tensor<4x5xf32> {kernel.strides = #graph.dims<10, 1>})
func.func @prefix(%x: tensor<4x2xf32>, %y: tensor<4x3xf32>) -> tensor<4x10xf32> {
  %a = graph.exp %x : tensor<4x2xf32>
  %b = graph.exp %y : tensor<4x3xf32>
  %0 = graph.concat %a, %b axis 1 : tensor<4x2xf32>, tensor<4x3xf32>
  %c = graph.tanh %0 : tensor<4x5xf32>
  %1 = graph.concat %a, %b, %c axis 1 : tensor<4x2xf32>, tensor<4x3xf32>, tensor<4x5xf32>
  return %1 : tensor<4x10xf32>
}

// -----

// Elementwise operations behind a reshape join the contraction before it.
// CHECK-LABEL: func.func @reshaped
// CHECK:         %[[Y:.*]] = kernel.dispatch @contract_gelu
// CHECK-NEXT:    kernel.view %[[Y]]
// CHECK-NOT:     kernel.dispatch
// CHECK:         return
func.func @reshaped(%x: tensor<6x8xf32>, %w: tensor<8x4xf32>) -> tensor<2x3x4xf32> {
  %0 = graph.einsum "mk,kn->mn" %x, %w : tensor<6x8xf32>, tensor<8x4xf32>
  %1 = graph.reshape %0 : tensor<6x4xf32> to tensor<2x3x4xf32>
  %2 = graph.gelu %1 : tensor<2x3x4xf32>
  return %2 : tensor<2x3x4xf32>
}

// -----

// Pixels of one by one: the transposes around a convolution are moved on, not
// turned into reshapes that nothing passes.
// CHECK-LABEL: func.func @onePixel
// CHECK:         kernel.dispatch @contract_sigmoid
// CHECK-NOT:     kernel.dispatch
// CHECK:         return
func.func @onePixel(%x: tensor<?x8x1x1xf32, #graph.dims<N, 8, 1, 1>>, %w: tensor<4x8x1x1xf32>) -> tensor<?x4x1x1xf32, #graph.dims<N, 4, 1, 1>> {
  %0 = graph.conv %x, %w {dilations = array<i64: 1, 1>, filter_layout = "oihw", groups = 1 : i64, input_layout = "nchw", output_layout = "nchw", padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : tensor<?x8x1x1xf32, #graph.dims<N, 8, 1, 1>>, tensor<4x8x1x1xf32>
  %1 = graph.sigmoid %0 : tensor<?x4x1x1xf32, #graph.dims<N, 4, 1, 1>>
  return %1 : tensor<?x4x1x1xf32, #graph.dims<N, 4, 1, 1>>
}

// -----

// Tokens first, as torch's attention has them: the transposes around the
// products and the attention meet, and no kernel moves anything.
// CHECK-LABEL: func.func @tokensFirst
// CHECK:         kernel.dispatch @contract
// CHECK:         kernel.dispatch @attention
// CHECK:         kernel.dispatch @contract_add
// CHECK-NOT:     kernel.dispatch
// CHECK:         return
func.func @tokensFirst(%x: tensor<?x3x8xf32, #graph.dims<N, 3, 8>>, %bias: tensor<8xf32>) -> tensor<?x3x8xf32, #graph.dims<N, 3, 8>> {
  %w = graph.constant dense<0.5> : tensor<8x8xf32>
  %o = graph.constant dense<0.25> : tensor<8x8xf32>
  %t = graph.transpose %x [1, 0, 2] : tensor<?x3x8xf32, #graph.dims<N, 3, 8>>
  %p = graph.einsum "zmk,kn->zmn" %t, %w : tensor<3x?x8xf32, #graph.dims<3, N, 8>>, tensor<8x8xf32>
  %q = graph.reshape %p : tensor<3x?x8xf32, #graph.dims<3, N, 8>> to tensor<3x?x2x4xf32, #graph.dims<3, N, 2, 4>>
  %a = graph.attention %q, %q, %q {k_layout = "tbgd", q_layout = "sbhd", scale = 0.5 : f64, v_layout = "tbge", y_layout = "sbhe"} : tensor<3x?x2x4xf32, #graph.dims<3, N, 2, 4>>, tensor<3x?x2x4xf32, #graph.dims<3, N, 2, 4>>, tensor<3x?x2x4xf32, #graph.dims<3, N, 2, 4>>
  %rows = graph.reshape %a : tensor<3x?x2x4xf32, #graph.dims<3, N, 2, 4>> to tensor<?x8xf32, #graph.dims<N * 3, 8>>
  %y = graph.einsum "mk,nk->mn" %rows, %o : tensor<?x8xf32, #graph.dims<N * 3, 8>>, tensor<8x8xf32>
  %z = graph.add %y, %bias : tensor<?x8xf32, #graph.dims<N * 3, 8>>, tensor<8xf32>
  %b = graph.reshape %z : tensor<?x8xf32, #graph.dims<N * 3, 8>> to tensor<3x?x8xf32, #graph.dims<3, N, 8>>
  %u = graph.transpose %b [1, 0, 2] : tensor<3x?x8xf32, #graph.dims<3, N, 8>>
  return %u : tensor<?x3x8xf32, #graph.dims<N, 3, 8>>
}
