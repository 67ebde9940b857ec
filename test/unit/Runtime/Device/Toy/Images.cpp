//===- Images.cpp - the tests' kernels, compiled for the toy device -------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Images.h"

#include <cstdio>
#include <cstdlib>

__asm__(".section .rodata\n"
        ".globl toyTestBegin\n.globl toyTestEnd\n"
        ".hidden toyTestBegin\n.hidden toyTestEnd\n"
        ".balign 16\ntoyTestBegin:\n.incbin \"" ACTNET_TOY_IMAGES
        "/kernels.so\"\ntoyTestEnd:\n.byte 0\n.text\n");
extern "C" const std::byte toyTestBegin[], toyTestEnd[];

namespace actnet::rt::toy::testing {

std::span<const std::byte> imageBytes() { return {toyTestBegin, toyTestEnd}; }

const Image &image() {
  static const std::unique_ptr<Image> loaded = [] {
    auto made = Image::load(imageBytes());
    if (!made) {
      std::fprintf(stderr, "%s\n", made.status().str().c_str());
      std::exit(1);
    }
    return *std::move(made);
  }();
  return *loaded;
}

} // namespace actnet::rt::toy::testing
