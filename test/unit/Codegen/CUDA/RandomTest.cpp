//===- RandomTest.cpp - kernels by chance on the software GPU -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A sample of each family; ACTNET_CUDA_CASES=N makes it N kernels a family, and
// ACTNET_CUDA_SEED=S begins with that one.
//
//===----------------------------------------------------------------------===//

#include "../Host/Runner.h"
#include "Generate.h"
#include "ToyRunner.h"

#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <cstdlib>

using namespace actnet;
using namespace actnet::testing;

static unsigned fromEnvironment(const char *name, unsigned otherwise) {
  const char *text = std::getenv(name);
  return text && *text ? static_cast<unsigned>(std::atoi(text)) : otherwise;
}

/// Kernels of as many seeds in one image, each run for all its dims.
static void run(Generated (*generate)(unsigned)) {
  unsigned count = fromEnvironment("ACTNET_CUDA_CASES", 10),
           first = fromEnvironment("ACTNET_CUDA_SEED", 1);
  constexpr unsigned kImage = 40; // Kernels compiled at once.
  for (unsigned done = 0; done < count; done += kImage) {
    Compiler compiler;
    std::vector<Generated> all;
    std::string text;
    for (unsigned i = done; i < std::min(count, done + kImage); ++i) {
      all.push_back(generate(first + i));
      text += all.back().text;
    }
    auto module =
        mlir::parseSourceString<mlir::ModuleOp>(text, &compiler.context);
    ASSERT_TRUE(module) << text;
    ToyKernels kernels(*module);
    ASSERT_EQ(kernels.error, "");
    for (const Generated &kernel : all)
      for (size_t i = 0; i < kernel.dims.size(); ++i)
        EXPECT_EQ(kernels.check(kernel.name,
                                {kernel.dims[i], first + unsigned(i), kernel.lo,
                                 kernel.hi, kernel.tolerance, i % 3 == 2}),
                  "")
            << ::testing::PrintToString(kernel.dims[i]) << "\n"
            << kernel.text;
  }
}

TEST(Random, Maps) { run(generateMap); }
TEST(Random, Reductions) { run(generateReduce); }
TEST(Random, Rows) { run(generateRow); }
TEST(Random, Windows) { run(generateWindow); }
TEST(Random, Scatters) { run(generateScatter); }
