//===- GraphContract.td - contractions: einsum, convolution, pooling ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_DIALECT_GRAPH_IR_GRAPHCONTRACT_TD
#define ACTNET_DIALECT_GRAPH_IR_GRAPHCONTRACT_TD

include "actnet/Dialect/Graph/IR/GraphBase.td"

def Graph_EinsumOp : Graph_InferredOp<"einsum"> {
  let summary = "Contraction of two tensors, dims named by letters";
  let description = [{
    `y[out] = sum over the letters not in out of lhs * rhs`. A letter in both
    operands and the result is a batch dim, in both operands only a contracted
    dim, in one operand and the result a free dim.

    C1: the spec is `letters,letters->letters`, one letter a dim, none twice in
    one term. C2: a letter has one extent everywhere (no broadcasting). C3:
    each letter of the result is in an operand, each letter of an operand in
    the other or in the result. C4: both operands have the same element type.

    ```mlir
    %y = graph.einsum "mk,kn->mn" %a, %b : tensor<4x8xf32>, tensor<8x2xf32>
    ```
    Source: ONNX MatMul (13), Gemm (13), Einsum (12). Gradient: einsum of dy
    with the other operand.
  }];
  let arguments = (ins StrAttr:$spec, Graph_Tensor:$lhs, Graph_Tensor:$rhs);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$spec $lhs `,` $rhs attr-dict `:` type($lhs) `,` type($rhs)";
}

def Graph_ConvOp : Graph_InferredOp<"conv"> {
  let summary = "Convolution over one to three spatial dims";
  let description = [{
    `y[n,o,p] = sum over i,k of x[n, g*I+i, p*stride + k*dilation - low] * f[g*O+o,i,k]`
    (cross-correlation, as in ONNX). Layouts name dims by letters: `n` batch,
    `c` channels, spatial `d`, `h`, `w` (in this order); filter `o`, `i`,
    spatial.

    C1: each layout is a permutation of its letters; x and y use
    `input_layout` and `output_layout`. C2: strides and dilations are positive,
    one a spatial dim; `padding` holds low then high for each spatial dim
    (low0, high0, low1, …), not negative. C3: channels of x = groups * i of
    the filter; groups divides o. C4: output extents are positive:
    `(in + low + high - dilation*(k-1) - 1) floordiv stride + 1`. C5: both
    operands have the same element type.

    ```mlir
    %y = graph.conv %x, %f {input_layout = "nchw", filter_layout = "oihw",
           output_layout = "nchw", strides = array<i64: 2, 2>,
           padding = array<i64: 3, 3, 3, 3>, dilations = array<i64: 1, 1>,
           groups = 1 : i64} : tensor<1x3x224x224xf32>, tensor<64x3x7x7xf32>
    ```
    Source: ONNX Conv (11). Gradient: transposed convolutions.
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$filter,
                       StrAttr:$input_layout, StrAttr:$filter_layout, StrAttr:$output_layout,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$padding,
                       DenseI64ArrayAttr:$dilations, I64Attr:$groups);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$x `,` $filter attr-dict `:` type($x) `,` type($filter)";
}

def Graph_ConvTransposeOp : Graph_InferredOp<"conv_transpose"> {
  let summary = "Transposed convolution over one to three spatial dims";
  let description = [{
    `y[n,g*O+o,p] = sum over i,q,k of x[n,g*I+i,q] * f[g*I+i,o,k]` where
    `q*stride + k*dilation - low = p`: the map from which `graph.conv` with the
    same attributes takes its gradient. Layouts as for `graph.conv`; `i` of the
    filter are all channels of x, `o` the output channels of one group.

    C1: each layout is a permutation of its letters. C2: strides and dilations
    are positive, one a spatial dim; `padding` holds low then high for each
    spatial dim: what is cut off the result at its ends, or, where negative,
    added to it as zeros. C3: channels of x = i of the filter; groups divides
    them. C4: output extents are positive:
    `(in - 1)*stride + dilation*(k-1) + 1 - low - high`. C5: both operands have
    the same element type.

    ```mlir
    %y = graph.conv_transpose %x, %f {input_layout = "nchw", filter_layout = "iohw",
           output_layout = "nchw", strides = array<i64: 2, 2>,
           padding = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>,
           groups = 1 : i64} : tensor<1x8x14x14xf32>, tensor<8x4x4x4xf32>
    ```
    Source: ONNX ConvTranspose (22), whose `output_padding` is taken off the
    high padding. Gradient: convolutions.
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$filter,
                       StrAttr:$input_layout, StrAttr:$filter_layout, StrAttr:$output_layout,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$padding,
                       DenseI64ArrayAttr:$dilations, I64Attr:$groups);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$x `,` $filter attr-dict `:` type($x) `,` type($filter)";
  let hasFolder = 1;
}

def Graph_PoolOp : Graph_InferredOp<"pool"> {
  let summary = "Windowed reduction over spatial dims";
  let description = [{
    `max`, or `avg`: the sum over the window divided by the number of elements
    inside the input (with `count_include_pad`: inside the padded input).
    Letters of `layout` as for `graph.conv`. `ceil_mode` rounds output extents
    up; windows that would start past the padded input are dropped.

    C1, C2, C4 as `graph.conv`. C5: numbers; floating point for `avg`.

    ```mlir
    %y = graph.pool max %x {layout = "nchw", window = array<i64: 3, 3>,
           strides = array<i64: 2, 2>, padding = array<i64: 1, 1, 1, 1>,
           dilations = array<i64: 1, 1>} : tensor<1x64x112x112xf32>
    ```
    Source: ONNX MaxPool (12), AveragePool (19). Gradient: dy to the chosen
    element, or spread.
  }];
  let arguments = (ins Graph_PoolKindAttr:$kind, Graph_Tensor:$x, StrAttr:$layout,
                       DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$padding, DenseI64ArrayAttr:$dilations,
                       UnitAttr:$count_include_pad, UnitAttr:$ceil_mode);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$kind $x attr-dict `:` type($x)";
}

#endif // ACTNET_DIALECT_GRAPH_IR_GRAPHCONTRACT_TD
