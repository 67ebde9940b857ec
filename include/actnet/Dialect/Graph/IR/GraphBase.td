//===- GraphBase.td - the graph dialect, its attributes and base classes --===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The level that model people read: pure tensor operations with named dims
// and no memory. Ops stand in one file per family; this file holds what the
// families share.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_GRAPH_IR_GRAPHBASE_TD
#define ACTNET_DIALECT_GRAPH_IR_GRAPHBASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/TensorEncoding.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def GraphDialect : Dialect {
  let name = "graph";
  let cppNamespace = "::actnet::graph";
  let summary = "Tensor computation with named dims, pure and without memory";
  let description = [{
    One op is one tensor operation of the model. Values are builtin tensors;
    a dynamic dim has a name, kept in the type's encoding:
    `tensor<?x768xf32, #graph.dims<N, 768>>`. Static tensors carry no
    encoding. Names and bounds stand on the module:
    `graph.dims = {N = array<i64: 1, 64>}` (upper bound -1: unbounded).

    Functions are `func.func`. Arguments and results carry `graph.name`; an
    argument with `graph.variable = "v"` is a named variable, and a result
    with `graph.tied = 2` is the next value of the variable of argument 2.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let dependentDialects = ["::mlir::func::FuncDialect"];
  let extraClassDeclaration = [{
    /// Module attribute: dictionary of dim name to array<i64: lower, upper>.
    static constexpr ::llvm::StringLiteral kDimsAttr = "graph.dims";
    /// Argument and result attribute: name in the model's interface.
    static constexpr ::llvm::StringLiteral kNameAttr = "graph.name";
    /// Argument attribute: name of the variable that the argument holds.
    static constexpr ::llvm::StringLiteral kVariableAttr = "graph.variable";
    /// Result attribute: index of the variable argument that it updates.
    static constexpr ::llvm::StringLiteral kTiedAttr = "graph.tied";
    /// Function attribute: array of `{extent, least, message}`: an expression
    /// that must not be below `least` when the dims are bound.
    static constexpr ::llvm::StringLiteral kChecksAttr = "graph.checks";
    /// Function attribute (unit): a private function without arguments, of
    /// graph ops on constants, evaluated while the package is written.
    static constexpr ::llvm::StringLiteral kRecipeAttr = "graph.recipe";

    /// Where the bytes of `#graph.weight` come from; one for each context.
    WeightStore &getWeightStore() { return *weightStore; }

  private:
    void registerAttributes();
    void registerOps();
    ::std::shared_ptr<WeightStore> weightStore;

  public:
  }];
}

class Graph_Attr<string name, string attrMnemonic, list<Trait> traits = []>
    : AttrDef<GraphDialect, name, traits> {
  let mnemonic = attrMnemonic;
}

//===----------------------------------------------------------------------===//
// Dims
//===----------------------------------------------------------------------===//

def Graph_DimExprAttr : Graph_Attr<"DimExpr", "expr"> {
  let summary = "An integer expression over dim names, in normal form";
  let description = [{
    A polynomial with integer coefficients over atoms: dim names and
    `floordiv`, `ceildiv`, `mod`, `min`, `max` of expressions. Two expressions
    that are equal as polynomials are the same attribute. Build them with the
    functions of DimExpr.h, never with `get`.

    Example: `#graph.expr<N * 768 + 1>`, `#graph.expr<(N + 1) floordiv 2>`.
  }];
  let parameters = (ins "::actnet::graph::DimExprKind":$kind, "int64_t":$value,
                        "::mlir::StringAttr":$name,
                        ArrayRefParameter<"::mlir::Attribute">:$operands);
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    bool isConstant() const { return getKind() == DimExprKind::Constant; }
    bool isSymbol() const { return getKind() == DimExprKind::Symbol; }
    /// The i-th operand, itself a DimExprAttr.
    DimExprAttr getOperand(unsigned i) const;
  }];
}

def Graph_DimsAttr : Graph_Attr<"Dims", "dims", [
    DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let summary = "The dims of a tensor, one expression each";
  let description = [{
    As a tensor's encoding it names each dynamic dim:
    `tensor<?x768xf32, #graph.dims<N, 768>>`. C1: as many expressions as the
    rank. C2: a constant expression exactly where the dim is static, and equal
    to it.
  }];
  let parameters = (ins ArrayRefParameter<"::actnet::graph::DimExprAttr">:$dims);
  let hasCustomAssemblyFormat = 1;
}

def Graph_WeightAttr : Graph_Attr<"Weight", "weight"> {
  let summary = "A tensor's bytes in a file or a registered buffer, by reference";
  let description = [{
    `#graph.weight<"model.onnx", 4096, 2359296>`: file (or `buffer:KEY` for
    memory registered with the dialect's WeightStore), byte offset, length in
    bytes. The element type and shape are those of the constant that holds it,
    row-major, little-endian.
  }];
  let parameters = (ins StringRefParameter<>:$file, "int64_t":$offset, "int64_t":$bytes);
  let assemblyFormat = "`<` $file `,` $offset `,` $bytes `>`";
}

//===----------------------------------------------------------------------===//
// Enumerations
//===----------------------------------------------------------------------===//

class Graph_Enum<string name, list<string> cases>
    : I32EnumAttr<name, "", !foreach(i, !range(!size(cases)),
        I32EnumAttrCase<cases[i], i>)> {
  let cppNamespace = "::actnet::graph";
  let genSpecializedAttr = 0;
}
class Graph_EnumAttr<EnumAttrInfo info, string mnemonic>
    : EnumAttr<GraphDialect, info, mnemonic>;

def Graph_ComparePredicate : Graph_Enum<"ComparePredicate",
    ["eq", "ne", "lt", "le", "gt", "ge"]>;
def Graph_ComparePredicateAttr : Graph_EnumAttr<Graph_ComparePredicate, "predicate"> {
  let assemblyFormat = "$value";
}
def Graph_ReduceKind : Graph_Enum<"ReduceKind",
    ["sum", "prod", "max", "min", "mean", "any", "all", "sumsq", "l1", "l2", "logsumexp"]>;
def Graph_ReduceKindAttr : Graph_EnumAttr<Graph_ReduceKind, "reduce_kind"> {
  let assemblyFormat = "$value";
}
def Graph_PoolKind : Graph_Enum<"PoolKind", ["max", "avg"]>;
def Graph_PoolKindAttr : Graph_EnumAttr<Graph_PoolKind, "pool_kind"> {
  let assemblyFormat = "$value";
}
def Graph_PadMode : Graph_Enum<"PadMode", ["constant", "reflect", "edge", "wrap"]>;
def Graph_PadModeAttr : Graph_EnumAttr<Graph_PadMode, "pad_mode"> {
  let assemblyFormat = "$value";
}

def Graph_ScatterKind : Graph_Enum<"ScatterKind", ["set", "add", "mul", "min", "max"]>;
def Graph_ScatterKindAttr : Graph_EnumAttr<Graph_ScatterKind, "scatter_kind"> {
  let assemblyFormat = "$value";
}

//===----------------------------------------------------------------------===//
// Op classes
//===----------------------------------------------------------------------===//

/// The element types of the package's DType; signless integers are signed, i1
/// is bool.
def Graph_Tensor : RankedTensorOf<[F32, F64, F16, BF16, I1, I8, I16, I32, I64,
                                   UI8, UI16, UI32, UI64]>;

/// Ops whose result types follow from operands and attributes.
class Graph_InferredOp<string mnemonic, list<Trait> traits = []>
    : Op<GraphDialect, mnemonic, !listconcat(traits, [Pure,
        DeclareOpInterfaceMethods<InferTypeOpInterface>])>;

/// Ops whose result type is part of the op (reshape, broadcast, iota …).
class Graph_TypedOp<string mnemonic, list<Trait> traits = []>
    : Op<GraphDialect, mnemonic, !listconcat(traits, [Pure])> {
  let hasVerifier = 1;
}

#endif // ACTNET_DIALECT_GRAPH_IR_GRAPHBASE_TD
