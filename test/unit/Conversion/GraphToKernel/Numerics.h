//===- Numerics.h - a graph function, evaluated and compiled --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Holds what compiled programs compute to what the reference evaluator says:
// one function of graph ops is evaluated, then taken through all phases to a
// package, which runs through the C API on the same inputs.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_TEST_UNIT_CONVERSION_GRAPHTOKERNEL_NUMERICS_H
#define ACTNET_TEST_UNIT_CONVERSION_GRAPHTOKERNEL_NUMERICS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"

#include <map>
#include <string>
#include <vector>

namespace actnet::numerics {

/// Values of the named dims of one run.
using Dims = std::map<std::string, int64_t>;

/// The context that all tests of a process share.
mlir::MLIRContext &getContext();

/// Writes types out: `f32[N,8]` becomes `tensor<?x8xf32, #graph.dims<N, 8>>`,
/// `f32[]` becomes `tensor<f32>`.
std::string expandTypes(llvm::StringRef text);

/// Makes a module of one function `main` from its arguments and operations,
/// both with short types. Its results are the values that nothing uses, in
/// order. Null, with a test failure, where the text does not parse.
mlir::OwningOpRef<mlir::ModuleOp> makeModule(llvm::StringRef arguments,
                                             llvm::StringRef body);

/// The same for a whole function in text.
mlir::OwningOpRef<mlir::ModuleOp> parseModule(llvm::StringRef text);

/// Returns the values that nothing uses from `main`, and names arguments and
/// results; the block has no terminator yet, or one without operands.
void finishFunction(mlir::ModuleOp module);

/// Evaluates and runs `main` for each of the dims and compares all outputs;
/// differences are test failures. Floats may differ by `tolerance` times the
/// largest absolute value of the output, or times 0.1 if that is less (for f16
/// and bf16 by two roundings at least), integers by nothing.
void check(mlir::ModuleOp module, const std::vector<Dims> &runs,
           double tolerance = 1e-5);

/// Compiles `main` and returns the first error, empty where it compiles.
std::string compileError(mlir::ModuleOp module);

} // namespace actnet::numerics

#endif // ACTNET_TEST_UNIT_CONVERSION_GRAPHTOKERNEL_NUMERICS_H
