//===- Executable.cpp - loaded cubins and PTX -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Executable.h"
#include "actnet/Package/CodeBundle.h"
#include "actnet/Runtime/Device/Nvrtc.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>
#include <system_error>
#include <thread>

namespace actnet::rt::cuda {

namespace {

/// "sm_90a" as 9, 0, 'a'.
struct Architecture {
  int major = 0, minor = 0;
  char suffix = 0;
};

bool parseArchitecture(std::string_view text, std::string_view prefix,
                       Architecture &result) {
  if (!text.starts_with(prefix))
    return false;
  text.remove_prefix(prefix.size());
  int number = 0;
  auto [at, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  size_t rest = size_t(text.data() + text.size() - at);
  if (error != std::errc() || number < 10 || number > 9999 || rest > 1)
    return false;
  result = {number / 10, number % 10, rest ? *at : '\0'};
  return true;
}

/// The compute capability that the kernels need: they copy to shared memory in
/// the background and multiply bf16.
constexpr int oldestMajor = 8;

/// An image; if it is text, it must be compiled first, and if that fails, this
/// is how the sentence begins.
struct Choice {
  const CodeImage *image = nullptr;
  std::string ifTextFails;
};

/// Code that fits comes before text: it is what was compiled and tested where
/// the program was made, and needs the driver alone; that holds for PTX too,
/// which the driver compiles and keeps. Text is for what is left, or for whom
/// asks for it by name.
Expected<Choice> choose(const ContextState &context, const std::string &own,
                        const ExecutableDesc &desc) {
  unsigned best = 0;
  const CodeImage *chosen = nullptr, *named = nullptr, *text = nullptr;
  std::string present;
  for (const CodeImage &image : desc.images) {
    bool isAsked = desc.variant.empty() || image.features == desc.variant;
    if (image.format == "cuda-text") {
      text = isAsked ? &image : text;
      continue;
    }
    if (image.format != "cubin" && image.format != "ptx")
      continue;
    present += (present.empty() ? "" : ", ") + std::string(image.features);
    if (!isAsked)
      continue;
    named = &image;
    unsigned fits =
        fitness(image.format, image.features, context.major, context.minor);
    if (fits > best) {
      best = fits;
      chosen = &image;
    }
  }
  if (chosen)
    return Choice{chosen, {}};
  // Below it no code can be made, neither elsewhere nor here.
  if (context.major < oldestMajor)
    return Status(named && !desc.variant.empty() ? StatusCode::unavailable
                                                 : StatusCode::notFound,
                  "cuda: this GPU is " + own +
                      "; actnet's kernels need sm_80 or later");
  if (text && !desc.variant.empty())
    return Choice{text, "cuda: the program's text cannot be compiled here: "};
  std::string has = present.empty() ? "there is no code for any GPU"
                                    : "there is code for " + present;
  if (!desc.variant.empty() && !named)
    return notFound("cuda: no code for " + std::string(desc.variant) + "; " +
                    has);
  std::string none = "cuda: this GPU is " + own +
                     ", which runs none of the program's code: " + has +
                     "; compile it with --target=cuda:" + own;
  if (text)
    return Choice{text, none + ", or let NVRTC compile its text here, which "
                               "fails now: "};
  return Status(named && !desc.variant.empty() ? StatusCode::unavailable
                                               : StatusCode::notFound,
                std::move(none));
}

/// What NVRTC makes of a program's text for one architecture.
class TextCompiler {
public:
  /// Opens NVRTC and looks whether it can serve.
  static Expected<TextCompiler> create(const ContextState &context,
                                       const pkg::CodeBundle &bundle,
                                       const std::string &own) {
    auto nvrtc = Nvrtc::get();
    if (!nvrtc)
      return nvrtc.takeStatus();
    int driver = context.driverOf().version;
    // A driver runs what toolkits of its own major version make.
    if ((*nvrtc)->version() / 1000 > driver / 1000)
      return unavailable("the NVIDIA driver is too old for it: it supports "
                         "CUDA " +
                         versionText(driver) + ", NVRTC makes code of CUDA " +
                         (*nvrtc)->versionText());
    // A lower minor of the same major does where NVRTC is the older one.
    Status known = (*nvrtc)->checkArchitecture(own);
    std::string architecture = own;
    for (int minor = context.minor - 1; !known && minor >= 0; --minor) {
      architecture = "sm_" + std::to_string(context.major * 10 + minor);
      if ((*nvrtc)->checkArchitecture(architecture))
        known = {};
    }
    ACTNET_RETURN_IF_ERROR(known);
    std::vector<SourceText> headers;
    for (const pkg::CodeBundle::Entry &entry : bundle.entries())
      if (!entry.name.ends_with(".cu"))
        headers.push_back({entry.name, textOf(entry)});
    return TextCompiler(**nvrtc, std::move(headers), architecture);
  }

  /// The code of each kernel, in their order; in parallel.
  Expected<std::vector<std::string>>
  compile(const pkg::CodeBundle &bundle,
          std::span<const KernelDesc> kernels) const {
    std::vector<std::string_view> texts;
    for (const KernelDesc &kernel : kernels) {
      auto *entry = bundle.find(std::string(kernel.symbol) + ".cu");
      if (!entry)
        return notFound("the text has no kernel '" +
                        std::string(kernel.symbol) + "'");
      texts.push_back(textOf(*entry));
    }
    std::vector<std::string> codes(kernels.size());
    std::vector<Status> failures(kernels.size());
    std::atomic<size_t> next{0};
    auto work = [&] {
      for (size_t i; (i = next.fetch_add(1)) < kernels.size();) {
        auto code = compiler.compile(kernels[i].symbol, texts[i], architecture);
        if (code)
          codes[i] = *std::move(code);
        else
          failures[i] = code.takeStatus();
      }
    };
    std::vector<std::jthread> helpers;
    size_t most =
        std::min<size_t>(std::thread::hardware_concurrency(), kernels.size());
    try {
      while (helpers.size() + 1 < most)
        helpers.emplace_back(work);
    } catch (const std::system_error &) {
      // Then those that there are do it.
    }
    work();
    helpers.clear();
    for (size_t i = 0; i < kernels.size(); ++i)
      if (!failures[i])
        return unavailable(
            "NVRTC " + nvrtc.versionText() + " refuses kernel '" +
            std::string(kernels[i].symbol) + "' for " + architecture + ": " +
            std::string(Nvrtc::bestLine(failures[i].message())));
    return codes;
  }

  const Nvrtc &maker() const { return nvrtc; }
  /// What it compiles for.
  const std::string &target() const { return architecture; }

private:
  TextCompiler(const Nvrtc &nvrtc, std::vector<SourceText> headers,
               std::string architecture)
      : nvrtc(nvrtc), compiler(nvrtc, std::move(headers)),
        architecture(std::move(architecture)) {}
  static std::string_view textOf(const pkg::CodeBundle::Entry &entry) {
    return {reinterpret_cast<const char *>(entry.bytes.data()),
            entry.bytes.size()};
  }

  const Nvrtc &nvrtc;
  KernelCompiler compiler;
  std::string architecture;
};

Status prefixed(const std::string &text, const Status &status) {
  return {status.code(), text + status.str()};
}

/// Looks whether an ELF file's tables lie inside of it, because the driver
/// takes no size and believes them.
bool isWhole(std::string_view code) {
  constexpr size_t headerBytes = 64;
  if (!code.starts_with("\177ELF"))
    return true; // then it is taken as text, which ends with a 0
  if (code.size() < headerBytes)
    return false;
  auto field = [&]<typename T>(size_t at, T &value) {
    std::memcpy(&value, code.data() + at, sizeof(T));
  };
  uint64_t programs, sections;
  uint16_t programSize, programCount, sectionSize, sectionCount;
  field(32, programs);
  field(40, sections);
  field(54, programSize);
  field(56, programCount);
  field(58, sectionSize);
  field(60, sectionCount);
  auto inside = [&](uint64_t begin, uint64_t bytes) {
    return begin <= code.size() && bytes <= code.size() - begin;
  };
  if (!inside(programs, uint64_t(programSize) * programCount) ||
      !inside(sections, uint64_t(sectionSize) * sectionCount) ||
      (sectionCount && sectionSize < 64))
    return false;
  for (unsigned i = 0; i < sectionCount; ++i) {
    size_t at = size_t(sections) + size_t(i) * sectionSize;
    uint32_t type;
    uint64_t begin, bytes;
    field(at + 4, type);
    field(at + 24, begin);
    field(at + 32, bytes);
    constexpr uint32_t noBits = 8;
    if (type != noBits && !inside(begin, bytes))
      return false;
  }
  return true;
}

} // namespace

unsigned fitness(std::string_view format, std::string_view features, int major,
                 int minor) {
  Architecture code;
  if (format == "cubin") {
    if (!parseArchitecture(features, "sm_", code) || code.major != major)
      return 0;
    if (code.minor == minor)
      return code.suffix == 'a' ? 4000 : code.suffix ? 3500 : 3000;
    return code.minor < minor && !code.suffix ? 2000 + unsigned(code.minor) : 0;
  }
  if (format != "ptx" || !parseArchitecture(features, "compute_", code))
    return 0;
  if (code.suffix)
    return code.major == major && code.minor == minor ? 1500 : 0;
  unsigned version = unsigned(code.major * 10 + code.minor);
  return version <= unsigned(major * 10 + minor) && version < 400
             ? 1000 + version
             : 0;
}

Expected<std::unique_ptr<Executable>>
CudaExecutable::load(ContextState &context, CudaMemory &memory,
                     const ExecutableDesc &desc) {
  if (context.isBroken())
    return context.status();
  std::string own = "sm_" + std::to_string(context.major * 10 + context.minor);
  ACTNET_ASSIGN_OR_RETURN(Choice choice, choose(context, own, desc));
  std::unique_ptr<CudaExecutable> made(new CudaExecutable(context, memory));
  made->features = choice.image->features;
  auto bundle = pkg::CodeBundle::parse(choice.image->bytes);
  if (!bundle)
    return std::move(bundle.addContext("cuda: " + made->features)).takeStatus();
  std::vector<std::string> compiled;
  bool isText = !choice.ifTextFails.empty();
  if (isText) {
    auto compiler = TextCompiler::create(context, *bundle, own);
    if (!compiler)
      return prefixed(choice.ifTextFails, compiler.status());
    auto codes = compiler->compile(*bundle, desc.kernels);
    if (!codes)
      return prefixed(choice.ifTextFails, codes.status());
    compiled = *std::move(codes);
    made->maker = &compiler->maker();
    made->features += ":" + compiler->target();
  }
  context.enter();
  for (size_t i = 0; i < desc.kernels.size(); ++i) {
    const KernelDesc &kernel = desc.kernels[i];
    std::string_view code;
    if (isText) {
      code = compiled[i];
    } else {
      const pkg::CodeBundle::Entry *entry =
          bundle->find(std::string(kernel.symbol));
      if (!entry)
        return notFound("cuda: " + made->features + " has no kernel '" +
                        std::string(kernel.symbol) + "'");
      code = {reinterpret_cast<const char *>(entry->bytes.data()),
              entry->bytes.size()};
    }
    ACTNET_RETURN_IF_ERROR(made->loadKernel(kernel, code)
                               .addContext("cuda: " + made->features +
                                           ": kernel '" +
                                           std::string(kernel.symbol) + "'"));
    // Kernel by kernel: what is loaded goes with a load that fails later.
    made->codeBytes += code.size();
    memory.countCode(int64_t(code.size()));
  }
  return Expected<std::unique_ptr<Executable>>(std::move(made));
}

Status CudaExecutable::loadKernel(const KernelDesc &desc,
                                  std::string_view code) {
  const Api &api = context.api();
  if (desc.threads == 0 || desc.threads > 1024 || desc.threads % 32)
    return dataLoss("blocks of " + std::to_string(desc.threads) +
                    " threads, expected a multiple of 32 up to 1024");
  if (desc.sharedBytes > unsigned(std::max(context.mostShared, 0)))
    return unavailable("needs " + std::to_string(desc.sharedBytes) +
                       " bytes of shared memory, this GPU has " +
                       std::to_string(context.mostShared));
  if (!isWhole(code))
    return dataLoss("the code is damaged: a part of it lies outside of it");
  char log[2048] = "";
  int options[] = {jitErrorLog, jitErrorLogBytes};
  void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
  std::string text(code);
  Module module = nullptr;
  Result result =
      api.cuModuleLoadDataEx(&module, text.c_str(), 2, options, values);
  // Whatever an older driver says of code that is newer than itself.
  int driver = context.driverOf().version;
  if (maker && maker->version() > driver &&
      (result == invalidImage || result == noBinaryForGpu))
    result = unsupportedPtxVersion;
  switch (result) {
  case success:
    break;
  case invalidImage:
  case invalidPtx:
  case invalidSource:
  case symbolNotFound: {
    std::string why(log, strnlen(log, sizeof log));
    std::replace(why.begin(), why.end(), '\n', ' ');
    while (!why.empty() && (why.back() == ' ' || why.back() == ';'))
      why.pop_back();
    return dataLoss("the code is damaged: " + context.driverOf().text(result) +
                    (why.empty() ? "" : ": " + why));
  }
  case noBinaryForGpu:
    return unavailable("the driver has no use for this code on this GPU: " +
                       context.driverOf().text(result));
  case unsupportedPtxVersion:
  case jitCompilerNotFound:
    return unavailable(
        "the NVIDIA driver (CUDA " + versionText(context.driverOf().version) +
        ") is too old for this code" +
        (maker ? ", which NVRTC " + maker->versionText() + " made" : "") +
        ": " + context.driverOf().text(result));
  default:
    return context.check(result, "loading code");
  }
  modules.push_back(module);
  Kernel kernel;
  kernel.symbol = desc.symbol;
  kernel.threads = desc.threads;
  kernel.sharedBytes = desc.sharedBytes;
  result =
      api.cuModuleGetFunction(&kernel.function, module, kernel.symbol.c_str());
  if (result == notFoundResult)
    return dataLoss("the code is damaged: it has no function of that name");
  ACTNET_RETURN_IF_ERROR(context.check(result, "finding the function"));
  // At once and not with the first launch, whatever the environment says.
  ACTNET_RETURN_IF_ERROR(
      context.check(api.cuFuncLoad(kernel.function), "loading the function"));
  // Unasked come 48 KiB, less what the kernel's text declares itself.
  if (kernel.sharedBytes)
    ACTNET_RETURN_IF_ERROR(context.check(
        api.cuFuncSetAttribute(kernel.function, functionMaxDynamicShared,
                               int(kernel.sharedBytes)),
        "asking for shared memory"));
  kernels.push_back(std::move(kernel));
  return {};
}

CudaExecutable::~CudaExecutable() {
  memory.countCode(-int64_t(codeBytes));
  if (context.isLost())
    return;
  context.enter();
  for (Module module : modules)
    context.api().cuModuleUnload(module);
}

} // namespace actnet::rt::cuda
