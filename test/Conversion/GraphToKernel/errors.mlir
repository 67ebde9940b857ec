// RUN: actnet-opt %s --split-input-file --verify-diagnostics --graph-layout --graph-to-kernel

func.func @padMode(%x: tensor<?xf32, #graph.dims<N>>) -> tensor<?xf32, #graph.dims<N + 1>> {
  // expected-error @+1 {{'graph.pad' has no kernel in mode edge over a dim of dynamic extent}}
  %0 = graph.pad %x low [1] high [0] {mode = #graph<pad_mode edge>, value = 0.0} : tensor<?xf32, #graph.dims<N>>
  return %0 : tensor<?xf32, #graph.dims<N + 1>>
}

// -----

func.func @composite(%x: tensor<1x8x4x4xf32>, %s: tensor<8xf32>) -> tensor<1x8x4x4xf32> {
  // expected-error @+1 {{'graph.group_norm' has no kernel; decompose it first}}
  %0 = graph.group_norm %x, %s, %s groups 4 epsilon 1.0e-5 : tensor<1x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>
  return %0 : tensor<1x8x4x4xf32>
}
