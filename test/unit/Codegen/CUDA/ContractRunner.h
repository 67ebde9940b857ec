//===- ContractRunner.h - printed kernels on the software GPU -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text that NVRTC gets, compiled for toy and run by its engine: every
// access is checked, every result must have been written.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_TEST_UNIT_CODEGEN_CUDA_CONTRACTRUNNER_H
#define ACTNET_TEST_UNIT_CODEGEN_CUDA_CONTRACTRUNNER_H

#include "../Host/Runner.h"

#include "actnet/Dialect/Kernel/IR/KernelOps.h"
#include "actnet/Runtime/Device/ToyEngine.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace actnet::testing {

/// Numbers of one element type in memory.
struct Memory {
  mlir::Type type;
  std::vector<char> bytes;
  /// Bytes behind an aligned address where it lies, as a view of a buffer may.
  int64_t skew = 0;

  /// Rounds to the type.
  static Memory of(mlir::Type type, const std::vector<double> &values);
  std::vector<double> values() const;
};

/// Compiles the kernels of a module, which must have schedules.
class ToyRunner {
public:
  explicit ToyRunner(mlir::ModuleOp module, uint64_t seed = 1);
  /// Empty, or why nothing runs.
  std::string error;

  /// Runs all blocks; `results` have their types and sizes before, and are
  /// written in full unless the kernel leaves some of them out. Empty, or what
  /// the engine found.
  std::string run(kernel::FuncOp kernel, const std::vector<Memory> &operands,
                  std::vector<Memory> &results,
                  const std::vector<int64_t> &dims, bool isDense = true);

private:
  std::unique_ptr<rt::toy::Image> image;
  std::unique_ptr<rt::toy::Engine> engine;
  std::string elf;
};

/// Kernels in text, scheduled as for cuda and compiled for the software GPU.
struct ToyKernels {
  explicit ToyKernels(llvm::StringRef text);

  Compiler compiler;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string error; ///< Empty, or why nothing runs.
  /// There where `error` is empty.
  std::optional<ToyRunner> runner;
};

/// An expression of d0, d1 … for these dims.
int64_t evaluateDim(graph::DimExprAttr expr, const std::vector<int64_t> &dims);

/// $ACTNET_CUDA_CASES, else `few`.
int numCases(int few);

} // namespace actnet::testing

#endif // ACTNET_TEST_UNIT_CODEGEN_CUDA_CONTRACTRUNNER_H
