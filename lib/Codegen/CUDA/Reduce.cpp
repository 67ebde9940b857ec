//===- Reduce.cpp - reductions --------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "FamilyPrinter.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

std::unique_ptr<FamilyPrinter>
actnet::cuda::makeReducePrinter(kernel::FuncOp kernel) {
  kernel.emitError() << "the CUDA code generator does not print kernels of "
                        "family "
                     << kernel::stringifyFamily(kernel.getFamily());
  return nullptr;
}
