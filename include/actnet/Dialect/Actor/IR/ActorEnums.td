//===- ActorEnums.td - enumerations of the actor dialect ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file of their own, because tablegen declares every enumeration that it
// sees, those of included dialects too.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_ACTOR_IR_ACTORENUMS_TD
#define ACTNET_DIALECT_ACTOR_IR_ACTORENUMS_TD

include "mlir/IR/EnumAttr.td"

/// The regions of memory, as in the package.
def Actor_Region : I32EnumAttr<"Region", "", [
    I32EnumAttrCase<"weight", 0>, I32EnumAttrCase<"state", 1>,
    I32EnumAttrCase<"input", 2>, I32EnumAttrCase<"output", 3>,
    I32EnumAttrCase<"scratch", 4>]> {
  let cppNamespace = "::actnet::actor";
  let genSpecializedAttr = 0;
}

#endif // ACTNET_DIALECT_ACTOR_IR_ACTORENUMS_TD
