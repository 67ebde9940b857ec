//===- CudaText.cpp - the kernels of a model, to read ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "CudaText.h"

#include "actnet/Codegen/CUDA/CUDACodegen.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace actnet;

/// Layers that stand above a kernel; more are counted.
static constexpr unsigned kShownLayers = 4;

namespace {
/// A kernel's dispatches, by what they compute: the first of each.
struct Uses {
  unsigned launches = 0;
  llvm::MapVector<StringRef, kernel::DispatchOp> layers;
};
} // namespace

/// A name of the model must not end the comment's line, nor go on in the next
/// one.
static void printName(StringRef name, llvm::raw_ostream &out) {
  for (char c : name)
    out << (llvm::isPrint(c) && c != '\\' ? c : '?');
}

/// What a person knows a tensor by: an input's name, or the last node of those
/// that the kernel computes which wrote it. Empty for what has no name.
static StringRef nameOf(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (auto dispatch = dyn_cast<kernel::DispatchOp>(op)) {
      StringRef layer = dispatch.getLayer().value_or("");
      size_t before = layer.rfind(" + ");
      return before == StringRef::npos ? layer : layer.substr(before + 3);
    }
    if (isa<kernel::WeightOp>(op))
      return "a weight";
    // Views and slices are what they show.
    if (op->getNumOperands() != 1)
      return {};
    tensor = op->getOperand(0);
  }
  auto argument = cast<BlockArgument>(tensor);
  auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  if (!function)
    return {};
  auto name = function.getArgAttrOfType<StringAttr>(
      argument.getArgNumber(), graph::GraphDialect::kNameAttr);
  return name ? name.getValue() : StringRef();
}

static void printOperands(kernel::DispatchOp dispatch, llvm::raw_ostream &out) {
  StringRef separator = "//   from ";
  for (auto [i, operand] : llvm::enumerate(dispatch.getOperands())) {
    StringRef name = nameOf(operand);
    if (name.empty())
      continue;
    out << separator << "in" << i << " ";
    printName(name, out);
    separator = ", ";
  }
  if (separator == ", ")
    out << "\n";
}

static void printTitle(kernel::FuncOp kernel, const Uses &uses,
                       llvm::raw_ostream &out) {
  out << "//===- " << kernel.getSymName() << ": "
      << kernel::stringifyFamily(kernel.getFamily()) << ", launched "
      << uses.launches << (uses.launches == 1 ? " time" : " times");
  if (DictionaryAttr schedule = kernel.getScheduleAttr()) {
    if (auto threads = schedule.getAs<IntegerAttr>("threads"))
      out << ", " << threads.getInt() << " threads a block";
    if (auto shared = schedule.getAs<IntegerAttr>("shared");
        shared && shared.getInt() > 0)
      out << ", " << shared.getInt() << " bytes of shared memory";
  }
  out << "\n";
  unsigned shown = 0;
  for (auto &[layer, dispatch] : uses.layers) {
    if (shown++ == kShownLayers)
      break;
    out << "// computes ";
    printName(layer, out);
    out << "\n";
    printOperands(dispatch, out);
  }
  if (uses.layers.size() > kShownLayers)
    out << "// and " << uses.layers.size() - kShownLayers << " more\n";
}

LogicalResult actnet::printCudaText(ModuleOp module, llvm::raw_ostream &out) {
  llvm::MapVector<StringAttr, Uses> uses;
  module.walk([&](kernel::DispatchOp dispatch) {
    Uses &entry = uses[dispatch.getCalleeAttr().getAttr()];
    ++entry.launches;
    if (dispatch.getLayer())
      entry.layers.insert({*dispatch.getLayer(), dispatch});
  });
  SymbolTable symbols(module);
  for (auto &[name, entry] : uses) {
    auto kernel = symbols.lookup<kernel::FuncOp>(name);
    FailureOr<std::string> text = cuda::emitCuda(kernel);
    if (failed(text))
      return failure();
    printTitle(kernel, entry, out);
    out << *text << "\n";
  }
  return success();
}
