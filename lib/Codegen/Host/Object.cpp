//===- Object.cpp - LLVM dialect to object files --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emitted code is vectorised, unrolled and blocked already, so the pipeline is
// short: clean up, rotate loops, move what is invariant out, clean up again.
// No vectoriser and no unroller second-guesses the schedule.
//
//===----------------------------------------------------------------------===//

#include "Object.h"

#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/ADCE.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/IndVarSimplify.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/LoopRotation.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"

#include <mutex>

using namespace mlir;
using namespace actnet::host;

static std::unique_ptr<llvm::TargetMachine>
makeMachine(const HostVariant &variant) {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    llvm::InitializeAllAsmParsers();
  });
  llvm::Triple triple("x86_64-unknown-linux-gnu");
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Fast;
  options.NoTrappingFPMath = true;
  // The levels of x86-64 are feature lists, not machines.
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, variant.name, "-prefer-256-bit", options, llvm::Reloc::PIC_,
      std::nullopt, llvm::CodeGenOptLevel::Default));
}

static void optimise(llvm::Module &module, llvm::TargetMachine &machine) {
  using namespace llvm;
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = tuning.LoopUnrolling =
      false;
  PassBuilder builder(&machine, tuning);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);

  FunctionPassManager passes;
  passes.addPass(EarlyCSEPass());
  passes.addPass(SimplifyCFGPass());
  passes.addPass(InstCombinePass());
  LoopPassManager loopPasses;
  loopPasses.addPass(LoopRotatePass());
  loopPasses.addPass(LICMPass(LICMOptions()));
  passes.addPass(createFunctionToLoopPassAdaptor(std::move(loopPasses),
                                                 /*UseMemorySSA=*/true));
  passes.addPass(EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(InstCombinePass());
  passes.addPass(ADCEPass());
  passes.addPass(SimplifyCFGPass());
  ModulePassManager all;
  all.addPass(createModuleToFunctionPassAdaptor(std::move(passes)));
  all.run(module, modules);
}

/// Defines `memset` and `memcpy` by byte loops, in the image's own namespace.
static void defineRuntime(llvm::Module &module) {
  llvm::LLVMContext &context = module.getContext();
  llvm::IRBuilder<> b(context);
  auto *ptr = b.getPtrTy();
  for (bool copy : {false, true}) {
    llvm::SmallVector<llvm::Type *> types{
        ptr, copy ? (llvm::Type *)ptr : b.getInt32Ty(), b.getInt64Ty()};
    const char *name = copy ? "memcpy" : "memset";
    auto *type = llvm::FunctionType::get(ptr, types, false);
    auto *function = llvm::cast<llvm::Function>(
        module.getOrInsertFunction(name, type).getCallee());
    function->setVisibility(llvm::GlobalValue::HiddenVisibility);
    function->addFnAttr("no-builtins");
    function->addFnAttr(llvm::Attribute::NoUnwind);
    auto *entry = llvm::BasicBlock::Create(context, "", function);
    auto *loop = llvm::BasicBlock::Create(context, "", function);
    auto *exit = llvm::BasicBlock::Create(context, "", function);
    llvm::Value *to = function->getArg(0), *from = function->getArg(1),
                *n = function->getArg(2);
    b.SetInsertPoint(entry);
    llvm::Value *byte = copy ? nullptr : b.CreateTrunc(from, b.getInt8Ty());
    b.CreateCondBr(b.CreateICmpEQ(n, b.getInt64(0)), exit, loop);
    b.SetInsertPoint(loop);
    auto *i = b.CreatePHI(b.getInt64Ty(), 2);
    i->addIncoming(b.getInt64(0), entry);
    llvm::Value *value =
        copy ? b.CreateLoad(b.getInt8Ty(), b.CreateGEP(b.getInt8Ty(), from, i))
             : byte;
    b.CreateStore(value, b.CreateGEP(b.getInt8Ty(), to, i));
    llvm::Value *next = b.CreateAdd(i, b.getInt64(1));
    i->addIncoming(next, loop);
    b.CreateCondBr(b.CreateICmpEQ(next, n), exit, loop);
    b.SetInsertPoint(exit);
    b.CreateRet(to);
  }
}

/// Translation and optimisation: what the object and the text share.
static std::unique_ptr<llvm::Module> makeLLVM(ModuleOp module,
                                              const HostVariant &variant,
                                              llvm::TargetMachine &machine,
                                              llvm::LLVMContext &context) {
  std::unique_ptr<llvm::Module> code =
      translateModuleToLLVMIR(module, context, "kernels");
  if (!code)
    return nullptr;
  code->setTargetTriple(machine.getTargetTriple());
  code->setDataLayout(machine.createDataLayout());
  std::string width = std::to_string(variant.vectorBits);
  for (llvm::Function &function : *code) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("prefer-vector-width", width);
    function.addFnAttr("min-legal-vector-width", width);
    function.addFnAttr("target-cpu", variant.name);
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
  optimise(*code, machine);
  return code;
}

LogicalResult actnet::host::compileObject(ModuleOp module,
                                          const HostVariant &variant,
                                          bool runtime,
                                          SmallVectorImpl<char> &object) {
  auto machine = makeMachine(variant);
  if (!machine)
    return module.emitError("this LLVM has no x86-64 target");
  llvm::LLVMContext context;
  auto code = makeLLVM(module, variant, *machine, context);
  if (!code)
    return module.emitError("cannot translate kernels to LLVM IR");
  if (runtime)
    defineRuntime(*code);
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr,
                                   llvm::CodeGenFileType::ObjectFile))
    return module.emitError("this LLVM cannot write x86-64 objects");
  passes.run(*code);
  return success();
}

FailureOr<std::string> actnet::host::printLLVM(ModuleOp module,
                                               const HostVariant &variant) {
  auto machine = makeMachine(variant);
  if (!machine)
    return module.emitError("this LLVM has no x86-64 target");
  llvm::LLVMContext context;
  auto code = makeLLVM(module, variant, *machine, context);
  if (!code)
    return module.emitError("cannot translate kernels to LLVM IR");
  std::string text;
  llvm::raw_string_ostream stream(text);
  code->print(stream, nullptr);
  return text;
}
