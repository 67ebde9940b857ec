// RUN: actnet-opt %s --kernel-to-actor -split-input-file -verify-diagnostics

  kernel.func @neg(%x: tensor<16xf32>) -> (tensor<16xf32>)
      attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0>, schedule = {}} {
    %e = tensor.empty() : tensor<16xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
           iterator_types = ["parallel"]} ins(%x : tensor<16xf32>) outs(%e : tensor<16xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = arith.negf %a : f32
      linalg.yield %m : f32
    } -> tensor<16xf32>
    kernel.yield %y : tensor<16xf32>
  }

func.func @f(%x: tensor<16xf32>) -> tensor<16xf32> {
  // expected-error@+1 {{@neg has no `tiles`; run `kernel-schedule-host` first}}
  %0 = kernel.dispatch @neg(%x) : (tensor<16xf32>) -> tensor<16xf32>
  return %0 : tensor<16xf32>
}

// -----

  kernel.func @neg(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>)
      attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0>, tiles = #graph.expr<1>} {
    %e = tensor.empty() : tensor<4x8xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
           iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = arith.negf %a : f32
      linalg.yield %m : f32
    } -> tensor<4x8xf32>
    kernel.yield %y : tensor<4x8xf32>
  }

func.func @f(%x: tensor<4x16xf32>) -> tensor<4x8xf32> {
  %0 = kernel.slice %x starts <0, 8> : tensor<4x16xf32> to tensor<4x8xf32>
  // expected-error@+1 {{operand 0 lies with strides (16, 1), but @neg is made for (8, 1)}}
  %1 = kernel.dispatch @neg(%0) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// -----

  kernel.func @neg(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>)
      attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0>, tiles = #graph.expr<1>} {
    %e = tensor.empty() : tensor<4x8xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
           iterator_types = ["parallel", "parallel"]} ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = arith.negf %a : f32
      linalg.yield %m : f32
    } -> tensor<4x8xf32>
    kernel.yield %y : tensor<4x8xf32>
  }

func.func @f(%x: tensor<4x8xf32>) -> tensor<4x16xf32> {
  // expected-error@+1 {{result 0 lies with strides (16, 1), but @neg is made for (8, 1)}}
  %0 = kernel.dispatch @neg(%x) : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = kernel.concat %0, %x axis 1 : tensor<4x8xf32>, tensor<4x8xf32> to tensor<4x16xf32>
  return %1 : tensor<4x16xf32>
}

// -----

func.func @f(%x: tensor<4x8xf32>) -> tensor<4x16xf32> {
  // expected-error@+1 {{operand 0 is no dispatch's result, or is a part of another concat, and cannot be copied in one piece}}
  %0 = kernel.concat %x, %x axis 1 : tensor<4x8xf32>, tensor<4x8xf32> to tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}

// -----

func.func @f(%x: tensor<4x16xf32>) -> tensor<32xf32> {
  %0 = kernel.slice %x starts <0, 8> : tensor<4x16xf32> to tensor<4x8xf32>
  // expected-error@+1 {{views a tensor whose elements no strides put into these dims}}
  %1 = kernel.view %0 : tensor<4x8xf32> to tensor<32xf32>
  return %1 : tensor<32xf32>
}

// -----

// expected-error@+1 {{result 0 is not dense}}
func.func @f(%x: tensor<4x16xf32>) -> tensor<4x8xf32> {
  %0 = kernel.slice %x starts <0, 8> : tensor<4x16xf32> to tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = graph.neg %x : tensor<4xf32> // expected-error {{is no operation of the kernel level}}
  return %0 : tensor<4xf32>
}

// -----

func.func @f(%a: tensor<4xf32> {graph.variable = "a"}) -> (tensor<4xf32> {graph.tied = 0 : i64}) {
  return %a : tensor<4xf32>
}
// expected-error@+1 {{variable 'a' is 'tensor<8xf32>' here and 'tensor<4xf32>' in another function}}
func.func @g(%a: tensor<8xf32> {graph.variable = "a"}) -> (tensor<8xf32> {graph.tied = 0 : i64}) {
  return %a : tensor<8xf32>
}

// -----

// expected-error@+1 {{result 0 is tied to no variable}}
func.func @f(%x: tensor<4xf32>) -> (tensor<4xf32> {graph.tied = 0 : i64}) {
  return %x : tensor<4xf32>
}
