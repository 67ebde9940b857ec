//===- Cpu.cpp - which code this processor runs ---------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Asks for features, never for names: a model name says neither what the
// hypervisor masks nor what the kernel saves. The levels are those of the
// x86-64 psABI, section 3.1.1.
//
//===----------------------------------------------------------------------===//
#include "Cpu.h"
#include "actnet/Runtime/Device/Host.h"

#include <cstring>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace actnet::rt {

#if defined(__x86_64__)
namespace {

struct Registers {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

Registers cpuid(unsigned leaf, unsigned subleaf = 0) {
  Registers r;
  unsigned highest = __get_cpuid_max(leaf & 0x80000000u, nullptr);
  if (highest >= leaf)
    __cpuid_count(leaf, subleaf, r.a, r.b, r.c, r.d);
  return r;
}

/// The register state that the operating system saves.
uint64_t enabledState() {
  if (!(cpuid(1).c & (1u << 27))) // OSXSAVE
    return 0;
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t(high) << 32) | low;
}

bool all(unsigned word, unsigned bits) { return (word & bits) == bits; }

/// 1 to 4: the highest psABI level that this processor has.
int detectLevel() {
  constexpr unsigned v2 = (1u << 0) | (1u << 9) | (1u << 13) | (1u << 19) |
                          (1u << 20) | (1u << 23); // sse3 … popcnt
  constexpr unsigned v3 =
      (1u << 12) | (1u << 22) | (1u << 28) | (1u << 29);          // fma … f16c
  constexpr unsigned v3Leaf7 = (1u << 3) | (1u << 5) | (1u << 8); // bmi, avx2
  constexpr unsigned v4Leaf7 = (1u << 16) | (1u << 17) | (1u << 28) |
                               (1u << 30) | (1u << 31); // avx512 f dq cd bw vl
  Registers one = cpuid(1), seven = cpuid(7), extended = cpuid(0x80000001u);
  uint64_t state = enabledState();
  if (!all(one.c, v2) || !(extended.c & 1u)) // lahf
    return 1;
  if (!all(one.c, v3) || !all(seven.b, v3Leaf7) || !(extended.c & (1u << 5)) ||
      (state & 6) != 6) // lzcnt; xmm, ymm
    return 2;
  if (!all(seven.b, v4Leaf7) || (state & 0xe6) != 0xe6) // opmask, zmm
    return 3;
  return 4;
}

int level() {
  static const int detected = detectLevel();
  return detected;
}

} // namespace

std::string hostCpuName() {
  char name[49] = {};
  for (unsigned i = 0; i < 3; ++i) {
    Registers r = cpuid(0x80000002u + i);
    std::memcpy(name + 16 * i, &r, 16);
  }
  std::string text = name;
  size_t begin = text.find_first_not_of(' '), end = text.find_last_not_of(' ');
  return begin == std::string::npos ? "x86-64"
                                    : text.substr(begin, end - begin + 1);
}
#else
namespace {
int level() { return 0; }
} // namespace
std::string hostCpuName() { return "unknown"; }
#endif

int hostVariantLevel(std::string_view features) {
  if (features == "x86-64")
    return 1;
  if (features == "x86-64-v2")
    return 2;
  if (features == "x86-64-v3")
    return 3;
  if (features == "x86-64-v4")
    return 4;
  return 0;
}

bool hostSupports(std::string_view features) {
  int wanted = hostVariantLevel(features);
  return wanted && wanted <= level();
}

std::string_view hostBestVariant() {
  switch (level()) {
  case 4:
    return "x86-64-v4";
  case 3:
    return "x86-64-v3";
  case 2:
    return "x86-64-v2";
  case 1:
    return "x86-64";
  }
  return "unknown";
}

} // namespace actnet::rt
