// RUN: actnet-opt %s --graph-layout --graph-to-kernel=target=cuda | FileCheck %s --check-prefix=CUDA
// RUN: actnet-opt %s --graph-layout --graph-to-kernel | FileCheck %s --check-prefix=HOST

// Elementwise work in front of a product: cuda's kernel computes it as it reads
// its left operand, the host's reads memory. What the product before it can do
// as its last step stays there.
// CUDA-LABEL: func.func @prologue
// CUDA:         kernel.dispatch @contract_clamp
// CUDA-NEXT:    kernel.dispatch @contract
// CUDA-NOT:     kernel.dispatch
// CUDA:         return
// HOST-LABEL: func.func @prologue
// HOST:         kernel.dispatch @map_clamp
// HOST:         kernel.dispatch @contract_clamp
// HOST-NEXT:    kernel.dispatch @contract
// HOST-NOT:     kernel.dispatch
// HOST:         return
func.func @prologue(%x: tensor<6x8xf32>) -> tensor<6x8xf32> {
  %w = graph.constant dense<0.5> : tensor<8x8xf32>
  %0 = graph.clamp %x {lo = 0.0 : f64, hi = 6.0 : f64} : tensor<6x8xf32>
  %1 = graph.einsum "mk,kn->mn" %0, %w : tensor<6x8xf32>, tensor<8x8xf32>
  %2 = graph.clamp %1 {lo = 0.0 : f64, hi = 6.0 : f64} : tensor<6x8xf32>
  %3 = graph.einsum "mk,kn->mn" %2, %w : tensor<6x8xf32>, tensor<8x8xf32>
  return %3 : tensor<6x8xf32>
}
