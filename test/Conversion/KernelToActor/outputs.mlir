// RUN: actnet-opt %s --kernel-to-actor | FileCheck %s

// Outputs and variables.

module {
  kernel.func @neg(%x: tensor<16xf32>) -> (tensor<16xf32>)
      attributes {family = #kernel.family<map>, inplace = array<i64: 0, 0>, tiles = #graph.expr<1>} {
    %e = tensor.empty() : tensor<16xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
           iterator_types = ["parallel"]} ins(%x : tensor<16xf32>) outs(%e : tensor<16xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = arith.negf %a : f32
      linalg.yield %m : f32
    } -> tensor<16xf32>
    kernel.yield %y : tensor<16xf32>
  }
  kernel.func @neg_apart(%x: tensor<16xf32>) -> (tensor<16xf32>)
      attributes {family = #kernel.family<map>, tiles = #graph.expr<1>} {
    %e = tensor.empty() : tensor<16xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
           iterator_types = ["parallel"]} ins(%x : tensor<16xf32>) outs(%e : tensor<16xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = arith.negf %a : f32
      linalg.yield %m : f32
    } -> tensor<16xf32>
    kernel.yield %y : tensor<16xf32>
  }

  func.func private @zeros() -> tensor<16xf32> attributes {graph.recipe} {
    %0 = graph.constant dense<0.0> : tensor<16xf32>
    return %0 : tensor<16xf32>
  }
  // CHECK-DAG: actor.variable @a : tensor<16xf32> initial @zeros
  // CHECK-DAG: actor.variable @b : tensor<16xf32>

  // One value twice, an input, a weight, a part: all but the first are copies.
  // CHECK-LABEL: actor.func @copies
  // CHECK-SAME: inputs [#actor.tensor<"input0", tensor<16xf32>>]
  // CHECK-SAME: #actor.tensor<"output0", tensor<16xf32>>
  // CHECK: %[[X:.+]] = actor.buffer input 0
  // CHECK: %[[Y0:.+]] = actor.buffer output 0 size <64>
  // CHECK: %[[Y1:.+]] = actor.buffer output 1 size <64>
  // CHECK: %[[Y2:.+]] = actor.buffer output 2 size <64>
  // CHECK: %[[Y3:.+]] = actor.buffer output 3 size <64>
  // CHECK: %[[Y4:.+]] = actor.buffer output 4 size <32>
  // CHECK: %[[W:.+]] = actor.buffer weight @zeros size <64>
  // CHECK: %[[P:.+]] = actor.view %[[Y0]] offset <32> size <32>
  // CHECK: actor.launch @neg(%[[X]], %[[Y0]])
  // CHECK-NEXT: actor.copy %[[Y0]] to %[[Y1]] bytes <64>
  // CHECK-NEXT: actor.copy %[[X]] to %[[Y2]] bytes <64>
  // CHECK-NEXT: actor.copy %[[W]] to %[[Y3]] bytes <64>
  // CHECK-NEXT: actor.copy %[[P]] to %[[Y4]] bytes <32>
  // CHECK-NEXT: actor.reply
  func.func @copies(%x: tensor<16xf32>) -> (tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<8xf32>) {
    %w = kernel.weight @zeros : tensor<16xf32>
    %0 = kernel.dispatch @neg(%x) : (tensor<16xf32>) -> tensor<16xf32>
    %1 = kernel.slice %0 starts <8> : tensor<16xf32> to tensor<8xf32>
    return %0, %0, %x, %w, %1 : tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<8xf32>
  }

  // The kernel that reads the old value may write the new one over it.
  // CHECK-LABEL: actor.func @in_place
  // CHECK: %[[A:.+]] = actor.buffer state @a size <64>
  // CHECK: actor.launch @neg(%[[A]], %[[A]])
  // CHECK-NEXT: actor.reply
  func.func @in_place(%a: tensor<16xf32> {graph.variable = "a", graph.initial = @zeros}) -> (tensor<16xf32> {graph.tied = 0 : i64}) {
    %0 = kernel.dispatch @neg(%a) : (tensor<16xf32>) -> tensor<16xf32>
    return %0 : tensor<16xf32>
  }

  // This one may not: scratch, and a copy at the end.
  // CHECK-LABEL: actor.func @apart
  // CHECK: %[[A:.+]] = actor.buffer state @a
  // CHECK: %[[S:.+]] = actor.buffer scratch size <64>
  // CHECK: actor.launch @neg_apart(%[[A]], %[[S]])
  // CHECK-NEXT: actor.copy %[[S]] to %[[A]] bytes <64>
  func.func @apart(%a: tensor<16xf32> {graph.variable = "a"}) -> (tensor<16xf32> {graph.tied = 0 : i64}) {
    %0 = kernel.dispatch @neg_apart(%a) : (tensor<16xf32>) -> tensor<16xf32>
    return %0 : tensor<16xf32>
  }

  // The old value is dead once %0 is made, so %1 may be written to the state.
  // CHECK-LABEL: actor.func @dead_before
  // CHECK: %[[Y:.+]] = actor.buffer output 0
  // CHECK: %[[A:.+]] = actor.buffer state @a
  // CHECK: actor.launch @neg_apart(%[[A]], %[[Y]])
  // CHECK-NEXT: actor.launch @neg_apart(%[[Y]], %[[A]])
  // CHECK-NEXT: actor.reply
  func.func @dead_before(%a: tensor<16xf32> {graph.variable = "a"}) -> (tensor<16xf32> {graph.tied = 0 : i64}, tensor<16xf32> {graph.name = "y"}) {
    %0 = kernel.dispatch @neg_apart(%a) : (tensor<16xf32>) -> tensor<16xf32>
    %1 = kernel.dispatch @neg_apart(%0) : (tensor<16xf32>) -> tensor<16xf32>
    return %1, %0 : tensor<16xf32>, tensor<16xf32>
  }

  // The old value is an output: it is copied out before the new one comes in.
  // CHECK-LABEL: actor.func @old_value
  // CHECK: %[[Y:.+]] = actor.buffer output 0
  // CHECK: %[[A:.+]] = actor.buffer state @a
  // CHECK: %[[S:.+]] = actor.buffer scratch
  // CHECK: actor.launch @neg(%[[A]], %[[S]])
  // CHECK-NEXT: actor.copy %[[A]] to %[[Y]] bytes <64>
  // CHECK-NEXT: actor.copy %[[S]] to %[[A]] bytes <64>
  func.func @old_value(%a: tensor<16xf32> {graph.variable = "a"}) -> (tensor<16xf32>, tensor<16xf32> {graph.tied = 0 : i64}) {
    %0 = kernel.dispatch @neg(%a) : (tensor<16xf32>) -> tensor<16xf32>
    return %a, %0 : tensor<16xf32>, tensor<16xf32>
  }

  // Two variables change places: both are saved before either is written.
  // CHECK-LABEL: actor.func @swap
  // CHECK: %[[A:.+]] = actor.buffer state @a
  // CHECK: %[[B:.+]] = actor.buffer state @b
  // CHECK-DAG: actor.copy %[[B]] to %[[SB:.+]] bytes <64>
  // CHECK-DAG: actor.copy %[[A]] to %[[SA:.+]] bytes <64>
  // CHECK: actor.copy %[[SB]] to %[[A]] bytes <64>
  // CHECK-NEXT: actor.copy %[[SA]] to %[[B]] bytes <64>
  func.func @swap(%a: tensor<16xf32> {graph.variable = "a"}, %b: tensor<16xf32> {graph.variable = "b"})
      -> (tensor<16xf32> {graph.tied = 0 : i64}, tensor<16xf32> {graph.tied = 1 : i64}) {
    return %b, %a : tensor<16xf32>, tensor<16xf32>
  }
}
