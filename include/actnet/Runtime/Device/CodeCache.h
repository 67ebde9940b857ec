//===- CodeCache.h - compiled code that need not be compiled again --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files named by the hash of all that went into them, in
// $XDG_CACHE_HOME/actnet (or ~/.cache/actnet); $ACTNET_CACHE names another
// folder, or `off`. A file is written under another name and then renamed, and
// holds the hash of its content: one that is damaged is made again. A cache
// that cannot be written is no cache, and no error. The compiler and programs
// that compile for a GPU where they run share it.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_DEVICE_CODECACHE_H
#define ACTNET_RUNTIME_DEVICE_CODECACHE_H

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace actnet::rt {

/// Any thread may use it; so may other processes.
class CodeCache {
public:
  /// The cache that the environment asks for.
  static CodeCache fromEnvironment();
  /// A cache in a folder, made when first written; empty: none.
  explicit CodeCache(std::string folder) : folder(std::move(folder)) {}

  /// The name of what is made from these parts; where one ends matters.
  static std::string key(std::span<const std::string_view> parts);
  static std::string key(std::initializer_list<std::string_view> parts) {
    return key(std::span(parts.begin(), parts.size()));
  }

  /// What was stored under a key, or nothing.
  std::optional<std::string> lookup(std::string_view key) const;
  void store(std::string_view key, std::string_view content) const;

private:
  std::string pathOf(std::string_view key) const;
  std::string folder;
};

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_DEVICE_CODECACHE_H
