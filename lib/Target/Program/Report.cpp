//===- Report.cpp - gather a report's figures -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Target/Program/Report.h"

#include "ReportData.h"

#include "actnet/Dialect/Actor/Transforms/Tables.h"
#include "actnet/Dialect/Graph/IR/DimExpr.h"
#include "actnet/Dialect/Kernel/Transforms/Cost.h"
#include "actnet/Package/Lifetimes.h"
#include "actnet/Target/Program/AtomicFile.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace actnet;

namespace {

/// Gathers one clone.
class Gatherer {
public:
  Gatherer(actor::Tables &tables, actor::CloneTables &clone)
      : tables(tables), clone(clone) {}

  LogicalResult run(ReportData &data);

private:
  void chooseDims(std::string &text);
  LogicalResult addFunction(size_t index, ReportData::Clone &data);
  void addLaunches(actor::FuncOp function, ReportData::Clone &data);
  int64_t value(pkg::ExprId id) const { return values.find(id).value_or(0); }
  int64_t value(graph::DimExprAttr expr) const;

  actor::Tables &tables;
  actor::CloneTables &clone;
  std::vector<int64_t> dims;
  std::vector<pkg::Range> ranges;
  pkg::ExprValues values;
  llvm::MapVector<StringRef, ReportData::Kernel> kernels;
  /// The nodes that each kernel computes, each once however often launched.
  llvm::StringMap<llvm::SetVector<StringRef>> layers;
};

} // namespace

int64_t Gatherer::value(graph::DimExprAttr expr) const {
  auto found =
      graph::dimEvaluate(expr, [&](StringRef name) -> std::optional<int64_t> {
        for (auto [dim, chosen] : llvm::zip(tables.interface.dims, dims))
          if (name == dim->name)
            return chosen;
        return std::nullopt;
      });
  return found.value_or(0);
}

void Gatherer::chooseDims(std::string &text) {
  std::vector<pkg::Range> fixed;
  for (const auto &dim : tables.interface.dims) {
    bool bounded = dim->upper != -1;
    dims.push_back(bounded ? dim->upper : std::max<int64_t>(dim->lower, 1));
    fixed.push_back({dims.back(), dims.back()});
    text += (text.empty() ? "" : ", ") + dim->name + " = " +
            std::to_string(dims.back()) + " (" + std::to_string(dim->lower) +
            ".." + (bounded ? std::to_string(dim->upper) : std::string()) + ")";
  }
  values = pkg::ExprValues(tables.interface.exprs, dims);
  ranges = pkg::exprRanges(tables.interface.exprs, fixed);
}

LogicalResult Gatherer::addFunction(size_t index, ReportData::Clone &data) {
  pkg::FunctionPlan &plan = *clone.plan.functions[index];
  ReportData::Function function;
  function.name = clone.functions[index].getSymName().str();
  // With a dim that has no upper bound there is no plan yet: show the one that
  // the runtime would make for the chosen dims.
  if (!plan.memory) {
    auto planned =
        pkg::planMemory(clone.plan, plan, ranges, clone.plan.state_offsets);
    if (!planned)
      return clone.module.emitError("cannot plan the memory for the report: ")
             << planned.status().str();
    plan.memory = *std::move(planned);
  }
  function.peak = plan.memory->scratch_bytes;
  function.bound = plan.memory->scratch_lower_bound;
  function.slot = plan.memory->slot_bytes;
  function.records = pkg::countRecords(*plan.body);
  std::vector<pkg::Lifetime> lifetimes =
      pkg::computeLifetimes(clone.plan, plan);
  for (auto [id, buffer] : llvm::enumerate(plan.buffers)) {
    if (buffer->region != pkg::Region::Scratch || buffer->root != pkg::none ||
        !lifetimes[id].used)
      continue;
    function.buffers.push_back({buffer->name, lifetimes[id].first,
                                lifetimes[id].last, plan.memory->offsets[id],
                                uint64_t(value(buffer->size))});
  }
  clone.functions[index].getBody().walk<WalkOrder::PreOrder>(
      [&](Operation *op) {
        if (isa<actor::BufferOp, actor::ViewOp>(op))
          return;
        auto launch = dyn_cast<actor::LaunchOp>(op);
        auto call = dyn_cast<actor::CallOp>(op);
        function.recordNames.push_back(
            launch ? launch.getCallee().str()
            : call ? (call.getLibrary() + " " +
                      call.getFallback().value_or(call.getEntry()))
                         .str()
                   : op->getName().stripDialect().str());
      });
  data.functions.push_back(std::move(function));
  return success();
}

void Gatherer::addLaunches(actor::FuncOp function, ReportData::Clone &data) {
  SymbolTable symbols(clone.module);
  auto add = [&](StringRef name, ArrayAttr dims, ValueRange operands,
                 std::optional<StringRef> layer) {
    auto callee = symbols.lookup<kernel::FuncOp>(name);
    ReportData::Kernel &kernel = kernels[name];
    kernel.symbol = name.str();
    kernel.family = kernel::stringifyFamily(callee.getFamily()).str();
    SmallVector<int64_t> extents;
    for (auto dim : dims.getAsRange<graph::DimExprAttr>())
      extents.push_back(value(dim));
    double flops = countFlops(callee, extents);
    kernel.flops += flops;
    data.flops += flops;
    for (Value operand : operands)
      kernel.bytes += value(actor::getSlotSize(operand));
    if (layer)
      layers[name].insert(*layer);
    ++kernel.launches;
  };
  function.walk([&](Operation *op) {
    if (auto launch = dyn_cast<actor::LaunchOp>(op))
      add(launch.getCallee(), launch.getDims(), launch.getOperands(),
          launch.getLayer());
    // A library does the same work.
    auto call = dyn_cast<actor::CallOp>(op);
    if (call && call.getFallback())
      add(*call.getFallback(), call.getFallbackDims(),
          llvm::to_vector(
              llvm::concat<Value>(call.getInputs(), call.getOutputs())),
          call.getLayer());
  });
}

LogicalResult Gatherer::run(ReportData &report) {
  ReportData::Clone &data = report.clones.emplace_back();
  data.target = clone.plan.target;
  report.dims.clear();
  chooseDims(report.dims);
  for (size_t i = 0; i < clone.functions.size(); ++i) {
    if (failed(addFunction(i, data)))
      return failure();
    addLaunches(clone.functions[i], data);
  }
  data.stateBytes = clone.plan.state_bytes;
  for (auto &[name, kernel] : kernels) {
    // A hundred names help nobody.
    constexpr size_t shown = 4;
    ArrayRef<StringRef> names = layers[name].getArrayRef();
    kernel.layers = llvm::join(names.take_front(shown), ", ");
    if (names.size() > shown)
      kernel.layers += " …";
    data.kernels.push_back(std::move(kernel));
  }
  llvm::sort(data.kernels, [](const auto &a, const auto &b) {
    return std::tie(b.flops, a.symbol) < std::tie(a.flops, b.symbol);
  });
  return success();
}

static void addWeights(const pkg::Interface &interface, ReportData &data) {
  for (const auto &weight : interface.weights) {
    std::string type(pkg::dtypeName(weight->dtype));
    for (size_t i = weight->shape.size(); i-- > 0;)
      type.insert(0, std::to_string(weight->shape[i]) + "x");
    data.weights.push_back({weight->name, type, weight->bytes});
    data.weightBytes += weight->bytes;
  }
  llvm::sort(data.weights, [](const auto &a, const auto &b) {
    return std::tie(b.bytes, a.name) < std::tie(a.bytes, b.name);
  });
}

FailureOr<PendingFile> actnet::writeReport(ArrayRef<ModuleOp> clones,
                                           StringRef model, StringRef producer,
                                           StringRef path) {
  FailureOr<actor::Tables> tables = actor::buildTables(clones);
  if (failed(tables))
    return failure();
  ReportData data;
  data.model = model.str();
  data.producer = producer.str();
  for (actor::CloneTables &clone : tables->clones)
    if (failed(Gatherer(*tables, clone).run(data)))
      return failure();
  addWeights(tables->interface, data);
  llvm::Expected<PendingFile> file =
      PendingFile::write(path, [&](llvm::raw_pwrite_stream &out) {
        printReport(data, out);
        return llvm::Error::success();
      });
  if (file)
    return std::move(*file);
  emitError(UnknownLoc::get(ModuleOp(clones[0]).getContext()))
      << llvm::toString(file.takeError());
  return failure();
}
