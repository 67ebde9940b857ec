//===- DimBinder.h - from the shapes of inputs to the values of dims ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef ACTNET_RUNTIME_SESSION_DIMBINDER_H
#define ACTNET_RUNTIME_SESSION_DIMBINDER_H

#include "actnet/Runtime/Session/Program.h"

#include <span>
#include <vector>

namespace actnet::rt {

/// Checks type, rank and extents of one input against its declaration, with
/// the extents' bounds at `exprs` (see pkg::exprRanges).
/// Errors: invalidArgument, one line: the input, the axis, what was expected
/// and what came.
Status checkInput(const TensorDesc &input, std::span<const pkg::Range> exprs,
                  actnet_dtype dtype, const int64_t *shape, int32_t rank);

/// What bindDims computes with, so that it allocates nothing the next time.
struct BindScratch {
  pkg::ExprValues values;
  std::vector<uint8_t> reads, needed;
};

/// Finds the value of every dim from the shapes of a function's inputs, which
/// have passed checkInput. An extent that is a dim gives its value; one that is
/// another expression of a single dim is solved for it, as far as it grows with
/// the dim; all others are checked. A dim that no input fixes has its lower
/// bound, or 1. `values` and `scratch` are resized once and reused.
/// Errors: invalidArgument when inputs disagree or a dim is out of its bounds,
/// and the message of a check of the function that does not hold.
Status bindDims(const Program &program, const FunctionDesc &function,
                std::span<const pkg::Range> dims,
                std::span<const std::vector<int64_t>> shapes,
                std::vector<int64_t> &values, BindScratch &scratch);

} // namespace actnet::rt

#endif // ACTNET_RUNTIME_SESSION_DIMBINDER_H
