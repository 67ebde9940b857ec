// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: actnet-opt %s --split-input-file --verify-diagnostics

func.func @c1_rank(%x: tensor<1x3x7xf32>, %f: tensor<3x5x3x3xf32>) {
  // expected-error @+1 {{C1: expected operands of one rank from 3 to 5, found 3 and 4}}
  %y = graph.conv_transpose %x, %f {input_layout = "ncw", filter_layout = "iow", output_layout = "ncw",
         strides = array<i64: 2>, padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : tensor<1x3x7xf32>, tensor<3x5x3x3xf32>
  return
}

// -----

func.func @c1_layout(%x: tensor<1x3x7xf32>, %f: tensor<3x5x3xf32>) {
  // expected-error @+1 {{C1: expected filter_layout to be a permutation of 'iow', found 'ixw'}}
  %y = graph.conv_transpose %x, %f {input_layout = "ncw", filter_layout = "ixw", output_layout = "ncw",
         strides = array<i64: 2>, padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : tensor<1x3x7xf32>, tensor<3x5x3xf32>
  return
}

// -----

func.func @c2_strides(%x: tensor<1x3x7xf32>, %f: tensor<3x5x3xf32>) {
  // expected-error @+1 {{C2: strides expect at least 1, found 0}}
  %y = graph.conv_transpose %x, %f {input_layout = "ncw", filter_layout = "iow", output_layout = "ncw",
         strides = array<i64: 0>, padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : tensor<1x3x7xf32>, tensor<3x5x3xf32>
  return
}

// -----

func.func @c2_padding(%x: tensor<1x3x7xf32>, %f: tensor<3x5x3xf32>) {
  // expected-error @+1 {{C2: expected 2 padding, found 1}}
  %y = graph.conv_transpose %x, %f {input_layout = "ncw", filter_layout = "iow", output_layout = "ncw",
         strides = array<i64: 2>, padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : tensor<1x3x7xf32>, tensor<3x5x3xf32>
  return
}

// -----

func.func @c3_channels(%x: tensor<1x3x7xf32>, %f: tensor<4x5x3xf32>) {
  // expected-error @+1 {{C3: x has 3 channels, the filter takes 4}}
  %y = graph.conv_transpose %x, %f {input_layout = "ncw", filter_layout = "iow", output_layout = "ncw",
         strides = array<i64: 2>, padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : tensor<1x3x7xf32>, tensor<4x5x3xf32>
  return
}

// -----

func.func @c3_groups(%x: tensor<1x3x7xf32>, %f: tensor<3x5x3xf32>) {
  // expected-error @+1 {{C3: 2 groups don't divide the filter's 3 inputs}}
  %y = graph.conv_transpose %x, %f {input_layout = "ncw", filter_layout = "iow", output_layout = "ncw",
         strides = array<i64: 2>, padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 2 : i64}
     : tensor<1x3x7xf32>, tensor<3x5x3xf32>
  return
}

// -----

func.func @c4(%x: tensor<1x3x7xf32>, %f: tensor<3x5x3xf32>) {
  // expected-error @+1 {{C4: output extent 0 of spatial dim 0 is not positive}}
  %y = graph.conv_transpose %x, %f {input_layout = "ncw", filter_layout = "iow", output_layout = "ncw",
         strides = array<i64: 2>, padding = array<i64: 8, 7>, dilations = array<i64: 1>, groups = 1 : i64}
     : tensor<1x3x7xf32>, tensor<3x5x3xf32>
  return
}

// -----

func.func @c5(%x: tensor<1x3x7xf32>, %f: tensor<3x5x3xf16>) {
  // expected-error @+1 {{C5: expected one element type, found f32 and f16}}
  %y = graph.conv_transpose %x, %f {input_layout = "ncw", filter_layout = "iow", output_layout = "ncw",
         strides = array<i64: 2>, padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64}
     : tensor<1x3x7xf32>, tensor<3x5x3xf16>
  return
}
