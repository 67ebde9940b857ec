//===- HostCodegen.cpp - kernels in batches -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Codegen/Host/HostCodegen.h"

#include "Object.h"
#include "actnet/Codegen/Host/Emitter.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"

#include <atomic>
#include <thread>

using namespace mlir;
using namespace actnet;
using namespace actnet::host;

FailureOr<HostVariant> HostVariant::get(StringRef name, Location loc) {
  if (name == "x86-64-v3")
    return HostVariant{"x86-64-v3", 256, 16, true};
  if (name == "x86-64-v4")
    return HostVariant{"x86-64-v4", 512, 32, true};
  return emitError(loc) << "unknown host variant '" << name
                        << "', known are x86-64-v3 and x86-64-v4";
}

void actnet::host::registerHostCodegenDialects(DialectRegistry &registry) {
  registry.insert<kernel::KernelDialect, LLVM::LLVMDialect, scf::SCFDialect,
                  cf::ControlFlowDialect, vector::VectorDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

LogicalResult actnet::host::emitKernel(kernel::FuncOp kernel,
                                       const HostVariant &variant,
                                       ModuleOp target) {
  if (!kernel.getSchedule() || !kernel.getTiles())
    return kernel.emitOpError(
        "has no schedule: run kernel-schedule-host first");
  Emitter emitter(kernel, variant);
  emitter.begin(target);
  switch (kernel.getFamily()) {
  case kernel::Family::map:
    emitMap(emitter);
    break;
  case kernel::Family::reduce:
  case kernel::Family::pool:
    emitReduce(emitter);
    break;
  case kernel::Family::row:
    emitRow(emitter);
    break;
  case kernel::Family::contract:
    emitContract(emitter);
    break;
  case kernel::Family::conv:
    emitConv(emitter);
    break;
  case kernel::Family::depthwise:
    emitDepthwise(emitter);
    break;
  case kernel::Family::attention:
    emitAttention(emitter);
    break;
  }
  return emitter.end();
}

FailureOr<HostImage>
actnet::host::compileHostImage(ModuleOp kernelModule,
                               const HostVariant &variant,
                               const HostOptions &options) {
  MLIRContext *context = kernelModule.getContext();
  DialectRegistry registry;
  registerHostCodegenDialects(registry);
  context->appendDialectRegistry(registry);
  for (StringRef name : {"llvm", "scf", "cf", "vector", "arith"})
    context->getOrLoadDialect(name);

  SmallVector<kernel::FuncOp> kernels(kernelModule.getOps<kernel::FuncOp>());
  unsigned threads =
      options.threads ? options.threads : std::thread::hardware_concurrency();
  if (!context->isMultithreadingEnabled())
    threads = 1;
  // A batch shares the set-up of conversion, translation and passes; small
  // enough that the last ones of several threads end together.
  unsigned batch = std::clamp<unsigned>(kernels.size() / (threads * 4), 1, 32);
  unsigned batches =
      std::max<unsigned>(1, (kernels.size() + batch - 1) / batch);
  std::vector<SmallVector<char, 0>> objects(batches);
  std::atomic<unsigned> next{0};
  std::atomic<bool> bad{false};
  auto work = [&] {
    for (unsigned i; (i = next++) < batches && !bad;) {
      OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(context));
      bool ok = true;
      for (unsigned k = i * batch;
           k < std::min<unsigned>(kernels.size(), (i + 1) * batch); ++k)
        ok &= succeeded(emitKernel(kernels[k], variant, *module));
      if (!ok || failed(lowerToLLVM(*module)) ||
          failed(
              compileObject(*module, variant, /*runtime=*/i == 0, objects[i])))
        bad = true;
    }
  };
  SmallVector<std::thread> workers;
  if (threads > 1)
    context->enterMultiThreadedExecution();
  for (unsigned t = 1; t < std::min(threads, batches); ++t)
    workers.emplace_back(work);
  work();
  for (std::thread &worker : workers)
    worker.join();
  if (threads > 1)
    context->exitMultiThreadedExecution();
  if (bad)
    return failure();
  HostImage image;
  image.variant = variant.name;
  if (failed(
          linkImage(objects, options.linker, kernelModule.getLoc(), image.elf)))
    return failure();
  return image;
}
