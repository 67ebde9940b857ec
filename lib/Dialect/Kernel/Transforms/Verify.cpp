//===- Verify.cpp - the contract of the kernel level ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Kernel/Transforms/Passes.h"

using namespace mlir;

namespace actnet::kernel {
#define GEN_PASS_DEF_KERNELVERIFY
#include "actnet/Dialect/Kernel/Transforms/Passes.h.inc"

namespace {
struct Verify : impl::KernelVerifyBase<Verify> {
  using Base::Base;

  void runOnOperation() override {
    bool bad = false;
    for (FuncOp kernel : getOperation().getOps<FuncOp>()) {
      if (scheduled && (!kernel.getSchedule() || !kernel.getTiles() ||
                        !kernel.getScratch())) {
        kernel.emitOpError("has no schedule: kernel-schedule-host should have "
                           "set schedule, tiles "
                           "and scratch");
        bad = true;
      }
      if (kernel.getResultTypes().empty()) {
        kernel.emitOpError(
            "writes nothing: graph-to-kernel should not have made it");
        bad = true;
      }
    }
    // Above the kernels only the ops of this level are left.
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (isa<FuncOp>(op))
        return WalkResult::skip();
      if (auto function = dyn_cast<func::FuncOp>(op);
          function && function->hasAttr(graph::GraphDialect::kRecipeAttr))
        return WalkResult::skip();
      if (isa_and_nonnull<graph::GraphDialect>(op->getDialect()) &&
          op->getParentOfType<func::FuncOp>()) {
        op->emitOpError("is left at the kernel level: graph-to-kernel should "
                        "have put it into a "
                        "kernel");
        bad = true;
      }
      return WalkResult::advance();
    });
    if (bad)
      signalPassFailure();
  }
};
} // namespace
} // namespace actnet::kernel
