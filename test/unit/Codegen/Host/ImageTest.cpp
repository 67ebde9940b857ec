//===- ImageTest.cpp - what the ELF image may contain ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Runner.h"

#include "llvm/Object/ELFObjectFile.h"

#include <gtest/gtest.h>

using namespace actnet::testing;

static Compiler compiler;

/// Many small kernels, all different, with functions that a compiler would
/// like to call from libm.
static std::string manyKernels(int count) {
  std::string text = "#id = affine_map<(i) -> (i)>\n";
  const char *functions[] = {"exp", "tanh", "erf",   "log",
                             "sin", "cos",  "round", "roundeven"};
  for (int i = 0; i < count; ++i) {
    std::string n = std::to_string(17 + i), t = "tensor<" + n + "xf64>",
                f = "tensor<" + n + "xf32>";
    text += "kernel.func @k" + std::to_string(i) + "(%x: " + f + ") -> (" + f +
            ", " + t +
            ") attributes {family = #kernel.family<map>} {\n"
            "  %e = tensor.empty() : " +
            f + "\n  %w = tensor.empty() : " + t +
            "\n"
            "  %y:2 = linalg.generic {indexing_maps = [#id, #id, #id], "
            "iterator_types = "
            "[\"parallel\"]} ins(%x : " +
            f + ") outs(%e, %w : " + f + ", " + t +
            ") {\n"
            "  ^bb0(%a: f32, %o: f32, %p: f64):\n    %m = math." +
            functions[i % 8] +
            " %a : f32\n    %d = arith.extf %m : f32 to f64\n    %n = math." +
            functions[(i + 1) % 8] +
            " %d : f64\n    linalg.yield %m, %n : f32, f64\n  } -> (" + f +
            ", " + t + ")\n  kernel.yield %y#0, %y#1 : " + f + ", " + t +
            "\n}\n";
  }
  return text;
}

static void checkImage(llvm::StringRef variant) {
  Kernels kernels(compiler, manyKernels(16), variant);
  ASSERT_TRUE(kernels.ok()) << kernels.error;
  llvm::MemoryBufferRef buffer(
      llvm::StringRef(kernels.elf().data(), kernels.elf().size()), "image");
  auto object =
      llvm::object::ELFObjectFile<llvm::object::ELF64LE>::create(buffer);
  ASSERT_TRUE(bool(object));
  const auto &file = object->getELFFile();
  std::set<std::string> defined;
  for (const auto &symbol : object->getDynamicSymbolIterators()) {
    auto name = symbol.getName();
    ASSERT_TRUE(bool(name));
    auto flags = symbol.getFlags();
    ASSERT_TRUE(bool(flags));
    EXPECT_FALSE(*flags & llvm::object::SymbolRef::SF_Undefined) << name->str();
    defined.insert(name->str());
  }
  for (int i = 0; i < 16; ++i)
    EXPECT_TRUE(defined.count("k" + std::to_string(i))) << i;
  EXPECT_FALSE(defined.count("memset"));
  auto sections = file.sections();
  ASSERT_TRUE(bool(sections));
  for (const auto &section : *sections) {
    if (section.sh_type == llvm::ELF::SHT_RELA) {
      auto relocations = file.relas(section);
      ASSERT_TRUE(bool(relocations));
      for (const auto &relocation : *relocations)
        EXPECT_EQ(relocation.getType(false), llvm::ELF::R_X86_64_RELATIVE);
    }
    if (section.sh_type == llvm::ELF::SHT_DYNAMIC) {
      auto entries = file.dynamicEntries();
      ASSERT_TRUE(bool(entries));
      for (const auto &entry : *entries)
        EXPECT_NE(entry.getTag(), llvm::ELF::DT_NEEDED);
    }
  }
}

TEST(Image, ImportsNothingOnV3) { checkImage("x86-64-v3"); }
TEST(Image, ImportsNothingOnV4) { checkImage("x86-64-v4"); }

TEST(Image, UnknownVariantIsAnError) {
  Kernels kernels(compiler, manyKernels(1), "x86-64-v9");
  EXPECT_FALSE(kernels.ok());
  EXPECT_EQ(
      kernels.error,
      "unknown host variant 'x86-64-v9', known are x86-64-v3 and x86-64-v4");
}

TEST(Image, MissingLinkerIsAnError) {
  auto variant = actnet::host::HostVariant::get(
      "x86-64-v3", mlir::UnknownLoc::get(&compiler.context));
  mlir::OwningOpRef<mlir::ModuleOp> empty =
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&compiler.context));
  actnet::host::HostOptions options;
  options.linker = "/nowhere/ld";
  std::string error;
  mlir::ScopedDiagnosticHandler handler(&compiler.context,
                                        [&](mlir::Diagnostic &d) {
                                          error = d.str();
                                          return mlir::success();
                                        });
  EXPECT_TRUE(
      mlir::failed(actnet::host::compileHostImage(*empty, *variant, options)));
  EXPECT_NE(error.find("/nowhere/ld"), std::string::npos);
}

TEST(Image, SameTextGivesTheSameBytes) {
  Kernels first(compiler, manyKernels(40)), second(compiler, manyKernels(40));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first.elf(), second.elf());
}
