//===- EmitPass.cpp - emitted kernels, to read and to test ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Object.h"
#include "actnet/Codegen/Host/Passes.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace actnet::host {
#define GEN_PASS_DEF_EMITHOSTKERNELS
#include "actnet/Codegen/Host/Passes.h.inc"

namespace {
struct EmitHostKernels : impl::EmitHostKernelsBase<EmitHostKernels> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<HostVariant> chosen = HostVariant::get(variant, module.getLoc());
    if (failed(chosen))
      return signalPassFailure();
    OwningOpRef<ModuleOp> code = ModuleOp::create(module.getLoc());
    for (auto kernel : module.getOps<kernel::FuncOp>())
      if (failed(emitKernel(kernel, *chosen, *code)))
        return signalPassFailure();
    if ((lower || ir) && failed(lowerToLLVM(*code)))
      return signalPassFailure();
    if (ir) {
      FailureOr<std::string> text = printLLVM(*code, *chosen);
      if (failed(text))
        return signalPassFailure();
      llvm::outs() << *text;
    }
    module.getBodyRegion().takeBody(code->getBodyRegion());
    for (NamedAttribute attribute : llvm::to_vector(module->getAttrs()))
      module->removeAttr(attribute.getName());
  }
};
} // namespace
} // namespace actnet::host
