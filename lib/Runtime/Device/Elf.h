//===- Elf.h - maps the package's code by itself --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The host code of a package is an ELF64 shared object without imports whose
// only relocations are R_X86_64_RELATIVE. Mapping it ourselves works alike from
// a program, a file, an object and memory, needs no file system and no dynamic
// loader, and lets us refuse an image that is not of this form.
//
// The toy device's image imports functions, from a table that its loader hands
// over and from nowhere else.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_LIB_RUNTIME_DEVICE_ELF_H
#define ACTNET_LIB_RUNTIME_DEVICE_ELF_H

#include "actnet/Runtime/Base/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace actnet::rt {

/// A function that an image may import, under its name there.
struct ElfImport {
  std::string_view name;
  void *address;
};

/// A function that an image exports; the name lives as long as the image.
struct ElfFunction {
  std::string_view name;
  void *address = nullptr;
};

/// A mapped image. Move-only; unmaps itself.
class ElfImage {
public:
  /// Maps `bytes`, which may be anything and need not be aligned. `imports` is
  /// sorted by name. An image with imports may have initialisers (the compiler
  /// adds one for what it thinks is the sanitizer): they are not run.
  /// Errors: dataLoss with one line that says what is wrong;
  /// resourceExhausted if it can't be mapped.
  static Expected<ElfImage> map(std::span<const std::byte> bytes,
                                std::span<const ElfImport> imports = {});

  ElfImage(ElfImage &&other) noexcept;
  ElfImage &operator=(ElfImage &&) = delete;
  ~ElfImage();

  /// The address of an exported function.
  /// Errors: notFound; dataLoss if the symbol isn't code of this image.
  Expected<void *> function(std::string_view name) const;
  Expected<ElfFunction> namedFunction(std::string_view name) const;

  /// True if [address, address + bytes) lies in the image.
  bool contains(uintptr_t address, uint64_t bytes) const {
    uint64_t offset = address - reinterpret_cast<uintptr_t>(base);
    return offset < length && bytes <= length - offset;
  }

  /// Bytes mapped, in whole pages.
  uint64_t mappedBytes() const { return length; }

private:
  ElfImage() = default;
  struct Range {
    uint64_t begin, end;
  };

  std::byte *base = nullptr;
  uint64_t length = 0;
  /// Address ranges that hold code, from `base`.
  std::vector<Range> executable;
  struct Symbol {
    std::string_view name; // in the image
    uint64_t value;
    bool function;
  };
  /// Sorted by name.
  std::vector<Symbol> symbols;

  friend class ElfLoader;
};

} // namespace actnet::rt

#endif // ACTNET_LIB_RUNTIME_DEVICE_ELF_H
