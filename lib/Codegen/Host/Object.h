//===- Object.h - LLVM dialect to object files and images -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The part of the host code generator that speaks LLVM: translation, the
// short pipeline of optimisations, machine code, linking.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CODEGEN_HOST_OBJECT_H
#define ACTNET_LIB_CODEGEN_HOST_OBJECT_H

#include "actnet/Codegen/Host/HostCodegen.h"

namespace actnet::host {

/// Translates a module of the LLVM dialect, optimises it and appends its
/// object file to `object`. With `runtime`, it also defines memset and memcpy
/// (hidden), which LLVM may call. Any thread; the context must be ready (see
/// registerHostCodegenDialects). Errors are emitted at the module.
mlir::LogicalResult compileObject(mlir::ModuleOp module,
                                  const HostVariant &variant, bool runtime,
                                  llvm::SmallVectorImpl<char> &object);

/// Links objects into a shared object without imports. Calls the linker as a
/// process; errors are emitted at `loc`.
mlir::LogicalResult
linkImage(llvm::ArrayRef<llvm::SmallVector<char, 0>> objects,
          llvm::StringRef linker, mlir::Location loc,
          llvm::SmallVectorImpl<char> &image);

} // namespace actnet::host

#endif // ACTNET_LIB_CODEGEN_HOST_OBJECT_H
