//===- Nvrtc.cpp - NVIDIA's compiler, opened at run time ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Nvrtc.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

#include <dlfcn.h>

using namespace actnet::cuda;
using llvm::StringRef;

/// The library's name for the CUDA version that the kernels are written for.
static constexpr llvm::StringLiteral kLibrary = "libnvrtc.so.13";

llvm::ArrayRef<const char *> Nvrtc::options() {
  static const char *const list[] = {"--std=c++17"};
  return list;
}

/// Folders of toolkits, in the order in which they are tried.
static std::vector<std::string> toolkitFolders() {
  std::vector<std::string> roots;
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"})
    if (auto value = llvm::sys::Process::GetEnv(variable))
      roots.push_back(*value);
  for (const char *root :
       {"/usr/local/cuda", "/usr/local/cuda-13", "/usr/local/cuda-13.0"})
    roots.push_back(root);
  std::vector<std::string> folders;
  for (const std::string &root : roots)
    for (const char *sub : {"lib64", "lib", "targets/x86_64-linux/lib"})
      folders.push_back(root + "/" + sub);
  return folders;
}

/// NVRTC asks for its builtins by name only; once loaded from beside it, they
/// are found.
static void *openBeside(StringRef path) {
  std::error_code ignored;
  for (llvm::sys::fs::directory_iterator
           file(llvm::sys::path::parent_path(path), ignored),
       end;
       !ignored && file != end; file.increment(ignored))
    if (llvm::sys::path::filename(file->path())
            .starts_with("libnvrtc-builtins.so."))
      (void)dlopen(file->path().c_str(), RTLD_NOW | RTLD_GLOBAL);
  return dlopen(path.str().c_str(), RTLD_NOW | RTLD_LOCAL);
}

static void *openLibrary(std::string &error) {
  auto asked = llvm::sys::Process::GetEnv("ACTNET_NVRTC");
  if (asked && !asked->empty()) {
    // What is named must be there: another one may compile differently.
    void *library = openBeside(*asked);
    if (!library)
      error = std::string("ACTNET_NVRTC: ") + dlerror();
    return library;
  }
  for (const std::string &folder : toolkitFolders()) {
    std::string path = folder + "/" + kLibrary.str();
    if (llvm::sys::fs::exists(path))
      if (void *library = openBeside(path))
        return library;
  }
  void *library = dlopen(kLibrary.data(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    error = "NVRTC, which compiles for cuda, is not there: " +
            std::string(dlerror()) +
            "; install the CUDA 13 toolkit, or set ACTNET_NVRTC to the library";
  return library;
}

template <class Function>
bool Nvrtc::find(void *library, const char *name, Function *&function) {
  function = reinterpret_cast<Function *>(dlsym(library, name));
  return function;
}

Nvrtc Nvrtc::open(std::string &error) {
  Nvrtc nvrtc;
  void *library = openLibrary(error);
  if (!library)
    return nvrtc;
  if (!nvrtc.find(library, "nvrtcVersion", nvrtc.getVersion) ||
      !nvrtc.find(library, "nvrtcGetNumSupportedArchs",
                  nvrtc.countArchitectures) ||
      !nvrtc.find(library, "nvrtcGetSupportedArchs", nvrtc.getArchitectures) ||
      !nvrtc.find(library, "nvrtcCreateProgram", nvrtc.create) ||
      !nvrtc.find(library, "nvrtcCompileProgram", nvrtc.run) ||
      !nvrtc.find(library, "nvrtcGetProgramLogSize", nvrtc.logSize) ||
      !nvrtc.find(library, "nvrtcGetProgramLog", nvrtc.log) ||
      !nvrtc.find(library, "nvrtcGetCUBINSize", nvrtc.cubinSize) ||
      !nvrtc.find(library, "nvrtcGetCUBIN", nvrtc.cubin) ||
      !nvrtc.find(library, "nvrtcGetPTXSize", nvrtc.ptxSize) ||
      !nvrtc.find(library, "nvrtcGetPTX", nvrtc.ptx) ||
      !nvrtc.find(library, "nvrtcDestroyProgram", nvrtc.destroy)) {
    error = std::string("this is no NVRTC of CUDA 13: ") + dlerror();
    return nvrtc;
  }
  int major = 0, minor = 0, count = 0;
  if (nvrtc.getVersion(&major, &minor) || nvrtc.countArchitectures(&count)) {
    error = "NVRTC does not say its version";
    return nvrtc;
  }
  nvrtc.versionText = std::to_string(major) + "." + std::to_string(minor);
  nvrtc.architectures.resize(count);
  if (nvrtc.getArchitectures(nvrtc.architectures.data()))
    nvrtc.architectures.clear();
  return nvrtc;
}

llvm::Expected<const Nvrtc &> Nvrtc::get() {
  static std::string error;
  static const Nvrtc library = open(error);
  if (!error.empty())
    return llvm::createStringError(error);
  return library;
}

llvm::Error Nvrtc::checkArchitecture(StringRef isa) const {
  StringRef digits = isa.split('_').second;
  if (digits.ends_with("a") || digits.ends_with("f"))
    digits = digits.drop_back();
  int number = 0;
  if (!digits.getAsInteger(10, number) &&
      llvm::is_contained(architectures, number))
    return llvm::Error::success();
  std::string known;
  for (int each : architectures)
    known += (known.empty() ? "" : ", ") + std::to_string(each);
  return llvm::createStringError("NVRTC " + versionText +
                                 " does not compile for " + isa +
                                 "; it knows " + known);
}

llvm::Expected<std::string>
Nvrtc::compile(StringRef text, StringRef name, StringRef isa,
               llvm::ArrayRef<KernelHeader> headers) const {
  std::vector<std::string> owned;
  for (const KernelHeader &header : headers) {
    owned.push_back(header.name.str());
    owned.push_back(header.text.str());
  }
  std::vector<const char *> names, texts;
  for (size_t i = 0; i < owned.size(); i += 2) {
    names.push_back(owned[i].c_str());
    texts.push_back(owned[i + 1].c_str());
  }
  Program program = nullptr;
  if (create(&program, text.str().c_str(), name.str().c_str(), names.size(),
             texts.data(), names.data()))
    return llvm::createStringError("NVRTC takes no program");
  llvm::scope_exit cleanup([&] { destroy(&program); });
  std::string architecture = ("--gpu-architecture=" + isa).str();
  std::vector<const char *> list{architecture.c_str()};
  llvm::append_range(list, options());
  bool failed = run(program, list.size(), list.data());
  auto fetch = [&](int (*size)(Program, size_t *), int (*get)(Program, char *),
                   std::string &into) {
    size_t bytes = 0;
    if (size(program, &bytes) || bytes == 0)
      return false;
    into.resize(bytes);
    return get(program, into.data()) == 0;
  };
  std::string code, message;
  bool isPtx = isa.starts_with("compute_");
  if (!failed &&
      (isPtx ? fetch(ptxSize, ptx, code) : fetch(cubinSize, cubin, code)))
    return code;
  if (!fetch(logSize, log, message) || StringRef(message.c_str()).empty())
    message = "NVRTC gives no code and no reason";
  return llvm::createStringError(message.c_str());
}
