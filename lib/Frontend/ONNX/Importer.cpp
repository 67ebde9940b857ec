//===- Importer.cpp - the walk over an ONNX graph -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks the model as a whole, then imports node by node in an order in which
// operands come first. Constants are made when they are first used.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "actnet/Dialect/Graph/IR/GivenDims.h"
#include "actnet/Dialect/Graph/IR/Messages.h"
#include "actnet/Frontend/ONNX/Import.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <list>

using namespace mlir;

namespace actnet::onnx {

Importer::Importer(MLIRContext &context, StringRef path, StringRef mapped,
                   ArrayRef<graph::NamedRange> asked)
    : b(&context), context(context), mapped(mapped), asked(asked) {
  // Weights are named by an absolute path, so that text of any level can be
  // written to, and read from, another folder.
  llvm::SmallString<128> absolute(path);
  (void)llvm::sys::fs::make_absolute(absolute);
  this->path = absolute.str().str();
  folder = llvm::sys::path::parent_path(absolute).str();
  if (folder.empty())
    folder = ".";
}

Location Importer::fileLoc() {
  return NameLoc::get(
      StringAttr::get(&context, llvm::sys::path::filename(path)));
}

Location Importer::nodeLoc(const Node &node) {
  return NameLoc::get(StringAttr::get(&context, labelOf(node)), fileLoc());
}

Type Importer::elementType(int64_t onnxType) {
  switch (onnxType) {
  case 1:
    return b.getF32Type();
  case 2:
    return IntegerType::get(&context, 8, IntegerType::Unsigned);
  case 3:
    return b.getI8Type();
  case 4:
    return IntegerType::get(&context, 16, IntegerType::Unsigned);
  case 5:
    return b.getI16Type();
  case 6:
    return b.getI32Type();
  case 7:
    return b.getI64Type();
  case 9:
    return b.getI1Type();
  case 10:
    return b.getF16Type();
  case 11:
    return b.getF64Type();
  case 12:
    return IntegerType::get(&context, 32, IntegerType::Unsigned);
  case 13:
    return IntegerType::get(&context, 64, IntegerType::Unsigned);
  case 16:
    return b.getBF16Type();
  default:
    return nullptr;
  }
}

/// Whether the dim language takes a name as it stands.
static bool isIdentifier(StringRef name) {
  if (name.empty() || llvm::isDigit(name[0]) ||
      llvm::is_contained({"floordiv", "ceildiv", "mod", "min", "max"}, name))
    return false;
  return llvm::all_of(name,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

/// What the file calls a dim; those without a name are called after their
/// value. Some exporters write -1 for a dim that they don't know.
static std::string givenName(const ValueInfo &info, size_t i) {
  const Dim &dim = info.dims[i];
  return dim.name.empty() ? (StringRef(info.name) + "_" + Twine(i)).str()
                          : std::string(dim.name);
}

/// Names that can stay as they are come first, so that what another dim is
/// called does not depend on the order of the inputs.
void Importer::reserveDimNames(const Graph &graph) {
  for (const ValueInfo &input : graph.inputs)
    for (size_t i = 0; i < input.dims.size(); ++i)
      if (std::string name = givenName(input, i);
          input.dims[i].value < 0 && isIdentifier(name)) {
        usedDimNames.insert(name);
        dimNames.try_emplace(name, name);
      }
}

/// The file's name for a dim as an identifier of the dim language. Different
/// names stay different.
std::string Importer::dimName(StringRef given) {
  auto [it, isNew] = dimNames.try_emplace(given);
  if (!isNew)
    return it->second;
  std::string name = given.str();
  for (char &c : name)
    if (!llvm::isAlnum(c) && c != '_')
      c = '_';
  if (!isIdentifier(name))
    name = "d_" + name;
  std::string unique = name;
  for (unsigned i = 2; !usedDimNames.insert(unique).second; ++i)
    unique = name + "_" + std::to_string(i);
  it->second = unique;
  givenDims.push_back(b.getNamedAttr(unique, b.getStringAttr(given)));
  return unique;
}

FailureOr<RankedTensorType> Importer::valueType(const ValueInfo &info) {
  auto fail = [&]() {
    return emitError(fileLoc()) << "value '" << printable(info.name) << "': ";
  };
  if (!info.isTensor) {
    fail() << "only tensors are supported, not sequences, maps or optionals";
    return failure();
  }
  Type element = elementType(info.type);
  if (!element) {
    fail() << "element type " << dataTypeName(info.type) << " is not supported";
    return failure();
  }
  if (!info.hasShape) {
    fail() << "its rank is unknown; give it a shape";
    return failure();
  }
  SmallVector<DimExprAttr> dims;
  for (auto [i, dim] : llvm::enumerate(info.dims)) {
    if (dim.value >= 0) {
      dims.push_back(graph::dimConstant(&context, dim.value));
      continue;
    }
    if (dim.value < -1) {
      fail() << "dim " << i << " is " << dim.value;
      return failure();
    }
    std::string name = dimName(givenName(info, i));
    dims.push_back(graph::dimSymbol(&context, name));
    NamedAttribute bounds =
        b.getNamedAttr(name, b.getDenseI64ArrayAttr({1, -1}));
    if (!llvm::is_contained(dimBounds, bounds))
      dimBounds.push_back(bounds);
  }
  RankedTensorType type = graph::getTensorType(dims, element);
  if (std::string problem = problemOf(type); !problem.empty()) {
    fail() << "it " << problem;
    return failure();
  }
  return type;
}

/// Gives the module its dims with the bounds that were asked for. One with a
/// single value becomes that number, as if the file had it.
LogicalResult Importer::applyBounds(ArrayRef<StringRef> names,
                                    MutableArrayRef<Type> arguments) {
  StringRef attribute = graph::GraphDialect::kDimsAttr;
  (*module)->setAttr(attribute, b.getDictionaryAttr(dimBounds));
  if (!givenDims.empty())
    (*module)->setAttr(graph::kGivenDimsAttr, b.getDictionaryAttr(givenDims));
  if (failed(graph::setDimBounds(*module, asked)))
    return failure();
  llvm::StringMap<int64_t> fixed;
  SmallVector<NamedAttribute> open;
  for (NamedAttribute entry :
       (*module)->getAttrOfType<DictionaryAttr>(attribute)) {
    auto bounds = cast<DenseI64ArrayAttr>(entry.getValue());
    StringRef name = entry.getName().getValue();
    if (bounds[0] == bounds[1]) {
      fixed[name] = bounds[0];
      continue;
    }
    open.push_back(entry);
    ranges[name] = {bounds[0], bounds[1]};
  }
  for (auto [name, argument] : llvm::zip(names, arguments)) {
    auto type = cast<RankedTensorType>(argument);
    SmallVector<DimExprAttr> dims = graph::getDims(type);
    for (DimExprAttr &dim : dims) {
      if (!dim.isSymbol())
        continue;
      if (auto it = fixed.find(dim.getName()); it != fixed.end())
        dim = graph::dimConstant(&context, it->second);
      else if (argumentDim.empty())
        argumentDim = dim.getName().getValue();
    }
    type = graph::getTensorType(dims, type.getElementType());
    if (std::string problem = problemOf(type); !problem.empty())
      return emitError(fileLoc())
             << "value '" << printable(name) << "': it " << problem;
    argument = type;
  }
  (*module)->setAttr(attribute, b.getDictionaryAttr(open));
  return success();
}

FailureOr<SmallVector<const Node *>> Importer::sortNodes(const Graph &graph) {
  // Kahn's algorithm; files keep the order already, nearly always.
  DenseMap<StringRef, unsigned> producer;
  for (auto [i, node] : llvm::enumerate(graph.nodes))
    for (std::string_view output : node.outputs)
      if (!output.empty() && !producer.try_emplace(output, i).second) {
        emitError(fileLoc())
            << "value '" << printable(output) << "' is computed twice";
        return failure();
      }
  SmallVector<unsigned> waiting(graph.nodes.size(), 0), ready;
  SmallVector<SmallVector<unsigned>> users(graph.nodes.size());
  for (auto [i, node] : llvm::enumerate(graph.nodes)) {
    for (std::string_view input : node.inputs)
      if (auto it = producer.find(input);
          !input.empty() && it != producer.end()) {
        ++waiting[i];
        users[it->second].push_back(i);
      }
    if (waiting[i] == 0)
      ready.push_back(i);
  }
  // Stable: the smallest index first keeps the file's order.
  std::make_heap(ready.begin(), ready.end(), std::greater<>());
  SmallVector<const Node *> order;
  while (!ready.empty()) {
    std::pop_heap(ready.begin(), ready.end(), std::greater<>());
    unsigned i = ready.pop_back_val();
    order.push_back(&graph.nodes[i]);
    for (unsigned user : users[i])
      if (--waiting[user] == 0) {
        ready.push_back(user);
        std::push_heap(ready.begin(), ready.end(), std::greater<>());
      }
  }
  if (order.size() == graph.nodes.size())
    return order;
  for (auto [i, node] : llvm::enumerate(graph.nodes))
    if (waiting[i]) {
      emitError(nodeLoc(node))
          << StringRef(node.opType)
          << ": the graph is cyclic: the node needs its own result";
      break;
    }
  return failure();
}

FailureOr<Value> Importer::lookup(StringRef name, Location loc) {
  if (Value known = values.lookup(name))
    return known;
  auto it = initializers.find(name);
  if (auto found = shapes.find(name);
      found != shapes.end() && it == initializers.end()) {
    const ShapeValue &shape = found->second;
    SmallVector<int64_t> extents;
    if (!shape.scalar)
      extents.push_back(shape.elements.size());
    unsigned width = shape.truth ? 1 : shape.narrow ? 32 : 64;
    auto type = RankedTensorType::get(extents, b.getIntegerType(width));
    SmallVector<APInt> numbers;
    for (DimExprAttr e : shape.elements)
      if (std::optional<int64_t> v = graph::constantValue(e))
        numbers.push_back(APInt(64, *v, /*isSigned=*/true).trunc(width));
    Value v;
    if (numbers.size() == shape.elements.size()) {
      v = graph::ConstantOp::create(b, loc, type,
                                    DenseElementsAttr::get(type, numbers));
    } else {
      v = graph::DimValueOp::create(
          b, loc, RankedTensorType::get(extents, b.getI64Type()),
          graph::DimsAttr::get(&context, shape.elements));
      if (shape.narrow)
        v = graph::CastOp::create(b, loc, type, v);
    }
    values[name] = v;
    return v;
  }
  if (it == initializers.end()) {
    emitError(loc) << "operand '" << printable(name)
                   << "' is no input, initializer or result of a node";
    return failure();
  }
  FailureOr<Value> v = constant(*it->second, loc);
  if (succeeded(v))
    values[name] = *v;
  return v;
}

/// A verifier's text with ONNX's names for MLIR's integers. Names of the model
/// stand in quotes, and those of its dims in brackets.
static std::string withTypeNames(StringRef text) {
  std::string out;
  int depth = 0;
  bool isQuoted = false;
  while (!text.empty()) {
    StringRef word =
        text.take_while([](char c) { return llvm::isAlnum(c) || c == '_'; });
    if (word.empty()) {
      char c = text.front();
      isQuoted ^= c == '\'';
      depth += (c == '[') - (c == ']');
      out += c;
      text = text.drop_front();
      continue;
    }
    text = text.drop_front(word.size());
    StringRef width = word;
    bool isUnsigned = width.consume_front("u");
    bool isInteger = width.consume_front("i") &&
                     llvm::is_contained({"1", "8", "16", "32", "64"}, width) &&
                     !isQuoted && depth == 0;
    if (!isInteger)
      out += word;
    else if (width == "1")
      out += "bool";
    else
      out += (isUnsigned ? "uint" : "int") + width.str();
  }
  return out;
}

/// A diagnostic at a node for those who know the model and not the dialect: it
/// begins with the operator, not with "'graph.add' op C2:", and types have the
/// names that ONNX gives them.
static std::string aboutNode(Diagnostic &diagnostic, StringRef opType) {
  std::string text;
  llvm::raw_string_ostream out(text);
  for (const DiagnosticArgument &argument : diagnostic.getArguments())
    if (argument.getKind() == DiagnosticArgument::DiagnosticArgumentKind::Type)
      out << typeName(argument.getAsType());
    else
      out << argument;
  StringRef rest = graph::withoutOp(text);
  std::string operation = printable(opType) + ": ";
  if (StringRef(text).starts_with(operation))
    return text;
  return operation + withTypeNames(rest);
}

LogicalResult Importer::importNode(const Node &node, const ImportTable &table) {
  Location loc = nodeLoc(node);
  bool isOurs = false;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (isOurs || diagnostic.getLocation() != loc)
      return failure();
    InFlightDiagnostic again =
        context.getDiagEngine().emit(loc, diagnostic.getSeverity());
    again << aboutNode(diagnostic, node.opType);
    for (Diagnostic &note : diagnostic.getNotes())
      if (!StringRef(note.str()).starts_with("see current operation"))
        again.attachNote(note.getLocation()) << note.str();
    isOurs = true;
    again.report();
    isOurs = false;
    return success();
  });
  NodeImport import(*this, node, loc);
  if (node.outputs.empty())
    return import.error() << "the node has no output";
  if (failed(checkAttributes(import)))
    return failure();
  std::optional<LogicalResult> asShape = importShapeArithmetic(import);
  if (asShape ? failed(*asShape) : failed(table.lookup(node.opType)(import)))
    return failure();
  if (failed(checkResults(import)))
    return failure();
  followRatios(import);
  return success();
}

LogicalResult Importer::importGraph(const Graph &graph,
                                    const ImportTable &table) {
  for (const Tensor &tensor : graph.initializers) {
    initializers[tensor.name] = &tensor;
    if (std::optional<ShapeValue> shape = shapeOf(tensor))
      shapes[tensor.name] = *shape;
  }
  FailureOr<SmallVector<const Node *>> order = sortNodes(graph);
  if (failed(order))
    return failure();

  reserveDimNames(graph);
  SmallVector<Type> argTypes;
  SmallVector<StringRef> argNames;
  for (const ValueInfo &input : graph.inputs) {
    // Before IR version 4 initializers are listed as inputs too.
    if (initializers.contains(input.name))
      continue;
    FailureOr<RankedTensorType> type = valueType(input);
    if (failed(type))
      return failure();
    argTypes.push_back(*type);
    argNames.push_back(input.name);
  }
  if (failed(applyBounds(argNames, argTypes)))
    return failure();
  b.setInsertionPointToEnd(module->getBody());
  auto func = func::FuncOp::create(b, fileLoc(), "main",
                                   b.getFunctionType(argTypes, {}));
  Block *block = func.addEntryBlock();
  for (auto [i, name] : llvm::enumerate(argNames)) {
    values[name] = block->getArgument(i);
    func.setArgAttr(i, graph::GraphDialect::kNameAttr, b.getStringAttr(name));
  }
  b.setInsertionPointToEnd(block);

  for (const Node *node : *order)
    if (failed(importNode(*node, table)))
      return failure();

  SmallVector<Value> results;
  SmallVector<Attribute> names;
  for (const ValueInfo &output : graph.outputs) {
    FailureOr<Value> v = lookup(output.name, fileLoc());
    if (failed(v))
      return failure();
    if (failed(checkOutput(output, NodeImport::type(*v))))
      return failure();
    results.push_back(*v);
    names.push_back(b.getDictionaryAttr(b.getNamedAttr(
        graph::GraphDialect::kNameAttr, b.getStringAttr(output.name))));
  }
  func::ReturnOp::create(b, fileLoc(), results);
  func.setFunctionType(
      b.getFunctionType(argTypes, ValueRange(results).getTypes()));
  func.setResAttrsAttr(b.getArrayAttr(names));
  if (!checks.empty())
    func->setAttr(graph::GraphDialect::kChecksAttr, b.getArrayAttr(checks));
  return success();
}

OwningOpRef<ModuleOp> Importer::run(const Model &model) {
  ImportTable table;
  addElementwise(table);
  addContract(table);
  addMovement(table);
  addReduceAndNorm(table);
  addScatter(table);
  module = ModuleOp::create(b, fileLoc());
  if (failed(checkModel(model, table)) ||
      failed(importGraph(model.graph, table)))
    return nullptr;
  return std::move(module);
}

OwningOpRef<ModuleOp> importOnnx(StringRef path, MLIRContext &context,
                                 ArrayRef<graph::NamedRange> dims) {
  context.loadDialect<graph::GraphDialect, func::FuncDialect>();
  Location loc = NameLoc::get(StringAttr::get(&context, path));
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer) {
    emitError(loc) << "cannot read the file: " << buffer.getError().message();
    return nullptr;
  }
  StringRef bytes = (*buffer)->getBuffer();
  Expected<Model> model = parseModel({bytes.data(), bytes.size()});
  if (!model) {
    emitError(loc) << model.status().message();
    return nullptr;
  }
  return Importer(context, path, bytes, dims).run(*model);
}

} // namespace actnet::onnx
