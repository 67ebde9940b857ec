//===- Precision.cpp - the types that --precision names -------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "actnet/Dialect/Graph/IR/Precision.h"

using namespace mlir;

FailureOr<FloatType>
actnet::graph::parseNarrowType(Operation *op, StringRef pass, StringRef name) {
  if (name == "bf16")
    return FloatType(BFloat16Type::get(op->getContext()));
  if (name == "f16")
    return FloatType(Float16Type::get(op->getContext()));
  if (name == "f32")
    return FloatType();
  return op->emitError(pass)
         << ": expected type f32, bf16 or f16, found '" << name << "'";
}
