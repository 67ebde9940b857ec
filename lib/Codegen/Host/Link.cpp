//===- Link.cpp - object files to an image --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Object.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

static std::string findLinker(StringRef asked) {
  if (!asked.empty())
    return asked.str();
  // Debian keeps the linker of a version in a folder of its own.
  const SmallVector<StringRef> searches[] = {{}, {"/usr/lib/llvm-22/bin"}};
  for (StringRef name : {"ld.lld-22", "ld.lld"})
    for (ArrayRef<StringRef> paths : searches)
      if (auto path = llvm::sys::findProgramByName(name, paths))
        return *path;
  return {};
}

LogicalResult actnet::host::linkImage(ArrayRef<SmallVector<char, 0>> objects,
                                      StringRef linker, Location loc,
                                      SmallVectorImpl<char> &image) {
  std::string program = findLinker(linker);
  if (program.empty())
    return emitError(loc)
           << "no linker: neither 'ld.lld-22' nor 'ld.lld' is on PATH "
              "(Debian package lld-22)";
  SmallVector<std::string> files;
  SmallVector<std::unique_ptr<llvm::FileRemover>> removers;
  auto temporary = [&](StringRef suffix, std::string &path) -> LogicalResult {
    SmallString<128> name;
    if (std::error_code error =
            llvm::sys::fs::createTemporaryFile("actnet", suffix, name)) {
      SmallString<128> folder;
      llvm::sys::path::system_temp_directory(/*ErasedOnReboot=*/true, folder);
      return emitError(loc)
             << "cannot make a temporary file in '" << folder
             << "' (TMPDIR names the folder): " << error.message();
    }
    path = name.str().str();
    removers.push_back(std::make_unique<llvm::FileRemover>(name));
    return success();
  };
  for (ArrayRef<char> object : objects) {
    if (failed(temporary("o", files.emplace_back())))
      return failure();
    std::error_code error;
    llvm::raw_fd_ostream stream(files.back(), error);
    if (!error) {
      stream.write(object.data(), object.size());
      stream.close();
      error = stream.error();
    }
    if (error) {
      stream.clear_error();
      return emitError(loc)
             << "cannot write '" << files.back() << "': " << error.message();
    }
  }
  std::string output, messages;
  if (failed(temporary("so", output)) || failed(temporary("txt", messages)))
    return failure();

  // -z defs: a call that leaves the image is an error here, not at load.
  SmallVector<StringRef> arguments{program,
                                   "-shared",
                                   "-Bsymbolic",
                                   "-z",
                                   "defs",
                                   "-z",
                                   "norelro",
                                   "--hash-style=sysv",
                                   "--build-id=none",
                                   "--no-dynamic-linker",
                                   "-s",
                                   "-O0",
                                   "-o",
                                   output};
  for (const std::string &file : files)
    arguments.push_back(file);
  std::string error;
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(messages),
                                          StringRef(messages)};
  int code = llvm::sys::ExecuteAndWait(program, arguments, std::nullopt,
                                       redirects, 0, 0, &error);
  if (code != 0) {
    std::string text = error;
    if (auto buffer = llvm::MemoryBuffer::getFile(messages);
        buffer && text.empty())
      text = (*buffer)->getBuffer().split('\n').first.str();
    return emitError(loc) << "'" << program
                          << "' cannot link the kernels: " << text;
  }
  auto buffer = llvm::MemoryBuffer::getFile(output);
  if (!buffer)
    return emitError(loc) << "cannot read '" << output
                          << "': " << buffer.getError().message();
  image.append((*buffer)->getBufferStart(), (*buffer)->getBufferEnd());
  return success();
}
