//===- ValidateCodeTest.cpp - plans of cuda and their code ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Sample.h"
#include "actnet/Package/CodeBundle.h"
#include "actnet/Package/Reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace actnet;
using namespace actnet::pkg;
using namespace actnet::pkg::test;
using ::testing::HasSubstr;

namespace {

/// The sample as the plan of cuda, with one image.
struct CudaSample : Sample {
  CodeBundleWriter bundle;

  explicit CudaSample(ImageKind kind = ImageKind::Cubin) {
    plan.target = "cuda";
    for (auto &kernel : plan.kernels) {
      kernel->threads = 256;
      kernel->shared_bytes = 49152;
      bundle.add(kernel->symbol + (kind == ImageKind::CudaText ? ".cu" : ""),
                 "code");
    }
    Image &image = *plan.images[0];
    image.kind = kind;
    image.isa = kind == ImageKind::CudaText ? "text" : "sm_90a";
    image.features.clear();
  }

  std::string verdict() {
    if (plan.images[0]->kind != ImageKind::Toy)
      code = bundle.finish();
    std::vector<std::byte> package = bytes();
    Expected<Reader> reader = Reader::openMemory(package, "p");
    return reader ? "ok" : std::string(reader.status().message());
  }
};

TEST(ValidateCode, AcceptsPlansOfCuda) {
  EXPECT_EQ(CudaSample(ImageKind::Cubin).verdict(), "ok");
  EXPECT_EQ(CudaSample(ImageKind::PTX).verdict(), "ok");
  EXPECT_EQ(CudaSample(ImageKind::CudaText).verdict(), "ok");
  EXPECT_EQ(CudaSample(ImageKind::Toy).verdict(), "ok");
}

TEST(ValidateCode, JsonShowsPlansOfCuda) {
  CudaSample sample(ImageKind::CudaText);
  sample.code = sample.bundle.finish();
  std::vector<std::byte> package = sample.bytes();
  Expected<Reader> reader = Reader::openMemory(package, "p");
  ASSERT_TRUE(reader);
  ASSERT_NE(reader->findPlan("cuda"), nullptr);
  std::string json = dumpJson(*reader);
  EXPECT_THAT(json, HasSubstr("\"kind\":\"CudaText\",\"isa\":\"text\""));
  EXPECT_THAT(json, HasSubstr("\"threads\":256,\"shared_bytes\":49152"));
}

TEST(ValidateCode, RefusesCodeOfAnotherTarget) {
  CudaSample host(ImageKind::HostELF);
  EXPECT_THAT(host.verdict(), HasSubstr("the code for sm_90a is not for cuda"));
  CudaSample cubin;
  cubin.plan.target = "host";
  EXPECT_THAT(cubin.verdict(),
              HasSubstr("the code for sm_90a is not for host"));
}

TEST(ValidateCode, RefusesBundlesWithoutAKernel) {
  CudaSample sample;
  sample.bundle = {};
  sample.bundle.add("k0", "code");
  sample.bundle.add("k2", "code");
  EXPECT_THAT(sample.verdict(),
              HasSubstr("section 'plan.cuda': the code for sm_90a: kernel 'k1' "
                        "is missing"));
  CudaSample text(ImageKind::CudaText);
  text.bundle = {};
  text.bundle.add("k0", "without .cu");
  EXPECT_THAT(text.verdict(), HasSubstr("kernel 'k0' is missing"));
}

TEST(ValidateCode, RefusesLaunchesThatNoGpuTakes) {
  for (uint32_t threads : {0u, 48u, 1056u}) {
    CudaSample sample;
    sample.plan.kernels[1]->threads = threads;
    EXPECT_THAT(sample.verdict(),
                HasSubstr("kernel 'k1': " + std::to_string(threads) +
                          " threads a block"));
  }
  CudaSample sample;
  sample.plan.kernels[2]->shared_bytes = 227 * 1024 + 1;
  EXPECT_THAT(sample.verdict(), HasSubstr("bytes of shared memory"));
}

} // namespace
