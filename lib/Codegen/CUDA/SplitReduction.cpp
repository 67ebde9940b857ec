//===- SplitReduction.cpp - large reductions in two kernels ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The first kernel makes its values over (kept dims, reduced dims), puts the
// reduced dims together as one of E elements, pads it with what changes nothing
// to S slices of L elements, and reduces each slice. No tensor of that is ever
// in memory: the printer goes from an element of a slice to the operand's.
//
// L is a number, S = (E + L - 1) floordiv L an expression: a launch of any size
// cuts the same elements into the same slices, and the address of an element is
// s * L + e, which accesses of several elements take.
//
//===----------------------------------------------------------------------===//

#include "Combiners.h"
#include "Printer.h"

#include "actnet/Codegen/CUDA/Passes.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace actnet;
using namespace actnet::cuda;

namespace actnet::cuda {
#define GEN_PASS_DEF_KERNELSPLITREDUCTION
#include "actnet/Codegen/CUDA/Passes.h.inc"
} // namespace actnet::cuda

using Dims = SmallVector<graph::DimExprAttr>;

/// Elements of one result from which on a second launch costs less than the
/// wait, and results from which on there are blocks enough.
static constexpr int64_t kElements = 32768, kResults = 1024;
/// Blocks that keep a GPU busy; elements that keep a block busy.
static constexpr int64_t kBlocks = 512, kSlice = 2048, kDynamicSlice = 8192;

namespace {
/// How a kernel is cut.
struct Cut {
  linalg::GenericOp root;
  SmallVector<Combiner> combiners;
  /// Loops of the root: those of its results, in their order, and the others.
  SmallVector<unsigned> kept, reduced;
  Dims keptDims, reducedDims;
  graph::DimExprAttr elements; ///< For each result, …
  int64_t length = 0;          ///< so many in a slice, …
  graph::DimExprAttr slices;   ///< in so many slices.
};
} // namespace

/// The largest value that a kernel's dims give an expression, from the bounds
/// of the model's dims; nothing where one is not bounded.
static std::optional<int64_t> upperBound(graph::DimExprAttr expr,
                                         ArrayRef<kernel::DispatchOp> calls) {
  std::optional<int64_t> largest;
  for (kernel::DispatchOp call : calls) {
    auto bounds =
        call->getParentOfType<ModuleOp>()->getAttrOfType<DictionaryAttr>(
            graph::GraphDialect::kDimsAttr);
    auto outer = [&](StringRef name) -> std::optional<int64_t> {
      auto pair =
          bounds ? bounds.getAs<DenseI64ArrayAttr>(name) : DenseI64ArrayAttr();
      if (!pair || pair[1] < 0)
        return std::nullopt;
      return pair[1];
    };
    auto own = [&](StringRef name) -> std::optional<int64_t> {
      unsigned number = 0;
      if (!name.consume_front("d") || name.getAsInteger(10, number) ||
          number >= call.getDims().size())
        return std::nullopt;
      return graph::dimEvaluate(
          cast<graph::DimExprAttr>(call.getDims()[number]), outer);
    };
    std::optional<int64_t> here = graph::dimEvaluate(expr, own);
    if (!here)
      return std::nullopt;
    largest = std::max(largest.value_or(0), *here);
  }
  return largest;
}

/// Elements of a slice of `elements` in all: a multiple of every vector, and
/// one that divides them where there is such a number nearby.
static int64_t sliceLength(int64_t elements, int64_t results) {
  int64_t slices = std::max<int64_t>(2, kBlocks / ((results + 31) / 32));
  int64_t length =
      llvm::alignTo(std::max(kSlice, (elements + slices - 1) / slices), 64);
  for (int64_t other = length; other < 2 * length; other += 16)
    if (elements % other == 0)
      return other;
  return length;
}

/// How to cut a kernel; nothing if it stays, failure where its dims cannot be
/// told.
static FailureOr<std::optional<Cut>>
findCut(kernel::FuncOp kernel, ArrayRef<kernel::DispatchOp> calls) {
  std::optional<Cut> none;
  if (kernel.getFamily() != kernel::Family::reduce || kernel.getSchedule())
    return none;
  Cut cut;
  for (auto op : kernel.getBody().getOps<linalg::GenericOp>())
    if (op.getNumReductionLoops())
      cut.root = op;
  if (!cut.root)
    return none;
  auto combiners = combinersOf(cut.root);
  if (!combiners)
    return none;
  cut.combiners = *combiners;
  AffineMap own =
      cut.root.getMatchingIndexingMap(cut.root.getDpsInitOperand(0));
  for (OpOperand &init : cut.root.getDpsInitsMutable())
    if (cut.root.getMatchingIndexingMap(&init) != own)
      return none;
  if (!own.isProjectedPermutation())
    return none;
  for (AffineExpr expr : own.getResults())
    cut.kept.push_back(cast<AffineDimExpr>(expr).getPosition());
  int64_t elements = 1, results = 1;
  bool isDynamic = false;
  SmallVector<int64_t> extents = cut.root.getStaticLoopRanges();
  for (auto [d, iterator] : llvm::enumerate(cut.root.getIteratorTypesArray())) {
    bool isKept = iterator == utils::IteratorType::parallel;
    if (isKept != llvm::is_contained(cut.kept, d))
      return none;
    if (!isKept)
      cut.reduced.push_back(d);
    if (!ShapedType::isDynamic(extents[d]))
      (isKept ? results : elements) *= extents[d];
    else
      isDynamic |= !isKept;
  }
  // A dynamic dim that stays is a batch, small in most cases.
  if (results > kResults || (!isDynamic && elements < kElements))
    return none;

  Printer printer(kernel);
  Dims dims = printer.loopDims(cut.root);
  if (printer.failed())
    return failure();
  for (unsigned d : cut.kept)
    cut.keptDims.push_back(dims[d]);
  for (unsigned d : cut.reduced)
    cut.reducedDims.push_back(dims[d]);
  MLIRContext *context = kernel.getContext();
  cut.elements = graph::dimProduct(context, cut.reducedDims);
  if (isDynamic) {
    auto most = upperBound(cut.elements, calls);
    if (most && *most < kElements)
      return none;
  }
  cut.length = isDynamic ? kDynamicSlice : sliceLength(elements, results);
  auto number = [&](int64_t value) {
    return graph::dimConstant(context, value);
  };
  cut.slices = graph::dimFloorDiv(
      graph::dimAdd(cut.elements, number(cut.length - 1)), number(cut.length));
  return std::optional<Cut>(cut);
}

namespace {
/// Makes the two kernels of one.
class Splitter {
public:
  Splitter(kernel::FuncOp kernel, Cut &cut)
      : kernel(kernel), cut(cut), context(kernel.getContext()) {}

  /// Replaces the kernel and its calls.
  void run(ArrayRef<kernel::DispatchOp> calls);

private:
  /// A clone of the kernel under a name of its own, and its root.
  std::pair<kernel::FuncOp, linalg::GenericOp> clone(StringRef suffix);
  void makeSlices();
  void makeJoin();
  /// Drops dead operations and the operands that nothing uses any more; gives
  /// the numbers of those that stay.
  SmallVector<unsigned> tidy(kernel::FuncOp made, unsigned operands);
  /// Values over the kept and the reduced dims.
  linalg::GenericOp values(OpBuilder &b, linalg::GenericOp root);
  /// The same as slices.
  Value sliced(OpBuilder &b, Value value, Attribute filler);

  Value number(OpBuilder &b, int64_t value) {
    return arith::ConstantIndexOp::create(b, cut.root.getLoc(), value);
  }
  /// An expression of the kernel's dims in its body.
  Value materialize(OpBuilder &b, graph::DimExprAttr expr);
  Value empty(OpBuilder &b, ArrayRef<graph::DimExprAttr> dims, Type element);
  static SmallVector<int64_t> shapeOf(ArrayRef<graph::DimExprAttr> dims) {
    return llvm::map_to_vector(dims, [](graph::DimExprAttr dim) {
      return graph::constantValue(dim).value_or(ShapedType::kDynamic);
    });
  }
  Type sumType(unsigned i) {
    return getElementTypeOrSelf(cut.root.getResult(i).getType());
  }
  DictionaryAttr dimsAttr(ArrayRef<graph::DimExprAttr> dims) {
    return DictionaryAttr::get(
        context, NamedAttribute(
                     StringAttr::get(context, kernel::KernelDialect::kDimsAttr),
                     graph::DimsAttr::get(context, dims)));
  }

  kernel::FuncOp kernel;
  Cut &cut;
  MLIRContext *context;
  Dims partDims; ///< (slices, kept dims)
  SmallVector<Type> partTypes;
  kernel::FuncOp slices, join;
  /// Operands of the kernel that the two still take.
  SmallVector<unsigned> slicesTake, joinTake;
};
} // namespace

Value Splitter::materialize(OpBuilder &b, graph::DimExprAttr expr) {
  using graph::DimExprKind;
  Location loc = cut.root.getLoc();
  if (expr.isConstant())
    return number(b, expr.getValue());
  if (expr.isSymbol()) {
    unsigned at = 0;
    (void)expr.getName().getValue().drop_front().getAsInteger(10, at);
    // Tensors may have come and gone in front of them.
    Block &body = *b.getInsertionBlock();
    unsigned count =
        kernel.getArgumentTypes().size() - kernel.getNumOperandTensors();
    return body.getArgument(body.getNumArguments() - count + at);
  }
  Value result = materialize(b, expr.getOperand(0));
  for (unsigned i = 1; i < expr.getOperands().size(); ++i) {
    Value next = materialize(b, expr.getOperand(i));
    switch (expr.getKind()) {
    case DimExprKind::Add:
      result = arith::AddIOp::create(b, loc, result, next);
      break;
    case DimExprKind::Mul:
      result = arith::MulIOp::create(b, loc, result, next);
      break;
    case DimExprKind::FloorDiv:
      result = arith::FloorDivSIOp::create(b, loc, result, next);
      break;
    case DimExprKind::CeilDiv:
      result = arith::CeilDivSIOp::create(b, loc, result, next);
      break;
    case DimExprKind::Mod:
      result = arith::RemSIOp::create(b, loc, result, next);
      break;
    case DimExprKind::Min:
      result = arith::MinSIOp::create(b, loc, result, next);
      break;
    default:
      result = arith::MaxSIOp::create(b, loc, result, next);
      break;
    }
  }
  return result;
}

Value Splitter::empty(OpBuilder &b, ArrayRef<graph::DimExprAttr> dims,
                      Type element) {
  SmallVector<Value> sizes;
  for (graph::DimExprAttr dim : dims)
    if (!graph::constantValue(dim))
      sizes.push_back(materialize(b, dim));
  return tensor::EmptyOp::create(b, cut.root.getLoc(), shapeOf(dims), element,
                                 sizes);
}

std::pair<kernel::FuncOp, linalg::GenericOp> Splitter::clone(StringRef suffix) {
  auto made = cast<kernel::FuncOp>(kernel->clone());
  auto module = kernel->getParentOfType<ModuleOp>();
  std::string name = (kernel.getSymName() + suffix).str();
  while (module.lookupSymbol(name))
    name += "_";
  made.setSymName(name);
  OpBuilder(kernel).insert(made);
  linalg::GenericOp root;
  for (auto op : made.getBody().getOps<linalg::GenericOp>())
    if (op.getNumReductionLoops())
      root = op;
  return {made, root};
}

SmallVector<unsigned> Splitter::tidy(kernel::FuncOp made, unsigned operands) {
  Block &body = made.getBody().front();
  SmallVector<Operation *> all;
  for (Operation &op : body.without_terminator())
    all.push_back(&op);
  for (Operation *op : llvm::reverse(all))
    if (isOpTriviallyDead(op))
      op->erase();
  SmallVector<unsigned> stay;
  llvm::BitVector unused(made.getArgumentTypes().size());
  for (unsigned i = 0; i < operands; ++i)
    if (body.getArgument(i).use_empty())
      unused.set(i);
    else
      stay.push_back(i);
  (void)made.eraseArguments(unused);
  return stay;
}

/// Combines each value with its result so far, as the root does.
static void combine(OpBuilder &b, Location loc, linalg::GenericOp root,
                    ValueRange arguments) {
  Operation *yield = root.getBody()->getTerminator();
  unsigned count = yield->getNumOperands();
  SmallVector<Value> results;
  for (unsigned i = 0; i < count; ++i) {
    Operation *op = yield->getOperand(i).getDefiningOp();
    bool isFirst = op->getOperand(0) == root.getRegionOutputArgs()[i];
    Operation *own = b.clone(*op);
    own->setOperand(isFirst ? 0 : 1, arguments[count + i]);
    own->setOperand(isFirst ? 1 : 0, arguments[i]);
    results.push_back(own->getResult(0));
  }
  linalg::YieldOp::create(b, loc, results);
}

linalg::GenericOp Splitter::values(OpBuilder &b, linalg::GenericOp root) {
  unsigned loops = root.getNumLoops(), inputs = root.getNumDpsInputs();
  Dims dims(cut.keptDims);
  llvm::append_range(dims, cut.reducedDims);
  SmallVector<AffineExpr> places;
  for (unsigned d : llvm::concat<const unsigned>(cut.kept, cut.reduced))
    places.push_back(getAffineDimExpr(d, context));
  SmallVector<AffineMap> maps;
  for (OpOperand *operand : root.getDpsInputOperands())
    maps.push_back(root.getMatchingIndexingMap(operand));
  SmallVector<Value> outs;
  SmallVector<Type> types;
  for (unsigned i = 0; i < cut.combiners.size(); ++i) {
    outs.push_back(empty(b, dims, sumType(i)));
    types.push_back(outs.back().getType());
    maps.push_back(AffineMap::get(loops, 0, places, context));
  }
  // Values do not use what was combined so far, so all but the combining ops
  // can be taken over.
  SmallVector<Combiner> own = *combinersOf(root);
  SmallVector<Operation *> combine;
  for (Value yielded : root.getBody()->getTerminator()->getOperands())
    combine.push_back(yielded.getDefiningOp());
  return linalg::GenericOp::create(
      b, root.getLoc(), types, root.getDpsInputs(), outs, maps,
      SmallVector<utils::IteratorType>(loops, utils::IteratorType::parallel),
      [&](OpBuilder &inner, Location loc, ValueRange arguments) {
        IRMapping mapping;
        for (unsigned i = 0; i < inputs; ++i)
          mapping.map(root.getBody()->getArgument(i), arguments[i]);
        for (Operation &op : root.getBody()->without_terminator())
          if (!llvm::is_contained(combine, &op))
            inner.clone(op, mapping);
        SmallVector<Value> results;
        for (const Combiner &combiner : own)
          results.push_back(mapping.lookupOrDefault(combiner.value));
        linalg::YieldOp::create(inner, loc, results);
      });
}

Value Splitter::sliced(OpBuilder &b, Value value, Attribute filler) {
  Location loc = cut.root.getLoc();
  unsigned rank = cut.kept.size();
  Type element = getElementTypeOrSelf(value.getType());
  SmallVector<ReassociationIndices> groups;
  for (unsigned d = 0; d < rank; ++d)
    groups.push_back({d});
  if (cut.reduced.size() > 1) {
    groups.emplace_back();
    for (unsigned d = 0; d < cut.reduced.size(); ++d)
      groups.back().push_back(rank + d);
    value = tensor::CollapseShapeOp::create(b, loc, value, groups);
    groups.pop_back();
  }
  graph::DimExprAttr length = graph::dimConstant(context, cut.length);
  Dims dims(cut.keptDims);
  dims.push_back(graph::dimMul(cut.slices, length));
  graph::DimExprAttr missing = graph::dimSub(dims.back(), cut.elements);
  if (graph::constantValue(missing) != 0) {
    SmallVector<OpFoldResult> lows(rank + 1, b.getIndexAttr(0)), highs(lows);
    auto known = graph::constantValue(missing);
    highs.back() = known ? OpFoldResult(b.getIndexAttr(*known))
                         : OpFoldResult(materialize(b, missing));
    Value nothing = arith::ConstantOp::create(b, loc, cast<TypedAttr>(filler));
    value = tensor::PadOp::create(b, loc,
                                  RankedTensorType::get(shapeOf(dims), element),
                                  value, lows, highs, nothing);
  }
  groups.push_back({rank, rank + 1});
  dims.back() = cut.slices;
  dims.push_back(length);
  SmallVector<OpFoldResult> sizes;
  for (graph::DimExprAttr dim : dims) {
    auto known = graph::constantValue(dim);
    sizes.push_back(known ? OpFoldResult(b.getIndexAttr(*known))
                          : OpFoldResult(materialize(b, dim)));
  }
  return tensor::ExpandShapeOp::create(
      b, loc, RankedTensorType::get(shapeOf(dims), element), value, groups,
      sizes);
}

void Splitter::makeSlices() {
  auto [made, root] = clone("_slices");
  slices = made;
  slices.removeInplaceAttr();
  OpBuilder b(root);
  Location loc = root.getLoc();
  linalg::GenericOp all = values(b, root);
  // Loops: the slice, the kept dims, the element of the slice.
  unsigned rank = cut.kept.size();
  SmallVector<AffineExpr> in, out{getAffineDimExpr(0, context)};
  for (unsigned d = 0; d < rank; ++d) {
    in.push_back(getAffineDimExpr(d + 1, context));
    out.push_back(in.back());
  }
  in.append(
      {getAffineDimExpr(0, context), getAffineDimExpr(rank + 1, context)});
  SmallVector<Value> inputs, outs;
  SmallVector<AffineMap> maps;
  for (auto [i, combiner] : llvm::enumerate(cut.combiners)) {
    Attribute identity = identityOf(combiner.name, sumType(i));
    inputs.push_back(sliced(b, all.getResult(i), identity));
    maps.push_back(AffineMap::get(rank + 2, 0, in, context));
  }
  for (auto [i, combiner] : llvm::enumerate(cut.combiners)) {
    Value filler = arith::ConstantOp::create(
        b, loc, cast<TypedAttr>(identityOf(combiner.name, sumType(i))));
    outs.push_back(
        linalg::FillOp::create(b, loc, filler, empty(b, partDims, sumType(i)))
            .getResult(0));
    maps.push_back(AffineMap::get(rank + 2, 0, out, context));
  }
  SmallVector<utils::IteratorType> iterators(rank + 1,
                                             utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  auto part = linalg::GenericOp::create(
      b, loc, partTypes, inputs, outs, maps, iterators,
      [&, root = root](OpBuilder &inner, Location at, ValueRange arguments) {
        combine(inner, at, root, arguments);
      });
  slices.getBody().front().getTerminator()->setOperands(part.getResults());
  slicesTake = tidy(slices, kernel.getNumOperandTensors());
  slices.setFunctionType(
      FunctionType::get(context, slices.getArgumentTypes(), partTypes));
  slices.setResAttrsAttr(ArrayAttr::get(
      context, SmallVector<Attribute>(partTypes.size(), dimsAttr(partDims))));
}

void Splitter::makeJoin() {
  auto [made, root] = clone("_join");
  join = made;
  unsigned tensors = kernel.getNumOperandTensors(),
           count = cut.combiners.size(), rank = cut.kept.size();
  for (unsigned i = 0; i < count; ++i)
    (void)join.insertArgument(tensors + i, partTypes[i], dimsAttr(partDims),
                              root.getLoc());
  Block &body = join.getBody().front();
  OpBuilder b(root);
  SmallVector<AffineExpr> kept;
  SmallVector<utils::IteratorType> iterators{utils::IteratorType::reduction};
  for (unsigned d = 0; d < rank; ++d) {
    kept.push_back(getAffineDimExpr(d + 1, context));
    iterators.push_back(utils::IteratorType::parallel);
  }
  SmallVector<AffineMap> maps(
      count, AffineMap::getMultiDimIdentityMap(rank + 1, context));
  maps.append(count, AffineMap::get(rank + 1, 0, kept, context));
  auto joined = linalg::GenericOp::create(
      b, root.getLoc(), root->getResultTypes(),
      body.getArguments().slice(tensors, count), root.getDpsInits(), maps,
      iterators,
      [&, root = root](OpBuilder &inner, Location at, ValueRange arguments) {
        combine(inner, at, root, arguments);
      });
  root->replaceAllUsesWith(joined.getResults());
  joinTake = tidy(join, tensors);
  // What may be written in place is counted anew.
  if (auto pairs = kernel.getInplace()) {
    SmallVector<int64_t> own;
    for (unsigned i = 0; i + 1 < pairs->size(); i += 2) {
      auto *at = llvm::find(joinTake, static_cast<unsigned>((*pairs)[i]));
      if (at != joinTake.end())
        own.append({at - joinTake.begin(), (*pairs)[i + 1]});
    }
    if (own.empty())
      join.removeInplaceAttr();
    else
      join.setInplaceAttr(DenseI64ArrayAttr::get(context, own));
  }
}

void Splitter::run(ArrayRef<kernel::DispatchOp> calls) {
  partDims.push_back(cut.slices);
  llvm::append_range(partDims, cut.keptDims);
  for (unsigned i = 0; i < cut.combiners.size(); ++i)
    partTypes.push_back(RankedTensorType::get(shapeOf(partDims), sumType(i)));
  makeSlices();
  makeJoin();
  for (kernel::DispatchOp call : calls) {
    OpBuilder b(call);
    // The dims of the parts as the caller says them.
    Dims dims;
    for (graph::DimExprAttr dim : partDims)
      dims.push_back(graph::dimSubstitute(dim, [&](StringRef name) {
        unsigned at = 0;
        (void)name.drop_front().getAsInteger(10, at);
        return cast<graph::DimExprAttr>(call.getDims()[at]);
      }));
    SmallVector<Type> types;
    for (Type type : partTypes) {
      auto tensor =
          RankedTensorType::get(shapeOf(dims), getElementTypeOrSelf(type));
      types.push_back(tensor.hasStaticShape()
                          ? tensor
                          : RankedTensorType::get(
                                tensor.getShape(), tensor.getElementType(),
                                graph::DimsAttr::get(context, dims)));
    }
    SmallVector<Value> operands;
    for (unsigned i : slicesTake)
      operands.push_back(call.getOperands()[i]);
    auto first = kernel::DispatchOp::create(
        b, call.getLoc(), types, slices.getSymName(), operands,
        call.getDimsAttr(), call.getLayerAttr());
    operands.clear();
    for (unsigned i : joinTake)
      operands.push_back(call.getOperands()[i]);
    llvm::append_range(operands, first.getResults());
    auto second = kernel::DispatchOp::create(
        b, call.getLoc(), call.getResultTypes(), join.getSymName(), operands,
        call.getDimsAttr(), call.getLayerAttr());
    call.replaceAllUsesWith(second.getResults());
    call.erase();
  }
  kernel.erase();
}

namespace {
struct SplitReduction
    : actnet::cuda::impl::KernelSplitReductionBase<SplitReduction> {
  void runOnOperation() override {
    llvm::StringMap<SmallVector<kernel::DispatchOp>> calls;
    getOperation().walk([&](kernel::DispatchOp call) {
      calls[call.getCallee()].push_back(call);
    });
    for (auto kernel :
         llvm::make_early_inc_range(getOperation().getOps<kernel::FuncOp>())) {
      ArrayRef<kernel::DispatchOp> own = calls[kernel.getSymName()];
      auto cut = findCut(kernel, own);
      if (failed(cut))
        return signalPassFailure();
      if (*cut)
        Splitter(kernel, **cut).run(own);
    }
  }
};
} // namespace
