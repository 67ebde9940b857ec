//===- NvrtcArchitectureTest.cpp - names of architectures -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "actnet/Runtime/Device/Nvrtc.h"

#include <cstdlib>
#include <gtest/gtest.h>

using actnet::rt::Nvrtc;

namespace {

TEST(NvrtcArchitecture, SuffixesBeginWithAGeneration) {
  for (int number : {80, 89, 90, 100, 103, 120}) {
    EXPECT_TRUE(Nvrtc::hasSuffix(number, 0));
    EXPECT_EQ(Nvrtc::hasSuffix(number, 'a'), number >= 90);
    EXPECT_EQ(Nvrtc::hasSuffix(number, 'f'), number >= 100);
    EXPECT_FALSE(Nvrtc::hasSuffix(number, 'b'));
  }
}

// The stand-in knows sm_80 and sm_90.
TEST(NvrtcArchitecture, IsRefusedBeforeAnythingIsCompiled) {
  setenv("ACTNET_NVRTC", ACTNET_STANDIN_NVRTC_LIBRARY, 1);
  auto nvrtc = Nvrtc::get();
  ASSERT_TRUE(nvrtc) << nvrtc.status().str();
  for (const char *known : {"sm_80", "sm_90", "sm_90a", "compute_90a"})
    EXPECT_TRUE((*nvrtc)->checkArchitecture(known)) << known;
  for (const char *unknown : {"sm_80a", "sm_80f", "sm_90f", "sm_100", "sm_100a",
                              "compute_80a", "sm_90b", "sm_"})
    EXPECT_FALSE((*nvrtc)->checkArchitecture(unknown)) << unknown;
  EXPECT_EQ((*nvrtc)->checkArchitecture("sm_80a").str(),
            "NVRTC 13.0 does not compile for sm_80a; it knows 80, 90");
}

} // namespace
