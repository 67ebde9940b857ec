//===- Signatures.cpp - what the standard lets a node have ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An attribute that no import function asks for, or an operand behind the last
// one, would be ignored, and a slip of the pen would change the numbers. So
// what an operator may have stands here, for each opset at which that changes:
// from ONNX's operator schemas, with which a test compares the table.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "llvm/ADT/SmallVector.h"

#include <climits>

using namespace mlir;

namespace actnet::onnx {

namespace {
/// An operator from opset `since` on.
struct Signature {
  llvm::StringLiteral op;
  int64_t since;
  size_t inputs, outputs; ///< at most
  llvm::StringLiteral attributes;
};
} // namespace

static constexpr size_t kMany = INT_MAX;

// clang-format off
static constexpr Signature kSignatures[] = {
    {"Abs", 6, 1, 1, ""},
    {"Add", 7, 2, 1, ""},
    {"And", 7, 2, 1, ""},
    {"AveragePool", 7, 1, 1, "auto_pad count_include_pad kernel_shape pads strides"},
    {"AveragePool", 10, 1, 1, "auto_pad ceil_mode count_include_pad kernel_shape pads strides"},
    {"AveragePool", 19, 1, 1, "auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides"},
    {"BatchNormalization", 7, 5, 5, "epsilon momentum spatial"},
    {"BatchNormalization", 9, 5, 5, "epsilon momentum"},
    {"BatchNormalization", 14, 5, 3, "epsilon momentum training_mode"},
    {"BitwiseAnd", 18, 2, 1, ""},
    {"BitwiseNot", 18, 1, 1, ""},
    {"BitwiseOr", 18, 2, 1, ""},
    {"BitwiseXor", 18, 2, 1, ""},
    {"Cast", 6, 1, 1, "to"},
    {"Cast", 19, 1, 1, "saturate to"},
    {"Cast", 24, 1, 1, "round_mode saturate to"},
    {"Ceil", 6, 1, 1, ""},
    {"Clip", 6, 1, 1, "max min"},
    {"Clip", 11, 3, 1, ""},
    {"Concat", 4, kMany, 1, "axis"},
    {"Constant", 1, 0, 1, "value"},
    {"Constant", 11, 0, 1, "sparse_value value"},
    {"Constant", 12, 0, 1, "sparse_value value value_float value_floats value_int value_ints value_string value_strings"},
    {"ConstantOfShape", 9, 1, 1, "value"},
    {"Conv", 1, 3, 1, "auto_pad dilations group kernel_shape pads strides"},
    {"ConvTranspose", 1, 3, 1, "auto_pad dilations group kernel_shape output_padding output_shape pads strides"},
    {"Cos", 7, 1, 1, ""},
    {"Div", 7, 2, 1, ""},
    {"Dropout", 7, 1, 2, "ratio"},
    {"Dropout", 12, 3, 2, "seed"},
    {"Einsum", 12, kMany, 1, "equation"},
    {"Elu", 6, 1, 1, "alpha"},
    {"Equal", 7, 2, 1, ""},
    {"Erf", 9, 1, 1, ""},
    {"Exp", 6, 1, 1, ""},
    {"Expand", 8, 2, 1, ""},
    {"Flatten", 1, 1, 1, "axis"},
    {"Floor", 6, 1, 1, ""},
    {"Gather", 1, 2, 1, "axis"},
    {"GatherElements", 11, 2, 1, "axis"},
    {"GatherND", 11, 2, 1, ""},
    {"GatherND", 12, 2, 1, "batch_dims"},
    {"Gelu", 20, 1, 1, "approximate"},
    {"Gemm", 7, 3, 1, "alpha beta transA transB"},
    {"Gemm", 11, 3, 1, "alpha beta transA transB"},
    {"GlobalAveragePool", 1, 1, 1, ""},
    {"GlobalMaxPool", 1, 1, 1, ""},
    {"Greater", 7, 2, 1, ""},
    {"GreaterOrEqual", 12, 2, 1, ""},
    {"GroupNormalization", 18, 3, 1, "epsilon num_groups"},
    {"GroupNormalization", 21, 3, 1, "epsilon num_groups stash_type"},
    {"HardSigmoid", 6, 1, 1, "alpha beta"},
    {"HardSwish", 14, 1, 1, ""},
    {"Identity", 1, 1, 1, ""},
    {"InstanceNormalization", 6, 3, 1, "epsilon"},
    {"IsNaN", 9, 1, 1, ""},
    {"LayerNormalization", 17, 3, 3, "axis epsilon stash_type"},
    {"LeakyRelu", 6, 1, 1, "alpha"},
    {"Less", 7, 2, 1, ""},
    {"LessOrEqual", 12, 2, 1, ""},
    {"Log", 6, 1, 1, ""},
    {"LogSoftmax", 1, 1, 1, "axis"},
    {"MatMul", 1, 2, 1, ""},
    {"Max", 6, kMany, 1, ""},
    {"MaxPool", 1, 1, 1, "auto_pad kernel_shape pads strides"},
    {"MaxPool", 8, 1, 2, "auto_pad kernel_shape pads storage_order strides"},
    {"MaxPool", 10, 1, 2, "auto_pad ceil_mode dilations kernel_shape pads storage_order strides"},
    {"Mean", 6, kMany, 1, ""},
    {"Min", 6, kMany, 1, ""},
    {"Mod", 10, 2, 1, "fmod"},
    {"Mul", 7, 2, 1, ""},
    {"Neg", 6, 1, 1, ""},
    {"Not", 1, 1, 1, ""},
    {"Or", 7, 2, 1, ""},
    {"PRelu", 7, 2, 1, ""},
    {"Pad", 2, 1, 1, "mode pads value"},
    {"Pad", 11, 3, 1, "mode"},
    {"Pad", 18, 4, 1, "mode"},
    {"Pow", 7, 2, 1, ""},
    {"RMSNormalization", 23, 2, 1, "axis epsilon stash_type"},
    {"Range", 11, 3, 1, ""},
    {"Reciprocal", 6, 1, 1, ""},
    {"ReduceL1", 1, 1, 1, "axes keepdims"},
    {"ReduceL1", 18, 2, 1, "keepdims noop_with_empty_axes"},
    {"ReduceL2", 1, 1, 1, "axes keepdims"},
    {"ReduceL2", 18, 2, 1, "keepdims noop_with_empty_axes"},
    {"ReduceLogSum", 1, 1, 1, "axes keepdims"},
    {"ReduceLogSum", 18, 2, 1, "keepdims noop_with_empty_axes"},
    {"ReduceLogSumExp", 1, 1, 1, "axes keepdims"},
    {"ReduceLogSumExp", 18, 2, 1, "keepdims noop_with_empty_axes"},
    {"ReduceMax", 1, 1, 1, "axes keepdims"},
    {"ReduceMax", 18, 2, 1, "keepdims noop_with_empty_axes"},
    {"ReduceMean", 1, 1, 1, "axes keepdims"},
    {"ReduceMean", 18, 2, 1, "keepdims noop_with_empty_axes"},
    {"ReduceMin", 1, 1, 1, "axes keepdims"},
    {"ReduceMin", 18, 2, 1, "keepdims noop_with_empty_axes"},
    {"ReduceProd", 1, 1, 1, "axes keepdims"},
    {"ReduceProd", 18, 2, 1, "keepdims noop_with_empty_axes"},
    {"ReduceSum", 1, 1, 1, "axes keepdims"},
    {"ReduceSum", 13, 2, 1, "keepdims noop_with_empty_axes"},
    {"ReduceSumSquare", 1, 1, 1, "axes keepdims"},
    {"ReduceSumSquare", 18, 2, 1, "keepdims noop_with_empty_axes"},
    {"Relu", 6, 1, 1, ""},
    {"Reshape", 5, 2, 1, ""},
    {"Reshape", 14, 2, 1, "allowzero"},
    {"Round", 11, 1, 1, ""},
    {"Scatter", 9, 3, 1, "axis"},
    {"ScatterElements", 11, 3, 1, "axis"},
    {"ScatterElements", 16, 3, 1, "axis reduction"},
    {"ScatterND", 11, 3, 1, ""},
    {"ScatterND", 16, 3, 1, "reduction"},
    {"Shape", 1, 1, 1, ""},
    {"Shape", 15, 1, 1, "end start"},
    {"Sigmoid", 6, 1, 1, ""},
    {"Sign", 9, 1, 1, ""},
    {"Sin", 7, 1, 1, ""},
    {"Size", 1, 1, 1, ""},
    {"Slice", 1, 1, 1, "axes ends starts"},
    {"Slice", 10, 5, 1, ""},
    {"Softmax", 1, 1, 1, "axis"},
    {"Softplus", 1, 1, 1, ""},
    {"Split", 2, 1, kMany, "axis split"},
    {"Split", 13, 2, kMany, "axis"},
    {"Split", 18, 2, kMany, "axis num_outputs"},
    {"Sqrt", 6, 1, 1, ""},
    {"Squeeze", 1, 1, 1, "axes"},
    {"Squeeze", 13, 2, 1, ""},
    {"Sub", 7, 2, 1, ""},
    {"Sum", 6, kMany, 1, ""},
    {"Tanh", 6, 1, 1, ""},
    {"TensorScatter", 24, 3, 1, "axis mode"},
    {"Transpose", 1, 1, 1, "perm"},
    {"Trilu", 14, 2, 1, "upper"},
    {"Unsqueeze", 1, 1, 1, "axes"},
    {"Unsqueeze", 13, 2, 1, ""},
    {"Where", 9, 3, 1, ""},
    {"Xor", 7, 2, 1, ""},};
// clang-format on

/// The signature at an opset; the first one where the operator came later.
static const Signature *find(StringRef op, int64_t opset) {
  const Signature *found = nullptr;
  for (const Signature &s : kSignatures)
    if (op == s.op && (!found || s.since <= opset))
      found = &s;
  return found;
}

/// Operands or results up to the last one that has a name.
static size_t countNamed(ArrayRef<std::string_view> names) {
  while (!names.empty() && names.back().empty())
    names = names.drop_back();
  return names.size();
}

LogicalResult checkSignature(NodeImport &n) {
  const Signature *s = find(n.node.opType, n.opset);
  if (!s)
    return success();
  auto refuse = [&](StringRef what, size_t found, size_t most) {
    return n.error() << "expected at most " << most << " " << what
                     << (most == 1 ? "" : "s") << " at opset " << n.opset
                     << ", found " << found;
  };
  if (size_t found = countNamed(n.node.inputs); found > s->inputs)
    return refuse("operand", found, s->inputs);
  if (size_t found = countNamed(n.node.outputs); found > s->outputs)
    return refuse("output", found, s->outputs);
  SmallVector<StringRef> known;
  s->attributes.split(known, ' ', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (const NodeAttribute &a : n.node.attributes) {
    if (llvm::is_contained(known, StringRef(a.name)))
      continue;
    InFlightDiagnostic error = n.error();
    error << "attribute '" << printable(a.name) << "' is unknown at opset "
          << n.opset << "; expected ";
    if (known.empty())
      return error << "none";
    llvm::interleaveComma(known, error);
    return error;
  }
  if (n.node.opType == "Constant" && n.node.attributes.size() != 1)
    return n.error() << "expected one value, found "
                     << n.node.attributes.size();
  return success();
}

} // namespace actnet::onnx
