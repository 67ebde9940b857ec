//===- GraphElementwise.td - elementwise operations, NumPy broadcasting ---===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ACTNET_DIALECT_GRAPH_IR_GRAPHELEMENTWISE_TD
#define ACTNET_DIALECT_GRAPH_IR_GRAPHELEMENTWISE_TD

include "actnet/Dialect/Graph/IR/GraphBase.td"

/// Base: result shape is the NumPy broadcast of the operands' shapes.
class Graph_ElementwiseOp<string mnemonic, list<Trait> traits = []>
    : Graph_InferredOp<mnemonic, traits> {
  let hasFolder = 1;
}

class Graph_UnaryOp<string mnemonic, string formula, string source, string gradient>
    : Graph_ElementwiseOp<mnemonic, []> {
  let summary = "Elementwise " # formula;
  let description = "`y = " # formula # [{`.

    C1: the result has the operand's type. C2: the element type is allowed for
    this function (floating point for transcendental ones).

    ```mlir
    %y = graph.}] # mnemonic # [{ %x : tensor<4xf32>
    ```
    Source: ONNX }] # source # ". Gradient: " # gradient # ".";
  let arguments = (ins Graph_Tensor:$x);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

class Graph_BinaryOp<string mnemonic, string formula, string source, string gradient,
                     list<Trait> traits = []>
    : Graph_ElementwiseOp<mnemonic, traits> {
  let summary = "Elementwise " # formula;
  let description = "`y = " # formula # [{`, with NumPy broadcasting.

    C1: both operands have the same element type, which is the result's. C2:
    the shapes broadcast: aligned at the right, dims are equal or one of them
    is 1.

    ```mlir
    %y = graph.}] # mnemonic # [{ %a, %b : tensor<4x8xf32>, tensor<8xf32>
    ```
    Source: ONNX }] # source # ". Gradient: " # gradient # ".";
  let arguments = (ins Graph_Tensor:$a, Graph_Tensor:$b);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$a `,` $b attr-dict `:` type($a) `,` type($b)";
  let hasCanonicalizer = 0;
}

def Graph_AbsOp : Graph_UnaryOp<"abs", "|x|", "Abs (13)", "dy * sign(x)">;
def Graph_NegOp : Graph_UnaryOp<"neg", "-x", "Neg (13)", "-dy">;
def Graph_ExpOp : Graph_UnaryOp<"exp", "exp(x)", "Exp (13)", "dy * y">;
def Graph_LogOp : Graph_UnaryOp<"log", "log(x)", "Log (13)", "dy / x">;
def Graph_SqrtOp : Graph_UnaryOp<"sqrt", "sqrt(x)", "Sqrt (13)", "dy / (2 y)">;
def Graph_RsqrtOp : Graph_UnaryOp<"rsqrt", "1 / sqrt(x)", "Reciprocal of Sqrt", "-dy y^3 / 2">;
def Graph_ReciprocalOp : Graph_UnaryOp<"reciprocal", "1 / x", "Reciprocal (13)", "-dy y^2">;
def Graph_TanhOp : Graph_UnaryOp<"tanh", "tanh(x)", "Tanh (13)", "dy (1 - y^2)">;
def Graph_SigmoidOp : Graph_UnaryOp<"sigmoid", "1 / (1 + exp(-x))", "Sigmoid (13)", "dy y (1 - y)">;
def Graph_ErfOp : Graph_UnaryOp<"erf", "erf(x)", "Erf (13)", "dy 2/sqrt(pi) exp(-x^2)">;
def Graph_SinOp : Graph_UnaryOp<"sin", "sin(x)", "Sin (7)", "dy cos(x)">;
def Graph_CosOp : Graph_UnaryOp<"cos", "cos(x)", "Cos (7)", "-dy sin(x)">;
def Graph_FloorOp : Graph_UnaryOp<"floor", "floor(x)", "Floor (13)", "0">;
def Graph_CeilOp : Graph_UnaryOp<"ceil", "ceil(x)", "Ceil (13)", "0">;
def Graph_RoundOp : Graph_UnaryOp<"round", "round(x), halves to even", "Round (11)", "0">;
def Graph_SignOp : Graph_UnaryOp<"sign", "sign(x)", "Sign (13)", "0">;
def Graph_NotOp : Graph_UnaryOp<"not", "not x (bool, or bits of an integer)", "Not (1), BitwiseNot (18)", "none">;

def Graph_AddOp : Graph_BinaryOp<"add", "a + b", "Add (14)", "dy, dy">;
def Graph_SubOp : Graph_BinaryOp<"sub", "a - b", "Sub (14)", "dy, -dy">;
def Graph_MulOp : Graph_BinaryOp<"mul", "a * b", "Mul (14)", "dy b, dy a">;
def Graph_DivOp : Graph_BinaryOp<"div", "a / b (integers: towards zero)", "Div (14)", "dy / b, -dy y / b">;
def Graph_PowOp : Graph_BinaryOp<"pow", "a ^ b", "Pow (15)", "dy b a^(b-1), dy y log(a)">;
def Graph_ModOp : Graph_BinaryOp<"mod", "a mod b, with the sign of b", "Mod (13)", "dy, none">;
def Graph_MaxOp : Graph_BinaryOp<"max", "max(a, b), NaN if either is", "Max (13)", "dy where chosen">;
def Graph_MinOp : Graph_BinaryOp<"min", "min(a, b), NaN if either is", "Min (13)", "dy where chosen">;
def Graph_AndOp : Graph_BinaryOp<"and", "a and b (bool or bits)", "And (7), BitwiseAnd (18)", "none">;
def Graph_OrOp : Graph_BinaryOp<"or", "a or b (bool or bits)", "Or (7), BitwiseOr (18)", "none">;
def Graph_XorOp : Graph_BinaryOp<"xor", "a xor b (bool or bits)", "Xor (7), BitwiseXor (18)", "none">;

def Graph_CompareOp : Graph_ElementwiseOp<"compare"> {
  let summary = "Elementwise comparison";
  let description = [{
    `y = a PREDICATE b` as bool (`i1`), with NumPy broadcasting; a comparison
    with NaN is false, but for `ne`.

    C1: both operands have the same element type. C2: the shapes broadcast.

    ```mlir
    %y = graph.compare lt %a, %b : tensor<4xf32>, tensor<4xf32>
    ```
    Source: ONNX Equal, Less, LessOrEqual, Greater, GreaterOrEqual. Gradient: none.
  }];
  let arguments = (ins Graph_ComparePredicateAttr:$predicate, Graph_Tensor:$a, Graph_Tensor:$b);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$predicate $a `,` $b attr-dict `:` type($a) `,` type($b)";
}

def Graph_SelectOp : Graph_ElementwiseOp<"select"> {
  let summary = "Elementwise choice";
  let description = [{
    `y = condition ? a : b`, with NumPy broadcasting of all three.

    C1: the condition is bool. C2: a and b have the same element type. C3: the
    shapes broadcast.

    ```mlir
    %y = graph.select %c, %a, %b : tensor<4xi1>, tensor<4xf32>, tensor<f32>
    ```
    Source: ONNX Where (16). Gradient: select(c, dy, 0), select(c, 0, dy).
  }];
  let arguments = (ins Graph_Tensor:$condition, Graph_Tensor:$a, Graph_Tensor:$b);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$condition `,` $a `,` $b attr-dict `:` type($condition) `,` type($a) `,` type($b)";
}

def Graph_ClampOp : Graph_ElementwiseOp<"clamp"> {
  let summary = "Elementwise min(max(x, lo), hi)";
  let description = [{
    ReLU is `lo = 0.0` with `hi` infinite. C1: lo <= hi.

    ```mlir
    %y = graph.clamp %x {lo = 0.0, hi = 6.0} : tensor<4xf32>
    ```
    Source: ONNX Clip (13), Relu (14). Gradient: dy where lo < x < hi.
  }];
  let arguments = (ins Graph_Tensor:$x, F64Attr:$lo, F64Attr:$hi);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x)";
}

def Graph_CastOp : Graph_TypedOp<"cast"> {
  let summary = "Elementwise conversion of the element type";
  let description = [{
    Floating point to integer rounds towards zero; to bool is `x != 0`.

    C1: operand and result have the same shape and encoding.

    ```mlir
    %y = graph.cast %x : tensor<4xi64> to tensor<4xf32>
    ```
    Source: ONNX Cast (19). Gradient: cast back.
  }];
  let arguments = (ins Graph_Tensor:$x);
  let results = (outs Graph_Tensor:$y);
  let assemblyFormat = "$x attr-dict `:` type($x) `to` type($y)";
  let hasFolder = 1;
}

#endif // ACTNET_DIALECT_GRAPH_IR_GRAPHELEMENTWISE_TD
