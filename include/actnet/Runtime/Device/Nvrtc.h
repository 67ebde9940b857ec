//===- Nvrtc.h - NVIDIA's compiler, opened at run time --------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// NVRTC makes code for GPUs of kernels' text and needs neither a GPU nor a
// driver. The compiler uses it ahead of time, device cuda for what a program
// has no code for: one way with the same options, so that the same text gives
// the same code.
//
// It is opened when the first kernel is to be compiled: from $ACTNET_NVRTC (the
// library itself), else from a toolkit ($CUDA_HOME, $CUDA_PATH,
// /usr/local/cuda*), else wherever the loader finds it. The kernels' text
// includes our headers alone, which are handed over by name; CUDA's own headers
// need not be there.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_RUNTIME_DEVICE_NVRTC_H
#define ACTNET_RUNTIME_DEVICE_NVRTC_H

#include "actnet/Runtime/Base/Status.h"
#include "actnet/Runtime/Device/CodeCache.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace actnet::rt {

/// A text by its name, such as a header.
struct SourceText {
  std::string_view name, text;
};

/// The library. Any thread.
class Nvrtc {
public:
  /// Opens what the environment names, once a process for each name. Error:
  /// notFound, one line that says what was tried.
  static Expected<const Nvrtc *> get();

  /// As 1000 * major + 10 * minor, and as "13.0".
  int version() const { return number; }
  std::string versionText() const;

  /// Whether there is an architecture of this number with this suffix: 0 for
  /// none, 'a' for code of one GPU alone, since sm_90, 'f' for that of a
  /// family, since sm_100 (PTX ISA 9.0, ".target").
  static bool hasSuffix(int number, char suffix);

  /// Fails where the library does not know sm_90a or compute_90, with the
  /// numbers that it knows. Error: unavailable.
  Status checkArchitecture(std::string_view isa) const;

  /// Compiles a text to a cubin (for `sm_…`) or PTX (for `compute_…`). The
  /// text can include `headers` and nothing else. Error: invalidArgument, with
  /// NVRTC's log, which has many lines. `warnings` gets the log of a text that
  /// compiles; empty where there is nothing to say.
  Expected<std::string> compile(std::string_view text, const std::string &name,
                                std::string_view isa,
                                std::span<const SourceText> headers,
                                std::string *warnings = nullptr) const;

  /// Options of each compilation besides the architecture.
  static std::span<const char *const> options();

  /// The line of a compiler's log that says most in one.
  static std::string_view bestLine(std::string_view log);

private:
  Nvrtc() = default;
  static Expected<Nvrtc> open(const std::string &asked);
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

  int number = 0;
  std::vector<int> architectures;
};

/// Compiles kernels that share their headers, and keeps the code in the cache
/// of the environment. The headers must stay. Any thread.
class KernelCompiler {
public:
  /// The order of the headers does not matter.
  KernelCompiler(const Nvrtc &nvrtc, std::vector<SourceText> headers);

  /// As Nvrtc::compile, for the kernel's `SYMBOL.cu`.
  Expected<std::string> compile(std::string_view symbol, std::string_view text,
                                std::string_view isa) const;

private:
  const Nvrtc &nvrtc;
  const CodeCache cache = CodeCache::fromEnvironment();
  std::vector<SourceText> headers;
  /// The headers and options, as part of each key.
  std::string common;
};

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_DEVICE_NVRTC_H
