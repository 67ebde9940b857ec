//===- Plan.cpp - offsets for all buffers ---------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Actor/Transforms/Passes.h"
#include "actnet/Dialect/Actor/Transforms/Tables.h"
#include "actnet/Package/Lifetimes.h"

#include "mlir/IR/Remarks.h"

namespace actnet::actor {
#define GEN_PASS_DEF_ACTORPLAN
#include "actnet/Dialect/Actor/Transforms/Passes.h.inc"
} // namespace actnet::actor

using namespace mlir;
using namespace actnet;
using namespace actnet::actor;

static void dropPlan(ModuleOp module) {
  module->removeAttr(ActorDialect::kStateBytesAttr);
  module.walk([](Operation *op) {
    if (auto function = dyn_cast<FuncOp>(op))
      function.removeMemoryAttr();
    else if (auto buffer = dyn_cast<BufferOp>(op))
      buffer.removeOffsetAttr();
    else if (auto variable = dyn_cast<VariableOp>(op))
      variable.removeOffsetAttr();
  });
}

/// Writes what the tables say back to the ops.
static void storePlan(ModuleOp module, CloneTables &tables) {
  OpBuilder builder(module.getContext());
  if (tables.plan.state_offsets.size() == tables.variables.size()) {
    for (auto [variable, offset] :
         llvm::zip(tables.variables, tables.plan.state_offsets))
      variable.setOffset(offset);
    if (!tables.variables.empty())
      module->setAttr(ActorDialect::kStateBytesAttr,
                      builder.getI64IntegerAttr(tables.plan.state_bytes));
  }
  for (auto [function, buffers, plan] :
       llvm::zip(tables.functions, tables.buffers, tables.plan.functions)) {
    if (!plan->memory) {
      remark::missed(
          function.getLoc(),
          remark::RemarkOpts::name("unbounded").category("actor-plan"))
          << "@" << function.getSymName()
          << " is not planned: a dim has no upper bound (--dim "
             "NAME=LOWER..UPPER)";
      continue;
    }
    const pkg::MemoryPlan &memory = *plan->memory;
    if (function.getMemoryAttr()) {
      remark::analysis(function.getLoc(),
                       remark::RemarkOpts::name("kept").category("actor-plan"))
          << "@" << function.getSymName()
          << ": the plan that was handed in is kept, scratch of "
          << remark::metric("peak", memory.scratch_bytes) << " bytes";
      continue;
    }
    function.setMemoryAttr(
        MemoryAttr::get(module.getContext(), memory.scratch_bytes,
                        memory.scratch_lower_bound, memory.slot_bytes));
    for (auto [op, offset] : llvm::zip(buffers, memory.offsets))
      if (auto buffer = dyn_cast<BufferOp>(op))
        if (buffer.getRegion() != actor::Region::weight &&
            buffer.getRegion() != actor::Region::state)
          buffer.setOffset(offset);
    remark::passed(function.getLoc(),
                   remark::RemarkOpts::name("planned").category("actor-plan"))
        << "@" << function.getSymName() << ": scratch of "
        << remark::metric("peak", memory.scratch_bytes)
        << " bytes, lower bound "
        << remark::metric("bound", memory.scratch_lower_bound)
        << ", ring slot of " << remark::metric("slot", memory.slot_bytes)
        << " bytes";
  }
}

namespace {
struct ActorPlan : actnet::actor::impl::ActorPlanBase<ActorPlan> {
  using ActorPlanBase::ActorPlanBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (replan)
      dropPlan(module);
    FailureOr<Tables> tables = buildTables(module);
    if (failed(tables))
      return signalPassFailure();
    // What is planned has passed the verifier by now, and stays as it is.
    if (Status planned =
            pkg::planAll(tables->interface, tables->clones[0].plan);
        !planned) {
      module.emitError("cannot plan the memory: ") << planned.str();
      return signalPassFailure();
    }
    storePlan(module, tables->clones[0]);
  }
};
} // namespace
