//===- Passes.td - passes on kernels --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_DIALECT_KERNEL_TRANSFORMS_PASSES_TD
#define ACTNET_DIALECT_KERNEL_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def KernelScheduleHost : Pass<"kernel-schedule-host", "::actnet::kernel::FuncOp"> {
  let summary = "Choose loops, lanes and tiles of host kernels";
  let description = [{
    Sets `schedule`, `tiles` and `scratch` of each kernel that has none, from
    its family, its accesses and its static extents alone: the same kernel is
    cut the same way on every machine.

    ```mlir
    kernel.func @relu(…) attributes {family = #kernel.family<map>}
    // becomes
    kernel.func @relu(…) attributes {family = #kernel.family<map>,
      schedule = {groups = [array<i64: 0, 1>], chunk = 8192, …},
      tiles = #graph.expr<(d0 * 64) ceildiv 8192>, scratch = 0}
    ```

    Fails where a kernel's results do not fit its family. Linear in the size
    of the body.
  }];
}

def KernelVerify : Pass<"kernel-verify", "::mlir::ModuleOp"> {
  let summary = "Check the contract of the kernel level";
  let description = [{
    What the code generators rely on beyond the verifiers of single ops: each
    kernel is dispatched with as many dims as it takes, and with `scheduled`,
    every kernel has schedule, tiles and scratch. An error names the pass that
    should have kept the contract.
  }];
  let options = [Option<"scheduled", "scheduled", "bool", "false",
                        "Kernels must have a schedule">];
}

def KernelWiden : Pass<"kernel-widen", "::actnet::kernel::FuncOp"> {
  let summary = "Compute in f32 between narrow operands and results";
  let description = [{
    Inside a kernel, values of `type` become f32: elements are extended where
    they are read and rounded where a result is written, once, and not after
    each operation. What tensor cores multiply stays narrow.

    ```mlir
    ^bb0(%a: bf16, %b: bf16, %out: bf16):
      %0 = arith.mulf %a, %a : bf16
      %1 = arith.addf %0, %b : bf16
      linalg.yield %1 : bf16
    // becomes
    ^bb0(%a: bf16, %b: bf16, %out: bf16):
      %a32 = arith.extf %a : bf16 to f32
      %b32 = arith.extf %b : bf16 to f32
      %0 = arith.mulf %a32, %a32 : f32
      %1 = arith.addf %0, %b32 : f32
      %2 = arith.truncf %1 : f32 to bf16
      linalg.yield %2 : bf16
    ```

    `f32` changes nothing. Fails for another name of a type. Linear.
  }];
  let options = [Option<"type", "type", "std::string", "\"f32\"",
                        "f32, bf16 or f16">];
}

#endif // ACTNET_DIALECT_KERNEL_TRANSFORMS_PASSES_TD
