// RUN: actnet-opt %s -split-input-file -kernel-emit-cuda -verify-diagnostics

// expected-error@+1 {{the CUDA code generator does not know elements of type 'f8E5M2'; it knows bool, i8 to i64, f16, bf16, f32 and f64}}
kernel.func @narrow(%x: tensor<4xf8E5M2>) -> tensor<4xf8E5M2> attributes {family = #kernel.family<map>} {
  kernel.yield %x : tensor<4xf8E5M2>
}

// -----

// expected-error@+1 {{the CUDA code generator needs a name that is an identifier of C}}
kernel.func @"relu-1"(%x: tensor<4xf32>) -> tensor<4xf32> attributes {family = #kernel.family<map>} {
  kernel.yield %x : tensor<4xf32>
}

// -----

kernel.func @function(%x: tensor<4xf32>) -> tensor<4xf32> attributes {family = #kernel.family<map>} {
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
         ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    // expected-error@+1 {{the CUDA code generator does not print 'math.cbrt' in a body}}
    %m = math.cbrt %a : f32
    linalg.yield %m : f32
  } -> tensor<4xf32>
  kernel.yield %y : tensor<4xf32>
}

// -----

// expected-error@+1 {{needs results of the same dims in a map kernel that writes over its operands}}
kernel.func @over(%x: tensor<4xf32>, %z: tensor<8xf32>) -> (tensor<4xf32>, tensor<8xf32>)
    attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0>} {
  kernel.yield %x, %z : tensor<4xf32>, tensor<8xf32>
}
