// Dims of two inputs that the model says to be equal: a package, a job that keeps
// the promise, one that breaks it.
//
// RUN: actnet-compile %s --emit=package -o %t.actnet
// RUN: actnet-run %t.actnet --function=sum --dim M=2 --dim N=2 --input x=1 --input y=2 | FileCheck %s --check-prefix=SUM
// SUM: z: f32 [2, 4], min 3, max 3
// RUN: not actnet-run %t.actnet --function=sum --dim M=2 --dim N=3 2>&1 | FileCheck %s --check-prefix=BROKEN
// BROKEN: error: 'graph.assume': dim 0, M, is assumed to be N: expected 3, found 2; M = 2
// RUN: actnet-run %t.actnet --function=parts --dim M=3 --dim N=3 --input x=1 --input y=2 | FileCheck %s --check-prefix=PARTS
// PARTS: z: f32 [6, 4], min 1, max 4, mean 2.5
// RUN: actnet-run %t.actnet --function=four --dim M=4 --input x=5 | FileCheck %s --check-prefix=FOUR
// FOUR: z: f32 [4, 4], min 5, max 5
// RUN: not actnet-run %t.actnet --function=four --dim M=5 2>&1 | FileCheck %s --check-prefix=FIVE
// FIVE: error: 'graph.assume': dim 0, M, is assumed to be 4: expected 4, found 5; M = 5

module attributes {graph.dims = {M = array<i64: 1, 8>, N = array<i64: 1, 16>}} {
  func.func @sum(%x: tensor<?x4xf32, #graph.dims<M, 4>> {graph.name = "x"},
                 %y: tensor<?x4xf32, #graph.dims<N, 4>> {graph.name = "y"})
      -> (tensor<?x4xf32, #graph.dims<N, 4>> {graph.name = "z"}) {
    %0 = graph.assume %x : tensor<?x4xf32, #graph.dims<M, 4>> to tensor<?x4xf32, #graph.dims<N, 4>>
    %1 = graph.add %0, %y : tensor<?x4xf32, #graph.dims<N, 4>>, tensor<?x4xf32, #graph.dims<N, 4>>
    return %1 : tensor<?x4xf32, #graph.dims<N, 4>>
  }

  // Behind a kernel, before one, and into a concat.
  func.func @parts(%x: tensor<?x4xf32, #graph.dims<M, 4>> {graph.name = "x"},
                   %y: tensor<?x4xf32, #graph.dims<N, 4>> {graph.name = "y"})
      -> (tensor<?x4xf32, #graph.dims<2 * N, 4>> {graph.name = "z"}) {
    %0 = graph.abs %x : tensor<?x4xf32, #graph.dims<M, 4>>
    %1 = graph.assume %0 : tensor<?x4xf32, #graph.dims<M, 4>> to tensor<?x4xf32, #graph.dims<N, 4>>
    %2 = graph.mul %y, %y : tensor<?x4xf32, #graph.dims<N, 4>>, tensor<?x4xf32, #graph.dims<N, 4>>
    %3 = graph.concat %1, %2 axis 0 : tensor<?x4xf32, #graph.dims<N, 4>>, tensor<?x4xf32, #graph.dims<N, 4>>
    return %3 : tensor<?x4xf32, #graph.dims<2 * N, 4>>
  }

  func.func @four(%x: tensor<?x4xf32, #graph.dims<M, 4>> {graph.name = "x"}) -> (tensor<4x4xf32> {graph.name = "z"}) {
    %0 = graph.assume %x : tensor<?x4xf32, #graph.dims<M, 4>> to tensor<4x4xf32>
    %1 = graph.abs %0 : tensor<4x4xf32>
    return %1 : tensor<4x4xf32>
  }
}
