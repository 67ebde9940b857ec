//===- Image.cpp - a mapped toy image -------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Hooks.h"

namespace actnet::rt::toy {

struct Image::Parts {
  ElfImage elf;
  /// Names of entries handed out live as long as the image; the ELF's own
  /// string table holds them.
};

Image::Image() = default;
Image::~Image() = default;

Expected<std::unique_ptr<Image>> Image::load(std::span<const std::byte> elf) {
  Expected<ElfImage> mapped = ElfImage::map(elf, imports());
  if (!mapped)
    return mapped.takeStatus().addContext("toy");
  std::unique_ptr<Image> image(new Image());
  image->parts = std::make_unique<Parts>(Parts{*std::move(mapped)});
  return Expected<std::unique_ptr<Image>>(std::move(image));
}

Expected<Entry> Image::find(std::string_view kernel) const {
  constexpr std::string_view prefix = "actnet_run_";
  std::string symbol(prefix);
  symbol += kernel;
  Expected<ElfFunction> function = parts->elf.namedFunction(symbol);
  if (!function)
    return notFound("toy: code image: no kernel '" + std::string(kernel) + "'");
  Entry entry;
  entry.function = reinterpret_cast<void (*)(void *const *)>(function->address);
  entry.name = function->name.substr(prefix.size());
  entry.image = this;
  return entry;
}

uint64_t Image::mappedBytes() const { return parts->elf.mappedBytes(); }

bool Image::contains(uintptr_t address, uint64_t bytes) const {
  return parts->elf.contains(address, bytes);
}

} // namespace actnet::rt::toy
