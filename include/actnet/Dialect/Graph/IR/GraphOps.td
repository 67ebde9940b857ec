//===- GraphOps.td - all operations of the graph dialect ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The families, in the order of docs/rationale/graph.md. Families that are
// still to come (random, control, collectives, scan) get a file here too.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_GRAPH_IR_GRAPHOPS_TD
#define ACTNET_DIALECT_GRAPH_IR_GRAPHOPS_TD

include "actnet/Dialect/Graph/IR/GraphConstant.td"
include "actnet/Dialect/Graph/IR/GraphElementwise.td"
include "actnet/Dialect/Graph/IR/GraphReduce.td"
include "actnet/Dialect/Graph/IR/GraphContract.td"
include "actnet/Dialect/Graph/IR/GraphMovement.td"
include "actnet/Dialect/Graph/IR/GraphComposite.td"

#endif // ACTNET_DIALECT_GRAPH_IR_GRAPHOPS_TD
