//===- DeviceHeadersTest.cpp - two headers with the same names ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels see the GPU through kernels/cuda/device.h, and the software GPU
// through kernels/toy/device.h in its place: what one declares the other must
// declare, or a kernel compiles for one of them only.
//
//===----------------------------------------------------------------------===//
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <regex>
#include <set>

namespace {

using Names = std::set<std::string>;

std::string read(const char *path) {
  std::ifstream file(path);
  return std::string((std::istreambuf_iterator<char>(file)), {});
}

void collect(const std::string &text, const char *pattern, Names &names) {
  std::regex expression(pattern);
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end;
       at != end; ++at)
    names.insert((*at)[1]);
}

/// What a header declares for kernels: functions, macros and types.
Names declared(const char *path) {
  std::string text = read(path);
  EXPECT_FALSE(text.empty()) << path;
  Names names;
  collect(text, "ACTNET_DEVICE[\\w\\s*&]*?\\b(\\w+)(?:<\\w+>)?\\(", names);
  collect(text, "#define (ACTNET_(?!TOY)\\w+)", names);
  collect(text, "\\nstruct (?:alignas\\(\\d+\\) )?(\\w+)", names);
  collect(text, "\\nusing (\\w+) =", names);
  // On toy some are made by macros, by their name as the first argument.
  collect(text, "\\n *(?:ACTNET_TOY_ATOMIC|X)\\((\\w+)", names);
  names.erase("NAME");
  names.erase("__attribute__");
  names.erase("ACTNET_KERNELS_CUDA_DEVICE_H");
  return names;
}

Names without(Names all, const Names &some) {
  for (const std::string &name : some)
    all.erase(name);
  return all;
}

TEST(DeviceHeaders, DeclareTheSameNames) {
  Names cuda = declared(ACTNET_CUDA_DEVICE), toy = declared(ACTNET_TOY_DEVICE);
  // So that a change of form is noticed, and not taken for harmony.
  for (const char *name :
       {"blockIndex", "dynamicShared", "shuffleXor", "atomicAdd", "loadVector",
        "waitCopies", "mma16816", "fromFloat", "ACTNET_SHARED", "Bytes16",
        "bf16", "i64"}) {
    EXPECT_TRUE(cuda.contains(name)) << name;
    EXPECT_TRUE(toy.contains(name)) << name;
  }
  // Of the GPU's header alone, and used by nothing else.
  Names inner = {"shuffledBits", "shuffledValue", "sharedAddress"};
  EXPECT_THAT(without(without(cuda, inner), toy), testing::IsEmpty())
      << "kernels/toy/device.h lacks them";
  // CUDA has the mathematical functions built in.
  Names extra = without(toy, cuda), unknown;
  std::regex mathematics("(f?(abs|ma|max|min)|sqrt|rsqrt|cbrt|copysign|floor|"
                         "ceil|trunc|rint|round|nearbyint|exp[2m]?1?|log(10|1p|"
                         "2)?|a?(sin|cos|tan)h?|atan2|erfc?|pow|fmod)f?");
  for (const std::string &name : extra)
    if (!std::regex_match(name, mathematics))
      unknown.insert(name);
  EXPECT_THAT(unknown, testing::IsEmpty())
      << "kernels/cuda/device.h lacks them";
}

} // namespace
