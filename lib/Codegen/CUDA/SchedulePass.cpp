//===- SchedulePass.cpp - schedules for CUDA ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Codegen/CUDA/CUDACodegen.h"
#include "actnet/Codegen/CUDA/Passes.h"

using namespace mlir;

namespace actnet::cuda {
#define GEN_PASS_DEF_KERNELSCHEDULECUDA
#include "actnet/Codegen/CUDA/Passes.h.inc"

namespace {
struct ScheduleCuda : impl::KernelScheduleCudaBase<ScheduleCuda> {
  void runOnOperation() override {
    kernel::FuncOp kernel = getOperation();
    if (kernel.getSchedule() && kernel.getTiles())
      return;
    if (failed(scheduleCuda(kernel)))
      signalPassFailure();
  }
};
} // namespace
} // namespace actnet::cuda
