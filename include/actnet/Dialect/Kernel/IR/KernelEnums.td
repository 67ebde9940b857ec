//===- KernelEnums.td - enumerations of the kernel dialect ----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A file of their own, because tablegen declares every enumeration that it
// sees, those of included dialects too.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_KERNEL_IR_KERNELENUMS_TD
#define ACTNET_DIALECT_KERNEL_IR_KERNELENUMS_TD

include "mlir/IR/EnumAttr.td"

def Kernel_Family : I32EnumAttr<"Family", "", [
    I32EnumAttrCase<"map", 0>, I32EnumAttrCase<"reduce", 1>,
    I32EnumAttrCase<"row", 2>, I32EnumAttrCase<"contract", 3>,
    I32EnumAttrCase<"conv", 4>, I32EnumAttrCase<"depthwise", 5>,
    I32EnumAttrCase<"pool", 6>, I32EnumAttrCase<"attention", 7>,
    I32EnumAttrCase<"scatter", 8>]> {
  let cppNamespace = "::actnet::kernel";
  let genSpecializedAttr = 0;
}

#endif // ACTNET_DIALECT_KERNEL_IR_KERNELENUMS_TD
