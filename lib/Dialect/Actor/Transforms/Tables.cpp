//===- Tables.cpp - an actor module as the package's tables ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Actor/Transforms/Tables.h"

#include "Recipes.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Kernel/IR/KernelOps.h"
#include "actnet/Package/Container.h"
#include "actnet/Package/Lifetimes.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::actor;
using graph::DimExprAttr;
using graph::DimExprKind;

std::optional<pkg::DType> actor::getDType(Type type) {
  using pkg::DType;
  if (type.isF32())
    return DType::F32;
  if (type.isF64())
    return DType::F64;
  if (type.isF16())
    return DType::F16;
  if (type.isBF16())
    return DType::BF16;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return std::nullopt;
  switch (integer.getWidth()) {
  case 1:
    return DType::Bool;
  case 8:
    return integer.isUnsigned() ? DType::U8 : DType::I8;
  case 16:
    return integer.isUnsigned() ? DType::U16 : DType::I16;
  case 32:
    return integer.isUnsigned() ? DType::U32 : DType::I32;
  case 64:
    return integer.isUnsigned() ? DType::U64 : DType::I64;
  default:
    return std::nullopt;
  }
}

namespace {

class TableBuilder {
public:
  FailureOr<Tables> run(ArrayRef<ModuleOp> clones);

private:
  LogicalResult addClone();
  LogicalResult addDims();
  LogicalResult addVariables();
  LogicalResult addFunction(FuncOp function);
  LogicalResult addChecks(FuncOp function, pkg::Function &to);
  LogicalResult addTensor(FuncOp function, TensorAttr tensor,
                          std::vector<std::unique_ptr<pkg::Tensor>> &to);
  FailureOr<uint32_t> addInterface(FuncOp function,
                                   std::unique_ptr<pkg::Function> entry);
  LogicalResult addBuffer(BufferOp buffer, pkg::Function &interface);
  FailureOr<uint32_t> weightOf(Operation *user, FlatSymbolRefAttr recipe);
  LogicalResult addKernel(Operation *user, FlatSymbolRefAttr callee,
                          std::optional<StringRef> layer, size_t numOperands,
                          uint32_t &id);
  LogicalResult addBlock(Block &block, pkg::Block &to);
  LogicalResult addRecord(Operation &op, pkg::Block &to);
  LogicalResult checkPlan(FuncOp function, pkg::FunctionPlan &plan);

  pkg::ExprId expr(DimExprAttr attribute);
  std::vector<uint32_t> exprs(ArrayRef<DimExprAttr> attributes) {
    std::vector<uint32_t> result;
    for (DimExprAttr attribute : attributes)
      result.push_back(expr(attribute));
    return result;
  }

  bool isFirst() const { return tables.clones.size() == 1; }

  Tables tables;
  RecipeSet recipeSet;
  pkg::ExprPool pool;
  llvm::DenseMap<Attribute, pkg::ExprId> exprIds;
  llvm::StringMap<uint32_t> dims;
  llvm::DenseMap<StringAttr, uint32_t> variableIds;
  uint64_t weightBytes = 0;
  SymbolTableCollection symbols;
  // Of the clone being built:
  ModuleOp module;
  CloneTables *clone = nullptr;
  llvm::DenseMap<StringAttr, uint32_t> kernelIds;
  // Of the function being built:
  llvm::DenseMap<Value, uint32_t> slots, signals;
  pkg::FunctionPlan *plan = nullptr;
  std::string missingDim;
};

} // namespace

//===----------------------------------------------------------------------===//
// Expressions and dims
//===----------------------------------------------------------------------===//

pkg::ExprId TableBuilder::expr(DimExprAttr attribute) {
  if (auto known = exprIds.find(attribute); known != exprIds.end())
    return known->second;
  pkg::ExprId id = 0;
  if (attribute.isConstant()) {
    id = pool.constant(attribute.getValue());
  } else if (attribute.isSymbol()) {
    auto dim = dims.find(attribute.getName().getValue());
    if (dim == dims.end()) {
      missingDim = attribute.getName().str();
      return pool.constant(0);
    }
    id = pool.symbol(dim->second);
  } else {
    pkg::ExprOp op = pkg::ExprOp::Add;
    switch (attribute.getKind()) {
    case DimExprKind::Mul:
      op = pkg::ExprOp::Mul;
      break;
    case DimExprKind::FloorDiv:
      op = pkg::ExprOp::FloorDiv;
      break;
    case DimExprKind::CeilDiv:
      op = pkg::ExprOp::CeilDiv;
      break;
    case DimExprKind::Mod:
      op = pkg::ExprOp::Mod;
      break;
    case DimExprKind::Min:
      op = pkg::ExprOp::Min;
      break;
    case DimExprKind::Max:
      op = pkg::ExprOp::Max;
      break;
    default:
      break;
    }
    id = expr(attribute.getOperand(0));
    for (unsigned i = 1; i < attribute.getOperands().size(); ++i)
      id = pool.binary(op, id, expr(attribute.getOperand(i)));
  }
  exprIds[attribute] = id;
  return id;
}

LogicalResult TableBuilder::addDims() {
  StringRef attribute = graph::GraphDialect::kDimsAttr;
  auto bounds = module->getAttrOfType<DictionaryAttr>(attribute);
  if (!isFirst())
    return bounds == tables.clones[0].module->getAttr(attribute)
               ? success()
               : module.emitError("has other dims than the clone for ")
                     << tables.clones[0].plan.target;
  if (!bounds)
    return success();
  for (NamedAttribute entry : bounds) {
    auto range = dyn_cast<DenseI64ArrayAttr>(entry.getValue());
    if (!range || range.size() != 2)
      return module.emitError("dim '") << entry.getName().getValue()
                                       << "' needs array<i64: lower, upper>";
    auto dim = std::make_unique<pkg::Dim>();
    dim->name = entry.getName().str();
    dim->lower = range[0];
    dim->upper = range[1];
    if (dim->lower < 0 || (dim->upper != -1 && dim->upper < dim->lower))
      return module.emitError("dim '")
             << entry.getName().getValue() << "' has the bounds " << dim->lower
             << " to " << dim->upper;
    dims[entry.getName().getValue()] = tables.interface.dims.size();
    tables.interface.dims.push_back(std::move(dim));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Interface
//===----------------------------------------------------------------------===//

LogicalResult
TableBuilder::addTensor(FuncOp function, TensorAttr tensor,
                        std::vector<std::unique_ptr<pkg::Tensor>> &to) {
  std::optional<pkg::DType> dtype = getDType(tensor.getType().getElementType());
  if (!dtype)
    return function.emitError("'") << tensor.getName() << "' has elements of "
                                   << tensor.getType().getElementType()
                                   << ", which no package can hold";
  // The rules of the package's reader, said before it is written.
  StringRef name = tensor.getName();
  auto isControl = [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == 127;
  };
  if (name.empty() || llvm::any_of(name, isControl))
    return function.emitError("an input or output has ")
           << (name.empty() ? "no name" : "a control character in its name");
  for (const auto &other : to)
    if (other->name == name)
      return function.emitError("two of its inputs or two of its outputs are "
                                "called '")
             << name << "'";
  auto entry = std::make_unique<pkg::Tensor>();
  entry->name = name.str();
  entry->dtype = *dtype;
  entry->shape = exprs(graph::getDims(tensor.getType()));
  to.push_back(std::move(entry));
  return success();
}

FailureOr<uint32_t> TableBuilder::weightOf(Operation *user,
                                           FlatSymbolRefAttr symbol) {
  auto recipe = symbols.lookupNearestSymbolFrom<func::FuncOp>(user, symbol);
  auto [id, isNew] = recipeSet.insert(recipe);
  if (!isNew)
    return id;
  auto type = cast<RankedTensorType>(recipe.getResultTypes()[0]);
  std::optional<pkg::DType> dtype = getDType(type.getElementType());
  if (!dtype || !type.hasStaticShape())
    return recipe.emitError("makes a weight of type ")
           << type << ", which no package can hold";
  auto weight = std::make_unique<pkg::Weight>();
  auto name = recipe->getAttrOfType<StringAttr>(graph::GraphDialect::kNameAttr);
  weight->name = name ? name.str() : recipe.getSymName().str();
  weight->dtype = *dtype;
  weight->shape.assign(type.getShape().begin(), type.getShape().end());
  weightBytes = llvm::alignTo(weightBytes, pkg::weightAlignment);
  weight->offset = weightBytes;
  weight->bytes = type.getNumElements() * pkg::dtypeBytes(*dtype);
  weightBytes += weight->bytes;
  tables.interface.weights.push_back(std::move(weight));
  tables.recipes.push_back(recipe);
  return id;
}

LogicalResult TableBuilder::addVariables() {
  auto bytes =
      module->getAttrOfType<IntegerAttr>(ActorDialect::kStateBytesAttr);
  clone->plan.state_bytes = bytes ? bytes.getInt() : 0;
  for (auto variable : module.getOps<VariableOp>()) {
    uint32_t id = clone->variables.size();
    clone->variables.push_back(variable);
    if (variable.getOffset())
      clone->plan.state_offsets.push_back(*variable.getOffset());
    if (!isFirst()) {
      auto known = variableIds.find(variable.getSymNameAttr());
      if (known == variableIds.end() || known->second != id ||
          tables.clones[0].variables[id].getType() != variable.getType())
        return variable.emitError("is not the same for all targets");
      continue;
    }
    auto type = cast<RankedTensorType>(variable.getType());
    std::optional<pkg::DType> dtype = getDType(type.getElementType());
    if (!dtype)
      return variable.emitError("has elements of ")
             << type.getElementType() << ", which no package can hold";
    auto entry = std::make_unique<pkg::Variable>();
    entry->name = variable.getName().value_or(variable.getSymName()).str();
    entry->dtype = *dtype;
    entry->shape = exprs(graph::getDims(type));
    if (FlatSymbolRefAttr initial = variable.getInitialAttr()) {
      FailureOr<uint32_t> weight = weightOf(variable, initial);
      if (failed(weight))
        return failure();
      entry->initial = *weight;
    }
    variableIds[variable.getSymNameAttr()] = id;
    tables.interface.variables.push_back(std::move(entry));
  }
  if (clone->variables.size() != tables.interface.variables.size())
    return module.emitError("lacks variables that another target has");
  return success();
}

//===----------------------------------------------------------------------===//
// Buffers and records
//===----------------------------------------------------------------------===//

LogicalResult TableBuilder::addBuffer(BufferOp buffer,
                                      pkg::Function &interface) {
  auto entry = std::make_unique<pkg::Buffer>();
  entry->name = buffer.getName().value_or("").str();
  entry->region = static_cast<pkg::Region>(buffer.getRegion());
  entry->size = expr(buffer.getSize());
  entry->alignment = buffer.getAlignment();
  switch (buffer.getRegion()) {
  case actor::Region::weight: {
    FailureOr<uint32_t> weight = weightOf(buffer, buffer.getSymbolAttr());
    if (failed(weight))
      return failure();
    entry->binding = *weight;
    break;
  }
  case actor::Region::state:
    entry->binding = variableIds.at(buffer.getSymbolAttr().getAttr());
    if (!llvm::is_contained(interface.variables, entry->binding))
      interface.variables.push_back(entry->binding);
    break;
  case actor::Region::input:
  case actor::Region::output:
    entry->binding = *buffer.getIndex();
    break;
  case actor::Region::scratch:
    break;
  }
  slots[buffer.getSlot()] = plan->buffers.size();
  plan->buffers.push_back(std::move(entry));
  clone->buffers.back().push_back(buffer);
  return success();
}

LogicalResult TableBuilder::addKernel(Operation *user, FlatSymbolRefAttr callee,
                                      std::optional<StringRef> layer,
                                      size_t numOperands, uint32_t &id) {
  auto [known, isNew] =
      kernelIds.try_emplace(callee.getAttr(), clone->plan.kernels.size());
  id = known->second;
  if (!isNew)
    return success();
  auto kernel = symbols.lookupNearestSymbolFrom<kernel::FuncOp>(user, callee);
  auto entry = std::make_unique<pkg::Kernel>();
  entry->symbol = kernel.getSymName().str();
  entry->family = kernel::stringifyFamily(kernel.getFamily()).str();
  entry->report = layer.value_or("").str();
  entry->scratch_bytes = kernel.getScratch().value_or(0);
  // A block of cuda is part of the kernel's schedule.
  if (DictionaryAttr schedule = kernel.getScheduleAttr()) {
    if (auto threads = schedule.getAs<IntegerAttr>("threads"))
      entry->threads = threads.getInt();
    if (auto shared = schedule.getAs<IntegerAttr>("shared"))
      entry->shared_bytes = shared.getInt();
  }
  entry->access.assign(kernel.getNumOperandTensors(), pkg::Access::Read);
  entry->access.resize(numOperands, pkg::Access::Write);
  clone->plan.kernels.push_back(std::move(entry));
  return success();
}

LogicalResult TableBuilder::addBlock(Block &block, pkg::Block &to) {
  for (Operation &op : block)
    if (!isa<BufferOp, ViewOp>(op) && failed(addRecord(op, to)))
      return failure();
  return success();
}

LogicalResult TableBuilder::addRecord(Operation &op, pkg::Block &to) {
  auto ids = [&](ValueRange values) {
    std::vector<uint32_t> result;
    for (Value value : values)
      result.push_back(slots.at(value));
    return result;
  };
  auto dimIds = [&](ArrayAttr attributes) {
    std::vector<uint32_t> result;
    for (auto attribute : attributes.getAsRange<DimExprAttr>())
      result.push_back(expr(attribute));
    return result;
  };
  auto add = [&](auto body, auto record) {
    to.records.push_back(
        pkg::makeRecord(std::move(body), uint16_t(record.getStream())));
    plan->streams = std::max<uint16_t>(plan->streams, record.getStream() + 1);
    return success();
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](LaunchOp launch) {
        pkg::Launch body;
        if (failed(addKernel(launch, launch.getCalleeAttr(), launch.getLayer(),
                             launch.getOperands().size(), body.kernel)))
          return failure();
        body.operands = ids(launch.getOperands());
        body.dims = dimIds(launch.getDims());
        body.tiles = expr(launch.getTiles());
        return add(std::move(body), launch);
      })
      .Case([&](CopyOp copy) {
        pkg::Copy body;
        body.src = slots.at(copy.getSrc());
        body.dst = slots.at(copy.getDst());
        body.bytes = expr(copy.getBytes());
        return add(std::move(body), copy);
      })
      .Case([&](FillOp fill) {
        pkg::Fill body;
        body.dst = slots.at(fill.getDst());
        body.pattern = fill.getPattern();
        body.width = fill.getWidth();
        body.bytes = expr(fill.getBytes());
        return add(std::move(body), fill);
      })
      .Case([&](CallOp call) {
        pkg::Call body;
        body.library = call.getLibrary().str();
        body.entry = call.getEntry().str();
        body.operands = ids(call.getInputs());
        body.access.assign(call.getInputs().size(), pkg::Access::Read);
        llvm::append_range(body.operands, ids(call.getOutputs()));
        body.access.resize(body.operands.size(), pkg::Access::Write);
        body.dims = dimIds(call.getDims());
        body.config = call.getConfig().value_or("").str();
        if (Value workspace = call.getWorkspace())
          body.workspace = slots.at(workspace);
        if (FlatSymbolRefAttr fallback = call.getFallbackAttr()) {
          body.fallback = std::make_unique<pkg::Launch>();
          if (failed(addKernel(call, fallback, call.getLayer(),
                               body.operands.size(), body.fallback->kernel)))
            return failure();
          body.fallback->operands = body.operands;
          body.fallback->dims = dimIds(call.getFallbackDims());
          body.fallback->tiles = expr(*call.getTiles());
        }
        return add(std::move(body), call);
      })
      .Case([&](SignalOp signal) {
        pkg::Signal body;
        body.signal = signals[signal.getSignal()] = plan->signals++;
        return add(std::move(body), signal);
      })
      .Case([&](AwaitOp await) {
        pkg::Await body;
        body.signal = signals.at(await.getSignal());
        return add(std::move(body), await);
      })
      .Case([&](BranchOp branch) {
        pkg::Branch body;
        body.condition = slots.at(branch.getCondition());
        body.type = *getDType(branch.getType());
        for (mlir::Region &region : branch.getBlocks()) {
          body.blocks.push_back(std::make_unique<pkg::Block>());
          if (failed(addBlock(region.front(), *body.blocks.back())))
            return failure();
        }
        return add(std::move(body), branch);
      })
      .Case([&](LoopOp loop) {
        pkg::Loop body;
        if (DimExprAttr trips = loop.getTripsAttr())
          body.trips = expr(trips);
        if (loop.getCondition())
          body.condition = slots.at(loop.getCondition());
        if (loop.getCounter())
          body.counter = slots.at(loop.getCounter());
        body.carried = ids(loop.getCarried());
        body.body = std::make_unique<pkg::Block>();
        if (failed(addBlock(loop.getBody().front(), *body.body)))
          return failure();
        return add(std::move(body), loop);
      })
      .Case([&](ReplyOp reply) { return add(pkg::Reply(), reply); })
      .Default([](Operation *other) {
        return other->emitError("is no command record");
      });
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// Equal to a bound where it is cut there: not below it. The entries are read
/// in Regions.cpp too, for the verifier, which shares no code with this.
LogicalResult TableBuilder::addChecks(FuncOp function, pkg::Function &to) {
  auto checks =
      function->getAttrOfType<ArrayAttr>(graph::GraphDialect::kChecksAttr);
  for (Attribute attribute :
       checks ? checks.getValue() : ArrayRef<Attribute>()) {
    auto entry = dyn_cast<DictionaryAttr>(attribute);
    auto extent = entry ? entry.getAs<DimExprAttr>("extent") : DimExprAttr();
    auto least = entry ? entry.getAs<IntegerAttr>("least") : IntegerAttr();
    auto equal = entry ? entry.getAs<DimExprAttr>("equal") : DimExprAttr();
    auto message = entry ? entry.getAs<StringAttr>("message") : StringAttr();
    if (!extent || !message || !least == !equal)
      return function.emitError("expected a check of the form {extent, least, "
                                "message} or {extent, equal, message}, found ")
             << attribute;
    auto check = std::make_unique<pkg::Check>();
    check->rhs = least ? pool.constant(least.getInt()) : expr(equal);
    check->lhs = expr(extent);
    if (least)
      check->lhs = pool.min(check->lhs, check->rhs);
    check->message = message.str();
    to.checks.push_back(std::move(check));
  }
  return success();
}

static bool isSame(const std::vector<std::unique_ptr<pkg::Tensor>> &a,
                   const std::vector<std::unique_ptr<pkg::Tensor>> &b) {
  return llvm::equal(a, b, [](const auto &x, const auto &y) {
    return x->name == y->name && x->dtype == y->dtype && x->shape == y->shape;
  });
}

/// The function's index in the interface, which all clones share.
FailureOr<uint32_t>
TableBuilder::addInterface(FuncOp function,
                           std::unique_ptr<pkg::Function> entry) {
  auto &functions = tables.interface.functions;
  if (isFirst()) {
    functions.push_back(std::move(entry));
    return functions.size() - 1;
  }
  for (auto [id, known] : llvm::enumerate(functions))
    if (known->name == entry->name && isSame(known->inputs, entry->inputs) &&
        isSame(known->outputs, entry->outputs))
      return id;
  return function.emitError("is not the same for all targets");
}

LogicalResult TableBuilder::addFunction(FuncOp function) {
  auto entry = std::make_unique<pkg::Function>();
  entry->name = function.getSymName().str();
  for (auto tensor : function.getInputs().getAsRange<TensorAttr>())
    if (failed(addTensor(function, tensor, entry->inputs)))
      return failure();
  for (auto tensor : function.getOutputs().getAsRange<TensorAttr>())
    if (failed(addTensor(function, tensor, entry->outputs)))
      return failure();

  if (failed(addChecks(function, *entry)))
    return failure();

  FailureOr<uint32_t> id = addInterface(function, std::move(entry));
  if (failed(id))
    return failure();
  pkg::Function &interface = *tables.interface.functions[*id];
  auto functionPlan = std::make_unique<pkg::FunctionPlan>();
  plan = functionPlan.get();
  plan->function = *id;
  plan->body = std::make_unique<pkg::Block>();
  slots.clear();
  signals.clear();
  clone->functions.push_back(function);
  clone->buffers.emplace_back();
  Block &block = function.getBody().front();
  for (Operation &op : block) {
    if (auto buffer = dyn_cast<BufferOp>(op)) {
      if (failed(addBuffer(buffer, interface)))
        return failure();
    } else if (auto view = dyn_cast<ViewOp>(op)) {
      auto part = std::make_unique<pkg::Buffer>();
      uint32_t root = slots.at(view.getRoot());
      part->name = view.getName().value_or("").str();
      part->region = plan->buffers[root]->region;
      part->size = expr(view.getSize());
      part->alignment = 1;
      part->root = root;
      part->offset = expr(view.getOffset());
      slots[view.getSlot()] = plan->buffers.size();
      plan->buffers.push_back(std::move(part));
      clone->buffers.back().push_back(view);
    }
  }
  if (failed(addBlock(block, *plan->body)))
    return failure();
  clone->plan.functions.push_back(std::move(functionPlan));
  return success();
}

LogicalResult TableBuilder::checkPlan(FuncOp function,
                                      pkg::FunctionPlan &functionPlan) {
  MemoryAttr memory = function.getMemoryAttr();
  if (!memory)
    return success();
  auto planned = std::make_unique<pkg::MemoryPlan>();
  planned->scratch_bytes = memory.getPeak();
  planned->scratch_lower_bound = memory.getBound();
  planned->slot_bytes = memory.getSlot();
  size_t index =
      llvm::find(clone->functions, function) - clone->functions.begin();
  for (auto [op, entry] :
       llvm::zip(clone->buffers[index], functionPlan.buffers)) {
    uint64_t offset = 0;
    if (auto buffer = dyn_cast<BufferOp>(op)) {
      if (buffer.getRegion() == actor::Region::state &&
          entry->binding < clone->plan.state_offsets.size())
        offset = clone->plan.state_offsets[entry->binding];
      else
        offset = buffer.getOffset().value_or(0);
    }
    planned->offsets.push_back(offset);
  }
  std::vector<pkg::Range> ranges =
      pkg::exprRanges(tables.interface.exprs, pkg::dimRanges(tables.interface));
  Status verified = pkg::verifyMemory(
      tables.interface, clone->plan, functionPlan, *planned, ranges,
      clone->plan.state_offsets, clone->plan.state_bytes);
  if (!verified)
    return function.emitError("the verifier refuses the plan: ")
           << verified.str();
  functionPlan.memory = std::move(planned);
  return success();
}

LogicalResult TableBuilder::addClone() {
  auto target =
      module->getAttrOfType<StringAttr>(kernel::KernelDialect::kTargetAttr);
  clone->module = module;
  clone->plan.target = target ? target.str() : "host";
  if (failed(addDims()) || failed(addVariables()))
    return failure();
  for (auto function : module.getOps<FuncOp>())
    if (failed(addFunction(function)))
      return failure();
  if (clone->functions.empty())
    return module.emitError("has no actor.func");
  if (clone->functions.size() != tables.interface.functions.size())
    return module.emitError("lacks functions that another target has");
  if (!missingDim.empty())
    return module.emitError("dim '") << missingDim << "' has no bounds in `"
                                     << graph::GraphDialect::kDimsAttr << "`";
  return success();
}

FailureOr<Tables> TableBuilder::run(ArrayRef<ModuleOp> clones) {
  tables.interface.producer = "actnet";
  tables.interface.model =
      ModuleOp(clones[0]).getSymName().value_or("model").str();
  for (ModuleOp next : clones) {
    module = next;
    clone = &tables.clones.emplace_back();
    kernelIds.clear();
    if (failed(addClone()))
      return failure();
  }
  tables.interface.exprs = pool.code();
  for (CloneTables &built : tables.clones) {
    clone = &built;
    for (auto [function, functionPlan] :
         llvm::zip(clone->functions, clone->plan.functions))
      if (failed(checkPlan(function, *functionPlan)))
        return failure();
  }
  return std::move(tables);
}

FailureOr<Tables> actor::buildTables(ArrayRef<ModuleOp> clones) {
  return TableBuilder().run(clones);
}
