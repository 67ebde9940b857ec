//===- Nvrtc.h - NVIDIA's compiler, opened at run time --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NVRTC needs neither a GPU nor a driver. It is opened when the first kernel is
// to be compiled: from $ACTNET_NVRTC (the library itself), else from a toolkit
// ($CUDA_HOME, $CUDA_PATH, /usr/local/cuda*), else wherever the loader finds
// it.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_LIB_CODEGEN_CUDA_IMAGES_NVRTC_H
#define ACTNET_LIB_CODEGEN_CUDA_IMAGES_NVRTC_H

#include "actnet/Codegen/CUDA/KernelHeaders.h"

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace actnet::cuda {

class Nvrtc {
public:
  /// The library, opened once a process; an error is one line that says what
  /// was tried. Any thread may call it.
  static llvm::Expected<const Nvrtc &> get();

  /// Such as "13.0".
  const std::string &version() const { return versionText; }

  /// Fails where the library does not know sm_90a or compute_90, with the
  /// numbers that it knows.
  llvm::Error checkArchitecture(llvm::StringRef isa) const;

  /// Compiles a text to a cubin (for `sm_…`) or PTX (for `compute_…`). The
  /// text can include `headers` and nothing else. The error is NVRTC's log.
  /// Any thread may call it.
  llvm::Expected<std::string>
  compile(llvm::StringRef text, llvm::StringRef name, llvm::StringRef isa,
          llvm::ArrayRef<KernelHeader> headers) const;

  /// Options of each compilation besides the architecture.
  static llvm::ArrayRef<const char *> options();

private:
  Nvrtc() = default;
  static Nvrtc open(std::string &error);
  template <class Function>
  bool find(void *library, const char *name, Function *&function);

  using Program = struct OpaqueProgram *;
  int (*getVersion)(int *, int *) = nullptr;
  int (*countArchitectures)(int *) = nullptr;
  int (*getArchitectures)(int *) = nullptr;
  int (*create)(Program *, const char *text, const char *name, int count,
                const char *const *headers, const char *const *names) = nullptr;
  int (*run)(Program, int, const char *const *options) = nullptr;
  int (*logSize)(Program, size_t *) = nullptr;
  int (*log)(Program, char *) = nullptr;
  int (*cubinSize)(Program, size_t *) = nullptr;
  int (*cubin)(Program, char *) = nullptr;
  int (*ptxSize)(Program, size_t *) = nullptr;
  int (*ptx)(Program, char *) = nullptr;
  int (*destroy)(Program *) = nullptr;

  std::string versionText;
  std::vector<int> architectures;
};

} // namespace actnet::cuda

#endif // ACTNET_LIB_CODEGEN_CUDA_IMAGES_NVRTC_H
