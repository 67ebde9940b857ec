//===- Compile.cpp - from a module to a file ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Pipelines/Compile.h"

#include "CudaText.h"

#include "actnet/Codegen/Host/HostCodegen.h"
#include "actnet/Dialect/Graph/IR/GraphDialect.h"
#include "actnet/Dialect/Kernel/IR/KernelOps.h"
#include "actnet/Pipelines/Phases.h"
#include "actnet/Target/Program/AtomicFile.h"
#include "actnet/Target/Program/Program.h"
#include "actnet/Target/Program/Report.h"

#include "llvm/Config/llvm-config.h"

using namespace mlir;
using namespace actnet;

std::string actnet::getProducer() {
  return "actnet " ACTNET_VERSION " (LLVM " LLVM_VERSION_STRING ")";
}

/// Replaces bounds of named dims.
static LogicalResult setBounds(ModuleOp module, ArrayRef<DimBounds> dims) {
  StringRef attribute = graph::GraphDialect::kDimsAttr;
  auto known = module->getAttrOfType<DictionaryAttr>(attribute);
  NamedAttrList bounds(known ? known
                             : DictionaryAttr::get(module.getContext()));
  for (const DimBounds &dim : dims) {
    if (!bounds.get(dim.name)) {
      InFlightDiagnostic error =
          emitError(UnknownLoc::get(module.getContext()));
      error << "--dim " << dim.name << ": the model has no such dim; it has ";
      if (bounds.empty())
        return error << "none";
      llvm::interleaveComma(bounds, error, [&](NamedAttribute entry) {
        error << entry.getName().getValue();
      });
      return error;
    }
    bounds.set(dim.name, DenseI64ArrayAttr::get(module.getContext(),
                                                {dim.lower, dim.upper}));
  }
  if (!dims.empty())
    module->setAttr(attribute, bounds.getDictionary(module.getContext()));
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
  for (auto kernel : module.getOps<kernel::FuncOp>())
    if (failed(host::emitKernel(kernel, *variant, *target)))
      return failure();
  if (failed(host::lowerToLLVM(*target)))
    return failure();
  FailureOr<std::string> text = host::printLLVM(*target, *variant);
  if (failed(text))
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

static bool isText(Emit emit) {
  return emit != Emit::program && emit != Emit::package && emit != Emit::object;
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
      return error() << "the text of a level is that of one target, and "
                        "--target names host and cuda: name one of them";
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
    // Names of phases alone where there is one clone, or the first.
    std::string suffix = clone == clones.front() ? "" : (" " + target).str();
    if (failed(runPhases(clone, last, how, [&](StringRef phase) {
          begin((phase + suffix).str());
        })))
      return failure();
  }
  return success();
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
    return writeText(clone, options.output,
                     [&](llvm::raw_ostream &out) { clone.print(out); });
  }
}

LogicalResult Compiler::emitPackage() {
  if (!options.report.empty()) {
    begin("report");
    if (failed(
            writeReport(clones, options.model, getProducer(), options.report)))
      return failure();
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
  return writeProgram(clones, program);
}

LogicalResult Compiler::run() {
  if (failed(setBounds(model, options.dims)))
    return failure();
  FailureOr<Level> level = detectLevel(model);
  if (failed(level) || failed(chooseTargets(*level)))
    return failure();
  Level last = options.emit == Emit::graph ? Level::graph
               : options.emit == Emit::kernel || options.emit == Emit::llvm ||
                       options.emit == Emit::cuda
                   ? Level::kernel
                   : Level::actor;
  if (failed(runPhases(model, last, std::nullopt, options.onPhase)) ||
      failed(makeClones(last)))
    return failure();
  return isText(options.emit) ? emitText(clones[0]) : emitPackage();
}

LogicalResult actnet::compileModule(ModuleOp module,
                                    const CompileOptions &options) {
  return Compiler(module, options).run();
}
