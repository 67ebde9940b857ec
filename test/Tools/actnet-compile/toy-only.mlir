// RUN: rm -rf %t && mkdir %t
// RUN: env ACTNET_CACHE=%t/cache actnet-compile %s --target=toy -o %t/model
// RUN: not %t/model 2>&1 | FileCheck %s
// RUN: not %t/model --device=host 2>&1 | FileCheck %s
// RUN: %t/model --device=toy --input 1 | FileCheck %s --check-prefix=TOY

// The software GPU is not chosen by itself: what lacks all else says how.
// CHECK: device host: the program has no code for it, only for toy; compile it with --target=host, or run it with --device=toy
// TOY: y: f32 [4], min 2
func.func @main(%x: tensor<4xf32> {graph.name = "x"}) -> (tensor<4xf32> {graph.name = "y"}) {
  %0 = graph.add %x, %x : tensor<4xf32>, tensor<4xf32>
  return %0 : tensor<4xf32>
}
