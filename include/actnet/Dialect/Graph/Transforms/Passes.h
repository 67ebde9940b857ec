//===- Passes.h - passes on the graph level -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The target-independent passes of the graph level, see Passes.td.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_GRAPH_TRANSFORMS_PASSES_H
#define ACTNET_DIALECT_GRAPH_TRANSFORMS_PASSES_H

#include "actnet/Dialect/Graph/IR/GraphDialect.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace actnet::graph {

#define GEN_PASS_DECL
#include "actnet/Dialect/Graph/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "actnet/Dialect/Graph/Transforms/Passes.h.inc"

} // namespace actnet::graph

#endif // ACTNET_DIALECT_GRAPH_TRANSFORMS_PASSES_H
