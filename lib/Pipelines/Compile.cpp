//===- Compile.cpp - from a module to a file ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Pipelines/Compile.h"

#include "CudaText.h"

#include "actnet/Codegen/Host/HostCodegen.h"
#include "actnet/Dialect/Graph/IR/DimBounds.h"
#include "actnet/Dialect/Graph/IR/Evaluate.h"
#include "actnet/Dialect/Graph/IR/GraphDialect.h"
#include "actnet/Dialect/Graph/IR/GraphOps.h"
#include "actnet/Dialect/Kernel/IR/KernelOps.h"
#include "actnet/Package/LibraryCall.h"
#include "actnet/Pipelines/Phases.h"
#include "actnet/Target/Program/AtomicFile.h"
#include "actnet/Target/Program/Program.h"
#include "actnet/Target/Program/Report.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Config/llvm-config.h"

using namespace mlir;
using namespace actnet;

std::string actnet::getProducer() {
  return "actnet " ACTNET_VERSION " (LLVM " LLVM_VERSION_STRING ")";
}

/// Replaces bounds of named dims.
static LogicalResult setBounds(ModuleOp module, ArrayRef<DimBounds> dims) {
  SmallVector<graph::NamedRange> ranges;
  for (const DimBounds &dim : dims)
    ranges.push_back({dim.name, {dim.lower, dim.upper}});
  return graph::setDimBounds(module, ranges);
}

/// Bytes beyond which no tensor can lie in a machine's memory.
static constexpr int64_t kMostBytes = int64_t(1) << 47;

/// With its dims at their upper bounds a tensor must have a size that a
/// machine can count. Unbounded dims are left to the runtime.
static LogicalResult checkSize(Operation *op, StringRef what,
                               RankedTensorType type, DictionaryAttr bounds) {
  bool isBounded = true;
  auto upper = [&](StringRef name) -> std::optional<int64_t> {
    auto range =
        bounds ? bounds.getAs<DenseI64ArrayAttr>(name) : DenseI64ArrayAttr();
    isBounded &= range && range.size() == 2 && range[1] >= 0;
    return isBounded ? std::optional(range[1]) : std::nullopt;
  };
  int64_t bytes = graph::getElementBytes(type.getElementType());
  for (auto [axis, dim] : llvm::enumerate(graph::getDims(type))) {
    std::optional<int64_t> extent = graph::dimEvaluate(dim, upper);
    if (!isBounded)
      return success();
    if (extent && *extent <= 0)
      return success();
    if (!extent || __builtin_mul_overflow(bytes, *extent, &bytes) ||
        bytes > kMostBytes) {
      InFlightDiagnostic error = emitError(op->getLoc());
      error << what << " is too large at the upper bounds: dim " << axis;
      if (!dim.isConstant())
        error << ", " << graph::toString(dim) << ",";
      error << " is ";
      if (extent)
        error << *extent;
      else
        error << "beyond 64 bits";
      return error << ", and a tensor can have 2^47 bytes at most";
    }
  }
  return success();
}

/// Looks at every tensor of the graph level.
static LogicalResult checkSizes(ModuleOp module) {
  auto bounds =
      module->getAttrOfType<DictionaryAttr>(graph::GraphDialect::kDimsAttr);
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isExternal())
      continue;
    for (BlockArgument argument : function.getArguments()) {
      auto name = function.getArgAttrOfType<StringAttr>(
          argument.getArgNumber(), graph::GraphDialect::kNameAttr);
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (type && failed(checkSize(
                      function,
                      name ? "input '" + name.str() + "'"
                           : "input " + std::to_string(argument.getArgNumber()),
                      type, bounds)))
        return failure();
    }
    for (Operation &op : function.getBody().front())
      for (Value result : op.getResults())
        if (auto type = dyn_cast<RankedTensorType>(result.getType());
            type && failed(checkSize(&op, "its result", type, bounds)))
          return failure();
  }
  return success();
}

static LogicalResult
writeText(ModuleOp module, StringRef path,
          llvm::function_ref<void(llvm::raw_ostream &)> print) {
  llvm::Error error =
      writeFileAtomically(path, [&](llvm::raw_pwrite_stream &out) {
        print(out);
        return llvm::Error::success();
      });
  if (!error)
    return success();
  return emitError(UnknownLoc::get(module.getContext()))
         << llvm::toString(std::move(error));
}

/// The kernels' code as LLVM IR, for the best variant.
static LogicalResult emitLLVM(ModuleOp module, const CompileOptions &options) {
  FailureOr<host::HostVariant> variant =
      host::HostVariant::get(options.variants.back(), module.getLoc());
  if (failed(variant))
    return failure();
  OwningOpRef<ModuleOp> target = ModuleOp::create(module.getLoc());
  SmallVector<kernel::FuncOp> kernels(module.getOps<kernel::FuncOp>());
  FailureOr<std::string> text = std::string();
  if (failed(host::lowerKernels(kernels, *variant, *target,
                                [&](ModuleOp lowered) -> LogicalResult {
                                  text = host::printLLVM(lowered, *variant);
                                  return text;
                                })))
    return failure();
  return writeText(module, options.output,
                   [&](llvm::raw_ostream &out) { out << *text; });
}

namespace {

/// Compiles one model.
class Compiler {
public:
  Compiler(ModuleOp model, const CompileOptions &options)
      : model(model), options(options) {}

  LogicalResult run();

private:
  LogicalResult checkFiles();
  LogicalResult chooseTargets(Level level);
  LogicalResult makeClones(Level last);
  LogicalResult emitText(ModuleOp clone);
  LogicalResult emitPackage();
  void begin(StringRef phase) {
    if (options.onPhase)
      options.onPhase(phase);
  }
  InFlightDiagnostic error() {
    return emitError(UnknownLoc::get(model.getContext()));
  }

  ModuleOp model;
  const CompileOptions &options;
  SmallVector<StringRef> targets;
  /// One for each target; the last one is the model itself.
  SmallVector<ModuleOp> clones;
  SmallVector<OwningOpRef<ModuleOp>> owned;
};

} // namespace

static StringRef nameOf(Emit emit) {
  static constexpr llvm::StringLiteral names[] = {
      "program", "package", "object", "graph",
      "kernel",  "actor",   "cuda",   "llvm"};
  return names[static_cast<unsigned>(emit)];
}

static bool isText(Emit emit) {
  return emit != Emit::program && emit != Emit::package && emit != Emit::object;
}

/// Nothing that is read may be written, nor one file twice: looked at before
/// anything is written, and by file, not by name.
LogicalResult Compiler::checkFiles() {
  struct File {
    std::string what, path;
  };
  SmallVector<File> read, written;
  for (const std::string &input : options.inputs)
    read.push_back({"the input", input});
  llvm::StringSet<> weights;
  model.walk([&](graph::ConstantOp op) {
    if (auto weight = dyn_cast<graph::WeightAttr>(op.getValue()))
      if (!weight.getFile().starts_with("buffer:") &&
          weights.insert(weight.getFile()).second)
        read.push_back(
            {"a file of the model's weights", weight.getFile().str()});
  });
  if (options.emit == Emit::program)
    read.push_back({"the runner", options.runner});
  if (!options.memory && options.output != "-")
    written.push_back({"-o", options.output});
  if (options.emit == Emit::object && !options.memory)
    written.push_back({"the header of -o",
                       (StringRef(options.output).drop_back(2) + ".h").str()});
  if (!options.report.empty())
    written.push_back({"--report", options.report});
  for (auto [i, to] : llvm::enumerate(written)) {
    for (const File &from : read)
      if (isSameFile(to.path, from.path))
        return error() << to.what << " " << to.path << ": is " << from.what
                       << (to.path == from.path ? "" : ", '" + from.path + "'")
                       << "; nothing was written";
    for (const File &other : ArrayRef(written).take_front(i))
      if (isSameFile(to.path, other.path))
        return error() << to.what << " " << to.path << ": is the file of "
                       << other.what << " too; nothing was written";
  }
  return success();
}

/// The targets as one writes them: `host and cuda:sm_80 and toy`.
static std::string namedTargets(const CompileOptions &options) {
  SmallVector<std::string> names;
  // Both variants are what `host` stands for.
  if (options.variants.size() > 1)
    names.push_back("host");
  else if (!options.variants.empty())
    names.push_back("host:" + options.variants[0]);
  for (const std::string &name : options.architectures)
    names.push_back("cuda:" + name);
  if (options.toy)
    names.push_back("toy");
  return llvm::join(names, " and ");
}

LogicalResult Compiler::chooseTargets(Level level) {
  bool wantsCuda = !options.architectures.empty() || options.toy;
  if (!options.variants.empty())
    targets.push_back("host");
  if (wantsCuda)
    targets.push_back("cuda");
  if (level == Level::graph) {
    // Only one clone has text of this kind.
    if (options.emit == Emit::cuda)
      targets.assign({"cuda"});
    if (options.emit == Emit::llvm && options.variants.empty())
      return error() << "--emit=llvm shows code for the host, which --target "
                        "does not name";
    if (options.emit == Emit::llvm)
      targets.assign({"host"});
    if (targets.size() > 1 && isText(options.emit))
      return error() << "--emit=" << nameOf(options.emit)
                     << ": the text of a level is that of one target, and "
                        "--target names "
                     << namedTargets(options) << ": name one of them";
    return success();
  }
  // Below the graph level a module belongs to a target.
  auto named =
      model->getAttrOfType<StringAttr>(kernel::KernelDialect::kTargetAttr);
  StringRef own = named ? named.getValue() : StringRef("host");
  if (own != "host" && own != "cuda")
    return model.emitError("has the unknown `")
           << kernel::KernelDialect::kTargetAttr << "` \"" << own << "\"";
  if (isText(options.emit))
    targets.assign({own});
  if (targets.size() == 1 && targets[0] == own)
    return success();
  return error() << "the module is on the " << toString(level)
                 << " level already, with kernels for " << own
                 << ": --target must name "
                 << (own == "host" ? "host alone"
                                   : "cuda:ARCHITECTURE or toy, and not host");
}

/// Bytes of workspace for library calls: what the largest of the architectures
/// would use.
static uint64_t libraryWorkspace(const CompileOptions &options) {
  uint64_t most = pkg::workspaceCap(0);
  for (StringRef name : options.architectures) {
    unsigned number = 0;
    name.consume_front("sm_");
    if (!name.consumeInteger(10, number))
      most = std::max(most, pkg::workspaceCap(int(number / 10)));
  }
  return most;
}

LogicalResult Compiler::makeClones(Level last) {
  for (size_t i = 0; i + 1 < targets.size(); ++i) {
    owned.push_back(model.clone());
    clones.push_back(*owned.back());
  }
  clones.push_back(model);
  for (auto [clone, target] : llvm::zip(clones, targets)) {
    CloneOptions how;
    how.target = target;
    how.precision = options.precision;
    how.libraries = options.libraries;
    how.workspaceBytes = libraryWorkspace(options);
    // The software GPU has no libraries.
    if (options.architectures.empty() && how.libraries == "auto")
      how.libraries = "none";
    // Names of phases alone where there is one clone, or the first.
    std::string suffix = clone == clones.front() ? "" : (" " + target).str();
    if (failed(runPhases(clone, last, how, [&](StringRef phase) {
          begin((phase + suffix).str());
        })))
      return failure();
  }
  return success();
}

/// Writes weights that this process alone has, such as numbers that the model's
/// file does not hold as one run of bytes, out in the text: what reads it has
/// no other way to them.
static LogicalResult spellBuffers(ModuleOp module) {
  WalkResult result = module.walk([](graph::ConstantOp op) {
    auto weight = dyn_cast<graph::WeightAttr>(op.getValue());
    if (!weight || !weight.getFile().starts_with("buffer:"))
      return WalkResult::advance();
    FailureOr<graph::HostTensor> tensor = graph::evaluateConstant(
        weight, op.getType(), [&] { return op.emitError(); });
    if (failed(tensor))
      return WalkResult::interrupt();
    op.setValueAttr(graph::toDenseElements(*tensor));
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult Compiler::emitText(ModuleOp clone) {
  begin("write");
  switch (options.emit) {
  case Emit::llvm:
    return emitLLVM(clone, options);
  case Emit::cuda: {
    std::string text;
    llvm::raw_string_ostream out(text);
    if (failed(printCudaText(clone, out)))
      return failure();
    return writeText(clone, options.output,
                     [&](llvm::raw_ostream &file) { file << text; });
  }
  default:
    if (failed(spellBuffers(clone)))
      return failure();
    return writeText(clone, options.output,
                     [&](llvm::raw_ostream &out) { clone.print(out); });
  }
}

LogicalResult Compiler::emitPackage() {
  // Without a program there is no report of it.
  std::optional<PendingFile> report;
  if (!options.report.empty()) {
    begin("report");
    FailureOr<PendingFile> written =
        writeReport(clones, options.model, getProducer(), options.report);
    if (failed(written))
      return failure();
    report.emplace(std::move(*written));
  }
  ProgramOptions program;
  program.form = options.emit == Emit::program   ? PackageForm::program
                 : options.emit == Emit::package ? PackageForm::package
                                                 : PackageForm::object;
  if (options.memory) {
    program.form = PackageForm::memory;
    program.memory = options.memory;
  }
  program.output = options.output;
  program.variants = options.variants;
  program.architectures = options.architectures;
  program.toy = options.toy;
  program.runner = options.runner;
  program.model = options.model;
  program.producer = getProducer();
  program.onStep = options.onPhase;
  if (failed(writeProgram(clones, program)))
    return failure();
  if (report)
    if (llvm::Error kept = report->keep())
      return error() << llvm::toString(std::move(kept));
  return success();
}

LogicalResult Compiler::run() {
  if (failed(checkFiles()) || failed(setBounds(model, options.dims)))
    return failure();
  FailureOr<Level> level = detectLevel(model);
  if (failed(level) || failed(chooseTargets(*level)) ||
      (*level == Level::graph && failed(checkSizes(model))))
    return failure();
  Level last = options.emit == Emit::graph ? Level::graph
               : options.emit == Emit::kernel || options.emit == Emit::llvm ||
                       options.emit == Emit::cuda
                   ? Level::kernel
                   : Level::actor;
  if (*level > last)
    return error() << "--emit=" << nameOf(options.emit)
                   << ": the module is on the " << toString(*level)
                   << " level already, which is below; give the model, or its "
                      "text of the "
                   << (last == Level::graph ? "graph" : "graph or kernel")
                   << " level";
  if (failed(runPhases(model, last, std::nullopt, options.onPhase)) ||
      failed(makeClones(last)))
    return failure();
  return isText(options.emit) ? emitText(clones[0]) : emitPackage();
}

LogicalResult actnet::compileModule(ModuleOp module,
                                    const CompileOptions &options) {
  return Compiler(module, options).run();
}
