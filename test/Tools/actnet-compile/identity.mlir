// A function that only hands its input on has no kernels: nothing to compile for
// any device, and it runs on all of them.
//
// RUN: actnet-compile %s --target=host:x86-64-v3,toy -o %t
// RUN: %t --input x=3 | FileCheck %s
// RUN: %t --device=toy --input x=3 | FileCheck %s
// CHECK: y: f32 [2, 4], min 3, max 3

module attributes {graph.dims = {}} {
  func.func @main(%x: tensor<2x4xf32> {graph.name = "x"}) -> (tensor<2x4xf32> {graph.name = "y"}) {
    return %x : tensor<2x4xf32>
  }
}
