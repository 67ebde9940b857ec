//===- Phases.cpp - the compiler's phases, in order -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Pipelines/Phases.h"

#include "actnet/Dialect/Actor/IR/ActorOps.h"
#include "actnet/Dialect/Graph/IR/GraphDialect.h"
#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

using namespace mlir;
using namespace actnet;

static constexpr Phase phases[] = {
    {"check", Level::graph, Level::graph, Scope::model,
     "graph-verify,graph-check-extents",
     "first: front ends and hand-written text are held to the contract before "
     "any pass reads them, and errors about dims name the model's nodes"},
    {"simplify", Level::graph, Level::graph, Scope::model, "graph-simplify",
     "shape arithmetic becomes expressions, and the forms become few"},
    {"fold", Level::graph, Level::graph, Scope::model, "graph-fold-batch-norm",
     "while a batch norm still stands right behind its convolution"},
    {"recompose", Level::graph, Level::graph, Scope::model,
     "graph-recompose,graph-simplify",
     "needs simple forms, and leaves dead constants behind"},
    {"decompose", Level::graph, Level::graph, Scope::model,
     "graph-decompose{only=batch_norm,conv_transpose,group_norm},graph-"
     "simplify",
     "what no kernel family takes; what is left is simple again, and the last "
     "that the targets share"},
    {"narrow", Level::graph, Level::graph, Scope::cuda,
     "graph-precision{type=$precision}",
     "for cuda alone, and before layouts, which see the casts of weights as "
     "part of their recipes"},
    {"layout", Level::graph, Level::graph, Scope::clone,
     "graph-layout{target=$target}",
     "per target, and before fusion, which needs to know which transposes "
     "stay"},
    {"fuse", Level::graph, Level::kernel, Scope::clone,
     "graph-to-kernel{target=$target}",
     "once layouts stand; below, tensors are kernels' operands and nothing "
     "fuses any more"},
    {"check kernels", Level::kernel, Level::kernel, Scope::clone,
     "kernel-verify",
     "the first of this level: kernels may also be handed in as text"},
    {"widen", Level::kernel, Level::kernel, Scope::cuda,
     "kernel.func(kernel-widen{type=$precision})",
     "rounds once a kernel, so only now that it is known what a kernel holds"},
    {"split", Level::kernel, Level::kernel, Scope::cuda,
     "kernel-split-reduction",
     "partial results have the type that is summed in, and each half is "
     "scheduled as any kernel"},
    {"schedule", Level::kernel, Level::kernel, Scope::clone,
     "kernel.func(kernel-schedule-$schedule),kernel-verify{scheduled=true}",
     "each kernel by itself; the records need its tiles, the promise its "
     "scratch"},
    {"place", Level::kernel, Level::actor, Scope::clone,
     "kernel-to-actor{workspace=$workspace}",
     "in-place results and shared buffers are decided on dispatches, before "
     "sizes matter"},
    {"check records", Level::actor, Level::actor, Scope::clone, "actor-verify",
     "the first of this level: records may also be handed in as text, and no "
     "plan is worth making for wrong ones"},
    {"plan", Level::actor, Level::actor, Scope::clone, "actor-plan",
     "last: offsets depend on every record that stands"},
};

ArrayRef<Phase> actnet::getPhases() { return phases; }

StringRef actnet::toString(Level level) {
  static constexpr StringLiteral names[] = {"graph", "kernel", "actor"};
  return names[static_cast<unsigned>(level)];
}

FailureOr<Level> actnet::detectLevel(ModuleOp module) {
  bool isActor = false, isKernel = false, isGraph = false, hasEmpty = false;
  for (Operation &op : *module.getBody()) {
    isActor |= isa<actor::FuncOp>(op);
    auto function = dyn_cast<func::FuncOp>(op);
    if (!function || function->hasAttr(graph::GraphDialect::kRecipeAttr))
      continue;
    bool isEither = true;
    for (Operation &inner : function.getOps()) {
      bool calls = isa<kernel::KernelDialect>(inner.getDialect());
      bool computes = isa<graph::GraphDialect>(inner.getDialect());
      isKernel |= calls;
      isGraph |= computes;
      isEither &= !calls && !computes;
    }
    hasEmpty |= isEither;
  }
  // A function of no operation stands on either level; alone, on the first.
  if (hasEmpty && !isGraph && !isKernel && !isActor)
    return module.getOps<kernel::FuncOp>().empty() ? Level::graph
                                                   : Level::kernel;
  if (isActor + isKernel + isGraph == 1)
    return isActor ? Level::actor : isKernel ? Level::kernel : Level::graph;
  if (!isActor && !isKernel && !isGraph)
    return module.emitError(
        "holds no function: expected func.func with graph or kernel "
        "operations, or actor.func");
  return module.emitError(
      "mixes functions of the graph, kernel and actor levels");
}

/// After a change of level nothing of the old one may be left.
static LogicalResult checkLevel(ModuleOp module, const Phase &phase) {
  if (phase.from == phase.to)
    return success();
  FailureOr<Level> level = detectLevel(module);
  if (failed(level))
    return failure();
  // Where no function holds an operation, none is left of the graph level.
  bool isEmpty = phase.to == Level::kernel;
  for (auto function : module.getOps<mlir::func::FuncOp>())
    isEmpty &= llvm::hasSingleElement(function.getBody().front());
  if (*level != phase.to && !isEmpty)
    return module.emitError("phase '")
           << phase.name << "' (" << phase.pipeline
           << ") left operations of the " << toString(phase.from) << " level";
  return success();
}

static bool isOf(const Phase &phase, const std::optional<CloneOptions> &clone) {
  switch (phase.scope) {
  case Scope::model:
    return !clone;
  case Scope::clone:
    return clone.has_value();
  case Scope::cuda:
    return clone && clone->target == "cuda";
  }
  return false;
}

/// The pipeline's text for a clone.
static std::string pipelineOf(const Phase &phase,
                              const std::optional<CloneOptions> &clone) {
  std::string text = phase.pipeline.str();
  auto replace = [&](StringRef name, StringRef value) {
    for (size_t at; (at = text.find(name)) != std::string::npos;)
      text.replace(at, name.size(), value);
  };
  if (clone) {
    replace("$target", clone->target);
    replace("$precision", clone->precision);
    replace("$schedule", clone->target == "cuda"
                             ? "cuda{libraries=" + clone->libraries.str() + "}"
                             : clone->target.str());
    replace("$workspace", std::to_string(clone->workspaceBytes));
  }
  return text;
}

LogicalResult actnet::runPhases(ModuleOp module, Level last,
                                std::optional<CloneOptions> clone,
                                std::function<void(StringRef)> onPhase) {
  FailureOr<Level> level = detectLevel(module);
  if (failed(level))
    return failure();
  if (*level > last)
    return module.emitError("is on the ")
           << toString(*level) << " level already; it cannot leave "
           << "on the " << toString(last) << " level";
  for (const Phase &phase : phases) {
    if (!isOf(phase, clone) || phase.from < *level || phase.to > last)
      continue;
    if (onPhase)
      onPhase(phase.name);
    PassManager manager(module.getContext(), ModuleOp::getOperationName());
    std::string errors;
    llvm::raw_string_ostream stream(errors);
    if (failed(parsePassPipeline(pipelineOf(phase, clone), manager, stream)))
      return module.emitError("phase '") << phase.name << "': " << errors;
    if (failed(manager.run(module)) || failed(checkLevel(module, phase)))
      return failure();
  }
  return success();
}
