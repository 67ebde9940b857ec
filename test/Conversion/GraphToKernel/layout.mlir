// RUN: actnet-opt %s --split-input-file --graph-layout | FileCheck %s

// Convolutions and poolings become channels-last; the transposes between them
// cancel, those at the borders stay. The filter keeps its layout: it is packed
// later.
// CHECK-LABEL: func @channelsLast
// CHECK-SAME:    (%[[X:.*]]: tensor<?x8x6x6xf32
// CHECK:         %[[F:[a-z_0-9]+]] = graph.constant
// CHECK:         %[[T:.*]] = graph.transpose %[[X]] [0, 2, 3, 1]
// CHECK-NEXT:    %[[C:.*]] = graph.conv %[[T]], %[[F]] {{.*}}filter_layout = "oihw"{{.*}}input_layout = "nhwc", output_layout = "nhwc"
// CHECK-NEXT:    %[[R:.*]] = graph.clamp %[[C]]
// CHECK-NEXT:    %[[P:.*]] = graph.pool max %[[R]] {{.*}}layout = "nhwc"
// CHECK-NEXT:    %[[U:.*]] = graph.transpose %[[P]] [0, 3, 1, 2]
// CHECK-NEXT:    return %[[U]]
func.func @channelsLast(%x: tensor<?x8x6x6xf32, #graph.dims<N, 8, 6, 6>>) -> tensor<?x5x3x3xf32, #graph.dims<N, 5, 3, 3>> {
  %f = graph.constant dense<0.5> : tensor<5x8x3x3xf32>
  %0 = graph.conv %x, %f {input_layout = "nchw", filter_layout = "oihw", output_layout = "nchw",
         strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>,
         groups = 1 : i64} : tensor<?x8x6x6xf32, #graph.dims<N, 8, 6, 6>>, tensor<5x8x3x3xf32>
  %1 = graph.clamp %0 {lo = 0.0, hi = 6.0} : tensor<?x5x6x6xf32, #graph.dims<N, 5, 6, 6>>
  %2 = graph.pool max %1 {layout = "nchw", window = array<i64: 2, 2>, strides = array<i64: 2, 2>,
         padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : tensor<?x5x6x6xf32, #graph.dims<N, 5, 6, 6>>
  return %2 : tensor<?x5x3x3xf32, #graph.dims<N, 5, 3, 3>>
}

// -----

// A bias of one value a channel goes along as a reshape; a residual of the
// same layout joins without a transpose.
// CHECK-LABEL: func @biasAndResidual
// CHECK-SAME:    (%[[X:.*]]: tensor<1x8x6x6xf32>, %[[B:.*]]: tensor<8x1x1xf32>)
// CHECK-DAG:     %[[T:.*]] = graph.transpose %[[X]] [0, 2, 3, 1]
// CHECK:         %[[C:.*]] = graph.conv %[[T]]
// CHECK:         %[[S:.*]] = graph.reshape %[[B]] {{.*}} to tensor<1x1x1x8xf32>
// CHECK-NEXT:    %[[A:.*]] = graph.add %[[C]], %[[S]]
// CHECK:         %[[R:.*]] = graph.add %[[A]], %[[A]] : tensor<1x6x6x8xf32>, tensor<1x6x6x8xf32>
// CHECK-NOT:     graph.transpose
// CHECK:         %[[U:.*]] = graph.transpose %[[R]] [0, 3, 1, 2]
// CHECK-NEXT:    return %[[U]]
func.func @biasAndResidual(%x: tensor<1x8x6x6xf32>, %b: tensor<8x1x1xf32>) -> tensor<1x8x6x6xf32> {
  %f = graph.constant dense<0.5> : tensor<8x8x3x3xf32>
  %0 = graph.conv %x, %f {input_layout = "nchw", filter_layout = "oihw", output_layout = "nchw",
         strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>,
         groups = 1 : i64} : tensor<1x8x6x6xf32>, tensor<8x8x3x3xf32>
  %1 = graph.add %0, %b : tensor<1x8x6x6xf32>, tensor<8x1x1xf32>
  %2 = graph.add %1, %1 : tensor<1x8x6x6xf32>, tensor<1x8x6x6xf32>
  return %2 : tensor<1x8x6x6xf32>
}

// -----

// Few channels: the input is padded beforehand, so that a window's row is one
// run of it. 6 + 1 + 2 = 9 rows, 7 + 3 + 0 = 10 columns.
// CHECK-LABEL: func @padFewChannels
// CHECK:         %[[P:.*]] = graph.pad %{{.*}} low [0, 1, 3, 0] high [0, 2, 0, 0] {{.*}} : tensor<1x6x7x3xf32>
// CHECK:         graph.conv %[[P]], {{.*}}padding = array<i64: 0, 0, 0, 0>{{.*}} : tensor<1x9x10x3xf32>, tensor<8x3x3x3xf32>
func.func @padFewChannels(%x: tensor<1x3x6x7xf32>, %f: tensor<8x3x3x3xf32>) -> tensor<1x8x7x8xf32> {
  %0 = graph.conv %x, %f {input_layout = "nchw", filter_layout = "oihw", output_layout = "nchw",
         strides = array<i64: 1, 1>, padding = array<i64: 1, 2, 3, 0>, dilations = array<i64: 1, 1>,
         groups = 1 : i64} : tensor<1x3x6x7xf32>, tensor<8x3x3x3xf32>
  return %0 : tensor<1x8x7x8xf32>
}

// -----

// A reduction reads through a transpose and what is kept as 1 is a reshape:
// dims 2 and 3 of the transposed value are 1 and 2 of its source.
// CHECK-LABEL: func @reduceThroughTranspose
// CHECK-SAME:    (%[[X:.*]]: tensor<?x6x7x8xf32
// CHECK-NEXT:    %[[R:.*]] = graph.reduce mean %[[X]] dims [1, 2] : tensor<?x6x7x8xf32
// CHECK-NEXT:    %[[S:.*]] = graph.reshape %[[R]] {{.*}} to tensor<?x8x1x1xf32, #graph.dims<N, 8, 1, 1>>
// CHECK-NEXT:    return %[[S]]
func.func @reduceThroughTranspose(%x: tensor<?x6x7x8xf32, #graph.dims<N, 6, 7, 8>>) -> tensor<?x8x1x1xf32, #graph.dims<N, 8, 1, 1>> {
  %0 = graph.transpose %x [0, 3, 1, 2] : tensor<?x6x7x8xf32, #graph.dims<N, 6, 7, 8>>
  %1 = graph.reduce mean %0 dims [2, 3] keepdims : tensor<?x8x6x7xf32, #graph.dims<N, 8, 6, 7>>
  return %1 : tensor<?x8x1x1xf32, #graph.dims<N, 8, 1, 1>>
}

// -----

// Rows are the last dims: softmax and logsumexp of others are transposed.
// CHECK-LABEL: func @rowsLast
// CHECK-SAME:    (%[[X:.*]]: tensor<2x3x4xf32>)
// CHECK-NEXT:    %[[T:.*]] = graph.transpose %[[X]] [0, 2, 1]
// CHECK-NEXT:    %[[S:.*]] = graph.softmax %[[T]] axis 2
// CHECK-NEXT:    %[[U:.*]] = graph.transpose %[[S]] [0, 2, 1]
// CHECK-NEXT:    %[[V:.*]] = graph.transpose %[[X]] [1, 2, 0]
// CHECK-NEXT:    %[[L:.*]] = graph.reduce logsumexp %[[V]] dims [2] : tensor<3x4x2xf32>
// CHECK-NEXT:    return %[[U]], %[[L]]
func.func @rowsLast(%x: tensor<2x3x4xf32>) -> (tensor<2x3x4xf32>, tensor<3x4xf32>) {
  %0 = graph.softmax %x axis 1 : tensor<2x3x4xf32>
  %1 = graph.reduce logsumexp %x dims [0] : tensor<2x3x4xf32>
  return %0, %1 : tensor<2x3x4xf32>, tensor<3x4xf32>
}

// -----

// A transpose moves through a concat of equal transposes (axis 1 is the
// source's 3), and through a reshape that merges what lies side by side.
// CHECK-LABEL: func @concatAndReshape
// CHECK-SAME:    (%[[X:.*]]: tensor<1x4x5x8xf32>, %[[Y:.*]]: tensor<1x4x5x2xf32>)
// CHECK-NEXT:    %[[C:.*]] = graph.concat %[[X]], %[[Y]] axis 3
// CHECK-NEXT:    %[[R:.*]] = graph.reshape %[[C]] : tensor<1x4x5x10xf32> to tensor<1x20x10xf32>
// CHECK-NEXT:    %[[T:.*]] = graph.transpose %[[R]] [0, 2, 1]
// CHECK-NEXT:    return %[[T]]
func.func @concatAndReshape(%x: tensor<1x4x5x8xf32>, %y: tensor<1x4x5x2xf32>) -> tensor<1x10x20xf32> {
  %0 = graph.transpose %x [0, 3, 1, 2] : tensor<1x4x5x8xf32>
  %1 = graph.transpose %y [0, 3, 1, 2] : tensor<1x4x5x2xf32>
  %2 = graph.concat %0, %1 axis 1 : tensor<1x8x4x5xf32>, tensor<1x2x4x5xf32>
  %3 = graph.reshape %2 : tensor<1x10x4x5xf32> to tensor<1x10x20xf32>
  return %3 : tensor<1x10x20xf32>
}

// -----

// Padding by copies becomes gathers; a reduction over no dim, elementwise work.
// CHECK-LABEL: func @reflect
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>)
// CHECK:         %[[I:.*]] = graph.constant dense<[2, 1, 0, 1, 2, 3, 2]> : tensor<7xi64>
// CHECK-NEXT:    %[[G:[a-z_0-9]+]] = graph.gather %[[X]], %[[I]] axis 1
// CHECK-NEXT:    %[[M:.*]] = graph.mul %[[G]], %[[G]]
// CHECK-NEXT:    return %[[M]]
func.func @reflect(%x: tensor<2x4xf32>) -> tensor<2x7xf32> {
  %0 = graph.pad %x low [0, 2] high [0, 1] {mode = #graph<pad_mode reflect>, value = 0.0} : tensor<2x4xf32>
  %1 = graph.reduce sumsq %0 dims [] : tensor<2x7xf32>
  return %1 : tensor<2x7xf32>
}
