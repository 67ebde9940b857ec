//===- Folding.cpp - what the folders share -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Folding.h"

using namespace mlir;
using namespace actnet::graph;

OpFoldResult actnet::graph::foldConstants(Operation *, ArrayRef<Attribute>) {
  return {};
}

OpFoldResult actnet::graph::foldElementwise(Operation *op,
                                            ArrayRef<Attribute> operands) {
  return foldConstants(op, operands);
}
