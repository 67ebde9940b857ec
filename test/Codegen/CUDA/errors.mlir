// RUN: actnet-opt %s -split-input-file -kernel-emit-cuda -verify-diagnostics

// expected-error@+1 {{the CUDA code generator does not print kernels of family reduce}}
kernel.func @other(%x: tensor<4x8xf32>) -> tensor<4xf32> attributes {family = #kernel.family<reduce>} {
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %f = linalg.fill ins(%c0 : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
         iterator_types = ["parallel", "reduction"]} ins(%x : tensor<4x8xf32>) outs(%f : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  kernel.yield %y : tensor<4xf32>
}

// -----

// expected-error@+1 {{the CUDA code generator does not know elements of type 'f64'; it knows bool, i8 to i64, f16, bf16 and f32}}
kernel.func @wide(%x: tensor<4xf64>) -> tensor<4xf64> attributes {family = #kernel.family<map>} {
  kernel.yield %x : tensor<4xf64>
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

kernel.func @two_ops(%x: tensor<4x8xf32>) -> tensor<4xf32> attributes {family = #kernel.family<row>} {
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %f = linalg.fill ins(%c0 : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  // expected-error@+1 {{reduces rows by add, mul, maximum, minimum, and, or, xor only}}
  %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
         iterator_types = ["parallel", "reduction"]} ins(%x : tensor<4x8xf32>) outs(%f : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %d = arith.mulf %o, %a : f32
    %s = arith.addf %d, %a : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  kernel.yield %y : tensor<4xf32>
}
