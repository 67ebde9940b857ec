// RUN: actnet-opt %s --split-input-file --graph-to-kernel | FileCheck %s

// Values of constants alone leave the function. Two products by the same
// weight share its packed form: one recipe, one kernel.weight.
// CHECK-LABEL: func.func @shared
// CHECK-NEXT:    %[[W:.*]] = kernel.weight @[[R:[a-z_0-9]+]] : tensor<2x8x16xf32>
// CHECK-NEXT:    %[[A:.*]] = kernel.dispatch @[[K:[a-z_0-9]+]](%{{.*}}, %[[W]])
// CHECK-NEXT:    %[[B:.*]] = kernel.dispatch @[[K]](%{{.*}}, %[[W]])
// CHECK-NEXT:    return %[[A]], %[[B]]
// CHECK:       func.func private @[[R]]() -> tensor<2x8x16xf32> attributes {graph.recipe}
// CHECK-NEXT:    %[[C:.*]] = graph.constant weight<"m.bin", 64, 640>
// CHECK-NEXT:    %[[P:.*]] = graph.pack %[[C]] axis 1 tile 16
// CHECK-NEXT:    return %[[P]]
// CHECK-NOT:   graph.recipe
func.func @shared(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> (tensor<4x20xf32>, tensor<4x20xf32>) {
  %w = graph.constant weight<"m.bin", 64, 640> : tensor<8x20xf32>
  %0 = graph.einsum "mk,kn->mn" %x, %w : tensor<4x8xf32>, tensor<8x20xf32>
  %1 = graph.einsum "mk,kn->mn" %y, %w : tensor<4x8xf32>, tensor<8x20xf32>
  return %0, %1 : tensor<4x20xf32>, tensor<4x20xf32>
}

// -----

// Two functions share it as well; each has a kernel.weight of its own.
// CHECK-LABEL: func.func @first
// CHECK:         kernel.weight @[[R:[a-z_0-9]+]] :
// CHECK-LABEL: func.func @second
// CHECK:         kernel.weight @[[R]] :
// CHECK:       func.func private @[[R]]() {{.*}}graph.recipe
// CHECK-NOT:   graph.recipe
func.func @first(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %w = graph.constant weight<"m.bin", 64, 32> : tensor<8xf32>
  %n = graph.neg %w : tensor<8xf32>
  %0 = graph.add %x, %n : tensor<4x8xf32>, tensor<8xf32>
  return %0 : tensor<4x8xf32>
}
func.func @second(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %w = graph.constant weight<"m.bin", 64, 32> : tensor<8xf32>
  %n = graph.neg %w : tensor<8xf32>
  %0 = graph.mul %x, %n : tensor<2x8xf32>, tensor<8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

// A scalar goes into the body; a constant broadcast over a named dim has no
// fixed size, so the kernel broadcasts it.
// CHECK-LABEL: func.func @scalars
// CHECK-NEXT:    %[[W:.*]] = kernel.weight @{{.*}} : tensor<2xf32>
// CHECK-NEXT:    kernel.dispatch @{{.*}}(%[[W]], %{{.*}}) dims [#graph.expr<N>]
// CHECK:         arith.constant 2.5
func.func @scalars(%x: tensor<?x2xf32, #graph.dims<N, 2>>) -> tensor<?x2xf32, #graph.dims<N, 2>> {
  %c = graph.constant dense<2.5> : tensor<f32>
  %d = graph.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %b = graph.broadcast %d : tensor<2xf32> to tensor<?x2xf32, #graph.dims<N, 2>>
  %0 = graph.mul %x, %c : tensor<?x2xf32, #graph.dims<N, 2>>, tensor<f32>
  %1 = graph.add %0, %b : tensor<?x2xf32, #graph.dims<N, 2>>, tensor<?x2xf32, #graph.dims<N, 2>>
  return %1 : tensor<?x2xf32, #graph.dims<N, 2>>
}

// -----

// A function may be called as a recipe or a kernel would be.
// CHECK:       func.func @recipe_0
// CHECK:       func.func @map_add_1
// CHECK:         kernel.weight @recipe_{{[1-9]}}
// CHECK:         kernel.dispatch @map_add_2(
func.func @recipe_0(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = graph.neg %x : tensor<2xf32>
  return %0 : tensor<2xf32>
}
func.func @map_add_1(%x: tensor<2xf32>) -> tensor<2xf32> {
  %d = graph.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %0 = graph.add %x, %d : tensor<2xf32>, tensor<2xf32>
  return %0 : tensor<2xf32>
}
