//===- CodeBundle.h - many modules of code in one section -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CUDA code comes as one module per kernel, and CUDA text as one file per
// kernel beside the headers that they share. A bundle holds such entries, a
// name and bytes each, as one section of a package:
//
//   magic[8] · u32 count · u32 0 · count x {u64 name, nameBytes, data, bytes}
//   · names and data
//
// Little-endian; offsets count from the bundle's start, data begins at
// multiples of 16.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_PACKAGE_CODEBUNDLE_H
#define ACTNET_PACKAGE_CODEBUNDLE_H

#include "actnet/Runtime/Base/Status.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace actnet::pkg {

/// A checked view of a bundle. Cheap to move; the bytes belong to the caller
/// and outlive it. Immutable, so any thread may read.
class CodeBundle {
public:
  struct Entry {
    std::string_view name;
    std::span<const std::byte> bytes;
  };

  /// Reads a bundle. Fails with dataLoss if it is no bundle, if an entry lies
  /// outside of it, or if a name is empty, double or not one line.
  static Expected<CodeBundle> parse(std::span<const std::byte> bytes);

  /// All entries, in the order in which they were added.
  std::span<const Entry> entries() const { return all; }
  /// The entry of this name, or null.
  const Entry *find(std::string_view name) const;

private:
  std::vector<Entry> all;
  /// Indices into `all`, sorted by name.
  std::vector<uint32_t> byName;
};

/// Collects entries and makes the bytes of a bundle.
class CodeBundleWriter {
public:
  /// Copies an entry; names are one line and differ.
  void add(std::string_view name, std::span<const std::byte> bytes);
  void add(std::string_view name, std::string_view text);

  bool empty() const { return entries.empty(); }
  /// The bundle: the same bytes for the same entries in the same order.
  std::vector<std::byte> finish() const;

private:
  struct Entry {
    std::string name;
    std::vector<std::byte> bytes;
  };
  std::vector<Entry> entries;
};

} // namespace actnet::pkg

#endif // ACTNET_PACKAGE_CODEBUNDLE_H
