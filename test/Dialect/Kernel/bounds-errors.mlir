// RUN: actnet-opt %s -split-input-file -verify-diagnostics

// A packed operand has 16 columns; its last index may not run on.

#packed = affine_map<(n, k) -> (n floordiv 16, k, n mod 18)>
#id = affine_map<(n, k) -> (n, k)>
kernel.func @unpack(%x: tensor<2x4x16xf32>) -> tensor<32x4xf32> attributes {family = #kernel.family<map>} {
  %e = tensor.empty() : tensor<32x4xf32>
  // expected-error@+1 {{operand 0, index 2 of its map affine_map<(d0, d1) -> (d0 floordiv 16, d1, d0 mod 18)>: runs from 0 to 17, outside of 'tensor<2x4x16xf32>'}}
  %y = linalg.generic {indexing_maps = [#packed, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x4x16xf32>) outs(%e : tensor<32x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<32x4xf32>
  kernel.yield %y : tensor<32x4xf32>
}

// -----

// The same as it should be, and with a last panel that is not full.

#packed = affine_map<(n, k) -> (n floordiv 16, k, n mod 16)>
#id = affine_map<(n, k) -> (n, k)>
kernel.func @unpack(%x: tensor<2x4x16xf32>) -> tensor<20x4xf32> attributes {family = #kernel.family<map>} {
  %e = tensor.empty() : tensor<20x4xf32>
  %y = linalg.generic {indexing_maps = [#packed, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x4x16xf32>) outs(%e : tensor<20x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<20x4xf32>
  kernel.yield %y : tensor<20x4xf32>
}

// -----

// What stands for a dynamic width was written as one.

kernel.func @pad(%x: tensor<4x8xf32>) -> tensor<4x8xf32> attributes {family = #kernel.family<map>} {
  %c0 = arith.constant 0.0 : f32
  // expected-error@+1 {{high: -9223372036854775808 is no width of a padding}}
  %y = tensor.pad %x low[0, 0] high[-9223372036854775808, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %c0 : f32
  } : tensor<4x8xf32> to tensor<?x8xf32>
  %z = tensor.extract_slice %y[0, 0] [4, 8] [1, 1] : tensor<?x8xf32> to tensor<4x8xf32>
  kernel.yield %z : tensor<4x8xf32>
}

// -----

kernel.func @pad(%x: tensor<4x8xf32>) -> tensor<3x8xf32> attributes {family = #kernel.family<map>} {
  %c0 = arith.constant 0.0 : f32
  // expected-error@+1 {{high: expected a padding from 0 to 2147483647, found -1}}
  %y = tensor.pad %x low[0, 0] high[-1, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %c0 : f32
  } : tensor<4x8xf32> to tensor<3x8xf32>
  kernel.yield %y : tensor<3x8xf32>
}
