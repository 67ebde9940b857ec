//===- Nvrtc.h - NVRTC as the tests use it --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opened at run time: from $ACTNET_NVRTC (the library itself), else wherever
// the loader finds libnvrtc.so.13, else from the toolkit's usual folder.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_TEST_UNIT_CODEGEN_CUDA_NVRTC_H
#define ACTNET_TEST_UNIT_CODEGEN_CUDA_NVRTC_H

#include <string>
#include <utility>
#include <vector>

namespace actnet::testing {

class Nvrtc {
public:
  Nvrtc();
  /// Empty, or why the library cannot be used.
  std::string error;

  struct Result {
    std::string cubin; ///< Empty where compilation failed.
    std::string log;
  };
  /// Compiles a text for an architecture ("sm_90a"); `headers` are names and
  /// texts, and all that the text can include.
  Result
  compile(const std::string &text, const std::string &architecture,
          const std::vector<std::pair<std::string, std::string>> &headers);

private:
  template <class Function>
  void find(void *library, const char *name, Function *&function);

  using Program = struct ProgramOfNvrtc *;
  int (*create)(Program *, const char *text, const char *name, int,
                const char *const *headers, const char *const *names) = nullptr;
  int (*compileProgram)(Program, int, const char *const *options) = nullptr;
  int (*logSize)(Program, size_t *) = nullptr;
  int (*log)(Program, char *) = nullptr;
  int (*cubinSize)(Program, size_t *) = nullptr;
  int (*cubin)(Program, char *) = nullptr;
  int (*destroy)(Program *) = nullptr;
};

} // namespace actnet::testing

#endif // ACTNET_TEST_UNIT_CODEGEN_CUDA_NVRTC_H
