//===- Map.cpp - elementwise kernels --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "FamilyPrinter.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

namespace {

constexpr int64_t kThreads = 256, kPerThread = 4;

class MapPrinter : public FamilyPrinter {
public:
  using FamilyPrinter::FamilyPrinter;
  LogicalResult schedule() override;

protected:
  StringRef header() const override { return "map.cuh"; }
  void functors() override;
  void statements() override;
};

} // namespace

LogicalResult MapPrinter::schedule() {
  for (unsigned i = 1; i < numResults(); ++i)
    if (kernel.getResultDims(i) != kernel.getResultDims(0))
      return kernel.emitError()
             << "the CUDA code generator needs results of the same dims in "
                "a map kernel";
  setSchedule(graph::dimCeilDiv(product(kernel.getResultDims(0)),
                                constant(kThreads * kPerThread)),
              kThreads, 0, {});
  return success();
}

void MapPrinter::functors() {
  Printer::Block functor(p, "struct " + named("element") + " {", "};\n");
  members();
  p.line("// Element i of the results.");
  Printer::Block block(p, "ACTNET_DEVICE void operator()(i64 i) const {");
  Indices at = p.split("i", "i", 0, kernel.getResultDims(0));
  // All are computed before any is written: a result may lie in an operand.
  Texts values;
  for (unsigned i = 0; i < numResults(); ++i)
    values.push_back(p.element(yielded(i), at));
  for (auto [i, value] : llvm::enumerate(values))
    p.store(i, at, value);
}

void MapPrinter::statements() {
  p.line("mapTile(" + functor("element") + ", " +
         p.text(product(kernel.getResultDims(0))) + ");");
}

std::unique_ptr<FamilyPrinter>
actnet::cuda::makeMapPrinter(kernel::FuncOp kernel) {
  return std::make_unique<MapPrinter>(kernel);
}
