// RUN: actnet-opt %s | actnet-opt | FileCheck %s

module attributes {graph.dims = {N = array<i64: 1, 64>}} {
  func.func private @w0() -> tensor<64xf32> attributes {graph.recipe} {
    %0 = graph.constant dense<1.0> : tensor<64xf32>
    return %0 : tensor<64xf32>
  }
  kernel.func @add(%x: tensor<?x64xf32> {kernel.dims = #graph.dims<d0, 64>}, %w: tensor<64xf32>, %d0: index)
      -> (tensor<?x64xf32> {kernel.dims = #graph.dims<d0, 64>})
      attributes {family = #kernel.family<map>, tiles = #graph.expr<d0>} {
    %e = tensor.empty(%d0) : tensor<?x64xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
           iterator_types = ["parallel", "parallel"]} ins(%x, %w : tensor<?x64xf32>, tensor<64xf32>) outs(%e : tensor<?x64xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %s = arith.addf %a, %b : f32
      linalg.yield %s : f32
    } -> tensor<?x64xf32>
    kernel.yield %y : tensor<?x64xf32>
  }

  // CHECK: actor.variable @state : tensor<64xf32> initial @w0
  actor.variable @state : tensor<64xf32> initial @w0
  // CHECK: actor.variable @planned : tensor<64xf32> offset 256 {name = "state.planned"}
  actor.variable @planned : tensor<64xf32> offset 256 {name = "state.planned"}

  // CHECK-LABEL: actor.func @main inputs [#actor.tensor<"x", tensor<?x64xf32, #graph.dims<N, 64>>>]
  // CHECK-SAME: outputs [#actor.tensor<"y", tensor<?x64xf32, #graph.dims<N, 64>>>]
  actor.func @main inputs [#actor.tensor<"x", tensor<?x64xf32, #graph.dims<N, 64>>>]
                   outputs [#actor.tensor<"y", tensor<?x64xf32, #graph.dims<N, 64>>>] {
    // CHECK: %[[X:.+]] = actor.buffer input 0 size <N * 256>
    %x = actor.buffer input 0 size <N * 256>
    // CHECK: %[[Y:.+]] = actor.buffer output 0 size <N * 256>
    %y = actor.buffer output 0 size <N * 256>
    // CHECK: %[[W:.+]] = actor.buffer weight @w0 size <256>
    %w = actor.buffer weight @w0 size <256>
    // CHECK: actor.buffer state @state size <256>
    %s = actor.buffer state @state size <256>
    // CHECK: %[[T:.+]] = actor.buffer scratch size <N * 512> {name = "both"}
    %t = actor.buffer scratch size <N * 512> {name = "both"}
    // CHECK: %[[V:.+]] = actor.view %[[T]] offset <N * 256> size <N * 256>
    %v = actor.view %t offset <N * 256> size <N * 256>
    // CHECK: actor.launch @add(%[[X]], %[[W]], %[[V]]) dims [#graph.expr<N>] tiles <N> {layer = "bias"}
    actor.launch @add(%x, %w, %v) dims [#graph.expr<N>] tiles <N> {layer = "bias"}
    // CHECK: %[[S:.+]] = actor.signal
    %done = actor.signal
    // CHECK: actor.await %[[S]] {stream = 1 : i32}
    actor.await %done {stream = 1 : i32}
    // CHECK: actor.copy %[[V]] to %[[Y]] bytes <N * 256>
    actor.copy %v to %y bytes <N * 256>
    // CHECK: actor.fill %[[V]] with 0 bytes <N * 256> {width = 4 : i64}
    actor.fill %v with 0 bytes <N * 256> {width = 4 : i64}
    // CHECK: actor.call "blas" "gemm" ins(%[[X]], %[[W]]) outs(%[[Y]]) dims [#graph.expr<N>] {config = "algo=1"}
    actor.call "blas" "gemm" ins(%x, %w) outs(%y) dims [#graph.expr<N>] {config = "algo=1"}
    // CHECK: actor.reply
    actor.reply
  }

  // A loop around a branch around a loop.
  // CHECK-LABEL: actor.func @nested inputs [] outputs
  actor.func @nested inputs [] outputs [#actor.tensor<"y", tensor<64xf32>>] {
    %y = actor.buffer output 0 size <256>
    %c = actor.buffer scratch size <1>
    %i = actor.buffer scratch size <8>
    %h = actor.buffer scratch size <256>
    // CHECK: actor.loop trips <N + 1> while %{{.+}} counter %{{.+}} carried(%{{.+}}) {
    actor.loop trips <N + 1> while %c counter %i carried(%h) {
      // CHECK: actor.branch %{{.+}} : i1 {
      actor.branch %c : i1 {
        // CHECK: actor.loop trips <3> {
        actor.loop trips <3> {
          actor.copy %h to %y bytes <256>
        }
      // CHECK: }, {
      }, {
        actor.fill %h with 7 bytes <256>
      }
      // CHECK: actor.branch %{{.+}} : i64 {
      actor.branch %i : i64 {
      }, {
      }, {
        actor.copy %y to %h bytes <256>
      }
    }
    actor.reply
  }
}
