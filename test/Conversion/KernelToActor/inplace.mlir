// RUN: actnet-opt %s --kernel-to-actor | FileCheck %s

// Results take over operands' buffers where the kernel allows it and nothing
// reads the operand later.

module attributes {graph.dims = {N = array<i64: 1, 64>}} {
  // y = max(x, 0) elementwise; may run in place.
  kernel.func @relu(%x: tensor<?x16xf32> {kernel.dims = #graph.dims<d0, 16>}, %d0: index)
      -> (tensor<?x16xf32> {kernel.dims = #graph.dims<d0, 16>})
      attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0>, tiles = #graph.expr<(d0 + 3) floordiv 4>} {
    %c0 = arith.constant 0.0 : f32
    %e = tensor.empty(%d0) : tensor<?x16xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
           iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x16xf32>) outs(%e : tensor<?x16xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = arith.maximumf %a, %c0 : f32
      linalg.yield %m : f32
    } -> tensor<?x16xf32>
    kernel.yield %y : tensor<?x16xf32>
  }
  // y = a + b elementwise; may be written over either.
  kernel.func @add(%x: tensor<?x16xf32> {kernel.dims = #graph.dims<d0, 16>},
                   %z: tensor<?x16xf32> {kernel.dims = #graph.dims<d0, 16>}, %d0: index)
      -> (tensor<?x16xf32> {kernel.dims = #graph.dims<d0, 16>})
      attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0, 1, 0>, tiles = #graph.expr<1>} {
    %e = tensor.empty(%d0) : tensor<?x16xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
           iterator_types = ["parallel", "parallel"]} ins(%x, %z : tensor<?x16xf32>, tensor<?x16xf32>) outs(%e : tensor<?x16xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %m = arith.addf %a, %b : f32
      linalg.yield %m : f32
    } -> tensor<?x16xf32>
    kernel.yield %y : tensor<?x16xf32>
  }

  // A chain: the first result may not lie in the input; the others lie in it,
  // and all of it is the output.
  // CHECK-LABEL: actor.func @chain
  // CHECK-NEXT: %[[X:.+]] = actor.buffer input 0 size <N * 64>
  // CHECK-NEXT: %[[Y:.+]] = actor.buffer output 0 size <N * 64>
  // CHECK-NEXT: %[[V:.+]] = actor.view %[[Y]] offset <0> size <N * 64>
  // CHECK-NEXT: actor.launch @relu(%[[X]], %[[Y]]) dims [#graph.expr<N>] tiles <(N + 3) floordiv 4>
  // CHECK-NEXT: actor.launch @relu(%[[Y]], %[[V]])
  // CHECK-NEXT: actor.launch @relu(%[[V]], %[[V]])
  // CHECK-NEXT: actor.reply
  func.func @chain(%x: tensor<?x16xf32, #graph.dims<N, 16>> {graph.name = "x"}) -> (tensor<?x16xf32, #graph.dims<N, 16>> {graph.name = "y"}) {
    %0 = kernel.dispatch @relu(%x) dims [#graph.expr<N>] : (tensor<?x16xf32, #graph.dims<N, 16>>) -> tensor<?x16xf32, #graph.dims<N, 16>>
    %1 = kernel.dispatch @relu(%0) dims [#graph.expr<N>] : (tensor<?x16xf32, #graph.dims<N, 16>>) -> tensor<?x16xf32, #graph.dims<N, 16>>
    %2 = kernel.dispatch @relu(%1) dims [#graph.expr<N>] : (tensor<?x16xf32, #graph.dims<N, 16>>) -> tensor<?x16xf32, #graph.dims<N, 16>>
    return %2 : tensor<?x16xf32, #graph.dims<N, 16>>
  }

  // The skip connection is read later, so the second relu gets a buffer of its
  // own; the sum is written over it or over the skip.
  // CHECK-LABEL: actor.func @skip
  // CHECK-DAG: %[[X:.+]] = actor.buffer input 0
  // CHECK-DAG: %[[A:.+]] = actor.buffer output 0
  // CHECK-DAG: %[[B:.+]] = actor.buffer scratch size <N * 64>
  // CHECK-DAG: %[[V:.+]] = actor.view %[[A]] offset <0>
  // CHECK: actor.launch @relu(%[[X]], %[[A]])
  // CHECK: actor.launch @relu(%[[A]], %[[B]])
  // CHECK: actor.launch @add(%[[A]], %[[B]], %[[V]])
  func.func @skip(%x: tensor<?x16xf32, #graph.dims<N, 16>>) -> tensor<?x16xf32, #graph.dims<N, 16>> {
    %0 = kernel.dispatch @relu(%x) dims [#graph.expr<N>] : (tensor<?x16xf32, #graph.dims<N, 16>>) -> tensor<?x16xf32, #graph.dims<N, 16>>
    %1 = kernel.dispatch @relu(%0) dims [#graph.expr<N>] : (tensor<?x16xf32, #graph.dims<N, 16>>) -> tensor<?x16xf32, #graph.dims<N, 16>>
    %2 = kernel.dispatch @add(%0, %1) dims [#graph.expr<N>] : (tensor<?x16xf32, #graph.dims<N, 16>>, tensor<?x16xf32, #graph.dims<N, 16>>) -> tensor<?x16xf32, #graph.dims<N, 16>>
    return %2 : tensor<?x16xf32, #graph.dims<N, 16>>
  }

  // Both operands are the same bytes: the kernel would read what it wrote.
  // CHECK-LABEL: actor.func @twice
  // CHECK-DAG: %[[Y:.+]] = actor.buffer output 0
  // CHECK-DAG: %[[A:.+]] = actor.buffer scratch
  // CHECK: actor.launch @add(%[[A]], %[[A]], %[[Y]])
  func.func @twice(%x: tensor<?x16xf32, #graph.dims<N, 16>>) -> tensor<?x16xf32, #graph.dims<N, 16>> {
    %0 = kernel.dispatch @relu(%x) dims [#graph.expr<N>] : (tensor<?x16xf32, #graph.dims<N, 16>>) -> tensor<?x16xf32, #graph.dims<N, 16>>
    %1 = kernel.dispatch @add(%0, %0) dims [#graph.expr<N>] : (tensor<?x16xf32, #graph.dims<N, 16>>, tensor<?x16xf32, #graph.dims<N, 16>>) -> tensor<?x16xf32, #graph.dims<N, 16>>
    return %1 : tensor<?x16xf32, #graph.dims<N, 16>>
  }
}
