//===- CodeCacheTest.cpp - compiled code on disk --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Runtime/Device/CodeCache.h"
#include "../../../../../lib/Runtime/Device/CUDA/Sha256.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace actnet::rt;
namespace fs = std::filesystem;

namespace {

class CacheTest : public ::testing::Test {
protected:
  CacheTest() {
    std::string name = (fs::temp_directory_path() / "actnet-cache-XXXXXX");
    folder = ::mkdtemp(name.data());
  }
  ~CacheTest() override {
    fs::permissions(folder, fs::perms::owner_all);
    fs::remove_all(folder);
  }
  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto &entry : fs::recursive_directory_iterator(folder))
      if (entry.is_regular_file())
        found.push_back(entry.path());
    return found;
  }
  fs::path folder;
  std::string content = std::string("code with \0 in it", 17);
};

TEST_F(CacheTest, ReturnsWhatWasStored) {
  CodeCache cache(folder / "made" / "when" / "needed");
  std::string key = CodeCache::key({"text", "sm_80"});
  EXPECT_EQ(cache.lookup(key), std::nullopt);
  cache.store(key, content);
  EXPECT_EQ(cache.lookup(key), content);
  EXPECT_EQ(cache.lookup(CodeCache::key({"text", "sm_90"})), std::nullopt);
  // Nothing temporary is left.
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(CacheTest, KeysDependOnWhereAPartEnds) {
  EXPECT_NE(CodeCache::key({"ab", "c"}), CodeCache::key({"a", "bc"}));
  EXPECT_NE(CodeCache::key({"ab"}), CodeCache::key({"ab", ""}));
  EXPECT_EQ(CodeCache::key({"ab", "c"}), CodeCache::key({"ab", "c"}));
}

TEST_F(CacheTest, DamagedFilesAreMadeAgain) {
  CodeCache cache(folder);
  std::string key = CodeCache::key({"x"});
  cache.store(key, content);
  fs::path file = files().at(0);
  auto size = fs::file_size(file);
  for (uintmax_t at = 0; at < size; ++at) {
    std::fstream(file, std::ios::in | std::ios::out | std::ios::binary)
        .seekp(std::streamoff(at))
        .put('#');
    EXPECT_EQ(cache.lookup(key), std::nullopt) << "byte " << at;
    cache.store(key, content);
    ASSERT_EQ(cache.lookup(key), content);
  }
  for (uintmax_t left = 0; left < size; left += 7) {
    fs::resize_file(file, left);
    EXPECT_EQ(cache.lookup(key), std::nullopt) << left << " bytes left";
    cache.store(key, content);
  }
  EXPECT_EQ(cache.lookup(key), content);
}

TEST_F(CacheTest, AFolderThatCannotBeWrittenIsNoError) {
  std::ofstream(folder / "file") << "in the way";
  CodeCache cache((folder / "file" / "cache").string());
  cache.store("0123", content);
  EXPECT_EQ(cache.lookup("0123"), std::nullopt);
}

TEST_F(CacheTest, TheEnvironmentChooses) {
  auto storesIn = [&](const fs::path &where) {
    CodeCache::fromEnvironment().store("0123", content);
    return fs::exists(where / "01" / "23");
  };
  ::setenv("ACTNET_CACHE", "off", 1);
  EXPECT_FALSE(storesIn(folder));
  EXPECT_TRUE(files().empty());
  ::setenv("ACTNET_CACHE", (folder / "asked").c_str(), 1);
  EXPECT_TRUE(storesIn(folder / "asked"));
  ::unsetenv("ACTNET_CACHE");
  ::setenv("XDG_CACHE_HOME", (folder / "xdg").c_str(), 1);
  EXPECT_TRUE(storesIn(folder / "xdg" / "actnet"));
  ::setenv("XDG_CACHE_HOME", "relative", 1);
  ::setenv("HOME", folder.c_str(), 1);
  EXPECT_TRUE(storesIn(folder / ".cache" / "actnet"));
}

std::string hex(const std::string &text) {
  Sha256 hash;
  // In pieces, so that blocks are cut anywhere.
  for (size_t at = 0; at < text.size(); at += 7)
    hash.update(std::string_view(text).substr(at, 7));
  std::string result;
  for (uint8_t byte : hash.finish()) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    result += digits;
  }
  return result;
}

// NIST's examples of FIPS 180-4, and a million letters.
TEST(Sha256, HashesAsTheStandardSays) {
  EXPECT_EQ(hex(""), "e3b0c44298fc1c149afbf4c8996fb924"
                     "27ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex("abc"), "ba7816bf8f01cfea414140de5dae2223"
                        "b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

} // namespace
