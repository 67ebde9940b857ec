//===- HostCodegen.h - kernels to an ELF image for the host ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The entry of the host code generator. It reads a kernel's family and
// schedule, writes each kernel as scf, arith, vector and LLVM ops on raw
// pointers, and turns batches of kernels into objects in parallel. The objects
// are linked into one image that imports nothing.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_CODEGEN_HOST_HOSTCODEGEN_H
#define ACTNET_CODEGEN_HOST_HOSTCODEGEN_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace actnet::host {

/// What the code of one variant may use. Named by a feature level, never by a
/// CPU: a machine's name says little about its features.
struct HostVariant {
  /// `x86-64-v3` or `x86-64-v4`; also the name of the variant in the package.
  std::string name;
  /// Bits of a vector register: 256 or 512.
  unsigned vectorBits = 256;
  /// Vector registers: 16 or 32.
  unsigned vectorRegisters = 16;
  /// Fused multiply and add.
  bool fma = true;

  /// Lanes of f32 in one register: 8 or 16.
  unsigned lanesF32() const { return vectorBits / 32; }

  /// The variant of this name; fails, with an error at `loc` that lists the
  /// known names, for any other.
  static mlir::FailureOr<HostVariant> get(llvm::StringRef name,
                                          mlir::Location loc);
};

struct HostOptions {
  /// Threads that compile batches; 0: as many as the machine has.
  unsigned threads = 0;
  /// Linker to call; empty: `ld.lld-22` or `ld.lld` on PATH or beside LLVM.
  std::string linker;
};

/// One variant's code: an ELF64 shared object without imports, with relative
/// relocations only, that exports each kernel's symbol.
struct HostImage {
  std::string variant;
  llvm::SmallVector<char, 0> elf;
};

/// Loads into the context what `compileHostImage` needs. To be called before
/// the context is used by several threads.
void registerHostCodegenDialects(mlir::DialectRegistry &registry);

/// Compiles all `kernel.func`s of the module, which must have been scheduled
/// (kernel-schedule-host), into one image. Errors are emitted at the kernel.
mlir::FailureOr<HostImage> compileHostImage(mlir::ModuleOp kernelModule,
                                            const HostVariant &variant,
                                            const HostOptions &options = {});

/// Emits one kernel as functions of `target`: `NAME`, with the ABI of a host
/// kernel, and `NAME.body`, which it calls. The text is scf, arith, vector and
/// LLVM ops. Errors are emitted at the kernel.
mlir::LogicalResult emitKernel(kernel::FuncOp kernel,
                               const HostVariant &variant,
                               mlir::ModuleOp target);

/// Lowers what `emitKernel` made to the LLVM dialect.
mlir::LogicalResult lowerToLLVM(mlir::ModuleOp module);

/// Emits kernels into `target`, lowers it and hands it to `use`. Where that
/// fails the kernel at fault is sought, alone in a module, and named at its
/// location with its family and element types: what other libraries say of
/// their own ops is only the end of that message. `use` may be called again.
mlir::LogicalResult
lowerKernels(llvm::ArrayRef<kernel::FuncOp> kernels, const HostVariant &variant,
             mlir::ModuleOp target,
             llvm::function_ref<mlir::LogicalResult(mlir::ModuleOp)> use);

/// LLVM IR, as text, of a module that `lowerToLLVM` made: optimised, as machine
/// code is made of it. Errors are emitted at the module.
mlir::FailureOr<std::string> printLLVM(mlir::ModuleOp module,
                                       const HostVariant &variant);

} // namespace actnet::host

#endif // ACTNET_CODEGEN_HOST_HOSTCODEGEN_H
