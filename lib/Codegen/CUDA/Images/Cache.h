//===- Cache.h - compiled code that need not be compiled again ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files named by the hash of all that went into them, in
// $XDG_CACHE_HOME/actnet (or ~/.cache/actnet); $ACTNET_CACHE names another
// folder, or `off`. A file is written under another name and then renamed, and
// holds the hash of its content: one that is damaged is made again. A cache
// that cannot be written is no cache, and no error.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CODEGEN_CUDA_IMAGES_CACHE_H
#define ACTNET_LIB_CODEGEN_CUDA_IMAGES_CACHE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace actnet::cuda {

/// Any thread may use it; so may other processes.
class CodeCache {
public:
  /// The cache that the environment asks for.
  static CodeCache fromEnvironment();
  /// A cache in a folder, made when first written; empty: none.
  explicit CodeCache(std::string folder) : folder(std::move(folder)) {}

  /// The name of what is made from these parts; where one ends matters.
  static std::string key(llvm::ArrayRef<llvm::StringRef> parts);

  /// What was stored under a key, or nothing.
  std::optional<std::string> lookup(llvm::StringRef key) const;
  void store(llvm::StringRef key, llvm::StringRef content) const;

private:
  std::string pathOf(llvm::StringRef key) const;
  std::string folder;
};

} // namespace actnet::cuda

#endif // ACTNET_LIB_CODEGEN_CUDA_IMAGES_CACHE_H
