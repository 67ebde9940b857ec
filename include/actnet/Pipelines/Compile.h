//===- Compile.h - from a module to a file --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What actnet-compile and the C++ graph API call once they have a module.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_PIPELINES_COMPILE_H
#define ACTNET_PIPELINES_COMPILE_H

#include "mlir/IR/BuiltinOps.h"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace actnet {

/// What the compiler writes: a file that runs, or the text of a level.
enum class Emit {
  program,
  package,
  object,
  graph,
  kernel,
  actor,
  cuda,
  llvm,
};

/// Bounds for a named dim; upper -1: none.
struct DimBounds {
  std::string name;
  int64_t lower = 0;
  int64_t upper = -1;
};

struct CompileOptions {
  Emit emit = Emit::program;
  /// The file to write; `-` is standard output, for text only.
  std::string output;
  /// Where a package goes instead of a file; null: to the file.
  std::vector<std::byte> *memory = nullptr;
  /// Host variants, best last; empty: no code for the host.
  std::vector<std::string> variants = {"x86-64-v3", "x86-64-v4"};
  /// Architectures of NVIDIA GPUs, such as `sm_80` or `sm_90a`.
  std::vector<std::string> architectures;
  /// Whether the program runs on the software GPU too.
  bool toy = false;
  /// The floats that cuda and toy compute with: f32, bf16 or f16.
  std::string precision = "f32";
  /// The contractions that libraries may run on NVIDIA GPUs, where they are
  /// found: auto (those that are large enough), all or none.
  std::string libraries = "auto";
  /// Files that were read to make the module: nothing may be written to them.
  std::vector<std::string> inputs;
  /// Bounds that replace the model's own.
  std::vector<DimBounds> dims;
  /// The prebuilt runner; needed for programs.
  std::string runner;
  /// Name of the model in the package; empty: the module's.
  std::string model;
  /// Where to write the report; empty: none.
  std::string report;
  /// Called when a phase begins; may be empty.
  std::function<void(llvm::StringRef phase)> onPhase;
};

/// Compiles a module of any level. Errors are diagnostics; nothing is left
/// half-written then.
mlir::LogicalResult compileModule(mlir::ModuleOp module,
                                  const CompileOptions &options);

/// Returns "actnet 0.1.0 (LLVM 22.1.8)": what packages name as their producer.
std::string getProducer();

} // namespace actnet

#endif // ACTNET_PIPELINES_COMPILE_H
