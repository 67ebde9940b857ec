//===- Nvrtc.cpp - NVRTC as the tests use it ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Nvrtc.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string>

using namespace actnet::testing;

template <class Function>
void Nvrtc::find(void *library, const char *name, Function *&function) {
  function = reinterpret_cast<Function *>(dlsym(library, name));
  if (!function && error.empty())
    error = std::string("libnvrtc.so.13 has no ") + name;
}

Nvrtc::Nvrtc() {
  void *library = nullptr;
  if (const char *path = std::getenv("ACTNET_NVRTC"); path && *path) {
    // What is named must be there: another one would prove something else.
    // NVRTC asks for its builtins by name only; once loaded from beside it,
    // they are found.
    std::string builtins(path);
    builtins.resize(builtins.find_last_of('/') + 1);
    builtins += "libnvrtc-builtins.so.13.0";
    (void)dlopen(builtins.c_str(), RTLD_NOW | RTLD_GLOBAL);
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      error = std::string("ACTNET_NVRTC: ") + dlerror();
      return;
    }
  }
  for (const char *name :
       {"libnvrtc.so.13", "/usr/local/cuda/lib64/libnvrtc.so.13"})
    if (!library)
      library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    error = "libnvrtc.so.13 is not there: install the CUDA 13 toolkit, or the "
            "packages of "
            "utils/requirements-test.txt and set ACTNET_NVRTC to the library; "
            "-DACTNET_TEST_NVRTC=OFF leaves these tests out";
    return;
  }
  find(library, "nvrtcCreateProgram", create);
  find(library, "nvrtcCompileProgram", compileProgram);
  find(library, "nvrtcGetProgramLogSize", logSize);
  find(library, "nvrtcGetProgramLog", log);
  find(library, "nvrtcGetCUBINSize", cubinSize);
  find(library, "nvrtcGetCUBIN", cubin);
  find(library, "nvrtcDestroyProgram", destroy);
}

Nvrtc::Result Nvrtc::compile(
    const std::string &text, const std::string &architecture,
    const std::vector<std::pair<std::string, std::string>> &headers) {
  std::vector<const char *> names, texts;
  for (const auto &[name, header] : headers) {
    names.push_back(name.c_str());
    texts.push_back(header.c_str());
  }
  Result result;
  Program program = nullptr;
  if (create(&program, text.c_str(), "kernel.cu",
             static_cast<int>(headers.size()), texts.data(), names.data())) {
    result.log = "nvrtcCreateProgram failed";
    return result;
  }
  std::string option = "--gpu-architecture=" + architecture;
  const char *options[] = {option.c_str(), "--std=c++17"};
  int status = compileProgram(program, 2, options);
  size_t size = 0;
  if (!logSize(program, &size) && size) {
    result.log.resize(size);
    log(program, result.log.data());
    result.log.resize(size - 1); // Its end is a zero.
  }
  if (!status && !cubinSize(program, &size)) {
    result.cubin.resize(size);
    if (cubin(program, result.cubin.data()))
      result.cubin.clear();
  }
  destroy(&program);
  return result;
}
