//===- CudaImages.cpp - kernels as cubins and PTX -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Codegen/CUDA/CudaImages.h"

#include "KeptText.h"

#include "actnet/Codegen/CUDA/CUDACodegen.h"
#include "actnet/Codegen/CUDA/KernelHeaders.h"
#include "actnet/Runtime/Device/Nvrtc.h"

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

FailureOr<std::vector<CudaImage>>
cuda::compileCudaImages(ModuleOp module, ArrayRef<KernelCode> texts,
                        ArrayRef<std::string> architectures) {
  Expected<const rt::Nvrtc *> nvrtc = rt::Nvrtc::get();
  if (!nvrtc)
    return emitError(UnknownLoc::get(module.getContext()))
           << nvrtc.status().str();
  std::vector<CudaImage> images;
  for (const std::string &name : architectures)
    images.push_back({name, {}});
  images.push_back({portableArchitecture(architectures), {}});
  for (CudaImage &image : images) {
    if (Status known = (*nvrtc)->checkArchitecture(image.isa); !known)
      return emitError(UnknownLoc::get(module.getContext())) << known.str();
    image.kernels.resize(texts.size());
  }
  std::vector<rt::SourceText> headers;
  for (const KernelHeader &header : kernelHeaders())
    headers.push_back({header.name, header.text});
  const rt::KernelCompiler compiler(**nvrtc, std::move(headers));
  SymbolTable symbols(module);
  auto compileOne = [&](size_t i) -> LogicalResult {
    const KernelCode &text = texts[i / images.size()];
    CudaImage &image = images[i % images.size()];
    Expected<std::string> code =
        compiler.compile(text.symbol, text.code, image.isa);
    if (!code)
      return refuse(symbols.lookup(text.symbol)->getLoc(), "NVRTC", image.isa,
                    text, code.status().str());
    image.kernels[i / images.size()] = {text.symbol, std::move(*code)};
    return success();
  };
  if (failed(failableParallelForEachN(
          module.getContext(), 0, texts.size() * images.size(), compileOne)))
    return failure();
  return images;
}
