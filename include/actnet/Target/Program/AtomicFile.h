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

#include <string>
#include <utility>

namespace actnet {

/// A regular file that is written whole, beside the name that `keep` gives it;
/// without that it is removed. Of several files each is written before the
/// first is kept, so that what fails replaces none.
class PendingFile {
public:
  /// Writes a file for `path`; a symbolic link is followed. The error, one
  /// line, names the path.
  static llvm::Expected<PendingFile>
  write(llvm::StringRef path,
        llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write);

  PendingFile(PendingFile &&other)
      : fd(std::exchange(other.fd, -1)), temporary(std::move(other.temporary)),
        path(std::move(other.path)) {
    other.temporary.clear();
  }
  ~PendingFile();

  /// Gives the file its name, in place of what has it. Call at most once.
  llvm::Error keep();

private:
  explicit PendingFile(llvm::StringRef path) : path(path) {}
  llvm::Error create();

  int fd = -1;
  std::string temporary; ///< empty once it has its name
  std::string path;
};

/// Writes a file through `write`; `-` is standard output. On any failure, such
/// as a full disk, the file is as it was before, and the error, one line, names
/// it. A symbolic link is followed. The file is a new one under the old name:
/// whoever still uses the old one, by another name too, keeps its bytes, and
/// what counts is the right to write to the folder.
llvm::Error writeFileAtomically(
    llvm::StringRef path,
    llvm::function_ref<llvm::Error(llvm::raw_pwrite_stream &)> write);

/// Whether two paths lead to one regular file, by whatever name: through
/// folders, symbolic links or hard links. Files that do not exist yet are
/// compared by their folder and name.
bool isSameFile(llvm::StringRef a, llvm::StringRef b);

} // namespace actnet

#endif // ACTNET_TARGET_PROGRAM_ATOMICFILE_H
