//===- GraphComposite.td - composites, kept whole while a device has a better kernel ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_DIALECT_GRAPH_IR_GRAPHCOMPOSITE_TD
#define ACTNET_DIALECT_GRAPH_IR_GRAPHCOMPOSITE_TD

include "actnet/Dialect/Graph/IR/GraphBase.td"

class Graph_SoftmaxLike<string mnemonic, string formula, string source> : Graph_InferredOp<mnemonic> {
  let summary = formula # " along a dim";
  let description = [{
    C1: axis is within the rank. C2: floating point.

    ```mlir
    %y = graph.}] # mnemonic # [{ %x axis 1 : tensor<4x8xf32>
    ```
    Source: ONNX }] # source # ". Gradient: from the definition.";
  let arguments = (ins Graph_Tensor:$x, I64Attr:$axis);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$x `axis` $axis attr-dict `:` type($x)";
}
def Graph_SoftmaxOp : Graph_SoftmaxLike<"softmax", "exp(x - max) / sum", "Softmax (13)">;
def Graph_LogSoftmaxOp : Graph_SoftmaxLike<"log_softmax", "x - max - log(sum(exp(x - max)))", "LogSoftmax (13)">;

def Graph_LayerNormOp : Graph_InferredOp<"layer_norm", [AttrSizedOperandSegments]> {
  let summary = "Normalises over the last dims";
  let description = [{
    `y = (x - mean) / sqrt(variance + epsilon) * scale + bias`, mean and
    (biased) variance over the dims from `axis` on.

    C1: 0 <= axis < rank. C2: scale and bias, where given, broadcast to the
    dims from axis on. C3: one floating point element type.

    ```mlir
    %y = graph.layer_norm %x scale %s bias %b axis 2 epsilon 1.0e-5
       : tensor<1x4x8xf32>, tensor<8xf32>, tensor<8xf32>
    ```
    Source: ONNX LayerNormalization (17). Gradient: from the definition.
  }];
  let arguments = (ins Graph_Tensor:$x, Optional<Graph_Tensor>:$scale, Optional<Graph_Tensor>:$bias,
                       I64Attr:$axis, F64Attr:$epsilon);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$x (`scale` $scale^)? (`bias` $bias^)? `axis` $axis `epsilon` $epsilon attr-dict `:` type(operands)";
}

def Graph_RmsNormOp : Graph_InferredOp<"rms_norm"> {
  let summary = "Divides by the root of the mean square over the last dims";
  let description = [{
    `y = x / sqrt(mean(x^2) + epsilon) * scale` over the dims from `axis` on.
    C1 to C3 as `graph.layer_norm`.

    ```mlir
    %y = graph.rms_norm %x scale %s axis 1 epsilon 1.0e-5 : tensor<4x8xf32>, tensor<8xf32>
    ```
    Source: ONNX RMSNormalization (23). Gradient: from the definition.
  }];
  let arguments = (ins Graph_Tensor:$x, Optional<Graph_Tensor>:$scale, I64Attr:$axis, F64Attr:$epsilon);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$x (`scale` $scale^)? `axis` $axis `epsilon` $epsilon attr-dict `:` type(operands)";
}

def Graph_BatchNormOp : Graph_InferredOp<"batch_norm"> {
  let summary = "Normalises channels with given statistics";
  let description = [{
    `y = (x - mean) / sqrt(variance + epsilon) * scale + bias`, all of one value
    a channel; channels are dim `axis`.

    C1: axis is within the rank. C2: scale, bias, mean and variance have one
    dim, of the channels' extent. C3: one floating point element type.

    ```mlir
    %y = graph.batch_norm %x, %s, %b, %m, %v axis 1 epsilon 1.0e-5
       : tensor<1x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
    ```
    Source: ONNX BatchNormalization (15), inference. Gradient: from the definition.
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$scale, Graph_Tensor:$bias,
                       Graph_Tensor:$mean, Graph_Tensor:$variance, I64Attr:$axis, F64Attr:$epsilon);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "operands `axis` $axis `epsilon` $epsilon attr-dict `:` type(operands)";
}

def Graph_GroupNormOp : Graph_InferredOp<"group_norm"> {
  let summary = "Normalises over groups of channels and all spatial dims";
  let description = [{
    Dim 0 is the batch, dim 1 the channels, split into `groups`; scale and bias
    have one value a channel. Instance norm is `groups` = channels.

    C1: rank at least 2. C2: groups divides the channels. C3: scale and bias are
    `[channels]`. C4: one floating point element type.

    ```mlir
    %y = graph.group_norm %x, %s, %b groups 4 epsilon 1.0e-5
       : tensor<1x8x4x4xf32>, tensor<8xf32>, tensor<8xf32>
    ```
    Source: ONNX GroupNormalization (21), InstanceNormalization (6).
    Gradient: from the definition.
  }];
  let arguments = (ins Graph_Tensor:$x, Graph_Tensor:$scale, Graph_Tensor:$bias,
                       I64Attr:$groups, F64Attr:$epsilon);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "operands `groups` $groups `epsilon` $epsilon attr-dict `:` type(operands)";
}

def Graph_GeluOp : Graph_InferredOp<"gelu"> {
  let summary = "Gaussian error linear unit";
  let description = [{
    `y = x/2 (1 + erf(x/sqrt(2)))`; with `tanh_approximation`
    `x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))`. C1: floating point.

    ```mlir
    %y = graph.gelu %x : tensor<4xf32>
    ```
    Source: ONNX Gelu (20); Hendrycks and Gimpel 2016. Gradient: from the definition.
  }];
  let arguments = (ins Graph_Tensor:$x, UnitAttr:$tanh_approximation);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$x (`tanh` $tanh_approximation^)? attr-dict `:` type($x)";
}

def Graph_AttentionOp : Graph_InferredOp<"attention"> {
  let summary = "softmax(scale q k^T + mask) v";
  let description = [{
    Layouts name dims by letters: `b` batch, `h` heads, `s` query positions,
    `t` key positions, `d` depth of query and key, `e` depth of the values.
    q has `b h s d`, k `b g t d`, v `b g t e`, y `b h s e`, each in the order
    of its layout; `g` are the key heads, which divide the query heads (grouped
    heads). A missing `b` or `h` is allowed where it is missing everywhere.
    The mask broadcasts to `b h s t`: added where floating point, a choice
    (false: minus infinity) where bool. `causal` masks key positions t > s + T - S.
    Without any key (T = 0) y is 0, the sum of nothing. A query whose softmax is
    not a number (each of its scores is minus infinity, or one is NaN or plus
    infinity) has NaN; where `guarded` it has 0, whatever v is: what exporters
    write as select(p != p, 0, p) behind the softmax.

    C1: each layout is a permutation of its letters. C2: extents agree. C3: one
    floating point element type.

    ```mlir
    %y = graph.attention %q, %k, %v {q_layout = "bshd", k_layout = "btgd",
           v_layout = "btge", y_layout = "bshe", scale = 0.125 : f64}
       : tensor<1x128x12x64xf32>, tensor<1x128x12x64xf32>, tensor<1x128x12x64xf32>
    ```
    Source: ONNX Attention (23); Dao et al. 2022, FlashAttention. Gradient: from
    the definition.
  }];
  let arguments = (ins Graph_Tensor:$q, Graph_Tensor:$k, Graph_Tensor:$v,
                       Optional<Graph_Tensor>:$mask,
                       StrAttr:$q_layout, StrAttr:$k_layout, StrAttr:$v_layout, StrAttr:$y_layout,
                       F64Attr:$scale, UnitAttr:$causal, UnitAttr:$guarded);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$q `,` $k `,` $v (`mask` $mask^)? attr-dict `:` type(operands)";
}

#endif // ACTNET_DIALECT_GRAPH_IR_GRAPHCOMPOSITE_TD
