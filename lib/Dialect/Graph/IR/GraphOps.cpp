//===- GraphOps.cpp - generated code of the graph ops ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Graph/IR/GraphOps.h"

#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace actnet::graph;

#define GET_OP_CLASSES
#include "actnet/Dialect/Graph/IR/GraphOps.cpp.inc"

void GraphDialect::registerOps() {
  addOperations<
#define GET_OP_LIST
#include "actnet/Dialect/Graph/IR/GraphOps.cpp.inc"
      >();
}
