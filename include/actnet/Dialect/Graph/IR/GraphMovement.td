//===- GraphMovement.td - data movement ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_DIALECT_GRAPH_IR_GRAPHMOVEMENT_TD
#define ACTNET_DIALECT_GRAPH_IR_GRAPHMOVEMENT_TD

include "actnet/Dialect/Graph/IR/GraphBase.td"

def Graph_ReshapeOp : Graph_TypedOp<"reshape"> {
  let summary = "The same elements, in row-major order, under other dims";
  let description = [{
    C1: operand and result have the same element type. C2: the products of
    their dims are the same expression.

    ```mlir
    %y = graph.reshape %x : tensor<4x8xf32> to tensor<32xf32>
    ```
    Source: ONNX Reshape (14), Flatten, Squeeze, Unsqueeze (13). Gradient: reshape back.
  }];
  let arguments = (ins Graph_Tensor:$x);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `to` type($y)";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def Graph_AssumeOp : Graph_TypedOp<"assume"> {
  let summary = "The same tensor, with dims that are said to be others"
                ", checked when dims are bound";
  let description = [{
    y is x. Where a dim of y is another expression than that of x, the two are
    equal, or the job is refused before it runs: `graph-check-extents` notes what
    is to be checked, even where nothing reads y. The only op that renames a dim.

    C1: operand and result have the same element type and rank. C2: dims that are
    both constant are equal.

    ```mlir
    %y = graph.assume %x : tensor<?x8xf32, #graph.dims<M, 8>> to tensor<?x8xf32, #graph.dims<N, 8>>
    ```
    Source: none in ONNX, where names of dims say nothing. Gradient: assume back.
  }];
  let arguments = (ins Graph_Tensor:$x);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `to` type($y)";
  let hasFolder = 1;
}

def Graph_TransposeOp : Graph_InferredOp<"transpose"> {
  let summary = "Permutes dims";
  let description = [{
    Dim i of y is dim `perm[i]` of x. C1: perm is a permutation of the rank.

    ```mlir
    %y = graph.transpose %x [0, 2, 1] : tensor<2x3x4xf32>
    ```
    Source: ONNX Transpose (13). Gradient: the inverse permutation.
  }];
  let arguments = (ins Graph_Tensor:$x, DenseI64ArrayAttr:$perm);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$x $perm attr-dict `:` type($x)";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def Graph_BroadcastOp : Graph_TypedOp<"broadcast"> {
  let summary = "Repeats a tensor along dims of extent 1 and new leading dims";
  let description = [{
    C1: same element type. C2: aligned at the right, each dim of x is 1 or the
    dim of y.

    ```mlir
    %y = graph.broadcast %x : tensor<1x8xf32> to tensor<4x8xf32>
    ```
    Source: ONNX Expand (13). Gradient: reduce sum.
  }];
  let arguments = (ins Graph_Tensor:$x);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `to` type($y)";
  let hasFolder = 1;
}

def Graph_SliceOp : Graph_InferredOp<"slice"> {
  let summary = "A regular part of a tensor";
  let description = [{
    `y[i] = x[start + i*step]` in each dim, for i below `sizes`.

    C1: one start, size and step a dim. C2: steps are not zero. C3: where all
    are constant, the part lies within x.

    ```mlir
    %y = graph.slice %x starts <0, 2> sizes <N, 4> steps [1, 1]
       : tensor<?x8xf32, #graph.dims<N, 8>>
    ```
    Source: ONNX Slice (13), Split (18). Gradient: pad (scatter for steps).
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_DimsAttr:$starts, Graph_DimsAttr:$sizes,
                       DenseI64ArrayAttr:$steps);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$x `starts` $starts `sizes` $sizes `steps` $steps attr-dict `:` type($x)";
  let hasFolder = 1;
}

def Graph_PadOp : Graph_InferredOp<"pad"> {
  let summary = "Widens a tensor at its borders";
  let description = [{
    `low` and `high` elements are added to each dim: of `value`, or copied by
    `mode` (`reflect`, `edge`, `wrap`).

    C1: one low and one high a dim, not negative. C2: `reflect` and `wrap` add
    less than, or as much as, the dim holds.

    ```mlir
    %y = graph.pad %x low [0, 1] high [0, 1] {mode = #graph<pad_mode constant>, value = 0.0} : tensor<4x8xf32>
    ```
    Source: ONNX Pad (19). Gradient: slice.
  }];
  let arguments = (ins Graph_Tensor:$x, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high,
                       Graph_PadModeAttr:$mode, F64Attr:$value);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$x `low` $low `high` $high attr-dict `:` type($x)";
  let hasFolder = 1;
}

def Graph_ConcatOp : Graph_InferredOp<"concat"> {
  let summary = "Joins tensors along a dim";
  let description = [{
    C1: at least one operand. C2: same element type, rank, and dims but for
    `axis`.

    ```mlir
    %y = graph.concat %a, %b axis 1 : tensor<4x8xf32>, tensor<4x2xf32>
    ```
    Source: ONNX Concat (13). Gradient: slices.
  }];
  let arguments = (ins Variadic<Graph_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$inputs `axis` $axis attr-dict `:` type($inputs)";
  let hasFolder = 1;
}

def Graph_GatherOp : Graph_InferredOp<"gather"> {
  let summary = "Takes slices of a tensor at indices along a dim";
  let description = [{
    `y[a, i, b] = data[a, indices[i], b]` with `a` the dims before `axis`. An
    index below zero counts from the end; outside the dim it is clamped to it.

    C1: indices are i32 or i64. C2: axis is within the rank of data.

    ```mlir
    %y = graph.gather %data, %indices axis 0 : tensor<100x8xf32>, tensor<4xi64>
    ```
    Source: ONNX Gather (13). Gradient: scatter-add.
  }];
  let arguments = (ins Graph_Tensor:$data, Graph_Tensor:$indices, I64Attr:$axis);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$data `,` $indices `axis` $axis attr-dict `:` type($data) `,` type($indices)";
  let hasFolder = 1;
}

def Graph_GatherElementsOp : Graph_InferredOp<"gather_elements"> {
  let summary = "Takes single elements of a tensor at indices along a dim";
  let description = [{
    `y[a, i, b] = data[a, indices[a, i, b], b]` with `i` the dim `axis`. An
    index below zero counts from the end; outside the dim it is clamped to it.

    C1: indices are i32 or i64. C2: axis is within the rank of data. C3: data
    and indices have the same rank, and each dim of indices but `axis` is the
    dim of data, or both are constants and it is not above it.

    ```mlir
    %y = graph.gather_elements %data, %indices axis 1 : tensor<2x100xf32>, tensor<2x4xi64>
    ```
    Source: ONNX GatherElements (13). Gradient: scatter-add.
  }];
  let arguments = (ins Graph_Tensor:$data, Graph_Tensor:$indices, I64Attr:$axis);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$data `,` $indices `axis` $axis attr-dict `:` type($data) `,` type($indices)";
  let hasFolder = 1;
}

def Graph_ScatterOp : Graph_InferredOp<"scatter"> {
  let summary = "Writes elements of a tensor at indices along a dim";
  let description = [{
    y begins as data. Then, for u from 0 on along the dim `axis` of updates, in
    this order: `y[a, i, b] = kind(y[a, i, b], updates[a, u, b])` with
    `i = indices[a, u, b]`, or `indices[u]` where indices has one dim. `set`
    takes the update, the others put both together. An index below zero counts
    from the end; an update whose index is outside the dim is left out.

    The order is part of the meaning: with equal indices the last update stays,
    and sums of floats have the same bits everywhere.

    C1: indices are i32 or i64. C2: axis is within the rank of data. C3: updates
    have the element type, the rank and, but for `axis`, the dims of data. C4:
    indices have the dims of updates, or one dim: that of updates at `axis`.
    C5: kinds other than `set` take numbers.

    ```mlir
    %y = graph.scatter add %data, %indices, %updates axis 0
       : tensor<100x8xf32>, tensor<4xi64>, tensor<4x8xf32>
    ```
    Source: ONNX Scatter (9), ScatterElements (18); ScatterND (18) over a
    reshape, with positions as one number. Gradient: gather of dy to updates; to
    data dy, for `set` zero where something was written.
  }];
  let arguments = (ins Graph_ScatterKindAttr:$kind, Graph_Tensor:$data,
                       Graph_Tensor:$indices, Graph_Tensor:$updates, I64Attr:$axis);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = [{
    $kind $data `,` $indices `,` $updates `axis` $axis attr-dict `:` type(operands)
  }];
  let hasFolder = 1;
}

def Graph_IotaOp : Graph_TypedOp<"iota"> {
  let summary = "Counts along a dim";
  let description = [{
    `y[..., i, ...] = start + i * step` along `axis`.

    C1: axis is within the rank. C2: the element type is a number.

    ```mlir
    %y = graph.iota axis 0 {start = 0.0, step = 1.0} : tensor<8xi64>
    ```
    Source: ONNX Range (11), Trilu (14) by comparison. Gradient: none.
  }];
  let arguments = (ins I64Attr:$axis, F64Attr:$start, F64Attr:$step);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "`axis` $axis attr-dict `:` type($y)";
  let hasFolder = 1;
}

def Graph_PackOp : Graph_InferredOp<"pack"> {
  let summary = "Blocks a dim: the layout that a kernel reads";
  let description = [{
    Dim `axis` of extent E is split into ceil(E / tile) blocks of `tile`, the
    last filled up with zeros; the block index becomes the first dim, the index
    within the block the last: `y[p, ..., t] = x[..., p*tile + t, ...]`. Dims in
    between are the other dims in their order.

    C1: axis is within the rank. C2: tile is positive.

    ```mlir
    %y = graph.pack %b axis 1 tile 16 : tensor<768x3072xf32>  // 192x768x16
    ```
    Gradient: unpack.
  }];
  let arguments = (ins Graph_Tensor:$x, I64Attr:$axis, I64Attr:$tile);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$x `axis` $axis `tile` $tile attr-dict `:` type($x)";
  let hasFolder = 1;
}

#endif // ACTNET_DIALECT_GRAPH_IR_GRAPHMOVEMENT_TD
