//===- Passes.td - the CUDA code generator as passes ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_CODEGEN_CUDA_PASSES_TD
#define ACTNET_CODEGEN_CUDA_PASSES_TD

include "mlir/Pass/PassBase.td"

def EmitCudaKernels : Pass<"kernel-emit-cuda", "::mlir::ModuleOp"> {
  let summary = "Print kernels as CUDA C++";
  let description = [{
    Prints the text of each `kernel.func` of family map or row to standard
    output; the module stays as it is (`-o /dev/null` hides it). Kernels need
    no schedule.

    For tests and for reading. Before:

    ```mlir
    kernel.func @relu(%x: tensor<64xf32>) -> tensor<64xf32> attributes {family = #kernel.family<map>} …
    ```

    printed:

    ```c++
    struct relu_element { … void operator()(i64 i) const { … } };
    ACTNET_KERNEL(kMapThreads) relu(const float *__restrict__ in0, float *__restrict__ out0) { … }
    ```

    Fails at the first kernel of another family, element type or op. Linear in
    the size of the bodies.
  }];
}

#endif // ACTNET_CODEGEN_CUDA_PASSES_TD
