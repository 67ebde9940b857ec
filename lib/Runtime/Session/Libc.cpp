//===- Libc.cpp - which glibc this object needs ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loader refuses to start a program on a glibc older than the newest
// version in the program's own table of needed versions, so that table is the
// answer, and not what the build machine had installed.

#include "actnet/Runtime/Session/Program.h"

#include <cstdio>
#include <elf.h>
#include <link.h>

using namespace actnet;

namespace {
struct Search {
  uintptr_t inside; ///< an address in the object to look at
  unsigned major = 0, minor = 0;
};

int visit(dl_phdr_info *info, size_t, void *context) {
  auto *search = static_cast<Search *>(context);
  const ElfW(Dyn) *dynamic = nullptr;
  bool holds = false;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr) &segment = info->dlpi_phdr[i];
    uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD)
      holds |= search->inside - begin < segment.p_memsz;
    else if (segment.p_type == PT_DYNAMIC)
      dynamic = reinterpret_cast<const ElfW(Dyn) *>(begin);
  }
  if (!holds)
    return 0;
  uintptr_t strings = 0, needs = 0;
  size_t count = 0;
  for (; dynamic && dynamic->d_tag != DT_NULL; ++dynamic) {
    if (dynamic->d_tag == DT_STRTAB)
      strings = dynamic->d_un.d_ptr;
    else if (dynamic->d_tag == DT_VERNEED)
      needs = dynamic->d_un.d_ptr;
    else if (dynamic->d_tag == DT_VERNEEDNUM)
      count = dynamic->d_un.d_val;
  }
  // The loader has relocated the pointer to the strings, but not this one.
  if (needs != 0 && needs < info->dlpi_addr)
    needs += info->dlpi_addr;
  for (; needs != 0 && count > 0; --count) {
    const auto *need = reinterpret_cast<const ElfW(Verneed) *>(needs);
    uintptr_t at = needs + need->vn_aux;
    for (unsigned i = 0; i < need->vn_cnt; ++i) {
      const auto *aux = reinterpret_cast<const ElfW(Vernaux) *>(at);
      const char *name =
          reinterpret_cast<const char *>(strings + aux->vna_name);
      unsigned major, minor;
      if (std::sscanf(name, "GLIBC_%u.%u", &major, &minor) == 2 &&
          (major > search->major ||
           (major == search->major && minor > search->minor))) {
        search->major = major;
        search->minor = minor;
      }
      at += aux->vna_next;
    }
    needs = need->vn_next ? needs + need->vn_next : 0;
  }
  return 1;
}
} // namespace

std::string rt::oldestLibc() {
  Search search;
  search.inside = reinterpret_cast<uintptr_t>(&visit);
  dl_iterate_phdr(visit, &search);
  if (search.major == 0)
    return "";
  return std::to_string(search.major) + "." + std::to_string(search.minor);
}
