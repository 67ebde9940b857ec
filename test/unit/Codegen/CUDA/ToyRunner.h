//===- ToyRunner.h - printed kernels on the software GPU ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels go the way of a program's: scheduled, printed, compiled by clang with
// the flags of kernels/toy, run by the engine with every access checked. The
// results are compared with the interpreter of kernel bodies.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_TEST_UNIT_CODEGEN_CUDA_TOYRUNNER_H
#define ACTNET_TEST_UNIT_CODEGEN_CUDA_TOYRUNNER_H

#include "../Host/Interpreter.h"
#include "actnet/Runtime/Device/ToyEngine.h"

#include "mlir/IR/OwningOpRef.h"

#include <functional>
#include <memory>

namespace actnet::testing {

/// One run of a kernel.
struct ToyRun {
  std::vector<int64_t> dims;
  unsigned seed = 1;
  /// Operands are random in between; integers are whole numbers.
  double lo = -2, hi = 2;
  /// |x - y| <= tolerance (1 + |y|).
  double tolerance = 1e-5;
  /// Base pointers of operands and results are off by an element.
  bool isUnaligned = false;
};

using Reference =
    std::function<std::vector<Tensor>(const std::vector<Tensor> &)>;

class ToyKernels {
public:
  /// All kernels of a module, which they schedule.
  explicit ToyKernels(mlir::ModuleOp module);
  /// Empty, or why there is nothing to run.
  std::string error;

  /// The empty string, or what went wrong. Compared with `reference`, the
  /// interpreter if there is none.
  std::string check(llvm::StringRef name, const ToyRun &run,
                    const Reference &reference = {});

private:
  mlir::ModuleOp module;
  std::unique_ptr<rt::toy::Image> image;
};

/// The printed text of a scheduled kernel; empty, with a failed expectation, on
/// errors.
std::string cudaText(kernel::FuncOp kernel);

} // namespace actnet::testing

#endif // ACTNET_TEST_UNIT_CODEGEN_CUDA_TOYRUNNER_H
