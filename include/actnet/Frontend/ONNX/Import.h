//===- Import.h - from an ONNX file to the graph dialect ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The ONNX front end: opset 7 and later, default domain. The file is mapped
// and scanned; weights stay where they are, as `#graph.weight`.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_FRONTEND_ONNX_IMPORT_H
#define ACTNET_FRONTEND_ONNX_IMPORT_H

#include "actnet/Dialect/Graph/IR/DimBounds.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace actnet::onnx {

/// Imports a model as a module with one function, `main`, whose arguments and
/// results are the graph's inputs and outputs under their names. Dims without
/// a number become named dims; one without a name is called after its input
/// (`input_0`), unbounded. `dims` are bounds that the model is imported for: a
/// dim with a single value becomes that number, as if the file had it, and is
/// no dim of the module any more; others simplify shape arithmetic.
///
/// Dims that a node takes to be equal, where nothing shows that they are,
/// become `graph.checks` of the function, which are made when dims are bound.
///
/// Errors are diagnostics that name the file and, where there is one, the
/// node: unreadable or damaged file, operators that are not supported (all of
/// them in one error), a missing input, types and shapes that do not agree,
/// external data outside the model's folder, cyclic graphs, a name in `dims`
/// that the model lacks. Returns null then.
mlir::OwningOpRef<mlir::ModuleOp>
importOnnx(llvm::StringRef path, mlir::MLIRContext &context,
           llvm::ArrayRef<graph::NamedRange> dims = {});

/// Returns the operators that are supported, with their opsets, element types
/// and limits, as a page of Markdown: docs/generated/onnx-operators.md.
std::string describeOperators();

} // namespace actnet::onnx

#endif // ACTNET_FRONTEND_ONNX_IMPORT_H
