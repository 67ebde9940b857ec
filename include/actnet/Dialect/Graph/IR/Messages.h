//===- Messages.h - what verifiers of the dialect say -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A verifier speaks of an op and of a numbered constraint. Whoever brought a
// model knows its nodes, and neither of these.
//
//===----------------------------------------------------------------------===//
#ifndef ACTNET_DIALECT_GRAPH_IR_MESSAGES_H
#define ACTNET_DIALECT_GRAPH_IR_MESSAGES_H

#include "llvm/ADT/StringRef.h"

namespace actnet::graph {

/// "extents differ" of "'graph.add' op C2: extents differ": the part of `text`
/// behind op and constraint; all of it where it does not begin with an op.
llvm::StringRef withoutOp(llvm::StringRef text);

} // namespace actnet::graph

#endif // ACTNET_DIALECT_GRAPH_IR_MESSAGES_H
