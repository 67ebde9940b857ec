//===- CUDACodegen.cpp - kernels to their families ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Codegen/CUDA/CUDACodegen.h"

#include "FamilyPrinter.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

/// What every family needs.
static LogicalResult check(kernel::FuncOp kernel) {
  StringRef name = kernel.getSymName();
  if (name.empty() || llvm::isDigit(name[0]) ||
      !llvm::all_of(name, [](char c) { return llvm::isAlnum(c) || c == '_'; }))
    return kernel.emitError()
           << "the CUDA code generator needs a name that is an identifier of C";
  if (kernel.getResultTypes().empty())
    return kernel.emitError()
           << "the CUDA code generator needs a kernel that writes something";
  return success();
}

static std::unique_ptr<FamilyPrinter> makePrinter(kernel::FuncOp kernel) {
  if (failed(check(kernel)))
    return nullptr;
  switch (kernel.getFamily()) {
  case kernel::Family::map:
    return makeMapPrinter(kernel);
  case kernel::Family::reduce:
    return makeReducePrinter(kernel);
  case kernel::Family::row:
    return makeRowPrinter(kernel);
  case kernel::Family::depthwise:
  case kernel::Family::pool:
    return makeWindowPrinter(kernel);
  case kernel::Family::contract:
    return makeContractPrinter(kernel);
  case kernel::Family::conv:
    return makeConvPrinter(kernel);
  case kernel::Family::attention:
    return makeAttentionPrinter(kernel);
  case kernel::Family::scatter:
    return makeScatterPrinter(kernel);
  }
  return nullptr;
}

LogicalResult actnet::cuda::scheduleCuda(kernel::FuncOp kernel) {
  std::unique_ptr<FamilyPrinter> printer = makePrinter(kernel);
  return printer ? printer->schedule() : failure();
}

FailureOr<std::string> actnet::cuda::emitCuda(kernel::FuncOp kernel) {
  std::unique_ptr<FamilyPrinter> printer = makePrinter(kernel);
  if (!printer)
    return failure();
  return printer->emit();
}
