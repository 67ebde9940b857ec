//===- actnet-opt.cpp - every pass by name --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Pipelines/InitAll.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"

/// LLVM's libraries bring options of their own, which say nothing about
/// actnet; --help-hidden lists them.
static void hideForeignOptions() {
  for (auto &[name, option] : llvm::cl::getRegisteredOptions())
    if (name != "help" && name != "help-hidden" && name != "version")
      option->setHiddenFlag(llvm::cl::Hidden);
}

int main(int argc, char **argv) {
  hideForeignOptions();
  mlir::DialectRegistry registry;
  actnet::registerAllDialects(registry);
  actnet::registerAllPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "actnet optimizer driver\n", registry));
}
