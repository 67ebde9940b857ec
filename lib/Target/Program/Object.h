//===- Object.h - a package as data of an object file ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The object is written by hand: two symbols in read-only data need neither an
// assembler nor the package in memory.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_TARGET_PROGRAM_OBJECT_H
#define ACTNET_LIB_TARGET_PROGRAM_OBJECT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace actnet {

/// Writes `object`, an ELF64 relocatable file for x86-64 that defines
/// `SYMBOL_package` (page-aligned) and `SYMBOL_package_size`, with the bytes of
/// the file `package`, and `header`, which declares them to C and C++.
llvm::Error writeObject(llvm::StringRef package, llvm::StringRef symbol,
                        llvm::StringRef object, llvm::StringRef header);

} // namespace actnet

#endif // ACTNET_LIB_TARGET_PROGRAM_OBJECT_H
