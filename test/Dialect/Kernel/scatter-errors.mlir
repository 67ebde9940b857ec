// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: actnet-opt %s -split-input-file -verify-diagnostics

kernel.func @c1(%i: tensor<4xi64>, %u: tensor<2x4x8xf32>, %x: tensor<1x100x8xf32>) -> tensor<1x100x8xf32> attributes {family = #kernel.family<scatter>} {
  // expected-error@+1 {{C1: updates 'tensor<2x4x8xf32>' and data 'tensor<1x100x8xf32>' must have three dims, that in the middle alone of different extents}}
  %y = kernel.scatter ins(%i, %u) outs(%x) {
  ^bb0(%old: f32, %new: f32):
    kernel.yield %new : f32
  } : tensor<4xi64>, tensor<2x4x8xf32>, tensor<1x100x8xf32>
  kernel.yield %y : tensor<1x100x8xf32>
}

// -----

kernel.func @c2_type(%i: tensor<4xi8>, %u: tensor<1x4x8xf32>, %x: tensor<1x100x8xf32>) -> tensor<1x100x8xf32> attributes {family = #kernel.family<scatter>} {
  // expected-error@+1 {{C2: indices must be i32 or i64, found 'i8'}}
  %y = kernel.scatter ins(%i, %u) outs(%x) {
  ^bb0(%old: f32, %new: f32):
    kernel.yield %new : f32
  } : tensor<4xi8>, tensor<1x4x8xf32>, tensor<1x100x8xf32>
  kernel.yield %y : tensor<1x100x8xf32>
}

// -----

kernel.func @c2_dims(%i: tensor<5xi64>, %u: tensor<1x4x8xf32>, %x: tensor<1x100x8xf32>) -> tensor<1x100x8xf32> attributes {family = #kernel.family<scatter>} {
  // expected-error@+1 {{C2: indices 'tensor<5xi64>' must have the dims of updates, or the middle one}}
  %y = kernel.scatter ins(%i, %u) outs(%x) {
  ^bb0(%old: f32, %new: f32):
    kernel.yield %new : f32
  } : tensor<5xi64>, tensor<1x4x8xf32>, tensor<1x100x8xf32>
  kernel.yield %y : tensor<1x100x8xf32>
}

// -----

kernel.func @c3_arguments(%i: tensor<4xi64>, %u: tensor<1x4x8xf32>, %x: tensor<1x100x8xf32>) -> tensor<1x100x8xf32> attributes {family = #kernel.family<scatter>} {
  // expected-error@+1 {{C3: the region must take two values of 'f32'}}
  %y = kernel.scatter ins(%i, %u) outs(%x) {
  ^bb0(%new: f32):
    kernel.yield %new : f32
  } : tensor<4xi64>, tensor<1x4x8xf32>, tensor<1x100x8xf32>
  kernel.yield %y : tensor<1x100x8xf32>
}

// -----

kernel.func @c3_yield(%i: tensor<4xi64>, %u: tensor<1x4x8xf32>, %x: tensor<1x100x8xf32>) -> tensor<1x100x8xf32> attributes {family = #kernel.family<scatter>} {
  // expected-error@+1 {{C3: the region must yield one value of 'f32'}}
  %y = kernel.scatter ins(%i, %u) outs(%x) {
  ^bb0(%old: f32, %new: f32):
    kernel.yield %old, %new : f32, f32
  } : tensor<4xi64>, tensor<1x4x8xf32>, tensor<1x100x8xf32>
  kernel.yield %y : tensor<1x100x8xf32>
}

// -----

// expected-error@+1 {{family scatter takes one kernel.scatter of the kernel's operands, whose result is the kernel's}}
kernel.func @family(%x: tensor<1x100x8xf32>) -> tensor<1x100x8xf32> attributes {family = #kernel.family<scatter>} {
  kernel.yield %x : tensor<1x100x8xf32>
}

// -----

kernel.func @place(%i: tensor<4xi64>, %u: tensor<1x4x8xf32>, %x: tensor<1x100x8xf32>) -> tensor<1x100x8xf32> attributes {family = #kernel.family<map>} {
  // expected-error@+1 {{has no place in the body of a kernel of family map}}
  %y = kernel.scatter ins(%i, %u) outs(%x) {
  ^bb0(%old: f32, %new: f32):
    kernel.yield %new : f32
  } : tensor<4xi64>, tensor<1x4x8xf32>, tensor<1x100x8xf32>
  kernel.yield %y : tensor<1x100x8xf32>
}
