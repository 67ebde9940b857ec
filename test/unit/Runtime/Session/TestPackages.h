//===- TestPackages.h - small packages written by hand --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the compiler would write for tiny models, so that sessions and the
// command line are tested without it. The code is kernels.c, compiled for the
// oldest x86-64 and offered as two variants, and kernels.cu for the software
// GPU; the cubins and the PTX are what the driver's stand-in takes for such.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_TEST_UNIT_RUNTIME_SESSION_TESTPACKAGES_H
#define ACTNET_TEST_UNIT_RUNTIME_SESSION_TESTPACKAGES_H

#include "actnet/Package/Expr.h"
#include "actnet/Package/Writer.h"

#include <string>
#include <vector>

namespace actnet::rt::test {

// clang-format off
/// Names of the packages that `makePackage` knows:
///   affine     y = 2 x + b; x: f32 [N, 4], N = 1..64, b = {1, 2, 3, 4} a weight
///   unbounded  the same with N = 1..
///   sum        z = a + b; a, b: f32 [N], N = 1..16
///   solve      y = x; x: f32 [2*N + 1], y: f32 [2*N + 1], N = 1..16
///   control    if c: y = 2 x else y = x; then y += 0 + 1 + 2 in a loop with a
///              counter; then while y[0] < 100: y = 2 y; x: f32 [4], c: bool []
///   state      step: s += x, y = s; s starts from a weight
///              init: s = {10, 20, 30, 40} again
///   growing    those two, and as the third function `unbounded`
///   streams    the same as affine, in two streams with signals
///   liar       like affine, but a kernel writes 1 MiB into 16 bytes
///   product    y = 2 (x w); x: f32 [N, 8], N = 1..16, w: f32 [8, 16]; a call
///              of cuBLASLt with 16 MiB of workspace, or the kernel `dense`
///   product8   the same with N = 8 and no workspace
///   text       affine, for cuda as text alone
///   old        affine, for cuda as cubins for sm_70, and text
///   wrong      as text, but NVRTC does not take the text of one kernel
// clang-format on
std::vector<std::string> packageNames();

/// Writes one of them. `code` is the image of kernels.c, `toy` that of
/// kernels.cu; without the latter there is no plan for cuda.
Status makePackage(const std::string &name, const std::vector<std::byte> &code,
                   const std::vector<std::byte> &toy, pkg::Writer &writer);

/// A module of the driver's stand-in (test/driver/StandIn.h) for a kernel.
std::string standInModule(const std::string &kernel, unsigned parameters);

/// The package in memory, at an address that is a multiple of 4096; exits the
/// process with a message if it cannot be made.
class MemoryPackage {
public:
  explicit MemoryPackage(const std::string &name);
  ~MemoryPackage();
  MemoryPackage(const MemoryPackage &) = delete;
  std::span<const std::byte> bytes() const { return {data, size}; }

private:
  std::byte *data = nullptr;
  size_t size = 0;
};

/// Reads the image that the build made of kernels.c.
std::vector<std::byte> readCode(const std::string &path);

} // namespace actnet::rt::test

#endif // ACTNET_TEST_UNIT_RUNTIME_SESSION_TESTPACKAGES_H
