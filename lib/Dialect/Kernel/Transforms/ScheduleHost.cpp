//===- ScheduleHost.cpp - schedules for the host --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Kernel/Transforms/HostContraction.h"
#include "actnet/Dialect/Kernel/Transforms/HostNest.h"
#include "actnet/Dialect/Kernel/Transforms/HostScatter.h"
#include "actnet/Dialect/Kernel/Transforms/Passes.h"

using namespace mlir;

namespace actnet::kernel {
#define GEN_PASS_DEF_KERNELSCHEDULEHOST
#include "actnet/Dialect/Kernel/Transforms/Passes.h.inc"

LogicalResult scheduleHost(FuncOp kernel) {
  switch (kernel.getFamily()) {
  case Family::contract:
    return scheduleHostContract(kernel);
  case Family::conv:
    return scheduleHostConv(kernel);
  case Family::depthwise:
    return scheduleHostDepthwise(kernel);
  case Family::attention:
    return scheduleHostAttention(kernel);
  case Family::scatter:
    return scheduleHostScatter(kernel);
  default:
    return scheduleHostNest(kernel);
  }
}

namespace {
struct ScheduleHost : impl::KernelScheduleHostBase<ScheduleHost> {
  void runOnOperation() override {
    FuncOp kernel = getOperation();
    if (kernel.getSchedule() && kernel.getTiles())
      return;
    if (failed(scheduleHost(kernel)))
      signalPassFailure();
  }
};
} // namespace
} // namespace actnet::kernel
