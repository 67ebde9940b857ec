//===- Importer.cpp - the walk over an ONNX graph -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks the model as a whole, then imports node by node in an order in which
// operands come first. Constants are made when they are first used.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "actnet/Frontend/ONNX/Import.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <list>

using namespace mlir;

namespace actnet::onnx {

Importer::Importer(MLIRContext &context, StringRef path, StringRef mapped)
    : b(&context), context(context), mapped(mapped) {
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

LogicalResult Importer::checkModel(const Model &model,
                                   const ImportTable &table) {
  auto fail = [&]() { return emitError(fileLoc()); };
  for (const OpsetImport &import : model.opsets)
    if (import.domain.empty() || import.domain == "ai.onnx")
      opset = import.version;
  if (opset == 0)
    return fail() << "the model imports no opset of the default domain";
  if (opset < 7)
    return fail()
           << "opset " << opset
           << " is too old: expected 7 or later; convert the model first";
  // A later opset may give an operator another meaning.
  constexpr int64_t newestOpset = 24;
  if (opset > newestOpset)
    return fail() << "opset " << opset << " is newer than " << newestOpset
                  << ", the newest that this compiler knows";
  if (model.functions)
    return fail() << "the model defines " << model.functions
                  << " functions of its own; inline them first";
  if (model.graph.hasSparse)
    return fail() << "sparse initializers are not supported";
  // All unsupported operators in one error.
  llvm::MapVector<StringRef, SmallVector<StringRef>> unsupported;
  std::list<std::string> qualified; // names with a domain, at stable addresses
  for (const Node &node : model.graph.nodes) {
    bool ours = node.domain.empty() || node.domain == "ai.onnx";
    if (ours && (table.contains(node.opType) || node.opType == "Constant"))
      continue;
    StringRef type = node.opType;
    if (!ours)
      type =
          qualified.emplace_back((StringRef(node.domain) + "." + type).str());
    unsupported[type].push_back(
        node.name.empty() ? (node.outputs.empty() ? StringRef("?")
                                                  : StringRef(node.outputs[0]))
                          : StringRef(node.name));
  }
  if (unsupported.empty())
    return success();
  std::string list;
  for (auto &[type, nodes] : unsupported) {
    list += (list.empty() ? "" : "; ") + type.str() + " (" +
            std::to_string(nodes.size()) + ": ";
    for (size_t i = 0; i < nodes.size() && i < 8; ++i)
      list += (i ? ", " : "") + nodes[i].str();
    list += nodes.size() > 8 ? ", ...)" : ")";
  }
  return fail() << "operators that are not supported: " << list;
}

FailureOr<RankedTensorType> Importer::valueType(const ValueInfo &info) {
  auto fail = [&]() {
    return emitError(fileLoc()) << "value '" << StringRef(info.name) << "': ";
  };
  if (!info.isTensor) {
    fail() << "only tensors are supported, not sequences, maps or optionals";
    return failure();
  }
  Type element = elementType(info.type);
  if (!element) {
    fail() << "element type " << info.type << " is not supported";
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
    std::string name = dim.name.empty()
                           ? (StringRef(info.name) + "_" + Twine(i)).str()
                           : std::string(dim.name);
    // A name is an identifier of the dim language.
    for (char &c : name)
      if (!isalnum(static_cast<unsigned char>(c)) && c != '_')
        c = '_';
    if (name.empty() || isdigit(static_cast<unsigned char>(name[0])))
      name = "d_" + name;
    dims.push_back(graph::dimSymbol(&context, name));
    NamedAttribute bounds =
        b.getNamedAttr(name, b.getDenseI64ArrayAttr({1, -1}));
    if (!llvm::is_contained(dimBounds, bounds))
      dimBounds.push_back(bounds);
  }
  return graph::getTensorType(dims, element);
}

FailureOr<SmallVector<const Node *>> Importer::sortNodes(const Graph &graph) {
  // Kahn's algorithm; files keep the order already, nearly always.
  DenseMap<StringRef, unsigned> producer;
  for (auto [i, node] : llvm::enumerate(graph.nodes))
    for (std::string_view output : node.outputs)
      if (!output.empty() && !producer.try_emplace(output, i).second) {
        emitError(fileLoc())
            << "value '" << StringRef(output) << "' is computed twice";
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
      emitError(fileLoc()) << "the graph is cyclic: node '"
                           << StringRef(node.name) << "' ("
                           << StringRef(node.opType)
                           << ") needs its own result";
      break;
    }
  return failure();
}

FailureOr<Value> Importer::lookup(StringRef name, Location loc) {
  if (Value known = values.lookup(name))
    return known;
  if (auto it = shapes.find(name); it != shapes.end()) {
    const ShapeValue &shape = it->second;
    SmallVector<int64_t> extents;
    if (!shape.scalar)
      extents.push_back(shape.elements.size());
    auto type = RankedTensorType::get(extents, b.getI64Type());
    SmallVector<int64_t> numbers;
    for (DimExprAttr e : shape.elements)
      if (std::optional<int64_t> v = graph::constantValue(e))
        numbers.push_back(*v);
    Value v;
    if (numbers.size() == shape.elements.size())
      v = graph::ConstantOp::create(b, loc, type,
                                    DenseIntElementsAttr::get(type, numbers));
    else
      v = graph::DimValueOp::create(
          b, loc, type, graph::DimsAttr::get(&context, shape.elements));
    values[name] = v;
    return v;
  }
  auto it = initializers.find(name);
  if (it == initializers.end()) {
    emitError(loc) << "operand '" << name
                   << "' is no input, initializer or result of a node";
    return failure();
  }
  FailureOr<Value> v = constant(*it->second, loc);
  if (succeeded(v))
    values[name] = *v;
  return v;
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
  b.setInsertionPointToEnd(module->getBody());
  auto func = func::FuncOp::create(b, fileLoc(), "main",
                                   b.getFunctionType(argTypes, {}));
  Block *block = func.addEntryBlock();
  for (auto [i, name] : llvm::enumerate(argNames)) {
    if (!values.try_emplace(name, block->getArgument(i)).second)
      return emitError(fileLoc()) << "input '" << name << "' is listed twice";
    func.setArgAttr(i, graph::GraphDialect::kNameAttr, b.getStringAttr(name));
  }
  b.setInsertionPointToEnd(block);

  for (const Node *node : *order) {
    StringRef label = !node->name.empty()      ? StringRef(node->name)
                      : !node->outputs.empty() ? StringRef(node->outputs[0])
                                               : StringRef(node->opType);
    Location loc = NameLoc::get(b.getStringAttr(label));
    NodeImport import(*this, *node, loc);
    if (node->outputs.empty())
      return import.error() << "the node has no output";
    std::optional<LogicalResult> asShape = importShapeArithmetic(import);
    if (asShape ? failed(*asShape) : failed(table.lookup(node->opType)(import)))
      return failure();
    for (std::string_view output : node->outputs)
      if (Value v = values.lookup(output);
          v && !isa<RankedTensorType>(v.getType()))
        return import.error()
               << "internal: output '" << StringRef(output) << "' is no tensor";
  }

  SmallVector<Value> results;
  SmallVector<Attribute> names;
  if (graph.outputs.empty())
    return emitError(fileLoc()) << "the graph has no output";
  for (const ValueInfo &output : graph.outputs) {
    FailureOr<Value> v = lookup(output.name, fileLoc());
    if (failed(v))
      return failure();
    results.push_back(*v);
    names.push_back(b.getDictionaryAttr(b.getNamedAttr(
        graph::GraphDialect::kNameAttr, b.getStringAttr(output.name))));
  }
  func::ReturnOp::create(b, fileLoc(), results);
  func.setFunctionType(
      b.getFunctionType(argTypes, ValueRange(results).getTypes()));
  func.setResAttrsAttr(b.getArrayAttr(names));
  (*module)->setAttr(graph::GraphDialect::kDimsAttr,
                     b.getDictionaryAttr(dimBounds));
  return success();
}

OwningOpRef<ModuleOp> Importer::run(const Model &model) {
  ImportTable table;
  addElementwise(table);
  addContract(table);
  addMovement(table);
  addReduceAndNorm(table);
  module = ModuleOp::create(b, fileLoc());
  if (failed(checkModel(model, table)) ||
      failed(importGraph(model.graph, table)))
    return nullptr;
  return std::move(module);
}

OwningOpRef<ModuleOp> importOnnx(StringRef path, MLIRContext &context) {
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
  return Importer(context, path, bytes).run(*model);
}

} // namespace actnet::onnx
