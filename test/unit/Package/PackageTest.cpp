//===- PackageTest.cpp - writing and reading packages ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Sample.h"
#include "actnet/Package/Reader.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <fstream>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace actnet;
using namespace actnet::pkg;
using namespace actnet::pkg::test;

namespace {

std::vector<std::byte> readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> chars((std::istreambuf_iterator<char>(file)), {});
  auto bytes = std::as_bytes(std::span(chars));
  return {bytes.begin(), bytes.end()};
}

void writeFile(const std::string &path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char *>(bytes.data()),
             std::streamsize(bytes.size()));
}

void expectSample(const Reader &reader, const Sample &sample) {
  EXPECT_EQ(reader.interface().producer, "sample");
  EXPECT_EQ(reader.interface().schema_version, schemaVersion);
  ASSERT_EQ(reader.plans().size(), 1u);
  const Plan *plan = reader.findPlan("host");
  ASSERT_TRUE(plan);
  EXPECT_FALSE(reader.findPlan("cuda"));
  const FunctionPlan *function = Reader::findFunction(*plan, 0);
  ASSERT_TRUE(function);
  EXPECT_FALSE(Reader::findFunction(*plan, 1));
  ASSERT_EQ(function->body->records.size(), 8u);
  const Loop *loop = function->body->records[5]->body.AsLoop();
  ASSERT_TRUE(loop);
  EXPECT_EQ(loop->body->records.size(), 3u);
  EXPECT_EQ(reader.weight(1).size(), 100u);
  EXPECT_TRUE(std::equal(reader.weight(1).begin(), reader.weight(1).end(),
                         sample.weightB.begin()));
  EXPECT_EQ(uintptr_t(reader.weight(1).data()) % 64, 0u);
  std::span<const std::byte> image = reader.image(*plan->images[0]);
  EXPECT_TRUE(std::equal(image.begin(), image.end(), sample.code.begin(),
                         sample.code.end()));
  for (const Section &section : reader.sections())
    EXPECT_EQ(section.offset % pageBytes, 0u) << section.name;
  EXPECT_TRUE(reader.verifyWeights());
}

TEST(Package, RoundTripsThroughAFile) {
  TemporaryFolder folder;
  Sample sample;
  ASSERT_TRUE(planAll(sample.interface, sample.plan));
  Expected<Writer> writer = Writer::toFile(folder.file("model.actnet"));
  ASSERT_TRUE(writer);
  ASSERT_TRUE(sample.write(*writer));
  Expected<Reader> reader = Reader::openFile(folder.file("model.actnet"));
  ASSERT_TRUE(reader) << reader.status().str();
  expectSample(*reader, sample);
  EXPECT_TRUE(reader->plans()[0]->functions[0]->memory);
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(Package, RoundTripsThroughMemory) {
  Sample sample;
  std::vector<std::byte> bytes = sample.bytes();
  // At any address: an unaligned package is copied, an aligned one is not.
  std::vector<std::byte> shifted(bytes.size() + 128);
  for (size_t shift : {0, 1, 8}) {
    size_t base = 64 - uintptr_t(shifted.data()) % 64 + shift;
    std::copy(bytes.begin(), bytes.end(), shifted.begin() + long(base));
    std::span<const std::byte> view(shifted.data() + base, bytes.size());
    Expected<Reader> reader = Reader::openMemory(view, "embedded");
    ASSERT_TRUE(reader) << reader.status().str();
    expectSample(*reader, sample);
    EXPECT_EQ(reader->weights().data() == view.data() + 4096, shift == 0);
  }
}

TEST(Package, LiesAtTheEndOfAProgram) {
  TemporaryFolder folder;
  std::vector<std::byte> runner(10001, std::byte{7});
  writeFile(folder.file("runner"), runner);
  Sample sample;
  Expected<Writer> writer =
      Writer::toProgram(folder.file("program"), folder.file("runner"));
  ASSERT_TRUE(writer) << writer.status().str();
  ASSERT_TRUE(sample.write(*writer));
  std::vector<std::byte> program = readFile(folder.file("program"));
  EXPECT_TRUE(std::equal(runner.begin(), runner.end(), program.begin()));
  struct stat info;
  ASSERT_EQ(::stat(folder.file("program").c_str(), &info), 0);
  EXPECT_TRUE(info.st_mode & S_IXUSR);
  Expected<Reader> reader = Reader::openFile(folder.file("program"));
  ASSERT_TRUE(reader) << reader.status().str();
  expectSample(*reader, sample);
  // Whatever is cut off, the footer is not where it should be.
  for (size_t cut : {1, 32, 33, 5000}) {
    writeFile(folder.file("cut"),
              std::span(program).first(program.size() - cut));
    EXPECT_FALSE(Reader::openFile(folder.file("cut")));
  }
}

TEST(Package, OutlivesTheReaderThatOpenedIt) {
  Sample sample;
  std::vector<std::byte> bytes = sample.bytes();
  std::optional<Reader> copy;
  {
    Expected<Reader> reader = Reader::openMemory(bytes, "embedded");
    ASSERT_TRUE(reader);
    copy = *reader;
  }
  expectSample(*copy, sample);
}

TEST(Package, WeightsStreamInPieces) {
  // More than the writer's buffer, in odd pieces: the checksum must not see
  // how the stream is cut.
  TemporaryFolder folder;
  Sample sample;
  std::vector<std::byte> big(3 << 20);
  for (size_t i = 0; i < big.size(); ++i)
    big[i] = std::byte(i * 31 >> 3);
  sample.interface.weights[1]->bytes = big.size();
  Expected<Writer> writer = Writer::toFile(folder.file("big"));
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->beginSection(weightsSection));
  ASSERT_TRUE(writer->write(sample.weightA));
  EXPECT_EQ(*writer->align(), 64u);
  for (size_t at = 0, piece = 1; at < big.size(); piece = piece * 3 + 1) {
    size_t count = std::min(piece, big.size() - at);
    ASSERT_TRUE(writer->write(big.data() + at, count));
    at += count;
  }
  ASSERT_TRUE(writer->endSection());
  ASSERT_TRUE(writer->addSection("code.host.x86-64-v3", sample.code));
  ASSERT_TRUE(writer->addPlan(sample.plan));
  ASSERT_TRUE(writer->addInterface(sample.interface));
  ASSERT_TRUE(writer->finish());
  Expected<Reader> reader = Reader::openFile(folder.file("big"));
  ASSERT_TRUE(reader) << reader.status().str();
  EXPECT_TRUE(std::equal(big.begin(), big.end(), reader->weight(1).begin(),
                         reader->weight(1).end()));
  EXPECT_TRUE(reader->verifyWeights());
}

TEST(Package, ASpoiltWeightIsFoundOnRequest) {
  Sample sample;
  std::vector<std::byte> bytes = sample.bytes();
  bytes[4096 + 70] ^= std::byte{1};
  Expected<Reader> reader = Reader::openMemory(bytes, "p");
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->verifyWeights().message(), "'p': the weights are damaged");
}

TEST(Package, EveryByteIsCompared) {
  Sample sample;
  const std::vector<std::byte> bytes = sample.bytes();
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::vector<std::byte> spoilt = bytes;
    spoilt[at] ^= std::byte{4};
    Expected<Reader> reader = Reader::openMemory(spoilt, "p");
    ASSERT_FALSE(reader && reader->verifyWeights()) << "byte " << at;
  }
  std::vector<std::byte> longer = bytes;
  longer.push_back(std::byte{7});
  Expected<Reader> reader = Reader::openMemory(longer, "p");
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->verifyWeights().message(),
            "'p': byte " + std::to_string(bytes.size()) +
                " of the package is damaged: it lies between sections and is "
                "not zero");
}

TEST(Package, ANewerSchemaIsRefusedInOneLine) {
  Sample sample;
  std::vector<std::byte> bytes = sample.bytes();
  uint32_t newer = schemaVersion + 1;
  std::memcpy(bytes.data() + offsetof(Header, version), &newer, 4);
  Expected<Reader> reader = Reader::openMemory(bytes, "new.actnet");
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.status().code(), StatusCode::failedPrecondition);
  EXPECT_EQ(reader.status().message(),
            "'new.actnet': the package has schema 2, and this program reads up "
            "to 1; use a newer actnet");
}

TEST(Package, NamesAFileThatIsNone) {
  TemporaryFolder folder;
  writeFile(folder.file("empty"), {});
  writeFile(folder.file("text"), std::as_bytes(std::span("hello", 5)));
  EXPECT_EQ(Reader::openFile(folder.file("missing")).status().code(),
            StatusCode::notFound);
  for (std::string name : {"empty", "text", "."}) {
    Expected<Reader> reader = Reader::openFile(folder.file(name));
    ASSERT_FALSE(reader);
    EXPECT_NE(reader.status().message().find(folder.file(name)),
              std::string_view::npos);
  }
}

TEST(Package, DumpsAsJson) {
  Sample sample;
  ASSERT_TRUE(planAll(sample.interface, sample.plan));
  std::vector<std::byte> bytes = sample.bytes();
  Expected<Reader> reader = Reader::openMemory(bytes, "p");
  ASSERT_TRUE(reader);
  nlohmann::json json = nlohmann::json::parse(dumpJson(*reader));
  EXPECT_EQ(json["interface"]["model"], "model \"quoted\"");
  EXPECT_EQ(json["interface"]["functions"][0]["inputs"][0]["name"], "x");
  auto &function = json["plans"][0]["functions"][0];
  EXPECT_EQ(function["body"]["records"][5]["body_type"], "Loop");
  EXPECT_EQ(function["body"]["records"][5]["body"]["body"]["records"].size(),
            3u);
  EXPECT_EQ(function["buffers"][4]["region"], "Scratch");
  EXPECT_EQ(json["sections"].size(), 4u);
  EXPECT_EQ(json["expressions"][1], "N");
  EXPECT_EQ(json["schema"], 1);
}

TEST(Writer, AFailureLeavesNothingBehind) {
  TemporaryFolder folder;
  writeFile(folder.file("old"), std::as_bytes(std::span("old", 3)));
  {
    Sample sample;
    Expected<Writer> writer = Writer::toFile(folder.file("old"));
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->addPlan(sample.plan));
    // Given up before finish.
  }
  EXPECT_EQ(folder.entries(), 1u);
  EXPECT_EQ(readFile(folder.file("old")).size(), 3u);
}

TEST(Writer, AFullDiskIsReportedAndLeavesNothingBehind) {
  TemporaryFolder folder;
  // A limit on file size fails a write just as a full disk does.
  auto old = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit limit = before;
  limit.rlim_cur = 8192;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  Sample sample;
  Status status;
  {
    Expected<Writer> writer = Writer::toFile(folder.file("model"));
    ASSERT_TRUE(writer);
    status = sample.write(*writer);
    // The failure is final.
    EXPECT_FALSE(writer->finish());
    EXPECT_FALSE(writer->beginSection("more"));
  }
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.code(), StatusCode::resourceExhausted);
  EXPECT_EQ(status.message(),
            "cannot write '" + folder.file("model") + "': File too large");
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(Writer, RefusesPlacesThatAreNoFiles) {
  TemporaryFolder folder;
  for (std::string path : {folder.file("."), folder.file("missing/model"),
                           std::string("/dev/full")}) {
    Expected<Writer> writer = Writer::toFile(path);
    ASSERT_FALSE(writer) << path;
    EXPECT_NE(writer.status().message().find(path), std::string_view::npos);
  }
  EXPECT_FALSE(Writer::toProgram(folder.file("p"), folder.file("no-runner")));
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(Writer, RefusesSectionsInDisorder) {
  Writer writer = Writer::toMemory();
  ASSERT_TRUE(writer.addSection("a", {}));
  EXPECT_FALSE(writer.addSection("a", {}));
  Writer open = Writer::toMemory();
  ASSERT_TRUE(open.beginSection("a"));
  EXPECT_FALSE(open.beginSection("b"));
  EXPECT_FALSE(Writer::toMemory().write(nullptr, 0));
  EXPECT_FALSE(Writer::toMemory().beginSection(""));
  EXPECT_FALSE(Writer::toMemory().beginSection(std::string(32, 'x')));
}

} // namespace
