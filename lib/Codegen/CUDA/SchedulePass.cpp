//===- SchedulePass.cpp - schedules for CUDA ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Library.h"

#include "actnet/Codegen/CUDA/CUDACodegen.h"
#include "actnet/Codegen/CUDA/Passes.h"

using namespace mlir;

namespace actnet::cuda {
#define GEN_PASS_DEF_KERNELSCHEDULECUDA
#include "actnet/Codegen/CUDA/Passes.h.inc"

namespace {
struct ScheduleCuda : impl::KernelScheduleCudaBase<ScheduleCuda> {
  using KernelScheduleCudaBase::KernelScheduleCudaBase;

  void runOnOperation() override {
    kernel::FuncOp kernel = getOperation();
    if (kernel.getSchedule() && kernel.getTiles())
      return;
    if (libraries != "auto" && libraries != "all" && libraries != "none") {
      kernel.emitError("libraries: expected auto, all or none, found ")
          << libraries;
      return signalPassFailure();
    }
    if (failed(scheduleCuda(kernel)))
      return signalPassFailure();
    DictionaryAttr product =
        libraries == "none" ? DictionaryAttr() : describeProduct(kernel);
    if (!product)
      return;
    Builder builder(kernel.getContext());
    NamedAttrList description(product);
    if (libraries == "all")
      description.set("forced", builder.getUnitAttr());
    NamedAttrList schedule(kernel.getScheduleAttr());
    schedule.set("library", description.getDictionary(kernel.getContext()));
    kernel.setScheduleAttr(schedule.getDictionary(kernel.getContext()));
  }
};
} // namespace
} // namespace actnet::cuda
