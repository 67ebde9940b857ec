// RUN: actnet-opt %s -kernel-split-reduction -verify-diagnostics

// Slices are cut by the extent of what is reduced, which must be known in terms
// of the kernel's dims.
kernel.func @unknown(%d0: index) -> tensor<f32> attributes {family = #kernel.family<reduce>} {
  %c = arith.constant 0.0 : f32
  // expected-error@+1 {{the CUDA code generator cannot tell what dim this value is}}
  %n = arith.xori %d0, %d0 : index
  %x = tensor.empty(%n) : tensor<?xf32>
  %e = tensor.empty() : tensor<f32>
  %f = linalg.fill ins(%c : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>],
         iterator_types = ["reduction"]} ins(%x : tensor<?xf32>) outs(%f : tensor<f32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  } -> tensor<f32>
  kernel.yield %y : tensor<f32>
}
