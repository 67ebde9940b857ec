//===- Graph.cpp - functions, inputs, outputs, compiling ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "State.h"

#include "actnet/Dialect/Graph/IR/DimLimits.h"
#include "actnet/Dialect/Graph/IR/WeightStore.h"
#include "actnet/Pipelines/Compile.h"
#include "actnet/Pipelines/InitAll.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <cmath>
#include <cstring>
#include <mutex>

using namespace mlir;

namespace actnet {

using detail::DimNode;
using detail::FunctionState;
using detail::GraphState;
using graph::DimExprAttr;

//===----------------------------------------------------------------------===//
// Dims
//===----------------------------------------------------------------------===//

/// More than any polynomial that the dialect keeps apart needs.
static constexpr unsigned kMostDimNodes = 4096;

static std::shared_ptr<const DimNode> node(DimNode::Kind kind, int64_t value,
                                           std::string name) {
  return std::make_shared<DimNode>(DimNode{kind, value, std::move(name)});
}

/// An expression of two; null where one was moved from.
static std::shared_ptr<const DimNode>
node(DimNode::Kind kind, const std::shared_ptr<const DimNode> &a,
     const std::shared_ptr<const DimNode> &b) {
  if (!a || !b)
    return nullptr;
  DimNode made{kind, 0, "", a, b};
  made.depth = std::max(a->depth, b->depth) + 1;
  made.size = a->size + b->size + 1;
  if (a->kind == DimNode::Kind::tooLarge ||
      b->kind == DimNode::Kind::tooLarge || made.depth > graph::kMostDimDepth ||
      made.size > kMostDimNodes)
    return node(DimNode::Kind::tooLarge, 0, "");
  return std::make_shared<DimNode>(std::move(made));
}

Dim::Dim(int64_t value)
    : node(actnet::node(DimNode::Kind::number, value, "")) {}

Dim operator+(const Dim &a, const Dim &b) {
  return Dim(node(DimNode::Kind::add, a.node, b.node));
}
Dim operator-(const Dim &a, const Dim &b) {
  return Dim(node(DimNode::Kind::sub, a.node, b.node));
}
Dim operator*(const Dim &a, const Dim &b) {
  return Dim(node(DimNode::Kind::mul, a.node, b.node));
}
Dim floorDiv(const Dim &a, const Dim &b) {
  return Dim(node(DimNode::Kind::floorDiv, a.node, b.node));
}

DimExprAttr GraphState::expr(const DimNode &node) {
  switch (node.kind) {
  case DimNode::Kind::number:
    return graph::dimConstant(&context, node.value);
  case DimNode::Kind::name:
    return graph::dimSymbol(&context, node.name);
  case DimNode::Kind::add:
    return graph::dimAdd(expr(*node.a), expr(*node.b));
  case DimNode::Kind::sub:
    return graph::dimSub(expr(*node.a), expr(*node.b));
  case DimNode::Kind::mul:
    return graph::dimMul(expr(*node.a), expr(*node.b));
  case DimNode::Kind::floorDiv:
    return graph::dimFloorDiv(expr(*node.a), expr(*node.b));
  case DimNode::Kind::tooLarge:
    break;
  }
  llvm_unreachable("every kind is handled");
}

/// The first name in a dim's expression that is not in `known`, or null.
static const std::string *
findStranger(const DimNode &node,
             const std::map<std::string, std::pair<int64_t, int64_t>> &known) {
  if (node.kind == DimNode::Kind::name)
    return known.contains(node.name) ? nullptr : &node.name;
  for (const DimNode *part : {node.a.get(), node.b.get()})
    if (part)
      if (const std::string *name = findStranger(*part, known))
        return name;
  return nullptr;
}

std::optional<int64_t> GraphState::badDivisor(const DimNode &node) {
  if (node.kind == DimNode::Kind::number || node.kind == DimNode::Kind::name)
    return std::nullopt;
  for (const DimNode *part : {node.a.get(), node.b.get()})
    if (std::optional<int64_t> bad = badDivisor(*part))
      return bad;
  if (node.kind != DimNode::Kind::floorDiv)
    return std::nullopt;
  std::optional<int64_t> divisor = graph::constantValue(expr(*node.b));
  return divisor && *divisor < 1 ? divisor : std::nullopt;
}

std::optional<SmallVector<DimExprAttr>>
GraphState::exprs(const std::vector<Dim> &shape, const Where &where) {
  SmallVector<DimExprAttr> list;
  for (const Dim &dim : shape) {
    if (!dim.node) {
      fail(where, "a dim was moved from");
      return std::nullopt;
    }
    if (dim.node->kind == DimNode::Kind::tooLarge) {
      fail(where, "a dim expression nests more than " +
                      std::to_string(graph::kMostDimDepth) +
                      " deep or has more than " +
                      std::to_string(kMostDimNodes) + " parts");
      return std::nullopt;
    }
    if (const std::string *name = findStranger(*dim.node, dims)) {
      fail(where, "dim '" + *name + "' belongs to another graph");
      return std::nullopt;
    }
    if (std::optional<int64_t> divisor = badDivisor(*dim.node)) {
      fail(where, "floorDiv: a dim is divided by " + std::to_string(*divisor) +
                      "; the divisor must be positive");
      return std::nullopt;
    }
    list.push_back(expr(*dim.node));
    if (std::optional<int64_t> value = graph::constantValue(list.back());
        value && *value < 0) {
      fail(where, "an extent is " + std::to_string(*value) +
                      "; it must not be below zero");
      return std::nullopt;
    }
  }
  return list;
}

bool GraphState::isOpen(size_t index, const Where &where) {
  if (!error)
    return false;
  if (index + 1 == functions.size() && !functions[index].ended)
    return true;
  fail(where, "function '" + functions[index].func.getSymName().str() +
                  "' is ended; it takes nothing more");
  return false;
}

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

std::string detail::userText(StringRef message) {
  StringRef rest = message;
  std::string name;
  if (rest.consume_front("'graph.")) {
    auto [operation, text] = rest.split("' op ");
    if (text.empty())
      return message.str();
    name = operation.str() + ": ";
    rest = text;
  }
  // The number of the constraint in the dialect's reference.
  StringRef text = rest;
  unsigned number;
  if (text.consume_front("C") && !text.consumeInteger(10, number) &&
      text.consume_front(": "))
    rest = text;
  return name + rest.str();
}

std::string detail::shortText(StringRef message) {
  constexpr size_t most = 480, head = 320, tail = 120;
  if (message.size() <= most)
    return message.str();
  // No character of several bytes is cut in two.
  auto isInside = [](char c) { return (c & 0xC0) == 0x80; };
  size_t end = head, begin = message.size() - tail;
  while (end > 0 && isInside(message[end]))
    --end;
  while (begin < message.size() && isInside(message[begin]))
    ++begin;
  return (message.take_front(end) + " [...] " + message.drop_front(begin))
      .str();
}

GraphState::GraphState(std::string_view name)
    : context([] {
        DialectRegistry registry;
        registerAllDialects(registry);
        return registry;
      }()),
      b(&context) {
  static std::once_flag once;
  std::call_once(once, registerAllPasses);
  context.loadDialect<graph::GraphDialect, func::FuncDialect>();
  module = ModuleOp::create(NameLoc::get(b.getStringAttr(StringRef(name))),
                            StringRef(name));
}

Location GraphState::location(const Where &where) {
  return FileLineColLoc::get(&context, where.file_name(), where.line(),
                             where.column());
}

void GraphState::fail(const Where &where, std::string_view message) {
  if (!error)
    return;
  error = Status(StatusCode::invalidArgument,
                 std::string(where.file_name()) + ":" +
                     std::to_string(where.line()) + ": " +
                     detail::shortText(message));
}

Type GraphState::type(DType type, const Where &where) {
  switch (type) {
  case DType::f32:
    return b.getF32Type();
  case DType::f64:
    return b.getF64Type();
  case DType::f16:
    return b.getF16Type();
  case DType::bf16:
    return b.getBF16Type();
  case DType::i8:
    return b.getI8Type();
  case DType::i16:
    return b.getI16Type();
  case DType::i32:
    return b.getI32Type();
  case DType::i64:
    return b.getI64Type();
  case DType::boolean:
    return b.getI1Type();
  }
  fail(where, "element type " + std::to_string(static_cast<int>(type)) +
                  " is none of actnet::DType");
  return nullptr;
}

GraphState *GraphState::stateOf(ArrayRef<Value> operands) {
  for (Value v : operands)
    if (v.state)
      return v.state;
  return nullptr;
}

std::optional<SmallVector<mlir::Value>>
GraphState::take(ArrayRef<Value> operands, const Where &where) {
  if (!error)
    return std::nullopt;
  if (!functions.empty() && !isOpen(functions.size() - 1, where))
    return std::nullopt;
  SmallVector<mlir::Value> values;
  for (Value v : operands) {
    if (!v) {
      fail(where, "an operand is no value");
      return std::nullopt;
    }
    if (v.state != this ||
        unwrap(v).getParentBlock() != b.getInsertionBlock()) {
      fail(where, "an operand belongs to another function");
      return std::nullopt;
    }
    values.push_back(unwrap(v));
  }
  return values;
}

Status GraphState::end() {
  // No call is to blame, so there is no place to name.
  if (functions.empty() && error)
    error =
        Status(StatusCode::invalidArgument,
               "graph '" + module->getName().value_or("").str() +
                   "': the graph has no function; Graph::function adds one");
  for (FunctionState &f : functions) {
    if (f.ended || !error)
      continue;
    f.ended = true;
    Block &block = f.func.getBody().front();
    OpBuilder at = OpBuilder::atBlockEnd(&block);
    SmallVector<mlir::Value> results;
    SmallVector<Attribute> attributes;
    for (auto &[name, value] : f.outputs) {
      results.push_back(value);
      attributes.push_back(at.getDictionaryAttr(at.getNamedAttr(
          graph::GraphDialect::kNameAttr, at.getStringAttr(name))));
    }
    for (auto &[current, next] : f.updates) {
      results.push_back(next);
      attributes.push_back(at.getDictionaryAttr(at.getNamedAttr(
          graph::GraphDialect::kTiedAttr,
          at.getI64IntegerAttr(cast<BlockArgument>(current).getArgNumber()))));
    }
    func::ReturnOp::create(at, f.func.getLoc(), results);
    f.func.setFunctionType(at.getFunctionType(block.getArgumentTypes(),
                                              ValueRange(results).getTypes()));
    f.func.setResAttrsAttr(at.getArrayAttr(attributes));
  }
  SmallVector<NamedAttribute> bounds;
  for (auto &[name, range] : dims)
    bounds.push_back(b.getNamedAttr(
        name, b.getDenseI64ArrayAttr({range.first, range.second})));
  (*module)->setAttr(graph::GraphDialect::kDimsAttr,
                     b.getDictionaryAttr(bounds));
  return error;
}

size_t Value::rank() const {
  return handle ? cast<RankedTensorType>(GraphState::unwrap(*this).getType())
                      .getRank()
                : 0;
}

std::string Value::dim(size_t i) const {
  return i < rank() ? graph::toString(graph::getDims(cast<RankedTensorType>(
                          GraphState::unwrap(*this).getType()))[i])
                    : std::string();
}

//===----------------------------------------------------------------------===//
// Function
//===----------------------------------------------------------------------===//

/// Adds an argument with one attribute.
static Value addArgument(GraphState *state, size_t index, StringRef key,
                         std::string_view name, DType type,
                         const std::vector<Dim> &shape, const Where &where) {
  if (!state || !state->isOpen(index, where))
    return {};
  GraphState &s = *state;
  FunctionState &f = s.functions[index];
  for (unsigned i = 0; i < f.func.getNumArguments(); ++i)
    if (auto known = f.func.getArgAttrOfType<StringAttr>(i, key);
        known && known.getValue() == StringRef(name))
      s.fail(where, "'" + std::string(name) + "' exists already");
  auto dims = s.exprs(shape, where);
  Type element = s.type(type, where);
  if (!s.error || !dims)
    return {};
  RankedTensorType tensor = graph::getTensorType(*dims, element);
  // A variable is one and the same in all functions.
  if (key == graph::GraphDialect::kVariableAttr)
    for (FunctionState &other : s.functions)
      for (unsigned i = 0; i < other.func.getNumArguments(); ++i)
        if (auto known = other.func.getArgAttrOfType<StringAttr>(i, key);
            known && known.getValue() == StringRef(name) &&
            other.func.getArgument(i).getType() != tensor)
          s.fail(where, "variable '" + std::string(name) +
                            "' has another type in function '" +
                            other.func.getSymName().str() + "'");
  if (!s.error)
    return {};
  unsigned i = f.func.getNumArguments();
  NamedAttribute attribute =
      s.b.getNamedAttr(key, s.b.getStringAttr(StringRef(name)));
  if (failed(f.func.insertArgument(i, tensor, s.b.getDictionaryAttr(attribute),
                                   s.location(where)))) {
    s.fail(where, "the argument could not be added");
    return {};
  }
  return s.wrap(f.func.getArgument(i));
}

Value Function::input(std::string_view name, DType type, std::vector<Dim> shape,
                      Where where) {
  return addArgument(state, index, graph::GraphDialect::kNameAttr, name, type,
                     shape, where);
}

Value Function::variable(std::string_view name, DType type,
                         std::vector<Dim> shape, Where where) {
  return addArgument(state, index, graph::GraphDialect::kVariableAttr, name,
                     type, shape, where);
}

void Function::update(Value current, Value next, Where where) {
  if (!state || !state->isOpen(index, where))
    return;
  auto values = state->take({current, next}, where);
  if (!values)
    return;
  auto arg = dyn_cast<BlockArgument>((*values)[0]);
  FunctionState &f = state->functions[index];
  if (!arg || !f.func.getArgAttr(arg.getArgNumber(),
                                 graph::GraphDialect::kVariableAttr))
    return state->fail(where, "only a variable can be updated");
  if (arg.getType() != (*values)[1].getType())
    return state->fail(where,
                       "the next value has another type than the variable");
  for (auto &known : f.updates)
    if (known.first == (*values)[0])
      return state->fail(where, "the variable is updated already");
  f.updates.emplace_back((*values)[0], (*values)[1]);
}

Value Function::constant(DType type, std::vector<int64_t> shape,
                         std::span<const std::byte> data, Where where) {
  if (!state || !state->isOpen(index, where))
    return {};
  GraphState &s = *state;
  int64_t count = 1;
  for (int64_t d : shape)
    if (d < 0 || __builtin_mul_overflow(count, d, &count)) {
      s.fail(where, "the constant's shape is not valid");
      return {};
    }
  Type element = s.type(type, where);
  if (!element)
    return {};
  auto tensor = RankedTensorType::get(shape, element);
  int64_t bytes = 0;
  if (__builtin_mul_overflow(count, graph::getElementBytes(element), &bytes) ||
      bytes != static_cast<int64_t>(data.size())) {
    s.fail(where, "the constant has " + std::to_string(data.size()) +
                      " bytes, its type needs " + std::to_string(bytes));
    return {};
  }
  auto owner = std::make_shared<std::vector<char>>(data.size());
  if (!data.empty())
    std::memcpy(owner->data(), data.data(), data.size());
  std::string key = "graph:" + std::to_string(s.buffers++);
  s.context.getLoadedDialect<graph::GraphDialect>()
      ->getWeightStore()
      .registerBuffer(key, ArrayRef<char>(owner->data(), owner->size()), owner);
  Attribute value =
      graph::WeightAttr::get(&s.context, "buffer:" + key, 0, bytes);
  return s.wrap(
      graph::ConstantOp::create(s.b, s.location(where), tensor, value));
}

Value Function::scalar(DType type, double value, Where where) {
  if (!state || !state->isOpen(index, where))
    return {};
  GraphState &s = *state;
  Type element = s.type(type, where);
  if (!element)
    return {};
  auto tensor = RankedTensorType::get({}, element);
  TypedAttr number;
  if (isa<FloatType>(element)) {
    number = s.b.getFloatAttr(element, value);
  } else if (type == DType::boolean) {
    number = s.b.getBoolAttr(value != 0);
  } else {
    double limit = std::ldexp(1.0, element.getIntOrFloatBitWidth() - 1);
    bool isWhole = value == std::trunc(value);
    if (!isWhole || !(value >= -limit && value < limit)) {
      std::string text = llvm::formatv("scalar {0} ", value).str();
      s.fail(where, text + (isWhole ? "is not in the range of its integer type"
                                    : "is no integer, but its type is one"));
      return {};
    }
    number = s.b.getIntegerAttr(element, static_cast<int64_t>(value));
  }
  return s.wrap(graph::ConstantOp::create(
      s.b, s.location(where), tensor, DenseElementsAttr::get(tensor, number)));
}

void Function::output(std::string_view name, Value value, Where where) {
  if (!state || !state->isOpen(index, where))
    return;
  auto values = state->take(value, where);
  if (!values)
    return;
  FunctionState &f = state->functions[index];
  for (auto &known : f.outputs)
    if (known.first == name)
      return state->fail(where,
                         "output '" + std::string(name) + "' exists already");
  f.outputs.emplace_back(std::string(name), values->front());
}

//===----------------------------------------------------------------------===//
// Graph
//===----------------------------------------------------------------------===//

Graph::Graph(std::string_view name)
    : state(std::make_unique<GraphState>(name)) {}
Graph::~Graph() = default;
Graph::Graph(Graph &&) noexcept = default;
Graph &Graph::operator=(Graph &&) noexcept = default;

Dim Graph::dim(std::string_view name, int64_t lower,
               std::optional<int64_t> upper, Where where) {
  Dim dim(node(DimNode::Kind::name, 0, std::string(name)));
  if (!state)
    return dim;
  bool valid = !name.empty() && !llvm::isDigit(name[0]);
  for (char c : name)
    valid &= llvm::isAlnum(c) || c == '_';
  if (!valid)
    state->fail(where, "dim '" + std::string(name) + "' is no identifier");
  else if (lower < 0)
    state->fail(where, "dim '" + std::string(name) + "': its lower bound, " +
                           std::to_string(lower) + ", is below zero");
  else if (upper && *upper < lower)
    state->fail(where, "dim '" + std::string(name) +
                           "': its bounds cross: " + std::to_string(lower) +
                           " is above " + std::to_string(*upper));
  else if (!state->dims
                .try_emplace(std::string(name), lower, upper.value_or(-1))
                .second)
    state->fail(where, "dim '" + std::string(name) + "' exists already");
  return dim;
}

Function Graph::function(std::string_view name, Where where) {
  if (!state)
    return Function(nullptr, 0);
  GraphState &s = *state;
  s.b.setInsertionPointToEnd(s.module->getBody());
  for (FunctionState &f : s.functions)
    if (f.func.getSymName() == StringRef(name))
      s.fail(where, "function '" + std::string(name) + "' exists already");
  auto func = func::FuncOp::create(s.b, s.location(where), StringRef(name),
                                   s.b.getFunctionType({}, {}));
  s.functions.push_back({func, {}, {}, false});
  s.b.setInsertionPointToEnd(func.addEntryBlock());
  return Function(state.get(), s.functions.size() - 1);
}

static Status movedFrom() {
  return Status(StatusCode::failedPrecondition, "the graph was moved from");
}

Status Graph::status() const { return state ? state->error : movedFrom(); }

Expected<std::string> Graph::print() {
  if (!state)
    return movedFrom();
  if (Status status = state->end(); !status)
    return status;
  std::string text;
  llvm::raw_string_ostream os(text);
  state->module->print(os);
  return text;
}

/// A diagnostic with the place of the call that made its operation.
static std::string describe(const Diagnostic &diagnostic) {
  std::string place;
  diagnostic.getLocation()->walk([&](Location at) {
    if (auto file = dyn_cast<FileLineColLoc>(at); file && place.empty())
      place = file.getFilename().str() + ":" + std::to_string(file.getLine()) +
              ": ";
    return WalkResult::advance();
  });
  return place + detail::shortText(detail::userText(diagnostic.str()));
}

Status Graph::compileToFile(std::string_view path,
                            const GraphCompileOptions &options) {
  if (!state)
    return movedFrom();
  if (Status status = state->end(); !status)
    return status;
  if (options.variants.empty())
    return Status(StatusCode::invalidArgument,
                  "GraphCompileOptions::variants: expected x86-64-v3, "
                  "x86-64-v4 or both, found none");
  CompileOptions compile;
  compile.emit = Emit::package;
  compile.output = path;
  compile.variants = options.variants;
  compile.model = state->module->getName().value_or("model").str();
  // The graph stays as it is: the phases work on a copy.
  OwningOpRef<ModuleOp> copy(state->module->clone());
  std::string message;
  ScopedDiagnosticHandler handler(&state->context, [&](Diagnostic &diagnostic) {
    if (message.empty() &&
        diagnostic.getSeverity() == DiagnosticSeverity::Error)
      message = describe(diagnostic);
    return success();
  });
  if (failed(compileModule(*copy, compile)))
    return Status(StatusCode::failedPrecondition,
                  message.empty() ? "the graph did not compile" : message);
  return Status();
}

Expected<PackageBytes> Graph::compile(const GraphCompileOptions &options) {
  SmallString<128> path;
  if (std::error_code code =
          llvm::sys::fs::createTemporaryFile("actnet", "actnet", path))
    return Status(StatusCode::unavailable,
                  "no temporary file: " + code.message());
  Status status =
      compileToFile(std::string_view(path.data(), path.size()), options);
  PackageBytes bytes;
  if (status) {
    auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                              /*RequiresNullTerminator=*/false);
    if (!buffer) {
      status = Status(StatusCode::unavailable, "cannot read the package: " +
                                                   buffer.getError().message());
    } else {
      bytes.resize((*buffer)->getBufferSize());
      std::memcpy(bytes.data(), (*buffer)->getBufferStart(), bytes.size());
    }
  }
  llvm::sys::fs::remove(path);
  if (!status)
    return status;
  return bytes;
}

} // namespace actnet
