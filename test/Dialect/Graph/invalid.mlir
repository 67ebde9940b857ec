// RUN: actnet-opt %s --split-input-file --verify-diagnostics

// Each case breaks one numbered constraint of one op.

// expected-error @+1 {{graph.dims C1: expected 2 dims, one a dim of the tensor, found 1}}
func.func @dims_c1(%x: tensor<?x4xf32, #graph.dims<N>>) { return }

// -----

// expected-error @+1 {{graph.dims C2: dim 1 is 4 in the shape, but '5' in the encoding}}
func.func @dims_c2(%x: tensor<?x4xf32, #graph.dims<N, 5>>) { return }

// -----

// expected-error @+1 {{graph.dims C2: dim 0 is dynamic in the shape, but '3' in the encoding}}
func.func @dims_c2_dynamic(%x: tensor<?x4xf32, #graph.dims<3, 4>>) { return }

// -----

// expected-error @+1 {{expected a dim: a name, an integer or '('}}
func.func private @dims_syntax() attributes {a = #graph.expr<N + >}

// -----

func.func @constant_c2() {
  // expected-error @+1 {{'graph.constant' op C2: 'tensor<4xf32>' has 16 bytes, the weight has 15}}
  %0 = graph.constant weight<"m.onnx", 0, 15> : tensor<4xf32>
  return
}

// -----

func.func @constant_c1() {
  // expected-error @+1 {{'graph.constant' op C1: expected dense elements or a #graph.weight, found "x"}}
  %0 = "graph.constant"() {value = "x"} : () -> tensor<4xf32>
  return
}

// -----

func.func @constant_c1_type() {
  // expected-error @+1 {{'graph.constant' op C1: expected elements of 'tensor<4xf32>', found 'tensor<2xf32>'}}
  %0 = "graph.constant"() {value = dense<1.0> : tensor<2xf32>} : () -> tensor<4xf32>
  return
}

// -----

func.func @constant_c3() {
  // expected-error @+1 {{'graph.constant' op C3: expected a static result}}
  %0 = graph.constant weight<"m.onnx", 0, 16> : tensor<?xf32, #graph.dims<N>>
  return
}

// -----

func.func @dim_value_c1() {
  // expected-error @+1 {{'graph.dim_value' op C1: expected a result of tensor<2xi64> for 2 dims, found 'tensor<3xi64>'}}
  %0 = graph.dim_value <N, 4> : tensor<3xi64>
  return
}

// -----

func.func @no_name(%x: tensor<?xf32>) {
  // expected-error @+1 {{'graph.exp' op operand 0 has a dynamic dim without a name: tensor<?xf32>}}
  %0 = graph.exp %x : tensor<?xf32>
  return
}

// -----

func.func @unary_c2(%x: tensor<4xi32>) {
  // expected-error @+1 {{'graph.exp' op C2: expected a floating point element type, found i32}}
  %0 = graph.exp %x : tensor<4xi32>
  return
}

// -----

func.func @not_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.not' op C2: expected bool or integers, found f32}}
  %0 = graph.not %x : tensor<4xf32>
  return
}

// -----

func.func @unary_c1(%x: tensor<4xf32>) {
  // expected-error @+2 {{'graph.exp' op failed to infer returned types}}
  // expected-error @+1 {{'graph.exp' op inferred type(s) 'tensor<4xf32>' are incompatible with return type(s) of operation 'tensor<5xf32>'}}
  %0 = "graph.exp"(%x) : (tensor<4xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @binary_c1(%a: tensor<4xf32>, %b: tensor<4xi32>) {
  // expected-error @+1 {{'graph.add' op C1: expected one element type, found f32 and i32}}
  %0 = graph.add %a, %b : tensor<4xf32>, tensor<4xi32>
  return
}

// -----

func.func @binary_bool(%a: tensor<4xi1>) {
  // expected-error @+1 {{'graph.add' op C1: expected a number, found i1}}
  %0 = graph.add %a, %a : tensor<4xi1>, tensor<4xi1>
  return
}

// -----

func.func @binary_c2(%a: tensor<?xf32, #graph.dims<N>>, %b: tensor<?xf32, #graph.dims<S>>) {
  // expected-error @+1 {{'graph.mul' op C2: shapes [N] and [S] don't broadcast: N against S}}
  %0 = graph.mul %a, %b : tensor<?xf32, #graph.dims<N>>, tensor<?xf32, #graph.dims<S>>
  return
}

// -----

func.func @compare_c1(%a: tensor<4xf32>, %b: tensor<4xf16>) {
  // expected-error @+1 {{'graph.compare' op C1: expected one element type, found f32 and f16}}
  %0 = graph.compare eq %a, %b : tensor<4xf32>, tensor<4xf16>
  return
}

// -----

func.func @compare_c2(%a: tensor<4xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{'graph.compare' op C2: shapes [4] and [3] don't broadcast}}
  %0 = graph.compare eq %a, %b : tensor<4xf32>, tensor<3xf32>
  return
}

// -----

func.func @select_c1(%c: tensor<4xf32>) {
  // expected-error @+1 {{'graph.select' op C1: expected a condition of i1, found f32}}
  %0 = graph.select %c, %c, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  return
}

// -----

func.func @select_c2(%c: tensor<4xi1>, %a: tensor<4xf32>) {
  // expected-error @+1 {{'graph.select' op C2: expected one element type, found f32 and i1}}
  %0 = graph.select %c, %a, %c : tensor<4xi1>, tensor<4xf32>, tensor<4xi1>
  return
}

// -----

func.func @select_c3(%c: tensor<4xi1>, %a: tensor<3xf32>) {
  // expected-error @+1 {{'graph.select' op C3: shapes [4] and [3] and [3] don't broadcast}}
  %0 = graph.select %c, %a, %a : tensor<4xi1>, tensor<3xf32>, tensor<3xf32>
  return
}

// -----

func.func @clamp_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.clamp' op C1: expected lo <= hi, found 6.000000 and 0.000000}}
  %0 = graph.clamp %x {lo = 6.0, hi = 0.0} : tensor<4xf32>
  return
}

// -----

func.func @clamp_missing(%x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.clamp' op requires attribute 'hi'}}
  %0 = graph.clamp %x {lo = 6.0} : tensor<4xf32>
  return
}

// -----

func.func @cast_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{'graph.cast' op C1: expected one shape, found 'tensor<4xf32>' and 'tensor<5xi32>'}}
  %0 = graph.cast %x : tensor<4xf32> to tensor<5xi32>
  return
}

// -----

func.func @reduce_c1(%x: tensor<4x4xf32>) {
  // expected-error @+1 {{'graph.reduce' op C1: expected distinct, sorted dims within rank 2, found 0 after 1}}
  %0 = graph.reduce sum %x dims [1, 0] : tensor<4x4xf32>
  return
}

// -----

func.func @reduce_c1_rank(%x: tensor<4x4xf32>) {
  // expected-error @+1 {{'graph.reduce' op C1: expected distinct, sorted dims within rank 2, found 2}}
  %0 = graph.reduce sum %x dims [2] : tensor<4x4xf32>
  return
}

// -----

func.func @reduce_c2(%x: tensor<4x4xf32>) {
  // expected-error @+1 {{'graph.reduce' op C2: any expects i1, found f32}}
  %0 = graph.reduce any %x dims [0] : tensor<4x4xf32>
  return
}

// -----

func.func @reduce_c2_mean(%x: tensor<4x4xi32>) {
  // expected-error @+1 {{'graph.reduce' op C2: expected a floating point element type, found i32}}
  %0 = graph.reduce mean %x dims [0] : tensor<4x4xi32>
  return
}
