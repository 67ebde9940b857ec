//===- Executable.h - loaded cubins and PTX -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ACTNET_LIB_RUNTIME_DEVICE_CUDA_EXECUTABLE_H
#define ACTNET_LIB_RUNTIME_DEVICE_CUDA_EXECUTABLE_H

#include "Driver.h"
#include "Memory.h"

#include <vector>

namespace actnet::rt {
class Nvrtc;
}

namespace actnet::rt::cuda {

class CudaExecutable final : public Executable {
public:
  struct Kernel {
    std::string symbol;
    Function function = nullptr;
    unsigned threads = 0;
    unsigned sharedBytes = 0;
  };

  /// Picks the image for the device, loads a module for each kernel, and
  /// everything in it at once. Where no code fits, NVRTC compiles the program's
  /// text for the device; then the variant is "text:sm_86". Errors: see
  /// Device::load.
  static Expected<std::unique_ptr<Executable>>
  load(ContextState &context, CudaMemory &memory, const ExecutableDesc &desc);
  ~CudaExecutable() override;

  std::string_view variant() const override { return features; }
  unsigned kernelCount() const override { return unsigned(kernels.size()); }
  const Kernel &kernel(uint32_t id) const { return kernels[id]; }
  const ContextState &owner() const { return context; }

private:
  CudaExecutable(ContextState &context, CudaMemory &memory)
      : context(context), memory(memory) {}
  Status loadKernel(const KernelDesc &desc, std::string_view code);

  ContextState &context;
  CudaMemory &memory;
  std::string features;
  /// What compiled the code here; null for the program's own.
  const Nvrtc *maker = nullptr;
  std::vector<Module> modules;
  std::vector<Kernel> kernels;
  uint64_t codeBytes = 0;
};

/// How well an image's features fit a device of compute capability
/// major.minor: 0 if it does not run there, and larger the better. Cubins beat
/// PTX; an exact one beats a lower minor; what has a suffix ("sm_90a") runs on
/// exactly its own device.
unsigned fitness(std::string_view format, std::string_view features, int major,
                 int minor);

} // namespace actnet::rt::cuda

#endif // ACTNET_LIB_RUNTIME_DEVICE_CUDA_EXECUTABLE_H
