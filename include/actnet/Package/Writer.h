//===- Writer.h - write a package -----------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sections stream to the file as they are made: weights of many GiB go tensor
// by tensor and are never whole in memory. A file is written beside its final
// name and takes that name only once it is complete, so a failure (a full
// disk) leaves nothing half-written.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_PACKAGE_WRITER_H
#define ACTNET_PACKAGE_WRITER_H

#include "actnet/Package/Container.h"
#include "actnet/Runtime/Base/Status.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace actnet::pkg {

/// Writes one package. Move-only, one thread at a time. Any failure is final:
/// later calls fail too, and the destructor removes what was written.
class Writer {
public:
  /// Starts a package file at `path`. Fails if the folder cannot be written,
  /// or if `path` is something else than a regular file.
  static Expected<Writer> toFile(const std::string &path);

  /// Starts a program: a copy of the executable `runner`, to which the package
  /// and a footer are appended; the result is executable.
  static Expected<Writer> toProgram(const std::string &path,
                                    const std::string &runner);

  /// Starts a package in memory; see takeBytes.
  static Writer toMemory();

  /// Is told of each temporary file: right after it was made, and once it has
  /// its final name or was removed. `path` lives for the call.
  using TemporaryWatch = void (*)(const char *path, bool exists);
  /// Sets the watch of this process, as signals are a process's: a tool sets it
  /// before its first Writer, so that an interrupt leaves no file behind. Null:
  /// none, which a library wants.
  static void watchTemporaries(TemporaryWatch watch);

  Writer(Writer &&) noexcept;
  Writer &operator=(Writer &&) noexcept;
  ~Writer();

  /// Begins a section; names are unique, 1 to 31 bytes long.
  Status beginSection(std::string_view name);
  /// Appends bytes to the open section.
  Status write(std::span<const std::byte> bytes);
  Status write(const void *data, size_t bytes);
  /// Pads the open section with zeros to a multiple of `alignment`, and
  /// returns the position there: the offset of the weight to be written next.
  Expected<uint64_t> align(uint64_t alignment = weightAlignment);
  Status endSection();

  /// A whole section at once.
  Status addSection(std::string_view name, std::span<const std::byte> bytes);
  /// Writes the section `interface`; sets its schema_version.
  Status addInterface(Interface &interface);
  /// Writes the section `plan.TARGET`.
  Status addPlan(const Plan &plan);

  /// Completes the package; the file gets its name. Call once, last.
  Status finish();

  /// The bytes of a finished package in memory.
  std::vector<std::byte> takeBytes();

private:
  struct Impl;
  explicit Writer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace actnet::pkg

#endif // ACTNET_PACKAGE_WRITER_H
