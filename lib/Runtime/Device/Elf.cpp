//===- Elf.cpp - maps the package's code by itself ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every number in the image is hostile until checked: an offset is used only
// after it was found to lie inside what it indexes. Source: System V ABI,
// chapters 4 and 5, and its AMD64 supplement.
//
//===----------------------------------------------------------------------===//
#include "Elf.h"

#include <algorithm>
#include <cstring>
#include <elf.h>
#include <string>
#include <sys/mman.h>

namespace actnet::rt {

namespace {

constexpr uint64_t page = 4096;
/// More code than this in one image is a damaged header.
constexpr uint64_t longestImage = uint64_t(1) << 31;

/// True if [offset, offset + bytes) lies in [0, limit).
bool inside(uint64_t offset, uint64_t bytes, uint64_t limit) {
  return offset <= limit && bytes <= limit - offset;
}

Status bad(std::string what) {
  return dataLoss("code image: " + std::move(what));
}

} // namespace

/// Does the steps of ElfImage::map in order.
class ElfLoader {
public:
  ElfLoader(std::span<const std::byte> bytes,
            std::span<const ElfImport> imports)
      : file(bytes), imports(imports) {}

  Expected<ElfImage> run() {
    ACTNET_RETURN_IF_ERROR(readHeader());
    ACTNET_RETURN_IF_ERROR(readSegments());
    ACTNET_RETURN_IF_ERROR(copySegments());
    ACTNET_RETURN_IF_ERROR(readDynamic());
    ACTNET_RETURN_IF_ERROR(countSymbols());
    ACTNET_RETURN_IF_ERROR(readSymbols());
    ACTNET_RETURN_IF_ERROR(relocate());
    ACTNET_RETURN_IF_ERROR(protect());
    return Expected<ElfImage>(std::move(image));
  }

private:
  Status readHeader() {
    if (file.size() < sizeof(Elf64_Ehdr))
      return bad("ends in the ELF header");
    std::memcpy(&header, file.data(), sizeof(header));
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
      return bad("is not ELF");
    if (header.e_ident[EI_CLASS] != ELFCLASS64 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_X86_64 || header.e_type != ET_DYN)
      return bad("is not an x86-64 shared object");
    if (header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum == 0 ||
        header.e_phnum > 64 ||
        !inside(header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr),
                file.size()))
      return bad("has no valid program headers");
    return {};
  }

  Status readSegments() {
    for (unsigned i = 0; i < header.e_phnum; ++i) {
      Elf64_Phdr p;
      std::memcpy(&p, file.data() + header.e_phoff + i * sizeof(p), sizeof(p));
      if (p.p_type == PT_LOAD) {
        ACTNET_RETURN_IF_ERROR(addLoad(p));
      } else if (p.p_type == PT_DYNAMIC) {
        dynamic = p;
        hasDynamic = true;
      } else if (p.p_type == PT_GNU_RELRO) {
        relro = p;
        hasRelro = true;
      } else if (p.p_type == PT_TLS) {
        return bad("uses thread-local storage");
      } else if (p.p_type == PT_INTERP) {
        return bad("names a dynamic loader");
      }
    }
    if (loads.empty())
      return bad("has nothing to load");
    if (!hasDynamic)
      return bad("has no dynamic section");
    return {};
  }

  Status addLoad(const Elf64_Phdr &p) {
    if (p.p_filesz > p.p_memsz || !inside(p.p_offset, p.p_filesz, file.size()))
      return bad("a segment lies outside the file");
    if (p.p_memsz > longestImage || p.p_vaddr > longestImage)
      return bad("a segment is larger than 2 GiB");
    if ((p.p_flags & PF_W) && (p.p_flags & PF_X))
      return bad("a segment is writable and executable");
    // Names of symbols are read as long as the image lives.
    if (!(p.p_flags & PF_R))
      return bad("a segment is not readable");
    if (p.p_align > (uint64_t(1) << 21) || (p.p_align & (p.p_align - 1)))
      return bad("a segment has an impossible alignment");
    if (p.p_memsz == 0)
      return {};
    // Segments come in ascending order and share no page, or their rights
    // would mix.
    if (p.p_vaddr / page * page < image.length)
      return bad("two segments share a page");
    image.length = (p.p_vaddr + p.p_memsz + page - 1) / page * page;
    if (p.p_flags & PF_X)
      image.executable.push_back({p.p_vaddr, p.p_vaddr + p.p_memsz});
    loads.push_back(p);
    return {};
  }

  Status copySegments() {
    // Anonymous memory and a copy: the image may lie anywhere in a file or in
    // memory, and relocated pages would be private anyhow.
    uint64_t align = page;
    for (const Elf64_Phdr &p : loads)
      align = std::max<uint64_t>(align, p.p_align);
    uint64_t reserve = image.length + align - page;
    void *memory = mmap(nullptr, reserve, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      image.length = 0;
      return resourceExhausted("code image: cannot map " +
                               std::to_string(reserve) + " bytes");
    }
    auto begin = reinterpret_cast<uintptr_t>(memory);
    uintptr_t aligned = (begin + align - 1) / align * align;
    if (aligned > begin)
      munmap(memory, aligned - begin);
    if (uint64_t tail = begin + reserve - (aligned + image.length))
      munmap(reinterpret_cast<void *>(aligned + image.length), tail);
    image.base = reinterpret_cast<std::byte *>(aligned);
    for (const Elf64_Phdr &p : loads)
      std::memcpy(image.base + p.p_vaddr, file.data() + p.p_offset, p.p_filesz);
    return {};
  }

  /// True if the range lies in one loaded segment, so that it may be read.
  bool loaded(uint64_t address, uint64_t bytes) const {
    for (const Elf64_Phdr &p : loads)
      if (address >= p.p_vaddr && inside(address - p.p_vaddr, bytes, p.p_memsz))
        return true;
    return false;
  }

  template <typename T> T read(uint64_t address) const {
    T value;
    std::memcpy(&value, image.base + address, sizeof(T));
    return value;
  }

  Status readDynamic() {
    if (!loaded(dynamic.p_vaddr, dynamic.p_memsz))
      return bad("the dynamic section is not loaded");
    uint64_t symbolBytes = sizeof(Elf64_Sym), relaEntry = sizeof(Elf64_Rela);
    for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= dynamic.p_memsz;
         at += sizeof(Elf64_Dyn)) {
      auto entry = read<Elf64_Dyn>(dynamic.p_vaddr + at);
      uint64_t value = entry.d_un.d_val;
      switch (entry.d_tag) {
      case DT_NULL:
        at = dynamic.p_memsz;
        break;
      case DT_SYMTAB:
        symbols = value;
        break;
      case DT_STRTAB:
        strings = value;
        break;
      case DT_STRSZ:
        stringBytes = value;
        break;
      case DT_SYMENT:
        symbolBytes = value;
        break;
      case DT_RELA:
        rela = value;
        break;
      case DT_RELASZ:
        relaBytes = value;
        break;
      case DT_RELAENT:
        relaEntry = value;
        break;
      case DT_HASH:
        hash = value;
        break;
      case DT_GNU_HASH:
        gnuHash = value;
        break;
      case DT_NEEDED:
        return bad("needs another library");
      case DT_JMPREL:
        calls = value;
        break;
      case DT_PLTRELSZ:
        callBytes = value;
        break;
      case DT_REL:
      case DT_RELR:
      case DT_TEXTREL:
        // Said after the symbols were looked at: an import by name says more.
        otherRelocations = true;
        break;
      case DT_INIT:
      case DT_FINI:
      case DT_INIT_ARRAY:
      case DT_FINI_ARRAY:
        if (imports.empty())
          return bad("has initialisers");
        break;
      }
    }
    if (symbolBytes != sizeof(Elf64_Sym) || relaEntry != sizeof(Elf64_Rela))
      return bad("has tables of another entry size");
    if (!symbols || !strings || !loaded(strings, stringBytes))
      return bad("has no symbol table");
    return {};
  }

  Status relocate() {
    if (otherRelocations || (calls && imports.empty()))
      return onlyRelative();
    ACTNET_RETURN_IF_ERROR(applyTable(rela, relaBytes));
    return applyTable(calls, callBytes);
  }

  Status onlyRelative() const {
    return bad(imports.empty() ? "has relocations other than R_X86_64_RELATIVE"
                               : "has relocations of an unknown kind");
  }

  Status applyTable(uint64_t table, uint64_t bytes) {
    if (bytes == 0)
      return {};
    if (bytes % sizeof(Elf64_Rela) || !loaded(table, bytes))
      return bad("the relocations lie outside");
    for (uint64_t at = 0; at < bytes; at += sizeof(Elf64_Rela)) {
      auto entry = read<Elf64_Rela>(table + at);
      ACTNET_ASSIGN_OR_RETURN(uint64_t value, valueOf(entry));
      if (!loaded(entry.r_offset, 8))
        return bad("a relocation points outside");
      if (!writable(entry.r_offset))
        return bad("a relocation writes to a read-only segment");
      std::memcpy(image.base + entry.r_offset, &value, sizeof(value));
    }
    return {};
  }

  Expected<uint64_t> valueOf(const Elf64_Rela &entry) const {
    auto addend = uint64_t(entry.r_addend);
    auto type = ELF64_R_TYPE(entry.r_info);
    if (type == R_X86_64_RELATIVE) {
      if (addend > image.length)
        return bad("a relocation points outside");
      return reinterpret_cast<uintptr_t>(image.base) + addend;
    }
    bool isDirect = type == R_X86_64_64;
    if (imports.empty() ||
        (!isDirect && type != R_X86_64_GLOB_DAT && type != R_X86_64_JUMP_SLOT))
      return onlyRelative();
    uint64_t symbol = ELF64_R_SYM(entry.r_info);
    if (symbol == 0 || symbol >= addresses.size() || (isDirect && addend))
      return bad("a relocation names no symbol");
    return addresses[symbol];
  }

  bool writable(uint64_t address) const {
    for (const Elf64_Phdr &p : loads)
      if (address >= p.p_vaddr && address - p.p_vaddr < p.p_memsz)
        return p.p_flags & PF_W;
    return false;
  }

  Status countSymbols() {
    if (hash) {
      if (!loaded(hash, 8))
        return bad("the hash table lies outside");
      symbolCount = read<uint32_t>(hash + 4);
    } else if (gnuHash) {
      ACTNET_RETURN_IF_ERROR(countByGnuHash());
    } else {
      return bad("has no hash table");
    }
    if (!loaded(symbols, symbolCount * sizeof(Elf64_Sym)))
      return bad("the symbol table lies outside");
    return {};
  }

  /// The GNU table has no count: the last symbol is the end of the chain that
  /// begins in the highest bucket.
  Status countByGnuHash() {
    Status outside = bad("the hash table lies outside");
    if (!loaded(gnuHash, 16))
      return outside;
    uint64_t buckets = read<uint32_t>(gnuHash);
    uint64_t first = read<uint32_t>(gnuHash + 4);
    uint64_t bloom = read<uint32_t>(gnuHash + 8);
    uint64_t bucketsAt = gnuHash + 16 + 8 * bloom;
    if (!loaded(bucketsAt, 4 * buckets))
      return outside;
    uint64_t highest = 0;
    for (uint64_t i = 0; i < buckets; ++i)
      highest = std::max<uint64_t>(highest, read<uint32_t>(bucketsAt + 4 * i));
    if (highest < first) {
      symbolCount = first;
      return {};
    }
    uint64_t chainAt = bucketsAt + 4 * buckets;
    for (uint64_t i = highest;; ++i) {
      uint64_t at = chainAt + 4 * (i - first);
      if (!loaded(at, 4))
        return outside;
      if (read<uint32_t>(at) & 1) {
        symbolCount = i + 1;
        return {};
      }
    }
  }

  Status readSymbols() {
    const char *text = reinterpret_cast<const char *>(image.base) + strings;
    if (stringBytes == 0 || text[stringBytes - 1] != '\0')
      return bad("the symbol names have no end");
    addresses.resize(symbolCount ? symbolCount : 1);
    for (uint64_t i = 1; i < symbolCount; ++i) {
      auto symbol = read<Elf64_Sym>(symbols + i * sizeof(Elf64_Sym));
      if (symbol.st_name >= stringBytes)
        return bad("a symbol's name lies outside");
      std::string_view name = text + symbol.st_name;
      if (symbol.st_shndx == SHN_UNDEF) {
        auto found = std::lower_bound(
            imports.begin(), imports.end(), name,
            [](const ElfImport &a, std::string_view n) { return a.name < n; });
        if (found == imports.end() || found->name != name)
          return bad("imports '" + std::string(name.substr(0, 80)) + "'");
        addresses[i] = reinterpret_cast<uintptr_t>(found->address);
        continue;
      }
      if (symbol.st_value > image.length)
        return bad("a symbol lies outside");
      addresses[i] = reinterpret_cast<uintptr_t>(image.base) + symbol.st_value;
      image.symbols.push_back(
          {name, symbol.st_value, ELF64_ST_TYPE(symbol.st_info) == STT_FUNC});
    }
    std::sort(image.symbols.begin(), image.symbols.end(),
              [](const ElfImage::Symbol &a, const ElfImage::Symbol &b) {
                return a.name < b.name;
              });
    return {};
  }

  Status protect() {
    for (const Elf64_Phdr &p : loads) {
      int rights = 0;
      if (p.p_flags & PF_R)
        rights |= PROT_READ;
      if (p.p_flags & PF_W)
        rights |= PROT_WRITE;
      if (p.p_flags & PF_X)
        rights |= PROT_EXEC | PROT_READ;
      uint64_t begin = p.p_vaddr / page * page;
      uint64_t end = (p.p_vaddr + p.p_memsz + page - 1) / page * page;
      if (mprotect(image.base + begin, end - begin, rights))
        return resourceExhausted(
            "code image: the system refuses to make code executable");
    }
    if (hasRelro && loaded(relro.p_vaddr, 1) &&
        inside(relro.p_vaddr, relro.p_memsz, image.length)) {
      uint64_t begin = relro.p_vaddr / page * page;
      uint64_t end = (relro.p_vaddr + relro.p_memsz) / page * page;
      if (end > begin && writable(relro.p_vaddr) && writable(end - 1))
        mprotect(image.base + begin, end - begin, PROT_READ);
    }
    return {};
  }

  std::span<const std::byte> file;
  std::span<const ElfImport> imports;
  /// Of each symbol, by its index.
  std::vector<uint64_t> addresses;
  ElfImage image;
  Elf64_Ehdr header = {};
  std::vector<Elf64_Phdr> loads;
  Elf64_Phdr dynamic = {}, relro = {};
  bool hasDynamic = false, hasRelro = false, otherRelocations = false;
  uint64_t rela = 0, relaBytes = 0, calls = 0, callBytes = 0;
  uint64_t hash = 0, gnuHash = 0;
  uint64_t symbols = 0, symbolCount = 0, strings = 0, stringBytes = 0;
};

Expected<ElfImage> ElfImage::map(std::span<const std::byte> bytes,
                                 std::span<const ElfImport> imports) {
  return ElfLoader(bytes, imports).run();
}

ElfImage::ElfImage(ElfImage &&other) noexcept
    : base(std::exchange(other.base, nullptr)),
      length(std::exchange(other.length, 0)),
      executable(std::move(other.executable)),
      symbols(std::move(other.symbols)) {}

ElfImage::~ElfImage() {
  if (base)
    munmap(base, length);
}

Expected<ElfFunction> ElfImage::namedFunction(std::string_view name) const {
  auto found = std::lower_bound(
      symbols.begin(), symbols.end(), name,
      [](const Symbol &symbol, std::string_view n) { return symbol.name < n; });
  if (found == symbols.end() || found->name != name)
    return notFound("code image: no kernel '" + std::string(name) + "'");
  for (const Range &range : executable)
    if (found->function && found->value >= range.begin &&
        found->value < range.end)
      return ElfFunction{found->name, base + found->value};
  return bad("symbol '" + std::string(name) + "' is not code");
}

Expected<void *> ElfImage::function(std::string_view name) const {
  ACTNET_ASSIGN_OR_RETURN(ElfFunction found, namedFunction(name));
  return found.address;
}

} // namespace actnet::rt
