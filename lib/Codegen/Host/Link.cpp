//===- Link.cpp - object files to an image --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The linker is a process of its own, which takes and gives files. They lie in
// memory: the linker opens them by this process's descriptors, in /proc. So
// nothing is left in a folder, however either process ends, and no folder for
// temporary files is needed.
//

#include "Object.h"

#include "llvm/Support/Errno.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

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

namespace {
/// A descriptor that is closed with this. Processes that this one starts do not
/// inherit it, but may open what it stands for.
class Handle {
public:
  explicit Handle(int descriptor = -1) : descriptor(descriptor) {}
  Handle(Handle &&other) : descriptor(std::exchange(other.descriptor, -1)) {}
  ~Handle() { close(); }
  void close() {
    if (descriptor >= 0)
      ::close(std::exchange(descriptor, -1));
  }

  bool isOpen() const { return descriptor >= 0; }
  int get() const { return descriptor; }
  /// What others open it by while this process is there.
  std::string path() const {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" +
           std::to_string(descriptor);
  }
  /// What is to be read until the end.
  void readInto(SmallVectorImpl<char> &bytes) const {
    char part[1 << 16];
    ssize_t count;
    while ((count = llvm::sys::RetryAfterSignal(-1, ::read, descriptor, +part,
                                                sizeof part)) > 0)
      bytes.append(part, part + count);
  }

private:
  int descriptor;
};

/// A file in memory.
Handle makeFile() { return Handle(::memfd_create("actnet", MFD_CLOEXEC)); }
} // namespace

LogicalResult actnet::host::linkImage(ArrayRef<SmallVector<char, 0>> objects,
                                      StringRef linker, Location loc,
                                      SmallVectorImpl<char> &image) {
  std::string program = findLinker(linker);
  if (program.empty())
    return emitError(loc)
           << "no linker: neither 'ld.lld-22' nor 'ld.lld' is on PATH "
              "(Debian package lld-22)";
  auto cannotPass = [&](std::error_code error) {
    return emitError(loc) << "cannot hand the kernels to '" << program
                          << "': " << error.message();
  };
  std::vector<Handle> files;
  for (ArrayRef<char> object : objects) {
    const Handle &file = files.emplace_back(makeFile());
    if (!file.isOpen())
      return cannotPass(llvm::errnoAsErrorCode());
    llvm::raw_fd_ostream stream(file.get(), /*shouldClose=*/false);
    stream.write(object.data(), object.size());
    stream.flush();
    if (std::error_code error = stream.error()) {
      stream.clear_error();
      return cannotPass(error);
    }
  }
  // A linker writes a file that it finds under another name first, beside it.
  // Into a pipe it writes the image as it is.
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC))
    return cannotPass(llvm::errnoAsErrorCode());
  Handle from(ends[0]), output(ends[1]), messages = makeFile();
  if (!messages.isOpen())
    return cannotPass(llvm::errnoAsErrorCode());

  // -z defs: a call that leaves the image is an error here, not at load.
  std::vector<std::string> arguments{program,
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
                                     output.path()};
  for (const Handle &file : files)
    arguments.push_back(file.path());
  std::string error, log = messages.path();
  std::optional<StringRef> redirects[] = {StringRef(""), StringRef(log),
                                          StringRef(log)};
  std::thread reader([&] { from.readInto(image); });
  int code = llvm::sys::ExecuteAndWait(
      program, SmallVector<StringRef>(arguments.begin(), arguments.end()),
      std::nullopt, redirects, 0, 0, &error);
  output.close(); // The last one that writes: the reader ends.
  reader.join();
  if (code == 0)
    return success();
  if (error.empty()) {
    SmallVector<char, 0> text;
    messages.readInto(text);
    error = StringRef(text.data(), text.size()).split('\n').first.str();
  }
  return emitError(loc) << "'" << program
                        << "' cannot link the kernels: " << error;
}
