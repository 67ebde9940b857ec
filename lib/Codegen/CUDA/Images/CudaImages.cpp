//===- CudaImages.cpp - kernels as cubins and PTX -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Codegen/CUDA/CudaImages.h"

#include "Cache.h"
#include "KeptText.h"
#include "Nvrtc.h"

#include "actnet/Codegen/CUDA/CUDACodegen.h"

#include "mlir/IR/Threading.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

FailureOr<std::vector<KernelCode>> cuda::printKernels(ModuleOp module) {
  auto kernels = llvm::to_vector(module.getOps<kernel::FuncOp>());
  std::vector<KernelCode> texts(kernels.size());
  if (failed(failableParallelForEachN(
          module.getContext(), 0, kernels.size(), [&](size_t i) {
            FailureOr<std::string> text = emitCuda(kernels[i]);
            if (failed(text))
              return failure();
            texts[i] = {kernels[i].getSymName().str(), std::move(*text)};
            return success();
          })))
    return failure();
  return texts;
}

std::string cuda::portableArchitecture(ArrayRef<std::string> architectures) {
  unsigned highest = 0;
  for (StringRef name : architectures) {
    unsigned number = 0;
    name.consume_front("sm_");
    name.consumeInteger(10, number);
    highest = std::max(highest, number);
  }
  return "compute_" + std::to_string(highest);
}

namespace {
/// What all compilations of one run share.
struct Run {
  const Nvrtc &nvrtc;
  CodeCache cache = CodeCache::fromEnvironment();
  /// The headers and options, as part of each key.
  std::string headers;

  explicit Run(const Nvrtc &nvrtc) : nvrtc(nvrtc) {
    std::vector<StringRef> parts;
    for (const KernelHeader &header : kernelHeaders()) {
      parts.push_back(header.name);
      parts.push_back(header.text);
    }
    for (const char *option : Nvrtc::options())
      parts.push_back(option);
    headers = CodeCache::key(parts);
  }

  llvm::Expected<std::string> compile(const KernelCode &text,
                                      StringRef isa) const {
    std::string key =
        CodeCache::key({"nvrtc", nvrtc.version(), isa, headers, text.code});
    if (auto known = cache.lookup(key))
      return std::move(*known);
    llvm::Expected<std::string> code =
        nvrtc.compile(text.code, text.symbol + ".cu", isa, kernelHeaders());
    if (code)
      cache.store(key, *code);
    return code;
  }
};
} // namespace

FailureOr<std::vector<CudaImage>>
cuda::compileCudaImages(ModuleOp module, ArrayRef<KernelCode> texts,
                        ArrayRef<std::string> architectures) {
  llvm::Expected<const Nvrtc &> nvrtc = Nvrtc::get();
  if (!nvrtc)
    return emitError(UnknownLoc::get(module.getContext()))
           << llvm::toString(nvrtc.takeError());
  std::vector<CudaImage> images;
  for (const std::string &name : architectures)
    images.push_back({name, {}});
  images.push_back({portableArchitecture(architectures), {}});
  for (CudaImage &image : images) {
    if (llvm::Error error = nvrtc->checkArchitecture(image.isa))
      return emitError(UnknownLoc::get(module.getContext()))
             << llvm::toString(std::move(error));
    image.kernels.resize(texts.size());
  }
  Run run(*nvrtc);
  SymbolTable symbols(module);
  auto compileOne = [&](size_t i) -> LogicalResult {
    const KernelCode &text = texts[i / images.size()];
    CudaImage &image = images[i % images.size()];
    llvm::Expected<std::string> code = run.compile(text, image.isa);
    if (!code)
      return refuse(symbols.lookup(text.symbol)->getLoc(), "NVRTC", image.isa,
                    text, llvm::toString(code.takeError()));
    image.kernels[i / images.size()] = {text.symbol, std::move(*code)};
    return success();
  };
  if (failed(failableParallelForEachN(
          module.getContext(), 0, texts.size() * images.size(), compileOne)))
    return failure();
  return images;
}
