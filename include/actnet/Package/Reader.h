//===- Reader.h - open and check a package --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A package is checked once, whole, when it is opened: afterwards every id is
// in range, every expression is well formed, every view lies on a root, blocks
// nest to a bounded depth, and the memory plan of every function has passed the
// independent verifier. Weights are the exception: they are mapped and not
// read, so their checksum is compared only by verifyWeights, which the flag
// --verify of programs and actnet_verify call.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_PACKAGE_READER_H
#define ACTNET_PACKAGE_READER_H

#include "actnet/Package/Container.h"
#include "actnet/Runtime/Base/Status.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace actnet::pkg {

struct ReaderOptions {
  /// Compare the checksums of structured sections and code. Off only where a
  /// test wants to reach the checks behind them.
  bool checksums = true;
};

/// One section of an open package.
struct Section {
  std::string name;
  /// Bytes from the package's start; a multiple of 4096.
  uint64_t offset = 0;
  std::span<const std::byte> bytes;
};

/// An open package. Cheap to copy: copies share the mapping, which lives until
/// the last one dies. Immutable, so any thread may read.
class Reader {
public:
  /// Maps a package file, or the package at the end of a program. Every
  /// failure is one line that names the file: notFound or invalidArgument if
  /// it cannot be read or is no package, dataLoss if it is damaged,
  /// failedPrecondition if its schema is newer than this build.
  static Expected<Reader> openFile(const std::string &path,
                                   ReaderOptions options = {});

  /// The package at the end of the running program.
  static Expected<Reader> openSelf();

  /// Reads a package in memory, such as one embedded in an object. `bytes`
  /// starts at a multiple of 64 and outlives all copies of the Reader; `name`
  /// is what errors call it.
  static Expected<Reader> openMemory(std::span<const std::byte> bytes,
                                     const std::string &name,
                                     ReaderOptions options = {});

  /// What errors call the package: its path.
  const std::string &name() const;
  const Interface &interface() const;
  /// One per clone.
  std::span<const std::unique_ptr<Plan>> plans() const;
  /// The plan of a target such as "host", or null.
  const Plan *findPlan(std::string_view target) const;
  /// The functions of a plan stand in any order: this finds one by its index
  /// in the interface, or null.
  static const FunctionPlan *findFunction(const Plan &plan, uint32_t function);

  std::span<const Section> sections() const;
  /// The section, or null.
  const Section *findSection(std::string_view name) const;
  /// The whole weights section, read-only; empty if there is none.
  std::span<const std::byte> weights() const;
  /// The bytes of weight `id`, which must be in range. 64-byte aligned.
  std::span<const std::byte> weight(uint32_t id) const;
  /// The code of an image of one of the plans.
  std::span<const std::byte> image(const Image &image) const;
  /// Reads all weights and compares their checksum, and the bytes that no
  /// checksum covers, which are zero; dataLoss if one differs. With what
  /// opening compares that is every byte of the package.
  Status verifyWeights() const;

private:
  struct Impl;
  explicit Reader(std::shared_ptr<const Impl> impl);
  static Expected<Reader> openImpl(std::shared_ptr<Impl> impl,
                                   ReaderOptions options);
  std::shared_ptr<const Impl> impl;
};

/// Writes interface, plans and the table of sections as one JSON object, for
/// people and tests. Weights and code are only named.
std::string dumpJson(const Reader &reader);

} // namespace actnet::pkg

#endif // ACTNET_PACKAGE_READER_H
