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

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/Threading.h"

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
  case kernel::Family::scatter:
    emitScatter(emitter);
    break;
  }
  return emitter.end();
}

namespace {
/// Keeps the first error that this thread emits, instead of printing it.
class ErrorKeeper {
public:
  explicit ErrorKeeper(MLIRContext *context)
      : engine(context->getDiagEngine()), thread(llvm::get_threadid()) {
    id = engine.registerHandler([this](Diagnostic &diagnostic) {
      if (llvm::get_threadid() != thread ||
          diagnostic.getSeverity() != DiagnosticSeverity::Error)
        return failure();
      if (text.empty())
        text = diagnostic.str();
      return success();
    });
  }
  ~ErrorKeeper() { engine.eraseHandler(id); }
  std::string text;

private:
  DiagnosticEngine &engine;
  DiagnosticEngine::HandlerID id;
  uint64_t thread;
};
} // namespace

/// The element types of a kernel's operands, once each: `f32, ui8`.
static std::string elementTypes(kernel::FuncOp kernel) {
  llvm::SetVector<Type> types;
  for (Type type : llvm::concat<const Type>(kernel.getArgumentTypes(),
                                            kernel.getResultTypes()))
    if (isa<RankedTensorType>(type))
      types.insert(getElementTypeOrSelf(type));
  std::string text;
  llvm::raw_string_ostream out(text);
  llvm::interleaveComma(types, out);
  return text;
}

LogicalResult
actnet::host::lowerKernels(ArrayRef<kernel::FuncOp> kernels,
                           const HostVariant &variant, ModuleOp target,
                           llvm::function_ref<LogicalResult(ModuleOp)> use) {
  for (kernel::FuncOp kernel : kernels)
    if (failed(emitKernel(kernel, variant, target)))
      return failure();
  {
    ErrorKeeper keeper(target.getContext());
    if (succeeded(lowerToLLVM(target)) && succeeded(use(target)))
      return success();
  }
  // What went wrong in a batch says nothing to a user: find its kernel.
  for (kernel::FuncOp kernel : kernels) {
    OwningOpRef<ModuleOp> alone = ModuleOp::create(kernel.getLoc());
    std::string text;
    {
      ErrorKeeper keeper(kernel.getContext());
      if (succeeded(emitKernel(kernel, variant, *alone)) &&
          succeeded(lowerToLLVM(*alone)) && succeeded(use(*alone)))
        continue;
      text = keeper.text;
    }
    return emitError(kernel.getLoc())
           << "the host code generator cannot lower kernel '"
           << kernel.getSymName() << "' (family "
           << stringifyFamily(kernel.getFamily()) << ", element types "
           << elementTypes(kernel) << "): " << text;
  }
  kernel::FuncOp first = kernels.front();
  return emitError(first.getLoc())
         << "the host code generator cannot lower the kernels from '"
         << first.getSymName() << "' on, together";
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
      auto part = ArrayRef(kernels).slice(
          i * batch, std::min<size_t>(batch, kernels.size() - i * batch));
      if (failed(lowerKernels(part, variant, *module, [&](ModuleOp lowered) {
            objects[i].clear();
            return compileObject(lowered, variant, /*runtime=*/i == 0,
                                 objects[i]);
          })))
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
