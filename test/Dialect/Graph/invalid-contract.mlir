// RUN: actnet-opt %s --split-input-file --verify-diagnostics

func.func @einsum_c1(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>) {
  // expected-error @+1 {{'graph.einsum' op C1: expected 'letters,letters->letters', none twice in one term, found 'mm,kn->mn'}}
  %0 = graph.einsum "mm,kn->mn" %a, %b : tensor<4x8xf32>, tensor<8x2xf32>
  return
}

// -----

func.func @einsum_c1_rank(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>) {
  // expected-error @+1 {{'graph.einsum' op C1: term 'bmk' names 3 dims, the operand has rank 2}}
  %0 = graph.einsum "bmk,kn->mn" %a, %b : tensor<4x8xf32>, tensor<8x2xf32>
  return
}

// -----

func.func @einsum_c2(%a: tensor<4x8xf32>, %b: tensor<7x2xf32>) {
  // expected-error @+1 {{'graph.einsum' op C2: dim 'k' is 8 in one operand and 7 in the other}}
  %0 = graph.einsum "mk,kn->mn" %a, %b : tensor<4x8xf32>, tensor<7x2xf32>
  return
}

// -----

func.func @einsum_c3(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>) {
  // expected-error @+1 {{'graph.einsum' op C3: dim 'x' of the result is in no operand}}
  %0 = graph.einsum "mk,kn->mx" %a, %b : tensor<4x8xf32>, tensor<8x2xf32>
  return
}

// -----

func.func @einsum_c3_lost(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>) {
  // expected-error @+1 {{'graph.einsum' op C3: dim 'n' is in one operand only and not in the result}}
  %0 = graph.einsum "mk,kn->m" %a, %b : tensor<4x8xf32>, tensor<8x2xf32>
  return
}

// -----

func.func @einsum_c4(%a: tensor<4x8xf32>, %b: tensor<8x2xf16>) {
  // expected-error @+1 {{'graph.einsum' op C4: expected one element type, found f32 and f16}}
  %0 = graph.einsum "mk,kn->mn" %a, %b : tensor<4x8xf32>, tensor<8x2xf16>
  return
}

// -----

func.func @conv_c1(%x: tensor<1x4x8xf32>, %f: tensor<2x4x3xf32>) {
  // expected-error @+1 {{'graph.conv' op C1: expected input_layout to be a permutation of 'ncw', found 'nch'}}
  %0 = graph.conv %x, %f {input_layout = "nch", filter_layout = "oiw", output_layout = "ncw", strides = array<i64: 1>,
    padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : tensor<1x4x8xf32>, tensor<2x4x3xf32>
  return
}

// -----

func.func @conv_c1_rank(%x: tensor<1x4xf32>, %f: tensor<2x4xf32>) {
  // expected-error @+1 {{'graph.conv' op C1: expected operands of one rank from 3 to 5, found 2 and 2}}
  %0 = graph.conv %x, %f {input_layout = "nc", filter_layout = "oi", output_layout = "nc", strides = array<i64>,
    padding = array<i64>, dilations = array<i64>, groups = 1 : i64} : tensor<1x4xf32>, tensor<2x4xf32>
  return
}

// -----

func.func @conv_c2(%x: tensor<1x4x8xf32>, %f: tensor<2x4x3xf32>) {
  // expected-error @+1 {{'graph.conv' op C2: strides expect at least 1, found 0}}
  %0 = graph.conv %x, %f {input_layout = "ncw", filter_layout = "oiw", output_layout = "ncw", strides = array<i64: 0>,
    padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : tensor<1x4x8xf32>, tensor<2x4x3xf32>
  return
}

// -----

func.func @conv_c2_padding(%x: tensor<1x4x8xf32>, %f: tensor<2x4x3xf32>) {
  // expected-error @+1 {{'graph.conv' op C2: expected 2 padding, found 1}}
  %0 = graph.conv %x, %f {input_layout = "ncw", filter_layout = "oiw", output_layout = "ncw", strides = array<i64: 1>,
    padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64} : tensor<1x4x8xf32>, tensor<2x4x3xf32>
  return
}

// -----

func.func @conv_c3(%x: tensor<1x4x8xf32>, %f: tensor<2x4x3xf32>) {
  // expected-error @+1 {{'graph.conv' op C3: x has 4 channels, the filter takes 2 groups of 4}}
  %0 = graph.conv %x, %f {input_layout = "ncw", filter_layout = "oiw", output_layout = "ncw", strides = array<i64: 1>,
    padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 2 : i64} : tensor<1x4x8xf32>, tensor<2x4x3xf32>
  return
}

// -----

func.func @conv_c3_outputs(%x: tensor<1x4x8xf32>, %f: tensor<3x2x3xf32>) {
  // expected-error @+1 {{'graph.conv' op C3: 2 groups don't divide the filter's 3 outputs}}
  %0 = graph.conv %x, %f {input_layout = "ncw", filter_layout = "oiw", output_layout = "ncw", strides = array<i64: 1>,
    padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 2 : i64} : tensor<1x4x8xf32>, tensor<3x2x3xf32>
  return
}

// -----

func.func @conv_c4(%x: tensor<1x4x2xf32>, %f: tensor<2x4x5xf32>) {
  // expected-error @+1 {{'graph.conv' op C4: output extent -2 of spatial dim 0 is not positive: 2 is too small for a window of 5}}
  %0 = graph.conv %x, %f {input_layout = "ncw", filter_layout = "oiw", output_layout = "ncw", strides = array<i64: 1>,
    padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : tensor<1x4x2xf32>, tensor<2x4x5xf32>
  return
}

// -----

func.func @conv_c5(%x: tensor<1x4x8xf32>, %f: tensor<2x4x3xf16>) {
  // expected-error @+1 {{'graph.conv' op C5: expected one element type, found f32 and f16}}
  %0 = graph.conv %x, %f {input_layout = "ncw", filter_layout = "oiw", output_layout = "ncw", strides = array<i64: 1>,
    padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : tensor<1x4x8xf32>, tensor<2x4x3xf16>
  return
}

// -----

func.func @pool_c1(%x: tensor<1x4x8xf32>) {
  // expected-error @+1 {{'graph.pool' op C1: expected layout to be a permutation of 'ncw', found 'nw'}}
  %0 = graph.pool max %x {layout = "nw", window = array<i64: 2>, strides = array<i64: 2>, padding = array<i64: 0, 0>,
    dilations = array<i64: 1>} : tensor<1x4x8xf32>
  return
}

// -----

func.func @pool_c2(%x: tensor<1x4x8xf32>) {
  // expected-error @+1 {{'graph.pool' op C2: expected 1 positive window extents}}
  %0 = graph.pool max %x {layout = "ncw", window = array<i64: 2, 2>, strides = array<i64: 2>, padding = array<i64: 0, 0>,
    dilations = array<i64: 1>} : tensor<1x4x8xf32>
  return
}

// -----

func.func @pool_c4(%x: tensor<1x4x8xf32>) {
  // expected-error @+1 {{'graph.pool' op C4: output extent 0 of spatial dim 0 is not positive}}
  %0 = graph.pool max %x {layout = "ncw", window = array<i64: 9>, strides = array<i64: 1>, padding = array<i64: 0, 0>,
    dilations = array<i64: 1>} : tensor<1x4x8xf32>
  return
}

// -----

func.func @pool_c5(%x: tensor<1x4x8xi32>) {
  // expected-error @+1 {{'graph.pool' op C5: expected a floating point element type, found i32}}
  %0 = graph.pool avg %x {layout = "ncw", window = array<i64: 2>, strides = array<i64: 2>, padding = array<i64: 0, 0>,
    dilations = array<i64: 1>} : tensor<1x4x8xi32>
  return
}
