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

    A contraction that cuBLASLt could run whole, one product of matrices and an
    epilogue that the library has, is described by the entry `library`:
    `config`, `dims` and whether the call is `forced`. `kernel-to-actor` makes
    the call, or doesn't. `libraries` is `auto` (describe), `all` (and force) or
    `none`.

    Fails at the op that the CUDA code generator could not print. Linear in the
    size of the body.
  }];
  let options = [Option<"libraries", "libraries", "std::string", "\"auto\"",
                        "auto, all or none: the contractions that libraries may run">];
}

def KernelSplitReduction : Pass<"kernel-split-reduction", "::mlir::ModuleOp"> {
  let summary = "Reduce much to little in two kernels";
  let description = [{
    Blocks never wait for each other, and one block takes long for a million
    elements. So a kernel of the family reduce with few results of many
    elements each becomes two: `NAME_slices` reduces slices of so many elements,
    each for itself, `NAME_join` what the slices gave. Slices are cut by shape
    alone, and combined in their order: the same bits. What stands in front of
    the reduction stays with the first kernel, what stands behind it, and the
    value it begins with, with the second. The partial results have the type
    that is summed in.

    ```mlir
    %y = kernel.dispatch @sum(%x) : (tensor<1000000xf16>) -> tensor<f16>
    // becomes
    %p = kernel.dispatch @sum_slices(%x) : (tensor<1000000xf16>) -> tensor<500xf32>
    %y = kernel.dispatch @sum_join(%p) : (tensor<500xf32>) -> tensor<f16>
    ```

    A reduction over dynamic dims is cut unless their upper bounds say that it
    is small. Kernels whose reduction is no associative op stay as they are.
    Goes behind `kernel-widen`: sums of narrow types are wide then. Fails where
    a kernel's dims cannot be told. Linear in the size of the module.
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
