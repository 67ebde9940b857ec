//===- Runner.h - compiling and running kernels in tests ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text of kernels in, results out. Every operand ends at a page that may not
// be touched, so a read or write beyond it is a crash of the test. Tiles run
// in reverse order: none may depend on another.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_TEST_UNIT_CODEGEN_HOST_RUNNER_H
#define ACTNET_TEST_UNIT_CODEGEN_HOST_RUNNER_H

#include "Interpreter.h"
#include "actnet/Codegen/Host/HostCodegen.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <string>

namespace actnet::testing {

/// A context with all dialects that kernels use.
class Compiler {
public:
  Compiler();
  mlir::MLIRContext context;
};

/// The compiled kernels of a module.
class Kernels {
public:
  /// Parses, verifies, schedules and compiles; `error` gets the first
  /// diagnostic where one of these fails.
  Kernels(Compiler &compiler, llvm::StringRef text,
          llvm::StringRef variant = "x86-64-v3");
  ~Kernels();

  bool ok() const { return image.has_value(); }
  std::string error;
  kernel::FuncOp kernel(llvm::StringRef name);
  const llvm::SmallVector<char, 0> &elf() const { return image->elf; }

  /// Runs all tiles of a kernel.
  std::vector<Tensor> run(llvm::StringRef name,
                          const std::vector<Tensor> &operands,
                          const std::vector<int64_t> &dims);
  /// Runs and compares with the interpreter: |x - y| <= atol + rtol |y|.
  /// The empty string, or what differs.
  std::string check(llvm::StringRef name, const std::vector<Tensor> &operands,
                    const std::vector<int64_t> &dims, double rtol = 2e-6,
                    double atol = 1e-6);
  /// The same with random operands in [-lo, hi] of the kernel's shapes.
  std::string checkRandom(llvm::StringRef name,
                          const std::vector<int64_t> &dims, unsigned seed,
                          double lo = -2, double hi = 2, double rtol = 2e-6,
                          double atol = 1e-6);
  /// The function of the ABI.
  using Function = void (*)(void *const *, const int64_t *, void *, int64_t);
  Function function(llvm::StringRef name);
  /// Tiles for these dims.
  int64_t tiles(llvm::StringRef name, const std::vector<int64_t> &dims);
  std::vector<int64_t> shapeOfArg(llvm::StringRef name, unsigned i,
                                  const std::vector<int64_t> &dims);

private:
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::optional<host::HostImage> image;
  void *handle = nullptr;
};

} // namespace actnet::testing

#endif // ACTNET_TEST_UNIT_CODEGEN_HOST_RUNNER_H
