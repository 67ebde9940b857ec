//===- CodeBundleTest.cpp - bundles of code -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Package/CodeBundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstring>

using namespace actnet;
using namespace actnet::pkg;
using ::testing::HasSubstr;

namespace {

std::string text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

std::vector<std::byte> sample() {
  CodeBundleWriter writer;
  writer.add("relu.cu", "void relu();");
  writer.add("device.h", "");
  writer.add("add.cu", "void add();");
  return writer.finish();
}

std::string refusal(std::span<const std::byte> bytes) {
  Expected<CodeBundle> bundle = CodeBundle::parse(bytes);
  return bundle ? "ok" : std::string(bundle.status().message());
}

void put64(std::vector<std::byte> &bytes, size_t at, uint64_t value) {
  std::memcpy(bytes.data() + at, &value, sizeof(value));
}

TEST(CodeBundle, ReturnsWhatWasAdded) {
  std::vector<std::byte> bytes = sample();
  Expected<CodeBundle> bundle = CodeBundle::parse(bytes);
  ASSERT_TRUE(bundle) << bundle.status().str();
  ASSERT_EQ(bundle->entries().size(), 3u);
  EXPECT_EQ(bundle->entries()[0].name, "relu.cu");
  EXPECT_EQ(text(bundle->entries()[0].bytes), "void relu();");
  EXPECT_EQ(text(bundle->find("add.cu")->bytes), "void add();");
  EXPECT_TRUE(bundle->find("device.h")->bytes.empty());
  EXPECT_EQ(bundle->find("add"), nullptr);
  EXPECT_EQ(bundle->find("zzz"), nullptr);
  for (const CodeBundle::Entry &entry : bundle->entries())
    EXPECT_EQ((entry.bytes.data() - bytes.data()) % 16, 0) << entry.name;
}

TEST(CodeBundle, MayBeEmpty) {
  std::vector<std::byte> bytes = CodeBundleWriter().finish();
  Expected<CodeBundle> bundle = CodeBundle::parse(bytes);
  ASSERT_TRUE(bundle);
  EXPECT_TRUE(bundle->entries().empty());
  EXPECT_EQ(bundle->find("x"), nullptr);
}

TEST(CodeBundle, RefusesWhatIsDamaged) {
  std::vector<std::byte> bytes = sample();
  EXPECT_THAT(refusal({}), HasSubstr("cut off"));
  EXPECT_THAT(refusal(std::span(bytes).first(40)), HasSubstr("cut off"));
  bytes[0] = std::byte{'x'};
  EXPECT_THAT(refusal(bytes), HasSubstr("no bundle"));
  bytes = sample();
  put64(bytes, 16 + 16, bytes.size() + 1); // data of the first entry
  EXPECT_THAT(refusal(bytes), HasSubstr("entry 0 of the bundle"));
  bytes = sample();
  put64(bytes, 16 + 24, ~uint64_t(0)); // its size: the sum wraps round
  EXPECT_THAT(refusal(bytes), HasSubstr("entry 0 of the bundle"));
  bytes = sample();
  put64(bytes, 16 + 8, 0);
  EXPECT_THAT(refusal(bytes), HasSubstr("a name that is empty"));
  CodeBundleWriter twice;
  twice.add("a", "1");
  twice.add("b", "2");
  twice.add("a", "3");
  EXPECT_THAT(refusal(twice.finish()), HasSubstr("'a' stands twice"));
  CodeBundleWriter lines;
  lines.add("a\nb", "1");
  EXPECT_THAT(refusal(lines.finish()), HasSubstr("not one line"));
}

RC_GTEST_PROP(CodeBundle, SurvivesAnyDamage, ()) {
  std::vector<std::byte> bytes = sample();
  auto count = *rc::gen::inRange(1, 8);
  for (int i = 0; i < count; ++i)
    bytes[*rc::gen::inRange<size_t>(0, bytes.size())] =
        std::byte(*rc::gen::arbitrary<uint8_t>());
  bytes.resize(*rc::gen::inRange<size_t>(0, bytes.size() + 1));
  Expected<CodeBundle> bundle = CodeBundle::parse(bytes);
  if (!bundle)
    return;
  // Whatever was read lies inside; the sanitizers watch the reads.
  size_t sum = 0;
  for (const CodeBundle::Entry &entry : bundle->entries())
    for (std::byte b : entry.bytes)
      sum += size_t(b);
  RC_ASSERT(sum < bytes.size() * 256 * 4);
}

} // namespace
