//===- Passes.td - the CUDA code generator as passes ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_CODEGEN_CUDA_PASSES_TD
#define ACTNET_CODEGEN_CUDA_PASSES_TD

include "mlir/Pass/PassBase.td"

def KernelScheduleCuda : Pass<"kernel-schedule-cuda", "::actnet::kernel::FuncOp"> {
  let summary = "Choose blocks and tiles of CUDA kernels";
  let description = [{
    Sets `schedule` (with the `threads` of a block and the bytes of `shared`
    memory), `tiles` and `scratch` of each kernel that has none, from its
    family, its types and its static extents alone: the same kernel is cut the
    same way on every GPU.

    ```mlir
    kernel.func @relu(…) attributes {family = #kernel.family<map>}
    // becomes
    kernel.func @relu(…) attributes {family = #kernel.family<map>,
      schedule = {threads = 256 : i64, shared = 0 : i64, …},
      tiles = #graph.expr<(d0 * 64) ceildiv 1024>, scratch = 0}
    ```

    Fails at the op that the CUDA code generator could not print. Linear in the
    size of the body.
  }];
}

def EmitCudaKernels : Pass<"kernel-emit-cuda", "::mlir::ModuleOp"> {
  let summary = "Print kernels as CUDA C++";
  let description = [{
    Prints the text of each `kernel.func` to standard output; the module stays
    as it is (`-o /dev/null` hides it). A kernel without a schedule is scheduled
    on a copy.

    For tests and for reading. Before:

    ```mlir
    kernel.func @relu(%x: tensor<64xf32>) -> tensor<64xf32> attributes {family = #kernel.family<map>} …
    ```

    printed:

    ```c++
    struct relu_elements { … template <int V> void run(i64 i) const { … } };
    ACTNET_KERNEL(256) relu(const float *__restrict__ in0, float *__restrict__ out0) { … }
    ```

    Fails at the first kernel of an element type or op that it does not know.
    Linear in the size of the bodies.
  }];
}

#endif // ACTNET_CODEGEN_CUDA_PASSES_TD
