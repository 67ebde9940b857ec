//===- Nvrtc.cpp - NVIDIA's compiler, opened at run time ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "actnet/Runtime/Device/Nvrtc.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>

namespace fs = std::filesystem;

namespace actnet::rt {

namespace {

/// The library's name for the CUDA version that the kernels are written for.
constexpr const char *libraryName = "libnvrtc.so.13";

/// Folders of toolkits, in the order in which they are tried.
std::vector<std::string> toolkitFolders() {
  std::vector<std::string> roots;
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"})
    if (const char *value = std::getenv(variable))
      roots.emplace_back(value);
  for (const char *root :
       {"/usr/local/cuda", "/usr/local/cuda-13", "/usr/local/cuda-13.0"})
    roots.emplace_back(root);
  std::vector<std::string> folders;
  for (const std::string &root : roots)
    for (const char *sub : {"lib64", "lib", "targets/x86_64-linux/lib"})
      folders.push_back(root + "/" + sub);
  return folders;
}

/// NVRTC asks for its builtins by name only; once loaded from beside it, they
/// are found.
void *openBeside(const std::string &path) {
  std::error_code ignored;
  for (fs::directory_iterator file(fs::path(path).parent_path(), ignored), end;
       !ignored && file != end; file.increment(ignored))
    if (file->path().filename().string().starts_with("libnvrtc-builtins.so."))
      (void)dlopen(file->path().c_str(), RTLD_NOW | RTLD_GLOBAL);
  return dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
}

std::string loaderError() {
  const char *why = dlerror();
  return why ? why : "no reason";
}

Expected<void *> openLibrary(const std::string &asked) {
  if (!asked.empty()) {
    // What is named must be there: another one may compile differently.
    if (void *library = openBeside(asked))
      return library;
    return notFound("ACTNET_NVRTC: " + loaderError());
  }
  for (const std::string &folder : toolkitFolders()) {
    std::string path = folder + "/" + libraryName;
    std::error_code ignored;
    if (fs::exists(path, ignored))
      if (void *library = openBeside(path))
        return library;
  }
  if (void *library = dlopen(libraryName, RTLD_NOW | RTLD_LOCAL))
    return library;
  return notFound(
      "NVRTC, which compiles for cuda, is not there: " + loaderError() +
      "; install the CUDA 13 toolkit, or set ACTNET_NVRTC to the "
      "library");
}

} // namespace

std::span<const char *const> Nvrtc::options() {
  static const char *const list[] = {"--std=c++17"};
  return list;
}

template <class Function>
bool Nvrtc::find(void *library, const char *name, Function *&function) {
  function = reinterpret_cast<Function *>(dlsym(library, name));
  return function;
}

Expected<Nvrtc> Nvrtc::open(const std::string &asked) {
  Nvrtc nvrtc;
  ACTNET_ASSIGN_OR_RETURN(void *library, openLibrary(asked));
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
      !nvrtc.find(library, "nvrtcDestroyProgram", nvrtc.destroy))
    return notFound("this is no NVRTC of CUDA 13: " + loaderError());
  int major = 0, minor = 0, count = 0;
  if (nvrtc.getVersion(&major, &minor) || nvrtc.countArchitectures(&count) ||
      count < 0)
    return notFound("NVRTC does not say its version");
  nvrtc.number = major * 1000 + minor * 10;
  nvrtc.architectures.resize(size_t(count));
  if (nvrtc.getArchitectures(nvrtc.architectures.data()))
    nvrtc.architectures.clear();
  return nvrtc;
}

Expected<const Nvrtc *> Nvrtc::get() {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<Nvrtc>> opened;
  const char *value = std::getenv("ACTNET_NVRTC");
  std::string asked = value ? value : "";
  std::lock_guard lock(mutex);
  std::unique_ptr<Nvrtc> &nvrtc = opened[asked];
  if (!nvrtc) {
    ACTNET_ASSIGN_OR_RETURN(Nvrtc made, open(asked));
    nvrtc = std::make_unique<Nvrtc>(std::move(made));
  }
  return static_cast<const Nvrtc *>(nvrtc.get());
}

std::string Nvrtc::versionText() const {
  return std::to_string(number / 1000) + "." +
         std::to_string(number % 1000 / 10);
}

bool Nvrtc::hasSuffix(int number, char suffix) {
  return suffix == 0 || (suffix == 'a' && number >= 90) ||
         (suffix == 'f' && number >= 100);
}

Status Nvrtc::checkArchitecture(std::string_view isa) const {
  std::string_view digits = isa.substr(isa.find('_') + 1);
  char suffix = 0;
  if (digits.ends_with('a') || digits.ends_with('f')) {
    suffix = digits.back();
    digits.remove_suffix(1);
  }
  int wanted = 0;
  auto [at, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), wanted);
  if (error == std::errc() && at == digits.data() + digits.size() &&
      std::find(architectures.begin(), architectures.end(), wanted) !=
          architectures.end() &&
      hasSuffix(wanted, suffix))
    return {};
  std::string known;
  for (int each : architectures)
    known += (known.empty() ? "" : ", ") + std::to_string(each);
  return unavailable("NVRTC " + versionText() + " does not compile for " +
                     std::string(isa) + "; it knows " + known);
}

Expected<std::string> Nvrtc::compile(std::string_view text,
                                     const std::string &name,
                                     std::string_view isa,
                                     std::span<const SourceText> headers,
                                     std::string *warnings) const {
  std::vector<std::string> owned;
  for (const SourceText &header : headers) {
    owned.emplace_back(header.name);
    owned.emplace_back(header.text);
  }
  std::vector<const char *> names, texts;
  for (size_t i = 0; i < owned.size(); i += 2) {
    names.push_back(owned[i].c_str());
    texts.push_back(owned[i + 1].c_str());
  }
  Program made = nullptr;
  if (create(&made, std::string(text).c_str(), name.c_str(), int(names.size()),
             texts.data(), names.data()))
    return invalidArgument("NVRTC takes no program");
  auto remove = [this](Program program) { destroy(&program); };
  std::unique_ptr<OpaqueProgram, decltype(remove)> program(made, remove);
  std::string architecture = "--gpu-architecture=" + std::string(isa);
  std::vector<const char *> list{architecture.c_str()};
  list.insert(list.end(), options().begin(), options().end());
  bool failed = run(made, int(list.size()), list.data());
  auto fetch = [&](int (*size)(Program, size_t *), int (*get)(Program, char *),
                   std::string &into) {
    size_t bytes = 0;
    if (size(made, &bytes) || bytes == 0)
      return false;
    into.resize(bytes);
    return get(made, into.data()) == 0;
  };
  auto fetchLog = [&] {
    std::string text;
    // Its end is a zero.
    return fetch(logSize, log, text) ? std::string(text.c_str())
                                     : std::string();
  };
  std::string code;
  bool isPtx = isa.starts_with("compute_");
  if (!failed &&
      (isPtx ? fetch(ptxSize, ptx, code) : fetch(cubinSize, cubin, code))) {
    if (warnings)
      *warnings = fetchLog();
    return code;
  }
  std::string message = fetchLog();
  return invalidArgument(message.empty() ? "NVRTC gives no code and no reason"
                                         : std::move(message));
}

std::string_view Nvrtc::bestLine(std::string_view log) {
  auto trimmed = [](std::string_view line) {
    constexpr std::string_view space = " \t\r";
    size_t begin = line.find_first_not_of(space);
    return begin == line.npos
               ? std::string_view()
               : line.substr(begin, line.find_last_not_of(space) + 1 - begin);
  };
  std::string_view first;
  while (!log.empty()) {
    size_t end = std::min(log.find('\n'), log.size());
    std::string_view line = trimmed(log.substr(0, end));
    log.remove_prefix(std::min(end + 1, log.size()));
    if (line.find("error") != line.npos)
      return line;
    if (first.empty())
      first = line;
  }
  return first;
}

KernelCompiler::KernelCompiler(const Nvrtc &nvrtc, std::vector<SourceText> all)
    : nvrtc(nvrtc), headers(std::move(all)) {
  std::sort(
      headers.begin(), headers.end(),
      [](const SourceText &a, const SourceText &b) { return a.name < b.name; });
  std::vector<std::string_view> parts;
  for (const SourceText &header : headers) {
    parts.push_back(header.name);
    parts.push_back(header.text);
  }
  for (const char *option : Nvrtc::options())
    parts.emplace_back(option);
  common = CodeCache::key(parts);
}

Expected<std::string> KernelCompiler::compile(std::string_view symbol,
                                              std::string_view text,
                                              std::string_view isa) const {
  std::string key =
      CodeCache::key({"nvrtc", nvrtc.versionText(), isa, common, text});
  if (auto known = cache.lookup(key))
    return std::move(*known);
  Expected<std::string> code =
      nvrtc.compile(text, std::string(symbol) + ".cu", isa, headers);
  if (code)
    cache.store(key, *code);
  return code;
}

} // namespace actnet::rt
