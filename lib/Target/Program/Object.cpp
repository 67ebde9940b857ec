//===- Object.cpp - a package as data of an object file -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Object.h"

#include "actnet/Target/Program/AtomicFile.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace {

/// Names and their offsets in a string table.
class Strings {
public:
  uint32_t add(StringRef text) {
    uint32_t offset = bytes.size();
    bytes += text;
    bytes.push_back('\0');
    return offset;
  }
  std::string bytes = std::string(1, '\0');
};

template <typename T> void writeRaw(raw_ostream &out, const T &value) {
  out.write(reinterpret_cast<const char *>(&value), sizeof(T));
}

void padTo(raw_ostream &out, uint64_t offset) {
  while (out.tell() < offset)
    out.write_zeros(std::min<uint64_t>(offset - out.tell(), 1 << 20));
}

} // namespace

/// Copies a file of `size` bytes in pieces.
static Error copyFile(StringRef path, uint64_t size, raw_ostream &out) {
  auto file = sys::fs::openNativeFileForRead(path);
  if (!file)
    return file.takeError();
  std::vector<char> piece(1 << 20);
  uint64_t left = size;
  while (left > 0) {
    Expected<size_t> got = sys::fs::readNativeFile(
        *file,
        MutableArrayRef(piece.data(), std::min<uint64_t>(left, piece.size())));
    if (!got || *got == 0) {
      sys::fs::closeFile(*file);
      return got ? createStringError("cannot read '%s': it ended early",
                                     path.str().c_str())
                 : got.takeError();
    }
    out.write(piece.data(), *got);
    left -= *got;
  }
  sys::fs::closeFile(*file);
  return Error::success();
}

static Error writeELF(StringRef package, uint64_t size, StringRef symbol,
                      raw_ostream &out) {
  constexpr uint64_t dataOffset = 4096;
  Strings names, sections;
  uint64_t sizeOffset = alignTo(dataOffset + size, 8);
  uint64_t symbolsOffset = sizeOffset + 8;

  ELF::Elf64_Sym symbols[3] = {};
  symbols[1].st_name = names.add((symbol + "_package").str());
  symbols[1].st_size = size;
  symbols[1].st_shndx = 1;
  symbols[2].st_name = names.add((symbol + "_package_size").str());
  symbols[2].st_size = 8;
  symbols[2].st_shndx = 2;
  for (auto &entry : MutableArrayRef(symbols).drop_front())
    entry.setBindingAndType(ELF::STB_GLOBAL, ELF::STT_OBJECT);

  ELF::Elf64_Shdr headers[7] = {};
  auto describe = [&](unsigned index, StringRef name, uint32_t type,
                      uint64_t offset, uint64_t bytes,
                      uint64_t alignment) -> ELF::Elf64_Shdr & {
    headers[index].sh_name = sections.add(name);
    headers[index].sh_type = type;
    headers[index].sh_offset = offset;
    headers[index].sh_size = bytes;
    headers[index].sh_addralign = alignment;
    return headers[index];
  };
  describe(1, ".rodata.package", ELF::SHT_PROGBITS, dataOffset, size, 4096)
      .sh_flags = ELF::SHF_ALLOC;
  describe(2, ".rodata.package_size", ELF::SHT_PROGBITS, sizeOffset, 8, 8)
      .sh_flags = ELF::SHF_ALLOC;
  // Without this note linkers ask for an executable stack.
  describe(3, ".note.GNU-stack", ELF::SHT_PROGBITS, symbolsOffset, 0, 1);
  ELF::Elf64_Shdr &table = describe(4, ".symtab", ELF::SHT_SYMTAB,
                                    symbolsOffset, sizeof(symbols), 8);
  table.sh_link = 5;
  table.sh_info = 1; // first global symbol
  table.sh_entsize = sizeof(ELF::Elf64_Sym);
  uint64_t namesOffset = symbolsOffset + sizeof(symbols);
  describe(5, ".strtab", ELF::SHT_STRTAB, namesOffset, names.bytes.size(), 1);
  uint64_t sectionsOffset = namesOffset + names.bytes.size();
  ELF::Elf64_Shdr &last =
      describe(6, ".shstrtab", ELF::SHT_STRTAB, sectionsOffset, 0, 1);
  last.sh_size = sections.bytes.size();

  ELF::Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ELF::ElfMagic, 4);
  header.e_ident[ELF::EI_CLASS] = ELF::ELFCLASS64;
  header.e_ident[ELF::EI_DATA] = ELF::ELFDATA2LSB;
  header.e_ident[ELF::EI_VERSION] = ELF::EV_CURRENT;
  header.e_type = ELF::ET_REL;
  header.e_machine = ELF::EM_X86_64;
  header.e_version = ELF::EV_CURRENT;
  header.e_ehsize = sizeof(header);
  header.e_shoff = alignTo(sectionsOffset + sections.bytes.size(), 8);
  header.e_shentsize = sizeof(ELF::Elf64_Shdr);
  header.e_shnum = std::size(headers);
  header.e_shstrndx = 6;

  writeRaw(out, header);
  padTo(out, dataOffset);
  if (Error error = copyFile(package, size, out))
    return error;
  padTo(out, sizeOffset);
  writeRaw(out, size);
  writeRaw(out, symbols);
  out << names.bytes << sections.bytes;
  padTo(out, header.e_shoff);
  writeRaw(out, headers);
  return Error::success();
}

static void writeHeader(StringRef symbol, raw_ostream &out) {
  std::string guard = symbol.upper() + "_H";
  out << "/* The compiled model '" << symbol
      << "', made by actnet-compile. Link with\n"
      << "   -lactnet; open with actnet_open_memory(" << symbol << "_package, "
      << symbol << "_package_size, ...). */\n"
      << "#ifndef " << guard << "\n#define " << guard
      << "\n\n#include <stddef.h>\n\n"
      << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
      << "extern const unsigned char " << symbol << "_package[];\n"
      << "extern const size_t " << symbol << "_package_size;\n\n"
      << "#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << guard << " */\n";
}

Error actnet::writeObject(StringRef package, StringRef symbol, StringRef object,
                          StringRef header) {
  uint64_t size = 0;
  if (std::error_code error = sys::fs::file_size(package, size))
    return createStringError(error, "cannot read '%s': %s",
                             package.str().c_str(), error.message().c_str());
  // Both or none.
  llvm::Expected<PendingFile> code =
      PendingFile::write(object, [&](raw_pwrite_stream &out) {
        return writeELF(package, size, symbol, out);
      });
  if (!code)
    return code.takeError();
  llvm::Expected<PendingFile> text =
      PendingFile::write(header, [&](raw_pwrite_stream &out) {
        writeHeader(symbol, out);
        return Error::success();
      });
  if (!text)
    return text.takeError();
  if (Error error = code->keep())
    return error;
  return text->keep();
}
