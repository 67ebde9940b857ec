//===- Contraction.h - loop nests around the micro-kernel -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Helpers that the contraction families share.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CODEGEN_HOST_CONTRACTION_H
#define ACTNET_LIB_CODEGEN_HOST_CONTRACTION_H

#include "actnet/Codegen/Host/Emitter.h"

namespace actnet::host {

/// The module that the emitter writes into.
mlir::ModuleOp targetModule(Emitter &e);

/// Pointer to at least `bytes` zero bytes in the image's read-only data.
mlir::Value zeroBytes(Emitter &e, int64_t bytes);

/// Splits a row-major linear index over `extents`; the first part is not
/// reduced modulo its extent.
Values delinearize(Emitter &e, mlir::Value linear,
                   llvm::ArrayRef<mlir::Value> extents);

/// The product of values.
mlir::Value productOf(Emitter &e, llvm::ArrayRef<mlir::Value> values);

/// Emits a root with reductions as plain loops, one element at a time: right
/// for every form that the verifier allows, and slow.
void emitPlainRoot(Emitter &e);
void emitPlainAttention(Emitter &e);

/// Stores all elements of the tile's row of the results (of the schedule
/// `plain`), as the emitter says them.
void emitPlainResults(Emitter &e);

} // namespace actnet::host

#endif // ACTNET_LIB_CODEGEN_HOST_CONTRACTION_H
