//===- KernelOps.td - the kernel dialect ----------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The level that compiler people read: the model is a list of dispatches, and
// each device kernel is an isolated function of one family with a schedule.
//
//===----------------------------------------------------------------------===//

#ifndef ACTNET_DIALECT_KERNEL_IR_KERNELOPS_TD
#define ACTNET_DIALECT_KERNEL_IR_KERNELOPS_TD

include "actnet/Dialect/Graph/IR/GraphBase.td"
include "actnet/Dialect/Kernel/IR/KernelEnums.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/FunctionInterfaces.td"

def KernelDialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::actnet::kernel";
  let summary = "Device kernels as functions of a family, and their dispatches";
  let description = [{
    A `kernel.func` computes result tensors from operand tensors with upstream
    linalg, tensor, arith and math ops; what linalg lacks are ops of this
    dialect. Its types carry no encodings: dynamic dims come as index
    arguments, in order after the tensors. Which argument a dynamic dim is,
    stands in the argument's attribute `kernel.dims = #graph.dims<d0, 64>`,
    where `d0`, `d1` … are the index arguments in order. An operand that is
    not dense row-major carries `kernel.strides = #graph.dims<…>`: element
    strides of all dims, the innermost 1. Result i's dims and strides stand in
    the result attributes of the same names.

    The function around the dispatches keeps the named dims of the graph level
    on its tensor types. A module whose kernels are for CUDA carries
    `kernel.target = "cuda"`; without it they are the host's.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::actnet::graph::GraphDialect",
                           "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
                           "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
                           "::mlir::tensor::TensorDialect"];
  let extraClassDeclaration = [{
    static constexpr ::llvm::StringLiteral kDimsAttr = "kernel.dims";
    static constexpr ::llvm::StringLiteral kStridesAttr = "kernel.strides";
    /// On modules: "cuda"; none: the kernels are the host's.
    static constexpr ::llvm::StringLiteral kTargetAttr = "kernel.target";
  }];
}

//===----------------------------------------------------------------------===//
// Families and schedules
//===----------------------------------------------------------------------===//

def Kernel_FamilyAttr : EnumAttr<KernelDialect, Kernel_Family, "family"> {
  let description = [{
    The form that the verifier holds a body to. In all forms elementwise
    `linalg.generic` (all iterators parallel; indexing maps are permutations,
    broadcasts, constant offsets and strides), `tensor.empty`, `linalg.fill`,
    `tensor.extract_slice`, `tensor.pad` and constants are free as prologue
    and epilogue. A generic may read with `tensor.extract` (gather) and
    `linalg.index`.

    - map: elementwise generics only.
    - reduce: one generic with reduction iterators.
    - row: any number of generics whose reductions run over the same trailing
      dims of one iteration space (softmax, norms); leading dims are the rows.
    - contract: one generic, body multiply and add, iterators (batch…, m…, n,
      k…) found by how the operands use them: batch in both operands and the
      result, m in the left and the result, n in the right and the result, k
      in both operands only. The right operand is read as it stands, or packed
      by 16 columns: map `(n floordiv 16, k…, n mod 16)`.
    - conv: one generic over (n, oh, ow, o, kh, kw, i), channels last: input
      map `(n, oh*s + kh*d, ow*s + kw*d, i)`, through `tensor.pad` where the
      convolution is padded, filter map `(o floordiv 16, kh, kw, i, o mod 16)`.
      With groups: (n, oh, ow, g, o, kh, kw, i), input channels expanded to
      (g, i) and output channels to (g, o), filter
      `(g, o floordiv 16, kh, kw, i, o mod 16)`. For cuda the filter map is
      `(kh, kw, i, o)`, with groups `(g, kh, kw, i, o)`.
    - depthwise: one generic over (n, oh, ow, c, kh, kw): filter map `(kh, kw, c)`.
    - pool: as depthwise, but a max or an add without filter; the window is an
      empty tensor of its extents.
    - attention: one `kernel.attention`.
    - scatter: one `kernel.scatter` on three operands, and nothing else.
  }];
  let assemblyFormat = "`<` $value `>`";
}

//===----------------------------------------------------------------------===//
// Operations
//===----------------------------------------------------------------------===//

def Kernel_FuncOp : Op<KernelDialect, "func", [
    IsolatedFromAbove, Symbol, FunctionOpInterface, OpAsmOpInterface]> {
  let summary = "One device kernel";
  let description = [{
    Arguments: the operand tensors, then dims as `index`. Results: the tensors
    it writes, destination style in the machine's terms: a launch passes
    pointers of operands, then of results, which alias no operand except the
    pairs of `inplace`, `[operand, result, …]` flattened: result may be
    written over operand, because every element is read before, and only by
    the tile that writes it.

    `tiles` is the number of tiles in terms of `d0`, `d1` …; `scratch` the
    bytes of scratch that one thread (host) needs; `schedule` what the code
    generator of the target asks for. The schedule pass sets all three.

    C1: one block, ended by `kernel.yield` of the results' types. C2: tensor
    arguments precede index arguments. C3: no encodings. C4: the family's form.

    ```mlir
    kernel.func @relu(%x: tensor<?x64xf32> {kernel.dims = #graph.dims<d0, 64>}, %d0: index)
        -> (tensor<?x64xf32> {kernel.dims = #graph.dims<d0, 64>})
        attributes {family = #kernel.family<map>} {
      %c0 = arith.constant 0.0 : f32
      %e = tensor.empty(%d0) : tensor<?x64xf32>
      %y = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
             iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x64xf32>) outs(%e : tensor<?x64xf32>) {
      ^bb0(%a: f32, %o: f32):
        %m = arith.maximumf %a, %c0 : f32
        linalg.yield %m : f32
      } -> tensor<?x64xf32>
      kernel.yield %y : tensor<?x64xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       TypeAttrOf<FunctionType>:$function_type,
                       Kernel_FamilyAttr:$family,
                       OptionalAttr<DictionaryAttr>:$schedule,
                       OptionalAttr<Graph_DimExprAttr>:$tiles,
                       OptionalAttr<I64Attr>:$scratch,
                       OptionalAttr<DenseI64ArrayAttr>:$inplace,
                       OptionalAttr<StrAttr>:$sym_visibility,
                       OptionalAttr<DictArrayAttr>:$arg_attrs,
                       OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::FunctionType":$type,
                                 "Family":$family)>];
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Region *getCallableRegion() { return &getBody(); }
    /// Number of tensor arguments; index arguments follow.
    unsigned getNumOperandTensors();
    /// Dims of argument or result tensor i, in terms of d0, d1 ….
    ::llvm::SmallVector<graph::DimExprAttr> getArgDims(unsigned i);
    ::llvm::SmallVector<graph::DimExprAttr> getResultDims(unsigned i);
    /// Element strides of argument or result tensor i; dense if not given.
    ::llvm::SmallVector<graph::DimExprAttr> getArgStrides(unsigned i);
    ::llvm::SmallVector<graph::DimExprAttr> getResultStrides(unsigned i);
    static ::llvm::StringRef getDefaultDialect() { return "kernel"; }
  }];
}

def Kernel_YieldOp : Op<KernelDialect, "yield", [Pure, Terminator, ReturnLike,
                                                 ParentOneOf<["FuncOp", "ScatterOp"]>]> {
  let summary = "The results of a kernel, or of the region of one of its ops";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

def Kernel_DispatchOp : Op<KernelDialect, "dispatch", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "Calls a kernel";
  let description = [{
    `dims` gives the kernel's index arguments in terms of the model's dims.
    `layer` names the model's nodes that the call computes, for reports.

    C1: the callee is a kernel.func with as many tensor operands, dims and
    results. C2: operand and result types agree with the callee's up to
    encodings, and their dims with the callee's after substitution.

    ```mlir
    %y = kernel.dispatch @relu(%x) dims [#graph.expr<N>] {layer = "relu_1"}
       : (tensor<?x64xf32, #graph.dims<N, 64>>) -> tensor<?x64xf32, #graph.dims<N, 64>>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyRankedTensor>:$operands,
                       DefaultValuedOptionalAttr<TypedArrayAttrBase<Graph_DimExprAttr,
                           "dim expressions">, "{}">:$dims,
                       OptionalAttr<StrAttr>:$layer);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = "$callee `(` $operands `)` (`dims` $dims^)? attr-dict `:` functional-type($operands, $results)";
}

def Kernel_WeightOp : Op<KernelDialect, "weight", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "A weight, made by a recipe";
  let description = [{
    The recipe is a private function with `graph.recipe`; the package writer
    evaluates it. C1: the callee is a recipe whose one result has this type.
  }];
  let arguments = (ins FlatSymbolRefAttr:$recipe);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$recipe attr-dict `:` type($result)";
}

def Kernel_ViewOp : Op<KernelDialect, "view", [Pure]> {
  let summary = "The same dense bytes under other dims: no kernel runs";
  let description = [{
    `assumed` says that the number of elements is the same once dims are bound:
    one of the function's `graph.checks` sees to it.

    C1: the element type is the same, and without `assumed` the number of
    elements.
    ```mlir
    %y = kernel.view %x : tensor<4x8xf32> to tensor<32xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$x, UnitAttr:$assumed);
  let results = (outs AnyRankedTensor:$y);
  let assemblyFormat = "(`assumed` $assumed^)? $x attr-dict `:` type($x) `to` type($y)";
  let hasVerifier = 1;
}

def Kernel_SliceOp : Op<KernelDialect, "slice", [Pure]> {
  let summary = "A part of a dense tensor, read in place: no kernel runs";
  let description = [{
    `starts` in elements of each dim, unit steps; y's strides are x's. Kernels
    that read y are compiled for these strides (`kernel.strides`); where y is
    contiguous in x they are dense.
    C1: one start a dim. C2: same rank and element type.
  }];
  let arguments = (ins AnyRankedTensor:$x, Graph_DimsAttr:$starts);
  let results = (outs AnyRankedTensor:$y);
  let assemblyFormat = "$x `starts` $starts attr-dict `:` type($x) `to` type($y)";
  let hasVerifier = 1;
}

def Kernel_ConcatOp : Op<KernelDialect, "concat", [Pure]> {
  let summary = "Operands side by side in one buffer: no kernel runs";
  let description = [{
    Each operand is the result of a dispatch that writes straight into its part
    of y (with y's strides as `kernel.strides` of that result), and is used by
    nothing else that needs it dense. C1: as `graph.concat`.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, I64Attr:$axis);
  let results = (outs AnyRankedTensor:$y);
  let assemblyFormat = "$inputs `axis` $axis attr-dict `:` type($inputs) `to` type($y)";
  let hasVerifier = 1;
}

def Kernel_AttentionOp : Op<KernelDialect, "attention", [Pure]> {
  let summary = "softmax(scale q k^T + mask) v inside a kernel";
  let description = [{
    Destination style; `indexing_maps` are those of q, k, v, (mask,) out over the
    iteration dims (b, h, s, t, d, e) of `graph.attention`: permutations,
    grouped heads as `h floordiv G`, broadcast masks by leaving dims out or by
    constant 0. Scalar reference: for each (b, h, s): a row of scores over t
    (causal: t <= s + T - S), softmax, sum over t times v; 0 where T is 0, and
    where `guarded` and the softmax is not a number.
    C1: one map an operand, with six dims.
  }];
  let arguments = (ins AnyRankedTensor:$q, AnyRankedTensor:$k, AnyRankedTensor:$v,
                       Optional<AnyRankedTensor>:$mask, AnyRankedTensor:$out,
                       AffineMapArrayAttr:$indexing_maps, F64Attr:$scale, UnitAttr:$causal,
                       UnitAttr:$guarded);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    `ins` `(` $q `,` $k `,` $v (`,` $mask^)? `)` `outs` `(` $out `)` attr-dict
    `:` type(operands) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Kernel_ScatterOp : Op<KernelDialect, "scatter", [
    Pure, AllTypesMatch<["data", "result"]>]> {
  let summary = "Writes rows or elements at indices inside a kernel";
  let description = [{
    Destination style over the dims (o, r, i) of `data`, in which a scatter
    along any dim of a dense tensor can be seen: o are the dims before it, i
    those behind it. Scalar reference:

    ```
    result = data
    for o, for i, for u from 0 to U in this order:
      r = indices[o, u, i], or indices[u] where indices has one dim
      if r < 0: r += R
      if 0 <= r < R: result[o, r, i] = region(result[o, r, i], updates[o, u, i])
    ```

    Each (o, r, i) has one owner, which takes the updates in their order: no
    atomics, the same bits on every device. Data may be the result's memory;
    then only what is updated is touched.

    C1: data has three dims, updates have o and i of data and its element type.
    C2: indices are i32 or i64 and have the dims of updates, or one dim. C3: the
    region takes two elements, and yields one.

    ```mlir
    %y = kernel.scatter ins(%indices, %updates) outs(%data) {
    ^bb0(%old: f32, %update: f32):
      %sum = arith.addf %old, %update : f32
      kernel.yield %sum : f32
    } : tensor<4xi64>, tensor<1x4x8xf32>, tensor<1x100x8xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$indices, AnyRankedTensor:$updates,
                       AnyRankedTensor:$data);
  let regions = (region SizedRegion<1>:$combiner);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    `ins` `(` $indices `,` $updates `)` `outs` `(` $data `)` $combiner attr-dict
    `:` type($indices) `,` type($updates) `,` type($data)
  }];
  let hasRegionVerifier = 1;
}

#endif // ACTNET_DIALECT_KERNEL_IR_KERNELOPS_TD
