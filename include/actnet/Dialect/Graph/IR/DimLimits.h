//===- DimLimits.h - how large a dim expression may get ---------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A product of k sums has 2^k terms in normal form, and a name that is squared
// k times has 2^k factors. No program means that: past these limits the
// functions of DimExpr.h return an expression that only says so, and who reads
// expressions from outside (the importer, the parser) turns it into an error.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_GRAPH_IR_DIMLIMITS_H
#define ACTNET_DIALECT_GRAPH_IR_DIMLIMITS_H

#include "actnet/Dialect/Graph/IR/DimExpr.h"

namespace actnet::graph {

/// The most terms of a sum, and the most factors of a product.
inline constexpr size_t kMostDimTerms = 1024, kMostDimFactors = 64;
/// The most parentheses, mins and maxes around a name in text.
inline constexpr unsigned kMostDimDepth = 128;

/// The name that stands for an expression past the limits. No dim has it.
inline constexpr llvm::StringLiteral kTooLargeDim =
    "more than 1024 terms or 64 factors";

/// Whether some part of the expression went past the limits.
bool isTooLarge(DimExprAttr expr);

} // namespace actnet::graph

#endif // ACTNET_DIALECT_GRAPH_IR_DIMLIMITS_H
