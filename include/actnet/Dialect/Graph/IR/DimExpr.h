//===- DimExpr.h - building dim expressions in normal form ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The only way to make a DimExprAttr. All functions return normal forms, so
// equality of attributes is equality of polynomials. Every dim that divides is
// taken to be at least 1, which makes N*S floordiv S equal to N.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_GRAPH_IR_DIMEXPR_H
#define ACTNET_DIALECT_GRAPH_IR_DIMEXPR_H

#include "actnet/Dialect/Graph/IR/GraphDialect.h"

#include <optional>

namespace actnet::graph {

DimExprAttr dimConstant(mlir::MLIRContext *context, int64_t value);
DimExprAttr dimSymbol(mlir::MLIRContext *context, llvm::StringRef name);

DimExprAttr dimAdd(DimExprAttr a, DimExprAttr b);
DimExprAttr dimSub(DimExprAttr a, DimExprAttr b);
DimExprAttr dimMul(DimExprAttr a, DimExprAttr b);
/// a floordiv b; b is taken to be positive. Exact where each term divides.
DimExprAttr dimFloorDiv(DimExprAttr a, DimExprAttr b);
DimExprAttr dimCeilDiv(DimExprAttr a, DimExprAttr b);
DimExprAttr dimMod(DimExprAttr a, DimExprAttr b);
DimExprAttr dimMin(DimExprAttr a, DimExprAttr b);
DimExprAttr dimMax(DimExprAttr a, DimExprAttr b);

/// The product of dims, 1 for none: a tensor's number of elements.
DimExprAttr dimProduct(mlir::MLIRContext *context,
                       llvm::ArrayRef<DimExprAttr> dims);

/// The value where the expression is constant.
std::optional<int64_t> constantValue(DimExprAttr expr);

/// A value that the expression is never below, given the least value of each
/// symbol; nothing where its form does not show one.
std::optional<int64_t>
dimLowerBound(DimExprAttr expr,
              llvm::function_ref<int64_t(llvm::StringRef)> least);

/// Replaces symbols by expressions; symbols that `replace` maps to null stay.
DimExprAttr
dimSubstitute(DimExprAttr expr,
              llvm::function_ref<DimExprAttr(llvm::StringRef)> replace);

/// The value for given values of the symbols, or nothing where a symbol is
/// unknown, a divisor is not positive, or 64 bits overflow.
std::optional<int64_t>
dimEvaluate(DimExprAttr expr,
            llvm::function_ref<std::optional<int64_t>(llvm::StringRef)> value);

/// Calls `visit` for each symbol, in order of appearance, duplicates included.
void dimWalkSymbols(DimExprAttr expr,
                    llvm::function_ref<void(llvm::StringRef)> visit);

/// Text form: `N * 768 + 1`.
void printDimExpr(llvm::raw_ostream &os, DimExprAttr expr);
std::string toString(DimExprAttr expr);
/// Parses an expression of dims inside an attribute or a type.
mlir::FailureOr<DimExprAttr> parseDimExpr(mlir::AsmParser &parser);

} // namespace actnet::graph

#endif // ACTNET_DIALECT_GRAPH_IR_DIMEXPR_H
