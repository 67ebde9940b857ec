// RUN: actnet-opt %s --actor-plan | FileCheck %s
// RUN: actnet-opt %s --actor-plan | actnet-opt --actor-plan | FileCheck %s

module attributes {graph.dims = {M = array<i64: 1, -1>, N = array<i64: 1, 4>}} {
  // Variables lie side by side, each at a multiple of 64.
  // CHECK: actor.state_bytes = 104
  // CHECK: actor.variable @a : tensor<10xf32> offset 0
  // CHECK: actor.variable @b : tensor<10xf32> offset 64
  actor.variable @a : tensor<10xf32>
  actor.variable @b : tensor<10xf32>

  // Three buffers in a chain: the first is dead when the third is written, so
  // two places of N * 64 bytes at N = 4 do. The bound says so too.
  // CHECK-LABEL: actor.func @chain
  // CHECK-SAME: memory <peak = 512, bound = 512, slot = 512>
  actor.func @chain inputs [#actor.tensor<"x", tensor<?x16xf32, #graph.dims<N, 16>>>]
                    outputs [#actor.tensor<"y", tensor<?x16xf32, #graph.dims<N, 16>>>] {
    // CHECK: actor.buffer input 0 size <N * 64> {offset = 0 : i64}
    %x = actor.buffer input 0 size <N * 64>
    // CHECK: actor.buffer output 0 size <N * 64> {offset = 256 : i64}
    %y = actor.buffer output 0 size <N * 64>
    // CHECK: actor.buffer scratch {{.*}}name = "s0", offset = [[A:0|256]] : i64
    %s0 = actor.buffer scratch size <N * 64> {name = "s0"}
    // CHECK: actor.buffer scratch {{.*}}name = "s1", offset = {{0|256}} : i64
    %s1 = actor.buffer scratch size <N * 64> {name = "s1"}
    // CHECK: actor.buffer scratch {{.*}}name = "s2", offset = [[A]] : i64
    %s2 = actor.buffer scratch size <N * 64> {name = "s2"}
    actor.copy %x to %s0 bytes <N * 64>
    actor.copy %s0 to %s1 bytes <N * 64>
    actor.copy %s1 to %s2 bytes <N * 64>
    actor.copy %s2 to %y bytes <N * 64>
    actor.reply
  }

  // What is carried round a loop lives through it: h and t share nothing with u,
  // though u is used before t only.
  // CHECK-LABEL: actor.func @loop
  // CHECK-SAME: memory <peak = 192, bound = 192, slot = 64>
  actor.func @loop inputs [] outputs [#actor.tensor<"y", tensor<16xf32>>] {
    %y = actor.buffer output 0 size <64>
    %h = actor.buffer scratch size <64>
    %t = actor.buffer scratch size <64>
    %u = actor.buffer scratch size <64>
    actor.fill %h with 0 bytes <64>
    actor.loop trips <3> carried(%h, %u) {
      actor.copy %h to %u bytes <64>
      actor.copy %u to %t bytes <64>
      actor.copy %t to %h bytes <64>
    }
    actor.copy %h to %y bytes <64>
    actor.reply
  }

  // CHECK-LABEL: actor.func @state
  actor.func @state inputs [] outputs [] {
    %a = actor.buffer state @a size <40>
    %b = actor.buffer state @b size <40>
    actor.copy %a to %b bytes <40>
    actor.reply
  }

  // M has no upper bound: the runtime plans.
  // CHECK-LABEL: actor.func @unbounded
  // CHECK-NOT: memory
  // CHECK: actor.buffer scratch size <M * 4>{{$}}
  actor.func @unbounded inputs [] outputs [] {
    %a = actor.buffer scratch size <M * 4>
    actor.fill %a with 0 bytes <M * 4>
    actor.reply
  }
}
