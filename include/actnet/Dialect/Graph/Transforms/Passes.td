//===- Passes.td - passes on the graph level ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What holds for every target. The order: verify what a front end made,
// simplify, fold batch norms (the filters they change become recipes),
// recompose (it looks for the forms that simplify leaves), simplify.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_GRAPH_TRANSFORMS_PASSES_TD
#define ACTNET_DIALECT_GRAPH_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def GraphVerify : Pass<"graph-verify", "::mlir::ModuleOp"> {
  let dependentDialects = ["::actnet::graph::GraphDialect"];
  let summary = "Check the contract of the graph level";
  let description = [{
    What the passes and conversions rely on beyond the verifiers of single ops:

    - the module holds functions of one block, of `graph` ops and a `return`;
    - `graph.dims` gives each name a lower bound of at least 0 and an upper
      bound not below it, or -1;
    - each dynamic dim has a name that `graph.dims` lists and that an argument
      of the function binds by having it as a dim;
    - `graph.tied` names a variable argument of the result's type;
    - a `graph.recipe` is private and takes no arguments.

    Each breach is one error that says what was expected. Linear.
  }];
}

def GraphCheckExtents : Pass<"graph-check-extents", "::mlir::ModuleOp"> {
  let dependentDialects = ["::actnet::graph::GraphDialect"];
  let summary = "Note what dims must be for every extent to be possible";
  let description = [{
    Writes `graph.checks` on each function: the expressions of dims that must
    not fall below a number, with a message that names the operation. The
    runtime checks them when it binds the dims. What the dims' lower bounds
    prove is left out. An extent is at least 0; one that windows make, and one
    that is gathered from, at least 1; a slice lies within its operand.

    ```mlir
    %y = graph.conv %x, %f {...}  // 3x3, no padding, on a dim H of 1..64
    // notes
    {extent = #graph.expr<H - 2>, least = 1 : i64, message = "'c1' (graph.conv): dim 2 of the result, H - 2"}
    ```

    Runs before operations that take their names from the model are rewritten.
    Linear.
  }];
}

def GraphSimplify : Pass<"graph-simplify", "::mlir::ModuleOp"> {
  let dependentDialects = ["::actnet::graph::GraphDialect"];
  let summary = "Canonicalise, fold small constants, join equal operations";
  let description = [{
    Runs the ops' canonicalisation with patterns that reach further (below),
    removes what is not used and joins operations that are equal.

    - a gather at a constant index is a slice, a slice moves before the
      transpose or reshape that it looks through;
    - a transpose between two reshapes works on the dims that both share;
    - a broadcast moves behind elementwise operations;
    - `pow` with exponent 2 or 3 is a product.

    ```mlir
    %0 = graph.reshape %x : tensor<2x3x4x5xf32> to tensor<6x4x5xf32>
    %1 = graph.transpose %0 [0, 2, 1] : tensor<6x4x5xf32>
    %2 = graph.reshape %1 : tensor<6x5x4xf32> to tensor<2x3x5x4xf32>
    // becomes
    %2 = graph.transpose %x [0, 1, 3, 2] : tensor<2x3x4x5xf32>
    ```

    Fails only where the patterns don't come to an end, which is a bug.
  }];
}

def GraphFoldBatchNorm : Pass<"graph-fold-batch-norm", "::mlir::ModuleOp"> {
  let dependentDialects = ["::actnet::graph::GraphDialect"];
  let summary = "Fold batch norms into convolutions and products";
  let description = [{
    Where scale, bias, mean and variance are constants, with
    `s = scale * rsqrt(variance + epsilon)`: behind a convolution or einsum that
    nobody else reads, with or without a bias, `s` scales the filter and what
    is left is one bias. A batch norm that stands alone becomes `x*s + t`.

    ```mlir
    %1 = graph.conv %x, %f {...}
    %2 = graph.batch_norm %1, %scale, %bias, %mean, %variance axis 1 epsilon 1.0e-5
    // becomes
    %fs = graph.mul %f, %s          // a recipe, evaluated at compile time
    %1 = graph.conv %x, %fs {...}
    %2 = graph.add %1, %t
    ```

    Batch norms of other parameters stay. Linear.
  }];
}

def GraphRecompose : Pass<"graph-recompose", "::mlir::ModuleOp"> {
  let dependentDialects = ["::actnet::graph::GraphDialect"];
  let summary = "Recognise composites in what exporters write out";
  let description = [{
    - `softmax(scale * q k^T + mask) v` with the transposes around it becomes
      `graph.attention`, whose layouts take the transposes in. The guard
      `select(isnan(p), 0, p)` that torch exports goes: it acts only on scores
      that are not finite. A constant mask of zeros is dropped, one that masks
      the future becomes `causal`, and one made by select(mask, 0, large
      negative) a mask of bool, where no row is masked as a whole.
    - `x/2 (1 + erf(x/sqrt 2))`, and the form with tanh, become `graph.gelu`.
    - `(x - mean) / sqrt(mean((x - mean)^2) + epsilon)`, times a scale, plus a
      bias, becomes `graph.layer_norm`.

    ```mlir
    %p = graph.softmax %s axis 3 : tensor<1x12x128x128xf32>
    %y = graph.einsum "bhst,bhte->bhse" %p, %v : ...
    // becomes
    %y = graph.attention %q, %k, %v {...}
    ```

    Expects the forms that `graph-simplify` leaves. Linear.
  }];
}

def GraphDecompose : Pass<"graph-decompose", "::mlir::ModuleOp"> {
  let dependentDialects = ["::actnet::graph::GraphDialect"];
  let summary = "Write composites out in elementwise, reduce and contract";
  let description = [{
    The definition of each composite as ops: for devices without a kernel of
    their own, and for differentiation.

    ```mlir
    %y = graph.softmax %x axis 1 : tensor<4x8xf32>
    // becomes
    %0 = graph.reduce max %x dims [1] keepdims : tensor<4x8xf32>
    %1 = graph.sub %x, %0 : tensor<4x8xf32>, tensor<4x1xf32>
    %2 = graph.exp %1 : tensor<4x8xf32>
    %3 = graph.reduce sum %2 dims [1] keepdims : tensor<4x8xf32>
    %y = graph.div %2, %3 : tensor<4x8xf32>, tensor<4x1xf32>
    ```

    A name that is no composite is an error. Linear.
  }];
  let options = [ListOption<"only", "only", "std::string",
      "Names of the composites to write out, without `graph.`; all where empty">];
}

def GraphPrecision : Pass<"graph-precision", "::mlir::ModuleOp"> {
  let dependentDialects = ["::actnet::graph::GraphDialect"];
  let summary = "Compute in a narrower float type";
  let description = [{
    All f32 values of a function become `type`; what enters and leaves keeps its
    type and is cast there, so the model's interface, its variables included,
    stays. Weights are cast last: what constants alone make (a folded batch
    norm) is computed in f32 and then rounded once. A constant that the type
    cannot hold becomes its largest finite number. `iota` stays f32. Kernels add
    up in f32 whatever their operands are.

    ```mlir
    %0 = graph.einsum "mk,kn->mn" %x, %w : tensor<4x8xf32>, tensor<8x2xf32>
    return %0 : tensor<4x2xf32>
    // becomes, for bf16
    %x16 = graph.cast %x : tensor<4x8xf32> to tensor<4x8xbf16>
    %w16 = graph.cast %w : tensor<8x2xf32> to tensor<8x2xbf16>
    %0 = graph.einsum "mk,kn->mn" %x16, %w16 : tensor<4x8xbf16>, tensor<8x2xbf16>
    %1 = graph.cast %0 : tensor<4x2xbf16> to tensor<4x2xf32>
    return %1 : tensor<4x2xf32>
    ```

    `f32` changes nothing. Fails for another name of a type. Linear.
  }];
  let options = [Option<"type", "type", "std::string", "\"f32\"",
                        "f32, bf16 or f16">];
}

#endif // ACTNET_DIALECT_GRAPH_TRANSFORMS_PASSES_TD
