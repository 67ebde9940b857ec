//===- EmitPass.cpp - printed kernels, to read and to test ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Codegen/CUDA/CUDACodegen.h"
#include "actnet/Codegen/CUDA/Passes.h"

#include "mlir/IR/OwningOpRef.h"

using namespace mlir;

namespace actnet::cuda {
#define GEN_PASS_DEF_EMITCUDAKERNELS
#include "actnet/Codegen/CUDA/Passes.h.inc"

namespace {
struct EmitCudaKernels : impl::EmitCudaKernelsBase<EmitCudaKernels> {
  void runOnOperation() override {
    for (auto kernel : getOperation().getOps<kernel::FuncOp>()) {
      // What has no schedule of ours gets one on a copy: the module stays as it
      // is.
      OwningOpRef<kernel::FuncOp> copy;
      if (!kernel.getSchedule() || !kernel.getScheduleAttr().get("threads")) {
        copy = cast<kernel::FuncOp>(kernel->clone());
        kernel = *copy;
        if (failed(scheduleCuda(kernel)))
          return signalPassFailure();
      }
      FailureOr<std::string> text = emitCuda(kernel);
      if (failed(text))
        return signalPassFailure();
      llvm::outs() << *text;
    }
    markAllAnalysesPreserved();
  }
};
} // namespace
} // namespace actnet::cuda
