// Hand-written records with nested blocks, from text to a running program: the
// schema, the planner and the runtime handle loops and branches.

// RUN: actnet-opt %s --pass-pipeline='builtin.module(kernel.func(kernel-schedule-host))' -o %t.mlir
// RUN: actnet-compile %t.mlir -o %t --target=host:x86-64-v3
// y = x + 5, and twice that if the flag is set; the branch stands in a loop of
// N + 1 rounds, so it doubles as often.
// RUN: %t --input x=1 --input flag=0 --input n=@%S/Inputs/n1.npy | FileCheck %s --check-prefix=OFF
// RUN: %t --input x=1 --input flag=1 --input n=@%S/Inputs/n1.npy | FileCheck %s --check-prefix=ON
// RUN: %t --input x=1 --input flag=1 --input n=@%S/Inputs/n1.npy --step | FileCheck %s --check-prefix=ON
// OFF: y: f32 [4], min 6, max 6
// ON: y: f32 [4], min 24, max 24

module @nested attributes {graph.dims = {N = array<i64: 1, 4>}} {
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
  kernel.func @double(%x: tensor<4xf32>) -> tensor<4xf32>
      attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0>} {
    %e = tensor.empty() : tensor<4xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
           iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.addf %a, %a : f32
      linalg.yield %s : f32
    } -> tensor<4xf32>
    kernel.yield %y : tensor<4xf32>
  }
  actor.func @main inputs [#actor.tensor<"x", tensor<4xf32>>, #actor.tensor<"flag", tensor<i1>>,
                           #actor.tensor<"n", tensor<?xf32, #graph.dims<N>>>]
                   outputs [#actor.tensor<"y", tensor<4xf32>>] {
    %x = actor.buffer input 0 size <16>
    %flag = actor.buffer input 1 size <1>
    %n = actor.buffer input 2 size <N * 4>
    %y = actor.buffer output 0 size <16>
    %h = actor.buffer scratch size <16> {name = "carried"}
    actor.copy %x to %h bytes <16>
    actor.loop trips <5> carried(%h) {
      actor.launch @increment(%h, %h) tiles <1>
    }
    actor.loop trips <N + 1> carried(%h) {
      actor.branch %flag : i1 {
        actor.launch @double(%h, %h) tiles <1>
      }
    }
    actor.copy %h to %y bytes <16>
    actor.reply
  }
}
