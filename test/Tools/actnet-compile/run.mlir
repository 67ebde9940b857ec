// From text of the kernel level to a program that runs, with a dynamic dim, a
// weight made by a recipe, a concat, and a variable in a second function.

// RUN: rm -rf %t && mkdir %t
// RUN: actnet-compile %s -o %t/model
// RUN: %t/model --info | FileCheck %s --check-prefix=INFO
// RUN: not %t/model --device=cuda 2>&1 | FileCheck %s --check-prefix=CUDA
// CUDA: device cuda: the program has no code for it, only for x86-64-v4, x86-64-v3; compile it with --target=cuda:sm_80
// INFO: model 'tiny'
// INFO: host code: {{.*}}x86-64-v3
// INFO: dim N = 1..8
// INFO: function 'main'
// INFO-NEXT: input 'x': f32 [N, 4]
// INFO-NEXT: output 'y': f32 [N, 4]
// INFO-NEXT: output 'z': f32 [N * 2, 4]

// y = max(x - [0, 1, 2, 3], 0), z = y above x.
// RUN: %t/model --function=main --isa=x86-64-v3 --dim N=2 --input x=2 | FileCheck %s --check-prefix=RESULT
// RUN: %t/model --function=main --isa=x86-64-v3 --dim N=2 --input x=2 --step | FileCheck %s --check-prefix=RESULT
// RESULT: y: f32 [2, 4], min 0, max 2, mean 0.75, first 2 1 0 0 2 1
// RESULT: z: f32 [4, 4], min 0, max 2, mean 1.375

// Same outputs from a package, and from text of every level below.
// RUN: actnet-compile %s --emit=package -o %t/model.actnet
// RUN: actnet-run %t/model.actnet --function=main --isa=x86-64-v3 --dim N=2 --input x=2 | FileCheck %s --check-prefix=RESULT
// RUN: actnet-compile %s --emit=kernel -o %t/kernel.mlir
// RUN: actnet-compile %t/kernel.mlir --emit=actor -o %t/actor.mlir
// RUN: FileCheck %s --check-prefix=ACTOR < %t/actor.mlir
// RUN: actnet-compile %t/actor.mlir -o %t/again --target=host:x86-64-v3
// RUN: %t/again --function=main --dim N=2 --input x=2 | FileCheck %s --check-prefix=RESULT
// ACTOR: actor.variable @count : tensor<4xf32> offset 0
// ACTOR: actor.func @main
// ACTOR-SAME: memory <peak = {{[0-9]+}}, bound = {{[0-9]+}}, slot = {{[0-9]+}}>

// RUN: actnet-compile %s --emit=llvm --target=host:x86-64-v3 | FileCheck %s --check-prefix=LLVM
// RUN: actnet-compile %s --emit=llvm | FileCheck %s --check-prefix=BEST
// LLVM: target triple = "x86_64-unknown-linux-gnu"
// LLVM: define {{.*}}void @sub_relu(ptr
// LLVM: fadd {{.*}}<8 x float>
// LLVM: "target-cpu"="x86-64-v3"
// BEST: "target-cpu"="x86-64-v4"

module @tiny attributes {graph.dims = {N = array<i64: 1, 8>}} {
  func.func private @bias() -> tensor<4xf32> attributes {graph.recipe} {
    %0 = graph.constant dense<[0.0, 1.0, 2.0, 3.0]> : tensor<4xf32>
    %1 = graph.neg %0 : tensor<4xf32>
    return %1 : tensor<4xf32>
  }
  kernel.func @sub_relu(%x: tensor<?x4xf32> {kernel.dims = #graph.dims<d0, 4>}, %w: tensor<4xf32>, %d0: index)
      -> (tensor<?x4xf32> {kernel.dims = #graph.dims<d0, 4>})
      attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0>} {
    %c0 = arith.constant 0.0 : f32
    %e = tensor.empty(%d0) : tensor<?x4xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
           iterator_types = ["parallel", "parallel"]} ins(%x, %w : tensor<?x4xf32>, tensor<4xf32>) outs(%e : tensor<?x4xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %s = arith.addf %a, %b : f32
      %m = arith.maximumf %s, %c0 : f32
      linalg.yield %m : f32
    } -> tensor<?x4xf32>
    kernel.yield %y : tensor<?x4xf32>
  }
  kernel.func @increment(%x: tensor<4xf32>) -> tensor<4xf32>
      attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0>} {
    %c1 = arith.constant 1.0 : f32
    %e = tensor.empty() : tensor<4xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
           iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.addf %a, %c1 : f32
      linalg.yield %s : f32
    } -> tensor<4xf32>
    kernel.yield %y : tensor<4xf32>
  }
  func.func @main(%x: tensor<?x4xf32, #graph.dims<N, 4>> {graph.name = "x"})
      -> (tensor<?x4xf32, #graph.dims<N, 4>> {graph.name = "y"}, tensor<?x4xf32, #graph.dims<2 * N, 4>> {graph.name = "z"}) {
    %b = kernel.weight @bias : tensor<4xf32>
    %0 = kernel.dispatch @sub_relu(%x, %b) dims [#graph.expr<N>] {layer = "relu"}
       : (tensor<?x4xf32, #graph.dims<N, 4>>, tensor<4xf32>) -> tensor<?x4xf32, #graph.dims<N, 4>>
    %1 = kernel.concat %0, %x axis 0 : tensor<?x4xf32, #graph.dims<N, 4>>, tensor<?x4xf32, #graph.dims<N, 4>>
       to tensor<?x4xf32, #graph.dims<2 * N, 4>>
    return %0, %1 : tensor<?x4xf32, #graph.dims<N, 4>>, tensor<?x4xf32, #graph.dims<2 * N, 4>>
  }
  func.func @step(%c: tensor<4xf32> {graph.variable = "count"})
      -> (tensor<4xf32> {graph.tied = 0 : i64}, tensor<4xf32> {graph.name = "count"}) {
    %0 = kernel.dispatch @increment(%c) : (tensor<4xf32>) -> tensor<4xf32>
    return %0, %0 : tensor<4xf32>, tensor<4xf32>
  }
}
