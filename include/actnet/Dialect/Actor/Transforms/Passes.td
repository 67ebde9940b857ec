//===- Passes.td - passes over command records ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_DIALECT_ACTOR_TRANSFORMS_PASSES_TD
#define ACTNET_DIALECT_ACTOR_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def ActorPlan : Pass<"actor-plan", "::mlir::ModuleOp"> {
  let summary = "Gives every buffer its offset, at the dims' upper bounds";
  let description = [{
    Lifetimes are the static pre-order of the records, blocks included. Scratch
    is planned by lib/Memory's greedy portfolio, the slot of the ring and the
    state lie side by side, and the independent verifier checks the whole.

    ```mlir
    actor.func @main inputs […] outputs […] {
      %s = actor.buffer scratch size <N * 256>
    // becomes
    actor.func @main inputs […] outputs […] memory <peak = 16384, bound = 16384, slot = 512> {
      %s = actor.buffer scratch size <N * 256> {offset = 0 : i64}
    ```
    A function one of whose sizes has no upper bound stays unplanned: the
    runtime plans it when it knows the dims. A function that has `memory` is
    planned: it is verified and stays as it is, so that a plan can be handed in.
    Failure: a size that can be negative or overflows; a plan that the verifier
    refuses, which names both buffers. Cost: O(n log n) in the records, and the
    planner's budget.
  }];
  let options = [
    Option<"replan", "replan", "bool", "false",
           "Drop the plans that are there and make new ones">,
  ];
}

#endif // ACTNET_DIALECT_ACTOR_TRANSFORMS_PASSES_TD
