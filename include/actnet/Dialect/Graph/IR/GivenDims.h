//===- GivenDims.h - dims by the names that a file gave them --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file may call a dim `N+1`, which is no identifier of the dim language. The
// importer gives it another name and keeps the first one here, so that whoever
// knows the model's own names can go on using them.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_GRAPH_IR_GIVENDIMS_H
#define ACTNET_DIALECT_GRAPH_IR_GIVENDIMS_H

#include "llvm/ADT/StringRef.h"

namespace actnet::graph {

/// Module attribute: a dictionary of new name to the file's name, as a string.
inline constexpr llvm::StringLiteral kGivenDimsAttr = "graph.given_dims";

} // namespace actnet::graph

#endif // ACTNET_DIALECT_GRAPH_IR_GIVENDIMS_H
