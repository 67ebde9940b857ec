//===- ActorOps.td - the actor dialect ------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The level that runtime people read: a function is a list of command records,
// one to one those of the package (Package/package.fbs), over slots of an
// arena. Reading a listing tells exactly what the program will do.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_ACTOR_IR_ACTOROPS_TD
#define ACTNET_DIALECT_ACTOR_IR_ACTOROPS_TD

include "actnet/Dialect/Actor/IR/ActorEnums.td"
include "actnet/Dialect/Graph/IR/GraphBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"

def ActorDialect : Dialect {
  let name = "actor";
  let cppNamespace = "::actnet::actor";
  let summary = "Command records over slots of an arena";
  let description = [{
    An `actor.func` is one function of the model as the runtime runs it: it
    declares buffers, then handles records in order. Records of one stream run
    in their order; `signal` and `await` order two streams. Buffers are first
    unplanned; the pass `actor-plan` gives each an offset in its region.

    Named dims and their bounds stand on the module as on the graph level
    (`graph.dims`). Kernels (`kernel.func`) and recipes of weights (`func.func`
    with `graph.recipe`) stand beside the functions. On a planned module,
    `actor.state_bytes` is the size of the region state.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["::actnet::graph::GraphDialect",
                           "::actnet::kernel::KernelDialect"];
  let extraClassDeclaration = [{
    /// Module attribute (i64): bytes of the planned region state.
    static constexpr ::llvm::StringLiteral kStateBytesAttr = "actor.state_bytes";
  }];
}

//===----------------------------------------------------------------------===//
// Types and attributes
//===----------------------------------------------------------------------===//

class Actor_Type<string name, string typeMnemonic> : TypeDef<ActorDialect, name> {
  let mnemonic = typeMnemonic;
}
def Actor_SlotType : Actor_Type<"Slot", "slot"> {
  let summary = "A range of bytes of the arena or of the weights";
}
def Actor_SignalType : Actor_Type<"Signal", "signal"> {
  let summary = "A point in the order of one stream that another can await";
}

def Actor_RegionAttr : EnumAttr<ActorDialect, Actor_Region, "region"> {
  let assemblyFormat = "`` $value";
}

def Actor_TensorAttr : AttrDef<ActorDialect, "Tensor"> {
  let mnemonic = "tensor";
  let summary = "A named tensor of a function's interface";
  let description = [{
    `#actor.tensor<"x", tensor<?x64xf32, #graph.dims<N, 64>>>`.
  }];
  let parameters = (ins StringRefParameter<>:$name, "::mlir::RankedTensorType":$type);
  let assemblyFormat = "`<` $name `,` $type `>`";
}

def Actor_MemoryAttr : AttrDef<ActorDialect, "Memory"> {
  let mnemonic = "memory";
  let summary = "What a function's plan comes to, in bytes";
  let description = [{
    `peak` of the region scratch; `bound`, the largest sum of bytes that live
    at one time, which no plan can beat; `slot`, the inputs and outputs of one
    job in the ring.
  }];
  let parameters = (ins "int64_t":$peak, "int64_t":$bound, "int64_t":$slot);
  let assemblyFormat = "`<` struct(params) `>`";
}

//===----------------------------------------------------------------------===//
// Functions, variables and buffers
//===----------------------------------------------------------------------===//

class Actor_Op<string mnemonic, list<Trait> traits = []> : Op<ActorDialect, mnemonic, traits>;

def Actor_FuncOp : Actor_Op<"func", [
    IsolatedFromAbove, Symbol, SingleBlock, NoTerminator, NoRegionArguments]> {
  let summary = "One function of the model as a list of records";
  let description = [{
    `inputs` and `outputs` are the interface; buffers bind them by index.
    `memory` stands there once the function is planned.

    C1: exactly one `actor.reply`, in the function's own block, and no record
    after it. C2: each input has at most one buffer, each output exactly one.
    C3: with `memory`, every root in input, output and scratch has an offset;
    without it, none has. C4: names of inputs, and of outputs, are distinct.

    ```mlir
    actor.func @main inputs [#actor.tensor<"x", tensor<4xf32>>]
                     outputs [#actor.tensor<"y", tensor<4xf32>>] {
      %x = actor.buffer input 0 size <16>
      %y = actor.buffer output 0 size <16>
      actor.launch @relu(%x, %y) tiles <1>
      actor.reply
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       TypedArrayAttrBase<Actor_TensorAttr, "tensors">:$inputs,
                       TypedArrayAttrBase<Actor_TensorAttr, "tensors">:$outputs,
                       OptionalAttr<Actor_MemoryAttr>:$memory,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `inputs` $inputs `outputs` $outputs (`memory` $memory^)?
    attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
}

def Actor_VariableOp : Actor_Op<"variable", [
    Symbol, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "State that lives from job to job, shared by the functions";
  let description = [{
    Starts as `initial`, a recipe, or as zeros. `offset` is its planned place
    in the region state. `name` is its name in the interface, where the symbol
    had to differ.

    C1: the initial value is a recipe whose result has the variable's type.

    ```mlir
    actor.variable @cache : tensor<128x64xf32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyRankedTensor>:$type,
                       OptionalAttr<FlatSymbolRefAttr>:$initial,
                       OptionalAttr<I64Attr>:$offset, OptionalAttr<StrAttr>:$name);
  let assemblyFormat = [{
    $sym_name `:` $type (`initial` $initial^)? (`offset` $offset^)? attr-dict
  }];
}

def Actor_BufferOp : Actor_Op<"buffer", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "A range of memory with a place of its own";
  let description = [{
    `symbol` is the recipe of a weight or the variable of a state, `index` the
    input or output. `offset` is the planned place in its region (in one slot
    of the ring for inputs and outputs), at the dims' upper bounds.

    C1: stands in the function's own block. C2: `weight` and `state` have a
    symbol, `input` and `output` an index, `scratch` neither. C3: the alignment
    is a power of two up to 4096. C4: the offset is a multiple of it, not
    negative, and given for input, output and scratch only.

    ```mlir
    %w = actor.buffer weight @w0 size <4096>
    %s = actor.buffer scratch size <N * 256> {name = "conv1", offset = 0 : i64}
    ```
  }];
  let arguments = (ins Actor_RegionAttr:$region, OptionalAttr<FlatSymbolRefAttr>:$symbol,
                       OptionalAttr<I64Attr>:$index, Graph_DimExprAttr:$size,
                       DefaultValuedOptionalAttr<I64Attr, "64">:$alignment,
                       OptionalAttr<I64Attr>:$offset, OptionalAttr<StrAttr>:$name);
  let results = (outs Actor_SlotType:$slot);
  let assemblyFormat = "$region ($symbol^)? ($index^)? `size` $size attr-dict";
  let hasVerifier = 1;
}

def Actor_ViewOp : Actor_Op<"view"> {
  let summary = "A part of a buffer";
  let description = [{
    The bytes [offset, offset + size) of `root`. An in-place result is a view
    with offset 0.

    C1: the root is an `actor.buffer`, never itself a view. C2: stands in the
    function's own block. C3: where the numbers are constant, the part lies in
    the root.

    ```mlir
    %v = actor.view %s offset <N * 128> size <N * 128>
    ```
  }];
  let arguments = (ins Actor_SlotType:$root, Graph_DimExprAttr:$offset,
                       Graph_DimExprAttr:$size, OptionalAttr<StrAttr>:$name);
  let results = (outs Actor_SlotType:$slot);
  let assemblyFormat = "$root `offset` $offset `size` $size attr-dict";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Records
//===----------------------------------------------------------------------===//

/// A record runs on a stream of the queue; 0 if not said.
class Actor_Record<string mnemonic, list<Trait> traits = []>
    : Actor_Op<mnemonic, !listconcat(traits, [ParentOneOf<["FuncOp", "BranchOp", "LoopOp"]>])>;
defvar Actor_Stream = DefaultValuedOptionalAttr<I32Attr, "0">;

def Actor_LaunchOp : Actor_Record<"launch", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Runs the tiles of a kernel";
  let description = [{
    Operands are the kernel's operands, then its results; `dims` its index
    arguments. `layer` names the model's nodes, for reports.

    C1: the callee is a kernel.func. C2: as many operands as it has tensors and
    results, as many dims as it has index arguments. C3: results lie in no
    weight and in no input.

    ```mlir
    actor.launch @relu(%x, %y) dims [#graph.expr<N>] tiles <N ceildiv 16> {layer = "relu_1"}
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<Actor_SlotType>:$operands,
                       DefaultValuedOptionalAttr<TypedArrayAttrBase<Graph_DimExprAttr,
                           "dim expressions">, "{}">:$dims,
                       Graph_DimExprAttr:$tiles, OptionalAttr<StrAttr>:$layer,
                       Actor_Stream:$stream);
  let assemblyFormat = [{
    $callee `(` $operands `)` (`dims` $dims^)? `tiles` $tiles attr-dict
  }];
}

def Actor_CopyOp : Actor_Record<"copy"> {
  let summary = "Copies bytes from one slot to the start of another";
  let description = [{
    C1: `bytes` is not more than either holds, where the numbers are constant.
    C2: the destination lies in no weight.

    ```mlir
    actor.copy %x to %y bytes <N * 256>
    ```
  }];
  let arguments = (ins Actor_SlotType:$src, Actor_SlotType:$dst,
                       Graph_DimExprAttr:$bytes, Actor_Stream:$stream);
  let assemblyFormat = "$src `to` $dst `bytes` $bytes attr-dict";
  let hasVerifier = 1;
}

def Actor_FillOp : Actor_Record<"fill"> {
  let summary = "Repeats a pattern of 1, 2, 4 or 8 bytes";
  let description = [{
    The first `width` bytes of `pattern`, little-endian.

    C1: width is 1, 2, 4 or 8. C2: as C1 of copy. C3: as C2 of copy.

    ```mlir
    actor.fill %y with 0 bytes <N * 256> {width = 4 : i64}
    ```
  }];
  let arguments = (ins Actor_SlotType:$dst, I64Attr:$pattern, Graph_DimExprAttr:$bytes,
                       DefaultValuedOptionalAttr<I64Attr, "1">:$width, Actor_Stream:$stream);
  let assemblyFormat = "$dst `with` $pattern `bytes` $bytes attr-dict";
  let hasVerifier = 1;
}

def Actor_CallOp : Actor_Record<"call", [
    AttrSizedOperandSegments, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "What a library may compute, and the kernel that runs where it can't";
  let description = [{
    `config` and `dims` describe the work to the library
    (Package/LibraryCall.h). The algorithm is chosen when the program is loaded,
    by shape alone. Where the library is missing, or has no algorithm, the
    kernel behind `else` runs on the same operands, `ins` and then `outs`, with
    the dims behind `with`. `workspace` is a scratch buffer that holds nothing
    before and after; calls of a stream share one.

    C1: the kernel behind `else` is one that `actor.launch` could launch so (C1
    to C3 there), and has tiles. C2: the workspace lies in scratch, is no view
    and no operand. C3: outputs lie in no weight and in no input. C4: the config
    of a library that the runtime knows is one that it understands, with as many
    dims as it takes.

    ```mlir
    actor.call "cublasLt" "matmul" ins(%a, %b) outs(%d) workspace(%w)
        dims [#graph.expr<512>, #graph.expr<N * 128>, #graph.expr<256>, #graph.expr<1>, #graph.expr<512>,
              #graph.expr<256>, #graph.expr<512>, #graph.expr<0>, #graph.expr<0>, #graph.expr<0>]
        else @contract_0 with [#graph.expr<N>] tiles <N * 4> {config = "d=2:f32 a=1:f32 b=0:f32"}
    ```
  }];
  let arguments = (ins StrAttr:$library, StrAttr:$entry, Variadic<Actor_SlotType>:$inputs,
                       Variadic<Actor_SlotType>:$outputs, Optional<Actor_SlotType>:$workspace,
                       DefaultValuedOptionalAttr<TypedArrayAttrBase<Graph_DimExprAttr,
                           "dim expressions">, "{}">:$dims,
                       OptionalAttr<StrAttr>:$config, OptionalAttr<FlatSymbolRefAttr>:$fallback,
                       DefaultValuedOptionalAttr<TypedArrayAttrBase<Graph_DimExprAttr,
                           "dim expressions">, "{}">:$fallback_dims,
                       OptionalAttr<Graph_DimExprAttr>:$tiles, OptionalAttr<StrAttr>:$layer,
                       Actor_Stream:$stream);
  let assemblyFormat = [{
    $library $entry `ins` `(` $inputs `)` `outs` `(` $outputs `)`
    (`workspace` `(` $workspace^ `)`)? (`dims` $dims^)? (`else` $fallback^)?
    (`with` $fallback_dims^)? (`tiles` $tiles^)? attr-dict
  }];
  let hasVerifier = 1;
}

def Actor_SignalOp : Actor_Record<"signal"> {
  let summary = "Marks this point of its stream";
  let description = "```mlir\n%s = actor.signal {stream = 1 : i32}\n```";
  let arguments = (ins Actor_Stream:$stream);
  let results = (outs Actor_SignalType:$signal);
  let assemblyFormat = "attr-dict";
}

def Actor_AwaitOp : Actor_Record<"await"> {
  let summary = "Holds its stream until the signal's stream has reached the signal";
  let description = "```mlir\nactor.await %s\n```";
  let arguments = (ins Actor_SignalType:$signal, Actor_Stream:$stream);
  let assemblyFormat = "$signal attr-dict";
}

def Actor_BranchOp : Actor_Record<"branch", [SingleBlock, NoTerminator, NoRegionArguments]> {
  let summary = "Chooses a block of records by one element";
  let description = [{
    `type` is the element type of `condition`. Bool: block 0 if true, else
    block 1 or nothing. Integer: that block, the last one if out of range.

    C1: at least one block; at most two if bool. C2: the type is i1, i32 or i64.

    ```mlir
    actor.branch %c : i1 { actor.copy %a to %y bytes <16> }, { actor.copy %b to %y bytes <16> }
    ```
  }];
  let arguments = (ins Actor_SlotType:$condition, TypeAttr:$type, Actor_Stream:$stream);
  let regions = (region VariadicRegion<SizedRegion<1>>:$blocks);
  let assemblyFormat = "$condition `:` $type attr-dict-with-keyword $blocks";
  let hasVerifier = 1;
}

def Actor_LoopOp : Actor_Record<"loop", [
    SingleBlock, NoTerminator, NoRegionArguments, AttrSizedOperandSegments]> {
  let summary = "Repeats a block of records";
  let description = [{
    At most `trips` times; with a `condition` (a bool, read before each round)
    only while it is true. `counter` (an i64) holds the number of the round.
    `carried` are roots whose bytes one round leaves to the next.

    C1: trips or a condition. C2: carried slots are roots.

    ```mlir
    actor.loop trips <8> while %c counter %i carried(%h) { actor.launch @step(%h, %h2) tiles <1> }
    ```
  }];
  let arguments = (ins OptionalAttr<Graph_DimExprAttr>:$trips,
                       Optional<Actor_SlotType>:$condition, Optional<Actor_SlotType>:$counter,
                       Variadic<Actor_SlotType>:$carried, Actor_Stream:$stream);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`trips` $trips^)? (`while` $condition^)? (`counter` $counter^)?
    (`carried` `(` $carried^ `)`)? attr-dict-with-keyword $body
  }];
  let hasVerifier = 1;
}

def Actor_ReplyOp : Actor_Record<"reply"> {
  let summary = "The outputs are complete: the sender may be answered";
  let description = "```mlir\nactor.reply\n```";
  let arguments = (ins Actor_Stream:$stream);
  let assemblyFormat = "attr-dict";
}

#endif // ACTNET_DIALECT_ACTOR_IR_ACTOROPS_TD
