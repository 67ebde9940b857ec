//===- Program.h - write a package, a program or an object ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The last step of the compiler: planned actor modules with their kernels and
// recipes become one file. Weights stream tensor by tensor; a file takes its
// final name only once it is complete.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_TARGET_PROGRAM_PROGRAM_H
#define ACTNET_TARGET_PROGRAM_PROGRAM_H

#include "mlir/IR/BuiltinOps.h"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace actnet {

/// What the file is.
enum class PackageForm {
  program, ///< the runner with the package behind it, executable
  package, ///< the package alone
  object,  ///< NAME.o with the package as data, and NAME.h beside it
  memory,  ///< no file: the package's bytes
};

struct ProgramOptions {
  PackageForm form = PackageForm::program;
  /// The file to write. An object's name is that of the file without `.o`.
  std::string output;
  /// Where the bytes go, for `memory`.
  std::vector<std::byte> *memory = nullptr;
  /// Host variants to compile, best last: `x86-64-v3`, `x86-64-v4`.
  std::vector<std::string> variants;
  /// Architectures of NVIDIA GPUs: `sm_80`, `sm_90a`.
  std::vector<std::string> architectures;
  /// Whether the program runs on the software GPU too.
  bool toy = false;
  /// The prebuilt runner, for programs.
  std::string runner;
  /// The model's name and what wrote the package, for `--info`.
  std::string model, producer;
  /// Called when a step begins, for time reports; may be empty.
  std::function<void(llvm::StringRef step)> onStep;
};

/// Compiles the kernels of a model's clones, actor modules of one context with
/// different `kernel.target`s, and writes one package. Errors are diagnostics;
/// nothing is left behind then.
mlir::LogicalResult writeProgram(llvm::ArrayRef<mlir::ModuleOp> clones,
                                 const ProgramOptions &options);

/// The C identifier under which an object at this path declares its package:
/// the file name without folder and `.o`, other characters as `_`.
std::string objectSymbol(llvm::StringRef path);

} // namespace actnet

#endif // ACTNET_TARGET_PROGRAM_PROGRAM_H
