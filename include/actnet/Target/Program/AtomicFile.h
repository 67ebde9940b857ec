//===- AtomicFile.h - files that are there whole or not at all ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything that the compiler writes is written beside its final name first.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_TARGET_PROGRAM_ATOMICFILE_H
#define ACTNET_TARGET_PROGRAM_ATOMICFILE_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace actnet {

/// Writes a file through `write`; `-` is standard output. On any failure, such
/// as a full disk, the file is as it was before, and the error, one line, names
/// it.
llvm::Error writeFileAtomically(
    llvm::StringRef path,
    llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write);

} // namespace actnet

#endif // ACTNET_TARGET_PROGRAM_ATOMICFILE_H
