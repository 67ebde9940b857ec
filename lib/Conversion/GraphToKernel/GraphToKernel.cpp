//===- GraphToKernel.cpp - groups become kernels and dispatches -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass: pack what contractions read, partition, then emit one dispatch a
// group in the order of the groups' last operations; reshapes become views,
// concats are written by the kernels of their operands.
//
//===----------------------------------------------------------------------===//

#include "actnet/Conversion/GraphToKernel/Passes.h"

#include "BodyBuilder.h"
#include "Recipes.h"

#include "actnet/Dialect/Graph/IR/DimExpr.h"

#include "mlir/IR/Remarks.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace actnet {
#define GEN_PASS_DEF_GRAPHTOKERNEL
#include "actnet/Conversion/GraphToKernel/Passes.h.inc"

using graph::DimExprAttr;

LogicalResult lowerOp(BodyBuilder &body, Operation *op) {
  if (isa<graph::EinsumOp, graph::ConvOp, graph::PoolOp>(op))
    return lowerContract(body, op);
  if (isa<graph::TransposeOp, graph::BroadcastOp, graph::SliceOp, graph::PadOp,
          graph::GatherOp, graph::GatherElementsOp, graph::IotaOp,
          graph::DimValueOp, graph::PackOp>(op))
    return lowerMovement(body, op);
  if (isa<graph::SoftmaxOp, graph::LogSoftmaxOp, graph::LayerNormOp,
          graph::RmsNormOp, graph::BatchNormOp, graph::GroupNormOp,
          graph::ReduceOp, graph::AttentionOp>(op))
    return lowerComposite(body, op);
  if (auto scatter = dyn_cast<graph::ScatterOp>(op))
    return lowerScatter(body, scatter);
  return lowerElementwise(body, op);
}

/// Whether the lowering reads scalar constants from the operation itself.
static bool inlinesConstants(Operation *op) {
  return roleOf(op, Forms()) == Role::Light &&
         !isa<graph::TransposeOp, graph::SliceOp, graph::PadOp, graph::GatherOp,
              graph::GatherElementsOp, graph::PackOp>(op);
}

static RankedTensorType typeOf(Value v) {
  return cast<RankedTensorType>(v.getType());
}

namespace {

/// Operand tensors that a result may be written over: same dims and element
/// size, read at the element that is written, by the tile that writes it.
SmallVector<int64_t> findInplacePairs(kernel::FuncOp func) {
  SmallVector<int64_t> pairs;
  // What is not updated stays where it is.
  if (func.getFamily() == kernel::Family::scatter) {
    auto scatter = cast<kernel::ScatterOp>(func.getBody().front().front());
    if (scatter.getData() == scatter.getUpdates() ||
        scatter.getData() == scatter.getIndices())
      return pairs;
    return {cast<BlockArgument>(scatter.getData()).getArgNumber(), 0};
  }
  if (func.getFamily() != kernel::Family::map &&
      func.getFamily() != kernel::Family::row)
    return pairs;
  if (func.getFunctionType().getNumResults() != 1)
    return pairs;
  auto result = cast<RankedTensorType>(func.getFunctionType().getResult(0));
  Block &block = func.getBody().front();
  // Every value of the result's rank is read straight through.
  for (Operation &op : block) {
    if (isa<tensor::PadOp, tensor::ExtractSliceOp>(op))
      return pairs;
    auto generic = dyn_cast<linalg::GenericOp>(op);
    if (!generic)
      continue;
    bool extracts = false;
    generic.getRegion().walk([&](tensor::ExtractOp) { extracts = true; });
    if (extracts)
      return pairs;
    for (OpOperand *operand : generic.getDpsInputOperands())
      if (typeOf(operand->get()).getRank() == result.getRank() &&
          operand->get().getDefiningOp<linalg::GenericOp>() &&
          !generic.getMatchingIndexingMap(operand).isIdentity())
        return pairs;
  }
  if (func.getResultAttr(0, kernel::KernelDialect::kStridesAttr))
    return pairs;
  auto dims = func.getResultAttr(0, kernel::KernelDialect::kDimsAttr);
  for (BlockArgument arg : block.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(arg.getType());
    if (!type || type.getShape() != result.getShape() ||
        graph::getElementBytes(type.getElementType()) !=
            graph::getElementBytes(result.getElementType()) ||
        func.getArgAttr(arg.getArgNumber(), kernel::KernelDialect::kDimsAttr) !=
            dims ||
        func.getArgAttr(arg.getArgNumber(),
                        kernel::KernelDialect::kStridesAttr))
      continue;
    bool straight = llvm::all_of(arg.getUses(), [](OpOperand &use) {
      auto generic = dyn_cast<linalg::GenericOp>(use.getOwner());
      return generic && generic.getMatchingIndexingMap(&use).isIdentity();
    });
    if (straight) {
      pairs.push_back(arg.getArgNumber());
      pairs.push_back(0);
    }
  }
  return pairs;
}

/// Kernels of a module, equal ones once.
class KernelTable {
public:
  explicit KernelTable(ModuleOp module) {
    for (auto func : module.getOps<func::FuncOp>())
      taken.insert(func.getSymName());
  }
  /// The function that equals this one, or it itself under a name of its own.
  kernel::FuncOp unique(kernel::FuncOp func, StringRef base) {
    std::string text;
    llvm::raw_string_ostream os(text);
    func->print(os, OpPrintingFlags().useLocalScope());
    auto [it, inserted] = kernels.try_emplace(text, func);
    if (!inserted) {
      func->erase();
      return it->second;
    }
    std::string name;
    do {
      name = (base + "_" + Twine(next++)).str();
    } while (taken.contains(name));
    func.setSymName(name);
    return func;
  }

private:
  llvm::StringMap<kernel::FuncOp> kernels;
  /// The model's own functions.
  llvm::StringSet<> taken;
  unsigned next = 0;
};

/// Lowers one function.
class FunctionLowering {
public:
  FunctionLowering(ModuleOp module, func::FuncOp func, KernelTable &table,
                   RecipeOutliner &recipes, KernelTarget target)
      : module(module), func(func), b(module.getContext()), table(table),
        recipes(recipes), target(target) {}

  LogicalResult run() {
    Block &block = func.getBody().front();
    recipes.beginFunction();
    packOperands(block);
    shareConcatPrefixes(block);
    parts = partition(block, target);
    SmallVector<Operation *> ops;
    for (Operation &op : block)
      ops.push_back(&op);
    for (Operation *op : ops) {
      b.setInsertionPoint(op);
      if (failed(lower(op)))
        return failure();
    }
    for (Operation *op : llvm::reverse(ops))
      if (isa<graph::GraphDialect>(op->getDialect()))
        op->erase();
    return success();
  }

private:
  ModuleOp module;
  func::FuncOp func;
  OpBuilder b;
  KernelTable &table;
  RecipeOutliner &recipes;
  KernelTarget target;
  Partition parts;
  DenseMap<Value, Value> lowered;
  DenseMap<Operation *, Value> packed;

  void packOperands(Block &block) {
    // Tables whose transpose a contraction reads, and the packed form.
    DenseMap<Value, Value> tables;
    // What several einsums read is packed once.
    DenseMap<Value, Value> shared;
    for (Operation &op : llvm::make_early_inc_range(block)) {
      int index = packedOperandIndex(&op, target);
      if (index < 0)
        continue;
      b.setInsertionPoint(&op);
      Value operand = op.getOperand(index);
      Value known = isa<graph::EinsumOp>(op) ? shared.lookup(operand) : Value();
      packed[&op] =
          known ? known : createPackedOperand(b, &op, operand, target);
      if (isa<graph::EinsumOp>(op))
        shared[operand] = packed[&op];
      if (auto transpose = operand.getDefiningOp<graph::TransposeOp>();
          transpose && isa<graph::EinsumOp>(op) &&
          typeOf(operand).getRank() == 2)
        if (transpose.getX().getDefiningOp<graph::ConstantOp>())
          tables[transpose.getX()] = packed[&op];
    }
    // A table that is gathered from too (tied embeddings) is stored once: the
    // gather reads the panels.
    for (auto gather : block.getOps<graph::GatherOp>())
      if (Value panels = tables.lookup(gather.getData());
          panels && gather.getAxis() == 0)
        packed[gather] = panels;
  }

  /// The operand that the operation reads in packed form, or -1.
  int packedIndex(Operation *op) {
    if (!packed.contains(op))
      return -1;
    return isa<graph::GatherOp>(op) ? 0 : packedOperandIndex(op, target);
  }

  /// The kernel-level value of a graph value.
  Value get(Value v) {
    if (Value known = lowered.lookup(v))
      return known;
    if (parts.forms.constants.contains(v))
      return recipes.materialize(b, v);
    assert(isa<BlockArgument>(v) && "every other value is computed before");
    return v;
  }

  LogicalResult lower(Operation *op) {
    switch (roleOf(op, parts.forms)) {
    case Role::Constant:
      return success();
    case Role::View: {
      Value x = get(op->getOperand(0));
      Type type = op->getResult(0).getType();
      lowered[op->getResult(0)] =
          isa<graph::SliceOp>(op)
              ? kernel::SliceOp::create(
                    b, op->getLoc(), type, x,
                    cast<graph::SliceOp>(op).getStartsAttr())
                    .getResult()
              : kernel::ViewOp::create(b, op->getLoc(), type, x,
                                       isa<graph::AssumeOp>(op))
                    .getResult();
      return success();
    }
    case Role::Join:
      return lowerConcat(cast<graph::ConcatOp>(op));
    case Role::Other:
      for (OpOperand &operand : op->getOpOperands())
        operand.set(get(operand.get()));
      return success();
    default:
      break;
    }
    auto it = parts.groupOfLast.find(op);
    if (it == parts.groupOfLast.end())
      return success();
    return emit(parts.groups[it->second]);
  }

  /// Where an operand of the concat is to lie.
  kernel::Strides stridesOfParts(graph::ConcatOp concat) {
    ArrayRef<DimExprAttr> known = parts.forms.stridesOf(concat.getY());
    return known.empty()
               ? kernel::denseStrides(concat.getContext(),
                                      graph::getDims(typeOf(concat.getY())))
               : kernel::Strides(known);
  }

  /// Whether the operand's kernel, or kernels, write it into this concat.
  bool liesIn(Value input, graph::ConcatOp concat) {
    auto it = parts.forms.partOf.find(input);
    return it != parts.forms.partOf.end() && it->second == concat;
  }

  LogicalResult lowerConcat(graph::ConcatOp op) {
    auto name = op->getLoc()->findInstanceOf<NameLoc>();
    StringAttr layer = name ? name.getName() : b.getStringAttr("concat");
    if (op.getInputs().size() == 1) {
      lowered[op.getY()] = get(op.getInputs()[0]);
      return success();
    }
    SmallVector<Value> inputs;
    for (Value input : op.getInputs()) {
      if (liesIn(input, op)) {
        inputs.push_back(lowered.lookup(input));
        continue;
      }
      // A copy into its place.
      BodyBuilder body(module, op.getLoc(), target);
      body.addArgument(input, parts.forms.stridesOf(input));
      SmallVector<DimExprAttr> dims = graph::getDims(typeOf(input));
      Value x = body.get(input);
      Value y = body.map(
          dims, typeOf(input).getElementType(), x,
          AffineMap::getMultiDimIdentityMap(dims.size(), op.getContext()),
          [](OpBuilder &, Location, ValueRange args) { return args[0]; });
      kernel::FuncOp kernel =
          body.finish(kernel::Family::map, y, {stridesOfParts(op)});
      kernel = table.unique(kernel, "copy");
      auto dispatch = kernel::DispatchOp::create(
          b, op.getLoc(), input.getType(), kernel.getSymName(), get(input),
          dimsAttr(body), layer);
      inputs.push_back(dispatch.getResult(0));
    }
    lowered[op.getY()] = kernel::ConcatOp::create(b, op.getLoc(), op.getType(),
                                                  inputs, op.getAxis());
    return success();
  }

  ArrayAttr dimsAttr(BodyBuilder &body) {
    SmallVector<Attribute> attributes(body.dimArguments().begin(),
                                      body.dimArguments().end());
    return b.getArrayAttr(attributes);
  }

  /// Says what joined the kernel, and of what did not, why.
  void explain(const Group &group, kernel::FuncOp kernel) {
    if (!module.getContext()->getRemarkEngine())
      return;
    std::string text;
    llvm::raw_string_ostream os(text);
    auto list = [&](Operation *op) {
      os << op->getName().stripDialect();
      if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
        os << " '" << name.getName().getValue() << "'";
    };
    os << "@" << kernel.getSymName() << " computes ";
    llvm::interleaveComma(group.ops, os, list);
    DenseSet<Operation *> named(group.ops.begin(), group.ops.end());
    StringRef separator = "; outside: ";
    for (auto [op, why] : group.outside)
      if (named.insert(op).second) {
        os << separator;
        list(op);
        os << ", for " << why;
        separator = "; ";
      }
    remark::analysis(
        group.ops.back()->getLoc(),
        remark::RemarkOpts::name("fused").category("graph-to-kernel"))
        << text;
  }

  LogicalResult emit(Group &group) {
    Location loc =
        group.root ? group.root->getLoc() : group.ops.back()->getLoc();
    BodyBuilder body(module, loc, target);
    llvm::SetVector<Value> arguments;
    DenseSet<Value> computed;
    SmallVector<Operation *> packedOps;
    for (Operation *op : group.ops) {
      int index = packedIndex(op);
      for (OpOperand &operand : op->getOpOperands()) {
        Value v = operand.get();
        if (static_cast<int>(operand.getOperandNumber()) == index) {
          packedOps.push_back(op);
          continue;
        }
        if (computed.contains(v) ||
            (inlinesConstants(op) && isSplatConstant(v)))
          continue;
        arguments.insert(v);
      }
      computed.insert(op->getResult(0));
    }
    SmallVector<Value> operands;
    for (Value v : arguments) {
      body.addArgument(v, parts.forms.stridesOf(v));
      operands.push_back(get(v));
    }
    for (Operation *op : packedOps) {
      body.addPackedArgument(op, packed.lookup(op));
      operands.push_back(get(packed.lookup(op)));
    }
    for (Operation *op : group.ops)
      if (failed(lowerOp(body, op)))
        return failure();

    SmallVector<Value> results;
    SmallVector<Type> types;
    SmallVector<SmallVector<DimExprAttr>> strides;
    for (Value v : group.outputs) {
      results.push_back(body.get(v));
      // A grouped convolution computes its channels as two dims.
      types.push_back(graph::getTensorType(body.dimsOf(results.back()),
                                           typeOf(v).getElementType()));
      strides.push_back(kernel::Strides(parts.forms.stridesOf(v)));
    }
    kernel::FuncOp kernel = body.finish(group.family, results, strides);
    if (SmallVector<int64_t> pairs = findInplacePairs(kernel); !pairs.empty())
      kernel.setInplaceAttr(b.getDenseI64ArrayAttr(pairs));
    kernel = table.unique(kernel, describe(group));
    explain(group, kernel);
    auto dispatch =
        kernel::DispatchOp::create(b, loc, types, kernel.getSymName(), operands,
                                   dimsAttr(body), layerOf(group));
    for (auto [v, result] : llvm::zip(group.outputs, dispatch.getResults()))
      lowered[v] =
          result.getType() == v.getType()
              ? Value(result)
              : kernel::ViewOp::create(b, loc, v.getType(), result).getResult();
    return success();
  }

  /// A name from the family and the last operation: `conv_clamp`.
  static std::string describe(Group &group) {
    std::string name = kernel::stringifyFamily(group.family).str();
    Operation *last = group.ops.back();
    if (last != group.root)
      name += "_" + last->getName().stripDialect().str();
    return name;
  }

  StringAttr layerOf(Group &group) {
    std::string names;
    llvm::SmallSetVector<StringRef, 4> seen;
    for (Operation *op : group.ops)
      if (auto name = dyn_cast<NameLoc>(op->getLoc()))
        seen.insert(name.getName());
    for (StringRef name : seen) {
      if (names.size() > 80) {
        names += " ...";
        break;
      }
      names += (names.empty() ? "" : " + ") + name.str();
    }
    return names.empty() ? nullptr : b.getStringAttr(names);
  }
};

struct GraphToKernel : impl::GraphToKernelBase<GraphToKernel> {
  using GraphToKernelBase::GraphToKernelBase;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    KernelTable table(module);
    RecipeOutliner recipes(module);
    SmallVector<func::FuncOp> funcs;
    for (auto func : module.getOps<func::FuncOp>())
      if (!func.isExternal() &&
          !func->hasAttr(graph::GraphDialect::kRecipeAttr))
        funcs.push_back(func);
    for (func::FuncOp func : funcs)
      if (failed(FunctionLowering(module, func, table, recipes, target).run()))
        return signalPassFailure();
    // Without the attribute, kernels are the host's.
    if (target == KernelTarget::cuda)
      module->setAttr(kernel::KernelDialect::kTargetAttr,
                      StringAttr::get(&getContext(), "cuda"));
  }
};

} // namespace
} // namespace actnet
