//===- Cache.cpp - compiled code that need not be compiled again ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Cache.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/raw_ostream.h"

using namespace actnet::cuda;
using llvm::StringRef;

/// Changes with the form of the files.
static constexpr llvm::StringLiteral kMagic = "actnetC1";
static constexpr size_t kHashBytes = 32;

static std::string hashOf(StringRef content) {
  llvm::SHA256 hash;
  hash.update(content);
  auto bytes = hash.final();
  return std::string(bytes.begin(), bytes.end());
}

CodeCache CodeCache::fromEnvironment() {
  auto value = [](const char *name) {
    return llvm::sys::Process::GetEnv(name).value_or("");
  };
  std::string asked = value("ACTNET_CACHE");
  if (!asked.empty())
    return CodeCache(asked == "off" ? "" : asked);
  std::string root = value("XDG_CACHE_HOME");
  // The specification asks to ignore relative ones.
  if (!llvm::sys::path::is_absolute(root)) {
    root = value("HOME");
    if (!llvm::sys::path::is_absolute(root))
      return CodeCache("");
    root += "/.cache";
  }
  return CodeCache(root + "/actnet");
}

std::string CodeCache::key(llvm::ArrayRef<StringRef> parts) {
  llvm::SHA256 hash;
  for (StringRef part : parts) {
    uint8_t size[8];
    llvm::support::endian::write64le(size, part.size());
    hash.update(size);
    hash.update(part);
  }
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}

std::string CodeCache::pathOf(StringRef key) const {
  return folder + "/" + key.take_front(2).str() + "/" + key.drop_front(2).str();
}

std::optional<std::string> CodeCache::lookup(StringRef key) const {
  if (folder.empty())
    return std::nullopt;
  auto buffer = llvm::MemoryBuffer::getFile(pathOf(key), /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return std::nullopt;
  StringRef file = (*buffer)->getBuffer();
  if (!file.consume_front(kMagic) || file.size() < kHashBytes)
    return std::nullopt;
  StringRef content = file.drop_front(kHashBytes);
  if (file.take_front(kHashBytes) != StringRef(hashOf(content)))
    return std::nullopt;
  return content.str();
}

void CodeCache::store(StringRef key, StringRef content) const {
  if (folder.empty())
    return;
  std::string path = pathOf(key);
  if (llvm::sys::fs::create_directories(llvm::sys::path::parent_path(path)))
    return;
  auto temporary = llvm::sys::fs::TempFile::create(path + ".%%%%%%");
  if (!temporary)
    return llvm::consumeError(temporary.takeError());
  bool isWritten = false;
  {
    llvm::raw_fd_ostream out(temporary->FD, /*shouldClose=*/false);
    out << kMagic << hashOf(content) << content;
    out.flush();
    isWritten = !out.has_error();
    out.clear_error();
  }
  llvm::consumeError(isWritten ? temporary->keep(path) : temporary->discard());
}
