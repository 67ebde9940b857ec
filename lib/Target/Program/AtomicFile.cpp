//===- AtomicFile.cpp - files that are there whole or not at all ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Target/Program/AtomicFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"

#include <unistd.h>

using namespace actnet;
using namespace llvm;

static Error failed(StringRef path, std::error_code error) {
  return createStringError(error, "cannot write '%s': %s", path.str().c_str(),
                           error.message().c_str());
}

llvm::Expected<PendingFile>
PendingFile::write(StringRef path,
                   function_ref<Error(raw_pwrite_stream &)> write) {
  sys::fs::file_status status;
  if (!sys::fs::status(path, status) &&
      status.type() != sys::fs::file_type::regular_file)
    return createStringError(std::errc::invalid_argument,
                             "cannot write '%s': it is not a regular file",
                             path.str().c_str());
  SmallString<128> real;
  if (!sys::fs::real_path(path, real))
    path = real;
  PendingFile file(path);
  if (Error error = file.create())
    return std::move(error);
  raw_fd_ostream stream(file.fd, /*shouldClose=*/false);
  Error error = write(stream);
  stream.flush();
  std::error_code writeError = stream.error();
  stream.clear_error();
  if (error)
    return std::move(error);
  if (writeError)
    return failed(path, writeError);
  return file;
}

Error PendingFile::create() {
  std::error_code error;
  for (int attempt = 0; attempt < 100; ++attempt) {
    // The suffix alone: the path may have percent signs of its own.
    SmallString<16> suffix;
    sys::fs::createUniquePath("%%%%%%", suffix, /*MakeAbsolute=*/false);
    temporary = path + "." + suffix.str().str();
    // Before it is there: a signal may come right behind.
    sys::RemoveFileOnSignal(temporary);
    error = sys::fs::openFileForReadWrite(
        temporary, fd, sys::fs::CD_CreateNew, sys::fs::OF_None,
        sys::fs::all_read | sys::fs::all_write);
    if (!error)
      return Error::success();
    sys::DontRemoveFileOnSignal(temporary);
    temporary.clear();
    if (error != std::errc::file_exists)
      break;
  }
  return failed(path, error);
}

PendingFile::~PendingFile() {
  if (fd >= 0)
    ::close(fd);
  if (temporary.empty())
    return;
  sys::fs::remove(temporary);
  sys::DontRemoveFileOnSignal(temporary);
}

Error PendingFile::keep() {
  // Network and quota errors may show only here.
  if (::close(std::exchange(fd, -1)) != 0)
    return failed(path, std::error_code(errno, std::generic_category()));
  if (std::error_code error = sys::fs::rename(temporary, path))
    return failed(path, error);
  sys::DontRemoveFileOnSignal(temporary);
  temporary.clear();
  return Error::success();
}

Error actnet::writeFileAtomically(
    StringRef path, function_ref<Error(raw_pwrite_stream &)> write) {
  if (path != "-") {
    llvm::Expected<PendingFile> file = PendingFile::write(path, write);
    return file ? file->keep() : file.takeError();
  }
  SmallVector<char, 0> text;
  raw_svector_ostream stream(text);
  if (Error error = write(stream))
    return error;
  outs() << stream.str();
  outs().flush();
  if (outs().has_error()) {
    std::error_code error = outs().error();
    outs().clear_error();
    return failed("standard output", error);
  }
  return Error::success();
}

/// The file that a path leads to: the real folder, and the name in it.
static SmallString<128> resolve(StringRef path) {
  SmallString<128> whole(path), real;
  (void)sys::fs::make_absolute(whole);
  if (!sys::fs::real_path(whole, real))
    return real;
  if (sys::fs::real_path(sys::path::parent_path(whole), real))
    return whole;
  sys::path::append(real, sys::path::filename(whole));
  return real;
}

bool actnet::isSameFile(StringRef a, StringRef b) {
  sys::fs::file_status first, second;
  if (!sys::fs::status(a, first) && !sys::fs::status(b, second))
    return first.type() == sys::fs::file_type::regular_file &&
           sys::fs::equivalent(first, second);
  return resolve(a) == resolve(b);
}
