//===- WeightStoreTest.cpp - resolving weights ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Graph/IR/WeightStore.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <fstream>

using namespace actnet::graph;
using namespace mlir;

namespace {

class WeightStoreTest : public ::testing::Test {
protected:
  WeightStoreTest() { context.loadDialect<GraphDialect>(); }

  /// The bytes as text, or the error.
  std::string resolve(llvm::StringRef file, int64_t offset, int64_t bytes) {
    std::string error;
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
      error = "error: " + diagnostic.str();
      return success();
    });
    auto result =
        store.resolve(WeightAttr::get(&context, file, offset, bytes),
                      [&] { return emitError(UnknownLoc::get(&context)); });
    return succeeded(result) ? std::string(result->data(), result->size())
                             : error;
  }

  MLIRContext context;
  WeightStore store;
};

TEST_F(WeightStoreTest, ReadsBuffers) {
  std::string bytes = "0123456789";
  store.registerBuffer("k", bytes);
  EXPECT_EQ(resolve("buffer:k", 2, 3), "234");
  EXPECT_EQ(resolve("buffer:k", 10, 0), "");
}

TEST_F(WeightStoreTest, KeepsOwnersAlive) {
  auto owner = std::make_shared<std::string>("abc");
  std::weak_ptr<std::string> watch = owner;
  store.registerBuffer("k", ArrayRef<char>(owner->data(), 3), owner);
  owner.reset();
  EXPECT_FALSE(watch.expired());
  EXPECT_EQ(resolve("buffer:k", 0, 3), "abc");
}

TEST_F(WeightStoreTest, RefusesRangesOutside) {
  std::string bytes = "0123456789";
  store.registerBuffer("k", bytes);
  const char *expected =
      "error: weight of 5 bytes at offset 6 lies outside 'buffer:k', "
      "which has 10 bytes";
  EXPECT_EQ(resolve("buffer:k", 6, 5), expected);
  EXPECT_THAT(resolve("buffer:k", -1, 5), testing::HasSubstr("lies outside"));
  EXPECT_THAT(resolve("buffer:k", INT64_MAX, INT64_MAX),
              testing::HasSubstr("lies outside"));
}

TEST_F(WeightStoreTest, RefusesUnknownSources) {
  EXPECT_EQ(resolve("buffer:none", 0, 0),
            "error: weight names the buffer 'none', which is not registered");
  EXPECT_THAT(resolve("no/such.bin", 0, 0),
              testing::AllOf(
                  testing::HasSubstr("can't read weights from 'no/such.bin'"),
                  testing::HasSubstr("No such file")));
}

TEST_F(WeightStoreTest, MapsFilesOnceBelowTheRoot) {
  std::string folder = ::testing::TempDir();
  std::ofstream(folder + "/weights-test.bin") << "hello weights";
  store.setRoot(folder);
  EXPECT_EQ(resolve("weights-test.bin", 6, 7), "weights");
  // Mapped once: a second resolve works after the name is gone.
  std::remove((folder + "/weights-test.bin").c_str());
  EXPECT_EQ(resolve("weights-test.bin", 0, 5), "hello");
}

} // namespace
