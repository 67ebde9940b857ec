// Extents of zero, and dims that are too small for what is done with them.
//
// RUN: actnet-compile %s --emit=package -o %t.actnet
// RUN: actnet-run %t.actnet --function product --dim N=0 | FileCheck %s --check-prefix=PRODUCT
// PRODUCT: y: f32 [3, 4], min 0, max 0
// RUN: actnet-run %t.actnet --function sums --dim N=0 | FileCheck %s --check-prefix=SUMS
// SUMS: sum: f32 [4], min 0, max 0
// SUMS: max: f32 [4], min -inf, max -inf
// SUMS: prod: f32 [4], min 1, max 1
// SUMS: exp: f32 [0, 4], empty
// RUN: actnet-run %t.actnet --function static | FileCheck %s --check-prefix=STATIC
// STATIC: y: f32 [3, 4], min 0, max 0
//
// RUN: actnet-run %t.actnet --function parts --dim N=0 | FileCheck %s --check-prefix=PARTS0
// PARTS0: y: f32 [0, 9], empty
// RUN: actnet-run %t.actnet --function parts --dim N=2 --input x=2 | FileCheck %s --check-prefix=PARTS2
// PARTS2: y: f32 [2, 9], min 2, max 4
//
// RUN: actnet-run %t.actnet --function window --dim H=5 | FileCheck %s --check-prefix=WINDOW
// WINDOW: y: f32 [1, 1, 1, 1]
// RUN: not actnet-run %t.actnet --function window --dim H=4 2>&1 | FileCheck %s --check-prefix=SMALL
// SMALL: error: 'graph.pool': windows of dim 2, H - 4: expected 1 or more, found 0; H = 4, at least 5 needed
// RUN: not actnet-run %t.actnet --function row --dim N=2 2>&1 | FileCheck %s --check-prefix=ROW
// ROW: error: 'graph.slice': what is left behind of the slice of dim 0, N - 4: expected 0 or more, found -2; N = 2, at least 4 needed

module attributes {graph.dims = {N = array<i64: 0, 8>, H = array<i64: 1, 16>}} {
  func.func @product(%a: tensor<3x?xf32, #graph.dims<3, N>> {graph.name = "a"},
                     %b: tensor<?x4xf32, #graph.dims<N, 4>> {graph.name = "b"})
      -> (tensor<3x4xf32> {graph.name = "y"}) {
    %0 = graph.einsum "mk,kn->mn" %a, %b : tensor<3x?xf32, #graph.dims<3, N>>, tensor<?x4xf32, #graph.dims<N, 4>>
    return %0 : tensor<3x4xf32>
  }
  func.func @static(%a: tensor<3x0xf32> {graph.name = "a"}, %b: tensor<0x4xf32> {graph.name = "b"})
      -> (tensor<3x4xf32> {graph.name = "y"}) {
    %0 = graph.einsum "mk,kn->mn" %a, %b : tensor<3x0xf32>, tensor<0x4xf32>
    return %0 : tensor<3x4xf32>
  }
  func.func @sums(%x: tensor<?x4xf32, #graph.dims<N, 4>> {graph.name = "x"})
      -> (tensor<4xf32> {graph.name = "sum"}, tensor<4xf32> {graph.name = "max"},
          tensor<4xf32> {graph.name = "prod"}, tensor<?x4xf32, #graph.dims<N, 4>> {graph.name = "exp"}) {
    %0 = graph.reduce sum %x dims [0] : tensor<?x4xf32, #graph.dims<N, 4>>
    %1 = graph.reduce max %x dims [0] : tensor<?x4xf32, #graph.dims<N, 4>>
    %2 = graph.reduce prod %x dims [0] : tensor<?x4xf32, #graph.dims<N, 4>>
    %3 = graph.exp %x : tensor<?x4xf32, #graph.dims<N, 4>>
    return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<?x4xf32, #graph.dims<N, 4>>
  }
  func.func @parts(%x: tensor<?x3xf32, #graph.dims<N, 3>> {graph.name = "x"})
      -> (tensor<?x9xf32, #graph.dims<N, 9>> {graph.name = "y"}) {
    %w = graph.constant dense<1.0> : tensor<2x3xf32>
    %0 = graph.abs %x : tensor<?x3xf32, #graph.dims<N, 3>>
    %1 = graph.slice %0 starts <0, 1> sizes <N, 2> steps [1, 1] : tensor<?x3xf32, #graph.dims<N, 3>>
    %2 = graph.einsum "mk,kn->mn" %1, %w : tensor<?x2xf32, #graph.dims<N, 2>>, tensor<2x3xf32>
    %3 = graph.concat %0, %2, %x axis 1 : tensor<?x3xf32, #graph.dims<N, 3>>, tensor<?x3xf32, #graph.dims<N, 3>>, tensor<?x3xf32, #graph.dims<N, 3>>
    return %3 : tensor<?x9xf32, #graph.dims<N, 9>>
  }
  func.func @window(%x: tensor<1x1x?x3xf32, #graph.dims<1, 1, H, 3>> {graph.name = "x"})
      -> (tensor<1x1x?x1xf32, #graph.dims<1, 1, H - 4, 1>> {graph.name = "y"}) {
    %0 = graph.pool max %x {layout = "nchw", window = array<i64: 5, 3>,
           strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>,
           dilations = array<i64: 1, 1>} : tensor<1x1x?x3xf32, #graph.dims<1, 1, H, 3>>
    return %0 : tensor<1x1x?x1xf32, #graph.dims<1, 1, H - 4, 1>>
  }
  func.func @row(%x: tensor<?x4xf32, #graph.dims<N, 4>> {graph.name = "x"})
      -> (tensor<1x4xf32> {graph.name = "y"}) {
    %0 = graph.slice %x starts <3, 0> sizes <1, 4> steps [1, 1] : tensor<?x4xf32, #graph.dims<N, 4>>
    return %0 : tensor<1x4xf32>
  }
}
