//===- CudaText.cpp - the kernels of a model, to read ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "CudaText.h"

#include "actnet/Codegen/CUDA/CUDACodegen.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace actnet;

/// Layers that stand above a kernel; more are counted.
static constexpr unsigned kShownLayers = 4;

namespace {
/// A kernel's dispatches.
struct Uses {
  unsigned launches = 0;
  llvm::SmallSetVector<StringRef, 8> layers;
};
} // namespace

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
  for (StringRef layer :
       llvm::ArrayRef(uses.layers.getArrayRef()).take_front(kShownLayers)) {
    out << "// computes ";
    // A name of the model must not end the comment's line, nor go on in the
    // next one.
    for (char c : layer)
      out << (llvm::isPrint(c) && c != '\\' ? c : '?');
    out << "\n";
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
      entry.layers.insert(*dispatch.getLayer());
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
