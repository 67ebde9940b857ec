//===- KernelToActor.cpp - from dispatches to records ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Explain.h"

#include "actnet/Conversion/KernelToActor/Passes.h"

#include "mlir/IR/Remarks.h"

namespace actnet {
#define GEN_PASS_DEF_KERNELTOACTOR
#include "actnet/Conversion/KernelToActor/Passes.h.inc"
} // namespace actnet

using namespace mlir;
using namespace actnet;

/// Argument attribute: the recipe of a variable's initial value.
static constexpr llvm::StringLiteral kInitialAttr = "graph.initial";

/// Declares the variables that the functions share, and maps names to symbols.
static FailureOr<llvm::StringMap<FlatSymbolRefAttr>>
declareVariables(ModuleOp module, ArrayRef<func::FuncOp> functions) {
  llvm::StringMap<FlatSymbolRefAttr> names;
  SymbolTable table(module);
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  for (func::FuncOp function : functions) {
    for (unsigned i = 0; i < function.getNumArguments(); ++i) {
      auto name = function.getArgAttrOfType<StringAttr>(
          i, graph::GraphDialect::kVariableAttr);
      if (!name)
        continue;
      auto type = dyn_cast<RankedTensorType>(function.getArgumentTypes()[i]);
      if (!type)
        return function.emitError("variable '")
               << name.getValue() << "' is no ranked tensor";
      auto initial =
          function.getArgAttrOfType<FlatSymbolRefAttr>(i, kInitialAttr);
      auto [known, isNew] = names.try_emplace(name.getValue());
      if (isNew) {
        bool taken = table.lookup(name.getValue());
        auto variable = actor::VariableOp::create(
            builder, function.getLoc(), name, TypeAttr::get(type), initial,
            IntegerAttr(), taken ? name : StringAttr());
        variable->remove();
        table.insert(variable, builder.getInsertionPoint());
        known->second = FlatSymbolRefAttr::get(variable.getSymNameAttr());
        continue;
      }
      auto variable = table.lookup<actor::VariableOp>(known->second.getValue());
      if (variable.getType() != type)
        return function.emitError("variable '")
               << name.getValue() << "' is " << type << " here and "
               << variable.getType() << " in another function";
      if (initial && variable.getInitialAttr() &&
          initial != variable.getInitialAttr())
        return function.emitError("variable '")
               << name.getValue() << "' begins as " << initial
               << " here and as " << variable.getInitialAttr()
               << " in another function";
      if (initial)
        variable.setInitialAttr(initial);
    }
  }
  return names;
}

/// Says what moved bytes, and what did not have to.
static void remarkOn(func::FuncOp function, const Placement &placement) {
  unsigned inPlace = 0, shared = 0, copies = placement.outputCopies.size();
  for (auto &[value, place] : placement.places) {
    inPlace += place.inPlace;
    shared +=
        isa_and_nonnull<kernel::ViewOp, kernel::SliceOp, kernel::ConcatOp>(
            value.getDefiningOp());
  }
  for (auto &entry : placement.concatCopies)
    copies += entry.second.size();
  copies += placement.stateCopies.size();
  remark::passed(function.getLoc(),
                 remark::RemarkOpts::name("placed").category("kernel-to-actor"))
      << "@" << function.getSymName() << ": "
      << remark::metric("inplace", inPlace)
      << " results take over an operand's buffer, "
      << remark::metric("shared", shared)
      << " views, slices and concats move no bytes, "
      << remark::metric("copies", copies) << " copies are left";
}

namespace {
struct KernelToActor : actnet::impl::KernelToActorBase<KernelToActor> {
  using KernelToActorBase::KernelToActorBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<func::FuncOp> functions;
    for (auto function : module.getOps<func::FuncOp>())
      if (!function->hasAttr(graph::GraphDialect::kRecipeAttr))
        functions.push_back(function);
    for (func::FuncOp function : functions)
      if (!function.getBody().hasOneBlock()) {
        function.emitError("has no body, or more than one block");
        return signalPassFailure();
      }
    auto variables = declareVariables(module, functions);
    if (failed(variables))
      return signalPassFailure();
    explainKernels(module, functions);
    for (func::FuncOp function : functions) {
      Placement placement(function);
      if (failed(placement.run(*variables)))
        return signalPassFailure();
      explainPlaces(function, placement);
      if (failed(emitRecords(function, placement, workspace)))
        return signalPassFailure();
      remarkOn(function, placement);
      function.erase();
    }
  }
};
} // namespace
