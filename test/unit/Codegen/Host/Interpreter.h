//===- Interpreter.h - kernel bodies, one element after the other ---------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reference for generated code: evaluates each op of a kernel body on
// whole tensors of doubles, by its definition. Slow and plain on purpose.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_TEST_UNIT_CODEGEN_HOST_INTERPRETER_H
#define ACTNET_TEST_UNIT_CODEGEN_HOST_INTERPRETER_H

#include "actnet/Dialect/Kernel/IR/KernelOps.h"

#include <vector>

namespace actnet::testing {

/// A dense row-major tensor; every element type as double.
struct Tensor {
  std::vector<int64_t> shape;
  std::vector<double> data;

  int64_t size() const {
    int64_t count = 1;
    for (int64_t extent : shape)
      count *= extent;
    return count;
  }
};

/// The results of a kernel for these operands and index arguments, each
/// operation rounded to f32 where that is its type, or in float64 all through.
std::vector<Tensor> interpret(kernel::FuncOp kernel,
                              const std::vector<Tensor> &operands,
                              const std::vector<int64_t> &dims,
                              bool isRounded = true);

} // namespace actnet::testing

#endif // ACTNET_TEST_UNIT_CODEGEN_HOST_INTERPRETER_H
