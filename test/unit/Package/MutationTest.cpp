//===- MutationTest.cpp - damaged packages never crash the reader ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Seeded flips and cuts of a valid package. With checksums nearly all of them
// are found at once; without, they reach the checks behind. Run under the
// address sanitizer this is the proof that no check is missing.
//
//===----------------------------------------------------------------------===//

#include "Sample.h"
#include "actnet/Package/Reader.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

using namespace actnet;
using namespace actnet::pkg;
using namespace actnet::pkg::test;

namespace {

/// Does with an accepted package all that a program does.
void useAll(const Reader &reader) {
  dumpJson(reader);
  (void)reader.verifyWeights().isOk();
  size_t touched = 0;
  for (uint32_t id = 0; id < reader.interface().weights.size(); ++id)
    for (std::byte b : reader.weight(id))
      touched += size_t(b);
  std::vector<int64_t> dims;
  std::vector<Range> bounds;
  for (const auto &dim : reader.interface().dims) {
    dims.push_back(dim->lower);
    bounds.push_back({dim->lower, dim->lower});
  }
  ExprValues values(reader.interface().exprs, dims);
  std::vector<Range> exprs = exprRanges(reader.interface().exprs, bounds);
  for (const auto &plan : reader.plans()) {
    for (const auto &image : plan->images)
      touched += reader.image(*image).size();
    for (const auto &function : plan->functions) {
      (void)checkSizes(reader.interface(), *function, values).isOk();
      (void)planMemory(*plan, *function, exprs, plan->state_offsets).isOk();
    }
  }
  EXPECT_GE(touched, 0u);
}

struct Outcome {
  unsigned accepted = 0, refused = 0;
};

void judge(std::span<const std::byte> bytes, bool checksums, Outcome &outcome) {
  // A copy of its own, so that a sanitizer sees the first byte behind it.
  std::unique_ptr<std::byte[]> copy(new (std::align_val_t(64))
                                        std::byte[bytes.size() + 1]);
  std::copy(bytes.begin(), bytes.end(), copy.get());
  Expected<Reader> reader =
      Reader::openMemory({copy.get(), bytes.size()}, "p", {checksums});
  if (reader) {
    useAll(*reader);
    ++outcome.accepted;
  } else {
    std::string_view message = reader.status().message();
    EXPECT_FALSE(message.empty());
    EXPECT_EQ(message.find('\n'), std::string_view::npos) << message;
    ++outcome.refused;
  }
  ::operator delete[](copy.release(), std::align_val_t(64));
}

std::vector<std::byte> samplePackage() {
  Sample sample;
  EXPECT_TRUE(planAll(sample.interface, sample.plan));
  return sample.bytes();
}

/// The bytes that are worth hitting: padding is most of a small package.
std::vector<size_t> interesting(const std::vector<std::byte> &bytes) {
  std::vector<size_t> places;
  for (size_t i = 0; i < bytes.size(); ++i)
    if (i < sizeof(Header) || bytes[i] != std::byte{0} ||
        (i > 0 && bytes[i - 1] != std::byte{0}))
      if (bytes[i] != std::byte{0x90}) // the sample's code
        places.push_back(i);
  return places;
}

TEST(Mutation, EveryFlipOutsideTheWeightsIsFoundByAChecksum) {
  std::vector<std::byte> bytes = samplePackage();
  std::vector<uint8_t> guarded(bytes.size());
  auto guard = [&](uint64_t offset, uint64_t count) {
    std::fill_n(guarded.begin() + long(offset), count, 1);
  };
  {
    Expected<Reader> reader = Reader::openMemory(bytes, "p");
    ASSERT_TRUE(reader);
    guard(0, sizeof(Header));
    for (const Section &section : reader->sections())
      if (section.name != weightsSection)
        guard(section.offset, section.bytes.size());
    uint64_t table = reader->sections().size() * sizeof(SectionEntry);
    guard(bytes.size() - table, table);
  }
  for (size_t place : interesting(bytes)) {
    Outcome outcome;
    bytes[place] ^= std::byte{1};
    judge(bytes, true, outcome);
    bytes[place] ^= std::byte{1};
    EXPECT_EQ(outcome.refused, guarded[place]) << "byte " << place;
  }
}

TEST(Mutation, FlipsBehindTheChecksumsNeverCrash) {
  std::vector<std::byte> valid = samplePackage();
  std::vector<size_t> places = interesting(valid);
  // A campaign by hand: ACTNET_MUTATIONS=1000000 PackageTest
  const char *rounds = std::getenv("ACTNET_MUTATIONS");
  std::mt19937 random(1);
  Outcome outcome;
  for (int round = 0, n = rounds ? std::atoi(rounds) : 6000; round < n;
       ++round) {
    std::vector<std::byte> bytes = valid;
    for (unsigned n = 1 + random() % 4; n > 0; --n) {
      std::byte &at = bytes[places[random() % places.size()]];
      switch (random() % 4) {
      case 0:
        at ^= std::byte(1u << (random() % 8));
        break;
      case 1:
        at = std::byte(random());
        break;
      case 2:
        at = std::byte{0xFF};
        break;
      default:
        at = std::byte{0};
      }
    }
    judge(bytes, false, outcome);
  }
  EXPECT_GT(outcome.refused, 500u);
  EXPECT_GT(outcome.accepted, 500u);
}

TEST(Mutation, CutsAreRefused) {
  std::vector<std::byte> valid = samplePackage();
  Outcome outcome;
  for (size_t size = 0; size < valid.size(); size += 97)
    judge(std::span(valid).first(size), false, outcome);
  judge(std::span(valid).first(valid.size() - 1), false, outcome);
  EXPECT_EQ(outcome.accepted, 0u);
}

/// Puts one section of a package in place of another, checksums and all.
TEST(Mutation, SwappedSectionsAreRefused) {
  Sample sample;
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fb::Plan::Pack(builder, &sample.plan));
  auto plan =
      std::as_bytes(std::span(builder.GetBufferPointer(), builder.GetSize()));
  Writer writer = Writer::toMemory();
  ASSERT_TRUE(writer.addSection(interfaceSection, plan));
  ASSERT_TRUE(writer.finish());
  std::vector<std::byte> bytes = writer.takeBytes();
  EXPECT_FALSE(Reader::openMemory(bytes, "p"));
}

} // namespace
