//===- TextGuard.h - what the parser of MLIR takes on trust ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM 22 reads the `iterator_types` of `linalg.generic` as strings without
// asking whether they are, and calls itself for each bracket that it enters:
// other types, and brackets by the thousand, are a crash before any verifier
// runs. So the tools look at the text first.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_TOOLS_TEXTGUARD_TEXTGUARD_H
#define ACTNET_TOOLS_TEXTGUARD_TEXTGUARD_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace actnet {

struct TextFault {
  unsigned line, column; ///< from 1
  std::string message;
};

/// Brackets within each other, and minus signs in a row; what the compiler
/// writes has few.
inline constexpr size_t kDeepestText = 256;

/// The first `iterator_types` that is no list of strings, or the first bracket
/// or minus sign that is too deep, in text that need not be well formed. Linear
/// in its length.
std::optional<TextFault> findTextFault(llvm::StringRef text);

} // namespace actnet

#endif // ACTNET_TOOLS_TEXTGUARD_TEXTGUARD_H
