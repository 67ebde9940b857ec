//===- CodeCache.cpp - compiled code that need not be compiled again ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "actnet/Runtime/Device/CodeCache.h"
#include "Sha256.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace fs = std::filesystem;

namespace actnet::rt {

namespace {

/// Changes with the form of the files.
constexpr std::string_view magic = "actnetC1";
constexpr size_t hashBytes = 32;

std::string hashOf(std::string_view content) {
  Sha256 hash;
  hash.update(content);
  auto bytes = hash.finish();
  return std::string(bytes.begin(), bytes.end());
}

std::string value(const char *name) {
  const char *text = std::getenv(name);
  return text ? text : "";
}

bool isAbsolute(const std::string &path) { return path.starts_with('/'); }

} // namespace

CodeCache CodeCache::fromEnvironment() {
  std::string asked = value("ACTNET_CACHE");
  if (!asked.empty())
    return CodeCache(asked == "off" ? "" : asked);
  std::string root = value("XDG_CACHE_HOME");
  // The specification asks to ignore relative ones.
  if (!isAbsolute(root)) {
    root = value("HOME");
    if (!isAbsolute(root))
      return CodeCache("");
    root += "/.cache";
  }
  return CodeCache(root + "/actnet");
}

std::string CodeCache::key(std::span<const std::string_view> parts) {
  Sha256 hash;
  for (std::string_view part : parts) {
    char size[8];
    for (int i = 0; i < 8; ++i)
      size[i] = char(uint64_t(part.size()) >> (8 * i));
    hash.update({size, 8});
    hash.update(part);
  }
  std::string text;
  for (uint8_t byte : hash.finish()) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

std::string CodeCache::pathOf(std::string_view key) const {
  return folder + "/" + std::string(key.substr(0, 2)) + "/" +
         std::string(key.substr(2));
}

std::optional<std::string> CodeCache::lookup(std::string_view key) const {
  if (folder.empty())
    return std::nullopt;
  std::ifstream in(pathOf(key), std::ios::binary);
  if (!in)
    return std::nullopt;
  std::string file((std::istreambuf_iterator<char>(in)), {});
  if (!file.starts_with(magic) || file.size() < magic.size() + hashBytes)
    return std::nullopt;
  std::string content = file.substr(magic.size() + hashBytes);
  if (file.compare(magic.size(), hashBytes, hashOf(content)) != 0)
    return std::nullopt;
  return content;
}

void CodeCache::store(std::string_view key, std::string_view content) const {
  if (folder.empty())
    return;
  std::string path = pathOf(key);
  std::error_code failed;
  fs::create_directories(fs::path(path).parent_path(), failed);
  if (failed)
    return;
  std::string temporary = path + ".XXXXXX";
  int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0)
    return;
  std::string file = std::string(magic) + hashOf(content);
  file += content;
  size_t written = 0;
  while (written < file.size()) {
    ssize_t now =
        ::write(descriptor, file.data() + written, file.size() - written);
    if (now < 0 && errno == EINTR)
      continue;
    if (now <= 0)
      break;
    written += size_t(now);
  }
  bool isWhole = ::close(descriptor) == 0 && written == file.size();
  if (!isWhole || std::rename(temporary.c_str(), path.c_str()) != 0)
    ::unlink(temporary.c_str());
}

} // namespace actnet::rt
