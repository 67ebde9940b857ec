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

def ActorVerify : Pass<"actor-verify", "::mlir::ModuleOp"> {
  let summary = "Check every record against the kernel that it launches";
  let description = [{
    What the machine relies on, and the verifiers of single ops do not see. Made
    from the types and attributes of the kernels alone, and independently of
    `kernel-to-actor`, whose mistakes it is there to find:

    - The schedule of a launched kernel is one that its family has, `tiles` is
      what this cut comes to, and `scratch` is not less than it needs.
    - A launch has the kernel's tiles for its dims. Each slot holds what the
      kernel reads or writes there with these dims, strides included, and begins
      at a multiple of the element's bytes.
    - A result shares bytes with an operand only in a pair of `inplace`, and
      with no other result.
    - Every byte that is read from scratch or from an output was written by a
      record before it on its stream, or on one that it awaits; pieces of a
      concat count together. Each output is written whole before the reply.
    - Buffers of inputs, outputs, weights and variables have their sizes; views
      lie in their roots.

    ```mlir
    %s = actor.buffer scratch size <N * 128> {name = "a"}
    actor.launch @relu(%x, %s) dims [#graph.expr<N>] tiles <N ceildiv 16>
    // error: record 0, launch of @relu: result 0 takes N * 256 bytes, buffer 1
    // ('a') has N * 128 where N = 1; `kernel-to-actor` should have made them agree
    ```

    What the forms of two expressions do not show is computed for some values of
    the dims within their bounds. Linear in the records, but for buffers with
    many pieces.
  }];
}

#endif // ACTNET_DIALECT_ACTOR_TRANSFORMS_PASSES_TD
