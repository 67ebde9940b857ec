//===- Explain.cpp - why kernels and buffers are what they are ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Explain.h"

#include "actnet/Dialect/Kernel/Transforms/Cost.h"

#include "mlir/IR/Remarks.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace actnet;

static remark::RemarkOpts options(StringRef name) {
  return remark::RemarkOpts::name(name).category("kernel-to-actor");
}

/// `12.3 M`, with the unit that follows.
static std::string scaled(double value) {
  static constexpr const char *prefixes[] = {" ", " k", " M", " G", " T"};
  unsigned p = 0;
  for (; value >= 1000 && p + 1 < std::size(prefixes); ++p)
    value /= 1000;
  std::string text;
  llvm::raw_string_ostream(text)
      << llvm::format(p == 0 ? "%.0f" : "%.3g", value) << prefixes[p];
  return text;
}

namespace {
/// Extents for estimates: upper bounds, or lower ones where there is none.
class Estimate {
public:
  explicit Estimate(ModuleOp module)
      : bounds(module->getAttrOfType<DictionaryAttr>(
            graph::GraphDialect::kDimsAttr)) {}

  int64_t operator()(graph::DimExprAttr expr) const {
    auto value =
        graph::dimEvaluate(expr, [&](StringRef name) -> std::optional<int64_t> {
          auto range = bounds ? bounds.getAs<DenseI64ArrayAttr>(name)
                              : DenseI64ArrayAttr();
          if (!range || range.size() != 2)
            return std::nullopt;
          return range[1] < 0 ? std::max<int64_t>(range[0], 1) : range[1];
        });
    return value.value_or(1);
  }

  int64_t bytes(Type type) const {
    auto tensor = cast<RankedTensorType>(type);
    int64_t bytes = graph::getElementBytes(tensor.getElementType());
    for (graph::DimExprAttr dim : graph::getDims(tensor))
      bytes *= (*this)(dim);
    return bytes;
  }

private:
  DictionaryAttr bounds;
};

/// What is launched of one kernel.
struct Use {
  unsigned launches = 0;
  double flops = 0, bytes = 0;
  std::string layers;
};
} // namespace

static void explainKernel(kernel::FuncOp kernel, const Use &use) {
  std::string schedule;
  if (DictionaryAttr cut = kernel.getScheduleAttr())
    llvm::raw_string_ostream(schedule) << ", schedule " << cut;
  std::string tiles =
      kernel.getTilesAttr() ? graph::toString(kernel.getTilesAttr()) : "?";
  remark::analysis(kernel.getLoc(), options("kernel"))
      << "@" << kernel.getSymName() << ": family "
      << kernel::stringifyFamily(kernel.getFamily()) << ", "
      << std::to_string(use.launches)
      << (use.launches == 1 ? " launch, " : " launches, ") << scaled(use.flops)
      << "flop and " << scaled(use.bytes)
      << "B at the largest dims; cut by shape into " << tiles << " tiles"
      << schedule << "; computes " << use.layers;
}

static void explainRecipe(func::FuncOp recipe, const Estimate &estimate) {
  std::string steps;
  for (Operation &op : recipe.getBody().front().without_terminator()) {
    if (isa<graph::GraphDialect>(op.getDialect()) && op.getNumOperands() > 0)
      steps += (steps.empty() ? "" : ", ") + op.getName().stripDialect().str();
  }
  if (steps.empty())
    return; // stored as the model has it
  remark::analysis(recipe.getLoc(), options("recipe"))
      << "@" << recipe.getSymName() << ": "
      << scaled(double(estimate.bytes(recipe.getResultTypes()[0])))
      << "B of weights are made while the package is written, by " << steps;
}

void actnet::explainKernels(ModuleOp module, ArrayRef<func::FuncOp> functions) {
  if (!module.getContext()->getRemarkEngine())
    return;
  Estimate estimate(module);
  SymbolTable symbols(module);
  llvm::DenseMap<Operation *, Use> uses;
  for (func::FuncOp function : functions)
    function.walk([&](kernel::DispatchOp dispatch) {
      auto kernel = symbols.lookup<kernel::FuncOp>(dispatch.getCallee());
      if (!kernel)
        return;
      Use &use = uses[kernel];
      SmallVector<int64_t> extents;
      for (auto dim : dispatch.getDims().getAsRange<graph::DimExprAttr>())
        extents.push_back(estimate(dim));
      use.flops += countFlops(kernel, extents);
      for (Type type :
           llvm::concat<Type>(llvm::to_vector(dispatch->getOperandTypes()),
                              llvm::to_vector(dispatch->getResultTypes())))
        use.bytes += double(estimate.bytes(type));
      // A hundred names help nobody.
      constexpr unsigned shown = 3;
      if (use.launches < shown)
        use.layers += (use.layers.empty() ? "" : ", ") +
                      dispatch.getLayer().value_or("(unnamed)").str();
      else if (use.launches == shown)
        use.layers += ", …";
      ++use.launches;
    });
  for (auto kernel : module.getOps<kernel::FuncOp>())
    if (auto use = uses.find(kernel); use != uses.end())
      explainKernel(kernel, use->second);
  for (auto recipe : module.getOps<func::FuncOp>())
    if (recipe->hasAttr(graph::GraphDialect::kRecipeAttr) &&
        recipe.getNumResults() == 1)
      explainRecipe(recipe, estimate);
}

/// Why the bytes of one result lie where they lie.
static std::string reasonOf(const Placement &placement, const Place &place) {
  const Root &root = placement.roots[place.root];
  std::string name = root.name.empty() ? "" : " '" + root.name.str() + "'";
  if (place.inPlace)
    return "written over an operand that nobody reads afterwards";
  if (root.region == actor::Region::output)
    return "written to output" + name + " itself";
  if (root.region == actor::Region::state)
    return "written to variable" + name + " itself";
  auto offset = graph::constantValue(place.offset);
  if (!Placement::isDense(place) || !offset || *offset != 0)
    return "written into its part of a larger buffer" + name;
  return "has buffer" + name + " of " + graph::toString(root.size) + " bytes";
}

void actnet::explainPlaces(func::FuncOp function, const Placement &placement) {
  if (!function.getContext()->getRemarkEngine())
    return;
  function.walk([&](kernel::DispatchOp dispatch) {
    for (Value result : dispatch.getResults())
      if (auto place = placement.places.find(result);
          place != placement.places.end())
        remark::analysis(dispatch.getLoc(), options("buffer"))
            << dispatch.getLayer().value_or(dispatch.getCallee()) << " (@"
            << dispatch.getCallee()
            << "): " << reasonOf(placement, place->second);
  });
  for (auto &[concat, copies] : placement.concatCopies)
    remark::missed(concat->getLoc(), options("copy"))
        << "concat: copies " << std::to_string(copies.size())
        << (copies.size() == 1 ? " operand" : " operands")
        << " whose bytes lie elsewhere: inputs, weights, or what has another "
           "place already";
  for (const FinalCopy &copy : placement.outputCopies)
    remark::missed(function.getLoc(), options("copy"))
        << "output '" << placement.roots[copy.to].name
        << "': copied, since its bytes lie in an input, a weight, a part or "
           "another output";
  for (const FinalCopy &copy : placement.stateCopies)
    remark::missed(function.getLoc(), options("copy"))
        << "variable '" << placement.roots[copy.to].name
        << "': copied behind all kernels, since its old value is read after "
           "the new one is made";
}
