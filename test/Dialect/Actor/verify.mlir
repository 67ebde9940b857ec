// RUN: actnet-opt %s --actor-verify | FileCheck %s

// What the verifier of the records takes: pieces that are whole together, a
// result over an operand, an operand beside a result in the same rows.

module attributes {graph.dims = {M = array<i64: 0, -1>, N = array<i64: 1, 8>}} {
  kernel.func @relu(%x: tensor<?x16xf32> {kernel.dims = #graph.dims<d0, 16>}, %d0: index)
      -> (tensor<?x16xf32> {kernel.dims = #graph.dims<d0, 16>})
      attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0>, tiles = #graph.expr<d0 ceildiv 4>, scratch = 0 : i64,
        schedule = {chunk = 0 : i64, groups = [array<i64: 0>, array<i64: 1>], outer = 1 : i64, reduce_lanes = false,
                    reduced = [], rows = 4 : i64, transpose = -1 : i64}} {
    %e = tensor.empty(%d0) : tensor<?x16xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
           iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x16xf32>) outs(%e : tensor<?x16xf32>) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.addf %a, %a : f32
      linalg.yield %s : f32
    } -> tensor<?x16xf32>
    kernel.yield %y : tensor<?x16xf32>
  }

  // Reads the left half of rows of 32, writes the right one.
  kernel.func @half(%x: tensor<?x16xf32> {kernel.dims = #graph.dims<d0, 16>, kernel.strides = #graph.dims<32, 1>}, %d0: index)
      -> (tensor<?x16xf32> {kernel.dims = #graph.dims<d0, 16>, kernel.strides = #graph.dims<32, 1>})
      attributes {family = #kernel.family<map>, tiles = #graph.expr<d0 ceildiv 4>, scratch = 0 : i64,
        schedule = {chunk = 0 : i64, groups = [array<i64: 0>, array<i64: 1>], outer = 1 : i64, reduce_lanes = false,
                    reduced = [], rows = 4 : i64, transpose = -1 : i64}} {
    %e = tensor.empty(%d0) : tensor<?x16xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
           iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x16xf32>) outs(%e : tensor<?x16xf32>) {
    ^bb0(%a: f32, %o: f32):
      linalg.yield %a : f32
    } -> tensor<?x16xf32>
    kernel.yield %y : tensor<?x16xf32>
  }

  // Writes the left half.
  kernel.func @left(%x: tensor<?x16xf32> {kernel.dims = #graph.dims<d0, 16>}, %d0: index)
      -> (tensor<?x16xf32> {kernel.dims = #graph.dims<d0, 16>, kernel.strides = #graph.dims<32, 1>})
      attributes {family = #kernel.family<map>, tiles = #graph.expr<d0 ceildiv 4>, scratch = 0 : i64,
        schedule = {chunk = 0 : i64, groups = [array<i64: 0>, array<i64: 1>], outer = 1 : i64, reduce_lanes = false,
                    reduced = [], rows = 4 : i64, transpose = -1 : i64}} {
    %e = tensor.empty(%d0) : tensor<?x16xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
           iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x16xf32>) outs(%e : tensor<?x16xf32>) {
    ^bb0(%a: f32, %o: f32):
      linalg.yield %a : f32
    } -> tensor<?x16xf32>
    kernel.yield %y : tensor<?x16xf32>
  }

  // CHECK-LABEL: actor.func @pieces
  actor.func @pieces inputs [#actor.tensor<"x", tensor<?x16xf32, #graph.dims<N, 16>>>]
                     outputs [#actor.tensor<"y", tensor<?x32xf32, #graph.dims<N, 32>>>] {
    %x = actor.buffer input 0 size <N * 64>
    %y = actor.buffer output 0 size <N * 128>
    %s = actor.buffer scratch size <N * 64> {name = "s"}
    %over = actor.view %s offset <0> size <N * 64>
    %a = actor.view %y offset <0> size <N * 128 - 64>
    %b = actor.view %y offset <64> size <N * 128 - 64>
    actor.launch @relu(%x, %s) dims [#graph.expr<N>] tiles <N ceildiv 4>
    actor.launch @relu(%s, %over) dims [#graph.expr<N>] tiles <N ceildiv 4>
    actor.launch @left(%over, %a) dims [#graph.expr<N>] tiles <N ceildiv 4>
    actor.launch @half(%a, %b) dims [#graph.expr<N>] tiles <N ceildiv 4>
    actor.reply
  }

  // Two pieces one behind the other, of a dim without an upper bound; written
  // on another stream and awaited.
  // CHECK-LABEL: actor.func @streams
  actor.func @streams inputs [#actor.tensor<"x", tensor<?x16xf32, #graph.dims<M, 16>>>]
                      outputs [#actor.tensor<"y", tensor<?x32xf32, #graph.dims<M, 32>>>] {
    %x = actor.buffer input 0 size <M * 64>
    %y = actor.buffer output 0 size <M * 128>
    %s = actor.buffer scratch size <M * 128> {name = "s"}
    %a = actor.view %s offset <0> size <M * 64>
    %b = actor.view %s offset <M * 64> size <M * 64>
    actor.launch @relu(%x, %a) dims [#graph.expr<M>] tiles <M ceildiv 4> {stream = 1 : i32}
    %done = actor.signal {stream = 1 : i32}
    actor.fill %b with 0 bytes <M * 64>
    actor.await %done
    actor.copy %s to %y bytes <M * 128>
    actor.reply
  }

  // Both blocks of a branch write, and a loop runs at least once.
  // CHECK-LABEL: actor.func @control
  actor.func @control inputs [#actor.tensor<"c", tensor<i1>>]
                      outputs [#actor.tensor<"y", tensor<16xf32>>, #actor.tensor<"z", tensor<16xf32>>] {
    %c = actor.buffer input 0 size <1>
    %y = actor.buffer output 0 size <64>
    %z = actor.buffer output 1 size <64>
    actor.branch %c : i1 {
      actor.fill %y with 0 bytes <64>
    }, {
      actor.fill %y with 1 bytes <64>
    }
    actor.loop trips <N> {
      actor.copy %y to %z bytes <64>
    }
    actor.reply
  }
}
