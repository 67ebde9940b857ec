//===- GraphReduce.td - reductions ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_DIALECT_GRAPH_IR_GRAPHREDUCE_TD
#define ACTNET_DIALECT_GRAPH_IR_GRAPHREDUCE_TD

include "actnet/Dialect/Graph/IR/GraphBase.td"

def Graph_ReduceOp : Graph_InferredOp<"reduce"> {
  let summary = "Reduces dims with an associative operation";
  let description = [{
    `kind` over `dims`; `mean` divides the sum by the number of elements;
    `sumsq` is the sum of squares, `l2` its root, `logsumexp` is computed with
    the maximum taken out.

    C1: dims are distinct, sorted and within the rank. C2: `any` and `all` need
    bool, `mean`, `l2`, `logsumexp` floating point. With `keepdims` reduced dims
    stay as 1.

    ```mlir
    %y = graph.reduce sum %x dims [2, 3] : tensor<1x8x4x4xf32>
    %z = graph.reduce mean %x dims [1] keepdims : tensor<4x8xf32>
    ```
    Source: ONNX ReduceSum (13) and its family, GlobalAveragePool (1).
    Gradient: broadcast of dy (sum).
  }];
  let arguments = (ins Graph_ReduceKindAttr:$kind, Graph_Tensor:$x,
                       DenseI64ArrayAttr:$dims, UnitAttr:$keepdims);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$kind $x `dims` $dims (`keepdims` $keepdims^)? attr-dict `:` type($x)";
  let hasFolder = 1;
}

#endif // ACTNET_DIALECT_GRAPH_IR_GRAPHREDUCE_TD
