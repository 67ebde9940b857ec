//===- ImagesTest.cpp - texts as cubins, PTX and toy images ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Codegen/CUDA/CudaImages.h"

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

constexpr char text[] = R"(#include "scalar.h"
namespace actnet {
ACTNET_KERNEL(32) twice(const float *__restrict__ in0, float *out0, i64 d0) {
  i64 i = blockIndex() * 32 + threadIndex();
  if (i < d0)
    out0[i] = in0[i] + in0[i];
}
ACTNET_ENTRY(twice)
} // namespace actnet
)";

class ImagesTest : public ::testing::Test {
protected:
  ImagesTest() {
    ::setenv("ACTNET_CACHE", "off", 1);
    DialectRegistry registry;
    registry.insert<kernel::KernelDialect>();
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    context.getDiagEngine().registerHandler([&](Diagnostic &diagnostic) {
      std::string place;
      llvm::raw_string_ostream(place) << diagnostic.getLocation();
      errors += place + ": " + diagnostic.str() + "\n";
      return success();
    });
    module = parseSourceString<ModuleOp>(R"mlir(
      kernel.func @twice(%x: tensor<?xf32> {kernel.dims = #graph.dims<d0>}, %d0: index)
          -> (tensor<?xf32> {kernel.dims = #graph.dims<d0>})
          attributes {family = #kernel.family<map>} {
        %e = tensor.empty(%d0) : tensor<?xf32>
        %y = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
            iterator_types = ["parallel"]} ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) {
        ^bb0(%a: f32, %o: f32):
          %m = arith.addf %a, %a : f32
          linalg.yield %m : f32
        } -> tensor<?xf32>
        kernel.yield %y : tensor<?xf32>
      } loc("node of the model")
    )mlir",
                                         &context);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::string errors;
};

TEST_F(ImagesTest, ACubinForEachArchitectureAndPtxForLaterOnes) {
  ASSERT_TRUE(module) << errors;
  auto images = compileCudaImages(*module, {{"twice", text}},
                                  {"sm_80", "sm_90a", "sm_100"});
  ASSERT_TRUE(succeeded(images)) << errors;
  std::vector<std::string> names;
  for (const CudaImage &image : *images) {
    names.push_back(image.isa);
    ASSERT_EQ(image.kernels.size(), 1u);
    EXPECT_EQ(image.kernels[0].symbol, "twice");
    if (StringRef(image.isa).starts_with("sm_"))
      EXPECT_EQ(image.kernels[0].code.substr(0, 4), "\x7f"
                                                    "ELF");
    else
      EXPECT_THAT(image.kernels[0].code,
                  AllOf(HasSubstr(".target sm_100\n"), HasSubstr("twice")));
  }
  EXPECT_THAT(names, ElementsAre("sm_80", "sm_90a", "sm_100", "compute_100"));
}

TEST_F(ImagesTest, PtxIsForTheHighestWithoutItsSuffix) {
  EXPECT_EQ(portableArchitecture({"sm_90a", "sm_80"}), "compute_90");
  EXPECT_EQ(portableArchitecture({"sm_80", "sm_103f"}), "compute_103");
}

TEST_F(ImagesTest, AnErrorNamesTheNodeAndKeepsTheText) {
  std::string wrong = text;
  wrong.replace(wrong.find("in0[i] + "), 9, "unknown(in0[i]) + ");
  EXPECT_TRUE(
      failed(compileCudaImages(*module, {{"twice", wrong}}, {"sm_80"})));
  EXPECT_THAT(errors,
              AllOf(HasSubstr("node of the model"),
                    HasSubstr("NVRTC refuses kernel 'twice' for "),
                    HasSubstr("\"unknown\" is undefined; its text and the "
                              "whole log are in ")));
  size_t at = errors.find("are in ") + 7;
  std::string path = errors.substr(at, errors.find('\n', at) - at);
  std::stringstream kept;
  kept << std::ifstream(path).rdbuf();
  EXPECT_THAT(kept.str(), AllOf(HasSubstr(wrong), HasSubstr("// twice.cu(6)")));
  // There is one file a refusal.
  for (const auto &entry : std::filesystem::directory_iterator(
           std::filesystem::path(path).parent_path()))
    if (entry.path().filename().string().starts_with("actnet-twice-"))
      std::filesystem::remove(entry.path());
}

TEST_F(ImagesTest, UnknownArchitecturesAreNamed) {
  EXPECT_TRUE(failed(compileCudaImages(*module, {{"twice", text}}, {"sm_81"})));
  EXPECT_THAT(errors, AllOf(HasSubstr("does not compile for sm_81; it knows "),
                            HasSubstr("80, ")));
}

TEST_F(ImagesTest, KernelsReachNoOtherHeaders) {
  std::string wrong = "#include <cuda_fp16.h>\n" + std::string(text);
  EXPECT_TRUE(
      failed(compileCudaImages(*module, {{"twice", wrong}}, {"sm_80"})));
  EXPECT_THAT(errors, HasSubstr("cuda_fp16.h"));
}

TEST_F(ImagesTest, ToyImagesAreSharedObjectsWithAnEntry) {
  auto image = compileToyImage(*module, {{"twice", text}});
  ASSERT_TRUE(succeeded(image)) << errors;
  EXPECT_EQ(image->substr(0, 4), "\x7f"
                                 "ELF");
  EXPECT_THAT(*image, HasSubstr("actnet_run_twice"));
}

TEST_F(ImagesTest, AMissingClangIsOneLine) {
  ::setenv("ACTNET_CLANG", "/nowhere/clang", 1);
  EXPECT_TRUE(failed(compileToyImage(*module, {{"twice", text}})));
  ::unsetenv("ACTNET_CLANG");
  EXPECT_THAT(errors, HasSubstr("cannot run '/nowhere/clang'"));
}

} // namespace
