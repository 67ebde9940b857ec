//===- NvrtcTest.cpp - printed kernels through NVRTC ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Nvrtc.h"
#include "Kernels.h"
#include "ToyRunner.h"

#include "actnet/Codegen/CUDA/CUDACodegen.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/MemoryBuffer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

using namespace actnet;
using namespace actnet::testing;

/// Our headers, as NVRTC gets them: by name.
static std::vector<std::pair<std::string, std::string>> headers() {
  std::vector<std::pair<std::string, std::string>> result;
  for (const auto &entry :
       std::filesystem::directory_iterator(ACTNET_KERNELS_CUDA)) {
    auto file = llvm::MemoryBuffer::getFile(entry.path().string());
    EXPECT_TRUE(bool(file)) << entry.path();
    result.emplace_back(entry.path().filename().string(),
                        file ? (*file)->getBuffer().str() : std::string());
  }
  return result;
}

/// An ELF file for the GPU with the kernel and no other function of ours.
static void checkCubin(const std::string &cubin, unsigned architecture,
                       llvm::StringRef kernel) {
  llvm::MemoryBufferRef buffer(cubin, "cubin");
  auto object =
      llvm::object::ELFObjectFile<llvm::object::ELF64LE>::create(buffer);
  ASSERT_TRUE(bool(object)) << llvm::toString(object.takeError());
  const auto &header = object->getELFFile().getHeader();
  EXPECT_EQ(header.e_machine, llvm::ELF::EM_CUDA);
  // The architecture stands in the second byte of the flags since CUDA 13, in
  // the first before.
  unsigned bits = header.e_flags;
  EXPECT_TRUE((bits >> 8 & 0xff) == architecture ||
              (bits & 0xff) == architecture)
      << llvm::utohexstr(bits);
  std::set<std::string> functions;
  for (const auto &symbol : object->symbols()) {
    auto name = symbol.getName();
    ASSERT_TRUE(bool(name));
    auto type = symbol.getType();
    ASSERT_TRUE(bool(type));
    // What NVRTC itself calls, for divisions, begins with a dollar.
    if (*type == llvm::object::SymbolRef::ST_Function &&
        !name->starts_with("$"))
      functions.insert(name->str());
  }
  EXPECT_EQ(functions, std::set<std::string>{kernel.str()});
}

TEST(Nvrtc, CompilesPrintedKernelsForAllArchitectures) {
  Nvrtc nvrtc;
  ASSERT_EQ(nvrtc.error, "");
  ASSERT_TRUE(cudaKernels());
  auto all = headers();
  for (auto kernel : cudaKernels().getOps<kernel::FuncOp>()) {
    std::string text = cudaText(kernel);
    for (auto [name, number] : {std::pair("sm_80", 80), std::pair("sm_90a", 90),
                                std::pair("sm_100", 100)}) {
      Nvrtc::Result result = nvrtc.compile(text, name, all);
      ASSERT_FALSE(result.cubin.empty()) << text << "\n" << result.log;
      EXPECT_EQ(result.log, "") << text;
      checkCubin(result.cubin, unsigned(number), kernel.getSymName());
    }
  }
}

TEST(Nvrtc, SaysWhatIsWrong) {
  Nvrtc nvrtc;
  ASSERT_EQ(nvrtc.error, "");
  Nvrtc::Result result =
      nvrtc.compile("#include <cstdint>\n", "sm_90a", headers());
  EXPECT_TRUE(result.cubin.empty());
  EXPECT_NE(result.log.find("cstdint"), std::string::npos) << result.log;
}
