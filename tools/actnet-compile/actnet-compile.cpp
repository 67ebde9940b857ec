//===- actnet-compile.cpp - a model becomes a program ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "CommandLine.h"
#include "Diagnostics.h"
#include "Interrupts.h"
#include "TextGuard.h"

#include "actnet/Dialect/Graph/IR/GivenDims.h"
#include "actnet/Dialect/Graph/IR/GraphDialect.h"
#include "actnet/Dialect/Graph/IR/WeightStore.h"
#include "actnet/Frontend/ONNX/Import.h"
#include "actnet/Pipelines/InitAll.h"

#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace actnet;

/// Reads the model. Bounds of dims are taken from `dims` where the front end
/// uses them; what is left there is for the pipeline.
static OwningOpRef<ModuleOp> readInput(StringRef path, MLIRContext &context,
                                       std::vector<DimBounds> &dims) {
  Location unknown = UnknownLoc::get(&context);
  StringRef extension = llvm::sys::path::extension(path);
  if (extension != ".onnx" && extension != ".mlir") {
    emitError(unknown)
        << "'" << path
        << "': expected a model whose name ends with .onnx or .mlir";
    return {};
  }
  llvm::sys::fs::file_status status;
  std::error_code error = llvm::sys::fs::status(path, status);
  if (!error && status.type() == llvm::sys::fs::file_type::directory_file)
    error = std::make_error_code(std::errc::is_a_directory);
  bool isFile = status.type() == llvm::sys::fs::file_type::regular_file;
  // Of a pipe or a device there may be no end.
  if (error || !isFile) {
    emitError(unknown) << "cannot read '" << path << "': "
                       << (error ? error.message() : "it is no regular file");
    return {};
  }
  if (extension == ".onnx") {
    llvm::SmallVector<graph::NamedRange> ranges;
    for (const DimBounds &dim : std::exchange(dims, {}))
      ranges.push_back({dim.name, {dim.lower, dim.upper}});
    return onnx::importOnnx(path, context, ranges);
  }
  // Weights that the text names lie beside it.
  context.getLoadedDialect<graph::GraphDialect>()->getWeightStore().setRoot(
      llvm::sys::path::parent_path(path));
  auto text = llvm::MemoryBuffer::getFile(path);
  if (!text) {
    emitError(unknown) << "cannot read '" << path
                       << "': " << text.getError().message();
    return {};
  }
  if (std::optional<TextFault> fault = findTextFault((*text)->getBuffer())) {
    emitError(FileLineColLoc::get(&context, path, fault->line, fault->column))
        << fault->message;
    return {};
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(*text), llvm::SMLoc());
  return parseSourceFile<ModuleOp>(sources, &context);
}

/// The runner lies beside the compiler, or where it is installed. Programs for
/// toy hold the software GPU.
static std::string findRunner(const char *argv0, bool toy) {
  std::string self = llvm::sys::fs::getMainExecutable(
      argv0, reinterpret_cast<void *>(&findRunner));
  StringRef folder = llvm::sys::path::parent_path(self);
  llvm::SmallString<128> beside(folder),
      installed(llvm::sys::path::parent_path(folder));
  const char *name = toy ? "actnet-runner-toy" : "actnet-runner";
  llvm::sys::path::append(beside, name);
  llvm::sys::path::append(installed, "libexec", "actnet", name);
  return std::string(llvm::sys::fs::exists(beside) ? beside : installed);
}

/// Says which dims are not called as in the file.
static void noteNames(ModuleOp module) {
  auto given = module->getAttrOfType<DictionaryAttr>(graph::kGivenDimsAttr);
  for (NamedAttribute dim :
       given ? given.getValue() : ArrayRef<NamedAttribute>())
    if (auto name = dyn_cast<StringAttr>(dim.getValue());
        name && name.getValue() != dim.getName().getValue())
      llvm::errs() << "actnet-compile: import: the file's dim '"
                   << name.getValue() << "' is called "
                   << dim.getName().getValue()
                   << " here; --dim takes both names, a program's the file's\n";
}

static int compile(CommandLine &line, const char *argv0) {
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllPasses();
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  ErrorPrinter printer(context, line.verbose);
  if (line.verbose && failed(enableRemarks(context)))
    return 1;
  PhaseTimer timer;
  timer.begin("import");
  OwningOpRef<ModuleOp> module =
      readInput(line.input, context, line.compile.dims);
  if (!module)
    return printer.isUsage() ? 2 : 1;
  if (line.verbose)
    noteNames(*module);
  line.compile.inputs = {line.input};
  line.compile.runner = findRunner(argv0, line.compile.toy);
  if (!module->getSymName())
    line.compile.model = llvm::sys::path::stem(line.input).str();
  line.compile.onPhase = [&](StringRef phase) { timer.begin(phase); };
  LogicalResult compiled = compileModule(*module, line.compile);
  if (succeeded(compiled) && line.timeReport)
    timer.print();
  return succeeded(compiled) ? 0 : printer.isUsage() ? 2 : 1;
}

/// Prints a text that was asked for.
static int print(StringRef text) {
  llvm::raw_fd_ostream &out = llvm::outs();
  out << text;
  out.flush();
  if (!out.has_error())
    return 0;
  llvm::errs() << "actnet-compile: error: cannot write to the terminal: "
               << out.error().message() << "\n";
  out.clear_error();
  return 1;
}

int main(int argc, char **argv) {
  llvm::Expected<CommandLine> line =
      parseCommandLine(llvm::ArrayRef(argv + 1, argc - 1));
  if (!line) {
    llvm::errs() << "actnet-compile: error: "
                 << llvm::toString(line.takeError()) << "\n";
    return 2;
  }
  endOnExhaustion();
  if (line->help)
    return print(getHelp());
  if (line->listOperators)
    return print(onnx::describeOperators());
  if (line->version)
    return print(getProducer() + "\n");
  removeFilesOnSignals();
  return compile(*line, argv[0]);
}
