//===- Operators.cpp - which operators there are, for people --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The names are those of the import functions; here stands only what these do
// not say by themselves.
//
//===----------------------------------------------------------------------===//

#include "Importer.h"

#include "actnet/Frontend/ONNX/Import.h"

#include "llvm/ADT/StringSwitch.h"

namespace actnet::onnx {

/// The opset that an operator came with, where that is not before the oldest.
static int64_t since(llvm::StringRef name) {
  return llvm::StringSwitch<int64_t>(name)
      .Case("Expand", 8)
      .Cases({"ConstantOfShape", "Erf", "IsNaN", "Sign", "Where"}, 9)
      .Case("Scatter", 9)
      .Case("Mod", 10)
      .Cases({"GatherElements", "Range", "Round"}, 11)
      .Cases({"GatherND", "ScatterElements", "ScatterND"}, 11)
      .Cases({"Einsum", "GreaterOrEqual", "LessOrEqual"}, 12)
      .Cases({"HardSwish", "Trilu"}, 14)
      .Case("LayerNormalization", 17)
      .Cases({"BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor"}, 18)
      .Case("GroupNormalization", 18)
      .Case("Gelu", 20)
      .Case("RMSNormalization", 23)
      .Case("TensorScatter", 24)
      .Default(kOldestOpset);
}

/// The element types of the data that an operator works on.
static llvm::StringRef types(llvm::StringRef name) {
  return llvm::StringSwitch<llvm::StringRef>(name)
      .Cases({"And", "Not", "Or", "Xor"}, "bool")
      .Cases({"BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor"},
             "integers")
      .Cases({"Cast", "Concat", "Constant", "ConstantOfShape", "Dropout"},
             "all")
      .Cases({"Equal", "Expand", "Flatten", "Gather", "GatherElements"}, "all")
      .Cases({"GatherND", "Scatter", "ScatterElements", "ScatterND"}, "all")
      .Case("TensorScatter", "all")
      .Cases({"Identity", "Pad", "Reshape", "Shape", "Size", "Slice", "Split"},
             "all")
      .Cases({"Squeeze", "Transpose", "Trilu", "Unsqueeze", "Where"}, "all")
      .Cases({"AveragePool", "BatchNormalization", "Ceil", "Conv",
              "ConvTranspose"},
             "floats")
      .Case("Cos", "floats")
      .Cases({"Elu", "Erf", "Exp", "Floor", "Gelu", "GlobalAveragePool"},
             "floats")
      .Cases({"GroupNormalization", "HardSigmoid", "HardSwish"}, "floats")
      .Cases({"InstanceNormalization", "IsNaN", "LayerNormalization"}, "floats")
      .Cases({"Log", "LogSoftmax", "RMSNormalization", "Reciprocal"}, "floats")
      .Cases({"ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMean"},
             "floats")
      .Cases({"Round", "Sigmoid", "Sin", "Softmax", "Softplus", "Sqrt"},
             "floats")
      .Case("Tanh", "floats")
      .Default("numbers");
}

static llvm::StringRef limits(llvm::StringRef name) {
  return llvm::StringSwitch<llvm::StringRef>(name)
      .Case("Dropout", "for inference: the identity, without the mask")
      .Case("Einsum", "one or two operands, letters once in each, no `...`")
      .Case("Conv", "a static filter; auto_pad SAME_UPPER and SAME_LOWER with "
                    "a stride above 1: static spatial extents")
      .Cases({"AveragePool", "MaxPool"},
             "auto_pad SAME_UPPER and SAME_LOWER with a stride above 1: static "
             "spatial extents; no output Indices")
      .Case("ConvTranspose",
            "a static filter; output_shape with static spatial extents")
      .Cases({"Scatter", "ScatterElements", "ScatterND"},
             "an index outside its dim: the update is left out")
      .Cases({"Gather", "GatherElements", "GatherND"},
             "an index outside its dim: the nearest element")
      .Case("BatchNormalization",
            "for inference; spatial, of opset 7 and 8, is 1")
      .Cases({"LayerNormalization", "RMSNormalization"}, "the first output")
      .Case("GroupNormalization",
            "before opset 21 scale and bias are those of groups")
      .Case("InstanceNormalization", "a static number of channels")
      .Cases({"Expand", "Reshape", "Slice", "ConstantOfShape"},
             "shapes follow from constants and shapes, not from data")
      .Case("Split", "shapes follow from constants and shapes, not from data; "
                     "parts behind the dim's end are empty")
      .Case("Pad", "pads are numbers once the dims of --dim are; a constant "
                   "value; modes other than constant pad dims of static extent")
      .Case("Range", "start and limit follow from constants and shapes, for "
                     "floats from constants; a constant delta")
      .Cases({"Cos", "Sin"}, "double: up to 2^30 in magnitude")
      .Cases({"Squeeze", "Unsqueeze", "ReduceSum", "ReduceMean"},
             "constant axes")
      .Default("");
}

std::string describeOperators() {
  ImportTable table;
  addElementwise(table);
  addContract(table);
  addMovement(table);
  addReduceAndNorm(table);
  addScatter(table);
  llvm::SmallVector<llvm::StringRef> names(table.keys());
  llvm::sort(names);
  std::string text;
  llvm::raw_string_ostream out(text);
  out << "<!-- Made by `actnet-compile --list-operators`: do not edit. -->\n\n"
         "# ONNX operators\n\n"
         "Models of opset "
      << kOldestOpset << " to " << kNewestOpset
      << ", default domain. An operator that is not in this list is an error "
         "that\nnames it and its nodes; so is an attribute, an operand or an "
         "output that the\noperator does not have at the model's opset.\n\n"
         "Shapes may be computed from shapes: by Shape, Gather, Slice, Split, "
         "Concat, sums,\nproducts and quotients, Min, Max, Where and "
         "comparisons that the dims decide, by floats\nthat hold a dim times "
         "or over a small number, and by any operator from constants\nalone. "
         "Where dims must be equal for an operator and nothing shows that they "
         "are, the\nprogram checks it when it sees them. A static extent is "
         "a number in the file or of\n`--dim NAME=NUMBER`.\n\n"
         "Types: *floats* are float, double, float16 and bfloat16; *integers* "
         "are int8 to\nint64 and uint8 to uint64; *numbers* are both, *all* "
         "are numbers and bool.\n\n"
         "| operator | opsets | types | limits |\n|---|---|---|---|\n";
  for (llvm::StringRef name : names)
    out << "| " << name << " | " << since(name) << " to " << kNewestOpset
        << " | " << types(name) << " | " << limits(name) << " |\n";
  return text;
}

} // namespace actnet::onnx
