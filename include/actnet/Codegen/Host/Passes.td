//===- Passes.td - the host code generator as passes ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_CODEGEN_HOST_PASSES_TD
#define ACTNET_CODEGEN_HOST_PASSES_TD

include "mlir/Pass/PassBase.td"

def EmitHostKernels : Pass<"kernel-emit-host", "::mlir::ModuleOp"> {
  let summary = "Replace scheduled kernels by their code";
  let description = [{
    Each `kernel.func` becomes two functions: `NAME`, with the ABI of host
    kernels, and `NAME.body`, in scf, arith, vector and LLVM ops; everything
    else in the module is dropped. With `lower` they are lowered to the LLVM
    dialect; with `ir` the module's optimised LLVM IR is printed to standard
    output as well.

    For tests and for reading; the compiler itself emits kernels in batches.
    Fails where a kernel has no schedule (kernel-schedule-host) or cannot be
    emitted.
  }];
  let options = [
    Option<"variant", "variant", "std::string", "\"x86-64-v3\"", "x86-64-v3 or x86-64-v4">,
    Option<"lower", "lower", "bool", "false", "Lower to the LLVM dialect">,
    Option<"ir", "ir", "bool", "false", "Print optimised LLVM IR">,
  ];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect",
                           "::mlir::cf::ControlFlowDialect", "::mlir::vector::VectorDialect"];
}

#endif // ACTNET_CODEGEN_HOST_PASSES_TD
