//===- Cubin.cpp - what a real cubin says of itself -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Cubin.h"

#include <algorithm>
#include <cstring>
#include <elf.h>

namespace actnet::rt::cuda {

namespace {

constexpr uint16_t machineCuda = 190;
/// EI_ABIVERSION of CUDA 13, since which the architecture stands in the second
/// byte of the flags.
constexpr unsigned char abiVersion = 8;

template <typename T> T at(const char *bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes + offset, sizeof(T));
  return value;
}

/// The bytes of a kernel's parameters, from its attributes (.nv.info.NAME):
/// each is a form, a kind, and as the form says nothing, a byte, two bytes, or
/// a size and so many bytes.
unsigned parameterBytes(std::string_view info) {
  constexpr unsigned char formSized = 4, formTwoBytes = 3,
                          kindParameterBytes = 0x19;
  for (size_t i = 0; i + 4 <= info.size();) {
    auto form = static_cast<unsigned char>(info[i]);
    auto kind = static_cast<unsigned char>(info[i + 1]);
    auto value = at<uint16_t>(info.data(), i + 2);
    if (form == formTwoBytes && kind == kindParameterBytes)
      return value;
    i += 4 + (form == formSized ? value : 0);
  }
  return 0;
}

} // namespace

size_t Cubin::sizeOf(const char *bytes) {
  auto header = at<Elf64_Ehdr>(bytes, 0);
  size_t end = std::max(size_t(header.e_shoff) + size_t(header.e_shnum) * 64,
                        size_t(header.e_phoff) + size_t(header.e_phnum) * 56);
  for (size_t i = 0; i < header.e_shnum; ++i) {
    auto section = at<Elf64_Shdr>(bytes, header.e_shoff + i * 64);
    if (section.sh_type != SHT_NOBITS)
      end = std::max(end, size_t(section.sh_offset + section.sh_size));
  }
  return end;
}

Expected<Cubin> Cubin::read(std::string_view bytes) {
  if (bytes.size() < sizeof(Elf64_Ehdr) || !bytes.starts_with(ELFMAG))
    return dataLoss("no ELF file");
  auto header = at<Elf64_Ehdr>(bytes.data(), 0);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_machine != machineCuda ||
      header.e_ident[EI_ABIVERSION] != abiVersion)
    return dataLoss("no cubin of CUDA 13");
  auto inside = [&](uint64_t begin, uint64_t size) {
    return begin <= bytes.size() && size <= bytes.size() - begin;
  };
  if (header.e_shentsize != sizeof(Elf64_Shdr) ||
      !inside(header.e_shoff, uint64_t(header.e_shnum) * 64) ||
      header.e_shstrndx >= header.e_shnum)
    return dataLoss("a cubin without sections");
  std::vector<Elf64_Shdr> sections;
  for (size_t i = 0; i < header.e_shnum; ++i) {
    sections.push_back(at<Elf64_Shdr>(bytes.data(), header.e_shoff + i * 64));
    if (sections.back().sh_type != SHT_NOBITS &&
        !inside(sections.back().sh_offset, sections.back().sh_size))
      return dataLoss("a section of the cubin lies outside of it");
  }
  auto content = [&](const Elf64_Shdr &section) {
    return bytes.substr(section.sh_offset, section.sh_size);
  };
  auto text = [&](const Elf64_Shdr &strings, size_t offset) {
    std::string_view all = content(strings);
    if (offset >= all.size())
      return std::string_view();
    all.remove_prefix(offset);
    return all.substr(0, all.find('\0'));
  };
  Cubin cubin;
  cubin.architecture = header.e_flags >> 8 & 0xff;
  for (const Elf64_Shdr &symbols : sections) {
    if (symbols.sh_type != SHT_SYMTAB || symbols.sh_link >= sections.size())
      continue;
    std::string_view table = content(symbols);
    for (size_t i = 0; i + sizeof(Elf64_Sym) <= table.size();
         i += sizeof(Elf64_Sym)) {
      auto symbol = at<Elf64_Sym>(table.data(), i);
      if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC ||
          ELF64_ST_BIND(symbol.st_info) != STB_GLOBAL || !symbol.st_size)
        continue;
      Kernel kernel;
      kernel.name = text(sections[symbols.sh_link], symbol.st_name);
      for (const Elf64_Shdr &info : sections) {
        std::string_view name = text(sections[header.e_shstrndx], info.sh_name);
        if (name == ".nv.info." + kernel.name)
          kernel.parameterBytes = parameterBytes(content(info));
        else if (name == ".nv.shared." + kernel.name)
          kernel.sharedBytes = unsigned(info.sh_size);
      }
      cubin.kernels.push_back(std::move(kernel));
    }
  }
  if (cubin.kernels.empty())
    return dataLoss("a cubin without a kernel");
  return cubin;
}

} // namespace actnet::rt::cuda
