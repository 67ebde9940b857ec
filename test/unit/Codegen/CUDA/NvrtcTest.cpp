//===- NvrtcTest.cpp - printed kernels through NVRTC ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Kernels.h"
#include "ToyRunner.h"

#include "actnet/Codegen/CUDA/CUDACodegen.h"
#include "actnet/Runtime/Device/Nvrtc.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/MemoryBuffer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

using namespace actnet;
using namespace actnet::testing;

/// Our headers as they lie in the checkout, by name.
static std::map<std::string, std::string> readHeaders() {
  std::map<std::string, std::string> result;
  for (const auto &entry :
       std::filesystem::directory_iterator(ACTNET_KERNELS_CUDA)) {
    auto file = llvm::MemoryBuffer::getFile(entry.path().string());
    EXPECT_TRUE(bool(file)) << entry.path();
    result[entry.path().filename().string()] =
        file ? (*file)->getBuffer().str() : std::string();
  }
  return result;
}

/// The same as NVRTC gets them; the texts must stay.
static std::vector<rt::SourceText>
asSources(const std::map<std::string, std::string> &texts) {
  std::vector<rt::SourceText> result;
  for (const auto &[name, text] : texts)
    result.push_back({name, text});
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
  auto nvrtc = rt::Nvrtc::get();
  ASSERT_TRUE(nvrtc) << nvrtc.status().message();
  ASSERT_TRUE(cudaKernels());
  auto texts = readHeaders();
  auto headers = asSources(texts);
  for (auto kernel : cudaKernels().getOps<kernel::FuncOp>()) {
    std::string text = cudaText(kernel);
    for (auto [name, number] : {std::pair("sm_80", 80), std::pair("sm_90a", 90),
                                std::pair("sm_100", 100)}) {
      std::string warnings;
      auto cubin =
          (*nvrtc)->compile(text, "kernel.cu", name, headers, &warnings);
      ASSERT_TRUE(cubin) << text << "\n" << cubin.status().message();
      EXPECT_EQ(warnings, "") << text;
      checkCubin(*cubin, unsigned(number), kernel.getSymName());
    }
  }
}

TEST(Nvrtc, SaysWhatIsWrong) {
  auto nvrtc = rt::Nvrtc::get();
  ASSERT_TRUE(nvrtc) << nvrtc.status().message();
  auto texts = readHeaders();
  auto cubin = (*nvrtc)->compile("#include <cstdint>\n", "kernel.cu", "sm_90a",
                                 asSources(texts));
  ASSERT_FALSE(cubin);
  EXPECT_NE(cubin.status().message().find("cstdint"), std::string::npos)
      << cubin.status().message();
}

// A text that compiles may still deserve a remark.
TEST(Nvrtc, SaysWhatIsDoubtful) {
  auto nvrtc = rt::Nvrtc::get();
  ASSERT_TRUE(nvrtc) << nvrtc.status().message();
  std::string warnings;
  auto cubin =
      (*nvrtc)->compile("extern \"C\" __global__ void k() { int unused; }\n",
                        "kernel.cu", "sm_90a", {}, &warnings);
  ASSERT_TRUE(cubin) << cubin.status().message();
  EXPECT_NE(warnings.find("unused"), std::string::npos) << warnings;
}
