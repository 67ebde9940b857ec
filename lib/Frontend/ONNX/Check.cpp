//===- Check.cpp - what holds for a model before and while it is imported -===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files come from anywhere: what import functions may rely on is checked here,
// once, so that each of them sees attributes of the right type, names that
// mean one thing, and tensors whose size can be counted.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "actnet/Dialect/Graph/IR/DimLimits.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/StringSwitch.h"

#include <map>

using namespace mlir;

namespace actnet::onnx {

/// Names an error lists of one operator, and characters of the whole list.
static constexpr size_t kListedNodes = 8, kListedCharacters = 1500;
/// Ranks, extents and bytes beyond these are damage, not models.
static constexpr size_t kMaxRank = 32;
static constexpr int64_t kMaxExtent = int64_t(1) << 40, kMaxBytes = int64_t(1)
                                                                    << 48;

std::string printable(StringRef text, size_t limit) {
  std::string out;
  for (char c : text.take_front(limit))
    out += static_cast<unsigned char>(c) < ' ' || c == 127 ? '?' : c;
  return text.size() > limit ? out + "..." : out;
}

std::string dataTypeName(int64_t onnxType) {
  static constexpr const char *names[] = {
      "undefined",      "float",        "uint8",          "int8",
      "uint16",         "int16",        "int32",          "int64",
      "string",         "bool",         "float16",        "double",
      "uint32",         "uint64",       "complex64",      "complex128",
      "bfloat16",       "float8e4m3fn", "float8e4m3fnuz", "float8e5m2",
      "float8e5m2fnuz", "uint4",        "int4",           "float4e2m1"};
  if (onnxType >= 0 && onnxType < int64_t(std::size(names)))
    return names[onnxType];
  return "number " + std::to_string(onnxType);
}

std::string labelOf(const Node &node) {
  return printable(!node.name.empty()      ? node.name
                   : !node.outputs.empty() ? node.outputs[0]
                                           : node.opType);
}

/// `Foo (2: first, second); Bar (1: third)`.
static std::string
listOf(const std::map<std::string, SmallVector<const Node *>> &unsupported) {
  std::string list;
  size_t listed = 0;
  for (auto &[type, nodes] : unsupported) {
    if (list.size() > kListedCharacters)
      return list + "; and " + std::to_string(unsupported.size() - listed) +
             " operators more";
    list += (list.empty() ? "" : "; ") + type + " (" +
            std::to_string(nodes.size()) + ": ";
    for (size_t i = 0; i < nodes.size() && i < kListedNodes; ++i)
      list += (i ? ", " : "") + labelOf(*nodes[i]);
    list += nodes.size() > kListedNodes ? ", ...)" : ")";
    ++listed;
  }
  return list;
}

LogicalResult Importer::checkModel(const Model &model,
                                   const ImportTable &table) {
  auto fail = [&]() { return emitError(fileLoc()); };
  if (model.irVersion > kNewestIRVersion)
    return fail() << "IR version " << model.irVersion << " is newer than "
                  << kNewestIRVersion
                  << ", the newest that this compiler knows";
  bool known = false;
  for (const OpsetImport &import : model.opsets)
    if (import.domain.empty() || import.domain == "ai.onnx") {
      if (known)
        return fail() << "the model imports the default domain twice: opset "
                      << opset << " and opset " << import.version;
      opset = import.version;
      known = true;
    }
  if (!known)
    return fail() << "the model imports no opset of the default domain";
  if (opset < kOldestOpset)
    return fail() << "opset " << opset << " is too old: expected "
                  << kOldestOpset << " or later; convert the model first";
  if (opset > kNewestOpset)
    return fail() << "opset " << opset << " is newer than " << kNewestOpset
                  << ", the newest that this compiler knows";
  if (model.functions)
    return fail() << "the model defines " << model.functions
                  << " functions of its own; inline them first";
  if (model.graph.hasSparse)
    return fail() << "sparse initializers are not supported";
  // All unsupported operators in one error.
  std::map<std::string, SmallVector<const Node *>> unsupported;
  for (const Node &node : model.graph.nodes) {
    bool ours = node.domain.empty() || node.domain == "ai.onnx";
    if (ours && table.contains(node.opType))
      continue;
    std::string type = printable(node.opType);
    unsupported[ours ? type : printable(node.domain) + "." + type].push_back(
        &node);
  }
  if (!unsupported.empty())
    return fail() << "operators that are not supported: "
                  << listOf(unsupported);
  return checkNames(model.graph);
}

/// Inputs, initializers and results share one name space. An initializer may
/// be the default of an input, which makes it a constant.
LogicalResult Importer::checkNames(const Graph &graph) {
  llvm::StringSet<> constants, inputs, outputs;
  auto fail = [&](StringRef what, StringRef name) {
    return emitError(fileLoc()) << what << " '" << printable(name) << "' ";
  };
  for (const Tensor &tensor : graph.initializers)
    if (!constants.insert(tensor.name).second)
      return fail("initializer", tensor.name) << "is listed twice";
  // Programs print these names, and take them on their command line.
  auto isText = [](std::string_view name) {
    return llvm::none_of(name,
                         [](unsigned char c) { return c < ' ' || c == 127; });
  };
  for (const ValueInfo &input : graph.inputs) {
    if (!inputs.insert(input.name).second)
      return fail("input", input.name) << "is listed twice";
    if (!isText(input.name) && !constants.contains(input.name))
      return fail("input", input.name)
             << "has a control character in its name; rename it";
  }
  for (const ValueInfo &output : graph.outputs) {
    if (!outputs.insert(output.name).second)
      return fail("output", output.name) << "is listed twice";
    if (!isText(output.name))
      return fail("output", output.name)
             << "has a control character in its name; rename it";
  }
  if (graph.outputs.empty())
    return emitError(fileLoc()) << "the graph has no output";
  for (const Node &node : graph.nodes)
    for (std::string_view output : node.outputs)
      if (!output.empty() &&
          (constants.contains(output) || inputs.contains(output)))
        return emitError(nodeLoc(node))
               << StringRef(node.opType) << ": its output '"
               << printable(output)
               << "' is an input or initializer of the graph";
  return success();
}

/// AttributeProto.AttributeType by attribute name: ONNX uses a name for one
/// type only, but for `value`. 0 for names that import never reads.
static int64_t expectedType(StringRef op, StringRef name) {
  if (name == "value")
    return op == "Pad" ? 1 : 4;
  return llvm::StringSwitch<int64_t>(name)
      .Cases({"alpha", "beta", "epsilon", "min", "max", "value_float"}, 1)
      .Cases({"axis", "allowzero", "ceil_mode", "count_include_pad", "end",
              "fmod", "group"},
             2)
      .Cases({"keepdims", "noop_with_empty_axes", "num_groups", "num_outputs",
              "start"},
             2)
      .Cases({"to", "training_mode", "transA", "transB", "upper", "value_int"},
             2)
      .Case("batch_dims", 2)
      .Cases({"approximate", "auto_pad", "equation", "mode", "reduction"}, 3)
      .Case("value_floats", 6)
      .Cases({"axes", "dilations", "ends", "kernel_shape", "pads", "perm"}, 7)
      .Cases({"output_padding", "output_shape"}, 7)
      .Cases({"split", "starts", "strides", "value_ints"}, 7)
      .Default(0);
}

LogicalResult Importer::checkAttributes(NodeImport &n) {
  if (failed(checkSignature(n)))
    return failure();
  static constexpr StringRef names[] = {"undefined", "float",  "int",
                                        "string",    "tensor", "graph",
                                        "floats",    "ints",   "strings"};
  llvm::StringSet<> seen;
  for (const NodeAttribute &a : n.node.attributes) {
    if (!seen.insert(a.name).second)
      return n.error() << "attribute '" << printable(a.name)
                       << "' is there twice";
    int64_t expected = expectedType(n.node.opType, a.name);
    if (expected == 0 || a.type == expected)
      continue;
    bool known = a.type >= 0 && a.type < static_cast<int64_t>(std::size(names));
    return n.error() << "attribute '" << printable(a.name) << "': expected "
                     << names[expected] << ", found "
                     << (known ? names[a.type] : StringRef("another type"));
  }
  return success();
}

std::string Importer::problemOf(RankedTensorType type) {
  if (static_cast<size_t>(type.getRank()) > kMaxRank)
    return "has rank " + std::to_string(type.getRank()) +
           ", expected at most " + std::to_string(kMaxRank);
  int64_t bytes = graph::getElementBytes(type.getElementType());
  for (auto [i, dim] : llvm::enumerate(graph::getDims(type))) {
    if (graph::isTooLarge(dim))
      return "has " + graph::kTooLargeDim.str() + " in its dim " +
             std::to_string(i);
    if (dim.isConstant() && dim.getValue() < 0)
      return "has " + std::to_string(dim.getValue()) + " as its dim " +
             std::to_string(i);
    // Names count as 1, their least value.
    std::optional<int64_t> extent = graph::dimEvaluate(
        dim, [](StringRef) { return std::optional<int64_t>(1); });
    if (!extent || *extent > kMaxExtent ||
        __builtin_mul_overflow(bytes, std::max<int64_t>(*extent, 1), &bytes) ||
        bytes > kMaxBytes)
      return "is too large to be a tensor: " + printable(graph::toString(dim)) +
             " as its dim " + std::to_string(i);
  }
  return {};
}

LogicalResult Importer::checkResults(NodeImport &n) {
  for (std::string_view output : n.node.outputs) {
    Value v = values.lookup(output);
    if (!v)
      continue;
    if (std::string problem = problemOf(NodeImport::type(v)); !problem.empty())
      return n.error() << "its output '" << printable(output) << "' "
                       << problem;
  }
  return success();
}

/// The type that a file declares, such as `float [N, 3]`.
static std::string declaredType(const ValueInfo &info) {
  std::string text = dataTypeName(info.type);
  if (!info.hasShape)
    return text;
  text += " [";
  for (auto [i, dim] : llvm::enumerate(info.dims))
    text += (i ? ", " : "") + (dim.value >= 0     ? std::to_string(dim.value)
                               : dim.name.empty() ? std::string("?")
                                                  : printable(dim.name));
  return text + "]";
}

std::string typeName(Type type) {
  std::string text;
  llvm::raw_string_ostream out(text);
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (auto integer = dyn_cast<IntegerType>(type)) {
    if (integer.getWidth() == 1)
      return "bool";
    out << (integer.isUnsigned() ? "uint" : "int") << integer.getWidth();
    return text;
  }
  if (!tensor) {
    out << type;
    return text;
  }
  out << typeName(tensor.getElementType()) << " [";
  llvm::interleaveComma(graph::getDims(tensor), out, [&](DimExprAttr dim) {
    out << printable(graph::toString(dim));
  });
  out << "]";
  return text;
}

/// What the file declares for an output must have the element type and rank
/// that the graph computes. Where only an extent differs, the graph is right
/// and the file's writer was mistaken: exporters infer shapes of their own, and
/// ONNX's inference is wrong for some pools with ceil_mode.
LogicalResult Importer::checkOutput(const ValueInfo &info,
                                    RankedTensorType type) {
  if (!info.type)
    return success();
  auto say = [&](InFlightDiagnostic diagnostic) -> InFlightDiagnostic {
    diagnostic << "output '" << printable(info.name) << "': the graph computes "
               << typeName(type) << ", the file declares "
               << declaredType(info);
    return diagnostic;
  };
  SmallVector<DimExprAttr> dims = graph::getDims(type);
  if (elementType(info.type) != type.getElementType() ||
      (info.hasShape && info.dims.size() != dims.size()))
    return say(emitError(fileLoc()));
  for (auto [dim, declared] : llvm::zip(dims, info.dims))
    if (declared.value >= 0 && dim.isConstant() &&
        dim.getValue() != declared.value) {
      say(emitWarning(fileLoc())) << "; the program follows the graph";
      break;
    }
  return success();
}

} // namespace actnet::onnx
