//===- Compile.cpp - from a module to a file ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Pipelines/Compile.h"

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

/// The kernels' code in the LLVM dialect, for the best variant.
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
  return writeText(module, options.output,
                   [&](llvm::raw_ostream &out) { target->print(out); });
}

LogicalResult actnet::compileModule(ModuleOp module,
                                    const CompileOptions &options) {
  auto begin = [&](StringRef phase) {
    if (options.onPhase)
      options.onPhase(phase);
  };
  if (failed(setBounds(module, options.dims)))
    return failure();
  Level last = options.emit == Emit::graph ? Level::graph
               : options.emit == Emit::kernel || options.emit == Emit::llvm
                   ? Level::kernel
                   : Level::actor;
  if (failed(runPhases(module, last, options.onPhase)))
    return failure();

  switch (options.emit) {
  case Emit::graph:
  case Emit::kernel:
  case Emit::actor:
    begin("write");
    return writeText(module, options.output,
                     [&](llvm::raw_ostream &out) { module.print(out); });
  case Emit::llvm:
    begin("code");
    return emitLLVM(module, options);
  default:
    break;
  }
  if (!options.report.empty()) {
    begin("report");
    if (failed(
            writeReport(module, options.model, getProducer(), options.report)))
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
  program.runner = options.runner;
  program.model = options.model;
  program.producer = getProducer();
  program.onStep = options.onPhase;
  return writeProgram(module, program);
}
