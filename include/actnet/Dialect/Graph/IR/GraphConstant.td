//===- GraphConstant.td - constants and values of dims ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_DIALECT_GRAPH_IR_GRAPHCONSTANT_TD
#define ACTNET_DIALECT_GRAPH_IR_GRAPHCONSTANT_TD

include "actnet/Dialect/Graph/IR/GraphBase.td"

def Graph_ConstantOp : Op<GraphDialect, "constant", [Pure, ConstantLike]> {
  let summary = "A tensor known at compile time";
  let description = [{
    `value` is dense elements of the result's type (small tensors) or a
    `#graph.weight` (everything larger, by reference).

    C1: dense elements have the result's type (without encoding).
    C2: a weight's bytes equal the result's number of elements times its
    element size (bool: one byte). C3: the result is static.

    ```mlir
    %0 = graph.constant dense<1.0> : tensor<4xf32>
    %1 = graph.constant weight<"m.onnx", 64, 16> : tensor<4xf32>
    ```
    Source: ONNX Constant, initializers. Gradient: none.
  }];
  let arguments = (ins AnyAttr:$value);
  let results = (outs Graph_Tensor:$result);
  let hasCustomAssemblyFormat = 1; // dense elements print their type themselves
  let hasFolder = 1;
  let hasVerifier = 1;
}

def Graph_DimValueOp : Op<GraphDialect, "dim_value", [Pure]> {
  let summary = "The values of dim expressions as a tensor of i64";
  let description = [{
    C1: the result is `tensor<kxi64>` with as many elements as `dims`, or
    `tensor<i64>` for one. Shape arithmetic of a model stays in expressions;
    this op stands only where data really needs the number.

    ```mlir
    %0 = graph.dim_value <N, 768> : tensor<2xi64>
    ```
    Source: ONNX Shape, Size. Gradient: none.
  }];
  let arguments = (ins Graph_DimsAttr:$dims);
  let results = (outs Graph_Tensor:$result);
  let assemblyFormat = "$dims attr-dict `:` type($result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

#endif // ACTNET_DIALECT_GRAPH_IR_GRAPHCONSTANT_TD
