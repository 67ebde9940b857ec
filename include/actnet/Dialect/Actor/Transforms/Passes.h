//===- Passes.h - passes over command records -----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The passes that take an unplanned actor module to a planned one.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_ACTOR_TRANSFORMS_PASSES_H
#define ACTNET_DIALECT_ACTOR_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <memory>

namespace actnet::actor {

#define GEN_PASS_DECL
#include "actnet/Dialect/Actor/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "actnet/Dialect/Actor/Transforms/Passes.h.inc"

} // namespace actnet::actor

#endif // ACTNET_DIALECT_ACTOR_TRANSFORMS_PASSES_H
