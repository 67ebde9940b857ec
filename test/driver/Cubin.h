//===- Cubin.h - what a real cubin says of itself -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The stand-in can't run a cubin, but it can look whether one is what a driver
// would take: an ELF file for NVIDIA's GPUs, of the right architecture, with a
// kernel and its parameters.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_TEST_DRIVER_CUBIN_H
#define ACTNET_TEST_DRIVER_CUBIN_H

#include "actnet/Runtime/Base/Status.h"

#include <string>
#include <string_view>
#include <vector>

namespace actnet::rt::cuda {

struct Cubin {
  struct Kernel {
    std::string name;
    unsigned parameterBytes = 0;
    unsigned sharedBytes = 0; ///< that its text declares
  };
  unsigned architecture = 0; ///< 86 for sm_86
  std::vector<Kernel> kernels;

  /// How many bytes it takes, as its own tables say; the driver is told no
  /// size.
  static size_t sizeOf(const char *at);
  /// Reads a whole one. Error: dataLoss.
  static Expected<Cubin> read(std::string_view bytes);
};

} // namespace actnet::rt::cuda

#endif // ACTNET_TEST_DRIVER_CUBIN_H
