// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: actnet-opt %s --split-input-file | actnet-opt --split-input-file | FileCheck %s
// RUN: actnet-opt %s --split-input-file --canonicalize | FileCheck %s --check-prefix=FOLD
// RUN: actnet-opt %s --split-input-file --graph-decompose=only=conv_transpose --graph-simplify | FileCheck %s --check-prefix=WRITTEN

// Four taps of stride 2: two a phase. Of 2 + 2H results in each dim one is cut
// off at each end: (H - 1) * 2 + 4 - 2 are left.
module attributes {graph.dims = {N = array<i64: 1, 8>, H = array<i64: 1, 64>}} {
// CHECK-LABEL: func.func @twice
// WRITTEN-LABEL: func.func @twice
// WRITTEN: graph.conv %{{.*}}, %{{.*}} {dilations = array<i64: 1, 1>,{{.*}}output_layout = "nhwc", padding = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>}
// WRITTEN: graph.transpose %{{.*}} [0, 1, 4, 2, 5, 3, 6]
// WRITTEN: graph.slice %{{.*}} starts <0, 1, 1, 0> sizes <N, H * 2, 14, 5> steps [1, 1, 1, 1]
func.func @twice(%x: tensor<?x3x?x7xf32, #graph.dims<N, 3, H, 7>>, %f: tensor<3x5x4x4xf32>)
    -> tensor<?x5x?x14xf32, #graph.dims<N, 5, H * 2, 14>> {
  // CHECK: graph.conv_transpose %{{.*}}, %{{.*}} {dilations = array<i64: 1, 1>, filter_layout = "iohw", groups = 1 : i64
  %y = graph.conv_transpose %x, %f {input_layout = "nchw", filter_layout = "iohw", output_layout = "nchw",
         strides = array<i64: 2, 2>, padding = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
     : tensor<?x3x?x7xf32, #graph.dims<N, 3, H, 7>>, tensor<3x5x4x4xf32>
  return %y : tensor<?x5x?x14xf32, #graph.dims<N, 5, H * 2, 14>>
}
}

// -----

// Three taps of stride 2, padding 1, one more at the end: a zero in front of the
// filter makes nothing to cut off.
// WRITTEN-LABEL: func.func @odd
// WRITTEN: graph.pad %{{.*}} low [0, 0, 1] high [0, 0, 0]
// WRITTEN: graph.conv {{.*}} padding = array<i64: 0, 1>
// WRITTEN-NOT: graph.slice {{.*}} sizes <1, 14
// WRITTEN: return
func.func @odd(%x: tensor<1x3x7xf32>, %f: tensor<3x5x3xf32>) -> tensor<1x5x14xf32> {
  %y = graph.conv_transpose %x, %f {input_layout = "ncw", filter_layout = "iow", output_layout = "ncw",
         strides = array<i64: 2>, padding = array<i64: 1, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : tensor<1x3x7xf32>, tensor<3x5x3xf32>
  return %y : tensor<1x5x14xf32>
}

// -----

// The stride divides the dilation: a dilated convolution, with zeros put in.
// WRITTEN-LABEL: func.func @dilated
// WRITTEN: graph.conv {{.*}}{dilations = array<i64: 2>
// WRITTEN: graph.pad
func.func @dilated(%x: tensor<1x7x3xf32>, %f: tensor<3x5x3xf32>) -> tensor<1x21x5xf32> {
  %y = graph.conv_transpose %x, %f {input_layout = "nwc", filter_layout = "iow", output_layout = "nwc",
         strides = array<i64: 2>, padding = array<i64: 0, 0>, dilations = array<i64: 4>, groups = 1 : i64}
     : tensor<1x7x3xf32>, tensor<3x5x3xf32>
  return %y : tensor<1x21x5xf32>
}

// -----

// Two elements, each with the whole filter, two apart: in the middle they meet.
// FOLD-LABEL: func.func @folds
// FOLD: graph.constant dense<{{\[\[\[}}2.000000e+00, 2.000000e+01, 2.030000e+02, 3.000000e+01, 3.000000e+02]]]>
func.func @folds() -> tensor<1x1x5xf32> {
  %x = graph.constant dense<[[[2.0, 3.0]]]> : tensor<1x1x2xf32>
  %f = graph.constant dense<[[[1.0, 10.0, 100.0]]]> : tensor<1x1x3xf32>
  %y = graph.conv_transpose %x, %f {input_layout = "ncw", filter_layout = "iow", output_layout = "ncw",
         strides = array<i64: 2>, padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : tensor<1x1x2xf32>, tensor<1x1x3xf32>
  return %y : tensor<1x1x5xf32>
}

// -----

// One channel a group: the phases are groups too.
// WRITTEN-LABEL: func.func @depthwise
// WRITTEN: graph.broadcast %{{.*}} : tensor<1x7x1x3xf32> to tensor<1x7x2x3xf32>
// WRITTEN: graph.conv {{.*}} groups = 6 : i64
func.func @depthwise(%x: tensor<1x7x3xf32>, %f: tensor<3x1x2xf32>) -> tensor<1x14x3xf32> {
  %y = graph.conv_transpose %x, %f {input_layout = "nwc", filter_layout = "iow", output_layout = "nwc",
         strides = array<i64: 2>, padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 3 : i64}
     : tensor<1x7x3xf32>, tensor<3x1x2xf32>
  return %y : tensor<1x14x3xf32>
}
