//===- Map.cpp - elementwise kernels --------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Nest.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::host;

void actnet::host::emitMap(Emitter &e) {
  auto nest = kernel::HostNest::get(e.kernel);
  if (!nest) {
    e.fail(e.kernel, "has no schedule of family map", e.b.getI64Type());
    return;
  }
  SmallVector<graph::DimExprAttr> dims = e.kernel.getResultDims(0);
  nestLoop(e, *nest, dims, lanesFor(e.kernel, e.variant), 1,
           [&](ArrayRef<SmallVector<Index>> at) {
             for (const SmallVector<Index> &point : at)
               e.storeResults(point);
           });
}
