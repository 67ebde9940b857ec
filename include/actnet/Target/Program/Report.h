//===- Report.h - a page about a compiled model ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One self-contained HTML file with pictures: the memory plan over time, the
// kernels with their cost and sources, the largest weights.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_TARGET_PROGRAM_REPORT_H
#define ACTNET_TARGET_PROGRAM_REPORT_H

#include "actnet/Target/Program/AtomicFile.h"

#include "mlir/IR/BuiltinOps.h"

namespace actnet {

/// Writes the report of a model from its clones, planned actor modules. Figures
/// are for the dims' upper bounds, or where there is none for the lower ones.
/// The file is there once it is kept. Errors are diagnostics.
mlir::FailureOr<PendingFile> writeReport(llvm::ArrayRef<mlir::ModuleOp> clones,
                                         llvm::StringRef model,
                                         llvm::StringRef producer,
                                         llvm::StringRef path);

} // namespace actnet

#endif // ACTNET_TARGET_PROGRAM_REPORT_H
