//===- Passes.td - from the graph level to the kernel level ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_CONVERSION_GRAPHTOKERNEL_PASSES_TD
#define ACTNET_CONVERSION_GRAPHTOKERNEL_PASSES_TD

include "mlir/Pass/PassBase.td"

def GraphLayout : Pass<"graph-layout", "::mlir::ModuleOp"> {
  let summary = "Chooses the layouts that a target's kernels read";
  let description = [{
    Convolutions and poolings become channels-last, einsums get the form
    `batch… m… k, batch… k n -> batch… m… n`. The transposes that this needs
    are pushed down through elementwise operations, reductions, concats, pads
    and merging reshapes until they meet and cancel; on constants they become
    parts of recipes.

    ```mlir
    %y = graph.conv %x, %f {input_layout = "nchw", …}
    %z = graph.clamp %y {lo = 0.0, hi = 6.0}
    // becomes
    %t = graph.transpose %x [0, 2, 3, 1]
    %y = graph.conv %t, %f {input_layout = "nhwc", output_layout = "nhwc", …}
    %z = graph.clamp %y {lo = 0.0, hi = 6.0}
    %u = graph.transpose %z [0, 3, 1, 2]
    ```
    On the host a convolution of few channels is padded by a kernel of its own.
    A scatter is seen over three dims: those before its dim, it, those behind.

    Precondition: composites that no kernel family takes are decomposed.
    Failure: none. Cost: linear in the number of operations.
  }];
  let options = [Option<"target", "target", "::actnet::KernelTarget",
                        "::actnet::KernelTarget::host", "Whose kernels read it",
                        [{::llvm::cl::values(
                          clEnumValN(::actnet::KernelTarget::host, "host", "the host's"),
                          clEnumValN(::actnet::KernelTarget::cuda, "cuda", "cuda's and toy's"))}]>];
  let dependentDialects = ["::actnet::graph::GraphDialect"];
}

def GraphToKernel : Pass<"graph-to-kernel", "::mlir::ModuleOp"> {
  let summary = "Partitions the graph into kernels";
  let description = [{
    Each function becomes a list of dispatches. A kernel has at most one dear
    operation (contraction, convolution, pooling, reduction, softmax, norm,
    attention, scatter); elementwise operations and data movement join the kernel of
    their consumer, or become the epilogue of their producer, as long as
    nothing dear is computed twice. What depends on constants alone becomes a
    recipe. Equal kernels become one function.

    ```mlir
    %0 = graph.einsum "mk,kn->mn" %x, %w : …
    %1 = graph.clamp %0 {lo = 0.0, hi = inf} : …
    // becomes
    %w0 = kernel.weight @recipe_0 : tensor<2x64x16xf32>
    %1 = kernel.dispatch @contract_clamp_0(%x, %w0) …
    ```
    The host reads right operands and filters packed by 16 columns, cuda as
    dense `[…, K, N]` and `(kh, kw, i, o)`, with groups `(g, kh, kw, i, o)`; a
    module for cuda says so: `kernel.target = "cuda"`.

    Precondition: `graph-layout` for the same target. Failure: an operation
    that has no lowering is named in an error. Cost: linear in the number of operations times the
    largest number of users.
  }];
  let options = [Option<"target", "target", "::actnet::KernelTarget",
                        "::actnet::KernelTarget::host", "Whose kernels read it",
                        [{::llvm::cl::values(
                          clEnumValN(::actnet::KernelTarget::host, "host", "the host's"),
                          clEnumValN(::actnet::KernelTarget::cuda, "cuda", "cuda's and toy's"))}]>];
  let dependentDialects = [
    "::actnet::kernel::KernelDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

#endif // ACTNET_CONVERSION_GRAPHTOKERNEL_PASSES_TD
