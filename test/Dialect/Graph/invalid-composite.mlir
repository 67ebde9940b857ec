// RUN: actnet-opt %s --split-input-file --verify-diagnostics

func.func @softmax_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.softmax' op C1: axis 1 is outside the rank, which is 1}}
  %0 = graph.softmax %x axis 1 : tensor<4xf32>
  return
}

// -----

func.func @log_softmax_c2(%x: tensor<4xi32>) {
  // expected-error @+1 {{'graph.log_softmax' op C2: expected a floating point element type, found i32}}
  %0 = graph.log_softmax %x axis 0 : tensor<4xi32>
  return
}

// -----

func.func @layer_norm_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.layer_norm' op C1: axis -1 is outside the rank, which is 1}}
  %0 = graph.layer_norm %x axis -1 epsilon 0.0 : tensor<4xf32>
  return
}

// -----

func.func @layer_norm_c2(%x: tensor<2x4xf32>, %s: tensor<2x1xf32>) {
  // expected-error @+1 {{'graph.layer_norm' op C2: [2, 1] doesn't broadcast to the dims from the axis on, [4]}}
  %0 = graph.layer_norm %x scale %s axis 1 epsilon 0.0 : tensor<2x4xf32>, tensor<2x1xf32>
  return
}

// -----

func.func @rms_norm_c3(%x: tensor<2x4xf32>, %s: tensor<4xf16>) {
  // expected-error @+1 {{'graph.rms_norm' op C3: expected one element type, found f32 and f16}}
  %0 = graph.rms_norm %x scale %s axis 1 epsilon 0.0 : tensor<2x4xf32>, tensor<4xf16>
  return
}

// -----

func.func @batch_norm_c1(%x: tensor<2x4xf32>, %s: tensor<4xf32>) {
  // expected-error @+1 {{'graph.batch_norm' op C1: axis 2 is outside the rank, which is 2}}
  %0 = graph.batch_norm %x, %s, %s, %s, %s axis 2 epsilon 0.0 : tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  return
}

// -----

func.func @batch_norm_c2(%x: tensor<2x4xf32>, %s: tensor<4xf32>, %t: tensor<3xf32>) {
  // expected-error @+1 {{'graph.batch_norm' op C2: expected one value for each of 4 channels, found [3]}}
  %0 = graph.batch_norm %x, %s, %s, %s, %t axis 1 epsilon 0.0 : tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<3xf32>
  return
}

// -----

func.func @batch_norm_c3(%x: tensor<2x4xi32>, %s: tensor<4xi32>) {
  // expected-error @+1 {{'graph.batch_norm' op C3: expected a floating point element type, found i32}}
  %0 = graph.batch_norm %x, %s, %s, %s, %s axis 1 epsilon 0.0 : tensor<2x4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>
  return
}

// -----

func.func @group_norm_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.group_norm' op C1: expected a rank of at least 2, found 1}}
  %0 = graph.group_norm %x, %x, %x groups 2 epsilon 0.0 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  return
}

// -----

func.func @group_norm_c2(%x: tensor<1x4xf32>, %s: tensor<4xf32>) {
  // expected-error @+1 {{'graph.group_norm' op C2: 3 groups don't divide 4 channels}}
  %0 = graph.group_norm %x, %s, %s groups 3 epsilon 0.0 : tensor<1x4xf32>, tensor<4xf32>, tensor<4xf32>
  return
}

// -----

func.func @group_norm_c3(%x: tensor<1x4xf32>, %s: tensor<2xf32>) {
  // expected-error @+1 {{'graph.group_norm' op C3: expected one value for each of 4 channels, found [2]}}
  %0 = graph.group_norm %x, %s, %s groups 2 epsilon 0.0 : tensor<1x4xf32>, tensor<2xf32>, tensor<2xf32>
  return
}

// -----

func.func @group_norm_c4(%x: tensor<1x4xf32>, %s: tensor<4xf16>) {
  // expected-error @+1 {{'graph.group_norm' op C4: expected one element type, found f32 and f16}}
  %0 = graph.group_norm %x, %s, %s groups 2 epsilon 0.0 : tensor<1x4xf32>, tensor<4xf16>, tensor<4xf16>
  return
}

// -----

func.func @gelu_c1(%x: tensor<4xi32>) {
  // expected-error @+1 {{'graph.gelu' op C1: expected a floating point element type, found i32}}
  %0 = graph.gelu %x : tensor<4xi32>
  return
}

// -----

func.func @attention_c1(%q: tensor<4x8xf32>) {
  // expected-error @+1 {{'graph.attention' op C1: expected k_layout to be a permutation of 'td', found 'gd'}}
  %0 = graph.attention %q, %q, %q {q_layout = "sd", k_layout = "gd", v_layout = "te", y_layout = "se", scale = 1.0}
    : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>
  return
}

// -----

func.func @attention_c2(%q: tensor<4x8xf32>, %k: tensor<4x9xf32>) {
  // expected-error @+1 {{'graph.attention' op C2: dim 'd' is 8 and 9}}
  %0 = graph.attention %q, %k, %k {q_layout = "sd", k_layout = "td", v_layout = "te", y_layout = "se", scale = 1.0}
    : tensor<4x8xf32>, tensor<4x9xf32>, tensor<4x9xf32>
  return
}

// -----

func.func @attention_c2_heads(%q: tensor<3x4x8xf32>, %k: tensor<2x4x8xf32>) {
  // expected-error @+1 {{'graph.attention' op C2: 2 key heads don't divide 3 query heads}}
  %0 = graph.attention %q, %k, %k {q_layout = "hsd", k_layout = "gtd", v_layout = "gte", y_layout = "hse", scale = 1.0}
    : tensor<3x4x8xf32>, tensor<2x4x8xf32>, tensor<2x4x8xf32>
  return
}

// -----

func.func @attention_c2_mask(%q: tensor<4x8xf32>, %m: tensor<2x4x4xf32>) {
  // expected-error @+1 {{'graph.attention' op C2: the mask [2, 4, 4] doesn't broadcast to the scores [4, 4]}}
  %0 = graph.attention %q, %q, %q mask %m {q_layout = "sd", k_layout = "td", v_layout = "te", y_layout = "se", scale = 1.0}
    : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<2x4x4xf32>
  return
}

// -----

func.func @attention_c3(%q: tensor<4x8xf32>, %m: tensor<4x4xi64>) {
  // expected-error @+1 {{'graph.attention' op C3: expected a mask of i1 or f32, found i64}}
  %0 = graph.attention %q, %q, %q mask %m {q_layout = "sd", k_layout = "td", v_layout = "te", y_layout = "se", scale = 1.0}
    : tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x8xf32>, tensor<4x4xi64>
  return
}
