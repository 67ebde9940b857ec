//===- LibraryTest.cpp - library calls over the stand-ins -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The product of a hand-made package runs in the stand-in of cuBLASLt, or in
// the kernel beside it, with the same result: x and w hold small integers.
//
//===----------------------------------------------------------------------===//
#include "../unit/Runtime/Session/TestPackages.h"
#include "actnet/Runtime/Session/Session.h"

#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

using namespace actnet;
using namespace actnet::rt;
using namespace actnet::rt::test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

/// A session on the stand-ins, with their log.
class LibraryCalls : public testing::Test {
protected:
  void SetUp() override {
    path = testing::TempDir() + "library-log." + std::to_string(getpid());
    std::remove(path.c_str());
    unsetenv("ACTNET_CUBLASLT");
    standIn("");
  }
  void TearDown() override {
    session.reset();
    std::remove(path.c_str());
  }

  void standIn(const std::string &options) {
    setenv("ACTNET_STANDIN",
           ("log=" + path + (options.empty() ? "" : ",") + options).c_str(), 1);
  }
  Status open(const std::string &name, const char *device = "cuda",
              bool step = false) {
    package = std::make_unique<MemoryPackage>(name);
    program = *Program::openMemory(package->bytes());
    SessionOptions options;
    options.device = device;
    options.step = step;
    options.notice = [this](const std::string &line) {
      notices.push_back(line);
    };
    auto made = Session::create(*program, options);
    if (!made)
      return made.takeStatus();
    session = *std::move(made);
    return okStatus();
  }
  /// One job with n rows; its result is compared with a product made here.
  Status job(int64_t n) {
    std::vector<float> x(size_t(n * 8)), y(size_t(n * 16), -1);
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = float(int(i % 5) - 2);
    int64_t shape[] = {n, 8};
    EXPECT_TRUE(session->bindInput(0, 0, ACTNET_F32, shape, 2, x.data()));
    EXPECT_TRUE(session->bindOutput(0, 0, y.data(), y.size() * 4));
    auto job = session->submit(0, true);
    if (!job)
      return job.takeStatus();
    Status status = session->wait(*job);
    if (!status)
      return status;
    for (int64_t r = 0; r < n; ++r)
      for (int64_t c = 0; c < 16; ++c) {
        float sum = 0;
        for (int64_t k = 0; k < 8; ++k)
          sum += x[size_t(r * 8 + k)] * float((k * 16 + c) % 7 - 3);
        EXPECT_EQ(y[size_t(r * 16 + c)], 2 * sum) << r << ", " << c;
      }
    return okStatus();
  }
  /// How often a line begins with `text`, from line `from` on.
  int count(const std::string &text, size_t from = 0) const {
    std::ifstream file(path);
    int found = 0;
    size_t at = 0;
    for (std::string line; std::getline(file, line); ++at)
      found += at >= from && line.starts_with(text);
    return found;
  }
  size_t lines() const {
    std::ifstream file(path);
    return size_t(std::count(std::istreambuf_iterator<char>(file), {}, '\n'));
  }

  std::string path;
  std::unique_ptr<MemoryPackage> package;
  std::unique_ptr<Program> program;
  std::unique_ptr<Session> session;
  std::vector<std::string> notices;
};

#define ASSERT_OK(expression)                                                  \
  do {                                                                         \
    Status status = (expression);                                              \
    ASSERT_TRUE(status) << status.str();                                       \
  } while (false)

TEST_F(LibraryCalls, RunInTheLibraryAsPartOfOneGraph) {
  ASSERT_OK(open("product"));
  ASSERT_OK(job(7));
  size_t begin = lines();
  for (int i = 0; i < 5; ++i)
    ASSERT_OK(job(7));
  EXPECT_EQ(count("ran cublasLtMatmul 16x7x8 batch 1 epilogue 1", begin), 5);
  EXPECT_EQ(count("ran scale", begin), 5);
  EXPECT_EQ(count("cuGraphLaunch 2 nodes", begin), 5) << "one launch a job";
  EXPECT_EQ(count("cuLaunchKernel", begin), 0);
  EXPECT_EQ(count("cublasLt", begin), 0) << "nothing is asked between jobs";
  EXPECT_EQ(count("ran dense"), 0);
  EXPECT_THAT(notices, IsEmpty());
}

TEST_F(LibraryCalls, RunAlsoOneByOne) {
  ASSERT_OK(open("product", "cuda", /*step=*/true));
  ASSERT_OK(job(3));
  EXPECT_EQ(count("ran cublasLtMatmul 16x3x8"), 1);
  // Captured for the whole line, which is prepared too, and called.
  EXPECT_EQ(count("cuStreamBeginCapture"), 1);
  EXPECT_EQ(count("cublasLtMatmul 16x3x8"), 2);
  EXPECT_EQ(count("cuGraphLaunch"), 0);
}

TEST_F(LibraryCalls, ChooseTheirAlgorithmsAtLoadWhereDimsAreKnown) {
  // Without a workspace the stand-in's algorithm does not fit.
  ASSERT_OK(open("product8"));
  EXPECT_EQ(count("cublasLtMatmulAlgoGetHeuristic"), 1);
  EXPECT_EQ(notices.size(), 1u);
  session.reset();
  standIn("workspace=0");
  ASSERT_OK(open("product8"));
  EXPECT_EQ(count("cublasLtMatmulAlgoGetHeuristic"), 2);
  ASSERT_OK(job(8));
  ASSERT_OK(job(8));
  EXPECT_EQ(count("cublasLtMatmulAlgoGetHeuristic"), 2);
  EXPECT_EQ(count("ran cublasLtMatmul 16x8x8"), 2);
}

TEST_F(LibraryCalls, AskOncePerShape) {
  ASSERT_OK(open("product"));
  for (int64_t n : {3, 5, 3, 5, 16})
    ASSERT_OK(job(n));
  EXPECT_EQ(count("cublasLtMatmulAlgoGetHeuristic 16x3x8"), 1);
  EXPECT_EQ(count("cublasLtMatmulAlgoGetHeuristic"), 3);
  EXPECT_EQ(count("cublasLtCreate"), 1);
}

TEST_F(LibraryCalls, OpenTheLibraryOnlyForProgramsThatCall) {
  ASSERT_OK(open("affine"));
  EXPECT_EQ(count("cublasLt"), 0);
}

TEST_F(LibraryCalls, AreKernelsWhereTheLibraryIsNot) {
  setenv("ACTNET_CUBLASLT", "/nowhere/libcublasLt.so.13", 1);
  ASSERT_OK(open("product"));
  ASSERT_OK(job(7));
  ASSERT_OK(job(9));
  EXPECT_EQ(count("ran dense"), 2);
  EXPECT_EQ(count("cublasLt"), 0);
  ASSERT_EQ(notices.size(), 1u) << "said once";
  EXPECT_THAT(notices[0],
              HasSubstr("library calls run as kernels; cuBLASLt is not there "
                        "(/nowhere/libcublasLt.so.13"));
}

TEST_F(LibraryCalls, AreKernelsWhereTheLibraryHasNoAlgorithm) {
  standIn("heuristics=none");
  ASSERT_OK(open("product"));
  ASSERT_OK(job(7));
  EXPECT_EQ(count("ran dense"), 1);
  EXPECT_EQ(count("ran cublasLtMatmul"), 0);
  EXPECT_THAT(notices, ElementsAre("cuBLASLt has no algorithm for 1 product, "
                                   "which runs as a kernel"));
}

TEST_F(LibraryCalls, KeepTheWorkspaceOfTheArchitecture) {
  // 8 MiB fit the slot of 16, and what an sm_90 gives, but no sm_80.
  standIn("workspace=8388608,sm=80");
  ASSERT_OK(open("product"));
  ASSERT_OK(job(4));
  EXPECT_EQ(count("ran dense"), 1);
  session.reset();
  standIn("workspace=8388608,sm=90");
  ASSERT_OK(open("product"));
  ASSERT_OK(job(4));
  EXPECT_EQ(count("ran dense"), 1);
  EXPECT_EQ(count("ran cublasLtMatmul 16x4x8"), 1);
  session.reset();
  // 24 MiB are more than the slot.
  standIn("workspace=25165824,sm=90");
  ASSERT_OK(open("product"));
  ASSERT_OK(job(4));
  EXPECT_EQ(count("ran dense"), 2);
}

TEST_F(LibraryCalls, FailTheirJobWithTheCause) {
  standIn("fault=matmul@1");
  ASSERT_OK(open("product"));
  Status status = job(7);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.str(), HasSubstr("cuBLASLt: the product 16x7x8: "
                                      "CUBLAS_STATUS_EXECUTION_FAILED"));
  // The capture was ended, and others go on.
  ASSERT_OK(job(5));
}

TEST_F(LibraryCalls, FailAlsoOneByOne) {
  // The first is the capture, the second the call of the first job.
  standIn("fault=matmul@3");
  ASSERT_OK(open("product", "cuda", /*step=*/true));
  ASSERT_OK(job(7));
  EXPECT_THAT(job(7).str(), HasSubstr("CUBLAS_STATUS_EXECUTION_FAILED"));
}

TEST_F(LibraryCalls, AreKernelsOnTheHost) {
  ASSERT_OK(open("product", "host"));
  ASSERT_OK(job(7));
  EXPECT_THAT(notices, IsEmpty());
}

} // namespace
