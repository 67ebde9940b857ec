//===- Passes.td - from the kernel level to the actor level ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_CONVERSION_KERNELTOACTOR_PASSES_TD
#define ACTNET_CONVERSION_KERNELTOACTOR_PASSES_TD

include "mlir/Pass/PassBase.td"

def KernelToActor : Pass<"kernel-to-actor", "::mlir::ModuleOp"> {
  let summary = "Turns dispatches on tensors into records on buffers";
  let description = [{
    Each function of dispatches becomes an `actor.func`; kernels and recipes
    stay as they are. Every tensor gets a place:

    - a view or a slice lies in its operand, and a concat's operands lie in the
      concat's buffer: no bytes move;
    - a dispatch's result takes over an operand's scratch buffer, where the
      kernel's `inplace` names the pair and nothing reads the buffer later;
    - an output is the buffer of the value that is returned; one that is an
      input, a weight, a part of a buffer, or returned twice gets a copy;
    - the next value of a variable is written into the state itself where
      nothing reads the old value later, else it is copied at the end.

    ```mlir
    func.func @main(%x: tensor<4xf32> {graph.name = "x"}) -> (tensor<4xf32> {graph.name = "y"}) {
      %0 = kernel.dispatch @relu(%x) : (tensor<4xf32>) -> tensor<4xf32>
      return %0 : tensor<4xf32>
    }
    // becomes
    actor.func @main inputs [#actor.tensor<"x", tensor<4xf32>>] outputs [#actor.tensor<"y", tensor<4xf32>>] {
      %0 = actor.buffer input 0 size <16>
      %1 = actor.buffer output 0 size <16>
      actor.launch @relu(%0, %1) tiles <1>
      actor.reply
    }
    ```
    A kernel whose schedule says how a library could run it (`library`, see
    `kernel-schedule-cuda`) becomes an `actor.call`, with the kernel behind
    `else`, where that is worth it: at the lower bounds of the dims the product
    has at least 64 rows, columns and summands and 2^22 multiplications; and
    where its result is not written in place. Calls share a scratch buffer of
    `workspace` bytes, as a stream runs them one after the other. Remarks say
    what was chosen and why.

    Precondition: every kernel has `tiles` (`kernel-schedule-host`), and a
    concat's operands are results of dispatches that write with its strides.
    Failure: what breaks the precondition is named in an error. Cost: linear.
  }];
  let dependentDialects = ["::actnet::actor::ActorDialect"];
  let options = [Option<"workspace", "workspace", "int64_t", "4194304",
                        "Bytes of scratch that the library calls of a stream share; 0: none">];
}

#endif // ACTNET_CONVERSION_KERNELTOACTOR_PASSES_TD
