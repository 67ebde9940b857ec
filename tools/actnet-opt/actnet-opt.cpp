//===- actnet-opt.cpp - every pass by name --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TextGuard.h"

#include "actnet/Pipelines/InitAll.h"
#include "actnet/Target/Program/AtomicFile.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
using namespace actnet;

/// LLVM's libraries bring options of their own, which say nothing about
/// actnet; --help-hidden lists them.
static void hideForeignOptions() {
  for (auto &[name, option] : llvm::cl::getRegisteredOptions())
    if (name != "help" && name != "help-hidden" && name != "version")
      option->setHiddenFlag(llvm::cl::Hidden);
}

/// Reads the input, looks at it before the parser does, and runs the passes.
static LogicalResult run(StringRef input, StringRef output,
                         DialectRegistry &registry) {
  std::string error;
  std::unique_ptr<llvm::MemoryBuffer> buffer = openInputFile(input, &error);
  if (!buffer) {
    llvm::errs() << error << "\n";
    return failure();
  }
  if (!isBytecode(buffer->getMemBufferRef()))
    if (std::optional<TextFault> fault = findTextFault(buffer->getBuffer())) {
      llvm::errs() << buffer->getBufferIdentifier() << ":" << fault->line << ":"
                   << fault->column << ": error: " << fault->message << "\n";
      return failure();
    }
  LogicalResult result = success();
  auto optimize = [&](llvm::raw_ostream &out) {
    result = MlirOptMain(out, std::move(buffer), registry,
                         MlirOptMainConfig::createFromCLOptions());
    return succeeded(result) ? llvm::Error::success()
                             : llvm::createStringError("the passes failed");
  };
  // A device such as /dev/null cannot be replaced; a file is, once all is well.
  llvm::sys::fs::file_status status;
  if (output == "-" ||
      (!llvm::sys::fs::status(output, status) &&
       status.type() == llvm::sys::fs::file_type::character_file)) {
    std::unique_ptr<llvm::ToolOutputFile> file = openOutputFile(output, &error);
    if (!file) {
      llvm::errs() << error << "\n";
      return failure();
    }
    llvm::consumeError(optimize(file->os()));
    file->keep();
    return result;
  }
  llvm::Error written = writeFileAtomically(output, optimize);
  // What the passes have to say they have said.
  if (failed(result))
    llvm::consumeError(std::move(written));
  else if (written) {
    llvm::errs() << llvm::toString(std::move(written)) << "\n";
    return failure();
  }
  return result;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  hideForeignOptions();
  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllPasses();
  auto [input, output] = registerAndParseCLIOptions(
      argc, argv, "actnet optimizer driver\n", registry);
  MlirOptMainConfig config = MlirOptMainConfig::createFromCLOptions();
  // These read no input.
  if (config.shouldShowDialects() || config.shouldListPasses())
    return asMainReturnCode(MlirOptMain(argc, argv, input, output, registry));
  return asMainReturnCode(run(input, output, registry));
}
